import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as q from "./index.ts";
import { codeOf, noise, uniform } from "../testInputs.ts";

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });

describe("one series", () => {
  const methods = [
    ["z", (x: Float64Array) => q.zAnomalies(x, 1.5)],
    ["robust z", (x: Float64Array) => q.robustZAnomalies(x, 1.5)],
    ["IQR", (x: Float64Array) => q.iqrAnomalies(x, 0.5)],
    [
      "seasonal",
      (x: Float64Array) =>
        q.seasonalAnomalies(
          x,
          Int32Array.from(x, (_, i) => i % 3),
          1.5,
        ),
    ],
  ] as const;

  test.each(methods)("%s: what is reported is outside its bounds, the rest has no reason", (_name, find) => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 20, maxLength: 60 }), (values) => {
        const x = Float64Array.from(values);
        if (codeOf(() => find(x)) === "undefined") return;
        const { anomalies, scores } = find(x);
        expect(scores).toHaveLength(x.length);
        for (const { row, value, low, high, score } of anomalies) {
          expect(value).toBe(x[row]);
          expect(score).toBe(scores[row]);
          expect(score < 0 ? value <= low : value >= high).toBe(true);
        }
      }),
    );
  });

  test.each(methods)("%s: level and scale of the series do not matter", (_name, find) => {
    const x = noise(120, 3);
    const rows = (s: q.SeriesAnomalies): number[] => s.anomalies.map(({ row }) => row);
    const base = rows(find(x));
    expect(base.length).toBeGreaterThan(0);
    expect(rows(find(x.map((v) => 1024 + 16 * v)))).toEqual(base);
  });

  test("an outlier hides from the deviations it widens, not from the median's", () => {
    const x = Float64Array.of(1, 2, 3, 2, 1, 2, 3, 2, 90, 95);
    expect(q.zAnomalies(x).anomalies).toEqual([]);
    expect(q.robustZAnomalies(x).anomalies.map(({ row }) => row)).toEqual([8, 9]);
  });

  test("a value that is usual at noon is unusual at night", () => {
    const phases = Int32Array.from({ length: 240 }, (_, i) => i % 2);
    const x = noise(240, 5).map((v, i) => (phases[i] === 0 ? v : 50 + v));
    x[100] = 50;
    expect(q.zAnomalies(x).anomalies).toEqual([]);
    const { anomalies } = q.seasonalAnomalies(x, phases, 6);
    expect(anomalies.map(({ row }) => row)).toEqual([100]);
    expect(anomalies[0]!.expected).toBeLessThan(1);
  });
});

describe("isolation forest", () => {
  const columns = 4;
  const data = noise(600 * columns, 7);
  data[300 * columns + 2] = 9;
  const forest = q.fitIsolationForest(data, columns, uniform(1), { trees: 60 });
  const scores = q.isolationScores(forest, data);

  test("a row far out in one feature scores highest, and that feature is the reason", () => {
    expect(q.highestRows(scores, 1)).toEqual(Int32Array.of(300));
    const row = data.subarray(300 * columns, 301 * columns);
    const explain = q.featureReasons(data, columns);
    const [first, ...others] = explain(row, q.isolationContributions(forest, row));
    expect(first).toMatchObject({ feature: 2, value: 9, quantile: 1 });
    for (const { contribution } of others) expect(contribution).toBeLessThan(first!.contribution / 2);
  });

  test("contributions sum to 1 + log2 of the score", () => {
    const row = fc.array(fc.double({ min: -20, max: 20, noNaN: true }), {
      minLength: columns,
      maxLength: columns,
    });
    fc.assert(
      fc.property(row, (values) => {
        const x = Float64Array.from(values);
        const sum = q.isolationContributions(forest, x).reduce((a, b) => a + b, 0);
        expect(sum).toBeCloseTo(1 + Math.log2(q.isolationScores(forest, x)[0]!), 10);
      }),
    );
  });

  test("scores of parts are those of the whole", () => {
    const parts = [0, 1, 599, 600].slice(1).flatMap((to, i) => {
      const from = [0, 1, 599][i]!;
      return [...q.isolationScores(forest, data.subarray(from * columns, to * columns))];
    });
    expect(parts).toEqual([...scores]);
  });

  test("the same numbers grow the same forest, others another", () => {
    expect(q.fitIsolationForest(data, columns, uniform(1), { trees: 60 })).toEqual(forest);
    expect(q.fitIsolationForest(data, columns, uniform(2), { trees: 60 })).not.toEqual(forest);
  });

  test("equal rows cannot be isolated: 0.5", () => {
    const same = new Float64Array(40).fill(3);
    const flat = q.fitIsolationForest(same, 2, uniform(3), { trees: 5 });
    for (const score of q.isolationScores(flat, same)) expect(score).toBeCloseTo(0.5, 12);
  });
});

