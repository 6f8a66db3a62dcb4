/** Reference values of statistics against packages/quant/src/statistics and the rolling kernels. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { registry, runKernel } from "@tapedeck/quant";
import { ewmaVariances } from "@tapedeck/quant/risk/index";
import * as q from "@tapedeck/quant/statistics/index";
import type { GoldenFolder, GoldenResult } from "./golden.ts";
import { readText } from "./golden.ts";
import { roundedLog } from "./roundedLog.ts";
import type { Numbers, Tolerance } from "./tally.ts";
import { manifestEntries, readJson, Tally } from "./tally.ts";

type Node = { [key: string]: Node } & number & number[] & string & null;
type Tree = Record<string, Node>;
interface Source {
  readonly folder: string;
  readonly dataDir: string;
}
type Compare = (source: Source, t: Tally, tolerance: Tolerance) => string;

function entriesOf(node: Node): [string, Node][] {
  return Object.entries(node as unknown as Tree);
}

const cache = new Map<string, Map<string, number>>();

/** Closes by date of a name under the data folder. */
function closesOf(source: Source, name: string): Map<string, number> {
  const daily = join(source.dataDir, "equities", "daily", `${name}.csv`);
  const file = existsSync(name) ? name : daily;
  let found = cache.get(file);
  if (!found) {
    const [head, ...lines] = readText(file).trimEnd().split(/\r?\n/);
    const names = head!.split(",");
    const [date, close] = [names.indexOf("date"), names.indexOf("close")];
    found = new Map(lines.map((l) => l.split(",")).map((c) => [c[date]!, Number(c[close]!)]));
    cache.set(file, found);
  }
  return found;
}

function differences(x: Float64Array): Float64Array {
  return Float64Array.from({ length: x.length - 1 }, (_, i) => x[i + 1]! - x[i]!);
}

interface Pair {
  readonly at: string;
  readonly kind: string;
  readonly y: Float64Array;
  readonly x: Float64Array;
  readonly want: Node;
}

/** Every pair on log prices and on prices, as joined on equal dates. */
function pairsOf(source: Source, ln = Math.log): Pair[] {
  return Object.entries(readJson<Tree>(source.folder, "pairs.json.gz")).flatMap(([name, golden]) => {
    const y = closesOf(source, golden["y"]!);
    const x = closesOf(source, golden["x"]!);
    const from = golden["firstDate"]! as string;
    const to = golden["lastDate"]! as string;
    const dates = [...y.keys()].filter((d) => x.has(d) && d >= from && d <= to).toSorted();
    const ys = Float64Array.from(dates, (d) => y.get(d)!);
    const xs = Float64Array.from(dates, (d) => x.get(d)!);
    return ["log", "price"].map((kind) => ({
      at: `${name} ${kind}`,
      kind,
      y: kind === "log" ? ys.map(ln) : ys,
      x: kind === "log" ? xs.map(ln) : xs,
      want: golden[kind]!,
    }));
  });
}

/** Pairs of levels and, for logs, of their returns: both carry regressions. */
function regressionsOf(source: Source, ln = Math.log): Pair[] {
  return pairsOf(source, ln).flatMap((p) => {
    if (p.kind !== "log") return [p];
    const want = p.want["returns"]!["regression"]!;
    return [p, { ...p, at: `${p.at} returns`, y: differences(p.y), x: differences(p.x), want }];
  });
}

interface Single {
  readonly at: string;
  readonly price: Float64Array;
  readonly log: Float64Array;
  readonly returns: Float64Array;
  readonly want: Node;
}

function singlesOf(source: Source): Single[] {
  return Object.entries(readJson<Tree>(source.folder, "series.json.gz")).map(([at, want]) => {
    const closes = closesOf(source, at);
    const from = want["firstDate"]! as string;
    const to = want["lastDate"]! as string;
    const price = Float64Array.from([...closes].filter(([d]) => d >= from && d <= to).map(([, c]) => c));
    const log = price.map(Math.log);
    return { at, price, log, returns: differences(log), want };
  });
}

/** Values at the rows that a reference lists, and its last ones. */
function compareRows(t: Tally, got: Float64Array, want: Node, tolerance: Tolerance, at: string): void {
  t.nearAll(
    (want["rows"] as number[]).map((i) => got[i]!),
    want["values"] as Numbers,
    tolerance,
    at,
  );
  const last = want["last5"] as number[] | undefined;
  if (last) t.nearAll(got.slice(-last.length), last, tolerance, `${at} last`);
}

