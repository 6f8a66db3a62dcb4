import * as z from "zod";
import { BacktestTrade, Statistics } from "../../contract.ts";

const Ratio = z.number().nullable();

/** Bar returns of the run against those of buy and hold, both less the risk-free rate. Annual where the name is of a rate. */
export const RelativeFigures = z.object({
  /** Intercept of the regression on the benchmark × bars a year. */
  alpha: Ratio,
  alphaTStatistic: Ratio,
  beta: Ratio,
  correlation: Ratio,
  /** Standard deviation (ddof 1) of the difference × sqrt(bars a year). */
  trackingError: Ratio,
  /** Mean difference / its standard deviation × sqrt(bars a year). */
  informationRatio: Ratio,
  /** Mean return over the bars on which the benchmark rose (fell) / the benchmark's own mean there. */
  upCapture: Ratio,
  downCapture: Ratio,
});
export type RelativeFigures = z.output<typeof RelativeFigures>;

/** What the ratio of the run is worth by itself, had nothing else been tried. */
export const InferenceFigures = z.object({
  sharpePerBar: Ratio,
  /** Probability that the true Sharpe ratio is above zero. */
  probabilisticSharpe: Ratio,
  /** Bars after which it would be, with 95 %. */
  minimumTrackRecordBars: Ratio,
});
export type InferenceFigures = z.output<typeof InferenceFigures>;

export const CapacityFigures = z.object({
  /** Initial cash with which the fill at the 95th percentile takes `volumeShare` of its bar; null without volumes. */
  cash: Ratio,
  volumeShare: z.number(),
  /** Share of their bars' volumes that fills took: median, 95th percentile, largest. */
  medianShare: Ratio,
  highShare: Ratio,
  largestShare: Ratio,
  /** Fills in bars that state a volume. */
  fills: z.int(),
});
export type CapacityFigures = z.output<typeof CapacityFigures>;

export const YearRow = z.object({
  year: z.int(),
  /** January to December, fractions; null where the run has no bar. */
  months: z.array(Ratio).length(12),
  total: z.number(),
});
export type YearRow = z.output<typeof YearRow>;

export const RollingSharpe = z.object({
  windowBars: z.int(),
  atMs: z.array(z.int()),
  strategy: z.array(Ratio),
  benchmark: z.array(Ratio),
});
export type RollingSharpe = z.output<typeof RollingSharpe>;

export const regimeNames = ["risingCalm", "risingTurbulent", "fallingCalm", "fallingTurbulent"] as const;

/** Bars that followed a close at which the market was in one state. */
export const RegimeRow = z.object({
  name: z.enum(regimeNames),
  bars: z.int(),
  share: z.number(),
  totalReturn: z.number(),
  benchmarkReturn: z.number(),
  sharpe: Ratio,
  benchmarkSharpe: Ratio,
});
export type RegimeRow = z.output<typeof RegimeRow>;

export const DrawdownRow = z.object({
  /** Null: the start of the run. */
  peakMs: z.int().nullable(),
  troughMs: z.int(),
  /** Null while it lasts. */
  recoveryMs: z.int().nullable(),
  depth: z.number(),
  bars: z.int(),
});
export type DrawdownRow = z.output<typeof DrawdownRow>;

/** What a run says besides its statistics; computed once, stored with it. Ratios are fractions. */
export const RunReport = z
  .object({
    inference: InferenceFigures,
    relative: RelativeFigures,
    capacity: CapacityFigures,
    best: z.array(BacktestTrade),
    worst: z.array(BacktestTrade),
    years: z.array(YearRow),
    rolling: RollingSharpe.nullable(),
    regimes: z.array(RegimeRow),
    drawdowns: z.array(DrawdownRow),
    /** Evidence of each figure, by JSON pointer into this report. */
    evidence: z.record(z.string(), z.string()),
  })
  .meta({ id: "RunReport" });
export type RunReport = z.output<typeof RunReport>;

/** A run that is not stored by itself: the best of a search, the tests of a walk-forward one after the other. */
export const RunFigures = z
  .object({ statistics: Statistics, benchmark: Statistics, report: RunReport.omit({ evidence: true }) })
  .meta({ id: "RunFigures" });
export type RunFigures = z.output<typeof RunFigures>;
