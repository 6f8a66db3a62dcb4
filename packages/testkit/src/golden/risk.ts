/** Reference values of risk and performance against packages/quant/src/risk. */
import { fitGarch, garchVariances } from "@tapedeck/quant/statistics/index";
import * as q from "@tapedeck/quant/risk/index";
import type { GoldenFolder } from "./golden.ts";
import { comparedEntries, manifestEntries, readJson } from "./tally.ts";
import type { Tally } from "./tally.ts";

type Record_ = Record<string, number | null>;
interface Returns {
  names: string[];
  dates: string[];
  returns: Record<string, number[]>;
}

class Source {
  readonly folder: string;
  readonly input: Returns;
  constructor(folder: string) {
    this.folder = folder;
    this.input = readJson<Returns>(folder, "returns.json");
  }
  series(name: string): Float64Array {
    return Float64Array.from(this.input.returns[name]!);
  }
  read<T>(file: string): T {
    return readJson<T>(this.folder, file);
  }
}

type Compare = (source: Source, t: Tally) => string;

/** Our names of statistics that the reference names otherwise. */
const performanceNames: Record<string, keyof q.Performance> = {
  n: "n",
  totalReturn: "totalReturn",
  cagr: "cagr",
  meanDaily: "mean",
  meanAnnualArithmetic: "meanAnnual",
  volDaily: "volatility",
  volAnnual: "volatilityAnnual",
  sharpe: "sharpe",
  sharpePerPeriod: "sharpePerPeriod",
  sharpeDdof0: "sharpePopulation",
  downsideDeviationAnnual: "downsideDeviationAnnual",
  sortino: "sortino",
  calmar: "calmar",
  omega: "omega",
  maxDrawdown: "maxDrawdown",
  longestUnderwaterPeriods: "longestUnderwater",
  averageDrawdownPerDay: "averageDrawdown",
  averageDrawdownPerEpisode: "averageEpisodeDepth",
  ulcerIndex: "ulcerIndex",
  ulcerPerformanceIndex: "ulcerPerformanceIndex",
  painIndex: "painIndex",
  tailRatio: "tailRatio",
  skew: "skew",
  skewUnbiased: "skewUnbiased",
  excessKurtosis: "excessKurtosis",
  excessKurtosisUnbiased: "excessKurtosisUnbiased",
  best: "best",
  worst: "worst",
  positiveShare: "positiveShare",
  profitFactor: "profitFactor",
  jarqueBera: "jarqueBera",
};

interface GoldenEpisode {
  peakDate: string | null;
  troughDate: string;
  recoveryDate: string | null;
  depth: number;
  periodsPeakToTrough: number;
  periodsPeakToRecovery: number | null;
}

const comparePerformance: Compare = (source, t) => {
  const dates = [null, ...source.input.dates];
  const dateOf = (i: number | null): string | null => (i === null ? null : (dates[i] ?? null));
  const tolerance = { rel: 1e-10 };
  for (const [name, want] of Object.entries(source.read<Record<string, Record_>>("performance.json"))) {
    const series = source.series(name);
    const got = q.performanceOf(series, 252);
    for (const [theirs, ours] of Object.entries(performanceNames)) {
      t.near(got[ours] as number, want[theirs], tolerance, `${name} ${theirs}`);
    }
    t.near(q.omega(series, 0.0005), want["omegaThresholdDaily0.0005"], tolerance, `${name} omega`);
    const days = (Date.parse(source.input.dates.at(-1)!) - Date.parse(source.input.dates[0]!)) / 86_400_000;
    t.near((1 + got.totalReturn) ** (365.25 / days) - 1, want["cagrCalendar"], tolerance, `${name} cagr`);
    const deep = got.deepest!;
    t.same(dateOf(deep.peak), want["maxDrawdownPeakDate"], `${name} peak`);
    t.same(dateOf(deep.trough), want["maxDrawdownTroughDate"], `${name} trough`);
    t.same(dateOf(deep.recovery), want["maxDrawdownRecoveryDate"], `${name} recovery`);
    t.same(deep.trough - deep.peak, want["maxDrawdownPeakToTroughPeriods"], `${name} periods to trough`);
    const back = deep.recovery === null ? null : deep.recovery - deep.peak;
    t.same(back, want["maxDrawdownPeakToRecoveryPeriods"], `${name} periods to recovery`);
    t.same(got.episodes.length, want["episodes"], `${name} episodes`);
    const worst = got.episodes.toSorted((a, b) => b.depth - a.depth).slice(0, 5);
    (want["worst5Episodes"] as unknown as GoldenEpisode[]).forEach((episode, k) => {
      const own = worst[k]!;
      t.same(
        [dateOf(own.peak), dateOf(own.trough), dateOf(own.recovery), own.trough - own.peak],
        [episode.peakDate, episode.troughDate, episode.recoveryDate, episode.periodsPeakToTrough],
        `${name} episode ${k}`,
      );
      t.near(own.depth, episode.depth, tolerance, `${name} episode ${k} depth`);
    });
  }
  return "performanceOf";
};

