import { describe, expect, test } from "vitest";
import * as q from "./index.ts";
import { codeOf, noise, walk } from "../testInputs.ts";

describe("distributions", () => {
  test.each([1e-9, 1e-3, 0.2, 0.5, 0.8, 0.999])("quantiles undo the cdf at %f", (p) => {
    expect(q.normalCdf(q.normalQuantile(p))).toBeCloseTo(p, 14);
    for (const v of [1, 2.5, 30, 1e5]) {
      expect(q.studentCdf(q.studentQuantile(p, v), v) / p).toBeCloseTo(1, 11);
      expect(q.chiSquareCdf(q.chiSquareQuantile(p, v), v) / p).toBeCloseTo(1, 11);
      expect(q.fisherCdf(q.fisherQuantile(p, v, 7), v, 7) / p).toBeCloseTo(1, 11);
    }
  });
});

describe("regression", () => {
  const columns = [noise(200, 1), noise(200, 2), noise(200, 3)];
  const y = columns[0]!.map((v, i) => 3 + 2 * v - columns[1]![i]! + 0.1 * columns[2]![i]!);

  test("finds the coefficients that made the data", () => {
    const fit = q.ols(y, columns);
    [3, 2, -1, 0.1].forEach((b, i) => expect(fit.coefficients[i]).toBeCloseTo(b, 12));
    expect(fit.rSquared).toBeCloseTo(1, 14);
  });

  test("residuals are orthogonal to every column", () => {
    const fit = q.ols(noise(200, 9), columns);
    for (const c of columns) expect(q.dot(c, fit.residuals)).toBeCloseTo(0, 11);
    expect(fit.residuals.reduce((a, e) => a + e, 0)).toBeCloseTo(0, 11);
  });

  test("an outlier moves Huber's line less than least squares", () => {
    const bent = y.map((v, i) => (i === 7 ? v + 1000 : v + 0.01 * columns[2]![(i + 1) % 200]!));
    const off = (fit: { coefficients: Float64Array }): number => Math.abs(fit.coefficients[0]! - 3);
    expect(off(q.huberRegression(bent, columns))).toBeLessThan(off(q.ols(bent, columns)) / 100);
  });

  test("the orthogonal line is the same read either way", () => {
    const [x, z] = [walk(100, 4), walk(100, 5)];
    expect(q.totalLeastSquares(z, x).slope * q.totalLeastSquares(x, z).slope).toBeCloseTo(1, 12);
  });

  test("Kendall's tau by merging equals the count over all pairs, ties included", () => {
    const x = noise(80, 6).map((v) => Math.round(2 * v));
    const z = noise(80, 7).map((v) => Math.round(2 * v));
    let score = 0;
    let px = 0;
    let pz = 0;
    for (let i = 0; i < 80; i++) {
      for (let j = 0; j < i; j++) {
        const a = Math.sign(x[i]! - x[j]!);
        const b = Math.sign(z[i]! - z[j]!);
        score += a * b;
        px += a * a;
        pz += b * b;
      }
    }
    expect(q.kendall(x, z)).toBeCloseTo(score / Math.sqrt(px * pz), 13);
  });
});

describe("unit roots", () => {
  test("a walk keeps the root, noise rejects it", () => {
    expect(q.adfTest(walk(1000, 1)).p).toBeGreaterThan(0.1);
    expect(q.adfTest(noise(1000, 1)).p).toBeLessThan(1e-6);
    expect(q.kpssTest(walk(1000, 1)).p).toBe(0.01);
    expect(q.kpssTest(noise(1000, 1)).p).toBe(0.1);
  });

  test.each(["n", "c", "ct"] as const)("products by lag shifts equal the plain regression (%s)", (terms) => {
    const x = walk(300, 3);
    const lags = 4;
    const d = Float64Array.from({ length: 299 }, (_, i) => x[i + 1]! - x[i]!);
    const columns: Float64Array[] = [x.slice(lags, 299)];
    for (let j = 1; j <= lags; j++) columns.push(d.slice(lags - j, 299 - j));
    if (terms !== "n") columns.push(q.ones(299 - lags));
    if (terms === "ct") columns.push(Float64Array.from({ length: 299 - lags }, (_, i) => i));
    const plain = q.ols(d.slice(lags), columns, false);
    const got = q.adfTest(x, { terms, maxLag: lags, choose: null });
    expect(got.statistic / plain.t[0]!).toBeCloseTo(1, 9);
  });

  test("a statistic does not move with the level or scale of the series", () => {
    const x = walk(400, 8);
    const base = q.adfTest(x).statistic;
    expect(q.adfTest(x.map((v) => 1e6 + 1e-3 * v)).statistic / base).toBeCloseTo(1, 6);
  });

  test("series that share a walk are cointegrated, separate walks are not", () => {
    const w = walk(800, 2);
    const error = noise(800, 3);
    const tied = w.map((v, i) => 5 + 0.5 * v + error[i]!);
    expect(q.engleGrangerTest(tied, w).p).toBeLessThan(0.01);
    expect(q.engleGrangerTest(walk(800, 12), w).p).toBeGreaterThan(0.05);
    const j = q.johansenTest([tied, w], 0, 1);
    expect(j.trace[0]).toBeGreaterThan(j.traceCritical[0]![2]);
    expect(-j.vectors[0]! / j.vectors[2]!).toBeCloseTo(2, 1);
  });
});

