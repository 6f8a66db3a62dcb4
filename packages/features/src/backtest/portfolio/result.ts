import {
  barsPerYear,
  computePerformance,
  fillReasons,
  fillRows,
  postingKinds,
  roundTripsOf,
} from "@tapedeck/trading";
import type { EngineRun, FillColumns, PostingKind, RoundTrip, SimulatedTrade } from "@tapedeck/trading";
import { sha256 } from "@tapedeck/core/hash";
import { lowerBound } from "../columns.ts";
import type { BacktestTrade, ConditionReport, Statistics } from "../contract.ts";
import { fillMs } from "../fills.ts";
import type { FillTable } from "../fills.ts";
import { tradeOfTrip } from "../outcome.ts";
import type { ReportedRun } from "../report/figures/run.ts";
import type { HeldRun } from "../run.ts";
import type { PortfolioBacktestPayload } from "./contract.ts";
import type { Listing } from "./market.ts";
import type { PortfolioMarket, PortfolioPlan } from "./strategy.ts";

/** Instants that a run did; the columns of one that was stopped are longer. */
export const doneOf = (column: Float64Array, { state }: EngineRun) => column.subarray(0, state.instant);

/** Of the instrument with the most bars a year. */
export function perYearOf(listings: readonly Listing[]): number {
  return Math.max(
    ...listings.map(({ dataset }) => barsPerYear(dataset.instrument.calendar, dataset.timeframe)),
  );
}

/** The statistics of one equity curve; trades are round trips, and notionals, fees and slippage in the base currency. */
export function statisticsOf(
  run: EngineRun,
  trips: readonly RoundTrip[],
  perYear: number,
  payload: Pick<PortfolioBacktestPayload, "initialCash" | "riskFreeRate">,
): Statistics {
  return computePerformance({
    ...curveOfPortfolio(run, trips),
    closeMs: doneOf(run.timeMs, run),
    initialCash: Number(payload.initialCash),
    barsPerYear: perYear,
    riskFreeRate: payload.riskFreeRate,
  });
}

/** The notional of all positions for the units held; money in the base currency. */
export function curveOfPortfolio(run: EngineRun, trips: readonly RoundTrip[]): HeldRun {
  return {
    equity: doneOf(run.equity, run),
    position: doneOf(run.gross, run),
    trades: trips.map((trip) => tradeInBase(run, trip)),
    fills: fillsInBase(run),
  };
}

/** The same with trades and fills as they are listed. */
export function reportedPortfolio(run: EngineRun): ReportedRun {
  const trips = roundTripsOf(run.state);
  return {
    ...curveOfPortfolio(run, trips),
    rows: tradeRows(run, trips),
    volumeShares: fillTableOf(run, fillReasons).volumeShare,
  };
}

/** Bars are instants of the run; money at the last rate. */
function tradeInBase(run: EngineRun, trip: RoundTrip): SimulatedTrade {
  const rate = run.state.rate[run.state.currencyOf[trip.instrument]!]!;
  const instantOf = (ms: number) => lowerBound(run.timeMs, ms);
  return {
    ...tradeOfTrip(trip),
    entryBar: instantOf(trip.entryMs),
    exitBar: trip.exitBar < 0 ? -1 : instantOf(trip.exitMs),
    fees: trip.fees * rate,
    profit: trip.profit * rate,
  };
}

/** Bars are instants of the run; a price is that of a contract. */
function fillsInBase({ state: { postings, instruments }, timeMs }: EngineRun): FillColumns {
  const instrumentOf = (row: number) => instruments[postings.instrument[row]!]!;
  const closeOf = (row: number) => instrumentOf(row).bars.closeMs[postings.bar[row]!]!;
  const rows = [...fillRows(postings)];
  const column = (value: (row: number) => number) => Float64Array.from(rows, value);
  return {
    count: rows.length,
    bar: Int32Array.from(rows, (row) => lowerBound(timeMs, closeOf(row))),
    quantity: column((row) => postings.quantity[row]!),
    price: column((row) => postings.price[row]! * instrumentOf(row).multiplier * postings.rate[row]!),
    fee: column((row) => postings.fee[row]! * postings.rate[row]!),
    slippage: column((row) => postings.slippage[row]! * postings.rate[row]!),
    cash: column((row) => postings.cash[row]!),
    reason: Uint8Array.from(rows, (row) => postings.reason[row]!),
  };
}