interface GoldenVar {
  level: Record<string, Record<string, number>>;
  studentT: Record<string, number>;
  ewma: { lambda: number; forecastVariance: number; every100thVariance: number[] };
  garch: Record<string, number> & { every100thSigma: number[] };
  evtPot: Record<string, number>;
}

/** Each name of var.json with its series. */
function eachVar(source: Source, body: (name: string, series: Float64Array, want: GoldenVar) => void): void {
  for (const [name, want] of Object.entries(source.read<Record<string, GoldenVar>>("var.json"))) {
    body(name, source.series(name), want);
  }
}

/** A way to VaR and ES against the two values of each level. */
function risks(rel: number, word: string, counterpart: string, risk: typeof q.normalRisk): Compare {
  return (source, t) => {
    eachVar(source, (name, series, want) => {
      for (const [level, values] of Object.entries(want.level)) {
        const got = risk(series, Number(level));
        t.near(got.valueAtRisk, values[`${word}VaR`], { rel }, `${name} ${level} VaR`);
        t.near(got.expectedShortfall, values[`${word}ES`], { rel }, `${name} ${level} ES`);
      }
    });
    return counterpart;
  };
}

const compareHistorical: Compare = (source, t) => {
  risks(1e-10, "historical", "", q.historicalRisk)(source, t);
  eachVar(source, (name, series, want) => {
    for (const [level, values] of Object.entries(want.level)) {
      const p = Number(level);
      const tolerance = { rel: 1e-10 };
      t.near(q.historicalRiskLower(series, p), values["historicalVaRLower"], tolerance, `${name} lower`);
      const beyond = q.meanBeyondQuantile(series, p);
      t.near(beyond, values["historicalESMeanBelowVaR"], tolerance, `${name} mean beyond`);
    }
  });
  return "historicalRisk";
};

const compareCornishFisher: Compare = (source, t) => {
  risks(1e-9, "cornishFisher", "", q.cornishFisherRisk)(source, t);
  eachVar(source, (name, series, want) => {
    for (const [level, values] of Object.entries(want.level)) {
      const { z } = q.cornishFisherRisk(series, Number(level));
      t.near(z, values["cornishFisherZ"], { rel: 1e-9 }, `${name} ${level} z`);
    }
  });
  return "cornishFisherRisk";
};

const compareStudent: Compare = (source, t) => {
  eachVar(source, (name, series, want) => {
    const fit = q.fitStudent(series);
    t.reaches(fit.logLikelihood, want.studentT["logLikelihood"]!, 1e-6, `${name} log-likelihood`);
    t.near(fit.df, want.studentT["df"], { rel: 1e-3 }, `${name} df`);
    for (const [level, values] of Object.entries(want.level)) {
      const got = q.studentRisk(fit, Number(level));
      t.near(got.valueAtRisk, values["studentTVaR"], { rel: 1e-4 }, `${name} ${level} VaR`);
      t.near(got.expectedShortfall, values["studentTES"], { rel: 1e-4 }, `${name} ${level} ES`);
    }
  });
  return "fitStudent, studentRisk";
};

const compareEwma: Compare = (source, t) => {
  risks(1e-10, "ewma", "", q.ewmaRisk)(source, t);
  eachVar(source, (name, series, want) => {
    const variances = q.ewmaVariances(series, want.ewma.lambda);
    t.near(variances[series.length], want.ewma.forecastVariance, { rel: 1e-10 }, `${name} forecast`);
    const every = want.ewma.every100thVariance.map((_, k) => variances[100 * k]!);
    t.nearAll(every, want.ewma.every100thVariance, { rel: 1e-10 }, `${name} variance`);
  });
  return "ewmaRisk";
};

