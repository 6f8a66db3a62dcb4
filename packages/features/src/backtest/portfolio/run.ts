import { AppError } from "@tapedeck/core";
import type { BlobStore, JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import { createCashReconciliation, fillReasons, fillRows, roundTripsOf } from "@tapedeck/trading";
import type { CashReconciliation, EngineRun, EngineStrategy } from "@tapedeck/trading";
import type { Tx } from "../../db.ts";
import type { EvidenceStore } from "../../evidence/contract.ts";
import type { FormulaLibrary } from "../../indicators/contract.ts";
import type { SeriesReader } from "../../series/contract.ts";
import { eventsOf } from "../actions.ts";
import { downsample, saveEquity } from "../equity.ts";
import { citeFigures, rowsOf } from "../evidence.ts";
import { saveFills } from "../fills.ts";
import { datasetsHash, labelOf } from "../instruments.ts";
import type { ModuleFailure, StrategyModules } from "../modules/contract.ts";
import { orderTable, saveOrders } from "../orders.ts";
import { inChunks } from "../outcome.ts";
import { citeReport } from "../report/cite.ts";
import { computeReport } from "../report/figures/compute.ts";
import { expandRules, recordModule } from "../run.ts";
import { saveRun } from "../store.ts";
import { innerPathReport } from "../words.ts";
import type { portfolioBacktest, PortfolioBacktestPayload, PortfolioBacktestResult } from "./contract.ts";
import { formulaDataOf, loadForJob, loadListings, marketOf, requireBars } from "./market.ts";
import type { Listing, Listings } from "./market.ts";
import {
  conditionReports,
  doneOf,
  fillTableOf,
  hashFills,
  perYearOf,
  postingSums,
  statisticsOf,
  tradeRows,
} from "./result.ts";
import { openPortfolio, runInProcess } from "./strategy.ts";
import type { PortfolioMarket, PortfolioPlan } from "./strategy.ts";
import { assumptionsOf, warningsOf, whyIdle } from "./words.ts";

export interface PortfolioDeps {
  series: SeriesReader;
  evidence: EvidenceStore;
  blobs: BlobStore;
  formulas: FormulaLibrary;
  strategies: StrategyModules;
}

type Context = JobContext<ProgressOf<typeof portfolioBacktest>, Tx>;

const curvePoints = 500;

const run: JobHandler<typeof portfolioBacktest, PortfolioDeps, Tx> = async (deps, asked, ctx) => {
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const plan = await openPortfolio(deps, payload);
  try {
    return await runPlan(deps, payload, ctx, plan);
  } finally {
    await plan.close();
  }
};

/** A finished run and what it was made of. */
interface Finished extends Pick<Listings, "listings" | "others"> {
  plan: PortfolioPlan;
  market: PortfolioMarket;
  engine: EngineRun;
  benchmark: EngineRun;
  exact: CashReconciliation;
  failure: ModuleFailure | null;
}

/** A run that a module's failure ended is stored as far as it came, before the job fails. */
async function runPlan(
  deps: PortfolioDeps,
  payload: PortfolioBacktestPayload,
  ctx: Context,
  plan: PortfolioPlan,
): Promise<PortfolioBacktestResult> {
  const loaded = await loadForJob(deps, payload, plan, ctx, (done, total) =>
    ctx.progress({ phase: "data", done, total }),
  );
  if (plan.module !== null) recordModule(ctx, plan.module);
  requireBars(plan, loaded);
  const market = marketOf(payload, plan, loaded);
  const { run: engine, failure } = await plan.run(market, {
    signal: ctx.signal,
    seed: ctx.seed,
    onProgress: (done, total) => ctx.progress({ phase: "simulation", done, total }),
  });
  if (failure !== null && engine.state.instant < 2) throw new AppError("strategy.failed", failure.message);
  ctx.progress({ phase: "report", done: engine.state.instant, total: engine.instants });
  const benchmark = await runBenchmark(market, ctx);
  const exact = createCashReconciliation(engine.state);
  await inChunks(engine.state.postings.count, ctx.signal, (from, to) => exact.advance(from, to));
  const finished: Finished = {
    plan,
    ...loaded,
    market,
    engine,
    benchmark,
    failure,
    exact: exact.result(),
  };
  const result = resultOf(ctx.jobId, payload, finished);
  const rows = loaded.listings.map(({ dataset }) => rowsOf(dataset));
  Object.assign(result, await citeFigures(deps.evidence, ctx, "portfolioBacktest", rows, result));
  await storeRun(deps, payload, ctx, finished, result);
  if (failure === null) return result;
  throw new AppError("strategy.failed", `${failure.message} What it had done is kept as run ${ctx.jobId}.`, {
    details: { runId: ctx.jobId, atMs: failure.atMs, module: plan.module?.name },
  });
}

/** Everything bought and held on a market. */
export function runBenchmark(
  market: PortfolioMarket,
  options: Pick<JobContext, "signal">,
): Promise<EngineRun> {
  const paid = { ...market, settings: { ...market.settings, shortfall: "reduce" as const } };
  return runInProcess(paid, holdAll(), options);
}

/**
 * The benchmark: at the first close of each instrument an equal part of the cash that is left, fees inside, never touched again. What
 * conversion costs beyond that is cut from the purchase.
 */
function holdAll(): EngineStrategy {
  const bought = new Set<number>();
  return {
    name: "Everything, held",
    features: [],
    decide(context) {
      const due = context.instruments.flatMap((_, k) => (context.closed(k) && !bought.has(k) ? [k] : []));
      const part = context.cash() / context.equity / (context.instruments.length - bought.size);
      for (const k of due) {
        bought.add(k);
        context.submit({
          instrument: k,
          side: "buy",
          cashAmount: context.unitsFor(part, k) * context.mark(k) * context.instruments[k]!.multiplier,
        });
      }
    },
  };
}

function resultOf(
  runId: string,
  payload: PortfolioBacktestPayload,
  { plan, listings, others, market, engine, benchmark, exact, failure }: Finished,
): PortfolioBacktestResult {
  const { state } = engine;
  const trips = roundTripsOf(state);
  const perYear = perYearOf(listings);
  const sums = postingSums(engine);
  const conditions = conditionReports(plan, market);
  const gap = exact.gap.toNumber();
  const shown = { ...benchmark, state: { ...benchmark.state, instant: state.instant } };
  const idle =
    trips.length > 0 ? null : whyIdle(engine, plan, conditions, formulaDataOf({ listings, others }));
  return {
    runId,
    instruments: instrumentRows(engine, listings, trips),
    timeframe: payload.timeframe,
    baseCurrency: market.settings.baseCurrency,
    fromMs: Math.min(...listings.map(({ dataset }) => dataset.columns.openMs[0]!)),
    toMs: engine.timeMs[state.instant - 1]!,
    instants: state.instant,
    title: plan.title,
    statistics: statisticsOf(engine, trips, perYear, payload),
    benchmark: statisticsOf(shown, roundTripsOf(benchmark.state), perYear, payload),
    roundTrips: trips.length,
    fillCount: [...fillRows(state.postings)].length,
    orderCount: state.orderLog.count,
    innerPath: innerPathReport(payload.innerPath, {
      pathDependent: trips.filter((trip) => trip.pathDependent).length,
      assumedBars: state.assumedBars.reduce((sum, count) => sum + count, 0),
    }),
    pathDependent: trips.filter((trip) => trip.pathDependent).length,
    liquidations: trips.filter((trip) => trip.liquidated).length,
    rejected: state.rejected,
    dividends: sums.dividend,
    borrowFees: 0 - sums.borrow,
    funding: sums.funding,
    interest: sums.interest,
    fillsHash: hashFills(engine),
    ledgerGap: exact.gap.toDecimalPlaces(18).toFixed(),
    ledgerBound: exact.bound,
    module: plan.module,
    failure,
    conditions: [...conditions, ...(idle?.parts ?? [])],
    neverTraded: idle?.why ?? null,
    curve: downsample(doneOf(engine.equity, engine), curvePoints).map((i) => ({
      atMs: engine.timeMs[i]!,
      equity: engine.equity[i]!,
      gross: engine.gross[i]!,
      benchmark: benchmark.equity[i]!,
    })),
    assumptions: assumptionsOf(payload),
    warnings: warningsOf(payload, listings, engine, trips, gap),
    evidenceIds: [],
    evidence: {},
  };
}

function instrumentRows(
  { state }: EngineRun,
  listings: readonly Listing[],
  trips: ReturnType<typeof roundTripsOf>,
): PortfolioBacktestResult["instruments"] {
  const byId = new Map(listings.map((listing) => [listing.dataset.instrument.instrumentId, listing]));
  return state.instruments.map((one, k) => {
    const own = trips.filter((trip) => trip.instrument === k);
    const { dataset, fills, actions, endedMs } = byId.get(one.id)!;
    return {
      instrumentId: one.id,
      currency: one.currency,
      timeframe: dataset.timeframe,
      datasetHash: dataset.hash,
      bars: dataset.length,
      fillRows: fills.length,
      roundTrips: own.length,
      profit: own.reduce((sum, trip) => sum + trip.profit, 0),
      position: state.position[k]!,
      endedMs,
      events: eventsOf(actions, dataset).length,
    };
  });
}

/** Writes the run with its curves, fills, report, trades and orders. */
async function storeRun(
  deps: PortfolioDeps,
  payload: PortfolioBacktestPayload,
  ctx: Context,
  { listings, engine, benchmark }: Finished,
  result: PortfolioBacktestResult,
): Promise<void> {
  const curves = {
    closeMs: doneOf(engine.timeMs, engine),
    equity: doneOf(engine.equity, engine),
    benchmark: benchmark.equity.subarray(0, engine.state.instant),
    position: doneOf(engine.gross, engine),
  };
  const fills = fillTableOf(engine, fillReasons);
  const orders = orderTable(engine.state.orderLog);
  const trades = tradeRows(engine, roundTripsOf(engine.state));
  const computed = computeReport({
    ...curves,
    initialCash: Number(payload.initialCash),
    barsPerYear: perYearOf(listings),
    riskFreeRate: payload.riskFreeRate,
    statistics: result.statistics,
    trades,
    volumeShares: fills.volumeShare,
  });
  const cited = {
    strategy: { title: result.title },
    fillsHash: result.fillsHash,
    datasetHash: result.instruments[0]!.datasetHash,
    instrumentId: labelOf(result.instruments.map((one) => one.instrumentId)),
    timeframe: result.timeframe,
  };
  const stored = {
    equityBlob: await saveEquity(deps.blobs, curves),
    fillsBlob: await saveFills(deps.blobs, fills),
    ordersBlob: await saveOrders(deps.blobs, orders),
    report: await citeReport(deps.evidence, ctx, cited, computed),
  };
  const createdMs = ctx.now();
  await ctx.commit((tx) =>
    saveRun(tx, {
      id: ctx.jobId,
      tenantId: ctx.tenantId,
      createdMs,
      kind: "portfolio",
      instrumentId: labelOf(result.instruments.map((one) => one.instrumentId)),
      timeframe: result.timeframe,
      title: result.title,
      datasetHash: datasetsHash(result.instruments.map((one) => one.datasetHash)),
      bars: result.instants,
      fillCount: result.fillCount,
      orderCount: result.orderCount,
      payload,
      result,
      ...stored,
      trades,
    }),
  );
}

async function resolveInputs(
  deps: PortfolioDeps,
  asked: PortfolioBacktestPayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const payload = await expandRules(deps, asked, scope.tenantId);
  const plan = await openPortfolio(deps, payload);
  await plan.close();
  const hashes: string[] = [];
  const { listings } = await loadListings(deps, payload, plan, scope, ({ hash }) => hashes.push(hash));
  if (plan.module !== null) hashes.push(plan.module.hash);
  return { payload: { ...payload, facts: listings.map(factsOf) }, hashes };
}

/** What of an instrument decides a run besides its bars. */
export function factsOf({ dataset, actions }: Listing) {
  const { instrumentId, calendar, currency, lotSize, tickSize, minNotional, assetClass } = dataset.instrument;
  return { instrumentId, calendar, currency, lotSize, tickSize, minNotional, assetClass, actions };
}

export const runPortfolioBacktest = Object.assign(run, { resolveInputs });
