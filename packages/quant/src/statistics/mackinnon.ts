/**
 * MacKinnon's response surfaces for unit-root and Engle-Granger statistics with N = 1 or 2 variables.
 * p-values: MacKinnon 1994. Critical values: MacKinnon 2010; for N = 2 with constant the 1 % value takes b2 = -22.527,
 * which simulation confirms, not the -33.527 that some programs carry.
 */
import { requireRange, requireWhole } from "../error.ts";
import { normalCdf } from "./distributions.ts";

/** Deterministic terms: none, constant, constant and trend, constant and trend and its square. */
export type Deterministic = "n" | "c" | "ct" | "ctt";

interface Surface {
  readonly least: number;
  readonly star: number;
  readonly most: number;
  readonly small: readonly number[];
  readonly large: readonly number[];
}

function surface(
  least: number,
  star: number,
  most: number,
  small: readonly [number, number, number],
  large: readonly [number, number, number, number],
): Surface {
  return {
    least,
    star,
    most,
    small: [small[0], small[1], small[2] / 100],
    large: [large[0], large[1] / 10, large[2] / 10, large[3] / 100],
  };
}

const surfaces: Record<Deterministic, readonly [Surface, Surface]> = {
  n: [
    surface(-19.04, -1.04, Infinity, [0.6344, 1.2378, 3.2496], [0.4797, 9.3557, -0.6999, 3.3066]),
    surface(-19.62, -1.53, 1.51, [1.9129, 1.3857, 3.5322], [1.5578, 8.558, -2.083, -3.3549]),
  ],
  c: [
    surface(-18.83, -1.61, 2.74, [2.1659, 1.4412, 3.8269], [1.7339, 9.3202, -1.2745, -1.0368]),
    surface(-18.86, -2.62, 0.92, [2.92, 1.5012, 3.9796], [2.1945, 6.4695, -2.9198, -4.2377]),
  ],
  ct: [
    surface(-16.18, -2.89, 0.7, [3.2512, 1.6047, 4.9588], [2.5261, 6.1654, -3.7956, -6.0285]),
    surface(-21.15, -3.19, 0.63, [3.6646, 1.5419, 3.6448], [2.85, 5.272, -3.6622, -5.1695]),
  ],
  ctt: [
    surface(-17.17, -3.21, 0.54, [4.0003, 1.658, 4.8288], [3.0778, 4.9529, -4.1477, -5.9359]),
    surface(-21.1, -3.51, 0.79, [4.3534, 1.6016, 3.7947], [3.4713, 5.967, -3.2507, -4.2286]),
  ],
};

/** Approximate p-value of a statistic; 0 or 1 outside the fitted range. */
export function mackinnonP(tau: number, terms: Deterministic, variables: 1 | 2 = 1): number {
  requireRange(tau, "tau", -Infinity, Infinity);
  requireWhole(variables, "variables", 1, 2);
  const s = surfaces[terms][variables - 1]!;
  if (tau > s.most) return 1;
  if (tau < s.least) return 0;
  const c = tau <= s.star ? s.small : s.large;
  return normalCdf(c.reduceRight((sum, v) => sum * tau + v, 0));
}

/** Critical values at 1 %, 5 % and 10 %. */
export interface CriticalValues {
  readonly onePercent: number;
  readonly fivePercent: number;
  readonly tenPercent: number;
}

type Row = readonly [number, number, number, number];
const critical: Record<Deterministic, readonly [readonly Row[], readonly Row[] | null]> = {
  n: [
    [
      [-2.56574, -2.2358, -3.627, 0],
      [-1.941, -0.2686, -3.365, 31.223],
      [-1.61682, 0.2656, -2.714, 25.364],
    ],
    null,
  ],
  c: [
    [
      [-3.43035, -6.5393, -16.786, -79.433],
      [-2.86154, -2.8903, -4.234, -40.04],
      [-2.56677, -1.5384, -2.809, 0],
    ],
    [
      [-3.89644, -10.9519, -22.527, 0],
      [-3.33613, -6.1101, -6.823, 0],
      [-3.04445, -4.2412, -2.72, 0],
    ],
  ],
  ct: [
    [
      [-3.95877, -9.0531, -28.428, -134.155],
      [-3.41049, -4.3904, -9.036, -45.374],
      [-3.12705, -2.5856, -3.925, -22.38],
    ],
    [
      [-4.32762, -15.4387, -35.679, 0],
      [-3.78057, -9.5106, -12.074, 0],
      [-3.49631, -7.0815, -7.538, 21.892],
    ],
  ],
  ctt: [
    [
      [-4.37113, -11.5882, -35.819, -334.047],
      [-3.83239, -5.9057, -12.49, -118.284],
      [-3.55326, -3.6596, -5.293, -63.559],
    ],
    [
      [-4.69276, -20.2284, -64.919, 88.884],
      [-4.15387, -13.3114, -28.402, 72.741],
      [-3.87346, -10.4637, -17.408, 66.313],
    ],
  ],
};

/**
 * Critical values for `observations` of the Dickey-Fuller regression (Infinity: asymptotic); null for two variables
 * without constant, which the 2010 surfaces leave out.
 */
export function mackinnonCritical(
  terms: Deterministic,
  variables: 1 | 2,
  observations: number,
): CriticalValues | null {
  requireWhole(variables, "variables", 1, 2);
  requireRange(observations, "observations", 1, Infinity);
  const rows = critical[terms][variables - 1];
  if (!rows) return null;
  const z = 1 / observations;
  const [onePercent, fivePercent, tenPercent] = rows.map(
    (r) => r[0] + z * (r[1] + z * (r[2] + z * r[3])),
  ) as [number, number, number];
  return { onePercent, fivePercent, tenPercent };
}