/** Trades as they are listed, in the currency of each instrument. */
export function tradeRows({ state }: EngineRun, trips: readonly RoundTrip[]): BacktestTrade[] {
  return trips.map((trip, k) => {
    const { id, bars, signalBars = bars, multiplier } = state.instruments[trip.instrument]!;
    const open = trip.exitBar < 0;
    const seenAt = (bar: number) => lowerBound(signalBars.closeMs, bars.closeMs[bar]!);
    const lastBar = open ? state.bar[trip.instrument]! : trip.exitBar;
    return {
      number: k + 1,
      instrumentId: id,
      side: trip.side,
      quantity: trip.quantity,
      entryMs: bars.openMs[trip.entryBar]!,
      entryPrice: trip.entryPrice,
      exitMs: open ? null : fillMs(trip.exitReason, trip.exitBar, bars),
      exitPrice: open ? null : trip.exitPrice,
      exitReason: trip.exitReason,
      barsHeld: seenAt(lastBar) - seenAt(trip.entryBar),
      fees: trip.fees,
      profit: trip.profit,
      profitReturn: trip.profit / (trip.quantity * trip.entryPrice * multiplier),
    };
  });
}

/** Fills as they are listed, in the currency of each instrument. */
export function fillTableOf(
  { state: { postings, instruments } }: EngineRun,
  reasons: readonly string[],
): FillTable {
  const rows = [...fillRows(postings)];
  const column = (value: (row: number) => number) => Float64Array.from(rows, value);
  const barsOf = (row: number) => instruments[postings.instrument[row]!]!.bars;
  return {
    atMs: column((row) => fillMs(reasons[postings.reason[row]!]!, postings.bar[row]!, barsOf(row))),
    quantity: column((row) => postings.quantity[row]!),
    price: column((row) => postings.price[row]!),
    fee: column((row) => postings.fee[row]!),
    slippage: column((row) => postings.slippage[row]!),
    volumeShare: column((row) => {
      const volume = barsOf(row).volume[postings.bar[row]!]!;
      return volume > 0 ? Math.abs(postings.quantity[row]!) / volume : Number.NaN;
    }),
    reason: column((row) => postings.reason[row]!),
    instrument: column((row) => postings.instrument[row]!),
  };
}

/** Sums of the postings that are no fills, in the base currency at the rates of their time. */
export function postingSums({ state: { postings } }: EngineRun): Record<PostingKind, number> {
  const sums = Object.fromEntries(postingKinds.map((kind) => [kind, 0])) as Record<PostingKind, number>;
  for (let row = 0; row < postings.count; row++) {
    sums[postingKinds[postings.kind[row]!]!] +=
      postings.quantity[row]! * postings.price[row]! * postings.rate[row]!;
  }
  return sums;
}

/** sha256 over one line a fill: instrument, bar's open time, signed quantity, price and fee. */
export function hashFills({ state: { postings, instruments } }: EngineRun): string {
  const lines = [...fillRows(postings)].map((row) => {
    const one = instruments[postings.instrument[row]!]!;
    const openMs = one.bars.openMs[postings.bar[row]!];
    return `${one.id} ${openMs} ${postings.quantity[row]} ${postings.price[row]} ${postings.fee[row]}`;
  });
  return sha256(lines.join("\n"));
}

/** How often each condition of rules was true, over all instruments. */
export function conditionReports(plan: PortfolioPlan, market: PortfolioMarket): ConditionReport[] {
  return Object.entries(plan.conditions).map(([name, formula]) => {
    let trueBars = 0;
    let first = Infinity;
    for (const { closeMs, values } of market.columns[formula]!) {
      for (let i = 0; i < values.length; i++) {
        if (values[i] !== 1) continue;
        trueBars++;
        first = Math.min(first, closeMs[i]!);
      }
    }
    return { name, formula, trueBars, firstTrueMs: first === Infinity ? null : first };
  });
}
