import { describe, expect, test } from "vitest";
import { fitDistributions } from "./fits.ts";
import { normalQuantile, studentQuantile } from "./distributions.ts";

const n = 2000;
const shares = Float64Array.from({ length: n }, (_, i) => (i + 0.5) / n);
const samples = {
  normal: shares.map((p) => 3 + 2 * normalQuantile(p)),
  laplace: shares.map((p) => 3 + 2 * (p < 0.5 ? Math.log(2 * p) : -Math.log(2 - 2 * p))),
  student: shares.map((p) => 3 + 2 * studentQuantile(p, 4)),
};

describe.each(Object.entries(samples))("quantiles of the %s distribution", (name, sample) => {
  const [best, ...others] = fitDistributions(sample);

  test("are described best by it, and closely", () => {
    expect(best!.name).toBe(name);
    expect(best!.location).toBeCloseTo(3, 2);
    expect(best!.scale).toBeCloseTo(2, 1);
    expect(best!.distance).toBeLessThan(0.005);
    for (const { aic } of others) expect(aic).toBeGreaterThan(best!.aic);
  });

  test("give no likelihood above the fitted one beside it", () => {
    const density: Record<string, (z: number) => number> = {
      normal: (z) => -0.5 * z * z - 0.5 * Math.log(2 * Math.PI),
      laplace: (z) => -Math.abs(z) - Math.LN2,
    };
    for (const { name: fitted, location, scale, logLikelihood } of fitDistributions(sample)) {
      const of = density[fitted];
      if (of === undefined) continue;
      const at = (l: number, s: number): number =>
        sample.reduce((sum, v) => sum + of((v - l) / s) - Math.log(s), 0);
      expect(at(location, scale)).toBeCloseTo(logLikelihood, 6);
      for (const way of [0.99, 1.01]) {
        expect(at(location, scale * way)).toBeLessThan(logLikelihood);
        expect(at(location * way, scale)).toBeLessThanOrEqual(logLikelihood);
      }
    }
  });
});