const compareOls: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of regressionsOf(source, roundedLog)) {
    const fit = q.ols(y, [x]);
    const o = want["ols"]!;
    const near = (got: number, name: string): void => t.near(got, o[name], tolerance, `${at} ${name}`);
    near(fit.coefficients[0]!, "intercept");
    near(fit.coefficients[1]!, "beta");
    near(fit.rSquared, "r2");
    near(fit.rSquaredAdjusted, "r2Adj");
    near(fit.variance, "sigma2");
    near(fit.degreesOfFreedom, "dfResid");
    near(fit.f, "f");
    near(fit.logLikelihood, "logLikelihood");
    near(fit.aic, "aic");
    near(fit.bic, "bic");
    near(fit.durbinWatson, "durbinWatson");
    t.nearAll(fit.standardErrors, o["se"]!, tolerance, `${at} se`);
    t.nearAll(fit.t, o["t"]!, tolerance, `${at} t`);
    t.nearAll(fit.p, o["p"]!, tolerance, `${at} p`);
    const bounds = o["conf95"] as unknown as [number, number][];
    t.nearAll(
      fit.low,
      bounds.map((b) => b[0]),
      tolerance,
      `${at} low`,
    );
    t.nearAll(
      fit.high,
      bounds.map((b) => b[1]),
      tolerance,
      `${at} high`,
    );
    for (const kind of ["HC0", "HC1", "HC3"] as const) {
      t.nearAll(q.robustErrors(fit, [x], kind), o[`se${kind}`]!, tolerance, `${at} ${kind}`);
    }
    t.nearAll(q.robustErrors(fit, [x], "HAC", 10), o["seHAC10"]!, tolerance, `${at} HAC`);
    const pearson = want["pearson"]!;
    t.near(q.correlation(x, y), pearson["r"], tolerance, `${at} Pearson`);
    t.near(q.spearman(x, y), pearson["spearman"], tolerance, `${at} Spearman`);
    t.near(q.kendall(x, y), pearson["kendall"], tolerance, `${at} Kendall`);
  }
  return "ols, robustErrors, correlation, spearman, kendall";
};

const compareNoIntercept: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of regressionsOf(source)) {
    const fit = q.ols(y, [x], false);
    const o = want["olsNoIntercept"]!;
    t.near(fit.coefficients[0], o["beta"], tolerance, `${at} beta`);
    t.near(fit.standardErrors[0], o["se"], tolerance, `${at} se`);
    t.near(fit.rSquared, o["r2Uncentered"], tolerance, `${at} r2`);
  }
  return "ols without intercept";
};

const compareHuber: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of regressionsOf(source)) {
    const h = want["rlmHuber"]!;
    const fit = q.huberRegression(y, [x], h["tuning"]!);
    t.near(fit.coefficients[0], h["intercept"], tolerance, `${at} intercept`);
    t.near(fit.coefficients[1], h["beta"], tolerance, `${at} beta`);
    t.near(fit.scale, h["scale"], tolerance, `${at} scale`);
    t.nearAll(fit.standardErrors, h["se"]!, tolerance, `${at} se`);
  }
  return "huberRegression";
};

const compareTls: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of regressionsOf(source)) {
    const line = q.totalLeastSquares(y, x);
    t.near(line.slope, want["tls"]!["beta"], tolerance, `${at} beta`);
    t.near(line.intercept, want["tls"]!["intercept"], tolerance, `${at} intercept`);
  }
  return "totalLeastSquares";
};

const compareTheilSen: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of regressionsOf(source)) {
    const s = want["theilSenLast500"]!;
    const line = q.theilSen(y.slice(-500), x.slice(-500));
    t.near(line.slope, s["beta"], tolerance, `${at} beta`);
    t.near(line.intercept, s["intercept"], tolerance, `${at} intercept`);
    t.near(line.low, s["low"], tolerance, `${at} low`);
    t.near(line.high, s["high"], tolerance, `${at} high`);
  }
  return "theilSen";
};

const compareSpread: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of pairsOf(source)) {
    const { residuals } = q.ols(y, [x]);
    t.nearAll(residuals.slice(-5), want["spread"]!["last5"]!, tolerance, `${at} last`);
    t.near(q.standardDeviation(residuals), want["spread"]!["sdDdof1"], tolerance, `${at} sd`);
  }
  return "ols residuals";
};

const chosen: Record<string, q.LagChoice | null> = { AIC: "aic", BIC: "bic", "t-stat": "t", None: null };

