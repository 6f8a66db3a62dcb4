import { registry, runKernel } from "@tapedeck/quant";
import {
  correlation,
  engleGrangerTest,
  halfLifeOf,
  hurstOfLags,
  huberRegression,
  johansenTest,
  kalmanRegression,
  kpssTest,
  ols,
  standardDeviation,
  totalLeastSquares,
  varianceRatioTest,
} from "@tapedeck/quant/statistics/index";
import { alignCloses, describeBars, logReturnsOf } from "../align.ts";
import { citeFigures, pace } from "../kind.ts";
import type { AnalysisKind, FigureDraft } from "../kind.ts";
import type { HedgeMethod, PairsPayload, PairsResult } from "./contract.ts";

/** Fewest common bars: the cointegration tests say little below. */
const leastBars = 60;
/** Bars in which the Kalman filter finds its way from a state of zero; they have no spread. */
const kalmanStart = 30;
const steps = 4;

interface Hedge {
  ratio: number;
  intercept: number;
  rSquared: number;
  /** [n]; NaN where the filter has just begun. */
  spread: Float64Array;
}

function residualsOf(y: Float64Array, x: Float64Array, ratio: number, intercept: number): Float64Array {
  return y.map((value, i) => value - ratio * x[i]! - intercept);
}

function rSquaredOf(y: Float64Array, spread: Float64Array): number {
  const variation = standardDeviation(y, 0) ** 2 * y.length;
  return 1 - spread.reduce((sum, value) => sum + value * value, 0) / variation;
}

/** The spread of a line is its residual; that of the filter its prediction error, made from the past alone. */
function hedgesOf(
  y: Float64Array,
  x: Float64Array,
  payload: PairsPayload,
): Record<HedgeMethod, Hedge> & { kalmanPath: Float64Array } {
  const line = (ratio: number, intercept: number): Hedge => {
    const spread = residualsOf(y, x, ratio, intercept);
    return { ratio, intercept, rSquared: rSquaredOf(y, spread), spread };
  };
  const [a, b] = ols(y, [x]).coefficients as unknown as [number, number];
  const [robustA, robustB] = huberRegression(y, [x]).coefficients as unknown as [number, number];
  const total = totalLeastSquares(y, x);
  const filter = kalmanRegression(y, x, {
    delta: payload.kalmanDelta,
    observationVariance: 1e-3,
    p0: 1,
  });
  return {
    ols: line(b, a),
    huber: line(robustB, robustA),
    totalLeastSquares: line(total.slope, total.intercept),
    kalman: {
      ratio: filter.beta.at(-1)!,
      intercept: filter.alpha.at(-1)!,
      rSquared: rSquaredOf(y.subarray(kalmanStart), filter.innovation.subarray(kalmanStart)),
      spread: filter.innovation.map((value, i) => (i < kalmanStart ? Number.NaN : value)),
    },
    kalmanPath: filter.beta,
  };
}

function rolling(name: "zscore" | "sma" | "stddev", series: Float64Array, window: number): Float64Array {
  const kernel = registry.get(name)!;
  const params = kernel.params.map((one, i) => (i === 0 ? window : one.name === "ddof" ? 1 : one.default));
  return runKernel(kernel, [series], params)[0]!;
}

function readingOfZ(z: number, entryZ: number, y: string, x: string): string {
  if (!Number.isFinite(z)) return "not defined: the window holds too few bars, or the spread does not vary";
  if (z >= entryZ) return `${y} is dear against ${x}: beyond the upper band`;
  if (z <= -entryZ) return `${y} is cheap against ${x}: beyond the lower band`;
  return "inside the bands";
}

