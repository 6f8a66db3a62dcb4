import { setImmediate } from "node:timers/promises";
import type { Decimal } from "@tapedeck/core";
import {
  createCashReconciliation,
  createReconciliation,
  decidedOrders,
  fillRows,
  positionColumn,
  postingKinds,
  roundTripsOf,
  tradesOf,
} from "@tapedeck/trading";
import type {
  DecisionTrace,
  EngineRun,
  FillColumns,
  PriceColumns,
  RoundTrip,
  SimulatedTrade,
  Simulation,
  SimulationSettings,
} from "@tapedeck/trading";
import type { Dropped } from "./domain.ts";
import type { ModuleFailure } from "./modules/contract.ts";
import { orderTable } from "./orders.ts";
import type { OrderTable } from "./orders.ts";

/** A finished run of one instrument, whichever engine made it. Columns are `[bars]`. */
export interface RunOutcome {
  /** Fewer than the data's where a module was stopped. */
  bars: number;
  equity: Float64Array;
  fills: FillColumns;
  trades: SimulatedTrade[];
  dropped: Dropped;
  /** Trades whose result depends on the assumed path inside a bar. */
  pathDependent: number;
  assumedBars: number;
  /** Null: the simulator has no book. */
  orders: OrderTable | null;
  /** Orders that decisions placed; none of the simulator. */
  decided: DecisionTrace;
  failure: ModuleFailure | null;
  /** Signed quantity at each bar's close, `[bars]`. */
  positions(): Float64Array;
  /** Largest gap between the cash in floats and in exact decimals. */
  reconcile(signal: AbortSignal): Promise<Decimal>;
}

/** Fills between two looks at the abort signal: the exact ledger is a thousand times slower than a run. */
const chunkFills = 4_096;

export function outcomeOfSimulation(simulation: Simulation): RunOutcome {
  const { equity, fills, dropped, prices, settings } = simulation;
  const trades = tradesOf(fills, prices.close[equity.length - 1]!);
  return {
    bars: equity.length,
    equity,
    fills,
    trades,
    dropped,
    pathDependent: trades.filter((trade) => dependsOnPath(trade, prices, settings)).length,
    assumedBars: 0,
    orders: null,
    decided: { timeMs: [], what: [] },
    failure: null,
    positions: () => positionColumn(fills, equity.length),
    async reconcile(signal) {
      const exact = createReconciliation(fills, settings);
      await inChunks(fills.count, signal, (from, to) => exact.advance(from, to));
      return exact.result().gap;
    },
  };
}

/** It left by a stop in a bar that traded through the target as well: on the other path it would have won. */
function dependsOnPath(trade: SimulatedTrade, prices: PriceColumns, settings: SimulationSettings): boolean {
  if (trade.exitReason !== "stop" && trade.exitReason !== "trailingStop") return false;
  if (settings.takeProfit <= 0) return false;
  const sign = trade.side === "long" ? 1 : -1;
  const target = trade.entryPrice * (1 + sign * settings.takeProfit);
  const best = (sign > 0 ? prices.high : prices.low)[trade.exitBar]!;
  return sign * (best - target) > 0;
}

export async function inChunks(
  count: number,
  signal: AbortSignal,
  take: (from: number, to: number) => void,
): Promise<void> {
  for (let from = 0; from < count; from += chunkFills) {
    take(from, Math.min(count, from + chunkFills));
    await setImmediate();
    signal.throwIfAborted();
  }
}

/** Of a run of the engine with one instrument, in its currency. */
export function outcomeOfEngine(run: EngineRun, failure: ModuleFailure | null): RunOutcome {
  const { state } = run;
  const trips = roundTripsOf(state);
  const { cash, lot, minNotional, price } = state.rejected;
  return {
    bars: state.instant,
    equity: run.equity.subarray(0, state.instant),
    fills: fillColumnsOf(run),
    trades: trips.map(tradeOfTrip),
    dropped: { cash, lot, minNotional, price },
    pathDependent: trips.filter((trip) => trip.pathDependent).length,
    assumedBars: state.assumedBars[0]!,
    orders: orderTable(state.orderLog),
    decided: decidedOrders(state),
    failure,
    positions: () => positionsOf(run),
    async reconcile(signal) {
      const exact = createCashReconciliation(state);
      await inChunks(state.postings.count, signal, (from, to) => exact.advance(from, to));
      return exact.result().gap;
    },
  };
}

/** The run from one of its bars on, which becomes the first; before it nothing was traded. */
export function outcomeFrom(outcome: RunOutcome, from: number): RunOutcome {
  if (from === 0) return outcome;
  return {
    ...outcome,
    ...countedFrom(outcome, from),
    bars: outcome.bars - from,
    positions: () => outcome.positions().subarray(from),
  };
}

/** Equity from a bar on, and the bars of fills and trades counted from it. */
export function countedFrom({ equity, fills, trades }: Traded, from: number): Traded {
  return {
    equity: equity.subarray(from),
    fills: { ...fills, bar: fills.bar.map((bar) => bar - from) },
    trades: trades.map((trade) => ({
      ...trade,
      entryBar: trade.entryBar - from,
      exitBar: trade.exitBar < 0 ? trade.exitBar : trade.exitBar - from,
    })),
  };
}

type Traded = Pick<RunOutcome, "equity" | "fills" | "trades">;

/** By fills, and by the splits that change the units held. */
function positionsOf({ state: { postings, instant } }: EngineRun): Float64Array {
  const column = new Float64Array(instant);
  let held = 0;
  let from = 0;
  for (let row = 0; row < postings.count; row++) {
    const kind = postingKinds[postings.kind[row]!]!;
    if (kind !== "fill" && kind !== "split") continue;
    const bar = postings.bar[row]!;
    column.fill(held, from, bar);
    from = bar;
    const sum = held + postings.quantity[row]!;
    // What rounding leaves of a position that is closed is nothing.
    held = Math.abs(sum) < 1e-12 * Math.abs(held) ? 0 : sum;
  }
  return column.fill(held, from);
}

export function tradeOfTrip(trip: RoundTrip): SimulatedTrade {
  const { side, quantity, entryBar, entryPrice, exitBar, exitPrice, exitReason, fees, profit } = trip;
  return { side, quantity, entryBar, entryPrice, exitBar, exitPrice, exitReason, fees, profit };
}

function fillColumnsOf({ state: { postings } }: EngineRun): FillColumns {
  const rows = [...fillRows(postings)];
  const column = (from: Float64Array) => Float64Array.from(rows, (row) => from[row]!);
  return {
    count: rows.length,
    bar: Int32Array.from(rows, (row) => postings.bar[row]!),
    quantity: column(postings.quantity),
    price: column(postings.price),
    fee: column(postings.fee),
    slippage: column(postings.slippage),
    cash: column(postings.cash),
    reason: Uint8Array.from(rows, (row) => postings.reason[row]!),
  };
}
