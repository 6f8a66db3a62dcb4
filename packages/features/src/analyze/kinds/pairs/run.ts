import { registry, runKernel } from "@tapedeck/quant";
import { alignCloses, describeBars } from "../align.ts";
import type { AlignedCloses } from "../align.ts";
import { citeFigures, pace } from "../kind.ts";
import type { AnalysisInput, AnalysisKind, FigureDraft } from "../kind.ts";
import type { PairsPayload, PairsResult } from "./contract.ts";
import { cointegrationFigures, hedgeFigures, reversionFigures, spreadFigures } from "./figures.ts";
import type { PairSeries } from "./figures.ts";
import { hedgesOf, kalmanStart } from "./hedge.ts";

/** Fewest common bars: the cointegration tests say little below. */
const leastBars = 60;
const steps = 4;

function rolling(name: "zscore" | "sma" | "stddev", series: Float64Array, window: number): Float64Array {
  const kernel = registry.get(name)!;
  const params = kernel.params.map((one, i) => (i === 0 ? window : one.name === "ddof" ? 1 : one.default));
  return runKernel(kernel, [series], params)[0]!;
}

/** Where the spread of the chosen method begins. */
function startOf({ hedge }: PairsPayload): number {
  return hedge === "kalman" ? kalmanStart : 0;
}

function seriesOf(payload: PairsPayload, input: AnalysisInput, aligned: AlignedCloses): PairSeries {
  const isLog = payload.prices === "log";
  const ids = input.datasets.map((one) => one.instrument.instrumentId) as [string, string];
  const closes = aligned.closes as [Float64Array, Float64Array];
  const levels: [Float64Array, Float64Array] = isLog
    ? [closes[0].map(Math.log), closes[1].map(Math.log)]
    : closes;
  const nameOf = (id: string) => (isLog ? `log(close["${id}"])` : `close["${id}"]`);
  const hedges = hedgesOf(...levels, payload.kalmanDelta);
  const { spread } = hedges.by[payload.hedge];
  return {
    ids,
    names: [nameOf(ids[0]), nameOf(ids[1])],
    unit: isLog ? "log price" : input.datasets[0]!.instrument.currency,
    closes,
    levels,
    hedges,
    zScore: rolling("zscore", spread, payload.zWindow),
    settled: spread.subarray(startOf(payload)),
    atMs: aligned.closeMs.at(-1)!,
  };
}

/** The spread with its bands, for a chart. */
async function storeSpread(
  { hedge, zWindow, entryZ }: PairsPayload,
  input: AnalysisInput,
  aligned: AlignedCloses,
  { closes, hedges, zScore }: PairSeries,
): Promise<string> {
  const { spread } = hedges.by[hedge];
  const mean = rolling("sma", spread, zWindow);
  const deviation = rolling("stddev", spread, zWindow);
  const band = (side: number) => mean.map((value, i) => value + side * entryZ * deviation[i]!);
  const columns = {
    y: closes[0],
    x: closes[1],
    spread,
    mean,
    upper: band(1),
    lower: band(-1),
    zScore,
    kalmanRatio: hedges.kalmanPath,
  };
  return input.storeColumns(
    aligned,
    Object.entries(columns).map(([formula, values]) => ({ formula, type: "series" as const, values })),
  );
}

export const pairs: AnalysisKind<PairsPayload, PairsResult> = {
  instruments: ({ y, x }) => [y, x],

  async run(payload, input) {
    const least = Math.max(leastBars, payload.zWindow) + startOf(payload);
    const aligned = alignCloses(input.datasets, least);
    const series = seriesOf(payload, input, aligned);
    await pace(input, 1, steps);
    const { drafts, cointegrated } = cointegrationFigures(payload, series);
    await pace(input, 2, steps);
    const reversion = reversionFigures(payload, series);
    await pace(input, 3, steps);
    const figures = await citeFigures(input, {
      ...spreadFigures(payload, series),
      ...hedgeFigures(series),
      ...drafts,
      ...reversion,
    } as Record<keyof PairsResult["figures"], FigureDraft>);
    const seriesRef = await storeSpread(payload, input, aligned, series);
    await pace(input, steps, steps);
    return {
      kind: "pairs",
      ...(await describeBars(input, aligned)),
      seriesRef,
      notes: notesOf(payload, cointegrated),
      y: series.ids[0],
      x: series.ids[1],
      hedge: payload.hedge,
      entryZ: payload.entryZ,
      figures,
      cointegrated,
    };
  },
};

function notesOf(payload: PairsPayload, cointegrated: boolean): string[] {
  const notes = [
    payload.hedge === "kalman"
      ? `The Kalman spread is the filter's prediction error: each value uses the bars before it alone, from bar ${kalmanStart + 1} on.`
      : "The hedge ratio is estimated on the whole range, so the early spread knows the later bars: read it, and fit anew inside a back test.",
    "The z-score compares the spread with its last bars, the current one among them.",
    "KPSS and variance ratio judge the spread as if it were observed; on a fitted one their p-values are rough. Engle–Granger's and Johansen's are not.",
  ];
  if (payload.adjustment === "raw")
    notes.push("Raw prices jump at splits and dividends, and the tests see the jumps.");
  if (!cointegrated)
    notes.push("The tests do not show that the spread returns: its bands are no reason to trade.");
  return notes;
}
