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

/** Complementarity at which the solution is as exact as doubles give it. */
const GAP = 1e-15;
/** Residuals below which it is feasible and stationary. */
const RESIDUAL = 1e-11;
/** What is accepted when rounding stops the progress. */
const LOOSE = 1e-8;
const ITERATIONS = 100;
/** Iterations without progress after which rounding is taken to have stopped it. */
const PATIENCE = 8;

/**
 * Mehrotra's predictor and corrector from an infeasible start; the Newton system is reduced to the variables.
 * Source: Mehrotra, On the implementation of a primal-dual interior point method (1992); Nocedal and Wright,
 * Numerical Optimization, chapters 14 and 16.
 * @throws QuantError noConvergence, also where no point meets the hard rows.
 */
export function solveProgramme(programme: Programme): Solution {
  const { system, linear, least, penalties, equalities, totals } = programme;
  const n = system.variables;
  const m = system.rows;
  const c = totals.length;
  const vector = (length: number) => new Float64Array(length);
  const y = vector(n);
  const multipliers = vector(c);
  // A row is (Ry) - least + excess - slack = 0; z and v are the multipliers of slack and excess.
  const [slack, z, excess, v] = [vector(m), vector(m), vector(m), vector(m)];
  const [dSlack, dz, dExcess, dv] = [vector(m), vector(m), vector(m), vector(m)];
  const dy = vector(n);
  const dMultipliers = vector(c);
  const [weights, rowGap, fixed, step] = [vector(m), vector(m), vector(m), vector(m)];
  const [gradient, totalGap] = [vector(n), vector(c)];
  const reduced = vector(n * c);
  const scratch = vector(n);
  const schur = vector(c * c);
  const side = vector(c);
  const hard = Uint8Array.from(penalties, (k) => (k === Infinity ? 1 : 0));

  const measure = (): void => {
    system.curve(y, gradient);
    for (let i = 0; i < n; i++) gradient[i]! += linear[i]!;
    for (let t = 0; t < m; t++) step[t] = -z[t]!;
    system.addTransposed(step, gradient);
    for (let e = 0; e < c; e++) {
      let s = -totals[e]!;
      for (let i = 0; i < n; i++) {
        gradient[i]! -= multipliers[e]! * equalities[e * n + i]!;
        s += equalities[e * n + i]! * y[i]!;
      }
      totalGap[e] = s;
    }
    system.times(y, rowGap);
    for (let t = 0; t < m; t++) rowGap[t]! += excess[t]! - slack[t]! - least[t]!;
  };

  /** Factors the reduced system and the part of the equalities; false where rounding has left no pivot. */
  const factor = (): boolean => {
    for (let t = 0; t < m; t++) {
      weights[t] = 1 / ((hard[t] ? 0 : excess[t]! / v[t]!) + slack[t]! / z[t]!);
    }
    if (!system.factor(weights)) return false;
    for (let e = 0; e < c; e++) {
      const column = reduced.subarray(e * n, (e + 1) * n);
      column.set(equalities.subarray(e * n, (e + 1) * n));
      system.solve(column);
      for (let f = 0; f < c; f++) {
        let s = 0;
        for (let i = 0; i < n; i++) s += equalities[f * n + i]! * column[i]!;
        schur[f * c + e] = s;
      }
    }
    return true;
  };

  /** Newton's direction to products of `centre`, less the products of the last direction where `corrected`. */
  const aim = (centre: number, corrected: boolean): void => {
    for (let t = 0; t < m; t++) {
      const own = centre - slack[t]! * z[t]! - (corrected ? dSlack[t]! * dz[t]! : 0);
      const other = hard[t] ? 0 : centre - excess[t]! * v[t]! - (corrected ? dExcess[t]! * dv[t]! : 0);
      dSlack[t] = own;
      dExcess[t] = other;
      fixed[t] = own / z[t]! - rowGap[t]! - (hard[t] ? 0 : other / v[t]!);
      step[t] = weights[t]! * fixed[t]!;
    }
    for (let i = 0; i < n; i++) dy[i] = -gradient[i]!;
    system.addTransposed(step, dy);
    system.solve(dy);
    if (c > 0) {
      for (let e = 0; e < c; e++) {
        let s = -totalGap[e]!;
        for (let i = 0; i < n; i++) s -= equalities[e * n + i]! * dy[i]!;
        side[e] = s;
      }
      dMultipliers.set(solve(schur, c, side));
      for (let e = 0; e < c; e++) {
        for (let i = 0; i < n; i++) dy[i]! += dMultipliers[e]! * reduced[e * n + i]!;
      }
    }
    system.times(dy, step);
    for (let t = 0; t < m; t++) {
      const change = weights[t]! * (fixed[t]! - step[t]!);
      dz[t] = change;
      dSlack[t] = (dSlack[t]! - slack[t]! * change) / z[t]!;
      dv[t] = -change;
      dExcess[t] = hard[t] ? 0 : (dExcess[t]! + excess[t]! * change) / v[t]!;
    }
  };

  start();
  let pairs = 0;
  for (let t = 0; t < m; t++) pairs += hard[t] ? 1 : 2;
  const best = { y: vector(n), rowMultipliers: vector(m), equalityMultipliers: vector(c), iterations: 0 };
  let lowest = Infinity;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    measure();
    const gap = complementarity(0, 0) / Math.max(1, pairs);
    const residual = Math.max(largest(gradient), largest(rowGap), largest(totalGap));
    const merit = Math.max(gap, residual);
    if (merit < lowest) {
      lowest = merit;
      best.y.set(y);
      best.rowMultipliers.set(z);
      best.equalityMultipliers.set(multipliers);
      best.iterations = iteration;
    }
    if ((gap <= GAP && residual <= RESIDUAL) || iteration - best.iterations > PATIENCE) break;
    if (!(merit < Infinity) || !factor()) break;
    aim(0, false);
    const [ahead, back] = lengths(1);
    const ahead2 = complementarity(ahead, back) / Math.max(1, pairs);
    const centring = gap > 0 ? (ahead2 / gap) ** 3 : 0;
    aim(Math.min(1, centring) * gap, true);
    const [primal, dual] = lengths(Math.max(0.9, 1 - gap));
    for (let i = 0; i < n; i++) y[i]! += primal * dy[i]!;
    for (let e = 0; e < c; e++) multipliers[e]! += dual * dMultipliers[e]!;
    for (let t = 0; t < m; t++) {
      slack[t]! += primal * dSlack[t]!;
      z[t]! += dual * dz[t]!;
      if (hard[t]) continue;
      excess[t]! += primal * dExcess[t]!;
      v[t]! += dual * dv[t]!;
    }
  }
  if (lowest <= LOOSE) return best;
  throw new QuantError(
    "noConvergence",
    "no optimum was found; check the constraints and the scale of the inputs",
  );

  /** A point near the rows, inside the multipliers' ranges. */
  function start(): void {
    weights.fill(1);
    slack.fill(1);
    z.fill(1);
    excess.fill(0);
    v.fill(1);
    factor();
    for (let t = 0; t < m; t++) rowGap[t] = -least[t]!;
    for (let e = 0; e < c; e++) totalGap[e] = -totals[e]!;
    gradient.set(linear);
    slack.fill(0);
    aim(0, false);
    y.set(dy);
    system.times(y, step);
    let size = 0;
    for (let t = 0; t < m; t++) size += Math.abs(step[t]! - least[t]!) / m;
    const room = Math.max(size, 1e-2);
    system.curve(y, scratch);
    let slope = 0;
    for (let i = 0; i < n; i++) slope = Math.max(slope, Math.abs(scratch[i]! + linear[i]!));
    for (let t = 0; t < m; t++) {
      const distance = step[t]! - least[t]!;
      slack[t] = Math.max(distance, hard[t] ? room : 0) + (hard[t] ? 0 : room);
      excess[t] = hard[t] ? 0 : Math.max(-distance, 0) + room;
      z[t] = hard[t] ? Math.max(slope, 1e-2) : penalties[t]! / 2;
      v[t] = hard[t] ? 1 : penalties[t]! / 2;
    }
  }

  function complementarity(primal: number, dual: number): number {
    let sum = 0;
    for (let t = 0; t < m; t++) {
      sum += (slack[t]! + primal * dSlack[t]!) * (z[t]! + dual * dz[t]!);
      if (!hard[t]) sum += (excess[t]! + primal * dExcess[t]!) * (v[t]! + dual * dv[t]!);
    }
    return sum;
  }

  /** Steps of variables and multipliers that stay inside; one step for both where the objective is curved. */
  function lengths(share: number): [number, number] {
    let primal = 1;
    let dual = 1;
    for (let t = 0; t < m; t++) {
      if (dSlack[t]! < 0) primal = Math.min(primal, (-share * slack[t]!) / dSlack[t]!);
      if (dz[t]! < 0) dual = Math.min(dual, (-share * z[t]!) / dz[t]!);
      if (hard[t]) continue;
      if (dExcess[t]! < 0) primal = Math.min(primal, (-share * excess[t]!) / dExcess[t]!);
      if (dv[t]! < 0) dual = Math.min(dual, (-share * v[t]!) / dv[t]!);
    }
    if (!system.curved) return [primal, dual];
    const both = Math.min(primal, dual);
    return [both, both];
  }
}

function largest(x: Float64Array): number {
  let most = 0;
  for (let i = 0; i < x.length; i++) most = Math.max(most, Math.abs(x[i]!));
  return most;
}
