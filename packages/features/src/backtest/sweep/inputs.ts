import { AppError, timeframeMs } from "@tapedeck/core";
import type { JobContext } from "@tapedeck/core";
import type { Dataset } from "@tapedeck/formula";
import { gridPoint, gridSize, valuesAt } from "@tapedeck/trading";
import type { Parameter, ParameterValues } from "@tapedeck/trading";
import type { FormulaLibrary } from "../../indicators/contract.ts";
import type { SeriesDataset, SeriesReader } from "../../series/contract.ts";
import type { BacktestPayload, Strategy } from "../contract.ts";
import { compileStrategy } from "../domain.ts";
import type { StrategyModules } from "../modules/contract.ts";
import type { PortfolioBacktestPayload } from "../portfolio/contract.ts";
import { readDataset, recordInput, toFormulaData } from "../run.ts";
import type { SweepPayload } from "./contract.ts";
import { fillStrategy, takesProtection } from "./signals.ts";

export interface SearchDeps {
  series: SeriesReader;
  formulas: FormulaLibrary;
  strategies: StrategyModules;
}

type Searched = Pick<SweepPayload, "parameters">;
export type SingleSearch = BacktestPayload & Searched;
export type PortfolioSearch = PortfolioBacktestPayload & Searched;
export type SearchPayload = SingleSearch | PortfolioSearch;

export type SearchContext = Pick<JobContext, "tenantId" | "signal" | "input" | "seed">;

/** Bars that the simulator passes in the time in which the engine passes one. */
export const engineShare = 16;

/** The parameters of a payload as a search space. */
export function spaceOf(payload: Pick<SweepPayload, "parameters">): Parameter[] {
  return Object.entries(payload.parameters).map(([name, parameter]) => ({ name, ...parameter }));
}

/** Rules that can be opened whatever the combinations are: each is opened by itself later. */
export const anyRules: Extract<Strategy, { kind: "builtIn" }> = {
  kind: "builtIn",
  name: "buyAndHold",
  params: {},
};

/** Most values of texts, one with another, whose instruments are looked for. */
const mostTexts = 10_000;

/** Other instruments that the formulas of any combination read: texts may name them. Throws AppError `payload.invalid` for too many texts. */
export function symbolsOf(payload: SearchPayload): string[] {
  const space = spaceOf(payload);
  const first = valuesAt(space, new Float64Array(space.length));
  const texts = space.filter(
    (parameter) => "values" in parameter && parameter.values.some((value) => typeof value === "string"),
  );
  const count = gridSize(texts);
  if (count > mostTexts) {
    throw new AppError("payload.invalid", `The texts make ${count} combinations; at most ${mostTexts}.`);
  }
  const symbols = new Set<string>();
  for (let index = 0; index < count; index++) {
    const values = { ...first, ...valuesAt(texts, gridPoint(texts, index)) };
    for (const symbol of symbolsWith(payload, values)) symbols.add(symbol);
  }
  return [...symbols].sort();
}

/** None of a combination that cannot be run, such as a fast average above the slow one: it is told when it is tried. */
function symbolsWith({ strategy, timeframe }: SearchPayload, values: ParameterValues): readonly string[] {
  if (!takesProtection(strategy)) return [];
  try {
    return compileStrategy(fillStrategy(strategy, values), timeframeMs(timeframe)).symbols;
  } catch (error) {
    if (error instanceof AppError && isOfCombination(error)) return [];
    throw error;
  }
}

const isOfCombination = ({ code }: AppError) => code === "payload.invalid" || code === "formula.invalid";

/** The bars of other instruments by name, or why there are none. */
export async function readOthers(
  deps: SearchDeps,
  payload: SearchPayload,
  ctx: Pick<JobContext, "tenantId" | "signal" | "input">,
  symbols: readonly string[],
): Promise<Map<string, SeriesDataset | AppError>> {
  const others = new Map<string, SeriesDataset | AppError>();
  for (const symbol of symbols) {
    try {
      const other = await readDataset(deps, payload, ctx, symbol, undefined);
      recordInput(ctx, other);
      others.set(symbol, other);
    } catch (error) {
      if (!(error instanceof AppError) || !["data.missing", "symbol.unknown"].includes(error.code))
        throw error;
      others.set(symbol, error);
    }
  }
  return others;
}

/** Throws, for an instrument without bars, what reading them threw: so fails the combination that names it. */
export function resolverOf(others: ReadonlyMap<string, SeriesDataset | AppError>) {
  const data = new Map<string, Dataset>();
  for (const [symbol, other] of others)
    if (!(other instanceof AppError)) data.set(symbol, toFormulaData(other));
  return (symbol: string): Dataset | undefined => {
    const other = others.get(symbol);
    if (other instanceof AppError) throw other;
    return data.get(symbol);
  };
}
