import type { MarketInstrument } from "./market.ts";
import type { OrderRequest } from "./orders.ts";

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
  readonly instruments: readonly MarketInstrument[];
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
  /** Value of the strategy's `feature`-th formula; NaN before the first. */
  value(feature: number, k?: number, back?: number): number;
  /** Signed. */
  position(k?: number): number;
  averagePrice(k?: number): number;
  /** Bars since the position was opened, 0 on its first; -1 when flat. */
  barsHeld(k?: number): number;
  /** Cash of all currencies in the base. */
  cash(): number;
  /** Orders of the instrument in the book. */
  openOrders(k?: number): number;
  /** Takes an order, which trades from the next tradable event on; returns its id, 0 once nothing is traded any more. */
  submit(order: OrderRequest): number;
  cancel(id: number): boolean;
  cancelAll(k?: number): void;
  /** A market order for the difference to a signed quantity, beyond what is waiting in the book; none when it rounds to nothing. */
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
