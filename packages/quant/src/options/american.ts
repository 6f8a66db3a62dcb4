/** American options on a Leisen-Reimer binomial tree. */
import { QuantError, requireWhole } from "../error.ts";
import type { OptionInputs } from "./black.ts";
import { optionPrice, requireOption } from "./black.ts";

/** Peizer and Pratt's second inversion: a binomial probability that hits the normal one. */
function inversion(z: number, n: number): number {
  const u = z / (n + 1 / 3 + 0.1 / (n + 1));
  return 0.5 + Math.sign(z) * Math.sqrt(0.25 - 0.25 * Math.exp(-u * u * (n + 1 / 6)));
}

/**
 * Price of an American option. Where early exercise never pays (call without yield, put without rate) it is the
 * European closed form; else a Leisen-Reimer tree (1996), error about 1e-3 of the strike / 100 at 501 steps.
 * @param steps odd, at least 3.
 * @throws QuantError outOfRange, undefined where the drift in a step exceeds the volatility in it.
 */
export function americanPrice(o: OptionInputs, steps = 501): number {
  requireOption(o);
  requireWhole(steps, "steps", 3, 100_001);
  const n = steps % 2 ? steps : steps + 1;
  const european = optionPrice(o);
  const call = o.type === "call";
  const w = call ? 1 : -1;
  const now = Math.max(w * (o.spot - o.strike), 0);
  const early = call ? o.dividend > 0 || o.rate < 0 : o.rate > 0 || o.dividend < 0;
  if (!early) return european;
  const sd = o.volatility * Math.sqrt(o.years);
  if (sd === 0) return Math.max(european, now, withoutRisk(o, w));
  const { up, down, p } = branches(o, n, sd);
  return Math.max(tree(o, w, n, up, down, p, Math.exp((-o.rate * o.years) / n)), european, now);
}

interface Branches {
  readonly up: number;
  readonly down: number;
  /** Probability of the way up. */
  readonly p: number;
}

/** Leisen and Reimer's branches, which centre the tree on the strike; where it is out of reach, Cox, Ross and Rubinstein's. */
function branches(o: OptionInputs, n: number, sd: number): Branches {
  const d1 = (Math.log(o.spot / o.strike) + (o.rate - o.dividend) * o.years) / sd + sd / 2;
  const p = inversion(d1 - sd, n);
  const p1 = inversion(d1, n);
  const growth = Math.exp(((o.rate - o.dividend) * o.years) / n);
  if (p > 0 && p < 1 && p1 > 0 && p1 < 1) {
    return { up: (growth * p1) / p, down: (growth * (1 - p1)) / (1 - p), p };
  }
  const up = Math.exp(sd / Math.sqrt(n));
  const down = 1 / up;
  const share = (growth - down) / (up - down);
  if (!(share > 0 && share < 1)) {
    throw new QuantError(
      "undefined",
      `the drift outruns the volatility in a tree of ${n} steps; take more steps`,
    );
  }
  return { up, down, p: share };
}

/** Value of an option that is not exercised now. */
function tree(
  o: OptionInputs,
  w: number,
  n: number,
  up: number,
  down: number,
  p: number,
  discount: number,
): number {
  const spots = new Float64Array(n + 1);
  const values = new Float64Array(n + 1);
  const ratio = up / down;
  spots[0] = o.spot * down ** n;
  for (let i = 1; i <= n; i++) spots[i] = spots[i - 1]! * ratio;
  for (let i = 0; i <= n; i++) values[i] = Math.max(w * (spots[i]! - o.strike), 0);
  const high = discount * p;
  const low = discount * (1 - p);
  const back = 1 / down;
  for (let t = n - 1; t > 0; t--) {
    for (let i = 0; i <= t; i++) {
      const s = spots[i]! * back;
      spots[i] = s;
      const hold = low * values[i]! + high * values[i + 1]!;
      const exercise = w * (s - o.strike);
      values[i] = exercise > hold ? exercise : hold;
    }
  }
  return low * values[0]! + high * values[1]!;
}

/** Without volatility the best of all exercise times is at an end or where the exercise value is stationary. */
function withoutRisk(o: OptionInputs, w: number): number {
  const at = (t: number): number =>
    w * (o.spot * Math.exp(-o.dividend * t) - o.strike * Math.exp(-o.rate * t));
  const gap = o.rate - o.dividend;
  const stationary = gap === 0 ? NaN : Math.log((o.rate * o.strike) / (o.dividend * o.spot)) / gap;
  return stationary > 0 && stationary < o.years ? at(stationary) : 0;
}