const compareGarch: Compare = (source, t) => {
  eachVar(source, (name, series, want) => {
    const percent = series.map((r) => 100 * r);
    const [mu, omega, alpha, beta] = ["mu", "omega", "alpha", "beta"].map((k) => want.garch[k]!) as [
      number,
      number,
      number,
      number,
    ];
    const given = { mu, omega, alpha, beta };
    const sigma = garchVariances(percent, given, want.garch["backcast"]!).map(Math.sqrt);
    const every = want.garch.every100thSigma.map((_, k) => sigma[100 * k]!);
    t.nearAll(every, want.garch.every100thSigma, { rel: 1e-9 }, `${name} sigma`);
    t.near(sigma[series.length], want.garch["forecastSigma"], { rel: 1e-9 }, `${name} forecast`);
    const fit = fitGarch(percent);
    t.near(fit.backcast, want.garch["backcast"], { rel: 1e-9 }, `${name} backcast`);
    t.reaches(fit.logLikelihood, want.garch["logLikelihood"]!, 0.01, `${name} log-likelihood`);
    for (const k of ["mu", "omega", "alpha", "beta"] as const) {
      t.near(fit[k], given[k], { rel: 2e-2 }, `${name} ${k}`);
    }
    for (const [level, values] of Object.entries(want.level)) {
      for (const [p, rel] of [
        [given, 1e-9],
        [fit, 1e-3],
      ] as const) {
        const got = q.filteredHistoricalRisk(percent, p, Number(level));
        t.near(got.valueAtRisk / 100, values["fhsVaR"], { rel }, `${name} ${level} FHS VaR`);
        t.near(got.expectedShortfall / 100, values["fhsES"], { rel }, `${name} ${level} FHS ES`);
      }
    }
  });
  return "fitGarch, filteredHistoricalRisk";
};

const comparePareto: Compare = (source, t) => {
  eachVar(source, (name, series, want) => {
    const fit = q.fitPareto(series, 0.95);
    t.same(fit.exceedances, want.evtPot["exceedances"], `${name} exceedances`);
    t.near(fit.threshold, want.evtPot["threshold"], { rel: 1e-10 }, `${name} threshold`);
    t.reaches(fit.logLikelihood, want.evtPot["logLikelihood"]!, 1e-6, `${name} log-likelihood`);
    for (const key of Object.keys(want.evtPot).filter((k) => k.startsWith("VaR"))) {
      const level = key.slice(3);
      const got = q.paretoRisk(fit, Number(level));
      t.near(got.valueAtRisk, want.evtPot[key], { rel: 1e-4 }, `${name} ${key}`);
      t.near(got.expectedShortfall, want.evtPot[`ES${level}`], { rel: 5e-4 }, `${name} ES${level}`);
    }
  });
  return "fitPareto, paretoRisk";
};

const relativeNames: Record<string, keyof q.RelativePerformance> = {
  beta: "beta",
  alphaDaily: "alpha",
  alphaAnnualArithmetic: "alphaAnnual",
  alphaAnnualCompounded: "alphaAnnualCompounded",
  correlation: "correlation",
  rSquared: "rSquared",
  trackingErrorAnnual: "trackingErrorAnnual",
  informationRatioAnnual: "informationRatio",
  informationRatioDaily: "informationRatioPerPeriod",
  upCapture: "upCapture",
  downCapture: "downCapture",
  upCaptureArithmetic: "upCaptureArithmetic",
  downCaptureArithmetic: "downCaptureArithmetic",
  upDays: "upDays",
  downDays: "downDays",
  treynor: "treynor",
  residualVolAnnual: "residualVolatilityAnnual",
  alphaTStat: "alphaTStat",
};

interface GoldenRolling {
  window: number;
  endIndex: number[];
  [name: string]: number | number[];
}