function compareCritical(
  t: Tally,
  got: q.CriticalValues | null,
  want: Node,
  tolerance: Tolerance,
  at: string,
): void {
  t.near(got?.onePercent, want["1%"], tolerance, `${at} 1 %`);
  t.near(got?.fivePercent, want["5%"], tolerance, `${at} 5 %`);
  t.near(got?.tenPercent, want["10%"], tolerance, `${at} 10 %`);
}

function adfCases(t: Tally, x: Float64Array, want: Node, tolerance: Tolerance, at: string): void {
  for (const [key, w] of entriesOf(want)) {
    const [terms, by] = key.split("/") as [q.AdfTerms, string];
    const got = q.adfTest(x, { terms, choose: chosen[by]!, maxLag: w["maxlag"]! });
    t.near(got.statistic, w["statistic"], tolerance, `${at} ${key}`);
    t.near(got.p, w["p"], tolerance, `${at} ${key} p`);
    t.same(got.lags, w["usedLag"], `${at} ${key} lags`);
    t.same(got.observations, w["nobs"], `${at} ${key} observations`);
    compareCritical(t, got.critical, w["crit"]!, tolerance, `${at} ${key}`);
    t.near(got.criterion, w["icBest"], tolerance, `${at} ${key} criterion`);
  }
}

const compareAdf: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of pairsOf(source)) {
    adfCases(t, q.ols(y, [x]).residuals, want["spreadAdf"]!, tolerance, at);
  }
  for (const { at, price, log, returns, want } of singlesOf(source)) {
    adfCases(t, price, want["adf"]!["price"]!, tolerance, `${at} price`);
    adfCases(t, log, want["adf"]!["logPrice"]!, tolerance, `${at} log price`);
    adfCases(t, returns, want["adf"]!["logReturns"]!, tolerance, `${at} returns`);
  }
  return "adfTest";
};

function kpssCases(t: Tally, x: Float64Array, want: Node, tolerance: Tolerance, at: string): void {
  for (const [key, w] of entriesOf(want)) {
    const [terms, lags] = key.split("/") as ["c" | "ct", string];
    const got = q.kpssTest(x, terms, lags === "auto" || lags === "legacy" ? lags : Number(lags));
    t.near(got.statistic, w["statistic"], tolerance, `${at} ${key}`);
    t.near(got.p, w["p"], tolerance, `${at} ${key} p`);
    t.same(got.lags, w["lags"], `${at} ${key} lags`);
    compareCritical(t, got.critical, w["crit"]!, tolerance, `${at} ${key}`);
  }
}

const compareKpss: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of pairsOf(source)) {
    kpssCases(t, q.ols(y, [x]).residuals, want["spreadKpss"]!, tolerance, at);
  }
  for (const { at, price, returns, want } of singlesOf(source)) {
    kpssCases(t, price, want["kpss"]!["price"]!, tolerance, `${at} price`);
    kpssCases(t, returns, want["kpss"]!["logReturns"]!, tolerance, `${at} returns`);
  }
  return "kpssTest";
};

/** The 1 % value of N = 2 with constant: the reference carries b2 = -33.527 where -22.527 is right. */
function corrected(crit: Node, terms: string, observations: number): Node {
  if (terms !== "c" || crit["1%"] === null) return crit;
  return { ...(crit as object), "1%": crit["1%"]! + 11 / observations ** 2 } as Node;
}

const compareCointegration: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of pairsOf(source)) {
    for (const [key, w] of entriesOf(want["coint"]!)) {
      const [terms, by] = key.split("/") as [q.AdfTerms, string];
      const choose = by === "None" ? null : (by as q.LagChoice);
      const got = q.engleGrangerTest(y, x, { terms, choose, maxLag: w["maxlag"]! });
      t.near(got.statistic, w["statistic"], tolerance, `${at} ${key}`);
      t.near(got.p, w["p"], tolerance, `${at} ${key} p`);
      compareCritical(t, got.critical, corrected(w["crit"]!, terms, y.length - 1), tolerance, `${at} ${key}`);
    }
  }
  return "engleGrangerTest";
};

const compareJohansen: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of pairsOf(source)) {
    for (const [key, w] of entriesOf(want["johansen"]!)) {
      const [, order, lags] = /^det(-?\d)\/diffLags(\d+)$/.exec(key)!;
      const got = q.johansenTest([y, x], Number(order) as -1 | 0 | 1, Number(lags));
      t.nearAll(got.eigenvalues, w["eigenvalues"]!, tolerance, `${at} ${key} eigenvalues`);
      t.nearAll(got.trace, w["trace"]!, tolerance, `${at} ${key} trace`);
      t.nearAll(got.maxEigenvalue, w["maxEigen"]!, tolerance, `${at} ${key} maximum`);
      const flat = (x2: unknown): number[] => (x2 as number[][]).flat();
      t.nearAll(got.traceCritical.flat(), flat(w["traceCrit90_95_99"]), tolerance, `${at} ${key} critical`);
      const most = flat(w["maxEigenCrit90_95_99"]);
      t.nearAll(got.maxEigenvalueCritical.flat(), most, tolerance, `${at} ${key} critical`);
      const ratio = got.vectors[2]! / got.vectors[0]!;
      t.near(ratio, w["firstVectorNormalisedOnY"]![1], tolerance, `${at} ${key} vector`);
    }
  }
  return "johansenTest";
};

