import {
  bootstrap,
  deflatedSharpe,
  minimumTrackRecord,
  performanceOf,
  probabilisticSharpe,
  relativePerformance,
  stationaryIndices,
} from "@tapedeck/quant/risk/index";
import type { Performance } from "@tapedeck/quant/risk/index";
import { mean, standardDeviation } from "@tapedeck/quant/statistics/index";
import type { FigureDraft } from "../kind.ts";
import type { RiskPayload, RiskResult } from "./contract.ts";

type Names = keyof RiskResult["figures"];
type Draft = readonly [label: string, unit: string, value: number | null, reading: string];

const noVariation = "not defined: the returns do not vary";

const percentOf = (share: number) => `${Number((share * 100).toFixed(4))} %`;

/** Mean block of the bootstrap: long enough to keep what neighbouring returns share. */
const blockOf = (n: number) => Math.max(1, Math.round(n ** (1 / 3)));

/** Most returns that are resampled: the work of the intervals grows with their square. */
const mostResampled = 20_000;

interface Intervals {
  sharpe: readonly [number | null, number | null];
  yearly: readonly [number | null, number | null];
  reading: string;
}

/** Values of the true Sharpe ratio and yearly return that resampled histories make plausible. */
function intervalsOf(
  returns: Float64Array,
  payload: RiskPayload,
  perYear: number,
  random: () => number,
): Intervals {
  if (returns.length > mostResampled) {
    const reading = `not made of more than ${mostResampled} returns; take a longer timeframe or a shorter range`;
    return { sharpe: [null, null], yearly: [null, null], reading };
  }
  const indices = stationaryIndices(returns.length, payload.replications, blockOf(returns.length), random);
  const interval = (statistic: (x: Float64Array) => number) => {
    const { bca, percentile } = bootstrap(returns, indices, statistic, payload.confidence);
    return bca ?? percentile;
  };
  const sharpe = (x: Float64Array) => {
    const deviation = standardDeviation(x);
    return deviation > 0 ? (mean(x) / deviation) * Math.sqrt(perYear) : 0;
  };
  return {
    sharpe: interval(sharpe),
    yearly: interval((x) => mean(x) * perYear),
    reading: `bootstrap of blocks, ${payload.replications} resamples, ${percentOf(payload.confidence)}`,
  };
}

function performanceDrafts(p: Performance): Record<string, readonly [group: string, ...Draft]> {
  const ratio = (value: number | null, reading: string): readonly [string, number | null, string] => [
    "ratio",
    value,
    value === null ? noVariation : reading,
  ];
  return {
    totalReturn: ["Return", "Total return", "fraction", p.totalReturn, "compounded"],
    cagr: ["Return", "A year, compounded", "fraction", p.cagr, "the constant rate with the same end"],
    volatility: ["Return", "Volatility a year", "fraction", p.volatilityAnnual, "sample deviation"],
    best: ["Return", "Best bar", "fraction", p.best, "highest return"],
    worst: ["Return", "Worst bar", "fraction", p.worst, "lowest return"],
    positiveShare: ["Return", "Bars up", "fraction", p.positiveShare, "share of returns above 0"],
    sharpe: ["Ratios", "Sharpe ratio", ...ratio(p.sharpe, "a year, risk-free rate 0")],
    sortino: ["Ratios", "Sortino ratio", ...ratio(p.sortino, "return over downside deviation")],
    calmar: ["Ratios", "Calmar ratio", ...ratio(p.calmar, "yearly return over the largest drawdown")],
    omega: ["Ratios", "Omega ratio", ...ratio(p.omega, "gains over losses")],
    maxDrawdown: [
      "Drawdown",
      "Largest drawdown",
      "fraction",
      p.maxDrawdown,
      "from a peak to the lowest after it",
    ],
    averageDrawdown: ["Drawdown", "Average drawdown", "fraction", p.averageDrawdown, "mean over all bars"],
    longestUnderwater: [
      "Drawdown",
      "Longest under water",
      "bars",
      p.longestUnderwater,
      "from a peak until it is reached again",
    ],
    ulcerIndex: ["Drawdown", "Ulcer index", "fraction", p.ulcerIndex, "root of the mean squared drawdown"],
    tailRatio: ["Shape", "Tail ratio", ...ratio(p.tailRatio, "95 % quantile over the 5 % one")],
    skew: [
      "Shape",
      "Skewness",
      "number",
      p.skew,
      p.skew === null ? noVariation : p.skew < 0 ? "the far tail is of losses" : "the far tail is of gains",
    ],
    excessKurtosis: [
      "Shape",
      "Excess kurtosis",
      "number",
      p.excessKurtosis,
      p.excessKurtosis === null
        ? noVariation
        : p.excessKurtosis > 0
          ? "fatter tails than the normal"
          : "thinner tails than the normal",
    ],
  };
}

