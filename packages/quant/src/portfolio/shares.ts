/** Whole shares that come close to weights. */
import { QuantError, requireRange } from "../error.ts";
import { requirePerAsset } from "./checks.ts";

export interface ShareAllocation {
  /** Whole shares of each asset. */
  readonly shares: Float64Array;
  /** Cash that is left. */
  readonly leftover: number;
  /** sum |weight x capital - shares x price| + leftover. */
  readonly deviation: number;
}

function requireHoldings(weights: Float64Array, prices: Float64Array, capital: number): void {
  requireRange(capital, "capital", 0, Infinity, true);
  requirePerAsset(prices, "prices", weights.length);
  requirePerAsset(weights, "weights", prices.length);
  let sum = 0;
  weights.forEach((w, i) => {
    if (w < 0) throw new QuantError("outOfRange", `weights[${i}] is ${w}: allocate long and short apart`);
    if (!(prices[i]! > 0))
      throw new QuantError("outOfRange", `prices[${i}] is ${prices[i]}; it must be positive`);
    sum += w;
  });
  if (sum > 1 + 1e-9) throw new QuantError("outOfRange", `the weights sum to ${sum}, more than the capital`);
}

function allocationOf(
  shares: Float64Array,
  weights: Float64Array,
  prices: Float64Array,
  capital: number,
  leftover: number,
): ShareAllocation {
  const off = shares.reduce((s, n, i) => s + Math.abs(weights[i]! * capital - n * prices[i]!), 0);
  return { shares, leftover, deviation: off + leftover };
}

/** Attempts at assets that are too dear before greedy allocation stops. */
const TRIES = 10;

/**
 * Greedy allocation by the rule of PyPortfolioOpt: whole shares rounded down, then one share at a time of the asset that
 * is furthest below its weight of the money spent. It can leave cash that `exactShares` uses.
 */
export function greedyShares(weights: Float64Array, prices: Float64Array, capital: number): ShareAllocation {
  requireHoldings(weights, prices, capital);
  const order = Array.from(weights.keys()).sort((a, b) => weights[b]! - weights[a]! || a - b);
  const shares = new Float64Array(weights.length);
  let cash = capital;
  for (const i of order) {
    shares[i] = Math.floor((weights[i]! * capital) / prices[i]!);
    cash -= shares[i]! * prices[i]!;
  }
  while (cash > 0) {
    const spent = order.reduce((s, i) => s + shares[i]! * prices[i]!, 0);
    const deficit = order.map((i) => weights[i]! - (spent > 0 ? (shares[i]! * prices[i]!) / spent : 0));
    let at = indexOfLargest(deficit);
    let tries = 0;
    for (; prices[order[at]!]! > cash && tries < TRIES; tries++) {
      deficit[at] = 0;
      at = indexOfLargest(deficit);
    }
    if (!(deficit[at]! > 0) || tries === TRIES) break;
    shares[order[at]!]! += 1;
    cash -= prices[order[at]!]!;
  }
  return allocationOf(shares, weights, prices, capital, cash);
}

function indexOfLargest(x: readonly number[]): number {
  let at = 0;
  for (let i = 1; i < x.length; i++) if (x[i]! > x[at]!) at = i;
  return at;
}

/** Nodes after which the search gives up. */
const NODES = 2_000_000;

/**
 * The whole shares of least deviation: branch and bound over the assets, dearest first. Only numbers up to the weight
 * rounded up can be best, since a share beyond it costs as much as it leaves. The bound fills the rest in parts.
 * @throws QuantError noConvergence where the search is too large: use greedyShares.
 */
export function exactShares(weights: Float64Array, prices: Float64Array, capital: number): ShareAllocation {
  requireHoldings(weights, prices, capital);
  const targets = weights.map((w) => w * capital);
  const order = Array.from(weights.keys())
    .filter((i) => targets[i]! > 0)
    .sort((a, b) => prices[b]! - prices[a]!);
  const floors = targets.map((t, i) => Math.floor(t / prices[i]! + 1e-12));
  const wholes = order.map((_, from) => order.slice(from).reduce((s, i) => s + floors[i]! * prices[i]!, 0));
  // The last shares, which only in part reach their target, by what they reach per unit of cash.
  const parts = order
    .map((i, place) => ({ place, price: prices[i]!, reach: targets[i]! - floors[i]! * prices[i]! }))
    .sort((a, b) => b.reach / b.price - a.reach / a.price);
  /** Most of the targets from `place` on that the cash can reach. */
  const reachable = (place: number, cash: number): number => {
    const whole = wholes[place] ?? 0;
    if (whole >= cash) return cash;
    let left = cash - whole;
    let reach = whole;
    for (const part of parts) {
      if (part.place < place) continue;
      const share = Math.min(1, left / part.price);
      reach += share * part.reach;
      left -= share * part.price;
      if (left <= 0) break;
    }
    return reach;
  };
  const shares = new Float64Array(weights.length);
  const best = { reach: -1, shares: new Float64Array(weights.length), nodes: 0 };
  const search = (place: number, cash: number, reach: number): void => {
    if (++best.nodes > NODES) {
      throw new QuantError("noConvergence", "too many ways to allocate; use greedyShares");
    }
    if (place === order.length) {
      if (reach > best.reach) {
        best.reach = reach;
        best.shares.set(shares);
      }
      return;
    }
    const i = order[place]!;
    const price = prices[i]!;
    const top = Math.min(Math.ceil(targets[i]! / price - 1e-12), Math.floor(cash / price + 1e-12));
    for (let count = top; count >= 0; count--) {
      const own = Math.min(count * price, targets[i]!);
      const bound = reach + own + reachable(place + 1, cash - count * price);
      if (bound <= best.reach + 1e-9) {
        if (count < floors[i]!) break;
        continue;
      }
      shares[i] = count;
      search(place + 1, cash - count * price, reach + own);
    }
    shares[i] = 0;
  };
  search(0, capital, 0);
  const spent = best.shares.reduce((s, n, i) => s + n * prices[i]!, 0);
  return allocationOf(best.shares, weights, prices, capital, capital - spent);
}