const rolling: Record<string, (r: Float64Array, b: Float64Array) => number | null> = {
  volAnnual: (r) => q.performanceOf(r).volatilityAnnual,
  sharpe: (r) => q.performanceOf(r).sharpe,
  sortino: (r) => q.performanceOf(r).sortino,
  beta: (r, b) => q.beta(r, b),
  maxDrawdown: (r) => q.performanceOf(r).maxDrawdown,
  totalReturn: (r) => q.totalReturn(r),
  historicalVaR95: (r) => q.historicalRisk(r, 0.95).valueAtRisk,
};

const compareRelative: Compare = (source, t) => {
  const golden =
    source.read<Record<string, Record_ & { benchmark: string; rolling63: GoldenRolling }>>("relative.json");
  for (const [name, want] of Object.entries(golden)) {
    const r = source.series(name);
    const b = source.series(want.benchmark);
    const got = q.relativePerformance(r, b, 252);
    for (const [theirs, ours] of Object.entries(relativeNames)) {
      t.near(got[ours], want[theirs], { rel: 1e-9 }, `${name} ${theirs}`);
    }
    const { window, endIndex } = want.rolling63;
    for (const [key, statistic] of Object.entries(rolling)) {
      const values = endIndex.map((end) =>
        statistic(r.subarray(end - window + 1, end + 1), b.subarray(end - window + 1, end + 1)),
      );
      t.nearAll(values, want.rolling63[key] as number[], { rel: 1e-9 }, `${name} rolling ${key}`);
    }
  }
  return "relativePerformance";
};

interface GoldenCoverage extends Record_ {
  window: number;
}
interface GoldenBacktests {
  table: { n: number; x: number; p: number; kupiecLR: number; kupiecP: number }[];
  handSeries: { hits: number[]; transitions: Record_; christoffersenIndependenceLR: number; p: number };
}

const compareCoverage: Compare = (source, t) => {
  const tolerance = { rel: 1e-8, abs: 1e-10 };
  const { table, handSeries, ...rest } = source.read<GoldenBacktests & Record<string, unknown>>(
    "var_backtest.json",
  );
  const counts = (i: q.IndependenceTest) => ({ n00: i.n00, n01: i.n01, n10: i.n10, n11: i.n11 });
  for (const [name, levels] of Object.entries(rest as Record<string, Record<string, GoldenCoverage>>)) {
    const r = source.series(name);
    for (const [level, want] of Object.entries(levels)) {
      const p = Number(level);
      const hits: number[] = [];
      for (let i = want.window; i < r.length; i++) {
        hits.push(r[i]! < -q.historicalRisk(r.subarray(i - want.window, i), p).valueAtRisk ? 1 : 0);
      }
      const got = q.coverageTest(hits, q.tailShare(p));
      const at = `${name} ${level}`;
      t.same(got.violations, want["violations"], `${at} violations`);
      t.same(
        hits.flatMap((h, i) => (h ? [i + want.window] : [])),
        want["violationIndex"],
        `${at} violation index`,
      );
      t.same(counts(got.independence), want["transitions"], `${at} transitions`);
      t.near(got.kupiec.statistic, want["kupiecLR"], tolerance, `${at} Kupiec`);
      t.near(got.kupiec.p, want["kupiecP"], tolerance, `${at} Kupiec p`);
      const { independence, conditional } = got;
      t.near(independence.statistic, want["christoffersenIndependenceLR"], tolerance, `${at} Christoffersen`);
      t.near(independence.p, want["christoffersenIndependenceP"], tolerance, `${at} Christoffersen p`);
      t.near(conditional.statistic, want["conditionalCoverageLR"], tolerance, `${at} coverage`);
      t.near(conditional.p, want["conditionalCoverageP"], tolerance, `${at} coverage p`);
    }
  }
  for (const row of table) {
    const got = q.kupiecTest(row.n, row.x, row.p);
    t.near(got.statistic, row.kupiecLR, tolerance, `Kupiec ${row.n} ${row.x} ${row.p}`);
    t.near(got.p, row.kupiecP, tolerance, `Kupiec p ${row.n} ${row.x} ${row.p}`);
  }
  const hand = q.christoffersenTest(handSeries.hits);
  t.same(counts(hand), handSeries.transitions, "hand transitions");
  t.near(hand.statistic, handSeries.christoffersenIndependenceLR, tolerance, "hand series");
  t.near(hand.p, handSeries.p, tolerance, "hand series p");
  return "coverageTest";
};

