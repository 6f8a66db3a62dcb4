/** Convex programmes with hard and penalised linear rows, by a primal-dual interior point method. */
import { QuantError } from "../error.ts";
import { solve } from "../statistics/linear.ts";

/** The matrices of a programme: a quadratic form P [variables, variables] and rows R [rows, variables]. */
export interface System {
  readonly variables: number;
  readonly rows: number;
  /** Whether P is other than zero. */
  readonly curved: boolean;
  /** out = P y */
  curve(y: Float64Array, out: Float64Array): void;
  /** out = R y */
  times(y: Float64Array, out: Float64Array): void;
  /** out += R' z */
  addTransposed(z: Float64Array, out: Float64Array): void;
  /** Factors P + R' diag(weights) R; false where it is not positive definite. */
  factor(weights: Float64Array): boolean;
  /** Solves with the last factor, in place. */
  solve(y: Float64Array): void;
}

/**
 * Minimise 1/2 y'Py + linear'y + sum_t penalties_t max(0, lowestt - (Ry)_t) subject to equalities y = totals.
 * A penalty of Infinity makes a row hard: (Ry)_t >= lowestt. Scale it so that rows and objective are of order 1.
 */
export interface Programme {
  readonly system: System;
  readonly linear: Float64Array;
  readonly least: Float64Array;
  readonly penalties: Float64Array;
  /** [totals.length, variables] row-major; of full rank. */
  readonly equalities: Float64Array;
  readonly totals: Float64Array;
}

export interface Solution {
  readonly y: Float64Array;
  /** Multipliers of the rows, each in [0, penalty]. */
  readonly rowMultipliers: Float64Array;
  readonly equalityMultipliers: Float64Array;
  readonly iterations: number;
}

/** Mean product of pairs, and residuals, at which the solution is as exact as doubles give it. */
const GAP = 1e-15;
const RESIDUAL = 1e-11;
/** What is accepted of each when rounding stops the progress: the objective is flat in what is missing of stationarity. */
const LOOSE = { gap: 1e-8, stationarity: 1e-6, feasibility: 1e-9 };
/** Least factor that an iteration takes the products down to: a steeper fall ends in rounding. */
const FALL = 1e-3;
/** Steps below which the products are evened out instead. */
const SHORT = 0.1;
const ITERATIONS = 100;
/** Iterations without progress after which rounding is taken to have stopped it. */
const PATIENCE = 8;

/**
 * An iterate and its direction. A row reads (Ry)_t - least_t + excess_t - slack_t = 0; `z` and `v` are the multipliers of
 * slack and excess, and z + v is the penalty. A hard row has no excess.
 */
interface Iterate {
  readonly programme: Programme;
  readonly hard: Uint8Array;
  /** Products of a variable and its multiplier that tend to 0. */
  readonly pairs: number;
  readonly y: Float64Array;
  readonly multipliers: Float64Array;
  readonly slack: Float64Array;
  readonly z: Float64Array;
  readonly excess: Float64Array;
  readonly v: Float64Array;
  readonly dy: Float64Array;
  readonly dMultipliers: Float64Array;
  readonly dSlack: Float64Array;
  readonly dz: Float64Array;
  readonly dExcess: Float64Array;
  readonly dv: Float64Array;
  /** What is missing of stationarity, of the rows and of the equalities. */
  readonly gradient: Float64Array;
  readonly rowGap: Float64Array;
  readonly totalGap: Float64Array;
  /** What a direction misses of stationarity. */
  readonly missing: Float64Array;
  /** Weights of the rows in the reduced system, and work space of as many values. */
  readonly weights: Float64Array;
  readonly fixed: Float64Array;
  readonly work: Float64Array;
  /** The reduced system solved for each equality, [totals, variables], and the products of equalities with it. */
  readonly solved: Float64Array;
  readonly schur: Float64Array;
  readonly side: Float64Array;
}

