import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";

/** One side of a venue's book, best price first. */
export interface VenueBook {
  readonly venue: string;
  /** Negative: a rebate. */
  readonly feeBps: Decimal;
  readonly levels: ReadonlyArray<{ readonly price: Decimal; readonly quantity: Decimal }>;
  /** Paid once when the venue is used. */
  readonly fixedFee: Decimal;
  /** Least quantity that it takes. */
  readonly minQuantity: Decimal;
}

export interface Route {
  /** By venue, in the order given. */
  quantities: Decimal[];
  /** Cash paid (buy) or received (sell), fees in. */
  total: Decimal;
  averagePrice: Decimal;
}

/** With more venues than this the subsets are too many to try. */
const mostVenues = 12;
const zero = decimal(0);

interface Step {
  venue: number;
  /** Cash out for a unit, fee in; negative for a sale. */
  cost: Decimal;
  quantity: Decimal;
}

/**
 * The cheapest split of an order over venues. A venue's levels get dearer, so for a given set of venues used it is best to take each one's minimum
 * and then the cheapest units of all; fixed fees and minimums make the set itself a choice, and every set is tried. Throws RangeError when
 * no set has the depth.
 */
export function routeOrder(side: "buy" | "sell", quantity: Decimal, venues: readonly VenueBook[]): Route {
  if (venues.length > mostVenues) throw new RangeError(`more than ${mostVenues} venues`);
  let best: { quantities: Decimal[]; cost: Decimal } | undefined;
  for (let set = 1; set < 1 << venues.length; set++) {
    const used = venues.flatMap((_, k) => ((set & (1 << k)) === 0 ? [] : [k]));
    const split = cheapestOf(side, quantity, venues, used);
    if (split !== undefined && (best === undefined || split.cost.lt(best.cost))) best = split;
  }
  if (best === undefined) throw new RangeError("the venues do not have the depth for this order");
  const total = side === "buy" ? best.cost : best.cost.neg();
  return { quantities: best.quantities, total, averagePrice: total.div(quantity) };
}

/** Undefined when these venues together cannot take the order. */
function cheapestOf(
  side: "buy" | "sell",
  quantity: Decimal,
  venues: readonly VenueBook[],
  used: readonly number[],
): { quantities: Decimal[]; cost: Decimal } | undefined {
  const quantities = venues.map(() => zero);
  const steps: Step[] = [];
  let cost = zero;
  let left = quantity;
  const take = (step: Step, part: Decimal) => {
    quantities[step.venue] = quantities[step.venue]!.plus(part);
    cost = cost.plus(step.cost.mul(part));
    left = left.minus(part);
  };
  for (const k of used) {
    const venue = venues[k]!;
    cost = cost.plus(venue.fixedFee);
    let owed = venue.minQuantity;
    for (const step of stepsOf(side, venue, k)) {
      const part = owed.lt(step.quantity) ? owed : step.quantity;
      if (part.gt(0)) take(step, part);
      owed = owed.minus(part);
      if (part.lt(step.quantity)) steps.push({ ...step, quantity: step.quantity.minus(part) });
    }
    if (owed.gt(0)) return undefined;
  }
  if (left.lt(0)) return undefined;
  steps.sort((a, b) => a.cost.comparedTo(b.cost));
  for (const step of steps) if (left.gt(0)) take(step, step.quantity.lt(left) ? step.quantity : left);
  return left.gt(0) ? undefined : { quantities, cost };
}

function stepsOf(side: "buy" | "sell", venue: VenueBook, index: number): Step[] {
  const fee = venue.feeBps.div(10_000);
  return venue.levels.map(({ price, quantity }) => ({
    venue: index,
    cost: side === "buy" ? price.mul(fee.plus(1)) : price.mul(fee.minus(1)),
    quantity,
  }));
}