interface GoldenComponents {
  names: string[];
  weights: number[];
  covariance: number[][];
  mean: number[];
  level: Record<string, Record<string, number> & Record<string, number[]>>;
}

const compareComponents: Compare = (source, t) => {
  const golden = source.read<GoldenComponents>("component_var.json");
  const w = Float64Array.from(golden.weights);
  const cov = Float64Array.from(golden.covariance.flat());
  const means = Float64Array.from(golden.mean);
  const columns = golden.names.map((n) => source.series(n));
  const k = columns.length;
  const rows = Float64Array.from(
    { length: k * columns[0]!.length },
    (_, i) => columns[i % k]![Math.floor(i / k)]!,
  );
  const tolerance = { rel: 1e-10 };
  for (const [level, want] of Object.entries(golden.level)) {
    const p = Number(level);
    const zero = q.componentRisk(w, cov, p);
    const moved = q.componentRisk(w, cov, p, means);
    t.near(zero.valueAtRisk, want["VaRZeroMean"], tolerance, `${level} VaR`);
    t.nearAll(zero.marginal, want["marginal"]!, tolerance, `${level} marginal`);
    t.nearAll(zero.component, want["component"]!, tolerance, `${level} component`);
    t.nearAll(zero.share, want["componentShare"]!, tolerance, `${level} share`);
    t.nearAll(zero.incremental, want["incrementalSetWeightToZero"]!, tolerance, `${level} incremental`);
    t.near(moved.valueAtRisk, want["VaRWithMean"], tolerance, `${level} VaR with mean`);
    t.nearAll(moved.marginal, want["marginalWithMean"]!, tolerance, `${level} marginal with mean`);
    t.nearAll(moved.component, want["componentWithMean"]!, tolerance, `${level} component with mean`);
    const shortfall = q.componentShortfall(rows, w, p);
    t.nearAll(shortfall, want["componentHistoricalES"]!, tolerance, `${level} component ES`);
    const sum = (x: Float64Array): number => x.reduce((a, b) => a + b, 0);
    t.near(sum(shortfall), want["historicalES"], { abs: 1e-12 }, `${level} sum of component ES`);
    t.near(sum(zero.component), zero.valueAtRisk, { abs: 1e-12 }, `${level} sum of components`);
  }
  return "componentRisk, componentShortfall";
};

type GoldenWindow = Record<string, Record_ | { weights: number[]; total: number }>;

const compareStress: Compare = (source, t) => {
  const tolerance = { rel: 1e-10 };
  for (const [span, want] of Object.entries(source.read<Record<string, GoldenWindow>>("stress.json"))) {
    const [first, last] = span.split(":") as [string, string];
    const from = source.input.dates.findIndex((d) => d >= first);
    const to = source.input.dates.filter((d) => d <= last).length;
    for (const name of Object.keys(want).filter((n) => source.input.returns[n] !== undefined)) {
      const values = want[name] as Record_;
      const got = q.stressWindow(source.series(name), from, to);
      t.near(got.total, values["total"], tolerance, `${span} ${name} total`);
      t.near(got.totalCloseToClose, values["totalCloseToClose"], tolerance, `${span} ${name} close to close`);
      t.near(got.maxDrawdown, values["maxDrawdownInside"], tolerance, `${span} ${name} drawdown`);
      t.near(got.worst, values["worstDay"], tolerance, `${span} ${name} worst`);
      t.near(got.volatilityAnnual, values["volAnnual"], tolerance, `${span} ${name} volatility`);
    }
    const { weights, total } = want["buyAndHoldWeights"] as { weights: number[]; total: number };
    const shocks = source.input.names
      .slice(0, weights.length)
      .map((n) => q.totalReturn(source.series(n).subarray(from, to)));
    const held = q.shockedReturn(Float64Array.from(weights), Float64Array.from(shocks));
    t.near(held, total, tolerance, `${span} held`);
  }
  return "stressWindow, shockedReturn";
};

interface GoldenSharpe {
  paperExample: Record<string, number> & Record<string, Record<string, number>>;
  series: Record<string, Record<string, number>>;
  grid: Record<string, number | null>[];
}

