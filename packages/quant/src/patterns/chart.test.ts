import { describe, expect, test } from "vitest";
import { CHART_PATTERNS, createChartScanner, findChartPatterns, findLevels } from "../index.ts";

/** Closes on straight lines between corners (bar, height), heights being percent of 100 in the logarithm. */
function drawn(...corners: readonly (readonly [bar: number, height: number])[]): Float64Array {
  const closes: number[] = [];
  for (let k = 1; k < corners.length; k++) {
    const [from, to] = [corners[k - 1]!, corners[k]!];
    for (let i = from[0]; i < to[0]; i++) {
      closes.push(from[1] + ((to[1] - from[1]) * (i - from[0])) / (to[0] - from[0]));
    }
  }
  closes.push(corners.at(-1)![1]);
  return Float64Array.from(closes, (v) => 100 * Math.exp(v / 100));
}

const flipped = (close: Float64Array): Float64Array => close.map((c) => 10_000 / c);

const doubleTop = drawn([0, -12], [30, 10], [45, 3], [60, 10], [75, 3], [90, -6]);
const headAndShoulders = drawn([0, -12], [20, 6], [30, 1], [42, 10], [54, 1], [64, 6], [74, 1], [90, -8]);
const ascending = drawn([0, -8], [20, 10], [32, 2], [44, 10], [54, 5], [64, 10], [70, 8], [74, 11], [90, 18]);
const symmetrical = drawn(
  [0, -4],
  [12, 10],
  [26, -10],
  [40, 7],
  [52, -6],
  [62, 4],
  [70, -2],
  [77, 3],
  [90, 14],
);
const flag = drawn(
  [0, -16],
  [10, -16],
  [34, 10],
  [42, 6],
  [48, 8.8],
  [56, 4.8],
  [62, 7.4],
  [68, 3.6],
  [74, 8],
  [90, 22],
);
const wedge = drawn(
  [0, 12],
  [10, 10],
  [22, 0],
  [33, 5],
  [44, -3.5],
  [55, 0],
  [64, -7],
  [72, -4.5],
  [76, -8],
  [82, -2],
  [95, 6],
);
const cup = ((): Float64Array => {
  const rise = Array.from({ length: 20 }, (_, i) => -9 + (9 * i) / 20);
  const bowl = Array.from({ length: 51 }, (_, i) => 10 * ((i - 25) / 25) ** 2 - 10);
  const handle = [-1, -2, -3, -3.5, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6];
  return Float64Array.from([...rise, ...bowl, ...handle], (v) => 100 * Math.exp(v / 100));
})();

const drawings: readonly (readonly [name: string, mirror: string | undefined, close: Float64Array])[] = [
  ["double_top", "double_bottom", doubleTop],
  ["head_and_shoulders", "inverse_head_and_shoulders", headAndShoulders],
  ["ascending_triangle", "descending_triangle", ascending],
  ["symmetrical_triangle", "symmetrical_triangle", symmetrical],
  ["bull_flag", "bear_flag", flag],
  ["falling_wedge", "rising_wedge", wedge],
  ["cup_and_handle", undefined, cup],
];

test.each(drawings)("%s is seen, and %s where up and down are exchanged", (name, mirror, close) => {
  const [found] = findChartPatterns(close);
  expect(found).toMatchObject({ name });
  expect(found!.fit).toBeGreaterThan(0.85);
  expect(found!.fit).toBeLessThanOrEqual(1);
  expect(CHART_PATTERNS).toContain(name);
  const names = findChartPatterns(flipped(close)).map((p) => p.name);
  if (mirror === undefined) expect(names).not.toContain(name);
  else expect(names).toContain(mirror);
});

describe("a double top", () => {
  const found = findChartPatterns(doubleTop)[0]!;

  test("ends at the bar whose close broke the low between the tops", () => {
    // the low is 3, smoothed to 3.3; closes fall by 0.47 a bar from bar 60 on
    expect(found.endIndex).toBeGreaterThanOrEqual(74);
    expect(found.endIndex).toBeLessThanOrEqual(76);
    expect(found.seenIndex).toBe(found.endIndex);
    expect(found.direction).toBe(-1);
    expect(found.points.map((p) => [p.index, p.high])).toEqual([
      [30, true],
      [45, false],
      [60, true],
    ]);
  });

  test("expects to fall by its height below the break", () => {
    const [first, low, second] = [0, 1, 2].map((k) => found.points[k]!.price) as [number, number, number];
    const height = low / Math.sqrt(first * second);
    expect(found.target).toBeCloseTo(doubleTop[found.endIndex]! * height, 6);
    expect(found.neckline.fromPrice).toBeCloseTo(low, 9);
    expect(found.neckline.toPrice).toBeCloseTo(low, 9);
  });

  test("does not depend on the price level", () => {
    const scaled = findChartPatterns(doubleTop.map((c) => c * 4))[0]!;
    expect(scaled).toMatchObject({
      name: "double_top",
      startIndex: found.startIndex,
      endIndex: found.endIndex,
    });
    expect(scaled.fit).toBeCloseTo(found.fit, 9);
  });
});

test("tops of unlike height are no double top", () => {
  const names = findChartPatterns(drawn([0, -12], [30, 10], [45, 3], [60, 7], [75, 3], [90, -6])).map(
    (p) => p.name,
  );
  expect(names).not.toContain("double_top");
});

test("a pattern is seen from bars up to it: a cut of later bars changes nothing", () => {
  for (const [, , close] of drawings) {
    const all = findChartPatterns(close);
    for (let cut = 10; cut < close.length; cut += 3) {
      expect(findChartPatterns(close.subarray(0, cut))).toEqual(all.filter((p) => p.seenIndex < cut));
    }
  }
});

test("a straight line and flat prices show nothing", () => {
  expect(findChartPatterns(drawn([0, 0], [200, 40]))).toEqual([]);
  expect(findChartPatterns(new Float64Array(200).fill(50))).toEqual([]);
});

test.each([0, -1, NaN, Infinity])("a close of %d is refused", (close) => {
  expect(() => createChartScanner().push(close)).toThrow(/finite closes above 0/);
  expect(() => findLevels(Float64Array.of(100, close))).toThrow(/bar 1/);
});

describe("support and resistance", () => {
  const close = drawn([0, 0], [10, 8], [20, 0.2], [30, 8.3], [40, -0.3], [50, 8.1], [56, 4]);

  test("are the prices at which swings turned", () => {
    const levels = findLevels(close);
    const byPrice = (price: number) => levels.find((l) => Math.abs(l.price / price - 1) < 0.005)!;
    const [above, below] = [byPrice(100 * Math.exp(0.0813)), byPrice(100)];
    expect(above).toMatchObject({ side: "resistance" });
    expect(above.touches.map((t) => [t.index, t.high])).toEqual([
      [10, true],
      [30, true],
      [50, true],
    ]);
    expect(below).toMatchObject({ side: "support" });
    expect(below.touches.map((t) => t.index)).toEqual([0, 20, 40]);
  });

  test("need as many touches as asked for", () => {
    expect(findLevels(close, { minTouches: 4 })).toEqual([]);
    expect(findLevels(close, { width: 0.001 }).every((l) => l.touches.length === 2)).toBe(true);
    expect(() => findLevels(close, { minTouches: 1 })).toThrow(/minTouches/);
  });

  test("a turn that is not complete counts for nothing", () => {
    expect(findLevels(close.subarray(0, 52)).flatMap((l) => l.touches.map((t) => t.index))).not.toContain(50);
  });
});
