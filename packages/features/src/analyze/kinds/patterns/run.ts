import { findChartPatterns, findLevels, registry, runKernel } from "@tapedeck/quant";
import type { ChartPattern, Kernel, PatternLine, PriceLevel } from "@tapedeck/quant";
import type * as z from "zod";
import type { SeriesDataset } from "../../../series/contract.ts";
import { alignCloses, describeBars } from "../align.ts";
import { citeFigures, citeRowsOf, pace } from "../kind.ts";
import type { AnalysisInput, AnalysisKind } from "../kind.ts";
import type { CandleView, ChartPatternView, PatternsPayload, PatternsResult } from "./contract.ts";

const leastBars = 20;
const mostChartPatterns = 100;
const mostLevels = 20;
const steps = 4;
/** Bars before the searched ones that candlestick patterns may measure themselves by. */
const candleContext = 200;

type Candle = Omit<z.output<typeof CandleView>, "evidenceId">;

function candleKernels(): Kernel[] {
  return [...registry.values()].filter((kernel) => kernel.name.startsWith("cdl"));
}

/** Every candlestick pattern that ends in the newest `recentBars`. */
function findCandles({ columns, length }: SeriesDataset, recentBars: number): Candle[] {
  const first = Math.max(0, length - recentBars);
  const start = Math.max(0, first - candleContext);
  const byInput: Record<string, Float64Array> = {
    open: columns.open.subarray(start),
    high: columns.high.subarray(start),
    low: columns.low.subarray(start),
    close: columns.close.subarray(start),
  };
  const found: Candle[] = [];
  for (const kernel of candleKernels()) {
    const values = runKernel(
      kernel,
      kernel.inputs.map((name) => byInput[name]!),
    )[0]!;
    for (let i = first; i < length; i++) {
      const value = values[i - start]!;
      if (!Number.isFinite(value) || value === 0) continue;
      const { name, title, meaning } = kernel;
      found.push({ name, title, meaning, value, openMs: columns.openMs[i]!, closeMs: columns.closeMs[i]! });
    }
  }
  return found.toSorted((a, b) => a.openMs - b.openMs || (a.name < b.name ? -1 : 1));
}

function viewOf(
  pattern: ChartPattern,
  { openMs, closeMs }: SeriesDataset["columns"],
): Omit<z.output<typeof ChartPatternView>, "evidenceId"> {
  const line = (one: PatternLine) => ({
    fromMs: openMs[one.fromIndex]!,
    fromPrice: one.fromPrice,
    toMs: openMs[one.toIndex]!,
    toPrice: one.toPrice,
  });
  return {
    name: pattern.name,
    direction: pattern.direction,
    startMs: openMs[pattern.startIndex]!,
    endMs: openMs[pattern.endIndex]!,
    seenMs: closeMs[pattern.seenIndex]!,
    points: pattern.points.map(({ index, price, high }) => ({ atMs: openMs[index]!, price, high })),
    neckline: line(pattern.neckline),
    base: pattern.base === undefined ? null : line(pattern.base),
    target: pattern.target,
    fit: pattern.fit,
  };
}

/** The levels next to the last close; `levels` in order of nearness. */
async function citeNearest(
  input: AnalysisInput,
  levels: readonly PriceLevel[],
  close: number,
  atMs: number,
  call: string,
) {
  const { currency } = input.datasets[0]!.instrument;
  const draft = (side: PriceLevel["side"], label: string) => {
    const level = levels.find((one) => one.side === side);
    return {
      group: "Now",
      label,
      formula: `${call}: nearest ${side}`,
      value: level?.price ?? null,
      unit: currency,
      atMs,
      reading:
        level === undefined
          ? "none found"
          : `${((level.price / close - 1) * 100).toFixed(1)} % from the close, ${level.touches.length} turns`,
    };
  };
  return citeFigures(input, {
    close: {
      group: "Now",
      label: "Last close",
      formula: "close",
      value: close,
      unit: currency,
      atMs,
      reading: "the newest closed bar",
    },
    nearestSupport: draft("support", "Nearest support"),
    nearestResistance: draft("resistance", "Nearest resistance"),
  });
}

export const patterns: AnalysisKind<PatternsPayload, PatternsResult> = {
  instruments: ({ instrumentId }) => [instrumentId],

  async run(payload, input) {
    const dataset = input.datasets[0]!;
    const aligned = alignCloses([dataset], leastBars);
    const close = aligned.closes[0]!;
    const { minFit, minBars, maxBars, swing, minTouches } = payload;
    const found = findChartPatterns(close, { minFit, minBars, maxBars });
    await pace(input, 1, steps);
    const last = close.at(-1)!;
    const away = (level: PriceLevel) => Math.abs(Math.log(level.price / last));
    const levels = findLevels(close, { swing, minTouches }).toSorted((a, b) => away(a) - away(b));
    await pace(input, 2, steps);
    const candles = findCandles(dataset, payload.recentBars);
    await pace(input, 3, steps);

    const { instrumentId, currency } = dataset.instrument;
    const { openMs } = dataset.columns;
    const chartPatterns = await citeRowsOf(
      input,
      found.slice(-mostChartPatterns).map((one) => viewOf(one, dataset.columns)),
      (one) => ({
        formula: `${one.name}(closes of ${instrumentId}, fit ≥ ${minFit}, ${minBars} to ${maxBars} bars).target`,
        value: one.target,
        unit: currency,
        atMs: one.seenMs,
      }),
    );
    const citedCandles = await citeRowsOf(input, candles, (one) => ({
      formula: `${one.name}()`,
      value: one.value,
      unit: "series",
      atMs: one.closeMs,
    }));
    const call = `levels(closes of ${instrumentId}, swing ${swing}, ${minTouches} turns)`;
    const citedLevels = await citeRowsOf(
      input,
      levels.slice(0, mostLevels).map(({ touches, ...level }) => ({
        ...level,
        touches: touches.map(({ index, price, high }) => ({ atMs: openMs[index]!, price, high })),
      })),
      (level) => ({ formula: `${call}.price`, value: level.price, unit: currency }),
    );
    const described = await describeBars(input, aligned);
    const figures = await citeNearest(input, levels, last, described.toMs, call);
    await pace(input, steps, steps);
    return {
      kind: "patterns",
      ...described,
      seriesRef: null,
      notes: [
        "A chart pattern is known from the close of the bar at which it was seen, later than its shape; random walks show such shapes too.",
        "Levels are of the whole range, and are named support or resistance by the last close.",
      ],
      instrumentId,
      chartPatterns,
      chartPatternsLeftOut: Math.max(0, found.length - mostChartPatterns),
      candles: citedCandles,
      levels: citedLevels,
      figures,
    };
  },
};
