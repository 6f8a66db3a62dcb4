import { Decimal as DecimalJs } from "decimal.js";
import * as z from "zod";

/** Exact decimals for money, prices and quantities of orders and ledgers: 40 digits, half-even. */
export const Decimal = DecimalJs.clone({
  precision: 40,
  rounding: DecimalJs.ROUND_HALF_EVEN,
  toExpNeg: -40,
  toExpPos: 40,
});
export type Decimal = DecimalJs;

/** A decimal number as text, plain notation: what JSON and `numeric` columns carry. */
export const DecimalString = z
  .string()
  .regex(/^-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?$/, 'a decimal number as text, such as "100.25"')
  .meta({ description: "Decimal number as text", examples: ["100.25"] });

export function decimal(value: string | number | Decimal): Decimal {
  return new Decimal(value);
}

/** `value` rounded down (toward zero) to a multiple of `increment`; increment > 0. */
export function floorTo(value: Decimal, increment: Decimal): Decimal {
  return value.div(increment).trunc().mul(increment);
}

/** A buy's price rounds down and a sell's up, so that rounding never worsens the limit that was asked for. */
export function roundPrice(price: Decimal, tick: Decimal, side: "buy" | "sell"): Decimal {
  const steps = price.div(tick);
  return (side === "buy" ? steps.floor() : steps.ceil()).mul(tick);
}