export const pairs: AnalysisKind<PairsPayload, PairsResult> = {
  instruments: ({ y, x }) => [y, x],

  async run(payload, input) {
    const start = payload.hedge === "kalman" ? kalmanStart : 0;
    const aligned = alignCloses(input.datasets, Math.max(leastBars, payload.zWindow) + start);
    const [yId, xId] = input.datasets.map((one) => one.instrument.instrumentId) as [string, string];
    const isLog = payload.prices === "log";
    const [y, x] = aligned.closes.map((series) => (isLog ? series.map(Math.log) : series)) as [
      Float64Array,
      Float64Array,
    ];
    const [nameY, nameX] = [yId, xId].map((id) => (isLog ? `log(close["${id}"])` : `close["${id}"]`)) as [
      string,
      string,
    ];

    const unitY = isLog ? "log price" : input.datasets[0]!.instrument.currency;
    const hedges = hedgesOf(y, x, payload);
    const { intercept, rSquared, spread } = hedges[payload.hedge];
    await pace(input, 1, steps);
    const engleGranger = engleGrangerTest(y, x, { terms: payload.terms });
    await pace(input, 2, steps);
    const johansen = johansenTest([y, x], 0, 1);
    const settled = spread.subarray(start);
    const kpss = kpssTest(settled, "c", "auto");
    const halfLife = halfLifeOf(settled);
    const ratioTest = varianceRatioTest(settled, payload.varianceHorizon);
    const hurst = hurstOfLags(settled);
    await pace(input, 3, steps);

    const { zWindow, entryZ } = payload;
    const z = rolling("zscore", spread, zWindow);
    const mean = rolling("sma", spread, zWindow);
    const deviation = rolling("stddev", spread, zWindow);
    const band = (side: number) => mean.map((value, i) => value + side * entryZ * deviation[i]!);
    const described = await describeBars(input, aligned);
    const atMs = described.toMs;
    const series = (formula: string, values: Float64Array) => ({ formula, type: "series" as const, values });
    const seriesRef = await input.storeColumns(aligned, [
      series("y", aligned.closes[0]!),
      series("x", aligned.closes[1]!),
      series("spread", spread),
      series("mean", mean),
      series("upper", band(1)),
      series("lower", band(-1)),
      series("zScore", z),
      series("kalmanRatio", hedges.kalmanPath),
    ]);

    const spreadText = `spread(${nameY}, ${nameX}, ${payload.hedge})`;
    const cointegrated = engleGranger.p < 0.05;
    const p = (value: number, below: string, above: string) => (value < 0.05 ? below : above);
    const hedgeFigure = (label: string, method: HedgeMethod, reading: string): FigureDraft => ({
      group: "Hedge ratio",
      label,
      formula: `${method}(${nameY}, ${nameX}).ratio`,
      value: hedges[method].ratio,
      unit: "ratio",
      reading,
      ...(method === "kalman" ? { atMs } : {}),
    });
    const lastZ = z.at(-1)!;
    const figures = await citeFigures(input, {
      hedgeRatio: {
        ...hedgeFigure("Hedge ratio", payload.hedge, `as chosen: ${payload.hedge}`),
        group: "Spread",
      },
      intercept: {
        group: "Spread",
        label: "Intercept",
        formula: `${payload.hedge}(${nameY}, ${nameX}).intercept`,
        value: intercept,
        unit: unitY,
        reading: "the level of the spread",
      },
      rSquared: {
        group: "Spread",
        label: "R²",
        formula: `${payload.hedge}(${nameY}, ${nameX}).rSquared`,
        value: rSquared,
        unit: "fraction",
        reading: "share of y's variation that x explains; high for any two series that trend",
      },
      spread: {
        group: "Spread",
        label: "Spread at the last bar",
        formula: spreadText,
        value: spread.at(-1)!,
        unit: unitY,
        atMs,
        reading: spread.at(-1)! > 0 ? "above its fitted level" : "below its fitted level",
      },
      zScore: {
        group: "Spread",
        label: `z-score over ${zWindow} bars`,
        formula: `zscore(${spreadText}, ${zWindow})`,
        value: lastZ,
        unit: "deviations",
        atMs,
        reading: readingOfZ(lastZ, entryZ, yId, xId),
      },
      spreadDeviation: {
        group: "Spread",
        label: "Deviation of the spread",
        formula: `sd(${spreadText}), ddof 1`,
        value: standardDeviation(settled, 1),
        unit: unitY,
        reading: "over the whole range",
      },
      halfLife: {
        group: "Spread",
        label: "Half-life",
        formula: `-ln 2 / ln(1 + λ), λ of Δs = a + λ s(-1), s = ${spreadText}`,
        value: halfLife.halfLife,
        unit: "bars",
        reading:
          halfLife.halfLife === null ? "the spread does not revert" : "half of a gap closes in so many",
      },
      olsRatio: hedgeFigure("Least squares", "ols", "least squared errors of y"),
      huberRatio: hedgeFigure("Huber", "huber", "far values weigh less"),
      totalLeastSquaresRatio: hedgeFigure(
        "Total least squares",
        "totalLeastSquares",
        "errors in y and x alike",
      ),
      kalmanRatio: hedgeFigure("Kalman filter", "kalman", "at the last bar, from the past alone"),
      returnCorrelation: {
        group: "Hedge ratio",
        label: "Correlation of returns",
        formula: `correlation of the log returns of ${yId} and ${xId}`,
        value: correlation(logReturnsOf(aligned.closes[0]!), logReturnsOf(aligned.closes[1]!)),
        unit: "correlation",
        reading: "moving together bar by bar is not cointegration",
      },
      engleGranger: {
        group: "Tests",
        label: "Engle–Granger statistic",
        formula: `engleGranger(${nameY}, ${nameX}, ${payload.terms}, aic).statistic`,
        value: engleGranger.statistic,
        unit: "t",
        reading: `${engleGranger.lags} lags by AIC; y = ${yId}`,
      },
      engleGrangerP: {
        group: "Tests",
        label: "Engle–Granger p",
        formula: `engleGranger(${nameY}, ${nameX}, ${payload.terms}, aic).p`,
        value: engleGranger.p,
        unit: "probability",
        reading: p(engleGranger.p, "cointegrated at 5 %", "no evidence of cointegration at 5 %"),
      },
      engleGrangerCritical5: {
        group: "Tests",
        label: "Engle–Granger 5 % point",
        formula: `MacKinnon 2010, two variables, ${payload.terms}, ${y.length - 1} observations`,
        value: engleGranger.critical?.fivePercent ?? null,
        unit: "t",
        reading: "the statistic must lie below it",
      },
      johansenTrace: {
        group: "Tests",
        label: "Johansen trace, no relation",
        formula: `johansen([${nameY}, ${nameX}], constant, 1 lag).trace[0]`,
        value: johansen.trace[0]!,
        unit: "statistic",
        reading:
          johansen.trace[0]! > johansen.traceCritical[0]![1]
            ? "at least one relation at 95 %"
            : "no relation found at 95 %",
      },
      johansenTraceCritical95: {
        group: "Tests",
        label: "Johansen trace, 95 % point",
        formula: "Osterwald-Lenum / MacKinnon–Haug–Michelis table",
        value: johansen.traceCritical[0]![1],
        unit: "statistic",
        reading: "the statistic must lie above it",
      },
      kpss: {
        group: "Tests",
        label: "KPSS of the spread",
        formula: `kpss(${spreadText}, c, auto).statistic`,
        value: kpss.statistic,
        unit: "statistic",
        reading: `${kpss.lags} lags`,
      },
      kpssP: {
        group: "Tests",
        label: "KPSS p",
        formula: `kpss(${spreadText}, c, auto).p, cut to [0.01, 0.1]`,
        value: kpss.p,
        unit: "probability",
        reading: p(kpss.p, "stationarity is refused at 5 %", "stationarity is not refused at 5 %"),
      },
      varianceRatio: {
        group: "Tests",
        label: `Variance ratio over ${payload.varianceHorizon} bars`,
        formula: `varianceRatio(${spreadText}, ${payload.varianceHorizon}).ratio`,
        value: ratioTest.ratio,
        unit: "ratio",
        reading: ratioTest.ratio < 1 ? "below 1: it reverts" : "1 or above: it drifts",
      },
      varianceRatioP: {
        group: "Tests",
        label: "Variance ratio p",
        formula: `varianceRatio(${spreadText}, ${payload.varianceHorizon}).p`,
        value: ratioTest.p,
        unit: "probability",
        reading: p(ratioTest.p, "not a random walk at 5 %", "a random walk is not refused at 5 %"),
      },
      hurst: {
        group: "Tests",
        label: "Hurst exponent of the spread",
        formula: `slope of ln sd(s[t+k] - s[t]) on ln k, s = ${spreadText}`,
        value: hurst.slope,
        unit: "exponent",
        reading: hurst.slope < 0.5 ? "below 0.5: it reverts" : "0.5 or above: it does not revert",
      },
    });
    await pace(input, steps, steps);
    return {
      kind: "pairs",
      ...described,
      seriesRef,
      notes: notesOf(payload, cointegrated),
      y: yId,
      x: xId,
      hedge: payload.hedge,
      entryZ,
      figures,
      cointegrated,
    };
  },
};

function notesOf(payload: PairsPayload, cointegrated: boolean): string[] {
  const notes = [
    payload.hedge === "kalman"
      ? `The Kalman spread is the filter's prediction error: each value uses the bars before it alone, from the bar ${kalmanStart + 1} on.`
      : "The hedge ratio is estimated on the whole range, so the early spread knows the later bars: read it, and fit anew inside a back test.",
    "The z-score compares the spread with its last bars, the current one among them.",
  ];
  if (payload.adjustment === "raw")
    notes.push("Raw prices jump at splits and dividends, and the tests see the jumps.");
  if (!cointegrated)
    notes.push("The tests do not show that the spread returns: its bands are no reason to trade.");
  return notes;
}