describe("regimes and changes", () => {
  const calm = noise(300, 5).map((v) => 0.5 * v);
  const wild = noise(300, 6).map((v) => 3 * v);
  const both = Float64Array.from([...calm, ...wild]);

  test("a hidden Markov model tells calm from wild", () => {
    const model = q.fitHiddenMarkov(both, 2);
    expect(model.variances[0]).toBeCloseTo(0.25, 1);
    expect(model.variances[1]! / 9).toBeCloseTo(1, 0);
    const path = q.regimePath(both, model);
    const wrong = path.filter((r, i) => r !== (i < 300 ? 0 : 1)).length;
    expect(wrong).toBeLessThan(15);
  });

  test("filtered probabilities do not change when later values are cut, smoothed ones do", () => {
    const model = q.fitHiddenMarkov(both, 2);
    const whole = q.regimeProbabilities(both, model);
    const part = q.regimeProbabilities(both.slice(0, 310), model);
    expect([...part.filtered]).toEqual([...whole.filtered.subarray(0, 620)]);
    expect([...part.smoothed]).not.toEqual([...whole.smoothed.subarray(0, 620)]);
  });

  test.each([1, 5, 50])("pruning loses nothing at penalty %f", (penalty) => {
    const x = Float64Array.from([...noise(60, 1), ...noise(60, 2).map((v) => v + 3), ...noise(60, 3)]);
    const n = x.length;
    const best = new Float64Array(n + 1).fill(Infinity);
    best[0] = -penalty;
    for (let t = 1; t <= n; t++) {
      for (let s = 0; s < t; s++) {
        const part = x.subarray(s, t);
        best[t] = Math.min(best[t]!, best[s]! + q.variance(part, 0) * part.length + penalty);
      }
    }
    expect(q.changePoints(x, penalty).cost).toBeCloseTo(best[n]!, 9);
  });

  test("Kalman follows a fixed ratio", () => {
    const x = walk(2000, 4);
    const error = noise(2000, 5);
    const y = x.map((v, i) => 2 * v + 1 + error[i]!);
    const k = q.kalmanRegression(y, x, { delta: 1e-7, observationVariance: 1, p0: 1 });
    expect(k.beta.at(-1)).toBeCloseTo(2, 1);
    expect(k.rSquared).toBeGreaterThan(0.9);
  });
});

test("the gradient behind the GARCH fit is flat at its optimum", () => {
  let v = 1;
  const z = noise(3000, 11);
  const r = z.map((e) => {
    const out = e * Math.sqrt(v);
    v = 0.05 + 0.1 * out * out + 0.85 * v;
    return out;
  });
  const fit = q.fitGarch(r);
  for (const key of ["mu", "omega", "alpha", "beta"] as const) {
    for (const way of [1.002, 0.998]) {
      const moved = { ...fit, [key]: key === "mu" ? fit.mu + (way - 1) : fit[key] * way };
      expect(q.garchLogLikelihood(r, moved, fit.backcast)).toBeLessThan(fit.logLikelihood);
    }
  }
  expect(fit.alpha + fit.beta).toBeCloseTo(0.95, 1);
});

test("least-squares partial autocorrelations of an AR(1) end after one lag", () => {
  let s = 0;
  const x = noise(5000, 13).map((v) => (s = 0.6 * s + v));
  const p = q.partialAutocorrelations(x, 5);
  expect(p[1]).toBeCloseTo(0.6, 1);
  for (let k = 2; k <= 5; k++) expect(Math.abs(p[k]!)).toBeLessThan(0.05);
});

test.each<[string, string, () => unknown]>([
  ["a constant series", "singular", () => q.adfTest(new Float64Array(50).fill(3))],
  ["infinity inside", "notFinite", () => q.adfTest(walk(50, 1).map((v, i) => (i === 9 ? Infinity : v)))],
  ["too many lags", "outOfRange", () => q.adfTest(walk(20, 1), { maxLag: 15 })],
  ["a fractional lag", "outOfRange", () => q.portmanteauTest(noise(50, 1), 1.5)],
  ["dependent columns", "singular", () => q.ols(noise(50, 1), [noise(50, 2), noise(50, 2)])],
  ["unequal lengths", "unequalLengths", () => q.totalLeastSquares(noise(9, 1), noise(8, 1))],
  ["more columns than rows", "tooFew", () => q.ols(noise(3, 1), [noise(3, 2), noise(3, 3)])],
  ["the same series twice", "singular", () => q.johansenTest([walk(99, 1), walk(99, 1)], 0, 1)],
  [
    "six series",
    "outOfRange",
    () =>
      q.johansenTest(
        Array.from({ length: 6 }, (_, i) => walk(99, i)),
        0,
        1,
      ),
  ],
  ["a constant to GARCH", "undefined", () => q.fitGarch(new Float64Array(99).fill(1))],
  ["few values to GARCH", "tooFew", () => q.fitGarch(noise(20, 1))],
  ["one regime", "outOfRange", () => q.fitHiddenMarkov(noise(99, 1), 1)],
  ["a penalty of zero", "outOfRange", () => q.changePoints(noise(9, 1), 0)],
  ["a probability of 1", "outOfRange", () => q.normalQuantile(1)],
  ["negative degrees of freedom", "outOfRange", () => q.studentSf(1, -2)],
])("%s is refused as %s", (_name, expected, compute) => {
  expect(codeOf(compute)).toBe(expected);
});
