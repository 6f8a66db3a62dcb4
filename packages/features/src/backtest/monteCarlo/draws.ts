import { bandLevels, bootstrapPath, quantileOf, shuffledDrawdown } from "@tapedeck/trading";
import type { SimulatedTrade } from "@tapedeck/trading";
import type { MonteCarloResult, Quantiles, Reruns } from "./contract.ts";

const bandPoints = 50;

/** What came of some simulations, in their order. */
export interface Draws {
  totals: number[];
  drawdowns: number[];
  /** Largest drawdown of the trades in another order. */
  shuffled: number[];
  /** Growth of 1 at each mark. */
  growths: number[][];
}

/** Returns `[i]` up to and with which the bands tell the growth: 50 at most. */
function marksOf(returns: Float64Array): Int32Array {
  const points = Math.min(bandPoints, returns.length);
  return Int32Array.from({ length: points }, (_, k) => Math.floor(((k + 1) * returns.length) / points) - 1);
}

/** Bar returns drawn in blocks and trades in other orders, simulations [from, to): each has random generators of its own. */
export function drawSimulations(
  { returns, factors }: { returns: Float64Array; factors: Float64Array },
  { from, to }: { from: number; to: number },
  blockBars: number,
  random: (stream: string) => () => number,
): Draws {
  const marks = marksOf(returns);
  const growth = new Float64Array(marks.length);
  const draws: Draws = { totals: [], drawdowns: [], shuffled: [], growths: [] };
  for (let k = from; k < to; k++) {
    const path = bootstrapPath(returns, blockBars, random(`path ${k}`), marks, growth);
    draws.totals.push(path.totalReturn);
    draws.drawdowns.push(path.maxDrawdown);
    draws.shuffled.push(shuffledDrawdown(factors, random(`shuffle ${k}`)));
    draws.growths.push([...growth]);
  }
  return draws;
}

/** Of all simulations. */
export function summariseDraws(
  { totals, drawdowns, shuffled, growths }: Draws,
  { returns, factors }: { returns: Float64Array; factors: Float64Array },
): Pick<MonteCarloResult, "bootstrap" | "shuffledDrawdown"> {
  return {
    bootstrap: {
      totalReturn: quantilesOf(totals),
      maxDrawdown: quantilesOf(drawdowns),
      lossProbability: lossesOf(totals),
      bands: Array.from(marksOf(returns), (mark, j) => ({
        bar: mark + 1,
        ...quantilesOf(growths.map((growth) => growth[j]!)),
      })),
    },
    shuffledDrawdown: factors.length < 2 ? null : quantilesOf(shuffled),
  };
}

/** Null where every one failed. */
export function summariseReruns(
  totals: readonly number[],
  drawdowns: readonly number[],
  failed: number,
): Reruns | null {
  if (totals.length === 0) return null;
  return {
    simulations: totals.length,
    failed,
    totalReturn: quantilesOf(totals),
    maxDrawdown: quantilesOf(drawdowns),
    lossProbability: lossesOf(totals),
  };
}

/**
 * What each closed trade made of the equity that the trades over before it had left, in the order of their ends; none where those
 * before had lost it all while others were open.
 */
export function tradeFactors(trades: readonly SimulatedTrade[], initialCash: number): Float64Array {
  const closed = trades.filter((trade) => trade.exitBar >= 0).toSorted((a, b) => a.exitBar - b.exitBar);
  let value = initialCash;
  const factors = Float64Array.from(closed, ({ profit }) => {
    const before = value;
    value += profit;
    return value / before;
  });
  return factors.every((factor) => factor > 0) ? factors : new Float64Array(0);
}

function lossesOf(totals: readonly number[]): number {
  let losses = 0;
  for (const total of totals) losses += +(total < 0);
  return losses / totals.length;
}

function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort();
  const [p5, p25, p50, p75, p95] = bandLevels.map((level) => quantileOf(sorted, level)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { p5, p25, p50, p75, p95 };
}
