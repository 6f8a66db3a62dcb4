import { expect, test } from "vitest";
import { normalCdf, normalSf } from "./distributions.ts";
import { createNormals } from "./normals.ts";
import { uniform } from "../testInputs.ts";

const n = 1_000_000;
const draws = new Float64Array(n);
createNormals(uniform(1))(draws);
const mean = (of: (z: number) => number): number => draws.reduce((sum, z) => sum + of(z), 0) / n;

test.each([
  ["mean", 0, 1, (z: number) => z],
  ["variance", 1, 2, (z: number) => z * z],
  ["third moment", 0, 15, (z: number) => z ** 3],
  ["fourth moment", 3, 96, (z: number) => z ** 4],
])("%s within 4 of its own deviations", (_name, expected, variance, of) => {
  expect(Math.abs(mean(of) - expected)).toBeLessThan(4 * Math.sqrt(variance / n));
});

test("the distribution is the normal one (Kolmogorov-Smirnov, 0.1 %)", () => {
  const ascending = draws.toSorted();
  let distance = 0;
  ascending.forEach((z, i) => {
    const p = normalCdf(z);
    distance = Math.max(distance, p - i / n, (i + 1) / n - p);
  });
  expect(distance).toBeLessThan(1.95 / Math.sqrt(n));
});

test.each([3, 3.6541528853610088, 4])("as many beyond ±%f as the tails hold", (edge) => {
  const expected = 2 * n * normalSf(edge);
  const found = draws.filter((z) => Math.abs(z) > edge).length;
  expect(Math.abs(found - expected)).toBeLessThan(4 * Math.sqrt(expected));
});

test("neighbours do not depend on each other", () => {
  let sum = 0;
  let squares = 0;
  for (let i = 1; i < n; i++) {
    sum += draws[i]! * draws[i - 1]!;
    squares += (draws[i]! ** 2 - 1) * (draws[i - 1]! ** 2 - 1);
  }
  expect(Math.abs(sum)).toBeLessThan(4 * Math.sqrt(n));
  expect(Math.abs(squares)).toBeLessThan(4 * Math.sqrt(4 * n));
});

test("the same uniforms give the same normals, however they are fetched", () => {
  const [whole, parts] = [new Float64Array(1000), new Float64Array(1000)];
  createNormals(uniform(9))(whole);
  const fill = createNormals(uniform(9));
  fill(parts.subarray(0, 1));
  fill(parts.subarray(1, 700));
  fill(parts.subarray(700));
  expect(parts).toEqual(whole);
  expect(draws.subarray(0, 1000)).not.toEqual(whole);
});