describe("one-class support vectors", () => {
  const columns = 3;
  const data = noise(400 * columns, 11);
  const nu = 0.1;
  const svm = q.fitOneClassSvm(data, columns, { nu });
  const decisions = q.oneClassDecisions(svm, data);

  test("multipliers are within their bounds and sum to the share times the rows", () => {
    for (const a of svm.alpha) expect(a > 0 && a <= 1).toBe(true);
    expect(svm.alpha.reduce((a, b) => a + b, 0)).toBeCloseTo(nu * 400, 9);
  });

  test("the optimum's conditions: rows inside carry nothing, rows at the border something, rows outside all", () => {
    const alpha = new Float64Array(400);
    svm.supportRows.forEach((row, i) => (alpha[row] = svm.alpha[i]!));
    decisions.forEach((d, i) => {
      if (d > 1e-7) expect(alpha[i]).toBe(0);
      if (d < -1e-7) expect(alpha[i]).toBe(1);
    });
    expect(decisions.filter((d) => d < -1e-7).length).toBeLessThanOrEqual(nu * 400);
  });

  test("kernel values that had to be computed again change nothing", () => {
    const many = noise(3000 * 2, 13);
    const fit = q.fitOneClassSvm(many, 2, { nu: 0.05 });
    const outside = q.oneClassDecisions(fit, many).filter((d) => d < -1e-7).length;
    expect(outside).toBeLessThanOrEqual(150);
    expect(outside + fit.alpha.filter((a) => a < 1).length).toBeGreaterThanOrEqual(150);
  });

  test("the reason is the feature whose return to the median brings the row back", () => {
    const row = Float64Array.of(0.1, 8, -0.2);
    expect(q.oneClassDecisions(svm, row)[0]).toBeLessThan(0);
    const contributions = q.oneClassContributions(svm, row);
    const [first] = q.featureReasons(data, columns)(row, contributions);
    expect(first!.feature).toBe(1);
    const healed = Float64Array.of(0.1, svm.medians[1]!, -0.2);
    const gain = q.oneClassDecisions(svm, healed)[0]! - q.oneClassDecisions(svm, row)[0]!;
    expect(first!.contribution).toBeCloseTo(gain, 14);
  });
});

test("standardised columns have mean 0 and deviation 1", () => {
  const { data, means, deviations } = q.standardise(
    noise(900, 17).map((v, i) => (i % 3) * 100 + (1 + (i % 3)) * v),
    3,
  );
  for (let j = 0; j < 3; j++) {
    const column = q.columnOf(data, 3, j);
    expect(column.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 10);
    expect(column.reduce((a, b) => a + b * b, 0) / column.length).toBeCloseTo(1, 12);
  }
  expect(means[2]! / deviations[2]!).toBeCloseTo(200 / 3, -1);
});

const x = noise(50, 1);
const forest = q.fitIsolationForest(x, 5, uniform(1), { trees: 2 });
test.each<[string, string, () => unknown]>([
  ["NaN in a series", "notFinite", () => q.zAnomalies(Float64Array.of(1, NaN, 2))],
  ["a constant series", "undefined", () => q.zAnomalies(new Float64Array(9).fill(2))],
  ["two values", "tooFew", () => q.robustZAnomalies(Float64Array.of(1, 2))],
  ["half of the values equal", "undefined", () => q.robustZAnomalies(Float64Array.of(1, 1, 1, 2, 9))],
  ["equal quartiles", "undefined", () => q.iqrAnomalies(Float64Array.of(0, 1, 1, 1, 1, 1, 5))],
  ["a negative threshold", "outOfRange", () => q.zAnomalies(x, -3)],
  ["too few phases", "unequalLengths", () => q.seasonalAnomalies(x, new Int32Array(49))],
  [
    "a phase of one value",
    "tooFew",
    () =>
      q.seasonalAnomalies(
        x,
        Int32Array.from(x, (_, i) => +(i === 0)),
      ),
  ],
  ["no whole rows", "unequalLengths", () => q.fitIsolationForest(x, 7, uniform(1))],
  ["infinity in a row", "notFinite", () => q.isolationScores(forest, new Float64Array(5).fill(Infinity))],
  ["one row", "tooFew", () => q.fitIsolationForest(x, 50, uniform(1))],
  ["no trees", "outOfRange", () => q.fitIsolationForest(x, 5, uniform(1), { trees: 0 })],
  [
    "a row of four for five features",
    "unequalLengths",
    () => q.isolationContributions(forest, x.slice(0, 4)),
  ],
  ["a share of 1", "outOfRange", () => q.fitOneClassSvm(x, 5, { nu: 1 })],
  ["a width of 0", "outOfRange", () => q.fitOneClassSvm(x, 5, { gamma: 0 })],
  ["nine rows", "tooFew", () => q.fitOneClassSvm(x.slice(0, 45), 5)],
  ["20,001 rows", "outOfRange", () => q.fitOneClassSvm(new Float64Array(20_001), 1)],
  ["a column that does not vary", "undefined", () => q.standardise(Float64Array.of(1, 2, 1, 3), 2)],
])("%s is refused as %s", (_name, expected, compute) => {
  expect(codeOf(compute)).toBe(expected);
});