const compareHalfLife: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of pairsOf(source)) {
    const got = q.halfLifeOf(q.ols(y, [x]).residuals);
    const w = want["halfLife"]!;
    t.near(got.intercept, w["intercept"], tolerance, `${at} intercept`);
    t.near(got.lambda, w["lambda"], tolerance, `${at} lambda`);
    t.near(got.standardError, w["seLambda"], tolerance, `${at} se`);
    t.near(got.t, w["tLambda"], tolerance, `${at} t`);
    t.near(got.halfLife, w["halfLife"], tolerance, at);
  }
  return "halfLifeOf";
};

const compareHurst: Compare = (source, t, tolerance) => {
  const byLags = (x: Float64Array, w: Node, at: string): void => {
    const got = q.hurstOfLags(x);
    t.near(got.slope, w["H"], tolerance, `${at} H`);
    t.near(got.intercept, w["intercept"], tolerance, `${at} intercept`);
  };
  for (const { at, y, x, want } of pairsOf(source)) {
    byLags(q.ols(y, [x]).residuals, want["hurstVar"]!, at);
  }
  for (const { at, log, returns, want } of singlesOf(source)) {
    byLags(log, want["hurst"]!["varianceOfLags"]!, at);
    const w = want["hurst"]!["rescaledRange"]!;
    const got = q.rescaledRange(returns);
    t.same(got.sizes, w["sizes"], `${at} sizes`);
    t.nearAll(got.means, w["meanRS"]!, tolerance, `${at} R/S`);
    t.near(got.slope, w["H"], tolerance, `${at} R/S H`);
    t.near(got.intercept, w["intercept"], tolerance, `${at} R/S intercept`);
  }
  return "rescaledRange, hurstOfLags";
};

const compareKalman: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of pairsOf(source)) {
    (want["kalman"] as unknown as Node[]).forEach((w, k) => {
      const [delta, observationVariance, p0] = [w["delta"]!, w["observationVariance"]!, w["p0"]!];
      const got = q.kalmanRegression(y, x, { delta, observationVariance, p0 });
      compareRows(t, got.beta, w["beta"]!, tolerance, `${at} ${k} beta`);
      compareRows(t, got.alpha, w["alpha"]!, tolerance, `${at} ${k} alpha`);
      compareRows(t, got.innovation, w["innovation"]!, tolerance, `${at} ${k} innovation`);
      compareRows(t, got.innovationVariance, w["innovationVariance"]!, tolerance, `${at} ${k} variance`);
      t.near(got.logLikelihood, w["logLikelihood"], tolerance, `${at} ${k} log-likelihood`);
      t.nearAll(got.covariance, (w["lastP"] as unknown as number[][]).flat(), tolerance, `${at} ${k} P`);
      t.nearAll([got.beta.at(-1), got.alpha.at(-1)], w["lastState"]!, tolerance, `${at} ${k} state`);
    });
  }
  return "kalmanRegression";
};

const compareRollingZ: Compare = (source, t, tolerance) => {
  for (const { at, y, x, want } of pairsOf(source)) {
    const { residuals } = q.ols(y, [x]);
    for (const [key, w] of entriesOf(want["rollingZ"]!)) {
      const [n, ddof] = key.split("/ddof").map(Number) as [number, number];
      const got = runKernel(registry.get("zscore")!, [residuals], [n, ddof])[0]!;
      compareRows(t, got, w, tolerance, `${at} ${key}`);
    }
  }
  return "zscore(n, ddof)";
};

