import { AppError } from "@tapedeck/core";
import type { Caller, RouteHandlersFor } from "@tapedeck/core";
import type { JobService } from "../../jobs/contract.ts";
import type { SeriesReader } from "../../series/contract.ts";
import { stillRunning } from "../contract.ts";
import type { AnalyzeResult } from "../contract.ts";
import { analyzeAndWait } from "../await.ts";
import type { Figure } from "../kinds/fields.ts";
import type { Analytics, analyticsRoutes } from "./contract.ts";

export interface AnalyticsDeps {
  jobs: JobService;
  series: SeriesReader;
}

type IsShown = (figure: Figure, name: string) => boolean;

/** Which of an analysis' figures each address shows. */
const shown = {
  basic: () => true,
  volatility: ({ group }) => group === "Volatility",
  adf: ({ group }) => group === "Does the price return?",
  hedgeRatio: ({ group }, name) =>
    (group === "Hedge ratio" || name === "hedgeRatio") && name !== "returnCorrelation",
  spread: ({ group }) => group === "Spread",
  correlation: (_figure, name) => name === "returnCorrelation",
  spreadAdf: ({ group }) => group === "Tests",
} satisfies Record<string, IsShown>;

interface Range {
  timeframe: string;
  adjustment: string;
  from?: number | undefined;
  to?: number | undefined;
  asOf?: number | undefined;
}

const rangeOf = ({ from, to, ...rest }: Range) => ({ ...rest, fromMs: from, toMs: to });

function figuresOf(result: AnalyzeResult): Record<string, Figure> {
  if (result.kind === "summary")
    return Object.fromEntries(result.summary.map(({ name, ...figure }) => [name, figure]));
  if (result.kind === "statistics" || result.kind === "pairs") return result.figures;
  throw new AppError("internal", "This analysis has no figures to show.");
}

function viewOf(jobId: string, result: AnalyzeResult, isShown: IsShown): Analytics {
  const figures = figuresOf(result);
  const { timeframe, adjustment, asOfMs, bars, fromMs, toMs } = result as Extract<
    AnalyzeResult,
    { kind: "summary" | "statistics" | "pairs" }
  >;
  const instruments =
    result.kind === "pairs" ? [result.y, result.x] : [(result as { instrumentId: string }).instrumentId];
  return {
    jobId,
    instruments,
    timeframe,
    adjustment,
    asOfMs,
    bars,
    fromMs,
    toMs,
    figures: Object.fromEntries(Object.entries(figures).filter(([name, figure]) => isShown(figure, name))),
    notes: "notes" in result ? result.notes : [],
  };
}

async function answer(
  deps: AnalyticsDeps,
  caller: Caller,
  payload: Record<string, unknown>,
  isShown: IsShown,
): Promise<Analytics | Response> {
  const computed = await analyzeAndWait(deps, caller, payload);
  return "pending" in computed
    ? stillRunning(computed.pending)
    : viewOf(computed.jobId, computed.result, isShown);
}

async function ofInstrument(
  deps: AnalyticsDeps,
  caller: Caller,
  input: { params: { symbol: string }; query: Range },
  kind: "summary" | "statistics",
  isShown: IsShown,
): Promise<Analytics | Response> {
  const { instrumentId } = await deps.series.resolve(caller.tenantId, input.params.symbol);
  return answer(deps, caller, { kind, instrumentId, ...rangeOf(input.query) }, isShown);
}

async function ofPair(
  deps: AnalyticsDeps,
  caller: Caller,
  query: Range & { y: string; x: string },
  isShown: IsShown,
): Promise<Analytics | Response> {
  const { tenantId } = caller;
  const [y, x] = [await deps.series.resolve(tenantId, query.y), await deps.series.resolve(tenantId, query.x)];
  const pair = { y: y.instrumentId, x: x.instrumentId };
  return answer(deps, caller, { kind: "pairs", ...rangeOf(query), ...pair }, isShown);
}

export const analyticsRouteHandlers = {
  getBasicAnalytics: (deps, input, caller) => ofInstrument(deps, caller, input, "summary", shown.basic),
  getVolatility: (deps, input, caller) => ofInstrument(deps, caller, input, "statistics", shown.volatility),
  getAdf: (deps, input, caller) => ofInstrument(deps, caller, input, "statistics", shown.adf),
  getHedgeRatio: (deps, { query }, caller) => ofPair(deps, caller, query, shown.hedgeRatio),
  getSpread: (deps, { query }, caller) => ofPair(deps, caller, query, shown.spread),
  getPairCorrelation: (deps, { query }, caller) => ofPair(deps, caller, query, shown.correlation),
  getSpreadAdf: (deps, { query }, caller) => ofPair(deps, caller, query, shown.spreadAdf),
} satisfies RouteHandlersFor<typeof analyticsRoutes, AnalyticsDeps>;
