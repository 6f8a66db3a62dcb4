/** How far a price should move before a profit is worth taking. */
import { QuantError, requireRange, requireSameLength, requireWhole } from "../error.ts";

export interface ProfitThresholdInputs {
  /** Present standard deviation of the return of a bar, as a fraction. */
  readonly volatility: number;
  /** Bars that a trade is meant to last. */
  readonly bars: number;
  /** Deviations of the move over those bars. */
  readonly multiple: number;
  /** Fee, slippage and half spread of one side, as a fraction of the price. */
  readonly costPerSide: number;
  /** Present probability of each regime; they sum to 1. */
  readonly regimes?: Float64Array;
  /** What the move is multiplied by in each: above 1 where trends run, below where prices return. */
  readonly regimeFactors?: Float64Array;
}

/**
 * Profit target as a fraction of the entry price:
 *
 *     2 costPerSide + multiple x volatility x sqrt(bars) x sum_k regimes_k regimeFactors_k
 *
 * It pays the round trip before anything else, and grows with the present volatility and with regimes that let profits
 * run. Without regimes their factor is 1.
 */
export function profitThreshold(inputs: ProfitThresholdInputs): number {
  const { volatility, bars, multiple, costPerSide } = inputs;
  requireRange(volatility, "volatility", 0, Number.MAX_VALUE);
  requireWhole(bars, "bars", 1);
  requireRange(multiple, "multiple", 0, Number.MAX_VALUE);
  requireRange(costPerSide, "costPerSide", 0, 1);
  return 2 * costPerSide + multiple * volatility * Math.sqrt(bars) * regimeFactor(inputs);
}

function regimeFactor({ regimes, regimeFactors }: ProfitThresholdInputs): number {
  if (!regimes && !regimeFactors) return 1;
  if (!regimes || !regimeFactors) {
    throw new QuantError("unequalLengths", "regimes and regimeFactors are given together or not at all");
  }
  requireSameLength(regimes, regimeFactors, "regimes and regimeFactors");
  let sum = 0;
  let factor = 0;
  for (let k = 0; k < regimes.length; k++) {
    requireRange(regimes[k]!, `regimes[${k}]`, 0, 1);
    requireRange(regimeFactors[k]!, `regimeFactors[${k}]`, 0, Number.MAX_VALUE);
    sum += regimes[k]!;
    factor += regimes[k]! * regimeFactors[k]!;
  }
  if (Math.abs(sum - 1) > 1e-6)
    throw new QuantError("outOfRange", `regimes sum to ${sum}; they must sum to 1`);
  return factor;
}
