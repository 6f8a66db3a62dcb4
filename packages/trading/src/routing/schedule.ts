import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";

/**
 * Quantities of the children of a parent order: TWAP with equal weights, VWAP with a volume curve. In whole lots by cumulative
 * flooring, so that they sum to the parent exactly and none is off by more than a lot; a child may be zero and is then not sent. Throws
 * RangeError when the quantity is not a whole number of lots, or a weight is below zero, or all are zero.
 */
export function childQuantities(quantity: Decimal, lot: Decimal, weights: readonly Decimal[]): Decimal[] {
  const lots = quantity.div(lot);
  if (!lots.isInteger()) throw new RangeError("the quantity is not a whole number of lots");
  if (weights.some((weight) => weight.lt(0))) throw new RangeError("a weight is below zero");
  const total = weights.reduce((sum, weight) => sum.plus(weight), decimal(0));
  if (!total.gt(0)) throw new RangeError("all weights are zero");
  let seen = decimal(0);
  let given = decimal(0);
  return weights.map((weight) => {
    seen = seen.plus(weight);
    const upTo = lots.mul(seen).divToInt(total);
    const child = upTo.minus(given).mul(lot);
    given = upTo;
    return child;
  });
}
