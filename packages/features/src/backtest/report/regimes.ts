import { median } from "@tapedeck/quant/statistics/index";
import { regimeNames } from "./contract.ts";
import type { RegimeRow } from "./contract.ts";
import { sharpeOf } from "./returns.ts";
import type { Annualisation } from "./returns.ts";

const trendBars = 100;
const volatilityBars = 20;

/**
 * Bar returns `[n]` of strategy and benchmark by the state of the market at the close before. Rising: the benchmark's
 * curve `[n]` is above its mean of 100 bars; turbulent: the standard deviation of its last 20 returns is above that
 * deviation's median over the run. Empty for runs too short to tell.
 */
export function regimeSplit(
  curve: Float64Array,
  strategy: Float64Array,
  benchmark: Float64Array,
  annual: Annualisation,
): RegimeRow[] {
  const n = curve.length;
  if (n < 2 * trendBars) return [];
  const volatility = rollingDeviation(benchmark, volatilityBars);
  const usual = median(volatility.subarray(trendBars - 1, n - 1));
  const states = new Int8Array(n).fill(-1);
  let sum = 0;
  for (let i = 0; i < n - 1; i++) {
    sum += curve[i]! - (i >= trendBars ? curve[i - trendBars]! : 0);
    if (i < trendBars - 1) continue;
    const falling = curve[i]! > sum / trendBars ? 0 : 2;
    states[i + 1] = falling + (volatility[i]! > usual ? 1 : 0);
  }
  const judged = n - trendBars;
  return regimeNames.map((name, state) => {
    const own = strategy.filter((_, i) => states[i] === state);
    const base = benchmark.filter((_, i) => states[i] === state);
    return {
      name,
      bars: own.length,
      share: own.length / judged,
      totalReturn: compounded(own),
      benchmarkReturn: compounded(base),
      sharpe: sharpeOf(own, annual),
      benchmarkSharpe: sharpeOf(base, annual),
    };
  });
}

function compounded(returns: Float64Array): number {
  return returns.reduce((wealth, r) => wealth * (1 + r), 1) - 1;
}

/** Population standard deviation of the last `window` values at each place; NaN before there are so many. */
function rollingDeviation(values: Float64Array, window: number): Float64Array {
  const out = new Float64Array(values.length).fill(Number.NaN);
  for (let end = window; end <= values.length; end++) {
    let mean = 0;
    for (let i = end - window; i < end; i++) mean += values[i]! / window;
    let squares = 0;
    for (let i = end - window; i < end; i++) squares += (values[i]! - mean) ** 2;
    out[end - 1] = Math.sqrt(squares / window);
  }
  return out;
}