const compareReturns: Compare = (source, t, tolerance) => {
  for (const { at, kind, y, x, want } of pairsOf(source)) {
    if (kind !== "log") continue;
    const [ry, rx] = [differences(y), differences(x)];
    const w = want["returns"]!;
    for (const [n, rows] of entriesOf(w["rollingCorr"]!)) {
      const got = runKernel(registry.get("correl")!, [rx, ry], [Number(n)])[0]!;
      compareRows(t, got, rows, tolerance, `${at} correlation ${n}`);
    }
    compareRows(t, q.rollingBeta(ry, rx, 60), w["rollingBeta60"]!, tolerance, `${at} beta`);
    for (const [k, g] of entriesOf(w["grangerXtoY"]!)) {
      const got = q.grangerTest(ry, rx, Number(k));
      const f = [got.f, got.fP, got.dfDenominator, got.dfNumerator];
      t.nearAll(f, g["ssrF"]!, tolerance, `${at} Granger ${k}`);
      const chi = [got.chiSquare, q.chiSquareSf(got.chiSquare, Number(k)), got.dfNumerator];
      t.nearAll(chi, g["ssrChi2"]!, tolerance, `${at} Granger chi-square ${k}`);
    }
  }
  return "correl, rollingBeta, grangerTest";
};

const comparePhillipsPerron: Compare = (source, t, tolerance) => {
  for (const { at, log, want } of singlesOf(source)) {
    for (const [terms, w] of entriesOf(want["phillipsPerron"]!)) {
      const got = q.phillipsPerronTest(log, terms as "c" | "ct", w["lags"]!);
      t.near(got.statistic, w["tau"], tolerance, `${at} ${terms} tau`);
      t.near(got.p, w["p"], tolerance, `${at} ${terms} p`);
    }
    for (const [k, w] of entriesOf(want["varianceRatio"]!)) {
      const got = q.varianceRatioTest(log, Number(k));
      t.near(got.ratio, w["vr"], tolerance, `${at} ratio ${k}`);
      t.near(got.z, w["z"], tolerance, `${at} z ${k}`);
      t.near(got.p, w["p"], tolerance, `${at} p ${k}`);
    }
  }
  return "phillipsPerronTest, varianceRatioTest";
};

const compareAcf: Compare = (source, t, tolerance) => {
  for (const { at, returns, want } of singlesOf(source)) {
    const squares = returns.map((r) => r * r);
    t.nearAll(q.autocorrelations(returns, 20), want["acf"]!, tolerance, `${at} acf`);
    t.nearAll(q.partialAutocorrelations(returns, 20), want["pacfYwm"]!, tolerance, `${at} pacf`);
    t.nearAll(q.partialAutocorrelationsOls(returns, 20), want["pacfOls"]!, tolerance, `${at} pacf OLS`);
    t.nearAll(q.autocorrelations(squares, 20), want["acfSquared"]!, tolerance, `${at} squares`);
  }
  return "autocorrelations, partialAutocorrelations";
};

const compareDiagnostics: Compare = (source, t, tolerance) => {
  for (const { at, returns, want } of singlesOf(source)) {
    const lb = want["ljungBox"]!;
    (lb["lags"] as number[]).forEach((lag, i) => {
      const got = q.portmanteauTest(returns, lag);
      t.near(got.ljungBox.statistic, lb["q"]![i], tolerance, `${at} Ljung-Box ${lag}`);
      t.near(got.ljungBox.p, lb["p"]![i], tolerance, `${at} Ljung-Box p ${lag}`);
      t.near(got.boxPierce.statistic, lb["boxPierceQ"]![i], tolerance, `${at} Box-Pierce ${lag}`);
      t.near(got.boxPierce.p, lb["boxPierceP"]![i], tolerance, `${at} Box-Pierce p ${lag}`);
    });
    const m = want["moments"]!;
    const shape = q.shapeOf(returns);
    t.near(q.mean(returns), m["mean"], tolerance, `${at} mean`);
    t.near(q.standardDeviation(returns), m["sdDdof1"], tolerance, `${at} sd`);
    t.near(shape.skew, m["skewBiased"], tolerance, `${at} skew`);
    t.near(shape.excessKurtosis, m["excessKurtosisBiased"], tolerance, `${at} kurtosis`);
    t.near(shape.skewUnbiased, m["skewG1"], tolerance, `${at} G1`);
    t.near(shape.excessKurtosisUnbiased, m["excessKurtosisG2"], tolerance, `${at} G2`);
    const jb = q.jarqueBeraTest(returns);
    t.near(jb.statistic, want["jarqueBera"]!["statistic"], tolerance, `${at} Jarque-Bera`);
    t.near(jb.p, want["jarqueBera"]!["p"], tolerance, `${at} Jarque-Bera p`);
    for (const [k, w] of entriesOf(want["archLm"]!)) {
      const got = q.archTest(returns, Number(k));
      t.near(got.lm.statistic, w["lm"], tolerance, `${at} LM ${k}`);
      t.near(got.lm.p, w["lmP"], tolerance, `${at} LM p ${k}`);
      t.near(got.f.statistic, w["f"], tolerance, `${at} F ${k}`);
      t.near(got.f.p, w["fP"], tolerance, `${at} F p ${k}`);
    }
  }
  return "portmanteauTest, shapeOf, jarqueBeraTest, archTest";
};

