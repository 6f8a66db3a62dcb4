import {
  correlation,
  engleGrangerTest,
  halfLifeOf,
  hurstOfLags,
  johansenTest,
  kpssTest,
  standardDeviation,
  varianceRatioTest,
} from "@tapedeck/quant/statistics/index";
import { logReturnsOf } from "../align.ts";
import type { FigureDraft } from "../kind.ts";
import type { HedgeMethod, PairsPayload, PairsResult } from "./contract.ts";
import type { Hedges } from "./hedge.ts";

/** What the figures are made from. */
export interface PairSeries {
  ids: readonly [y: string, x: string];
  /** As formulas have them. */
  names: readonly [y: string, x: string];
  /** Unit of y and of the spread. */
  unit: string;
  /** [n] closes, and the levels that the hedge is fitted to. */
  closes: readonly [y: Float64Array, x: Float64Array];
  levels: readonly [y: Float64Array, x: Float64Array];
  hedges: Hedges;
  /** [n] rolling z-score of the spread. */
  zScore: Float64Array;
  /** The spread without its beginning, where it has none. */
  settled: Float64Array;
  /** Close of the last bar. */
  atMs: number;
}

type Drafts = Partial<Record<keyof PairsResult["figures"], FigureDraft>>;

const inGroup =
  (group: string) =>
  (
    label: string,
    formula: string,
    value: number | null,
    unit: string,
    reading: string,
    atMs: number | null = null,
  ): FigureDraft => ({ group, label, formula, value, unit, reading, atMs });

function readingOfZ(z: number, entryZ: number, [y, x]: readonly [string, string]): string {
  if (!Number.isFinite(z)) return "not defined: the spread does not vary in the window";
  if (z >= entryZ) return `${y} is dear against ${x}: beyond the upper band`;
  if (z <= -entryZ) return `${y} is cheap against ${x}: beyond the lower band`;
  return "inside the bands";
}

function spreadText({ hedge }: PairsPayload, { names: [y, x] }: PairSeries): string {
  return `spread(${y}, ${x}, ${hedge})`;
}

export function spreadFigures(payload: PairsPayload, series: PairSeries): Drafts {
  const { hedge, zWindow, entryZ } = payload;
  const { unit, atMs, ids, settled, hedges } = series;
  const [y, x] = series.names;
  const { ratio, intercept, rSquared, spread } = hedges.by[hedge];
  const text = spreadText(payload, series);
  const [last, z] = [spread.at(-1)!, series.zScore.at(-1)!];
  const { halfLife } = halfLifeOf(settled);
  const figure = inGroup("Spread");
  return {
    hedgeRatio: figure("Hedge ratio", `${hedge}(${y}, ${x}).ratio`, ratio, "ratio", `as chosen: ${hedge}`),
    intercept: figure(
      "Intercept",
      `${hedge}(${y}, ${x}).intercept`,
      intercept,
      unit,
      "the level of the spread",
    ),
    rSquared: figure(
      "R²",
      `${hedge}(${y}, ${x}).rSquared`,
      rSquared,
      "fraction",
      "share of y's variation that x explains; high for any two series that trend",
    ),
    spread: figure(
      "Spread at the last bar",
      text,
      last,
      unit,
      last > 0 ? "above its fitted level" : "below its fitted level",
      atMs,
    ),
    zScore: figure(
      `z-score over ${zWindow} bars`,
      `zscore(${text}, ${zWindow})`,
      z,
      "deviations",
      readingOfZ(z, entryZ, ids),
      atMs,
    ),
    spreadDeviation: figure(
      "Deviation of the spread",
      `sd(${text}), ddof 1`,
      standardDeviation(settled, 1),
      unit,
      "over the whole range",
    ),
    halfLife: figure(
      "Half-life",
      `-ln 2 / ln(1 + λ), λ of Δs = a + λ s(-1), s = ${text}`,
      halfLife,
      "bars",
      halfLife === null ? "the spread does not revert" : "half of a gap closes in so many",
    ),
  };
}

