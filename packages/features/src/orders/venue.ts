import type { VenueOrder } from "@tapedeck/core";
import type { OrderRow } from "./store.ts";
import { plain } from "./store.ts";

/** The order as its venue is told. */
export function venueOrderOf(order: OrderRow): VenueOrder {
  return {
    clientOrderId: order.clientOrderId,
    instrumentId: order.instrumentId,
    side: order.side,
    type: order.type,
    quantity: plain(order.quantity),
    ...(order.limitPrice === null ? {} : { limitPrice: plain(order.limitPrice) }),
    timeInForce: order.timeInForce,
  };
}
