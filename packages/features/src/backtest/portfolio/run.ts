import { setImmediate } from "node:timers/promises";
import { AppError } from "@tapedeck/core";
import type { JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import {
  barsPerYear,
  computePerformance,
  createCashReconciliation,
  createEngine,
  createPortfolioStrategy,
  fillReasons,
  fillRows,
  postingKinds,
  roundTripsOf,
} from "@tapedeck/trading";
import type {
  Engine,
  EngineSettings,
  EngineStrategy,
  FillColumns,
  MarketInstrument,
  PostingKind,
  RateSeries,
  RoundTrip,
  SimulatedTrade,
} from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import type { SeriesDataset, SeriesReader } from "../../series/contract.ts";
import { downsample } from "../equity.ts";
import { readDataset, recordInput } from "../run.ts";
import type { portfolioBacktest, PortfolioBacktestPayload, PortfolioBacktestResult } from "./contract.ts";

export interface PortfolioDeps {
  series: SeriesReader;
}

type Context = JobContext<ProgressOf<typeof portfolioBacktest>, Tx>;

/** Instants between two looks at the abort signal. */
const chunkInstants = 512;
const chunkPostings = 4_096;
const curvePoints = 500;

const run: JobHandler<typeof portfolioBacktest, PortfolioDeps, Tx> = async (deps, payload, ctx) => {
  const { strategy, title } = strategyOf(payload);
  const { datasets, rates } = await loadAll(deps, payload, ctx);
  const base = payload.baseCurrency ?? datasets[0]!.instrument.currency;
  const settings = settingsOf(payload, base, rates);
  const instruments = datasets.map((dataset) => instrumentOf(dataset, payload));
  const engine = await simulate(instruments, strategy, settings, ctx);
  const benchmark = await simulate(instruments, holdAll(), settings, ctx);
  ctx.progress({ phase: "report", done: engine.instants, total: engine.instants });
  const { state } = engine;
  const trips = roundTripsOf(state);
  const exact = await reconcile(engine, ctx);
  const byId = new Map(datasets.map((dataset) => [dataset.instrument.instrumentId, dataset]));
  const perYear = Math.max(
    ...datasets.map((dataset) => barsPerYear(dataset.instrument.calendar, dataset.timeframe)),
  );
  const sums = postingSums(engine);
  return {
    instruments: state.instruments.map((one, k) => {
      const own = trips.filter((trip) => trip.instrument === k);
      return {
        instrumentId: one.id,
        currency: one.currency,
        datasetHash: byId.get(one.id)!.hash,
        bars: one.bars.close.length,
        roundTrips: own.length,
        profit: own.reduce((sum, trip) => sum + trip.profit, 0),
        position: state.position[k]!,
      };
    }),
    timeframe: payload.timeframe,
    baseCurrency: base,
    fromMs: Math.min(...instruments.map((one) => one.bars.openMs[0]!)),
    toMs: engine.timeMs[engine.instants - 1]!,
    instants: engine.instants,
    title,
    statistics: statisticsOf(engine, trips, perYear, payload),
    benchmark: statisticsOf(benchmark, roundTripsOf(benchmark.state), perYear, payload),
    roundTrips: trips.length,
    fillCount: [...fillRows(state.postings)].length,
    pathDependent: trips.filter((trip) => trip.pathDependent).length,
    liquidations: trips.filter((trip) => trip.liquidated).length,
    rejected: state.rejected,
    dividends: sums.dividend,
    borrowFees: -sums.borrow,
    interest: sums.interest,
    fillsHash: hashFills(engine),
    ledgerGap: exact.gap.toDecimalPlaces(18).toFixed(),
    ledgerBound: exact.bound,
    curve: downsample(engine.equity, curvePoints).map((i) => ({
      atMs: engine.timeMs[i]!,
      equity: engine.equity[i]!,
      gross: engine.gross[i]!,
      benchmark: benchmark.equity[i]!,
    })),
    assumptions: assumptionsOf(payload),
    warnings: warningsOf(engine, trips, exact.gap.toNumber()),
  } satisfies PortfolioBacktestResult;
};

async function resolveInputs(
  deps: PortfolioDeps,
  payload: PortfolioBacktestPayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const hashes: string[] = [];
  const facts: unknown[] = [];
  for (const ref of [...payload.instruments, ...Object.values(payload.rates)]) {
    const { hash, instrument } = await readDataset(deps, payload, scope, ref, payload.fromMs);
    hashes.push(hash);
    const { instrumentId, calendar, currency, lotSize, tickSize, minNotional } = instrument;
    facts.push({ instrumentId, calendar, currency, lotSize, tickSize, minNotional });
  }
  return { payload: { ...payload, facts }, hashes };
}

export const runPortfolioBacktest = Object.assign(run, { resolveInputs });

function strategyOf(payload: PortfolioBacktestPayload): { strategy: EngineStrategy; title: string } {
  const { name, params } = payload.strategy;
  try {
    return createPortfolioStrategy(name, params, payload.instruments.length);
  } catch (error) {
    if (error instanceof RangeError) throw new AppError("payload.invalid", error.message);
    throw error;
  }
}

/** The benchmark: equal weights at the first close, never touched again. */
function holdAll(): EngineStrategy {
  return createPortfolioStrategy("twapEntry", { slices: 1 }, 1).strategy;
}

async function loadAll(
  deps: PortfolioDeps,
  payload: PortfolioBacktestPayload,
  ctx: Context,
): Promise<{ datasets: SeriesDataset[]; rates: Record<string, RateSeries> }> {
  const total = payload.instruments.length + Object.keys(payload.rates).length;
  const datasets: SeriesDataset[] = [];
  const read = async (ref: string, fromMs: number | undefined) => {
    const dataset = await readDataset(deps, payload, ctx, ref, fromMs);
    recordInput(ctx, dataset);
    return dataset;
  };
  for (const ref of payload.instruments) {
    const dataset = await read(ref, payload.fromMs);
    if (dataset.length < 2) {
      throw new AppError(
        "data.missing",
        `${dataset.instrument.instrumentId} has ${dataset.length} bars here.`,
      );
    }
    datasets.push(dataset);
    ctx.progress({ phase: "data", done: datasets.length, total });
  }
  const rates: Record<string, RateSeries> = {};
  for (const [currency, ref] of Object.entries(payload.rates)) {
    const { columns } = await read(ref, undefined);
    rates[currency] = { closeMs: columns.closeMs, rate: columns.close };
  }
  return { datasets, rates };
}

function instrumentOf(dataset: SeriesDataset, payload: PortfolioBacktestPayload): MarketInstrument {
  const { instrumentId, currency, lotSize, tickSize, minNotional } = dataset.instrument;
  return {
    id: instrumentId,
    currency,
    bars: dataset.columns,
    lotSize: Number(lotSize ?? "0"),
    // Adjusted prices are on no tick.
    tickSize: payload.adjustment === "raw" ? Number(tickSize ?? "0") : 0,
    minNotional: Number(minNotional ?? "0"),
    multiplier: 1,
    initialMargin: payload.initialMargin,
    maintenanceMargin: payload.maintenanceMargin,
    borrowRate: payload.costs.borrowRate,
    events: [],
  };
}

function settingsOf(
  payload: PortfolioBacktestPayload,
  baseCurrency: string,
  rates: Record<string, RateSeries>,
): EngineSettings {
  const initialCash = Number(payload.initialCash);
  if (!(initialCash > 0)) throw new AppError("payload.invalid", "initialCash must be above zero.");
  const { costs } = payload;
  const share = (bps: number) => bps / 10_000;
  return {
    baseCurrency,
    initialCash,
    innerPath: payload.innerPath,
    shortfall: payload.shortfall,
    rates,
    costs: {
      fees: {
        makerRate: share(costs.makerBps),
        takerRate: share(costs.takerBps),
        perUnit: costs.feePerUnit,
        minimum: costs.minFee,
        tiers: costs.tiers.map((tier) => ({
          fromNotional: tier.fromNotional,
          makerRate: share(tier.makerBps),
          takerRate: share(tier.takerBps),
        })),
      },
      spreadRate: share(costs.spreadBps),
      slippage:
        costs.slippage.kind === "fixed"
          ? { kind: "fixed", rate: share(costs.slippage.bps), perUnit: 0 }
          : costs.slippage,
      latencyMs: costs.latencyMs,
      volumeShare: costs.volumeShare,
      conversionRate: share(costs.conversionBps),
      cashRate: costs.cashRate,
      debitRate: costs.debitRate,
    },
  };
}

/** Throws AppError `payload.invalid` for what the engine refuses, with the close at which it happened. */
async function simulate(
  instruments: readonly MarketInstrument[],
  strategy: EngineStrategy,
  settings: EngineSettings,
  ctx: Context,
): Promise<Engine> {
  try {
    const engine = createEngine(instruments, strategy, settings, (formula) => {
      throw new RangeError(`a portfolio strategy has no formula, got ${formula}`);
    });
    while (!engine.advance(chunkInstants)) {
      ctx.progress({ phase: "simulation", done: engine.state.instant, total: engine.instants });
      await setImmediate();
      ctx.signal.throwIfAborted();
    }
    return engine;
  } catch (error) {
    if (error instanceof RangeError)
      throw new AppError("payload.invalid", `${strategy.name}: ${error.message}`);
    throw error;
  }
}

async function reconcile(engine: Engine, ctx: Context) {
  const exact = createCashReconciliation(engine.state);
  const { count } = engine.state.postings;
  for (let from = 0; from < count; from += chunkPostings) {
    exact.advance(from, Math.min(count, from + chunkPostings));
    await setImmediate();
    ctx.signal.throwIfAborted();
  }
  return exact.result();
}

/** The statistics of one equity curve; trades are round trips, and notionals, fees and slippage in the base currency. */
function statisticsOf(
  engine: Engine,
  trips: readonly RoundTrip[],
  perYear: number,
  payload: PortfolioBacktestPayload,
) {
  return computePerformance({
    equity: engine.equity,
    position: engine.gross,
    closeMs: engine.timeMs,
    initialCash: Number(payload.initialCash),
    trades: trips.map((trip) => tradeOf(engine, trip)),
    fills: fillsInBase(engine),
    barsPerYear: perYear,
    riskFreeRate: payload.riskFreeRate,
  });
}

function tradeOf(engine: Engine, trip: RoundTrip): SimulatedTrade {
  const rate = engine.state.rate[engine.state.currencyOf[trip.instrument]!]!;
  const instantOf = (ms: number) => lowerBound(engine.timeMs, ms);
  return {
    side: trip.side,
    quantity: trip.quantity,
    entryBar: instantOf(trip.entryMs),
    entryPrice: trip.entryPrice,
    exitBar: trip.exitBar < 0 ? -1 : instantOf(trip.exitMs),
    exitPrice: trip.exitPrice,
    exitReason: trip.exitBar < 0 ? null : "signal",
    fees: trip.fees * rate,
    profit: trip.profit * rate,
  };
}

/** First index whose value is at least `value`; the column ascends. */
function lowerBound(column: Float64Array, value: number): number {
  let low = 0;
  let high = column.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (column[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fillsInBase(engine: Engine): FillColumns {
  const { postings } = engine.state;
  const rows = [...fillRows(postings)];
  const column = (value: (row: number) => number) => Float64Array.from(rows, value);
  return {
    count: rows.length,
    bar: Int32Array.from(rows, (row) => postings.bar[row]!),
    quantity: column((row) => postings.quantity[row]!),
    price: column((row) => postings.price[row]! * postings.rate[row]!),
    fee: column((row) => postings.fee[row]! * postings.rate[row]!),
    slippage: column((row) => postings.slippage[row]! * postings.rate[row]!),
    cash: column((row) => postings.cash[row]!),
    reason: new Uint8Array(rows.length).fill(fillReasons.indexOf("signal")),
  };
}

/** Sums of the postings that are no fills, in the base currency at the rates of their time. */
function postingSums(engine: Engine): Record<PostingKind, number> {
  const { postings } = engine.state;
  const sums = Object.fromEntries(postingKinds.map((kind) => [kind, 0])) as Record<PostingKind, number>;
  for (let row = 0; row < postings.count; row++) {
    sums[postingKinds[postings.kind[row]!]!] +=
      postings.quantity[row]! * postings.price[row]! * postings.rate[row]!;
  }
  return sums;
}

/** sha256 over one line a fill: instrument, bar's open time, signed quantity, price and fee. */
function hashFills(engine: Engine): string {
  const { postings, instruments } = engine.state;
  const lines = [...fillRows(postings)].map((row) => {
    const one = instruments[postings.instrument[row]!]!;
    const openMs = one.bars.openMs[postings.bar[row]!];
    return `${one.id} ${openMs} ${postings.quantity[row]} ${postings.price[row]} ${postings.fee[row]}`;
  });
  return sha256(lines.join("\n"));
}

function assumptionsOf(payload: PortfolioBacktestPayload): string[] {
  return [
    "Decided at a close, filled from the next bar that opens after the decision and its latency; nothing is filled after the last bar.",
    "Orders of one moment that lessen a position fill before the others: the order of the instruments changes nothing.",
    `Inside a bar that reaches a stop and a limit the ${payload.innerPath} one comes first; the result counts the round trips that depend on it.`,
    `An order that the cash does not pay for is ${payload.shortfall === "reduce" ? "cut to what it pays for" : "dropped"}.`,
    `Prices are ${payload.adjustment === "raw" ? "as traded; splits and dividends are not applied" : payload.adjustment === "split" ? "adjusted for splits, not for dividends" : "adjusted for splits and dividends"}.`,
    "The benchmark buys equal parts of everything at its first open with the same costs, and holds.",
  ];
}

function warningsOf(engine: Engine, trips: readonly RoundTrip[], gap: number): string[] {
  const warnings: string[] = [];
  const refused = Object.entries(engine.state.rejected).filter(([, count]) => count > 0);
  if (trips.length === 0) {
    warnings.push(
      refused.length === 0
        ? "The strategy never placed an order: its window may be longer than the data."
        : "No order was filled.",
    );
  }
  if (refused.length > 0) {
    warnings.push(
      `Orders that were not made: ${refused.map(([why, count]) => `${count} for ${why}`).join(", ")}.`,
    );
  }
  if (trips.some((trip) => trip.liquidated)) {
    warnings.push("Equity fell below what the positions need: they were closed at the next open.");
  }
  if (gap > 0.005) warnings.push(`Floats and the exact ledger differ by ${gap}.`);
  return warnings;
}
