import { createPool } from "@tapedeck/quant";
import { bindFormula } from "./bind.ts";
import type { Dataset } from "./dataset.ts";
import { FormulaError } from "./error.ts";
import { parseFormula } from "./parse.ts";
import { advanceAll, datasetWorld } from "./world.ts";

/** Free columns kept for later: more than a few formulas ask for at once. */
const freeColumns = 64;

/**
 * Conditions with these numbers in their holes: a column a condition, `[bars]`: 1 true, 0 false, 2 undefined; read only, and good until
 * the next call of any template of the search. Throws FormulaError, or MissingInstrumentError.
 */
export type ConditionTemplate = (values: Readonly<Record<string, number | string>>) => Uint8Array[];

/** Evaluates conditions over one dataset again and again, with other numbers each time. */
export interface ConditionSearch {
  /** Parses conditions with holes, such as `close > sma(close, {n})`. Throws FormulaError. */
  prepare(texts: readonly string[]): ConditionTemplate;
}

/**
 * What one call has computed another finds, whatever template asked for it: `sma(close, 20)` is computed once for all combinations that
 * name it. About `maxBytes` of columns are kept, those that were asked for last.
 */
export function createConditionSearch(data: Dataset, maxBytes: number): ConditionSearch {
  const { graph, ...clocks } = datasetWorld(data, createPool(freeColumns));
  const { timeframeMs } = data;
  return {
    prepare(texts) {
      const formulas = texts.map(parseFormula);
      return (values) => {
        const bound = formulas.map((ast) => bindFormula(ast, { timeframeMs, values }).root);
        graph.shrink(maxBytes);
        const { calls } = graph;
        const nodes = bound.map((b) => graph.node(b));
        advanceAll({ graph, ...clocks });
        // A condition costs less than fresh memory for it: those of the last call alone are kept.
        graph.forgetConditions(calls);
        return nodes.map(({ column }, k) => {
          if (column instanceof Uint8Array) return column;
          throw new FormulaError("expected a condition, not a number: compare it", 1, texts[k]!.length);
        });
      };
    },
  };
}
