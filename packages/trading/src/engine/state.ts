import { emptyBar, sameTimes } from "./clock.ts";
import type { Activity, TradingCosts } from "./costs.ts";
import { activityOf } from "./costs.ts";
import { emptyPostings } from "./fills.ts";
import type { Postings } from "./fills.ts";
import type { MarketInstrument, RateSeries } from "./market.ts";
import type { BarNow } from "./match.ts";
import { emptyOrderLog } from "./orderLog.ts";
import type { OrderLog } from "./orderLog.ts";
import type { BookOrder, Rejection } from "./orders.ts";

export interface EngineSettings {
  readonly baseCurrency: string;
  readonly initialCash: number;
  readonly costs: TradingCosts;
  /** What happens first inside a bar that reaches a stop and a limit: pessimistic: the stop. Finer bars leave less to assume. */
  readonly innerPath: "pessimistic" | "optimistic";
  /** An order that the free cash does not pay for is dropped, or cut to what it pays. */
  readonly shortfall: "reject" | "reduce";
  /** By currency; the base needs none. */
  readonly rates: Readonly<Record<string, RateSeries>>;
  /** Bars, of those that the strategy sees, that each order of a decision waits besides; absent: none. */
  readonly delayBars?: number;
  /** The strategy is first asked at a close at or after it, and sees what closed before. Absent: at the first close. */
  readonly fromMs?: number;
}

/** A position from flat to flat. */
export interface ClosedTrade {
  readonly instrument: number;
  /** Most units held at once, signed as the position was. */
  readonly quantity: number;
  /** Units bought (or sold short) × price × multiplier. */
  readonly notional: number;
  /** In the instrument's currency: fees, dividends, funding and borrow fees in. */
  readonly profit: number;
}

/** Everything of a run, as typed columns by instrument `[k]`, currency `[c]` or instant `[t]`. Only the engine writes it. */
export interface EngineState {
  readonly instruments: readonly MarketInstrument[];
  readonly settings: EngineSettings;
  readonly currencies: readonly string[];
  readonly currencyOf: Int32Array;
  /** Base currency a unit, now. */
  readonly rate: Float64Array;
  /** Base currency for a unit and a point of price: multiplier × rate, now. */
  readonly unitValue: Float64Array;
  readonly cash: Float64Array;
  /** Signed. */
  readonly position: Float64Array;
  /** Mean price of what opened the position. */
  readonly averagePrice: Float64Array;
  /** Bar of the position's first fill, of those that the strategy sees. */
  readonly entryBar: Int32Array;
  /** Last price known: a close, or the open while orders fill at it. */
  readonly mark: Float64Array;
  /** Last closed bar; -1: none. */
  readonly bar: Int32Array;
  /** Last closed bar of those that the strategy sees; `bar` itself where all of them close with the bars. */
  readonly seen: Int32Array;
  /** That bar, where orders wait for it. */
  readonly now: readonly BarNow[];
  /** Volume taken of that bar. */
  readonly usedVolume: Float64Array;
  /** First finer bar not yet looked at. */
  readonly finerAt: Int32Array;
  /** Bars with orders inside and no finer bars that show their path. */
  readonly assumedBars: Int32Array;
  readonly activity: ReadonlyArray<Activity | undefined>;
  readonly nextEvent: Int32Array;
  readonly nextEventMs: Float64Array;
  readonly orders: BookOrder[][];
  /** Instruments whose orders are being matched, in turn. */
  readonly queue: Int32Array;
  readonly postings: Postings;
  readonly orderLog: OrderLog;
  /** Trades that are over, in the order of their ends. */
  readonly closedTrades: ClosedTrade[];
  /** Of the open position: most units, notional of its entries, and cash moved. */
  readonly tripUnits: Float64Array;
  readonly tripNotional: Float64Array;
  readonly tripCash: Float64Array;
  readonly rejected: Record<Rejection, number>;
  openOrders: number;
  openPositions: number;
  lastOrder: number;
  lastGroup: number;
  nowMs: number;
  /** Instants done. */
  instant: number;
  month: number;
  monthNotional: number;
  /** Day up to which interest and borrow fees are charged; -1: none yet. */
  chargedDay: number;
  /** No order is taken any more: equity was gone. */
  halted: boolean;
}

/** Do the bars that strategies see close when those do that orders meet? */
function closeTogether(instruments: readonly MarketInstrument[]): boolean {
  return instruments.every(
    ({ bars, signalBars }) => signalBars === undefined || sameTimes(signalBars.closeMs, bars.closeMs),
  );
}

/** Instruments in the order of their ids, so that the order in which they are given changes nothing. */
export function canonicalOrder(instruments: readonly MarketInstrument[]): MarketInstrument[] {
  const sorted = instruments.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  for (let k = 1; k < sorted.length; k++) {
    if (sorted[k]!.id === sorted[k - 1]!.id) throw new RangeError(`${sorted[k]!.id} is given twice`);
  }
  if (sorted.length === 0) throw new RangeError("a run needs an instrument");
  return sorted;
}

export function createState(given: readonly MarketInstrument[], settings: EngineSettings): EngineState {
  const instruments = canonicalOrder(given);
  const n = instruments.length;
  const currencies = [
    settings.baseCurrency,
    ...[...new Set(instruments.map((one) => one.currency))].filter((c) => c !== settings.baseCurrency).sort(),
  ];
  for (const currency of currencies.slice(1)) {
    if (settings.rates[currency] === undefined) {
      throw new RangeError(
        `There are no rates of ${currency} in ${settings.baseCurrency}; give them as rates.${currency}.`,
      );
    }
  }
  const cash = new Float64Array(currencies.length);
  cash[0] = settings.initialCash;
  const rate = new Float64Array(currencies.length).fill(Number.NaN);
  rate[0] = 1;
  const impact = settings.costs.slippage.kind === "squareRoot";
  const bar = new Int32Array(n).fill(-1);
  return {
    instruments,
    settings,
    currencies,
    currencyOf: Int32Array.from(instruments, (one) => currencies.indexOf(one.currency)),
    unitValue: Float64Array.from(instruments, (one) =>
      one.currency === settings.baseCurrency ? one.multiplier : 0,
    ),
    rate,
    cash,
    position: new Float64Array(n),
    averagePrice: new Float64Array(n),
    entryBar: new Int32Array(n).fill(-1),
    mark: new Float64Array(n),
    bar,
    seen: closeTogether(instruments) ? bar : new Int32Array(n).fill(-1),
    now: instruments.map(() => emptyBar()),
    usedVolume: new Float64Array(n),
    finerAt: new Int32Array(n),
    assumedBars: new Int32Array(n),
    activity: instruments.map((one) => (impact ? activityOf(one.bars) : undefined)),
    nextEvent: new Int32Array(n),
    nextEventMs: Float64Array.from(instruments, (one) => one.events[0]?.atMs ?? Infinity),
    orders: instruments.map(() => []),
    queue: new Int32Array(n),
    postings: emptyPostings(),
    orderLog: emptyOrderLog(),
    closedTrades: [],
    tripUnits: new Float64Array(n),
    tripNotional: new Float64Array(n),
    tripCash: new Float64Array(n),
    rejected: {
      cash: 0,
      lot: 0,
      minNotional: 0,
      price: 0,
      reduceOnly: 0,
      unfilled: 0,
      expired: 0,
      halted: 0,
    },
    openOrders: 0,
    openPositions: 0,
    lastOrder: 0,
    lastGroup: 0,
    nowMs: Number.NaN,
    instant: 0,
    month: -1,
    monthNotional: 0,
    chargedDay: -1,
    halted: false,
  };
}
