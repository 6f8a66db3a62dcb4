import {
  applyEvents,
  cashInBase,
  chargeDays,
  chargesDaily,
  equityOf,
  isUnderwater,
  notionalOf,
} from "./account.ts";
import { liquidate, matchBars } from "./book.ts";
import { createClock } from "./clock.ts";
import { createContext, createCursor, followClock } from "./context.ts";
import type { MarketInstrument, RateSeries } from "./market.ts";
import { createState } from "./state.ts";
import type { EngineSettings, EngineState } from "./state.ts";
import type { EngineStrategy, FeatureColumn } from "./strategy.ts";

const dayMs = 86_400_000;

export interface Engine {
  readonly state: EngineState;
  /** Distinct closes of all bars. */
  readonly instants: number;
  /** `[instants]` each: the time; equity in the base currency; the positions' notionals, long plus short; long less short. */
  readonly timeMs: Float64Array;
  readonly equity: Float64Array;
  readonly gross: Float64Array;
  readonly net: Float64Array;
  /** Goes on for at most so many instants; true once all are done. A run in pieces equals one run. */
  advance(instants: number): boolean;
}

/**
 * An event-driven run over the bars or trade prints of many instruments on one clock. At each close, in this order: splits, dividends and
 * funding due when the bar opened; orders that were active before it opened, against that bar; equity; then the strategy, whose
 * orders wait for a bar that opens at or after now + latency. Instruments are numbered by id, and of orders of one moment those that
 * lessen a position fill first: the order in which instruments are given changes nothing.
 */
export function createEngine(
  given: readonly MarketInstrument[],
  strategy: EngineStrategy,
  settings: EngineSettings,
  featureOf: (formula: string, instrument: MarketInstrument) => FeatureColumn,
): Engine {
  const state = createState(given, settings);
  const { instruments } = state;
  const clock = createClock(state);
  const { instants, group } = clock;
  const cursors = strategy.features.flatMap((formula) =>
    instruments.map((one, k) => createCursor(featureOf(formula, one), one.bars.closeMs, k)),
  );
  const ownClocks = cursors.filter((cursor) => cursor.instrument < 0);
  const follow = rateFollower(state, settings);
  const daily = chargesDaily(state);
  const watchesMargin = instruments.some((one) => one.maintenanceMargin > 0);
  const asks = decisionGate(settings.decisionsMs);
  const [timeMs, equity, gross, net] = [0, 1, 2, 3].map(() => new Float64Array(instants)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const context = createContext(state, cursors, equity);
  const one = () => 1;

  const step = (): void => {
    const t = state.instant;
    const count = clock.next();
    const now = state.nowMs;
    follow?.(now);
    for (let g = 0; g < count; g++) {
      const k = group[g]!;
      const openMs = instruments[k]!.bars.openMs[state.bar[k]!]!;
      if (openMs >= state.nextEventMs[k]!) applyEvents(state, k, openMs);
    }
    if (state.openOrders > 0) matchBars(state, group, count);
    for (let g = 0; g < count; g++) {
      const k = group[g]!;
      state.mark[k] = instruments[k]!.bars.close[state.bar[k]!]!;
    }
    if (daily && now >= (state.chargedDay + 1) * dayMs) chargeDays(state);
    const value = equityOf(state);
    timeMs[t] = now;
    equity[t] = value;
    if (state.openPositions > 0) {
      gross[t] = notionalOf(state, one);
      net[t] = value - cashInBase(state);
    }
    state.instant = t + 1;
    for (const cursor of ownClocks) followClock(cursor, now);
    if (asks === undefined || asks(now)) strategy.decide(context);
    // After the strategy, so that its orders go too.
    if (state.openPositions > 0 && (watchesMargin || value <= 0) && isUnderwater(state, value))
      liquidate(state);
  };

  return {
    state,
    instants,
    timeMs,
    equity,
    gross,
    net,
    advance(most) {
      const end = Math.min(instants, state.instant + most);
      while (state.instant < end) step();
      return state.instant === instants;
    },
  };
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
  };
}

/** True at the first instant at or after each decision time; undefined: at every instant. */
function decisionGate(decisionsMs: Float64Array | undefined): ((nowMs: number) => boolean) | undefined {
  if (decisionsMs === undefined) return undefined;
  let next = 0;
  return (nowMs) => {
    const before = next;
    while (next < decisionsMs.length && decisionsMs[next]! <= nowMs) next++;
    return next > before;
  };
}
