/** Kernels that no reference value covers, against their definitions written out plainly. */
import { expect, test } from "vitest";
import { registry, runKernel } from "./index.ts";
import { walk } from "./testInputs.ts";

const n = 2_000;
const x = walk(n, 21).map((v) => 100 + v);
/** Whole numbers, so that windows hold equal values. */
const steps = x.map(Math.round);

const total = (w: readonly number[]): number => w.reduce((a, b) => a + b, 0);
const mean = (w: readonly number[]): number => total(w) / w.length;
const moment = (w: readonly number[], k: number): number => mean(w.map((v) => (v - mean(w)) ** k));
function median(w: readonly number[]): number {
  const s = w.toSorted((a, b) => a - b);
  const half = s.length >> 1;
  return s.length % 2 === 1 ? s[half]! : (s[half - 1]! + s[half]!) / 2;
}
const barsSince = (w: readonly number[], extreme: number): number => w.length - 1 - w.lastIndexOf(extreme);

type Definition = (w: readonly number[]) => number;

test.each<[name: string, p: number[], bars: number, definition: Definition]>([
  ["sum", [30], 30, total],
  ["cumsum", [], n, total],
  ["highest", [20], 20, (w) => Math.max(...w)],
  ["lowest", [20], 20, (w) => Math.min(...w)],
  ["barssincehighest", [14], 15, (w) => barsSince(w, Math.max(...w))],
  ["barssincelowest", [14], 15, (w) => barsSince(w, Math.min(...w))],
  ["median", [20], 20, median],
  ["median", [7], 7, median],
  ["mad", [20], 20, (w) => median(w.map((v) => Math.abs(v - median(w))))],
  ["logreturn", [3], 4, (w) => Math.log(w.at(-1)! / w[0]!)],
  ["pctchange", [3], 4, (w) => w.at(-1)! / w[0]! - 1],
  ["moments", [20], 20, mean],
  ["skew", [20], 20, (w) => (Math.sqrt(20 * 19) / 18) * (moment(w, 3) / moment(w, 2) ** 1.5)],
  ["kurt", [20], 20, (w) => (19 / (18 * 17)) * (21 * (moment(w, 4) / moment(w, 2) ** 2) - 3 * 19)],
  ["smooth", [10, 0.1], n, (w) => w.slice(10).reduce((a, v) => a + 0.1 * (v - a), mean(w.slice(0, 10)))],
  ["wildersum", [14], n, (w) => w.slice(13).reduce((a, v) => a - a / 14 + v, total(w.slice(0, 13)))],
])("%s(%j) is what its definition says", (name, p, bars, definition) => {
  for (const series of [x, steps]) {
    const got = runKernel(registry.get(name)!, [series], p)[0]!;
    for (let i = 30; i < n; i += 137) {
      const want = definition(Array.from(series.slice(Math.max(0, i - bars + 1), i + 1)));
      expect(Math.abs(got[i]! - want)).toBeLessThanOrEqual(1e-10 * Math.max(1, Math.abs(want)));
    }
  }
});

test("moneyflow weighs the volume by the close's place between low and high", () => {
  const columns = [
    [12, 5, 9],
    [8, 5, 3],
    [11, 5, 3],
    [100, 70, 40],
  ].map((c) => Float64Array.from(c));
  expect(Array.from(runKernel(registry.get("moneyflow")!, columns)[0]!)).toEqual([50, 0, -40]);
});

test("moments give the population variance beside the mean", () => {
  const variance = runKernel(registry.get("moments")!, [x], [20])[1]!;
  for (let i = 19; i < n; i += 137) {
    const want = moment(Array.from(x.slice(i - 19, i + 1)), 2);
    expect(Math.abs(variance[i]! - want)).toBeLessThanOrEqual(1e-10 * want);
  }
});