export function hedgeFigures({ names: [y, x], ids, hedges, closes, atMs }: PairSeries): Drafts {
  const figure = inGroup("Hedge ratio");
  const by = (label: string, method: HedgeMethod, reading: string, at: number | null = null) =>
    figure(label, `${method}(${y}, ${x}).ratio`, hedges.by[method].ratio, "ratio", reading, at);
  return {
    olsRatio: by("Least squares", "ols", "least squared errors of y"),
    huberRatio: by("Huber", "huber", "far values weigh less"),
    totalLeastSquaresRatio: by("Total least squares", "totalLeastSquares", "errors in y and x alike"),
    kalmanRatio: by("Kalman filter", "kalman", "at the last bar, from the past alone", atMs),
    returnCorrelation: figure(
      "Correlation of returns",
      `correlation of the log returns of ${ids[0]} and ${ids[1]}`,
      correlation(logReturnsOf(closes[0]), logReturnsOf(closes[1])),
      "correlation",
      "moving together bar by bar is not cointegration",
    ),
  };
}

/** Whether the two hold together: tests of their levels. */
export function cointegrationFigures(
  { terms }: PairsPayload,
  { levels: [y, x], names, ids }: PairSeries,
): { drafts: Drafts; cointegrated: boolean } {
  const engleGranger = engleGrangerTest(y, x, { terms });
  const johansen = johansenTest([y, x], 0, 1);
  const [trace, critical] = [johansen.trace[0]!, johansen.traceCritical[0]![1]];
  const call = `engleGranger(${names.join(", ")}, ${terms}, aic)`;
  const cointegrated = engleGranger.p < 0.05;
  const figure = inGroup("Tests");
  return {
    cointegrated,
    drafts: {
      engleGranger: figure(
        "Engle–Granger statistic",
        `${call}.statistic`,
        engleGranger.statistic,
        "t",
        `${engleGranger.lags} lags by AIC; y = ${ids[0]}`,
      ),
      engleGrangerP: figure(
        "Engle–Granger p",
        `${call}.p`,
        engleGranger.p,
        "probability",
        cointegrated ? "cointegrated at 5 %" : "no evidence of cointegration at 5 %",
      ),
      engleGrangerCritical5: figure(
        "Engle–Granger 5 % point",
        `MacKinnon 2010, two variables, ${terms}, ${y.length - 1} observations`,
        engleGranger.critical?.fivePercent ?? null,
        "t",
        engleGranger.critical === null ? "not tabled without a constant" : "the statistic must lie below it",
      ),
      johansenTrace: figure(
        "Johansen trace, no relation",
        `johansen([${names.join(", ")}], constant, 1 lag).trace[0]`,
        trace,
        "statistic",
        trace > critical ? "at least one relation at 95 %" : "no relation found at 95 %",
      ),
      johansenTraceCritical95: figure(
        "Johansen trace, 95 % point",
        "johansen critical values, constant, two series",
        critical,
        "statistic",
        "the statistic must lie above it",
      ),
    },
  };
}

/** Whether the spread returns: tests of it as of an observed series. */
export function reversionFigures(payload: PairsPayload, series: PairSeries): Drafts {
  const { varianceHorizon } = payload;
  const { settled } = series;
  const text = spreadText(payload, series);
  const kpss = kpssTest(settled, "c", "auto");
  const ratio = varianceRatioTest(settled, varianceHorizon);
  const hurst = hurstOfLags(settled).slope;
  const judged = (p: number, below: string, above: string) => (p < 0.05 ? below : above);
  const figure = inGroup("Tests");
  return {
    kpss: figure(
      "KPSS of the spread",
      `kpss(${text}, c, auto).statistic`,
      kpss.statistic,
      "statistic",
      `${kpss.lags} lags`,
    ),
    kpssP: figure(
      "KPSS p",
      `kpss(${text}, c, auto).p, cut to [0.01, 0.1]`,
      kpss.p,
      "probability",
      judged(kpss.p, "stationarity is refused at 5 %", "stationarity is not refused at 5 %"),
    ),
    varianceRatio: figure(
      `Variance ratio over ${varianceHorizon} bars`,
      `varianceRatio(${text}, ${varianceHorizon}).ratio`,
      ratio.ratio,
      "ratio",
      ratio.ratio < 1 ? "below 1: it reverts" : "1 or above: it drifts",
    ),
    varianceRatioP: figure(
      "Variance ratio p",
      `varianceRatio(${text}, ${varianceHorizon}).p`,
      ratio.p,
      "probability",
      judged(ratio.p, "not a random walk at 5 %", "a random walk is not refused at 5 %"),
    ),
    hurst: figure(
      "Hurst exponent of the spread",
      `slope of ln sd(s[t+k] - s[t]) on ln k, s = ${text}`,
      hurst,
      "exponent",
      hurst < 0.5 ? "below 0.5: it reverts" : "0.5 or above: it does not revert",
    ),
  };
}
