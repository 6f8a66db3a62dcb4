import type { Kernel } from "@tapedeck/quant";
import type { Ast } from "./ast.ts";
import { bindFormula } from "./bind.ts";
import { FormulaError } from "./error.ts";
import { formatFormula } from "./format.ts";
import type { ValueType } from "./functions.ts";
import { parseFormula } from "./parse.ts";

export interface CheckOptions {
  /** Allow kernels that look ahead: for charts only. */
  readonly allowLookAhead?: boolean;
  /** Length of the data's bars in ms: checks timeframes and counts their warm-up in these bars. */
  readonly timeframeMs?: number;
  /** Kernels by name; the registry where none are given. */
  readonly kernels?: ReadonlyMap<string, Kernel>;
  /** What the formula must be. A number also passes as a series. */
  readonly expect?: "series" | "condition";
}

export interface CheckedFormula {
  readonly type: ValueType;
  /**
   * Bars before the first value. A higher timeframe counts at most this many bars of the data where `timeframeMs`
   * is given, else its own bars.
   */
  readonly warmup: number;
  /** Other instruments that the formula reads. */
  readonly instruments: readonly string[];
  /** Outputs of the indicator that the formula is, or ["value"]. */
  readonly outputs: readonly string[];
  /** Canonical text. */
  readonly text: string;
  readonly lookAhead: boolean;
}

/** Checks a formula before it runs. Throws FormulaError at the place of the fault. */
export function checkFormula(formula: string | Ast, options: CheckOptions = {}): CheckedFormula {
  const ast = typeof formula === "string" ? parseFormula(formula) : formula;
  const { root, instruments, outputs, lookAhead } = bindFormula(ast, options);
  if (options.expect === "condition" && root.type !== "condition") {
    throw new FormulaError(
      `expected a condition, not a ${root.type}: compare it, as in x > 0`,
      1,
      ast.text.length,
    );
  }
  if (options.expect === "series" && root.type === "condition") {
    throw new FormulaError("expected a series, not a condition: use if(condition, 1, 0)", 1, ast.text.length);
  }
  return { type: root.type, warmup: root.warmup, instruments, outputs, text: formatFormula(ast), lookAhead };
}