const compareGarch: Compare = (source, t, tolerance) => {
  for (const { at, returns, want } of singlesOf(source)) {
    const g = returns.slice(-2500).map((r) => 100 * r);
    for (const [dist, w] of [
      ["normal", want["garch"]!["normal"]!],
      ["student", want["garch"]!["t"]!],
    ] as const) {
      const p = w["params"]!;
      const given = { mu: p["mu"]!, omega: p["omega"]!, alpha: p["alpha[1]"]!, beta: p["beta[1]"]! };
      const full = dist === "student" ? { ...given, nu: p["nu"]! } : given;
      const own = q.garchLogLikelihood(g, full, w["backcast"]!);
      t.near(own, w["logLikelihoodOwnRecursion"], { rel: 1e-8 }, `${at} ${dist} given parameters`);
      const last = q.garchVariances(g, full, w["backcast"]!);
      t.nearAll(last.slice(-6, -1), w["conditionalVarianceLast5"]!, { rel: 1e-8 }, `${at} ${dist} variances`);
      const ahead = q.garchForecast(full, last.at(-1)!, 5);
      t.nearAll(ahead, w["forecastVariance5"]!, { rel: 1e-8 }, `${at} ${dist} forecast`);
      const fit = q.fitGarch(g, dist);
      const reference = w["logLikelihood"]!;
      const slack = 1e-6 * Math.abs(reference);
      t.near(fit.backcast, w["backcast"], { rel: 1e-8 }, `${at} ${dist} backcast`);
      t.reaches(fit.logLikelihood, reference, slack, `${at} ${dist} log-likelihood`);
      // A higher maximum than the reference's has other parameters by right.
      if (fit.logLikelihood > reference + slack) continue;
      const got = [fit.mu, fit.omega, fit.alpha, fit.beta, ...(fit.nu === undefined ? [] : [fit.nu])];
      t.nearAll(got, Object.values(p), { rel: tolerance.rel! }, `${at} ${dist} parameters`);
      t.nearAll(
        fit.standardErrors,
        Object.values(w["seMle"]!),
        { rel: tolerance.rel! },
        `${at} ${dist} errors`,
      );
    }
  }
  return "fitGarch, garchLogLikelihood, garchForecast";
};

const compareMarkov: Compare = (source, t, tolerance) => {
  for (const { at, returns, want } of singlesOf(source)) {
    const x = returns.slice(-1500).map((r) => 100 * r);
    const w = want["markovSwitching"]!;
    const fit = q.fitMarkovSwitching(x);
    const reference = w["logLikelihood"]!;
    const slack = 1e-8 * Math.abs(reference);
    t.reaches(fit.logLikelihood, reference, slack, `${at} log-likelihood`);
    if (fit.logLikelihood > reference + slack) continue;
    t.nearAll(fit.means, w["mean"]!, { rel: tolerance.rel! }, `${at} mean`);
    t.nearAll(fit.variances, w["variance"]!, { rel: tolerance.rel! }, `${at} variance`);
    t.nearAll(fit.stay, w["stay"]!, { rel: tolerance.rel! }, `${at} stay`);
    const p = q.regimeProbabilities(x, fit);
    const low = (both: Float64Array): Float64Array => x.map((_, i) => both[2 * i]!);
    const near = { abs: 1e-3 };
    compareRows(t, low(p.smoothed), w["smoothedLowVarianceEvery20"]!, near, `${at} smoothed`);
    compareRows(t, low(p.filtered), w["filteredLowVarianceEvery20"]!, near, `${at} filtered`);
  }
  return "fitMarkovSwitching, regimeProbabilities";
};

