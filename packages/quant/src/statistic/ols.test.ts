import { describe, expect, test } from "vitest";
import { registry, runKernel } from "../index.ts";

const ols = registry.get("ols")!;

function random(seed: number): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
}

/** The line of one window with the mean taken out first, in the order of the definition. */
function plain(x: Float64Array, y: Float64Array): [slope: number, intercept: number, r2: number] {
  const mean = (v: Float64Array): number => v[0]! + v.reduce((s, u) => s + (u - v[0]!), 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  let [xx, xy, yy] = [0, 0, 0];
  x.forEach((v, k) => {
    xx += (v - mx) ** 2;
    xy += (v - mx) * (y[k]! - my);
    yy += (y[k]! - my) ** 2;
  });
  return [xy / xx, my - (xy / xx) * mx, xy ** 2 / (xx * yy)];
}

/** A walk and a noisy line on it, around a level. */
function pair(length: number, level: number, noise: number): [Float64Array, Float64Array] {
  const next = random(17);
  const [x, y] = [new Float64Array(length), new Float64Array(length)];
  let at = level;
  for (let i = 0; i < length; i++) {
    at += next() - 0.5;
    x[i] = at;
    y[i] = 5 + 1.3 * at + noise * (next() - 0.5);
  }
  return [x, y];
}

describe.each([
  [20, 100, 1e-9],
  [500, 100, 1e-9],
  [60, 1e9, 1e-6],
])("over %d bars at a level of %d", (n, level, tolerance) => {
  const [x, y] = pair(4_000, level, 2);
  // one print far off must leave nothing behind
  x[1_700]! += 1e6;
  const [slope, intercept, r2] = runKernel(ols, [x, y], [n]) as [Float64Array, Float64Array, Float64Array];

  test("it is the line of every window", () => {
    for (let i = n - 1; i < x.length; i += 7) {
      const [a, b, c] = plain(x.slice(i - n + 1, i + 1), y.slice(i - n + 1, i + 1));
      expect(Math.abs(slope[i]! - a)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(a)));
      expect(Math.abs(intercept[i]! - b)).toBeLessThanOrEqual(
        tolerance * (1 + Math.abs(b)) * Math.max(1, level / 100),
      );
      expect(Math.abs(r2[i]! - c)).toBeLessThanOrEqual(tolerance);
    }
  });
});

test("an exact line has its slope and R² of 1", () => {
  const [x] = pair(400, 100, 0);
  const y = x.map((v) => 7 - 2 * v);
  const [slope, intercept, r2] = runKernel(ols, [x, y], [50]) as [Float64Array, Float64Array, Float64Array];
  for (let i = 49; i < 400; i++) {
    expect(slope[i]).toBeCloseTo(-2, 10);
    expect(intercept[i]).toBeCloseTo(7, 8);
    expect(r2[i]).toBeCloseTo(1, 10);
    expect(r2[i]).toBeLessThanOrEqual(1);
  }
});

test("where x does not move there is no line, and where y does not, no R²", () => {
  const flat = new Float64Array(100).fill(3);
  const [moving] = pair(100, 100, 0);
  const still = runKernel(ols, [flat, moving], [10]);
  expect(still.every((out) => out.every(Number.isNaN))).toBe(true);
  const [slope, intercept, r2] = runKernel(ols, [moving, flat], [10]) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  expect(Array.from(slope.slice(9)).every((v) => v === 0)).toBe(true);
  expect(Array.from(intercept.slice(9)).every((v) => v === 3)).toBe(true);
  expect(Array.from(r2).every(Number.isNaN)).toBe(true);
});
