/**
 * European options by Black-Scholes-Merton and Black-76. Years, continuously compounded rates, volatility a year.
 * Theta, charm and veta are per year of calendar time (minus the derivative in time to expiry); vega, rho and phi per
 * 1.00 of volatility or rate: divide for display. Derivatives are null exactly at a kink, never NaN.
 */
import { requireRange } from "../error.ts";
import { normalCdf, normalPdf } from "../statistics/distributions.ts";
import { millsRatio } from "../statistics/special.ts";

export type OptionType = "call" | "put";

export interface OptionInputs {
  readonly type: OptionType;
  readonly spot: number;
  readonly strike: number;
  readonly years: number;
  readonly rate: number;
  /** Continuous dividend yield, or the foreign rate. */
  readonly dividend: number;
  readonly volatility: number;
}

export interface OptionValue {
  readonly price: number;
  readonly delta: number | null;
  readonly gamma: number | null;
  readonly vega: number | null;
  readonly theta: number | null;
  readonly rho: number | null;
  /** dV / d dividend yield. */
  readonly phi: number | null;
  /** Derivatives in the strike. */
  readonly dualDelta: number | null;
  readonly dualGamma: number | null;
  /** d delta / d volatility. */
  readonly vanna: number | null;
  /** d vega / d volatility. */
  readonly volga: number | null;
  /** Change of delta and of vega in a year of calendar time. */
  readonly charm: number | null;
  readonly veta: number | null;
  /** d gamma / d spot. */
  readonly speed: number | null;
}

export function requireOption(o: OptionInputs): void {
  requireRange(o.spot, "spot", 0, Number.MAX_VALUE, true);
  requireRange(o.strike, "strike", 0, Number.MAX_VALUE, true);
  requireRange(o.years, "years", 0, Number.MAX_VALUE);
  requireRange(o.volatility, "volatility", 0, Number.MAX_VALUE);
  requireRange(o.rate, "rate", -Number.MAX_VALUE, Number.MAX_VALUE);
  requireRange(o.dividend, "dividend", -Number.MAX_VALUE, Number.MAX_VALUE);
}

/** Price alone. */
export function optionPrice(o: OptionInputs): number {
  requireOption(o);
  const w = o.type === "call" ? 1 : -1;
  const spot = o.spot * Math.exp(-o.dividend * o.years);
  const strike = o.strike * Math.exp(-o.rate * o.years);
  const sd = o.volatility * Math.sqrt(o.years);
  if (sd === 0) return Math.max(w * (spot - strike), 0);
  return legs(w, spot, strike, distance(o, sd), sd);
}

/**
 * w (spot Φ(w d1) - strike Φ(w d2)). Far out of the money both legs are nearly equal; there their common density
 * spot φ(d1) = strike φ(d2) is taken out before they are subtracted.
 */
function legs(w: number, spot: number, strike: number, d1: number, sd: number): number {
  const near = -w * d1;
  const far = -w * (d1 - sd);
  if (near > 1 && far > 1) return w * spot * normalPdf(d1) * (millsRatio(near) - millsRatio(far));
  return w * (spot * normalCdf(w * d1) - strike * normalCdf(w * (d1 - sd)));
}

function distance(o: OptionInputs, sd: number): number {
  const drift = (o.rate - o.dividend) * o.years;
  // The logarithm of a ratio near 1 keeps its digits through log1p.
  const ratio = (o.spot - o.strike) / o.strike;
  const moneyness = Math.abs(ratio) < 0.5 ? Math.log1p(ratio) : Math.log(o.spot / o.strike);
  return (moneyness + drift) / sd + sd / 2;
}

/** Price and Greeks of a European option on an asset with a continuous yield. Source: Black, Scholes, Merton 1973. */
export function blackScholes(o: OptionInputs): OptionValue {
  requireOption(o);
  const sd = o.volatility * Math.sqrt(o.years);
  if (sd === 0) return limit(o);
  const { spot: s, strike: k, years: t, rate: r, dividend: q, volatility: v } = o;
  const w = o.type === "call" ? 1 : -1;
  const root = Math.sqrt(t);
  const d1 = distance(o, sd);
  const d2 = d1 - sd;
  const dq = Math.exp(-q * t);
  const dr = Math.exp(-r * t);
  const density = normalPdf(d1);
  const n1 = normalCdf(w * d1);
  const n2 = normalCdf(w * d2);
  const gamma = (dq * density) / (s * sd);
  const vega = s * dq * density * root;
  return {
    price: legs(w, s * dq, k * dr, d1, sd),
    delta: w * dq * n1,
    gamma,
    vega,
    theta: (-s * dq * density * v) / (2 * root) - w * r * k * dr * n2 + w * q * s * dq * n1,
    rho: w * k * t * dr * n2,
    phi: -w * s * t * dq * n1,
    dualDelta: -w * dr * n2,
    dualGamma: (dr * normalPdf(d2)) / (k * sd),
    vanna: (-dq * density * d2) / v,
    volga: (vega * d1 * d2) / v,
    charm: w * q * dq * n1 - (dq * density * (2 * (r - q) * t - d2 * sd)) / (2 * t * sd),
    veta: vega * (q + ((r - q) * d1) / sd - (1 + d1 * d2) / (2 * t)),
    speed: (-gamma / s) * (d1 / sd + 1),
  };
}

/** The limit of no time or no volatility: the discounted intrinsic value of the forward. */
function limit(o: OptionInputs): OptionValue {
  const w = o.type === "call" ? 1 : -1;
  const dq = Math.exp(-o.dividend * o.years);
  const dr = Math.exp(-o.rate * o.years);
  const inside = w * (o.spot * dq - o.strike * dr);
  const at = (value: number): number | null => (inside === 0 ? null : inside > 0 ? value : 0);
  const spot = o.spot * dq;
  const strike = o.strike * dr;
  return {
    price: Math.max(inside, 0),
    delta: at(w * dq),
    gamma: at(0),
    vega: at(0),
    theta: at(w * (o.dividend * spot - o.rate * strike)),
    rho: at(w * o.years * strike),
    phi: at(-w * o.years * spot),
    dualDelta: at(-w * dr),
    dualGamma: at(0),
    vanna: at(0),
    volga: at(0),
    charm: at(w * o.dividend * dq),
    veta: at(0),
    speed: at(0),
  };
}

export interface ForwardInputs {
  readonly type: OptionType;
  readonly forward: number;
  readonly strike: number;
  readonly years: number;
  readonly rate: number;
  readonly volatility: number;
}

/** The Greeks of an option on a forward: those of `OptionValue` with the forward in place of the spot, and no phi. */
export interface ForwardValue extends Omit<OptionValue, "phi" | "rho"> {
  /** dV / dr at a fixed forward: -T V. */
  readonly rho: number;
}

/**
 * Black-76: an option on a forward or future, whose discounted price is that of an asset with the rate as its yield.
 * Theta, charm and veta hold the forward fixed. Source: Black 1976.
 */
export function black76(o: ForwardInputs): ForwardValue {
  const { phi: _, ...value } = blackScholes({ ...o, spot: o.forward, dividend: o.rate });
  return { ...value, rho: -o.years * value.price };
}