const compareHmm: Compare = (source, t) => {
  for (const { at, returns, want } of singlesOf(source)) {
    const x = returns.slice(-1500).map((r) => 100 * r);
    for (const k of [2, 3]) {
      const w = want["gaussianHmm"]![String(k)]!;
      // Without a bound on the likelihood there is nothing to reach.
      if (w["logLikelihood"] === null) continue;
      const fit = q.fitHiddenMarkov(x, k);
      const reference = w["logLikelihood"]!;
      t.reaches(fit.logLikelihood, reference, reference - w["mustReach"]!, `${at} ${k} log-likelihood`);
      const given = {
        means: Float64Array.from(w["means"]!),
        variances: Float64Array.from(w["variances"]!),
        transition: Float64Array.from((w["transition"] as unknown as number[][]).flat()),
        start: Float64Array.from(w["start"]!),
        logLikelihood: reference,
      };
      const scored = q.regimeProbabilities(x, given).logLikelihood;
      t.near(scored, reference, { rel: 1e-8 }, `${at} ${k} given parameters`);
      t.same(Array.from(q.regimePath(x, given)).slice(-20), w["viterbiLast20"], `${at} ${k} path`);
    }
  }
  return "fitHiddenMarkov, regimePath";
};

const compareChanges: Compare = (source, t, tolerance) => {
  for (const { at, log, returns, want } of singlesOf(source)) {
    const inputs: Record<string, Float64Array> = {
      meanOf100LogReturnsLast1000: returns.slice(-1000).map((r) => 100 * r),
      log100PriceLast1000: log.slice(-1000).map((v) => 100 * v),
    };
    for (const [name, cases] of entriesOf(want["changePoints"]!)) {
      for (const w of cases as unknown as Node[]) {
        const got = q.changePoints(inputs[name]!, w["penalty"]!);
        t.near(got.cost, w["optimalCost"], tolerance, `${at} ${name} cost`);
        if (got.cost !== w["optimalCost"]) continue;
        t.same([...got.points], w["changePoints"], `${at} ${name} points`);
      }
    }
  }
  return "changePoints";
};

const compareEwma: Compare = (source, t, tolerance) => {
  for (const { at, returns, want } of singlesOf(source)) {
    const got = ewmaVariances(returns, 0.94).subarray(1);
    const w = want["ewmaVariance094"]!;
    compareRows(t, got, w["every200"]!, tolerance, at);
    t.nearAll(got.slice(-5), w["last5"]!, tolerance, `${at} last`);
  }
  return "ewmaVariances";
};

const compareMackinnonP: Compare = (source, t, tolerance) => {
  const golden = readJson<{ tau: number[]; p: Tree }>(source.folder, "mackinnon.json");
  for (const [key, values] of Object.entries(golden.p)) {
    const [n, terms] = key.split("/") as [string, q.Deterministic];
    const got = golden.tau.map((v) => q.mackinnonP(v, terms, Number(n[1]) as 1 | 2));
    t.nearAll(got, values, tolerance, key);
  }
  return "mackinnonP";
};

const compareMackinnonCritical: Compare = (source, t, tolerance) => {
  const golden = readJson<{ crit: Tree }>(source.folder, "mackinnon.json");
  for (const [key, table] of Object.entries(golden.crit)) {
    const [n, terms] = key.split("/") as [string, q.Deterministic];
    const variables = Number(n[1]) as 1 | 2;
    for (const [nobs, values] of Object.entries(table)) {
      const observations = nobs === "inf" ? Infinity : Number(nobs);
      const got = q.mackinnonCritical(terms, variables, observations);
      const [one, five, ten] = values as number[];
      const crit = { "1%": one, "5%": five, "10%": ten } as unknown as Node;
      const want = variables === 2 ? corrected(crit, terms, observations) : crit;
      compareCritical(t, got, want, tolerance, `${key} ${nobs}`);
    }
  }
  return "mackinnonCritical";
};

interface Distribution {
  x: number[];
  cdf: number[];
  sf: number[];
  quantile: number[];
}
interface Distributions {
  p: number[];
  normal: Distribution & { logcdf: number[] };
  erf: { x: number[]; erf: number[]; erfc: number[] };
  student: Record<string, Distribution>;
  chi2: Record<string, Distribution>;
  f: Record<string, Distribution>;
  gammaP: Record<string, { x: number[]; P: number[]; Q: number[] }>;
  betaI: Record<string, { x: number[]; I: number[]; oneMinusI: number[] }>;
  special: { x: number[]; lgamma: number[]; digamma: number[] };
}

