import {
  adfTest,
  archTest,
  garchForecast,
  hurstOfLags,
  jarqueBeraTest,
  kpssTest,
  phillipsPerronTest,
  portmanteauTest,
  shapeOf,
  varianceRatioTest,
} from "@tapedeck/quant/statistics/index";
import type { GarchFit } from "@tapedeck/quant/statistics/index";
import type { FigureDraft } from "../kind.ts";
import type { StatisticsPayload, StatisticsResult } from "./contract.ts";

type Drafts = Partial<Record<keyof StatisticsResult["figures"], FigureDraft>>;

const level = 0.05;

const inGroup =
  (group: string, call: string) =>
  (label: string, name: string, value: number | null, unit: string, reading: string): FigureDraft => ({
    group,
    label,
    formula: `${call}: ${name}`,
    value,
    unit,
    reading,
  });

/** Is the price a random walk? Tests of the logarithm of the close [n]. */
export function levelFigures(x: Float64Array, { varianceHorizon }: StatisticsPayload, call: string): Drafts {
  const figure = inGroup("Does the price return?", call);
  const adf = adfTest(x);
  const kpss = kpssTest(x, "c", "auto");
  const phillips = phillipsPerronTest(x, "c");
  const ratio = varianceRatioTest(x, varianceHorizon);
  const hurst = hurstOfLags(x).slope;
  const unitRoot = (p: number) =>
    p < level ? "a unit root is refused at 5 %" : "a unit root is not refused at 5 %";
  return {
    adf: figure("Dickey–Fuller statistic", "adf(c, aic)", adf.statistic, "t", `${adf.lags} lags by AIC`),
    adfP: figure("Dickey–Fuller p", "adf(c, aic).p", adf.p, "probability", unitRoot(adf.p)),
    kpss: figure("KPSS statistic", "kpss(c, auto)", kpss.statistic, "statistic", `${kpss.lags} lags`),
    kpssP: figure(
      "KPSS p",
      "kpss(c, auto).p, cut to [0.01, 0.1]",
      kpss.p,
      "probability",
      kpss.p < level ? "stationarity is refused at 5 %" : "stationarity is not refused at 5 %",
    ),
    phillipsPerron: figure("Phillips–Perron statistic", "phillipsPerron(c)", phillips.statistic, "t", "tau"),
    phillipsPerronP: figure(
      "Phillips–Perron p",
      "phillipsPerron(c).p",
      phillips.p,
      "probability",
      unitRoot(phillips.p),
    ),
    varianceRatio: figure(
      `Variance ratio over ${varianceHorizon} bars`,
      `varianceRatio(${varianceHorizon})`,
      ratio.ratio,
      "ratio",
      ratio.ratio < 1 ? "below 1: moves are partly taken back" : "1 or above: moves go on",
    ),
    varianceRatioP: figure(
      "Variance ratio p",
      `varianceRatio(${varianceHorizon}).p`,
      ratio.p,
      "probability",
      ratio.p < level ? "not a random walk at 5 %" : "a random walk is not refused at 5 %",
    ),
    hurst: figure(
      "Hurst exponent",
      "slope of ln sd(x[t+k] - x[t]) on ln k",
      hurst,
      "exponent",
      hurst < 0.5 ? "below 0.5: it tends to return" : "0.5 or above: it does not return",
    ),
  };
}