function createIterate(programme: Programme): Iterate {
  const n = programme.system.variables;
  const m = programme.system.rows;
  const c = programme.totals.length;
  const of = (length: number) => new Float64Array(length);
  const hard = Uint8Array.from(programme.penalties, (k) => (k === Infinity ? 1 : 0));
  return {
    programme,
    hard,
    pairs: Math.max(
      1,
      hard.reduce((sum, h) => sum + (h ? 1 : 2), 0),
    ),
    y: of(n),
    multipliers: of(c),
    slack: of(m),
    z: of(m),
    excess: of(m),
    v: of(m),
    dy: of(n),
    dMultipliers: of(c),
    dSlack: of(m),
    dz: of(m),
    dExcess: of(m),
    dv: of(m),
    gradient: of(n),
    missing: of(n),
    rowGap: of(m),
    totalGap: of(c),
    weights: of(m),
    fixed: of(m),
    work: of(m),
    solved: of(n * c),
    schur: of(c * c),
    side: of(c),
  };
}

/**
 * Mehrotra's predictor and corrector from an infeasible start; the Newton system is reduced to the variables.
 * Source: Mehrotra, On the implementation of a primal-dual interior point method (1992); Nocedal and Wright,
 * Numerical Optimization, chapters 14 and 16.
 * @throws QuantError noConvergence, also where no point meets the hard rows.
 */
export function solveProgramme(programme: Programme): Solution {
  const at = createIterate(programme);
  start(at);
  let best: Solution = { y: at.y, rowMultipliers: at.z, equalityMultipliers: at.multipliers, iterations: 0 };
  let lowest = Infinity;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    measure(at);
    const gap = complementarity(at, 0, 0) / at.pairs;
    const stationarity = largest(at.gradient);
    const feasibility = Math.max(largest(at.rowGap), largest(at.totalGap));
    const merit = Math.max(
      gap / LOOSE.gap,
      stationarity / LOOSE.stationarity,
      feasibility / LOOSE.feasibility,
    );
    if (merit < lowest) {
      lowest = merit;
      best = {
        y: at.y.slice(),
        rowMultipliers: at.z.slice(),
        equalityMultipliers: at.multipliers.slice(),
        iterations: iteration,
      };
    }
    const done = gap <= GAP && Math.max(stationarity, feasibility) <= RESIDUAL;
    if (done || iteration - best.iterations > PATIENCE) break;
    if (!(merit < Infinity) || !factor(at)) break;
    advance(at, ...direct(at, gap));
  }
  if (lowest <= 1) return best;
  throw new QuantError(
    "noConvergence",
    "no optimum was found; check the constraints and the scale of the inputs",
  );
}

/** Fills what is missing of stationarity, rows and equalities. */
function measure(at: Iterate): void {
  const { programme, y, multipliers, slack, z, excess, gradient, rowGap, totalGap, work } = at;
  const { system, linear, least, equalities, totals } = programme;
  const n = y.length;
  system.curve(y, gradient);
  for (let i = 0; i < n; i++) gradient[i]! += linear[i]!;
  for (let t = 0; t < z.length; t++) work[t] = -z[t]!;
  system.addTransposed(work, gradient);
  for (let e = 0; e < totals.length; e++) {
    let s = -totals[e]!;
    for (let i = 0; i < n; i++) {
      gradient[i]! -= multipliers[e]! * equalities[e * n + i]!;
      s += equalities[e * n + i]! * y[i]!;
    }
    totalGap[e] = s;
  }
  system.times(y, rowGap);
  for (let t = 0; t < z.length; t++) rowGap[t]! += excess[t]! - slack[t]! - least[t]!;
}

