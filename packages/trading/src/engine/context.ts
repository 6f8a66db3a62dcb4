import { cashInBase } from "./account.ts";
import { cancelOrder, cancelOrders, placeOrder } from "./book.ts";
import { toLot } from "./orders.ts";
import type { EngineState } from "./state.ts";
import type { FeatureColumn, StrategyContext } from "./strategy.ts";

/** A feature's column and its last value known. */
export interface FeatureCursor {
  readonly column: FeatureColumn;
  /** Instrument whose bars it goes with; -1: it has a clock of its own. */
  readonly instrument: number;
  at: number;
}

export function createCursor(
  column: FeatureColumn,
  closeMs: Float64Array,
  instrument: number,
): FeatureCursor {
  return { column, instrument: column.closeMs === closeMs ? instrument : -1, at: -1 };
}

export function followClock(cursor: FeatureCursor, nowMs: number): void {
  const { closeMs } = cursor.column;
  while (cursor.at + 1 < closeMs.length && closeMs[cursor.at + 1]! <= nowMs) cursor.at++;
}

/** The one context of a run. `features` are by formula, then by instrument; `equity` is by instant. */
export function createContext(
  state: EngineState,
  features: readonly FeatureCursor[],
  equity: Float64Array,
): StrategyContext {
  const { instruments, bar, position } = state;
  const n = instruments.length;
  const past = (column: Float64Array, k: number, back: number): number =>
    column[bar[k]! - back] ?? Number.NaN;
  const context: StrategyContext = {
    instruments,
    get nowMs() {
      return state.nowMs;
    },
    get equity() {
      return equity[state.instant - 1]!;
    },
    indexOf(id) {
      const k = instruments.findIndex((one) => one.id === id);
      if (k < 0) throw new RangeError(`This run has no instrument ${id}.`);
      return k;
    },
    closed: (k = 0) => instruments[k]!.bars.closeMs[bar[k]!] === state.nowMs,
    bars: (k = 0) => bar[k]! + 1,
    open: (k = 0, back = 0) => past(instruments[k]!.bars.open, k, back),
    high: (k = 0, back = 0) => past(instruments[k]!.bars.high, k, back),
    low: (k = 0, back = 0) => past(instruments[k]!.bars.low, k, back),
    close: (k = 0, back = 0) => past(instruments[k]!.bars.close, k, back),
    volume: (k = 0, back = 0) => past(instruments[k]!.bars.volume, k, back),
    value(feature, k = 0, back = 0) {
      const cursor = features[feature * n + k]!;
      const at = (cursor.instrument < 0 ? cursor.at : bar[cursor.instrument]!) - back;
      return cursor.column.values[at] ?? Number.NaN;
    },
    position: (k = 0) => position[k]!,
    averagePrice: (k = 0) => state.averagePrice[k]!,
    barsHeld: (k = 0) => (position[k] === 0 ? -1 : bar[k]! - state.entryBar[k]!),
    cash: () => cashInBase(state),
    openOrders: (k = 0) => state.orders[k]!.reduce((count, order) => count + +order.live, 0),
    submit: (order) => placeOrder(state, order),
    cancel: (id) => cancelOrder(state, id),
    cancelAll: (k = 0) => cancelOrders(state, k),
    target(quantity, k = 0) {
      if (!Number.isFinite(quantity)) {
        throw new RangeError(`The target of ${instruments[k]!.id} is ${quantity}; it must be a number.`);
      }
      const waiting = state.orders[k]!.reduce(
        (sum, order) =>
          order.live && order.type === "market" ? sum + order.direction * order.quantity : sum,
        0,
      );
      const difference = quantity - position[k]! - waiting;
      const size = toLot(Math.abs(difference), instruments[k]!.lotSize);
      if (size > 0)
        placeOrder(state, { instrument: k, side: difference > 0 ? "buy" : "sell", quantity: size });
    },
    unitsFor(weight, k = 0) {
      const rate = state.rate[state.currencyOf[k]!]!;
      return (context.equity * weight) / (state.mark[k]! * instruments[k]!.multiplier * rate);
    },
    newGroup: () => ++state.lastGroup,
  };
  return context;
}
