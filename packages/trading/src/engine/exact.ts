import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";
import type { FeeSchedule } from "./costs.ts";
import { postingKinds } from "./fills.ts";
import type { Postings } from "./fills.ts";
import type { EngineState } from "./state.ts";

export interface CashReconciliation {
  /** Exact cash of each currency after the last posting. */
  cash: Decimal[];
  /** Largest |float cash - exact cash| of any currency after any posting. */
  gap: Decimal;
  /** What `gap` cannot exceed: postings × 2^-48 × the largest sum that passed through a currency's cash. */
  bound: number;
}

/**
 * Repeats the postings of a run in exact decimals: `advance(from, to)` in order, then `result()`. Prices, quantities and rates are
 * taken as they were simulated, fees and amounts computed anew. A float posting makes at most sixteen roundings of half a unit in the
 * last place (2^-53) of its largest term, which do not multiply: gap ≤ postings × 16 × 2^-53 × 2 × the largest.
 */
export function createCashReconciliation(state: EngineState): {
  advance(from: number, to: number): void;
  result(): CashReconciliation;
} {
  const { postings, settings, instruments } = state;
  const cash = state.currencies.map((_, c) => decimal(c === 0 ? settings.initialCash : 0));
  let gap = decimal(0);
  let largest = Math.abs(settings.initialCash);
  return {
    advance(from, to) {
      for (let k = from; k < to; k++) {
        const c = postings.currency[k]!;
        const multiplier = instruments[postings.instrument[k]!]?.multiplier ?? 1;
        const { amount, base } = amountsOf(postings, k, multiplier, settings.costs.fees);
        cash[c] = cash[c]!.plus(amount);
        cash[0] = cash[0]!.plus(base);
        largest = Math.max(
          largest,
          amount.abs().toNumber(),
          base.abs().toNumber(),
          Math.abs(postings.cash[k]!),
        );
        const off = cash[c]!.minus(decimal(postings.cash[k]!)).abs();
        if (off.gt(gap)) gap = off;
      }
    },
    result() {
      cash.forEach((exact, c) => {
        const off = exact.minus(decimal(state.cash[c]!)).abs();
        if (off.gt(gap)) gap = off;
      });
      return { cash, gap, bound: postings.count * 2 ** -48 * largest };
    },
  };
}

/** What a posting moves of its own currency, and of the base besides. */
function amountsOf(
  postings: Postings,
  k: number,
  multiplier: number,
  fees: FeeSchedule,
): { amount: Decimal; base: Decimal } {
  const kind = postingKinds[postings.kind[k]!]!;
  const quantity = decimal(postings.quantity[k]!);
  const price = decimal(postings.price[k]!);
  const zero = decimal(0);
  if (kind === "split") return { amount: zero, base: zero };
  if (kind === "conversion") {
    const paid = quantity.mul(price);
    return { amount: quantity, base: paid.plus(paid.mul(decimal(postings.feeRate[k]!))).neg() };
  }
  if (kind !== "fill") return { amount: quantity.mul(price), base: zero };
  const notional = quantity.mul(price).mul(decimal(multiplier));
  const byRate = notional
    .abs()
    .mul(decimal(postings.feeRate[k]!))
    .plus(quantity.abs().mul(decimal(fees.perUnit)));
  const least = decimal(fees.minimum);
  return {
    amount: notional.neg().minus(byRate.isNegative() || byRate.gt(least) ? byRate : least),
    base: zero,
  };
}