/** Factors the reduced system and the part of the equalities; false where rounding has left no pivot. */
function factor(at: Iterate): boolean {
  const { programme, hard, slack, z, excess, v, weights, solved, schur } = at;
  const { system, equalities, totals } = programme;
  for (let t = 0; t < z.length; t++) {
    weights[t] = 1 / ((hard[t] ? 0 : excess[t]! / v[t]!) + slack[t]! / z[t]!);
  }
  if (!system.factor(weights)) return false;
  const n = system.variables;
  const c = totals.length;
  for (let e = 0; e < c; e++) {
    const column = solved.subarray(e * n, (e + 1) * n);
    column.set(equalities.subarray(e * n, (e + 1) * n));
    system.solve(column);
    for (let f = 0; f < c; f++) {
      let s = 0;
      for (let i = 0; i < n; i++) s += equalities[f * n + i]! * column[i]!;
      schur[f * c + e] = s;
    }
  }
  return true;
}

/** Sets the direction of an iteration from a mean product of `gap`, and returns the steps to take along it. */
function direct(at: Iterate, gap: number): [primal: number, dual: number] {
  aim(at, 0, false);
  const left = complementarity(at, ...lengths(at, 1)) / at.pairs;
  const wanted = gap > 0 ? Math.min(1, Math.max((left / gap) ** 3, FALL)) * gap : 0;
  aim(at, Math.max(wanted, GAP / 10), true);
  const share = Math.min(Math.max(0.9, 1 - gap), 1 - FALL);
  const steps = lengths(at, share);
  if (Math.min(...steps) >= SHORT) return steps;
  // The products have drifted apart: even them out before aiming lower.
  aim(at, gap / 2, false);
  return lengths(at, share);
}

/** Newton's direction to products of `centre`, less the products of the last direction where `corrected`. */
function aim(at: Iterate, centre: number, corrected: boolean): void {
  const { hard, slack, z, excess, v, dSlack, dz, dExcess, dv, weights, rowGap, fixed } = at;
  for (let t = 0; t < z.length; t++) {
    const own = centre - slack[t]! * z[t]! - (corrected ? dSlack[t]! * dz[t]! : 0);
    const other = hard[t] ? 0 : centre - excess[t]! * v[t]! - (corrected ? dExcess[t]! * dv[t]! : 0);
    dSlack[t] = own;
    dExcess[t] = other;
    fixed[t] = own / z[t]! - rowGap[t]! - (hard[t] ? 0 : other / v[t]!);
    dz[t] = weights[t]! * fixed[t]!;
  }
  at.dy.fill(0);
  at.dMultipliers.fill(0);
  refine(at);
  // A second time takes out the rounding of the first; the predictor is only a guess.
  if (corrected) refine(at);
  for (let t = 0; t < z.length; t++) {
    dSlack[t] = (dSlack[t]! - slack[t]! * dz[t]!) / z[t]!;
    dv[t] = -dz[t]!;
    dExcess[t] = hard[t] ? 0 : (dExcess[t]! + excess[t]! * dz[t]!) / v[t]!;
  }
}

/** Adds to the direction what its variables and multipliers still miss of stationarity and equalities. */
function refine(at: Iterate): void {
  const { programme, dy, dMultipliers, dz, gradient, totalGap, weights, fixed, work, solved, schur, side } =
    at;
  const { system, equalities, totals } = programme;
  const { missing } = at;
  const n = dy.length;
  const c = totals.length;
  system.curve(dy, missing);
  for (let t = 0; t < dz.length; t++) work[t] = -dz[t]!;
  system.addTransposed(work, missing);
  for (let i = 0; i < n; i++) {
    missing[i] = -missing[i]! - gradient[i]!;
    for (let e = 0; e < c; e++) missing[i]! += dMultipliers[e]! * equalities[e * n + i]!;
  }
  system.solve(missing);
  for (let i = 0; i < n; i++) dy[i]! += missing[i]!;
  if (c > 0) {
    for (let e = 0; e < c; e++) {
      let s = -totalGap[e]!;
      for (let i = 0; i < n; i++) s -= equalities[e * n + i]! * dy[i]!;
      side[e] = s;
    }
    const change = solve(schur, c, side);
    for (let e = 0; e < c; e++) {
      dMultipliers[e]! += change[e]!;
      for (let i = 0; i < n; i++) dy[i]! += change[e]! * solved[e * n + i]!;
    }
  }
  system.times(dy, work);
  for (let t = 0; t < dz.length; t++) dz[t] = weights[t]! * (fixed[t]! - work[t]!);
}

