/** Bonds with fixed coupons, on a coupon date. Yields compound once a coupon period. */
import { QuantError, requireRange, requireWhole } from "../error.ts";

export interface Bond {
  readonly face: number;
  /** Coupon a year as a fraction of the face. */
  readonly couponRate: number;
  /** Coupons a year. */
  readonly frequency: number;
  /** Coupons left. */
  readonly periods: number;
}

export interface BondValue {
  readonly price: number;
  /** Present-value weighted years. */
  readonly macaulayDuration: number;
  /** -(1/P) dP/dy. */
  readonly modifiedDuration: number;
  /** (1/P) d²P/dy², years squared. */
  readonly convexity: number;
  /** Change of the price for one basis point of yield. */
  readonly dv01: number;
}

function requireBond(bond: Bond, yieldRate: number): void {
  requireRange(bond.face, "face", 0, Number.MAX_VALUE, true);
  requireRange(bond.couponRate, "couponRate", 0, Number.MAX_VALUE);
  requireWhole(bond.frequency, "frequency", 1, 366);
  requireWhole(bond.periods, "periods", 1, 100_000);
  requireRange(yieldRate, "yield", -bond.frequency, Number.MAX_VALUE, true);
}

/** Price, durations and convexity at a yield a year. */
export function bondValue(bond: Bond, yieldRate: number): BondValue {
  requireBond(bond, yieldRate);
  const { face, frequency: f, periods } = bond;
  const coupon = (face * bond.couponRate) / f;
  const factor = 1 / (1 + yieldRate / f);
  let discount = 1;
  let price = 0;
  let weighted = 0;
  let curved = 0;
  for (let i = 1; i <= periods; i++) {
    discount *= factor;
    const value = (i === periods ? coupon + face : coupon) * discount;
    price += value;
    weighted += (i / f) * value;
    curved += ((i * (i + 1)) / (f * f)) * value;
  }
  const macaulayDuration = weighted / price;
  const modifiedDuration = macaulayDuration * factor;
  return {
    price,
    macaulayDuration,
    modifiedDuration,
    convexity: (curved * factor * factor) / price,
    dv01: (modifiedDuration * price) / 10_000,
  };
}

/** The yield a year at which a bond has a price, by Newton from the coupon rate on the convex price. */
export function bondYield(bond: Bond, price: number): number {
  requireRange(price, "price", 0, Number.MAX_VALUE, true);
  requireBond(bond, 0);
  let y = bond.couponRate;
  for (let i = 0; i < 200; i++) {
    const { price: p, modifiedDuration } = bondValue(bond, y);
    // In ln P the function is nearly straight: no step passes the pole at -frequency.
    const step = Math.log(p / price) / modifiedDuration;
    const next = Math.max(y + step, (y - bond.frequency) / 2);
    if (Math.abs(next - y) < 1e-15 * (1 + Math.abs(y))) return next;
    y = next;
  }
  throw new QuantError("noConvergence", `no yield gives the price ${price}`);
}