const compareSharpe: Compare = (source, t) => {
  const golden = source.read<GoldenSharpe>("sharpe_inference.json");
  const rel = { rel: 1e-9 };
  const paper = golden.paperExample as Record<string, number> & GoldenSharpe["paperExample"];
  const year = paper["periodsPerYear"]!;
  const sample = {
    sharpe: paper["sharpeAnnual"]! / Math.sqrt(year),
    n: paper["T"]!,
    skew: paper["skew"]!,
    kurtosis: paper["kurtosis"]!,
  };
  const variance = paper["varianceOfTrialSharpesAnnual"]! / year;
  const best = q.expectedMaximumSharpe(variance, paper["N"]!);
  t.near(best, paper["expectedMaxSharpe"], rel, "paper maximum");
  t.near(best, 0.1132, { abs: 5e-5 }, "printed maximum");
  const deflated = q.deflatedSharpe(sample, variance, paper["N"]!);
  t.near(deflated, paper["deflatedSharpe"], rel, "paper DSR");
  t.near(deflated, 0.9004, { abs: 5e-5 }, "printed DSR");
  t.near(q.deflatedSharpe(sample, variance, 46), paper["N46"]!["deflatedSharpe"], rel, "N46");
  const normal = { ...sample, skew: 0, kurtosis: 3 };
  t.near(q.deflatedSharpe(normal, variance, 88), paper["normalN88"]!["deflatedSharpe"], rel, "N88");
  for (const [name, want] of Object.entries(golden.series)) {
    const p = q.performanceOf(source.series(name));
    const s = { sharpe: p.sharpePerPeriod!, n: p.n, skew: p.skew!, kurtosis: p.excessKurtosis! + 3 };
    t.near(s.sharpe, want["sharpePerPeriod"], rel, `${name} Sharpe`);
    t.near(q.probabilisticSharpe(s), want["psrVs0"], rel, `${name} PSR`);
    const half = 0.5 / Math.sqrt(252);
    t.near(q.probabilisticSharpe(s, half), want["psrVsAnnual0.5"], rel, `${name} PSR 0.5`);
    t.near(q.minimumTrackRecord(s), want["minTrackRecord95Vs0"], rel, `${name} track record`);
    const quarter = q.minimumTrackRecord(s, half / 2, 0.99);
    t.near(quarter, want["minTrackRecord99VsAnnual0.25"], rel, `${name} track record 99`);
    t.near(q.deflatedSharpe(s, 0.1 / 252, 50), want["dsrN50VarAnnual0.1"], rel, `${name} DSR`);
    const most = q.expectedMaximumSharpe(0.1 / 252, 50);
    t.near(most, want["expectedMaxSharpeN50VarAnnual0.1"], rel, `${name} maximum`);
  }
  for (const row of golden.grid) {
    const s = { sharpe: row["sr"]!, n: row["n"]!, skew: row["skew"]!, kurtosis: row["kurtosis"]! };
    t.near(q.probabilisticSharpe(s, row["sr0"]!), row["psr"], rel, `grid ${row["sr"]} PSR`);
    if (row["minTrl95"] === null) {
      t.refused(() => q.minimumTrackRecord(s, row["sr0"]!), `grid ${row["sr"]} track record`);
    } else
      t.near(q.minimumTrackRecord(s, row["sr0"]!), row["minTrl95"], rel, `grid ${row["sr"]} track record`);
  }
  return "probabilisticSharpe, deflatedSharpe, minimumTrackRecord";
};

interface GoldenOverfitting {
  rows: number;
  columns: number;
  [kind: string]: unknown;
}

