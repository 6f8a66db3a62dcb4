import type { BookOrder } from "./orders.ts";

/** One bar of the instrument, written anew for each. */
export interface BarNow {
  index: number;
  openMs: number;
  closeMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  /** First and last of its session (UTC day). */
  opensSession: boolean;
  closesSession: boolean;
}

/** The level at which a stop order acts. */
export function stopLevel(order: BookOrder): number {
  if (order.type !== "trailingStop") return order.stopPrice;
  const distance = order.trailFraction > 0 ? order.extreme * order.trailFraction : order.trailBy;
  return order.extreme + order.direction * distance;
}

export function isStop(order: BookOrder): boolean {
  return order.type === "stop" || order.type === "stopLimit" || order.type === "trailingStop";
}

/** A stop limit whose level is reached is a limit from then on, which has not rested. */
export function triggerLimit(order: BookOrder): void {
  order.type = "limit";
  order.rested = false;
}

/**
 * Price at which an order trades at the open, before spread and slippage; NaN: it does not. A stop beyond its level and a limit better
 * than its own take the open; a limit that rested takes its own price from a trade print, which has no auction.
 */
export function priceAtOpen(order: BookOrder, bar: BarNow): number {
  const { open } = bar;
  if (order.type === "market") return open;
  if (order.type === "onOpen") return bar.opensSession ? open : Number.NaN;
  if (order.type === "onClose") return Number.NaN;
  const up = order.direction;
  if (isStop(order)) {
    if (up * (open - stopLevel(order)) < 0) return Number.NaN;
    if (order.type !== "stopLimit") return open;
    triggerLimit(order);
  }
  if (!(up * (order.limitPrice - open) > 0)) return Number.NaN;
  return order.rested && bar.openMs === bar.closeMs ? order.limitPrice : open;
}

/** Does the bar reach the level of a stop order? */
export function reachesStop(order: BookOrder, bar: BarNow): boolean {
  if (!isStop(order)) return false;
  const level = stopLevel(order);
  return order.direction > 0 ? bar.high >= level : bar.low <= level;
}

/**
 * Price at which an order trades between the open and the close; NaN: it does not. Touching is enough for a stop, a limit must be traded
 * through. A stop limit whose level is reached trades there when that is better than its limit. Changes nothing of the order.
 */
export function priceInside(order: BookOrder, bar: BarNow): number {
  if (order.type === "limit" || order.type === "takeProfit") {
    const through = order.direction > 0 ? bar.low < order.limitPrice : bar.high > order.limitPrice;
    return through ? order.limitPrice : Number.NaN;
  }
  if (!reachesStop(order, bar)) return Number.NaN;
  const level = stopLevel(order);
  if (order.type !== "stopLimit") return level;
  return order.direction * (order.limitPrice - level) > 0 ? level : Number.NaN;
}

/** After a bar: the trailing stop follows what the bar reached. */
export function followTrail(order: BookOrder, bar: BarNow): void {
  if (order.type !== "trailingStop") return;
  const reached = order.direction > 0 ? bar.low : bar.high;
  if (order.direction > 0 ? reached < order.extreme : reached > order.extreme) order.extreme = reached;
}
