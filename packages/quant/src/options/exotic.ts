/** Digital options and European options with one barrier that is watched continuously, without rebate. */
import { QuantError, requireRange } from "../error.ts";
import { normalCdf } from "../statistics/distributions.ts";
import type { OptionInputs } from "./black.ts";
import { optionPrice, requireOption } from "./black.ts";

export interface DigitalValue {
  /** Pays 1 where the option ends in the money. */
  readonly cashOrNothing: number;
  /** Pays the asset there. */
  readonly assetOrNothing: number;
}

/** Digital options in closed form. Source: Reiner and Rubinstein 1991. */
export function digitalOption(o: OptionInputs): DigitalValue {
  requireOption(o);
  const sd = o.volatility * Math.sqrt(o.years);
  if (sd === 0)
    throw new QuantError("undefined", "a digital option without time or volatility jumps at the strike");
  const w = o.type === "call" ? 1 : -1;
  const d1 = (Math.log(o.spot / o.strike) + (o.rate - o.dividend) * o.years) / sd + sd / 2;
  return {
    cashOrNothing: Math.exp(-o.rate * o.years) * normalCdf(w * (d1 - sd)),
    assetOrNothing: o.spot * Math.exp(-o.dividend * o.years) * normalCdf(w * d1),
  };
}

export type BarrierKind = "downIn" | "downOut" | "upIn" | "upOut";

/**
 * Single-barrier option. In and out of one barrier sum to the European option. A barrier already passed counts as
 * touched. Source: Reiner and Rubinstein 1991, as in Haug 2007, 4.17.
 */
export function barrierOption(o: OptionInputs, kind: BarrierKind, barrier: number): number {
  requireOption(o);
  requireRange(barrier, "barrier", 0, Number.MAX_VALUE, true);
  const european = optionPrice(o);
  const down = kind.startsWith("down");
  const touched = down ? o.spot <= barrier : o.spot >= barrier;
  const sd = o.volatility * Math.sqrt(o.years);
  if (!touched && sd === 0) {
    throw new QuantError("undefined", "a barrier option needs time and volatility to reach the barrier");
  }
  const inside = touched ? european : knockIn(o, down, barrier, sd);
  if (!Number.isFinite(inside)) {
    throw new QuantError("undefined", "the price mirrored at the barrier exceeds all numbers at these rates");
  }
  return kind.endsWith("In") ? inside : european - inside;
}

function knockIn(o: OptionInputs, down: boolean, h: number, sd: number): number {
  const call = o.type === "call";
  const f = call ? 1 : -1;
  const e = down ? 1 : -1;
  const mu = (o.rate - o.dividend) / (o.volatility * o.volatility) - 0.5;
  const spot = o.spot * Math.exp(-o.dividend * o.years);
  const strike = o.strike * Math.exp(-o.rate * o.years);
  const shift = (1 + mu) * sd;
  const plain = (x: number): number => f * (spot * normalCdf(f * x) - strike * normalCdf(f * (x - sd)));
  const ratio = h / o.spot;
  const mirrored = (y: number): number =>
    f *
    (spot * ratio ** (2 * (mu + 1)) * normalCdf(e * y) -
      strike * ratio ** (2 * mu) * normalCdf(e * (y - sd)));
  const a = (): number => plain(Math.log(o.spot / o.strike) / sd + shift);
  const b = (): number => plain(Math.log(o.spot / h) / sd + shift);
  const c = (): number => mirrored(Math.log((h * h) / (o.spot * o.strike)) / sd + shift);
  const d = (): number => mirrored(Math.log(h / o.spot) / sd + shift);
  const above = o.strike > h;
  if (call === down) return above === call ? c() : a() - b() + d();
  return above === call ? a() : b() - c() + d();
}
