import type { StrategyParam } from "../strategies.ts";
import type { MarketInstrument } from "./market.ts";
import type { OrderRequest } from "./orders.ts";
import type { ClosedTrade } from "./state.ts";

/** What a strategy may know of an instrument besides the bars that have closed. */
export type StrategyInstrument = Omit<MarketInstrument, "bars" | "signalBars" | "finerBars" | "events">;

/** A formula's column for one instrument: `values[j]` is known from `closeMs[j]` on. */
export interface FeatureColumn {
  readonly closeMs: Float64Array;
  readonly values: Float64Array | Uint8Array;
}

/**
 * What a strategy sees at a close: only bars that have closed. `k` is an instrument's index in `instruments` (default 0), `back` counts
 * bars into the past. One object serves the whole run.
 */
export interface StrategyContext {
  readonly instruments: readonly StrategyInstrument[];
  /** The close at which it is asked, ms UTC. */
  readonly nowMs: number;
  /** Equity in the base currency at the last prices. */
  readonly equity: number;
  /** Index of an instrument; throws RangeError on an unknown id. */
  indexOf(id: string): number;
  /** Did the instrument close a bar at this very instant? */
  closed(k?: number): boolean;
  /** Bars that the instrument has closed. */
  bars(k?: number): number;
  open(k?: number, back?: number): number;
  high(k?: number, back?: number): number;
  low(k?: number, back?: number): number;
  close(k?: number, back?: number): number;
  volume(k?: number, back?: number): number;
  /** Value of the strategy's formula of this place in `features`, its handle; NaN before the first. */
  value(feature: number, k?: number, back?: number): number;
  /** Signed. */
  position(k?: number): number;
  averagePrice(k?: number): number;
  /** Last price as traded, which orders and `averagePrice` are in; it is the close unless signals are adjusted. */
  mark(k?: number): number;
  /** Trades that are over, in the order of their ends. */
  readonly closedTrades: readonly ClosedTrade[];
  /** Bars since the position was opened, 0 on its first; -1 when flat. */
  barsHeld(k?: number): number;
  /** Cash of all currencies in the base. */
  cash(): number;
  /** Orders of the instrument in the book. */
  openOrders(k?: number): number;
  /** Takes an order, which trades from the next tradable event on; returns its id, 0 once nothing is traded any more. */
  submit(order: OrderRequest): number;
  cancel(id: number): boolean;
  /** Is the order still in the book? */
  isOpen(id: number): boolean;
  cancelAll(k?: number): void;
  /** Takes the stops that protect the position to `price` where they would give up later; places one where there is none. */
  tightenStops(price: number, k?: number): void;
  /**
   * A market order for the difference to a signed quantity, beyond what is waiting in the book; none when it rounds to nothing. Throws
   * RangeError while an order by cash waits.
   */
  target(quantity: number, k?: number): void;
  /** Signed units that are `weight` of the equity at the last close, in the instrument's currency; not rounded. */
  unitsFor(weight: number, k?: number): number;
  /** A number for one-cancels-the-other orders of this strategy. */
  newGroup(): number;
}

/** The same object runs in backtest, walk-forward, paper and live. */
export interface EngineStrategy {
  readonly name: string;
  /** Formulas that `value` reads, computed for every instrument. */
  readonly features: readonly string[];
  decide(context: StrategyContext): void;
}

/** What a file in `strategies/` exports as its default; its file name is the strategy's name. */
export interface StrategyModule {
  readonly title: string;
  readonly meaning: string;
  /** Numbers only: `min` and `max` are required, and what is given is checked against them. */
  readonly params: readonly StrategyParam[];
  /** Fewest and most instruments. */
  readonly instruments: readonly [number, number];
  create(params: Readonly<Record<string, number>>): EngineStrategy;
}

/** Types a strategy module. */
export function defineStrategy(module: StrategyModule): StrategyModule {
  return module;
}
