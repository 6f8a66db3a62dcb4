import { median } from "@tapedeck/quant/statistics/index";
import { regimeNames } from "./contract.ts";
import type { RegimeRow } from "./contract.ts";
import { runningSums, sharpeOf, varianceOf } from "./returns.ts";
import type { Annualisation } from "./returns.ts";

const trendBars = 100;
const volatilityBars = 20;

/**
 * Bar returns `[n]` of strategy and benchmark by the state of the market at the close before. Rising: the benchmark's
 * curve `[n]` is above its mean of 100 bars; turbulent: the variance of its last 20 returns is above that variance's
 * median over the run. Empty for runs too short to tell.
 */
export function regimeSplit(
  curve: Float64Array,
  strategy: Float64Array,
  benchmark: Float64Array,
  annual: Annualisation,
): RegimeRow[] {
  const n = curve.length;
  if (n < 2 * trendBars) return [];
  const variance = rollingVariance(benchmark);
  const usual = median(variance.subarray(trendBars - 1, n - 1));
  const tallies = regimeNames.map(() => ({ bars: 0, own: newTally(), base: newTally() }));
  let level = 0;
  for (let i = 0; i < n - 1; i++) {
    level += curve[i]! - (i >= trendBars ? curve[i - trendBars]! : 0);
    if (i < trendBars - 1) continue;
    const falling = curve[i]! > level / trendBars ? 0 : 2;
    const tally = tallies[falling + (variance[i]! > usual ? 1 : 0)]!;
    tally.bars++;
    add(tally.own, strategy[i + 1]!);
    add(tally.base, benchmark[i + 1]!);
  }
  return regimeNames.map((name, state) => {
    const { bars, own, base } = tallies[state]!;
    return {
      name,
      bars,
      share: bars / (n - trendBars),
      totalReturn: own.wealth - 1,
      benchmarkReturn: base.wealth - 1,
      sharpe: sharpeOf(bars, own.sum, own.squares, annual),
      benchmarkSharpe: sharpeOf(bars, base.sum, base.squares, annual),
    };
  });
}

interface Tally {
  wealth: number;
  sum: number;
  squares: number;
}

function newTally(): Tally {
  return { wealth: 1, sum: 0, squares: 0 };
}

function add(tally: Tally, r: number): void {
  tally.wealth *= 1 + r;
  tally.sum += r;
  tally.squares += r * r;
}

/** Population variance of the last 20 values at each place; NaN before there are so many. */
function rollingVariance(values: Float64Array): Float64Array {
  const { sum, squares } = runningSums(values);
  const out = new Float64Array(values.length).fill(Number.NaN);
  for (let end = volatilityBars; end <= values.length; end++) {
    const start = end - volatilityBars;
    out[end - 1] = varianceOf(volatilityBars, sum[end]! - sum[start]!, squares[end]! - squares[start]!);
  }
  return out;
}
