import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";
import type { FillColumns, SimulationSettings } from "./simulate.ts";

/** Money is kept to this many decimals; what is rounded away in one place is kept in the other, so that sums stay exact. */
const moneyPlaces = 18;

/** One opening fill, or what is left of it. Signed: negative is short. */
export interface Lot {
  id: string;
  openedMs: number;
  quantity: Decimal;
  price: Decimal;
  /** Cash that it took, fees in; negative for a short: its net proceeds. */
  cost: Decimal;
}

export interface LedgerFill {
  id: string;
  side: "buy" | "sell";
  quantity: Decimal;
  price: Decimal;
  /** Negative for a rebate. */
  fee: Decimal;
  eventMs: number;
}

export interface FillEffect {
  /** Open lots after the fill, in opening order. */
  lots: Lot[];
  /** Change of cash: -(price × quantity) - fee for a buy. */
  cash: Decimal;
  /** Profit of what it closed, fees of both sides off. */
  realised: Decimal;
  /** Lots that it closed, whole or in part. */
  closed: Array<{ lotId: string; quantity: Decimal; cost: Decimal; proceeds: Decimal }>;
}

export type LotMethod = "fifo" | "lifo" | "hifo";

const zero = decimal(0);

function round(value: Decimal): Decimal {
  return value.toDecimalPlaces(moneyPlaces);
}

/** Which lot a closing fill takes next. HIFO: the dearest a unit; ties: the oldest. */
function pickLot(lots: readonly Lot[], method: LotMethod): number {
  if (method === "fifo") return 0;
  if (method === "lifo") return lots.length - 1;
  let best = 0;
  for (let i = 1; i < lots.length; i++) {
    const dearer = lots[i]!.cost.div(lots[i]!.quantity).gt(lots[best]!.cost.div(lots[best]!.quantity));
    if (dearer) best = i;
  }
  return best;
}

/**
 * Applies one fill to the open lots of one instrument (all of one sign). A fill larger than the position closes
 * it and opens the rest on the other side. Fees: a purchase's into the cost, a sale's out of the proceeds, pro
 * rata by quantity. Throws RangeError on a quantity or price that is not above zero (a price of zero is allowed).
 */
export function applyFill(open: readonly Lot[], fill: LedgerFill, method: LotMethod = "fifo"): FillEffect {
  if (!fill.quantity.gt(0) || fill.price.lt(0))
    throw new RangeError("a fill has a quantity above zero and a price");
  const direction = fill.side === "buy" ? 1 : -1;
  const notional = round(fill.price.mul(fill.quantity));
  // Signed cash paid: positive for a buy.
  const total = notional.mul(direction).plus(fill.fee);
  const lots = [...open];
  const closed: FillEffect["closed"] = [];
  let left = fill.quantity;
  let leftCost = total;
  let realised = zero;
  while (left.gt(0) && lots.length > 0 && lots[0]!.quantity.isNegative() !== direction < 0) {
    const index = pickLot(lots, method);
    const lot = lots[index]!;
    const size = lot.quantity.abs();
    const part = size.lt(left) ? size : left;
    const whole = part.eq(size);
    const lotCost = whole ? lot.cost : round(lot.cost.mul(part).div(size));
    const fillCost = part.eq(left) ? leftCost : round(leftCost.mul(part).div(left));
    // Closing a long: fillCost is negative (cash in). realised = -(fillCost) - lotCost, for shorts too.
    realised = realised.minus(fillCost).minus(lotCost);
    closed.push({ lotId: lot.id, quantity: part, cost: lotCost, proceeds: fillCost.neg() });
    if (whole) lots.splice(index, 1);
    else
      lots[index] = {
        ...lot,
        quantity: lot.quantity.plus(part.mul(direction)),
        cost: lot.cost.minus(lotCost),
      };
    left = left.minus(part);
    leftCost = leftCost.minus(fillCost);
  }
  if (left.gt(0)) {
    lots.push({
      id: fill.id,
      openedMs: fill.eventMs,
      quantity: left.mul(direction),
      price: fill.price,
      cost: leftCost,
    });
  }
  return { lots, cash: total.neg(), realised, closed };
}

export function positionOf(lots: readonly Lot[]): { quantity: Decimal; cost: Decimal } {
  let quantity = zero;
  let cost = zero;
  for (const lot of lots) {
    quantity = quantity.plus(lot.quantity);
    cost = cost.plus(lot.cost);
  }
  return { quantity, cost };
}

/** The fee of a fill, exactly; see `SimulationSettings`. */
export function exactFee(settings: SimulationSettings, quantity: Decimal, price: Decimal): Decimal {
  const fee = quantity
    .mul(price)
    .mul(decimal(settings.feeRate))
    .plus(quantity.mul(decimal(settings.feePerUnit)));
  const least = decimal(settings.minFee);
  return round(fee.gt(least) ? fee : least);
}

export interface Reconciliation {
  /** Cash after the last fill, exactly. */
  cash: Decimal;
  realised: Decimal;
  /** Largest |float cash - exact cash| after any fill. */
  gap: Decimal;
  /** What `gap` cannot exceed: fills × 2^-49 × the largest sum that passed through the cash. */
  bound: number;
}

/**
 * Repeats the fills of a float simulation in exact decimals: `advance(from, to)` in order, then `result()`. Prices
 * and quantities are taken as they were simulated; fees and cash are computed anew. Each float fill makes at most
 * eight roundings of half a unit in the last place (2^-53) of its notional or of the cash, and roundings do not
 * multiply, since quantities are the same on both sides: gap ≤ fills × 8 × 2^-53 × 2 × max(cash, notional).
 */
export function createReconciliation(
  fills: FillColumns,
  settings: SimulationSettings,
): { advance(from: number, to: number): void; result(): Reconciliation } {
  let cash = decimal(settings.initialCash);
  let realised = zero;
  let gap = zero;
  let largest = settings.initialCash;
  let lots: Lot[] = [];
  return {
    advance(from, to) {
      for (let k = from; k < to; k++) {
        const signed = fills.quantity[k]!;
        const quantity = decimal(Math.abs(signed));
        const price = decimal(fills.price[k]!);
        const fee = exactFee(settings, quantity, price);
        const side = signed > 0 ? "buy" : "sell";
        const effect = applyFill(lots, { id: String(k), side, quantity, price, fee, eventMs: fills.bar[k]! });
        lots = effect.lots;
        cash = cash.plus(effect.cash);
        realised = realised.plus(effect.realised);
        largest = Math.max(largest, Math.abs(signed) * fills.price[k]!, Math.abs(fills.cash[k]!));
        const off = cash.minus(decimal(fills.cash[k]!)).abs();
        if (off.gt(gap)) gap = off;
      }
    },
    result: () => ({ cash, realised, gap, bound: fills.count * 2 ** -49 * largest }),
  };
}

/** The whole of `createReconciliation` at once. */
export function reconcileFills(fills: FillColumns, settings: SimulationSettings): Reconciliation {
  const reconciliation = createReconciliation(fills, settings);
  reconciliation.advance(0, fills.count);
  return reconciliation.result();
}
