/**
 * Search of a universe for cointegrated pairs. Pairs of k series are numbered (0, 1), (0, 2) .. (k-2, k-1), so that a long
 * search runs in chunks that may stop anywhere and go on later.
 */
import { QuantError, requireRange, requireSameLength, requireSeries, requireWhole } from "../error.ts";
import type { QuantErrorCode } from "../error.ts";
import type { DiscoveryControl } from "./falseDiscovery.ts";
import { adjustedP } from "./falseDiscovery.ts";
import { correlation, standardDeviation, variance } from "./moments.ts";
import { halfLifeOf } from "./series.ts";
import type { AdfSettings, EngleGranger } from "./unitroot.ts";
import { engleGrangerTest } from "./unitroot.ts";

export interface PairSearchSettings extends Omit<AdfSettings, "terms"> {
  /** Terms of the cointegrating regression; "c" by default. */
  readonly terms?: "c" | "ct";
}

export interface PairTest {
  /** Number of the pair. */
  readonly pair: number;
  /** Series regressed on the other: of both directions the one that rejects more. */
  readonly y: number;
  readonly x: number;
  /** Spread y - intercept - slope x (less the trend where one is fitted). */
  readonly intercept: number;
  readonly slope: number;
  readonly rSquared: number;
  /** Of the differences of both series. */
  readonly correlation: number;
  /** Engle-Granger statistic of that direction. */
  readonly statistic: number;
  /** Twice its p-value, at most 1: both directions were tried (Bonferroni). */
  readonly p: number;
  readonly lags: number;
  /** Bars; null where the spread does not revert. */
  readonly halfLife: number | null;
  /** Last value of the spread in its standard deviations (ddof 1, that value included). */
  readonly z: number;
}

/** A pair that cannot be tested, such as a series and its copy. */
export interface RefusedPair {
  readonly pair: number;
  readonly y: number;
  readonly x: number;
  readonly code: QuantErrorCode;
  readonly message: string;
}

export interface PairTests {
  readonly tests: readonly PairTest[];
  readonly refused: readonly RefusedPair[];
}

/** Number of pairs of k series. */
export function pairCount(k: number): number {
  requireWhole(k, "number of series", 0);
  return (k * (k - 1)) / 2;
}

/**
 * Engle-Granger tests of the pairs [from, to) of series [k][n] of levels, or of their logarithms, aligned in time. Pairs
 * do not depend on each other: chunks laid end to end equal one call.
 * @throws QuantError notFinite, tooFew, unequalLengths, undefined with the number of a series that cannot be used.
 */
export function testPairs(
  series: readonly Float64Array[],
  from: number,
  to: number,
  settings: PairSearchSettings = {},
): PairTests {
  const total = pairCount(series.length);
  requireWhole(to, "to", 0, total);
  requireWhole(from, "from", 0, to);
  series.forEach((s, i) => {
    requireSameLength(series[0]!, s, `series 0 and ${i}`);
    requireSeries(s, `series ${i}`, 20);
    if (!(variance(s) > 0)) throw new QuantError("undefined", `series ${i} does not vary: drop it`);
  });
  const differences = series.map((s) => s.subarray(1).map((v, t) => v - s[t]!));
  const tests: PairTest[] = [];
  const refused: RefusedPair[] = [];
  let [i, j] = pairAt(from, series.length);
  for (let pair = from; pair < to; pair++) {
    try {
      const moved = correlation(differences[i]!, differences[j]!);
      tests.push({ pair, correlation: moved, ...testBothWays(series, i, j, settings) });
    } catch (error) {
      if (!(error instanceof QuantError)) throw error;
      refused.push({ pair, y: i, x: j, code: error.code, message: error.message });
    }
    if (++j === series.length) {
      i++;
      j = i + 1;
    }
  }
  return { tests, refused };
}

/** The two series of a pair's number. */
function pairAt(pair: number, k: number): [number, number] {
  let i = 0;
  let first = 0;
  while (i < k - 2 && pair >= first + k - 1 - i) first += k - 1 - i++;
  return [i, i + 1 + pair - first];
}

function testBothWays(
  series: readonly Float64Array[],
  i: number,
  j: number,
  settings: PairSearchSettings,
): Omit<PairTest, "pair" | "correlation"> {
  const forward = engleGrangerTest(series[i]!, series[j]!, settings);
  const backward = engleGrangerTest(series[j]!, series[i]!, settings);
  const best = backward.statistic < forward.statistic ? backward : forward;
  const [y, x] = best === forward ? [i, j] : [j, i];
  return { y, x, ...describe(best, series[y]!) };
}

function describe({ statistic, p, lags, coefficients, residuals }: EngleGranger, y: Float64Array) {
  return {
    intercept: coefficients[0]!,
    slope: coefficients.at(-1)!,
    rSquared: 1 - variance(residuals, 0) / variance(y, 0),
    statistic,
    p: Math.min(1, 2 * p),
    lags,
    halfLife: halfLifeOf(residuals).halfLife,
    z: residuals.at(-1)! / standardDeviation(residuals),
  };
}

export interface PairSelectionSettings {
  /** Expected share of false pairs among the accepted, at most; 0.05 by default. */
  readonly falseDiscoveryRate?: number;
  /** "benjaminiYekutieli" by default: pairs that share a series depend on each other. */
  readonly control?: DiscoveryControl;
}

export interface JudgedPair extends PairTest {
  /** Least false discovery rate at which the pair is accepted. */
  readonly adjusted: number;
}

export interface PairSelection {
  /** Every tested pair, the surest first. */
  readonly pairs: readonly JudgedPair[];
  /** How many of them, from the first on, are accepted. */
  readonly accepted: number;
}

/** Judges all tested pairs of a search together. */
export function selectPairs(
  tests: readonly PairTest[],
  { falseDiscoveryRate = 0.05, control = "benjaminiYekutieli" }: PairSelectionSettings = {},
): PairSelection {
  requireRange(falseDiscoveryRate, "falseDiscoveryRate", 0, 1, true);
  const adjusted = adjustedP(
    Float64Array.from(tests, ({ p }) => p),
    control,
  );
  const pairs = tests
    .map((test, i) => ({ ...test, adjusted: adjusted[i]! }))
    .toSorted((a, b) => a.p - b.p || a.statistic - b.statistic || a.pair - b.pair);
  return { pairs, accepted: pairs.filter((pair) => pair.adjusted <= falseDiscoveryRate).length };
}
