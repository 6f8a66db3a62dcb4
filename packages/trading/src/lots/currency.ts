import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";

/** A gain in a foreign currency, seen from the base: each leg at its own day's rate (base for one local). */
export interface CurrencyGain {
  costBase: Decimal;
  proceedsBase: Decimal;
  gainBase: Decimal;
  gainLocal: Decimal;
  /** The local gain at the closing rate. */
  priceEffect: Decimal;
  /** The local cost times the change of the rate; the two effects sum to `gainBase`. */
  currencyEffect: Decimal;
}

/** Of a position closed, or marked: `proceeds` is then its value. Local currency, fees in. */
export function splitCurrencyGain(
  costLocal: Decimal,
  openRate: Decimal,
  proceedsLocal: Decimal,
  closeRate: Decimal,
): CurrencyGain {
  const costBase = costLocal.mul(openRate);
  const proceedsBase = proceedsLocal.mul(closeRate);
  const gainLocal = proceedsLocal.minus(costLocal);
  return {
    costBase,
    proceedsBase,
    gainBase: proceedsBase.minus(costBase),
    gainLocal,
    priceEffect: gainLocal.mul(closeRate),
    currencyEffect: costLocal.mul(closeRate.minus(openRate)),
  };
}

/** Foreign cash as lots, oldest first: what came in at which rate. */
export interface CurrencyCash {
  lots: Array<{ amount: Decimal; rate: Decimal }>;
  /** Gain on what was spent, in the base. */
  realised: Decimal;
}

export function receiveCurrency(cash: CurrencyCash, amount: Decimal, rate: Decimal): CurrencyCash {
  return { ...cash, lots: [...cash.lots, { amount, rate }] };
}

/** Throws RangeError on more than there is. */
export function spendCurrency(cash: CurrencyCash, amount: Decimal, rate: Decimal): CurrencyCash {
  const lots = cash.lots.map((lot) => ({ ...lot }));
  let { realised } = cash;
  let left = amount;
  while (left.gt(0)) {
    const lot = lots[0];
    if (lot === undefined) throw new RangeError("more of a currency was spent than there is");
    const part = lot.amount.lt(left) ? lot.amount : left;
    realised = realised.plus(part.mul(rate.minus(lot.rate)));
    lot.amount = lot.amount.minus(part);
    left = left.minus(part);
    if (lot.amount.isZero()) lots.shift();
  }
  return { lots, realised };
}

export function markCurrency(
  cash: CurrencyCash,
  rate: Decimal,
): { balanceBase: Decimal; unrealised: Decimal } {
  let balanceBase = decimal(0);
  let unrealised = decimal(0);
  for (const lot of cash.lots) {
    balanceBase = balanceBase.plus(lot.amount.mul(rate));
    unrealised = unrealised.plus(lot.amount.mul(rate.minus(lot.rate)));
  }
  return { balanceBase, unrealised };
}
