import type { DecisionTrace } from "../audit.ts";
import { orderTypes, rejections } from "./orders.ts";
import type { BookOrder } from "./orders.ts";
import type { EngineState } from "./state.ts";

/** Index = code in the status column. */
export const orderStatuses = ["open", "filled", "cancelled", ...rejections] as const;
export type OrderStatus = (typeof orderStatuses)[number];

/** Every order that was placed, by its number less one; the first `count` of each column count. */
export interface OrderLog {
  count: number;
  placedMs: Float64Array;
  instrument: Int32Array;
  /** 1 buys, -1 sells. */
  direction: Int8Array;
  /** Index into `orderTypes`. */
  type: Uint8Array;
  /** As placed; NaN: by a share of the cash, or a sum. */
  quantity: Float64Array;
  limitPrice: Float64Array;
  stopPrice: Float64Array;
  filled: Float64Array;
  status: Uint8Array;
  /** NaN while it is open. */
  endedMs: Float64Array;
  /** 1: placed by a decision; 0: by the engine, as part of a bracket or a liquidation. */
  decided: Uint8Array;
}

export function emptyOrderLog(capacity = 256): OrderLog {
  return {
    count: 0,
    placedMs: new Float64Array(capacity),
    instrument: new Int32Array(capacity),
    direction: new Int8Array(capacity),
    type: new Uint8Array(capacity),
    quantity: new Float64Array(capacity),
    limitPrice: new Float64Array(capacity),
    stopPrice: new Float64Array(capacity),
    filled: new Float64Array(capacity),
    status: new Uint8Array(capacity),
    endedMs: new Float64Array(capacity),
    decided: new Uint8Array(capacity),
  };
}

/** Writes a new order's row; the columns double when full. */
export function logOrder(log: OrderLog, order: BookOrder, placedMs: number): void {
  if (log.count === log.type.length) {
    const { count, ...columns } = log;
    const { count: _, ...grown } = emptyOrderLog(count * 2);
    for (const name of Object.keys(columns) as Array<keyof typeof columns>) grown[name].set(columns[name]);
    Object.assign(log, grown);
  }
  const row = log.count++;
  log.placedMs[row] = placedMs;
  log.instrument[row] = order.instrument;
  log.direction[row] = order.direction;
  log.type[row] = orderTypes.indexOf(order.type);
  log.quantity[row] = order.quantity;
  log.limitPrice[row] = order.limitPrice;
  log.stopPrice[row] = order.stopPrice;
  log.endedMs[row] = Number.NaN;
  log.decided[row] = +order.decided;
}

export function logEnd(log: OrderLog, id: number, status: OrderStatus, endedMs: number): void {
  log.status[id - 1] = orderStatuses.indexOf(status);
  log.endedMs[id - 1] = endedMs;
}

/** Orders that decisions placed, in their order. */
export function decidedOrders({ orderLog: log, instruments }: EngineState): DecisionTrace {
  const rows = Array.from({ length: log.count }, (_, row) => row).filter((row) => log.decided[row] === 1);
  return {
    timeMs: rows.map((row) => log.placedMs[row]!),
    what: rows.map((row) => {
      const side = log.direction[row]! > 0 ? "buy" : "sell";
      const prices = `limit ${log.limitPrice[row]} stop ${log.stopPrice[row]}`;
      const { id } = instruments[log.instrument[row]!]!;
      return `${id} ${side} ${orderTypes[log.type[row]!]} ${log.quantity[row]} ${prices}`;
    }),
  };
}
