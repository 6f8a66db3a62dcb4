/** What weights are allowed to be: bounds, groups, turnover. */
import { QuantError, requireRange } from "../error.ts";
import { requirePerAsset } from "./checks.ts";
import type { Region, Row } from "./rows.ts";

/** Assets whose weights together are held within limits. */
export interface Group {
  readonly name: string;
  /** Indices of the assets. */
  readonly assets: readonly number[];
  readonly least?: number;
  readonly most?: number;
}

/** Trading away from the present weights. */
export interface Turnover {
  /** Present weights [assets]. */
  readonly from: Float64Array;
  /** Most sum of |weight - present weight|: 2 is everything sold and bought anew. */
  readonly most?: number;
  /** Cost of trading as a fraction of what is traded, charged once against the expected return of the horizon. */
  readonly costRate?: number;
}

/** Weights sum to 1; without bounds given they are from 0 upwards. */
export interface Constraints {
  /** Lower bound of every weight, or one each; -Infinity for none. */
  readonly lower?: number | Float64Array;
  /** Upper bound of every weight, or one each; Infinity for none. */
  readonly upper?: number | Float64Array;
  readonly groups?: readonly Group[];
  readonly turnover?: Turnover;
}

/** Weights of either sign, without any other condition than their sum. */
export const UNBOUNDED: Constraints = { lower: -Infinity, upper: Infinity };

/** Slack in comparing sums of bounds with 1. */
const SLACK = 1e-12;

/**
 * The allowed weights as a region: variables 0 .. assets - 1 are the weights; with turnover, assets .. 2 assets - 1 are
 * bounds of what is traded in each.
 * @throws QuantError unequalLengths, notFinite, outOfRange, infeasible naming the bounds or group.
 */
export function regionOf(assets: number, constraints: Constraints, extra: readonly Row[] = []): Region {
  const rows = [
    ...boundRows(assets, constraints),
    ...groupRows(assets, constraints),
    ...turnoverRows(assets, constraints.turnover),
    ...extra,
  ];
  const variables = constraints.turnover ? 2 * assets : assets;
  const equalities = new Float64Array(variables).fill(1, 0, assets);
  return { variables, rows, equalities, totals: Float64Array.of(1) };
}

function boundOf(bound: number | Float64Array, name: string, assets: number): Float64Array {
  if (typeof bound === "number") return new Float64Array(assets).fill(bound);
  if (bound.length !== assets) {
    throw new QuantError("unequalLengths", `${name} has ${bound.length} values for ${assets} assets`);
  }
  return bound;
}

function boundRows(assets: number, constraints: Constraints): Row[] {
  const lower = boundOf(constraints.lower ?? 0, "lower", assets);
  const upper = boundOf(constraints.upper ?? Infinity, "upper", assets);
  const rows: Row[] = [];
  let least = 0;
  let most = 0;
  for (let i = 0; i < assets; i++) {
    if (!(lower[i]! <= upper[i]!)) {
      throw new QuantError(
        "infeasible",
        `asset ${i} has lower bound ${lower[i]} and upper bound ${upper[i]}: none is between`,
      );
    }
    least += lower[i]!;
    most += upper[i]!;
    if (lower[i]! > -Infinity) {
      rows.push({ name: `the lower bound of asset ${i}`, terms: [[i, 1]], least: lower[i]!, bound: true });
    }
    if (upper[i]! < Infinity) {
      rows.push({ name: `the upper bound of asset ${i}`, terms: [[i, -1]], least: -upper[i]!, bound: true });
    }
  }
  if (least > 1 + SLACK) {
    throw new QuantError("infeasible", `the lower bounds sum to ${least}, the weights to 1: lower them`);
  }
  if (most < 1 - SLACK) {
    throw new QuantError("infeasible", `the upper bounds sum to ${most}, the weights to 1: raise them`);
  }
  return rows;
}

function groupRows(assets: number, { groups = [] }: Constraints): Row[] {
  return groups.flatMap((group) => {
    const least = group.least ?? -Infinity;
    const most = group.most ?? Infinity;
    const name = `the limits of group ${group.name}`;
    if (!(least <= most)) throw new QuantError("infeasible", `${name} are from ${least} to ${most}`);
    for (const asset of group.assets) {
      if (!Number.isInteger(asset) || asset < 0 || asset >= assets) {
        throw new QuantError("outOfRange", `group ${group.name} names asset ${asset} of ${assets}`);
      }
    }
    const rows: Row[] = [];
    const terms = (sign: number) => group.assets.map((asset) => [asset, sign] as const);
    if (least > -Infinity) rows.push({ name, terms: terms(1), least });
    if (most < Infinity) rows.push({ name, terms: terms(-1), least: -most });
    return rows;
  });
}

function turnoverRows(assets: number, turnover: Turnover | undefined): Row[] {
  if (!turnover) return [];
  requirePerAsset(turnover.from, "turnover.from", assets);
  requireRange(turnover.costRate ?? 0, "turnover.costRate", 0, 1);
  requireRange(turnover.most ?? 0, "turnover.most", 0, Infinity);
  const rows: Row[] = [];
  for (let i = 0; i < assets; i++) {
    const from = turnover.from[i]!;
    const name = `trading of asset ${i}`;
    rows.push({
      name,
      terms: [
        [assets + i, 1],
        [i, -1],
      ],
      least: -from,
    });
    rows.push({
      name,
      terms: [
        [assets + i, 1],
        [i, 1],
      ],
      least: from,
    });
  }
  if (turnover.most !== undefined) {
    rows.push({
      name: "the turnover limit",
      terms: Array.from({ length: assets }, (_, i) => [assets + i, -1] as const),
      least: -turnover.most,
    });
  }
  return rows;
}

/** Distance from a bound that is taken for rounding. */
const SNAP = 1e-9;

/**
 * The weights of a solution, those within rounding of a bound put on it; what that adds goes to the weight that is
 * furthest inside its bounds, so that they sum to 1.
 */
export function weightsOf(y: Float64Array, assets: number, constraints: Constraints): Float64Array {
  const lower = boundOf(constraints.lower ?? 0, "lower", assets);
  const upper = boundOf(constraints.upper ?? Infinity, "upper", assets);
  const weights = y.slice(0, assets);
  let sum = 0;
  let freest = 0;
  let room = -1;
  for (let i = 0; i < assets; i++) {
    if (weights[i]! - lower[i]! < SNAP) weights[i] = lower[i]!;
    else if (upper[i]! - weights[i]! < SNAP) weights[i] = upper[i]!;
    sum += weights[i]!;
    const own = Math.min(weights[i]! - lower[i]!, upper[i]! - weights[i]!);
    if (own > room) {
      room = own;
      freest = i;
    }
  }
  if (room > SNAP) weights[freest]! += 1 - sum;
  return weights;
}
