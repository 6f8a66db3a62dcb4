import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { abnormalReturns, cumulateReturns } from "./eventStudy.ts";
import type { EventReturns, EventTest, NormalReturn } from "./eventStudy.ts";

type Pair = [statistic: number, p: number];
interface Reference {
  before: number;
  own: number[][];
  market: number[][];
  models: {
    model: NormalReturn;
    events: { alpha: number; beta: number; deviation: number; abnormal: number[]; errors: number[] }[];
    windows: {
      window: [number, number];
      cumulated: number[];
      mean: number;
      positive: number;
      crossSectional: Pair;
      timeSeries: Pair;
      patell: Pair;
      bmp: Pair;
    }[];
  }[];
}

const reference = JSON.parse(
  readFileSync(new URL("eventStudy.reference.json", import.meta.url), "utf8"),
) as Reference;
const { before } = reference;
const events = reference.own.map((own, i): EventReturns => ({
  estimation: Float64Array.from(own.slice(0, before)),
  event: Float64Array.from(own.slice(before)),
  marketEstimation: Float64Array.from(reference.market[i]!.slice(0, before)),
  marketEvent: Float64Array.from(reference.market[i]!.slice(before)),
}));
const near = (value: number, expected: number) =>
  expect(Math.abs(value - expected)).toBeLessThanOrEqual(1e-10 * Math.max(1, Math.abs(expected)));

describe.each(reference.models)(
  "$model against statsmodels and scipy",
  ({ model, events: expected, windows }) => {
    const fitted = events.map((one) => abnormalReturns(one, model));

    test("normal returns, abnormal returns and their errors", () => {
      for (const [i, one] of fitted.entries()) {
        near(one.alpha, expected[i]!.alpha);
        near(one.beta, expected[i]!.beta);
        near(one.deviation, expected[i]!.deviation);
        one.abnormal.forEach((value, t) => near(value, expected[i]!.abnormal[t]!));
        one.errors.forEach((value, t) => near(value, expected[i]!.errors[t]!));
      }
    });

    test.each(windows)("cumulated over $window", ({ window, ...figures }) => {
      const study = cumulateReturns(fitted, ...window);
      study.cumulated.forEach((value, i) => near(value, figures.cumulated[i]!));
      near(study.mean, figures.mean);
      expect(study.positive).toBe(figures.positive);
      const same = (found: EventTest | null, [statistic, p]: Pair) => {
        near(found!.statistic, statistic);
        near(found!.p, p);
      };
      same(study.crossSectional, figures.crossSectional);
      same(study.timeSeries, figures.timeSeries);
      same(study.patell, figures.patell);
      same(study.bmp, figures.bmp);
    });
  },
);

/** Spread out by a step of its own, so that no window is flat and none a copy of another. */
const values = (n: number, step: number) =>
  fc
    .array(fc.double({ min: -0.1, max: 0.1, noNaN: true }), { minLength: n, maxLength: n })
    .map((x) => Float64Array.from(x, (v, i) => v + ((i * step) % 101) / 10_000));
const anyEvent: fc.Arbitrary<EventReturns> = fc.record({
  estimation: values(30, 7_919),
  event: values(5, 7_919),
  marketEstimation: values(30, 6_133),
  marketEvent: values(5, 6_133),
});

describe("identities", () => {
  test("windows side by side add up, and one event's tests are of that event", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { minLength: 1, maxLength: 4 }), (list) => {
        const fitted = list.map((one) => abnormalReturns(one, "market"));
        const [whole, left, right] = [
          cumulateReturns(fitted, 0, 5),
          cumulateReturns(fitted, 0, 2),
          cumulateReturns(fitted, 2, 5),
        ];
        expect(whole.mean).toBeCloseTo(left.mean + right.mean, 12);
        if (list.length === 1) {
          expect([whole.crossSectional, whole.bmp]).toEqual([null, null]);
          const one = fitted[0]!;
          expect(whole.timeSeries.statistic).toBeCloseTo(whole.mean / (one.deviation * Math.sqrt(5)), 9);
        }
      }),
    );
  });

  test("a market's copy has no abnormal return, and a return added to day 0 is found there alone", () => {
    fc.assert(
      fc.property(anyEvent, fc.double({ min: -0.2, max: 0.2, noNaN: true }), (one, shock) => {
        const shocked = { ...one, event: one.event.map((value, t) => value + (t === 2 ? shock : 0)) };
        const [plain, moved] = [abnormalReturns(one, "market"), abnormalReturns(shocked, "market")];
        moved.abnormal.forEach((value, t) =>
          expect(value - plain.abnormal[t]!).toBeCloseTo(t === 2 ? shock : 0, 12),
        );
        const copy = { ...one, event: one.marketEvent };
        for (const value of abnormalReturns(copy, "marketAdjusted").abnormal) expect(value).toBe(0);
      }),
    );
  });

  test("finds what is not there in about as many studies as it should", () => {
    let seed = 1;
    const random = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
    const normals = (n: number) =>
      Float64Array.from(
        { length: n },
        () => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random()),
      );
    const rejected = { crossSectional: 0, timeSeries: 0, patell: 0, bmp: 0 };
    const studies = 1_000;
    for (let i = 0; i < studies; i++) {
      const fitted = Array.from({ length: 12 }, () =>
        abnormalReturns(
          {
            estimation: normals(60),
            event: normals(3),
            marketEstimation: normals(60),
            marketEvent: normals(3),
          },
          "market",
        ),
      );
      const study = cumulateReturns(fitted, 0, 3);
      for (const name of Object.keys(rejected) as (keyof typeof rejected)[])
        if (study[name]!.p < 0.05) rejected[name]++;
    }
    for (const count of Object.values(rejected)) {
      expect(count / studies).toBeGreaterThan(0.03);
      expect(count / studies).toBeLessThan(0.08);
    }
  });
});

describe("refusals", () => {
  const flat = new Float64Array(30).fill(0.01);
  test.each<[string, Partial<EventReturns>, NormalReturn]>([
    [
      "too few returns before",
      { estimation: flat.subarray(0, 3), marketEstimation: flat.subarray(0, 3) },
      "market",
    ],
    ["a market that does not move", { marketEstimation: flat }, "market"],
    ["no residuals", { estimation: flat }, "mean"],
    ["a return that is missing", { event: Float64Array.of(0, NaN) }, "mean"],
    ["windows of unequal length", { marketEvent: flat }, "market"],
  ])("%s", (_, part, model) => {
    expect(() => abnormalReturns({ ...events[0]!, ...part }, model)).toThrow();
  });

  test("no events, an empty window", () => {
    expect(() => cumulateReturns([], 0, 1)).toThrow(/no events/);
    const fitted = [abnormalReturns(events[0]!, "mean")];
    expect(() => cumulateReturns(fitted, 3, 3)).toThrow(/^to /);
    expect(() => cumulateReturns(fitted, 0, 99)).toThrow(/^to /);
    expect(() => cumulateReturns(fitted, -1, 3)).toThrow(/^from /);
  });
});
