import { isUnderwater } from "./account.ts";
import { liquidate, matchBars } from "./book.ts";
import type { WrittenContext } from "./context.ts";
import type { Curves } from "./engine.ts";
import type { Features } from "./features.ts";
import type { EngineSettings, EngineState } from "./state.ts";
import type { EngineStrategy, StrategyContext } from "./strategy.ts";

/**
 * Is the run on one instrument, in one currency, asked at every close, with nothing that happens by itself? Most are, and need at each
 * bar only what `createSingleSteps` does.
 */
export function isSingle(state: EngineState, settings: EngineSettings, features: Features): boolean {
  const { instruments, currencies } = state;
  const one = instruments[0]!;
  const { cashRate, debitRate } = settings.costs;
  return (
    instruments.length === 1 &&
    currencies.length === 1 &&
    one.events.length === 0 &&
    one.delists !== true &&
    one.borrowRate === 0 &&
    cashRate === 0 &&
    debitRate === 0 &&
    state.seen === state.bar &&
    features.instrument.every((own) => own === 0)
  );
}

/** Instants [from, to) of such a run: what `createEngine` does at each, with nothing asked that is known of one instrument. */
export function createSingleSteps(
  state: EngineState,
  strategy: EngineStrategy,
  general: StrategyContext,
  features: Features,
  { equity, gross, net }: Curves,
): (from: number, to: number) => void {
  const { instruments, bar, mark, position, cash, unitValue } = state;
  const [one] = instruments;
  const { close, closeMs } = one!.bars;
  const seen = one!.signalBars ?? one!.bars;
  const { values } = features;
  const watchesMargin = one!.maintenanceMargin > 0;
  const group = Int32Array.of(0);
  /** The bar that has closed. */
  let now = -1;
  // Never an index below zero: one read outside makes every later read of the column slow.
  const past = (column: Float64Array, back: number): number => {
    const at = now - back;
    return at < 0 ? Number.NaN : column[at]!;
  };
  const context: WrittenContext = {
    instruments: general.instruments,
    closedTrades: general.closedTrades,
    nowMs: Number.NaN,
    equity: Number.NaN,
    closed: () => true,
    bars: () => now + 1,
    open: (_k, back = 0) => past(seen.open, back),
    high: (_k, back = 0) => past(seen.high, back),
    low: (_k, back = 0) => past(seen.low, back),
    close: (_k, back = 0) => past(seen.close, back),
    volume: (_k, back = 0) => past(seen.volume, back),
    value(feature, _k, back = 0) {
      const at = now - back;
      return at < 0 ? Number.NaN : values[feature]![at]!;
    },
    position: () => position[0]!,
    indexOf: general.indexOf,
    averagePrice: general.averagePrice,
    mark: general.mark,
    barsHeld: general.barsHeld,
    cash: general.cash,
    openOrders: general.openOrders,
    submit: general.submit,
    cancel: general.cancel,
    isOpen: general.isOpen,
    tightenStops: general.tightenStops,
    cancelAll: general.cancelAll,
    target: general.target,
    unitsFor: general.unitsFor,
    newGroup: general.newGroup,
  };
  return (from, to) => {
    // Only orders that fill change these.
    let held = position[0]!;
    let funds = cash[0]!;
    const unit = unitValue[0]!;
    for (let t = from; t < to; t++) {
      now = t;
      bar[0] = t;
      state.nowMs = closeMs[t]!;
      if (state.openOrders > 0) {
        matchBars(state, group, 1);
        held = position[0]!;
        funds = cash[0]!;
      }
      const price = close[t]!;
      mark[0] = price;
      const worth = held * price * unit;
      const value = funds + worth;
      equity[t] = value;
      gross[t] = worth < 0 ? -worth : worth;
      net[t] = worth;
      state.instant = t + 1;
      context.nowMs = closeMs[t]!;
      context.equity = value;
      strategy.decide(context);
      // After the strategy, so that its orders go too.
      if ((watchesMargin || value <= 0) && state.openPositions > 0 && isUnderwater(state, value))
        liquidate(state);
    }
  };
}
