import { applyEvents, cashInBase, chargeDays, chargesDaily, isUnderwater } from "./account.ts";
import { closeDelisted, liquidate, matchBars } from "./book.ts";
import { createClock, createMoments } from "./clock.ts";
import { createContext } from "./context.ts";
import { createFeatures } from "./features.ts";
import type { MarketInstrument, RateSeries } from "./market.ts";
import { createSingleSteps, isSingle } from "./single.ts";
import { createState } from "./state.ts";
import type { EngineSettings, EngineState } from "./state.ts";
import type { EngineStrategy, FeatureColumn } from "./strategy.ts";

const dayMs = 86_400_000;

/** `[instants]` each: equity in the base currency; the positions' notionals, long plus short; long less short. */
export interface Curves {
  readonly equity: Float64Array;
  readonly gross: Float64Array;
  readonly net: Float64Array;
}

/** A run as far as it has come; plain data. */
export interface EngineRun extends Curves {
  readonly state: EngineState;
  /** Distinct closes of all bars that the strategy sees. */
  readonly instants: number;
  readonly timeMs: Float64Array;
}

export interface Engine extends EngineRun {
  /** Goes on for at most so many instants; true once all are done. A run in pieces equals one run. */
  advance(instants: number): boolean;
}

/**
 * An event-driven run over the bars or trade prints of many instruments on one clock. At each close, in this order: borrow fees and
 * interest of the days that began before the bar; splits, dividends and funding due when it opened; orders that were active before it
 * opened, against that bar; borrow fees and interest of a day that begins now; equity; then the strategy, whose orders wait for a bar
 * that opens at or after now + latency. Instruments are numbered by id, and of orders of one moment those that lessen a position fill
 * first, then those of the instrument with the oldest: neither names nor the order in which instruments are given change anything.
 * Where the strategy sees longer bars than orders meet (`signalBars`), all that closes by the end of one comes first, each bar or print
 * as above, and then the strategy; what is decided there meets no print of that millisecond.
 * `reuse`: the curves of a run of the same length that is over, to be written again.
 */
export function createEngine(
  given: readonly MarketInstrument[],
  asked: EngineStrategy,
  settings: EngineSettings,
  featureOf: (formula: string, instrument: MarketInstrument) => FeatureColumn,
  reuse?: Curves,
): Engine {
  const strategy = settings.fromMs === undefined ? asked : askedFrom(asked, settings.fromMs);
  const state = createState(given, settings);
  const { instruments, bar, seen, mark } = state;
  const clock = createClock(
    instruments.map((one) => (one.signalBars ?? one.bars).closeMs),
    seen,
  );
  const { timeMs } = clock;
  const instants = timeMs.length;
  const features = createFeatures(
    strategy.features.flatMap((formula) => instruments.map((one) => featureOf(formula, one))),
    instruments,
  );
  const follow = rateFollower(state, settings);
  const daily = chargesDaily(state);
  const watchesMargin = instruments.some((one) => one.maintenanceMargin > 0);
  const hasEvents = instruments.some((one) => one.events.length > 0);
  const delists = instruments.some((one) => one.delists === true);
  const closes = instruments.map((one) => one.bars.close);
  const { equity, gross, net } = curvesOf(instants, reuse);
  const context = createContext(state, features, equity);
  const { position, unitValue } = state;
  const n = instruments.length;

  /** One moment at which `count` instruments close a bar: all but the strategy. Returns the equity. */
  const pass = (t: number, now: number, group: Int32Array, count: number): number => {
    state.nowMs = now;
    follow?.(now);
    if (daily && state.chargedDay >= 0 && count > 0) chargeDaysBefore(state, group, count);
    if (hasEvents) applyDue(state, group, count);
    if (state.openOrders > 0) matchBars(state, group, count);
    for (let g = 0; g < count; g++) {
      const k = group[g]!;
      mark[k] = closes[k]![bar[k]!]!;
    }
    if (delists) closeDue(state, group, count);
    if (daily && now >= (state.chargedDay + 1) * dayMs) chargeDays(state, now);
    let long = 0;
    let size = 0;
    if (state.openPositions > 0) {
      for (let k = 0; k < n; k++) {
        const held = position[k]! * mark[k]! * unitValue[k]!;
        long += held;
        size += held < 0 ? -held : held;
      }
    }
    const value = cashInBase(state) + long;
    equity[t] = value;
    gross[t] = size;
    net[t] = long;
    return value;
  };

  const liquidateBelow = (value: number): void => {
    if (state.openPositions > 0 && (watchesMargin || value <= 0) && isUnderwater(state, value))
      liquidate(state);
  };

  const decide = (t: number, value: number): void => {
    state.instant = t + 1;
    features.follow(timeMs[t]!);
    context.nowMs = timeMs[t]!;
    context.equity = value;
    strategy.decide(context);
    // After the strategy, so that its orders go too.
    liquidateBelow(value);
  };

  const step = (t: number): void => {
    const count = clock.next();
    decide(t, pass(t, timeMs[t]!, clock.group, count));
  };

  /** The same where orders meet shorter bars, or prints, than the strategy sees. */
  const createStepThrough = (): ((t: number) => void) => {
    const moments = createMoments(
      instruments.map((one) => one.bars.closeMs),
      bar,
    );
    return (t) => {
      const now = timeMs[t]!;
      for (let count = moments.next(now); count > 0; count = moments.next(now)) {
        liquidateBelow(pass(t, moments.nowMs(), moments.group, count));
      }
      clock.next();
      decide(t, pass(t, now, moments.group, 0));
    };
  };
  const stepOnce = seen === bar ? step : createStepThrough();

  const stepAll = (from: number, to: number): void => {
    for (let t = from; t < to; t++) stepOnce(t);
  };
  const steps = isSingle(state, settings, features)
    ? createSingleSteps(state, strategy, context, features, { equity, gross, net })
    : stepAll;

  return {
    state,
    instants,
    timeMs,
    equity,
    gross,
    net,
    advance(most) {
      steps(state.instant, Math.min(instants, state.instant + most));
      return state.instant === instants;
    },
  };
}

