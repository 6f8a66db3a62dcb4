import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as q from "./index.ts";
import { codeOf, noise, uniform, walk } from "../testInputs.ts";

const probabilities = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });

describe("false discoveries", () => {
  // Benjamini and Hochberg 1995, section 4.1, and what statsmodels 0.15 makes of it (multipletests, fdr_bh and fdr_by).
  const published = Float64Array.of(
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.324,
    0.4262,
    0.5719,
    0.6528,
    0.759,
    1,
  );
  test.each<[q.DiscoveryControl, number, number[]]>([
    [
      "benjaminiHochberg",
      4,
      [0.0015, 0.003, 0.0095, 0.035625, 0.0603, 0.06385714285714286, 0.06385714285714286, 0.0645],
    ],
    [
      "benjaminiYekutieli",
      3,
      [
        0.004977343489843491, 0.009954686979686982, 0.03152317543567544, 0.11821190788378289,
        0.20008920829170831, 0.21189262285333715, 0.21189262285333715, 0.2140257700632701,
      ],
    ],
  ])("%s accepts %i of the fifteen published p-values at 5 %%", (control, accepted, first) => {
    const adjusted = q.adjustedP(published, control);
    expect(adjusted.filter((v) => v <= 0.05)).toHaveLength(accepted);
    first.forEach((v, i) => expect(adjusted[i]! / v).toBeCloseTo(1, 12));
  });

  test.each([0.05, 0.2])("accepting adjusted values at %f is the step-up procedure", (rate) => {
    fc.assert(
      fc.property(probabilities, (values) => {
        const p = Float64Array.from(values);
        const m = p.length;
        const ascending = p.toSorted();
        let last = 0;
        for (let rank = 1; rank <= m; rank++) if (ascending[rank - 1]! <= (rank * rate) / m) last = rank;
        const bound = last === 0 ? -1 : ascending[last - 1]!;
        const adjusted = q.adjustedP(p, "benjaminiHochberg");
        // A value on the very bound may fall on either side by rounding.
        values.forEach((v, i) => {
          if (Math.abs(adjusted[i]! - rate) > 1e-12) expect(adjusted[i]! <= rate).toBe(v <= bound);
        });
      }),
    );
  });

  test("the adjusted values keep the order, and any dependence costs Σ 1/i", () => {
    fc.assert(
      fc.property(probabilities, (values) => {
        const p = Float64Array.from(values);
        const independent = q.adjustedP(p, "benjaminiHochberg");
        const any = q.adjustedP(p, "benjaminiYekutieli");
        const factor = values.reduce((sum, _, i) => sum + 1 / (i + 1), 0);
        values.forEach((v, i) => {
          expect(independent[i]).toBeGreaterThanOrEqual(v * (1 - 1e-12));
          expect(any[i]).toBeCloseTo(Math.min(1, independent[i]! * factor), 10);
          values.forEach((w, j) => {
            if (v <= w) expect(independent[i]).toBeLessThanOrEqual(independent[j]!);
          });
        });
      }),
    );
  });

  test("where nothing is true, a discovery is made in no more than the stated share of families", () => {
    const random = uniform(5);
    const families = 2000;
    let found = 0;
    for (let i = 0; i < families; i++) {
      const p = Float64Array.from({ length: 20 }, random);
      if (q.adjustedP(p, "benjaminiHochberg").some((v) => v <= 0.1)) found++;
    }
    expect(found / families).toBeLessThan(0.1 + 4 * Math.sqrt(0.09 / families));
    expect(found / families).toBeGreaterThan(0.1 - 4 * Math.sqrt(0.09 / families));
  });
});

describe("pair search", () => {
  const base = walk(600, 1);
  let spread = 0;
  const tied = noise(600, 2).map((z, i) => 20 + 1.5 * base[i]! + (spread = 0.5 * spread + z));
  const universe = [walk(600, 3), base, walk(600, 4), tied, walk(600, 5), walk(600, 6)];
  const total = q.pairCount(universe.length);
  const whole = q.testPairs(universe, 0, total);

  test("the planted pair is found, with its hedge, and no other", () => {
    const { pairs, accepted } = q.selectPairs(whole.tests);
    expect(accepted).toBe(1);
    const [first] = pairs;
    expect(new Set([first!.y, first!.x])).toEqual(new Set([1, 3]));
    expect(first!.y === 3 ? first!.slope : 1 / first!.slope).toBeCloseTo(1.5, 1);
    expect(first!.halfLife).toBeCloseTo(1, 0);
    expect(first!.rSquared).toBeGreaterThan(0.9);
    expect(pairs).toHaveLength(15);
  });

  test("every pair is tested once, in order of its number", () => {
    expect(whole.tests.map(({ pair }) => pair)).toEqual(Array.from({ length: total }, (_, i) => i));
    const named = whole.tests.map(({ y, x }) => `${Math.min(y, x)}-${Math.max(y, x)}`);
    const all = universe.flatMap((_, i) => universe.slice(i + 1).map((__, j) => `${i}-${i + 1 + j}`));
    expect(named).toEqual(all);
  });

  test("chunks laid end to end equal one call", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: total }), (cut) => {
        const parts = [q.testPairs(universe, 0, cut), q.testPairs(universe, cut, total)];
        expect(parts.flatMap(({ tests }) => tests)).toEqual(whole.tests);
      }),
      { numRuns: 5 },
    );
  });

  test("a test is Engle and Granger's, the better direction paid for twice", () => {
    for (const { y, x, statistic, p, slope } of whole.tests) {
      const own = q.engleGrangerTest(universe[y]!, universe[x]!);
      const other = q.engleGrangerTest(universe[x]!, universe[y]!);
      expect(statistic).toBe(own.statistic);
      expect(statistic).toBeLessThanOrEqual(other.statistic);
      expect(p).toBe(Math.min(1, 2 * own.p));
      expect(slope).toBe(own.coefficients[1]);
    }
  });

  test("a series and its copy are set aside, the others are tested", () => {
    const { tests, refused } = q.testPairs([base, walk(600, 3), base.slice()], 0, 3);
    expect(tests.map(({ pair }) => pair)).toEqual([0, 2]);
    expect(refused).toMatchObject([{ pair: 1, y: 0, x: 2, code: "singular" }]);
  });

  test.each<[string, string, () => unknown]>([
    ["a constant series", "undefined", () => q.testPairs([base, new Float64Array(600).fill(7)], 0, 1)],
    ["a short series", "unequalLengths", () => q.testPairs([base, walk(599, 3)], 0, 1)],
    ["NaN inside", "notFinite", () => q.testPairs([base, base.with(5, NaN)], 0, 1)],
    ["few values", "tooFew", () => q.testPairs([walk(9, 1), walk(9, 2)], 0, 1)],
    ["a pair that is not there", "outOfRange", () => q.testPairs(universe, 0, 16)],
    ["chunks backwards", "outOfRange", () => q.testPairs(universe, 3, 2)],
    ["a rate of 0", "outOfRange", () => q.selectPairs(whole.tests, { falseDiscoveryRate: 0 })],
    ["no tests", "tooFew", () => q.selectPairs([])],
    ["a p-value of 2", "outOfRange", () => q.adjustedP(Float64Array.of(2), "benjaminiHochberg")],
  ])("%s is refused as %s", (_name, expected, compute) => {
    expect(codeOf(compute)).toBe(expected);
  });
});
