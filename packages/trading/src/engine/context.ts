import { cashInBase } from "./account.ts";
import { cancelOrder, cancelOrders, isOpen, placeOrder, tightenStops } from "./book.ts";
import type { Features } from "./features.ts";
import { toLot } from "./orders.ts";
import type { EngineState } from "./state.ts";
import type { StrategyContext } from "./strategy.ts";

/**
 * A context whose time and equity are written before each decision. Data, not accessors: V8 turns an object into a hash table when its
 * accessors are not those of the run before, and every call of the strategy is looked up in it.
 */
export type WrittenContext = { -readonly [name in keyof StrategyContext]: StrategyContext[name] };

/** The one context of a run; `equity` is by instant. */
export function createContext(state: EngineState, features: Features, equity: Float64Array): WrittenContext {
  const { instruments, bar, seen: shown, position } = state;
  const n = instruments.length;
  const { values, instrument, row } = features;
  const seen = instruments.map((one) => one.signalBars ?? one.bars);
  const opens = seen.map((bars) => bars.open);
  const highs = seen.map((bars) => bars.high);
  const lows = seen.map((bars) => bars.low);
  const closes = seen.map((bars) => bars.close);
  const volumes = seen.map((bars) => bars.volume);
  // Never an index below zero: one read outside makes every later read of the column slow.
  const past = (columns: readonly Float64Array[], k: number, back: number): number => {
    const at = shown[k]! - back;
    return at < 0 ? Number.NaN : columns[k]![at]!;
  };
  return {
    instruments: instruments.map(
      ({ bars: _bars, signalBars: _signals, finerBars: _finer, events: _events, ...facts }) => facts,
    ),
    nowMs: Number.NaN,
    equity: Number.NaN,
    indexOf(id) {
      const k = instruments.findIndex((one) => one.id === id);
      if (k < 0) throw new RangeError(`This run has no instrument ${id}.`);
      return k;
    },
    closed: (k = 0) => shown[k]! >= 0 && seen[k]!.closeMs[shown[k]!] === state.nowMs,
    bars: (k = 0) => shown[k]! + 1,
    open: (k = 0, back = 0) => past(opens, k, back),
    high: (k = 0, back = 0) => past(highs, k, back),
    low: (k = 0, back = 0) => past(lows, k, back),
    close: (k = 0, back = 0) => past(closes, k, back),
    volume: (k = 0, back = 0) => past(volumes, k, back),
    value(feature, k = 0, back = 0) {
      const j = feature * n + k;
      const own = instrument[j]!;
      const at = (own < 0 ? row[j]! : bar[own]!) - back;
      return at < 0 ? Number.NaN : values[j]![at]!;
    },
    position: (k = 0) => position[k]!,
    averagePrice: (k = 0) => state.averagePrice[k]!,
    mark: (k = 0) => state.mark[k]!,
    closedTrades: state.closedTrades,
    barsHeld: (k = 0) => (position[k] === 0 ? -1 : shown[k]! - state.entryBar[k]!),
    cash: () => cashInBase(state),
    openOrders: (k = 0) => state.orders[k]!.reduce((count, order) => count + +order.live, 0),
    submit: (order) => placeOrder(state, order),
    cancel: (id) => cancelOrder(state, id),
    isOpen: (id) => isOpen(state, id),
    tightenStops: (price, k = 0) => tightenStops(state, k, price),
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
      if (Number.isNaN(waiting)) {
        throw new RangeError(
          `An order of ${instruments[k]!.id} by cash is waiting, whose units are known when it fills; cancel it before a target.`,
        );
      }
      const difference = quantity - position[k]! - waiting;
      const size = toLot(Math.abs(difference), instruments[k]!.lotSize);
      if (size > 0)
        placeOrder(state, { instrument: k, side: difference > 0 ? "buy" : "sell", quantity: size });
    },
    unitsFor(weight, k = 0) {
      const rate = state.rate[state.currencyOf[k]!]!;
      return (equity[state.instant - 1]! * weight) / (state.mark[k]! * instruments[k]!.multiplier * rate);
    },
    newGroup: () => ++state.lastGroup,
  };
}