function curvesOf(instants: number, reuse: Curves | undefined): Curves {
  if (reuse !== undefined) {
    if (reuse.equity.length !== instants) throw new RangeError("the curves are of a run of another length");
    return reuse;
  }
  const column = () => new Float64Array(instants);
  return { equity: column(), gross: column(), net: column() };
}

/** Closes what is held of instruments whose last bar has closed. */
function closeDue(state: EngineState, group: Int32Array, count: number): void {
  for (let g = 0; g < count; g++) {
    const k = group[g]!;
    const one = state.instruments[k]!;
    if (one.delists === true && state.bar[k]! + 1 === one.bars.closeMs.length) closeDelisted(state, k);
  }
}

/** The days that began before the bars of this instant opened are charged on what was held through them, not on what these bars fill. */
function chargeDaysBefore(state: EngineState, group: Int32Array, count: number): void {
  let openMs = Infinity;
  for (let g = 0; g < count; g++) {
    const k = group[g]!;
    openMs = Math.min(openMs, state.instruments[k]!.bars.openMs[state.bar[k]!]!);
  }
  if (openMs >= (state.chargedDay + 1) * dayMs) chargeDays(state, openMs);
}

/** Events due when the bars of this instant opened. */
function applyDue(state: EngineState, group: Int32Array, count: number): void {
  for (let g = 0; g < count; g++) {
    const k = group[g]!;
    const openMs = state.instruments[k]!.bars.openMs[state.bar[k]!]!;
    if (openMs >= state.nextEventMs[k]!) applyEvents(state, k, openMs);
  }
}

/** Sets the rates known at a time; undefined when there is one currency. */
function rateFollower(state: EngineState, settings: EngineSettings): ((nowMs: number) => void) | undefined {
  if (state.currencies.length === 1) return undefined;
  const series = state.currencies.map((currency): RateSeries | undefined => settings.rates[currency]);
  const at = new Int32Array(series.length).fill(-1);
  return (nowMs) => {
    for (let c = 1; c < series.length; c++) {
      const { closeMs, rate } = series[c]!;
      while (at[c]! + 1 < closeMs.length && closeMs[at[c]! + 1]! <= nowMs) at[c] = at[c]! + 1;
      if (at[c]! < 0) {
        throw new RangeError(
          `The rates of ${state.currencies[c]} begin after the first bar; give rates from ${new Date(nowMs).toISOString()} on.`,
        );
      }
      state.rate[c] = rate[at[c]!]!;
    }
    for (let k = 0; k < state.instruments.length; k++) {
      state.unitValue[k] = state.instruments[k]!.multiplier * state.rate[state.currencyOf[k]!]!;
    }
  };
}

/** A strategy that is not asked before a time. */
function askedFrom(strategy: EngineStrategy, fromMs: number): EngineStrategy {
  return {
    ...strategy,
    decide(context) {
      if (context.nowMs >= fromMs) strategy.decide(context);
    },
  };
}
