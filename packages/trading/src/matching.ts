import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";

/** A price bar later than the order. Volume NaN: the source states none. */
export interface MatchBar {
  open: number;
  high: number;
  low: number;
  volume: number;
}

export interface RestingOrder {
  side: "buy" | "sell";
  type: "market" | "limit";
  /** Of a limit order. */
  limitPrice?: Decimal | undefined;
  /** What is left to fill. */
  quantity: Decimal;
  timeInForce: "gtc" | "ioc" | "fok";
}

export interface Match {
  fill: { price: Decimal; quantity: Decimal } | undefined;
  /** What is left is cancelled: ioc and fok take what the first bar gives. */
  cancelRest: boolean;
}

const pricePlaces = 10;

/**
 * One bar against one order. A market order fills at the open, worse by the slippage (rounded against it); a limit
 * fills at the open when the bar opens beyond its price, at its price when the bar trades through it, and not when
 * it is only touched. `available` caps the quantity (undefined: no cap).
 */
export function matchBar(
  order: RestingOrder,
  bar: MatchBar,
  available: Decimal | undefined,
  slippageBps: Decimal,
): Match {
  const cancelRest = order.timeInForce !== "gtc";
  const price = order.type === "market" ? marketPrice(order.side, bar, slippageBps) : limitPrice(order, bar);
  if (price === undefined) return { fill: undefined, cancelRest };
  const quantity = available === undefined || available.gt(order.quantity) ? order.quantity : available;
  if (!quantity.gt(0) || (order.timeInForce === "fok" && quantity.lt(order.quantity))) {
    return { fill: undefined, cancelRest };
  }
  return { fill: { price, quantity }, cancelRest: cancelRest && quantity.lt(order.quantity) };
}

function marketPrice(side: "buy" | "sell", bar: MatchBar, slippageBps: Decimal): Decimal {
  const share = slippageBps.div(10_000);
  return side === "buy"
    ? decimal(bar.open).mul(share.plus(1)).toDecimalPlaces(pricePlaces, 0)
    : decimal(bar.open).mul(decimal(1).minus(share)).toDecimalPlaces(pricePlaces, 1);
}

function limitPrice(order: RestingOrder, bar: MatchBar): Decimal | undefined {
  const limit = order.limitPrice;
  if (limit === undefined) throw new RangeError("a limit order has a limit price");
  const open = decimal(bar.open);
  if (order.side === "buy") return open.lt(limit) ? open : decimal(bar.low).lt(limit) ? limit : undefined;
  return open.gt(limit) ? open : decimal(bar.high).gt(limit) ? limit : undefined;
}

/** What one bar's volume lets an account trade: `share` of it, less what it has traded there. */
export function availableVolume(volume: number, share: Decimal, used: Decimal): Decimal | undefined {
  if (Number.isNaN(volume)) return undefined;
  const left = decimal(volume).mul(share).minus(used);
  return left.gt(0) ? left : decimal(0);
}