const compareDistributions: Compare = (source, t, tolerance) => {
  const g = readJson<Distributions>(source.folder, "distributions.json");
  // The reference's 60 digits make 0 of what is nearer to 0 than they can tell from a difference of larger numbers.
  const each = (x: number[], f: (v: number) => number, want: number[], at: string): void =>
    want.forEach((w, i) => t.near(f(x[i]!), w, w === 0 ? { abs: 1e-60 } : tolerance, `${at} ${x[i]}`));
  each(g.normal.x, q.normalCdf, g.normal.cdf, "normal cdf");
  each(g.normal.x, q.normalSf, g.normal.sf, "normal sf");
  each(g.normal.x, q.normalLogCdf, g.normal.logcdf, "normal ln cdf");
  each(g.p, q.normalQuantile, g.normal.quantile, "normal quantile");
  each(g.erf.x, q.erf, g.erf.erf, "erf");
  each(g.erf.x, q.erfc, g.erf.erfc, "erfc");
  for (const [v, w] of Object.entries(g.student)) {
    each(w.x, (x) => q.studentCdf(x, Number(v)), w.cdf, `t ${v} cdf`);
    each(w.x, (x) => q.studentSf(x, Number(v)), w.sf, `t ${v} sf`);
    each(g.p, (p) => q.studentQuantile(p, Number(v)), w.quantile, `t ${v} quantile`);
  }
  for (const [v, w] of Object.entries(g.chi2)) {
    each(w.x, (x) => q.chiSquareCdf(x, Number(v)), w.cdf, `chi-square ${v} cdf`);
    each(w.x, (x) => q.chiSquareSf(x, Number(v)), w.sf, `chi-square ${v} sf`);
    each(g.p, (p) => q.chiSquareQuantile(p, Number(v)), w.quantile, `chi-square ${v} quantile`);
  }
  for (const [key, w] of Object.entries(g.f)) {
    const [a, b] = key.split(",").map(Number) as [number, number];
    each(w.x, (x) => q.fisherCdf(x, a, b), w.cdf, `F ${key} cdf`);
    each(w.x, (x) => q.fisherSf(x, a, b), w.sf, `F ${key} sf`);
    each(g.p, (p) => q.fisherQuantile(p, a, b), w.quantile, `F ${key} quantile`);
  }
  for (const [a, w] of Object.entries(g.gammaP)) {
    each(w.x, (x) => q.incompleteGamma(Number(a), x)[0], w.P, `P ${a}`);
    each(w.x, (x) => q.incompleteGamma(Number(a), x)[1], w.Q, `Q ${a}`);
  }
  for (const [key, w] of Object.entries(g.betaI)) {
    const [a, b] = key.split(",").map(Number) as [number, number];
    each(w.x, (x) => q.incompleteBeta(a, b, [x, 0], q.complement(x))[0], w.I, `I ${key}`);
    each(w.x, (x) => q.incompleteBeta(a, b, [x, 0], q.complement(x))[1], w.oneMinusI, `1 - I ${key}`);
  }
  each(g.special.x, q.lgamma, g.special.lgamma, "ln gamma");
  each(g.special.x, q.digamma, g.special.digamma, "digamma");
  return "distributions";
};

const comparisons: Record<string, Compare> = {
  ols: compareOls,
  olsNoIntercept: compareNoIntercept,
  rlmHuber: compareHuber,
  tls: compareTls,
  theilSenLast500: compareTheilSen,
  spread: compareSpread,
  "adf / spreadAdf": compareAdf,
  kpss: compareKpss,
  coint: compareCointegration,
  johansen: compareJohansen,
  halfLife: compareHalfLife,
  hurst: compareHurst,
  kalman: compareKalman,
  rollingZ: compareRollingZ,
  returns: compareReturns,
  "phillipsPerron, varianceRatio": comparePhillipsPerron,
  "acf, pacfYwm, pacfOls, acfSquared": compareAcf,
  "ljungBox, jarqueBera, archLm, moments": compareDiagnostics,
  garch: compareGarch,
  markovSwitching: compareMarkov,
  gaussianHmm: compareHmm,
  changePoints: compareChanges,
  ewmaVariance094: compareEwma,
  p: compareMackinnonP,
  crit: compareMackinnonCritical,
  "*": compareDistributions,
};

/** Tables of functions alone, by the word that tells their entries apart: a folder made for other data may go without. */
const TABLES: Readonly<Record<string, string>> = {
  "mackinnon.json": "mackinnon ",
  "distributions.json": "distributions ",
};

export const statistics: GoldenFolder = {
  name: "statistics",
  entries: (folder, dataDir) =>
    manifestEntries(folder)
      .filter(({ file }) => !(file in TABLES) || existsSync(join(folder, file)))
      .map((entry) => {
        const id = `statistics/${TABLES[entry.file] ?? ""}${entry.key}`;
        const compare = comparisons[entry.key];
        if (!compare) return { id };
        return {
          id,
          compare: (): GoldenResult => {
            const t = new Tally();
            const counterpart = compare({ folder, dataDir }, t, entry.tolerance as Tolerance);
            return t.result(counterpart, entry.library ?? "definition");
          },
        };
      }),
};