/** A point near the rows, inside the ranges of the multipliers. */
function start(at: Iterate): void {
  const { programme, hard, y, slack, z, excess, v, weights, rowGap, totalGap, gradient, work } = at;
  const { system, linear, least, penalties, totals } = programme;
  const m = z.length;
  slack.fill(1);
  z.fill(1);
  v.fill(1);
  weights.fill(1);
  factor(at);
  for (let t = 0; t < m; t++) rowGap[t] = -least[t]!;
  for (let e = 0; e < totals.length; e++) totalGap[e] = -totals[e]!;
  gradient.set(linear);
  slack.fill(0);
  aim(at, 0, false);
  y.set(at.dy);
  system.times(y, work);
  let size = 0;
  for (let t = 0; t < m; t++) size += Math.abs(work[t]! - least[t]!) / m;
  const room = Math.max(size, 1e-2);
  system.curve(y, gradient);
  let slope = 1e-2;
  for (let i = 0; i < y.length; i++) slope = Math.max(slope, Math.abs(gradient[i]! + linear[i]!));
  for (let t = 0; t < m; t++) {
    const distance = work[t]! - least[t]!;
    slack[t] = hard[t] ? Math.max(distance, room) : Math.max(distance, 0) + room;
    excess[t] = hard[t] ? 0 : Math.max(-distance, 0) + room;
    z[t] = hard[t] ? slope : penalties[t]! / 2;
    v[t] = hard[t] ? 1 : penalties[t]! / 2;
  }
}

/** Sum of the products after steps of these lengths along the direction. */
function complementarity(at: Iterate, primal: number, dual: number): number {
  const { hard, slack, z, excess, v, dSlack, dz, dExcess, dv } = at;
  let sum = 0;
  for (let t = 0; t < z.length; t++) {
    sum += (slack[t]! + primal * dSlack[t]!) * (z[t]! + dual * dz[t]!);
    if (!hard[t]) sum += (excess[t]! + primal * dExcess[t]!) * (v[t]! + dual * dv[t]!);
  }
  return sum;
}

/** Steps of variables and multipliers that stay inside; one step for both where the objective is curved. */
function lengths(at: Iterate, share: number): [primal: number, dual: number] {
  const { programme, hard, slack, z, excess, v, dSlack, dz, dExcess, dv } = at;
  let primal = 1;
  let dual = 1;
  for (let t = 0; t < z.length; t++) {
    if (dSlack[t]! < 0) primal = Math.min(primal, (-share * slack[t]!) / dSlack[t]!);
    if (dz[t]! < 0) dual = Math.min(dual, (-share * z[t]!) / dz[t]!);
    if (hard[t]) continue;
    if (dExcess[t]! < 0) primal = Math.min(primal, (-share * excess[t]!) / dExcess[t]!);
    if (dv[t]! < 0) dual = Math.min(dual, (-share * v[t]!) / dv[t]!);
  }
  if (!programme.system.curved) return [primal, dual];
  const both = Math.min(primal, dual);
  return [both, both];
}

function advance(at: Iterate, primal: number, dual: number): void {
  const { hard, y, multipliers, slack, z, excess, v, dy, dMultipliers, dSlack, dz, dExcess, dv } = at;
  for (let i = 0; i < y.length; i++) y[i]! += primal * dy[i]!;
  for (let e = 0; e < multipliers.length; e++) multipliers[e]! += dual * dMultipliers[e]!;
  for (let t = 0; t < z.length; t++) {
    slack[t]! += primal * dSlack[t]!;
    z[t]! += dual * dz[t]!;
    if (hard[t]) continue;
    excess[t]! += primal * dExcess[t]!;
    v[t]! += dual * dv[t]!;
  }
}

function largest(x: Float64Array): number {
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]!));
  return most;
}
