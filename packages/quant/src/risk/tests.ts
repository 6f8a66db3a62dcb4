/** Tests of a VaR model by its violations. */
import { QuantError, requireRange, requireWhole } from "../error.ts";
import { chiSquareSf } from "../statistics/distributions.ts";

export interface LikelihoodRatio {
  readonly statistic: number;
  readonly p: number;
}

/** k ln p, 0 where k is 0. */
function xlogy(k: number, p: number): number {
  return k === 0 ? 0 : k * Math.log(p);
}

/**
 * Kupiec's proportion of failures: is the share of violations the promised one? Chi-square with 1 degree of freedom.
 * @param rate promised probability of a violation, 1 - level.
 */
export function kupiecTest(observations: number, violations: number, rate: number): LikelihoodRatio {
  requireWhole(observations, "observations", 1);
  requireWhole(violations, "violations", 0, observations);
  requireRange(rate, "rate", 0, 1, true);
  const rest = observations - violations;
  const promised = rest * Math.log1p(-rate) + xlogy(violations, rate);
  const seen = xlogy(violations, violations / observations) + xlogy(rest, rest / observations);
  const statistic = Math.max(-2 * (promised - seen), 0);
  return { statistic, p: chiSquareSf(statistic, 1) };
}

export interface IndependenceTest extends LikelihoodRatio {
  /** Numbers of changes from (0 or 1) to (0 or 1). */
  readonly n00: number;
  readonly n01: number;
  readonly n10: number;
  readonly n11: number;
}

/** Christoffersen's independence: do violations follow violations? Hits are 0 or 1 in order of time. */
export function christoffersenTest(hits: ArrayLike<number>): IndependenceTest {
  if (hits.length < 2) throw new QuantError("tooFew", `${hits.length} hits; at least 2 are needed`);
  const c = [0, 0, 0, 0];
  for (let i = 0; i + 1 < hits.length; i++) c[(hits[i]! ? 2 : 0) + (hits[i + 1]! ? 1 : 0)]!++;
  const [n00, n01, n10, n11] = c as [number, number, number, number];
  const p01 = n00 + n01 > 0 ? n01 / (n00 + n01) : 0;
  const p11 = n10 + n11 > 0 ? n11 / (n10 + n11) : 0;
  const p = (n01 + n11) / (hits.length - 1);
  const free = xlogy(n00, 1 - p01) + xlogy(n01, p01) + xlogy(n10, 1 - p11) + xlogy(n11, p11);
  const bound = xlogy(n00 + n10, 1 - p) + xlogy(n01 + n11, p);
  const statistic = Math.max(2 * (free - bound), 0);
  return { n00, n01, n10, n11, statistic, p: chiSquareSf(statistic, 1) };
}

export interface CoverageTest {
  readonly observations: number;
  readonly violations: number;
  readonly kupiec: LikelihoodRatio;
  readonly independence: IndependenceTest;
  /** Sum of both statistics, chi-square with 2 degrees of freedom. */
  readonly conditional: LikelihoodRatio;
}

/** Kupiec, Christoffersen and conditional coverage of a series of violations (1) and none (0). */
export function coverageTest(hits: ArrayLike<number>, rate: number): CoverageTest {
  const independence = christoffersenTest(hits);
  let violations = 0;
  for (let i = 0; i < hits.length; i++) if (hits[i]) violations++;
  const kupiec = kupiecTest(hits.length, violations, rate);
  const statistic = kupiec.statistic + independence.statistic;
  const conditional = { statistic, p: chiSquareSf(statistic, 2) };
  return { observations: hits.length, violations, kupiec, independence, conditional };
}