const compareOverfitting: Compare = (source, t) => {
  const golden = source.read<GoldenOverfitting>("pbo.json");
  const { rows, columns } = golden;
  for (const [kind, drift] of [
    ["noise", 0],
    ["skill", 1],
  ] as const) {
    const cells = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const mixed = ((i + 1) * (i + 1) * (2 * j + 3) + 7919 * (i + 1) + 104729 * (j + 1)) % 1009;
        cells[i * columns + j] = (mixed - 504) / 50400 + (drift * j) / 20000;
      }
    }
    for (const [key, value] of Object.entries(golden[kind] as Record<string, unknown>)) {
      if (!/^S\d+$/.test(key)) continue;
      const want = value as Record<string, number> & { first20Logits: number[]; first20Picks: number[] };
      const got = q.backtestOverfitting(cells, columns, want["S"]!);
      t.same(got.probability, want["pbo"], `${kind} ${key} pbo`);
      t.same(got.combinations, want["combinations"], `${kind} ${key} combinations`);
      t.same(got.countNonPositive, want["countLogitNonPositive"], `${kind} ${key} count`);
      t.same([...got.picks.subarray(0, 20)], want.first20Picks, `${kind} ${key} picks`);
      t.nearAll(got.logits.subarray(0, 20), want.first20Logits, { abs: 1e-12 }, `${kind} ${key} logits`);
      const average = got.logits.reduce((a, b) => a + b, 0) / got.combinations;
      t.near(average, want["logitMean"], { abs: 1e-12 }, `${kind} ${key} mean logit`);
      t.same(got.probabilityOfLoss, want["probabilityOosLoss"], `${kind} ${key} loss`);
      t.near(got.degradation!.slope, want["degradationSlope"], { rel: 1e-8 }, `${kind} ${key} slope`);
      const { intercept } = got.degradation!;
      t.near(intercept, want["degradationIntercept"], { rel: 1e-8 }, `${kind} ${key} intercept`);
    }
  }
  return "backtestOverfitting";
};

interface GoldenInterval {
  estimate: number;
  standardError: number;
  percentile95: number[];
  basic95: number[];
  bca95: number[];
  z0: number;
  acceleration: number;
  first10: number[];
}
interface GoldenBootstrap {
  series: string;
  last: number;
  iid: Record<string, GoldenInterval>;
  stationary: Record<string, GoldenInterval>;
  iidIndices: number[][];
  stationaryIndices: number[][];
}

const statistics: Record<string, (x: Float64Array) => number> = {
  mean: (x) => x.reduce((a, b) => a + b, 0) / x.length,
  sharpeAnnual: (x) => q.sharpePerPeriod(x)! * Math.sqrt(252),
  maxDrawdown: (x) => q.drawdownsOf(x).drawdown.reduce((a, b) => Math.max(a, b), 0),
};

const compareBootstrap: Compare = (source, t) => {
  const golden = source.read<GoldenBootstrap>("bootstrap.json");
  const r = source.series(golden.series).slice(-golden.last);
  const rel = { rel: 1e-9 };
  for (const kind of ["iid", "stationary"] as const) {
    for (const [name, want] of Object.entries(golden[kind])) {
      const got = q.bootstrap(r, golden[`${kind}Indices`], statistics[name]!);
      const at = `${kind} ${name}`;
      t.near(got.estimate, want.estimate, rel, `${at} estimate`);
      t.near(got.standardError, want.standardError, rel, `${at} standard error`);
      t.nearAll(got.percentile, want.percentile95, rel, `${at} percentile`);
      t.nearAll(got.basic, want.basic95, rel, `${at} basic`);
      t.nearAll(got.bca!, want.bca95, rel, `${at} BCa`);
      t.near(got.z0, want.z0, rel, `${at} z0`);
      t.near(got.acceleration, want.acceleration, rel, `${at} acceleration`);
      t.nearAll(got.replications.subarray(0, 10), want.first10, rel, `${at} replications`);
    }
  }
  return "bootstrap";
};

const comparisons: Record<string, Compare> = {
  performance: comparePerformance,
  "var.level.*.historical": compareHistorical,
  "var.level.*.normal": risks(1e-9, "normal", "normalRisk", q.normalRisk),
  "var.level.*.cornishFisher": compareCornishFisher,
  "var.level.*.studentT": compareStudent,
  "var.level.*.ewma": compareEwma,
  "var.garch / fhs": compareGarch,
  "var.evtPot": comparePareto,
  relative: compareRelative,
  var_backtest: compareCoverage,
  component_var: compareComponents,
  stress: compareStress,
  sharpe_inference: compareSharpe,
  pbo: compareOverfitting,
  bootstrap: compareBootstrap,
};

export const risk: GoldenFolder = {
  name: "risk",
  entries: (folder) => {
    const source = new Source(folder);
    return comparedEntries("risk", manifestEntries(folder), source, comparisons);
  },
};