/** Whether the Sharpe ratio is more than luck. */
function inferenceDrafts(
  p: Performance,
  payload: RiskPayload,
): Record<string, readonly [group: string, ...Draft]> {
  const { trials } = payload;
  if (p.sharpePerPeriod === null || p.skew === null || p.excessKurtosis === null) {
    const absent = (label: string, unit: string) => ["Is it luck?", label, unit, null, noVariation] as const;
    return {
      probabilisticSharpe: absent("Probability that the Sharpe ratio is above 0", "probability"),
      deflatedSharpe: absent("The same after all trials", "probability"),
      minimumTrackRecord: absent("Bars needed to tell", "bars"),
    };
  }
  const sample = {
    sharpe: p.sharpePerPeriod,
    n: p.n,
    skew: p.skew,
    kurtosis: p.excessKurtosis + 3,
  };
  const luck = "Is it luck?";
  const isPositive = sample.sharpe > 0;
  return {
    probabilisticSharpe: [
      luck,
      "Probability that the Sharpe ratio is above 0",
      "probability",
      probabilisticSharpe(sample),
      "skew and fat tails are counted in",
    ],
    deflatedSharpe: [
      luck,
      "The same after all trials",
      "probability",
      trials === 1 ? probabilisticSharpe(sample) : deflatedSharpe(sample, 1 / (p.n - 1), trials),
      trials === 1
        ? "one trial: nothing to take off; say in `trials` how many there were"
        : `against the best of ${trials} trials without skill`,
    ],
    minimumTrackRecord: [
      luck,
      "Bars needed to tell",
      "bars",
      isPositive ? Math.ceil(minimumTrackRecord(sample, 0, payload.confidence)) : null,
      isPositive
        ? `for ${percentOf(payload.confidence)} confidence; there are ${p.n}`
        : "not defined: the Sharpe ratio is not above 0",
    ],
  };
}

function asFigures(
  drafts: Record<string, readonly [group: string, ...Draft]>,
  formulaOf: (name: string) => string,
): Record<string, FigureDraft> {
  return Object.fromEntries(
    Object.entries(drafts).map(([name, [group, label, unit, value, reading]]) => [
      name,
      { group, label, unit, value, reading, formula: formulaOf(name) },
    ]),
  );
}

export function riskFigures(
  returns: Float64Array,
  payload: RiskPayload,
  perYear: number,
  random: () => number,
  of: string,
): { drafts: Record<Names, FigureDraft>; performance: Performance } {
  const performance = performanceOf(returns, perYear);
  const { sharpe, yearly, reading } = intervalsOf(returns, payload, perYear, random);
  const drafts = asFigures(
    {
      ...performanceDrafts(performance),
      ...inferenceDrafts(performance, payload),
      sharpeLow: ["Is it luck?", "Sharpe ratio, lower bound", "ratio", sharpe[0], reading],
      sharpeHigh: ["Is it luck?", "Sharpe ratio, upper bound", "ratio", sharpe[1], reading],
      returnLow: ["Is it luck?", "Mean return a year, lower bound", "fraction", yearly[0], reading],
      returnHigh: ["Is it luck?", "Mean return a year, upper bound", "fraction", yearly[1], reading],
    },
    (name) => `performance(returns of ${of}, ${perYear} bars a year).${name}`,
  );
  return { drafts: drafts as Record<Names, FigureDraft>, performance };
}

export function relativeFigures(
  returns: Float64Array,
  benchmark: Float64Array,
  perYear: number,
  of: string,
  benchmarkId: string,
): Record<string, FigureDraft> {
  const r = relativePerformance(returns, benchmark, perYear);
  const group = `Against ${benchmarkId}`;
  return asFigures(
    {
      beta: [group, "Beta", "ratio", r.beta, "return for each 1 of the benchmark's"],
      alphaAnnual: [group, "Alpha a year", "fraction", r.alphaAnnual, "what beta does not explain"],
      alphaTStat: [
        group,
        "t of alpha",
        "t",
        r.alphaTStat,
        r.alphaTStat !== null && Math.abs(r.alphaTStat) > 2 ? "unlikely to be chance" : "may be chance",
      ],
      correlation: [group, "Correlation", "correlation", r.correlation, "of the returns"],
      trackingErrorAnnual: [
        group,
        "Tracking error a year",
        "fraction",
        r.trackingErrorAnnual,
        "deviation of the difference",
      ],
      informationRatio: [
        group,
        "Information ratio",
        "ratio",
        r.informationRatio,
        "excess return over tracking error",
      ],
      upCapture: [group, "Up capture", "ratio", r.upCapture, "share of the benchmark's rises"],
      downCapture: [group, "Down capture", "ratio", r.downCapture, "share of the benchmark's falls"],
    },
    (name) => `relative(returns of ${of}, returns of ${benchmarkId}).${name}`,
  );
}
