/** Implied volatility of European options. */
import { QuantError } from "../error.ts";
import { normalCdf, normalPdf } from "../statistics/distributions.ts";
import type { OptionInputs } from "./black.ts";
import { requireOption } from "./black.ts";

/**
 * The volatility at which Black-Scholes-Merton gives the price: Newton on the logarithm of the out-of-the-money price,
 * kept inside a bracket. A price equal to the intrinsic value gives 0.
 * @throws QuantError outOfRange for a price outside its arbitrage bounds, undefined for an expired option or a price
 * whose own rounding moves the volatility by more than 1e-4 of itself.
 */
export function impliedVolatility(o: Omit<OptionInputs, "volatility">, price: number): number {
  requireOption({ ...o, volatility: 0 });
  if (o.years === 0) throw new QuantError("undefined", "an expired option has no implied volatility");
  const w = o.type === "call" ? 1 : -1;
  const spot = o.spot * Math.exp(-o.dividend * o.years);
  const strike = o.strike * Math.exp(-o.rate * o.years);
  const intrinsic = Math.max(w * (spot - strike), 0);
  const most = w > 0 ? spot : strike;
  if (!(price >= intrinsic && price < most)) {
    throw new QuantError("outOfRange", `price ${price} is outside its bounds ${intrinsic} and ${most}`);
  }
  const value = price - intrinsic;
  if (value === 0) {
    if (intrinsic === 0) throw new QuantError("undefined", "a price of 0 fixes no volatility");
    return 0;
  }
  const sd = solve(Math.min(spot, strike), Math.log(spot / strike), value);
  const d1 = Math.log(spot / strike) / sd + sd / 2;
  const rounding = (price * 2 ** -52) / (spot * normalPdf(d1) * sd);
  if (!(rounding < 1e-4)) {
    throw new QuantError(
      "undefined",
      "the time value is below the resolution of the price: it fixes no volatility",
    );
  }
  return sd / Math.sqrt(o.years);
}

/**
 * The total deviation σ√T at which the option that is out of the money has a value. In units of the smaller of both
 * legs, a = |ln(spot/strike)|: value = N(-a/s + s/2) - e^a N(-a/s - s/2).
 */
function solve(unit: number, logMoneyness: number, value: number): number {
  const a = Math.abs(logMoneyness);
  const goal = Math.log(value / unit);
  const grow = Math.exp(a);
  let low = 0;
  let high = Infinity;
  let s = Math.sqrt(2 * a) || 0.5;
  for (let i = 0; i < 200; i++) {
    const d1 = -a / s + s / 2;
    const v = normalCdf(d1) - grow * normalCdf(d1 - s);
    const gap = v > 0 ? Math.log(v) - goal : -Infinity;
    if (gap > 0) high = s;
    else low = s;
    const step = (gap * v) / normalPdf(d1);
    if (Math.abs(step) < 1e-13 * s) return s - step;
    let next = s - step;
    if (!(next > low && next < high)) next = high === Infinity ? 2 * s : (low + high) / 2;
    if (next === s) return s;
    s = next;
  }
  return s;
}