/** What the log returns [n] remember, and what shape they have. */
export function returnFigures(r: Float64Array, { lags }: StatisticsPayload, call: string): Drafts {
  const memory = inGroup("Do returns remember?", call);
  const shape = inGroup("Shape of the returns", call);
  const plain = portmanteauTest(r, lags).ljungBox;
  const squared = portmanteauTest(
    r.map((value) => value * value),
    lags,
  ).ljungBox;
  const arch = archTest(r, lags).lm;
  const normal = jarqueBeraTest(r);
  const { skew, excessKurtosis } = shapeOf(r);
  const judged = (p: number, yes: string, no: string) => (p < level ? `${yes} at 5 %` : `${no} at 5 %`);
  return {
    ljungBox: memory(
      "Ljung–Box of returns",
      `ljungBox(${lags})`,
      plain.statistic,
      "chi-square",
      `${lags} lags`,
    ),
    ljungBoxP: memory(
      "Its p",
      `ljungBox(${lags}).p`,
      plain.p,
      "probability",
      judged(plain.p, "returns remember", "no memory shown"),
    ),
    ljungBoxSquares: memory(
      "Ljung–Box of squares",
      `ljungBox of squares(${lags})`,
      squared.statistic,
      "chi-square",
      `${lags} lags`,
    ),
    ljungBoxSquaresP: memory(
      "Its p, squares",
      `ljungBox of squares(${lags}).p`,
      squared.p,
      "probability",
      judged(squared.p, "volatility remembers", "no memory of volatility shown"),
    ),
    archLm: memory(
      "ARCH-LM",
      `archLm(${lags})`,
      arch.statistic,
      "chi-square",
      "Engle's test of changing variance",
    ),
    archLmP: memory(
      "ARCH-LM p",
      `archLm(${lags}).p`,
      arch.p,
      "probability",
      judged(arch.p, "volatility clusters", "no clusters shown"),
    ),
    jarqueBera: shape(
      "Jarque–Bera",
      "jarqueBera",
      normal.statistic,
      "chi-square",
      "skew and tails against the normal",
    ),
    jarqueBeraP: shape(
      "Jarque–Bera p",
      "jarqueBera.p",
      normal.p,
      "probability",
      judged(normal.p, "not normal", "normality is not refused"),
    ),
    skew: shape(
      "Skewness",
      "skew",
      skew,
      "number",
      skew < 0 ? "the far tail is of losses" : "the far tail is of gains",
    ),
    excessKurtosis: shape(
      "Excess kurtosis",
      "excessKurtosis",
      excessKurtosis,
      "number",
      excessKurtosis > 0 ? "fatter tails than the normal" : "thinner tails than the normal",
    ),
  };
}

/** GARCH(1,1) of percent log returns: volatility now, to come, and in the long run, a year. */
export function volatilityFigures(
  fit: GarchFit,
  { garch, forecastBars }: StatisticsPayload,
  perYear: number,
  call: string,
): Drafts {
  const figure = inGroup("Volatility", `${call}, garch(1,1), ${garch}`);
  const yearly = (variance: number) => Math.sqrt(variance * perYear) / 100;
  const next = fit.variances.at(-1)!;
  const ahead = garchForecast(fit, next, forecastBars);
  const persistence = fit.alpha + fit.beta;
  return {
    garchAlpha: figure("α", "alpha", fit.alpha, "ratio", "how strongly a shock moves the volatility"),
    garchBeta: figure("β", "beta", fit.beta, "ratio", `how long it lasts; α + β = ${persistence.toFixed(4)}`),
    garchDegreesOfFreedom: figure(
      "Degrees of freedom",
      "nu",
      fit.nu ?? null,
      "number",
      fit.nu === undefined
        ? "normal innovations have none"
        : "of the Student t; the lower, the fatter the tails",
    ),
    volatilityNow: figure(
      "Volatility of the next bar, a year",
      "variance[n+1]",
      yearly(next),
      "fraction",
      "from the bars so far and the fitted model",
    ),
    volatilityForecast: figure(
      `Mean volatility of ${forecastBars} bars, a year`,
      `mean forecast of ${forecastBars}`,
      yearly(ahead.reduce((sum, value) => sum + value, 0) / forecastBars),
      "fraction",
      "forecast",
    ),
    volatilityLongRun: figure(
      "Volatility in the long run, a year",
      "omega / (1 - alpha - beta)",
      persistence < 1 ? yearly(fit.omega / (1 - persistence)) : null,
      "fraction",
      persistence < 1 ? "where forecasts tend" : "not defined: shocks do not die away",
    ),
  };
}
