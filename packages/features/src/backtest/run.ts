import { setImmediate } from "node:timers/promises";
import { AppError, isoDate, lastDay, timeframeMs } from "@tapedeck/core";
import type { BlobStore, Decimal, JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import type { Dataset } from "@tapedeck/formula";
import { bucketRule } from "@tapedeck/trading/calendar/index";
import { barsPerYear, computePerformance, fillReasons, signalBits } from "@tapedeck/trading";
import type {
  BarRange,
  FillColumns,
  MarketEvent,
  SimulatedTrade,
  SimulationSettings,
} from "@tapedeck/trading";
import type { Tx } from "../db.ts";
import type { EvidenceStore } from "../evidence/contract.ts";
import type { FormulaLibrary } from "../indicators/contract.ts";
import type { SeriesColumns, SeriesDataset, SeriesReader } from "../series/contract.ts";
import type { backtest, BacktestPayload, BacktestResult, BacktestTrade, Statistics } from "./contract.ts";
import { eventsOf } from "./actions.ts";
import { conditionNames, marketOf, reportCondition } from "./domain.ts";
import { saveEquity } from "./equity.ts";
import { citeFigures, rowsOf, spanOf } from "./evidence.ts";
import { fillMs, fillTable, saveFills } from "./fills.ts";
import type { StrategyModules } from "./modules/contract.ts";
import { saveOrders } from "./orders.ts";
import type { RunOutcome } from "./outcome.ts";
import { citeReport } from "./report/cite.ts";
import { computeReport } from "./report/figures/compute.ts";
import { openRules, openStrategy, simulateFast } from "./single.ts";
import type { SingleStrategy, TradedPrices } from "./single.ts";
import { saveRun } from "./store.ts";
import { assumptionsOf, innerPathReport, warningsOf, whyNoTrade } from "./words.ts";

export interface BacktestDeps {
  series: SeriesReader;
  evidence: EvidenceStore;
  blobs: BlobStore;
  formulas: FormulaLibrary;
  strategies: StrategyModules;
}

type Context = JobContext<ProgressOf<typeof backtest>, Tx>;
type DataContext = Pick<Context, "tenantId" | "signal" | "input">;

/** The payload with the tenant's saved formulas put into its rules. */
export async function expandRules<P extends Pick<BacktestPayload, "strategy">>(
  deps: Pick<BacktestDeps, "formulas">,
  payload: P,
  tenantId: string,
): Promise<P> {
  const { strategy } = payload;
  if (strategy.kind !== "rules") return payload;
  const given = conditionNames.flatMap((name) => {
    const text = strategy[name];
    return text === undefined ? [] : [[name, text] as const];
  });
  const texts = await deps.formulas.expand(
    tenantId,
    given.map(([, text]) => text),
  );
  const expanded = Object.fromEntries(given.map(([name], i) => [name, texts[i]!]));
  return { ...payload, strategy: { ...strategy, ...expanded } };
}

const run: JobHandler<typeof backtest, BacktestDeps, Tx> = async (deps, asked, ctx) => {
  const payload = await expandRules(deps, asked, ctx.tenantId);
  const strategy = await openStrategy(deps, payload);
  try {
    return await runStrategy(deps, payload, ctx, strategy);
  } finally {
    await strategy.close();
  }
};

/** A run that a module's failure ended is stored as far as it came, before the job fails. */
async function runStrategy(
  deps: BacktestDeps,
  payload: BacktestPayload,
  ctx: Context,
  strategy: SingleStrategy,
): Promise<BacktestResult> {
  ctx.progress({ phase: "data", barsDone: 0, barsTotal: 0 });
  const whole = await loadDataset(deps, payload, ctx, strategy);
  const report = (phase: "data" | "formulas" | "simulation" | "report", barsDone: number) =>
    ctx.progress({ phase, barsDone, barsTotal: whole.length });

  report("formulas", 0);
  const { signals, traded } = await readTraded(deps, payload, ctx, whole);
  const data = await formulaData(deps, payload, ctx, signals, strategy.symbols);
  const finer = await finerBars(deps, payload, ctx);
  if (strategy.module !== null) recordModule(ctx, strategy.module);
  await setImmediate();
  ctx.signal.throwIfAborted();
  const outcome = await strategy.run(
    { data, traded, instrument: whole.instrument, finer: finer?.columns },
    { signal: ctx.signal, seed: ctx.seed, onProgress: (done) => report("simulation", done) },
  );
  const { failure } = outcome;
  if (failure !== null && outcome.bars < 2) throw new AppError("strategy.failed", failure.message);

  report("report", outcome.bars);
  const dataset = firstBars(whole, outcome.bars);
  const benchmark = await holdRun(dataset, payload, ctx.signal, traded?.events);
  const gap = await outcome.reconcile(ctx.signal);
  const result = resultOf(ctx.jobId, payload, strategy, dataset, data, { outcome, benchmark, gap });
  Object.assign(result, await citeFigures(deps.evidence, ctx, "backtest", [rowsOf(dataset)], result));
  await storeRun(deps, payload, ctx, dataset, { outcome, benchmark, result });
  if (failure === null) return result;
  throw new AppError("strategy.failed", `${failure.message} What it had done is kept as run ${ctx.jobId}.`, {
    details: { runId: ctx.jobId, atMs: failure.atMs, module: strategy.module?.name },
  });
}

/** What statistics are computed from; columns are `[bars]`. */
export type HeldRun = Pick<RunOutcome, "equity" | "fills" | "trades"> & { position: Float64Array };

export function withPosition(run: RunOutcome): HeldRun {
  return { ...run, position: run.positions() };
}

export function statisticsOf(
  run: HeldRun,
  dataset: SeriesDataset,
  payload: Pick<BacktestPayload, "initialCash" | "riskFreeRate">,
): Statistics {
  return computePerformance({
    equity: run.equity,
    position: run.position,
    closeMs: dataset.columns.closeMs,
    initialCash: Number(payload.initialCash),
    trades: run.trades,
    fills: run.fills,
    barsPerYear: barsPerYear(dataset.instrument.calendar, dataset.timeframe),
    riskFreeRate: payload.riskFreeRate,
  });
}

/** A finished run beside its benchmark. */
interface Finished {
  outcome: RunOutcome;
  benchmark: RunOutcome;
}

function resultOf(
  runId: string,
  payload: BacktestPayload,
  strategy: SingleStrategy,
  dataset: SeriesDataset,
  data: Dataset,
  { outcome, benchmark, gap }: Finished & { gap: Decimal },
): BacktestResult {
  const { columns } = dataset;
  const { fills, trades } = outcome;
  const conditions = strategy.conditions(data);
  const reports = conditionNames.flatMap((name) => {
    const column = conditions[name];
    return column === undefined
      ? []
      : [reportCondition(name, strategy.formulas[name]!, column, columns.closeMs)];
  });
  const none = trades.length > 0 ? null : whyNoTrade(strategy, conditions, data, outcome);
  return {
    runId,
    ...spanOf(dataset),
    currency: dataset.instrument.currency,
    asOfMs: dataset.asOfMs,
    warmupBars: strategy.warmupBars,
    strategy: { title: strategy.title, side: strategy.side, formulas: strategy.formulas },
    statistics: statisticsOf(withPosition(outcome), dataset, payload),
    benchmark: statisticsOf(withPosition(benchmark), dataset, payload),
    tradeCount: trades.length,
    fillCount: fills.count,
    fillsHash: hashFills(fills, columns.openMs),
    ledgerGap: gap.toDecimalPlaces(18).toFixed(),
    engine: strategy.engine,
    innerPath: innerPathReport(payload.innerPath, outcome),
    module: strategy.module,
    failure: outcome.failure,
    conditions: none === null ? reports : [...reports, ...none.parts],
    neverTraded: none === null ? null : none.why,
    assumptions: assumptionsOf(payload, strategy, dataset),
    warnings: warningsOf(payload, dataset, data, outcome, gap.toNumber()),
    evidenceIds: [],
    evidence: {},
  };
}

/** Writes the run with its curves, fills, report, trades and orders. */
async function storeRun(
  deps: BacktestDeps,
  payload: BacktestPayload,
  ctx: Context,
  dataset: SeriesDataset,
  { outcome, benchmark, result }: Finished & { result: BacktestResult },
): Promise<void> {
  const curves = {
    closeMs: dataset.columns.closeMs,
    equity: outcome.equity,
    benchmark: benchmark.equity,
    position: outcome.positions(),
  };
  const trades = outcome.trades.map((trade, k) => tradeRow(trade, k + 1, dataset.columns));
  const fills = fillTable(outcome.fills, dataset.columns);
  const computed = computeReport({
    ...curves,
    initialCash: Number(payload.initialCash),
    barsPerYear: result.statistics.barsPerYear,
    riskFreeRate: payload.riskFreeRate,
    statistics: result.statistics,
    trades,
    volumeShares: fills.volumeShare,
  });
  const stored = {
    equityBlob: await saveEquity(deps.blobs, curves),
    fillsBlob: await saveFills(deps.blobs, fills),
    report: await citeReport(deps.evidence, ctx, result, computed),
    ordersBlob: outcome.orders === null ? null : await saveOrders(deps.blobs, outcome.orders),
    orderCount: outcome.orders?.placedMs.length ?? null,
  };
  const { tenantId } = ctx;
  const createdMs = ctx.now();
  await ctx.commit((tx) =>
    saveRun(tx, {
      id: ctx.jobId,
      tenantId,
      createdMs,
      kind: "single",
      instrumentId: result.instrumentId,
      timeframe: result.timeframe,
      title: result.strategy.title,
      datasetHash: result.datasetHash,
      bars: result.bars,
      fillCount: result.fillCount,
      payload,
      result,
      ...stored,
      trades,
    }),
  );
}

/** What decides the result: the payload, the datasets, the module's file, and what the instrument says of lots, ticks, least notional, currency and calendar. */
async function resolveInputs(
  deps: BacktestDeps,
  asked: BacktestPayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const payload = await expandRules(deps, asked, scope.tenantId);
  const strategy = await openStrategy(deps, payload);
  await strategy.close();
  const dataset = await readDataset(deps, payload, scope, payload.instrumentId, payload.fromMs);
  const hashes = [dataset.hash];
  for (const symbol of strategy.symbols)
    hashes.push((await readDataset(deps, seenBy(payload), scope, symbol, undefined)).hash);
  const finer = await readFiner(deps, payload, scope);
  if (finer !== undefined) hashes.push(finer.hash);
  if (strategy.module !== null) hashes.push(strategy.module.hash);
  const { signals, traded } = await readTraded(deps, payload, { ...scope, input: () => undefined }, dataset);
  if (signals !== dataset) hashes.push(signals.hash, sha256(JSON.stringify(traded?.events)));
  const { instrumentId, calendar, currency, lotSize, tickSize, minNotional } = dataset.instrument;
  const instrument = { calendar, currency, lotSize, tickSize, minNotional };
  // Without asOf the datasets say all: later, with the same data, it is the same run.
  return { payload: { ...payload, instrumentId, instrument }, hashes };
}

export const runBacktest = Object.assign(run, { resolveInputs });

/** Bars for the path inside a bar; undefined: it is assumed. Throws AppError `payload.invalid`, `data.missing`. */
async function readFiner(
  deps: Pick<BacktestDeps, "series">,
  payload: BacktestPayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<SeriesDataset | undefined> {
  const { innerPath } = payload;
  if (typeof innerPath === "string") return undefined;
  if (timeframeMs(innerPath.timeframe) >= timeframeMs(payload.timeframe)) {
    throw new AppError(
      "payload.invalid",
      `innerPath: bars of ${innerPath.timeframe} show nothing inside bars of ${payload.timeframe}; name a shorter timeframe.`,
    );
  }
  const finer = { ...payload, timeframe: innerPath.timeframe };
  return readDataset(deps, finer, scope, payload.instrumentId, payload.fromMs);
}

/** `readFiner`, which shows in the lineage. */
export async function finerBars(
  deps: Pick<BacktestDeps, "series">,
  payload: BacktestPayload,
  ctx: DataContext,
): Promise<SeriesDataset | undefined> {
  const finer = await readFiner(deps, payload, ctx);
  if (finer !== undefined) recordInput(ctx, finer);
  return finer;
}

/** The first bars of a dataset. */
export function firstBars(dataset: SeriesDataset, bars: number): SeriesDataset {
  return cutBars(dataset, { from: 0, to: bars });
}

/** Some bars of a dataset; itself where that is all. */
export function cutBars(dataset: SeriesDataset, { from, to }: BarRange): SeriesDataset {
  if (to - from === dataset.length) return dataset;
  const entries = Object.entries(dataset.columns) as Array<[keyof SeriesColumns, Float64Array]>;
  const columns = Object.fromEntries(entries.map(([name, column]) => [name, column.subarray(from, to)]));
  return { ...dataset, length: to - from, columns: columns as Record<keyof SeriesColumns, Float64Array> };
}

/** Says in the lineage which file of the strategies folder ran. */
export function recordModule(ctx: Pick<Context, "input">, module: { name: string; hash: string }): void {
  ctx.input({ kind: "file", ref: module.hash, label: `strategies/${module.name}.ts` });
}

/**
 * The dataset of a payload's range for an instrument by any name. Where splits or dividends have adjusted its prices they are on no tick,
 * and its instrument states none.
 */
export async function readDataset(
  deps: Pick<BacktestDeps, "series">,
  payload: Pick<BacktestPayload, "timeframe" | "toMs" | "adjustment" | "asOf">,
  scope: { tenantId: string; signal: AbortSignal },
  instrumentRef: string,
  fromMs: number | undefined,
): Promise<SeriesDataset> {
  const { instrumentId } = await deps.series.resolve(scope.tenantId, instrumentRef);
  const { timeframe, toMs, adjustment, asOf } = payload;
  const { tenantId, signal } = scope;
  const request = { tenantId, instrumentId, timeframe, fromMs, toMs, adjustment, asOfMs: asOf };
  const dataset = await deps.series.dataset(request, signal);
  const { instrument } = dataset;
  if (adjustment === "raw" || instrument.tickSize === null) return dataset;
  const actions = await deps.series.actions(tenantId, instrumentId, asOf);
  return actions.length === 0 ? dataset : { ...dataset, instrument: { ...instrument, tickSize: null } };
}

/** The bars of a payload, which also show in the lineage. Throws AppError `data.missing` where a strategy cannot decide and fill. */
export async function loadDataset(
  deps: Pick<BacktestDeps, "series">,
  payload: BacktestPayload,
  ctx: DataContext,
  strategy: Pick<SingleStrategy, "warmupBars">,
): Promise<SeriesDataset> {
  const dataset = await readDataset(deps, payload, ctx, payload.instrumentId, payload.fromMs);
  recordInput(ctx, dataset);
  const least = Math.max(2, strategy.warmupBars + 2);
  if (dataset.length < least) {
    throw new AppError(
      "data.missing",
      `${dataset.instrument.instrumentId} ${payload.timeframe} has ${dataset.length} bars in this range; the strategy needs at least ${least}: ${strategy.warmupBars} to warm up its formulas, one to decide at and one to fill at. Ask for a longer range, ingest more data or use shorter windows.`,
      { details: { bars: dataset.length, needed: least } },
    );
  }
  return dataset;
}

/**
 * The bars that a strategy sees of a payload's: in prices as traded those adjusted for splits, while its orders meet the others, with the
 * splits and dividends on their days.
 */
export async function readTraded(
  deps: Pick<BacktestDeps, "series">,
  payload: Pick<BacktestPayload, "timeframe" | "fromMs" | "toMs" | "adjustment" | "asOf">,
  ctx: DataContext,
  dataset: SeriesDataset,
): Promise<{ signals: SeriesDataset; traded: TradedPrices | undefined }> {
  if (payload.adjustment !== "raw") return { signals: dataset, traded: undefined };
  const { instrumentId } = dataset.instrument;
  const signals = await readDataset(deps, seenBy(payload), ctx, instrumentId, payload.fromMs);
  recordInput(ctx, signals);
  const actions = await deps.series.actions(ctx.tenantId, instrumentId, payload.asOf);
  return { signals, traded: { prices: dataset.columns, events: eventsOf(actions, dataset) } };
}

/** Says in the lineage what was read. */
export function recordInput(ctx: Pick<Context, "input">, dataset: SeriesDataset): void {
  const { openMs, closeMs } = dataset.columns;
  const span =
    dataset.length === 0 ? "empty" : `${isoDate(openMs[0]!)}..${lastDay(closeMs[dataset.length - 1]!)}`;
  ctx.input({
    kind: "dataset",
    ref: dataset.hash,
    label: `${dataset.instrument.instrumentId} ${dataset.timeframe} ${span}`,
    details: {
      instrumentId: dataset.instrument.instrumentId,
      timeframe: dataset.timeframe,
      adjustment: dataset.adjustment,
      asOfMs: dataset.asOfMs,
      bars: dataset.length,
    },
  });
}

export function toFormulaData(dataset: SeriesDataset): Dataset {
  const { length, timeframeMs, columns, instrument } = dataset;
  return { length, timeframeMs, ...columns, bucketOf: bucketRule(instrument.calendar) };
}

/** A payload with the prices that formulas read. */
export const seenBy = <P extends Pick<BacktestPayload, "adjustment">>(payload: P): P =>
  payload.adjustment === "raw" ? { ...payload, adjustment: "split" } : payload;

/** The dataset as formulas read it, with every other instrument that they name. */
export async function formulaData(
  deps: Pick<BacktestDeps, "series">,
  payload: BacktestPayload,
  ctx: DataContext,
  dataset: SeriesDataset,
  symbols: readonly string[],
): Promise<Dataset> {
  const others = new Map<string, Dataset>();
  for (const symbol of symbols) {
    const other = await readDataset(deps, seenBy(payload), ctx, symbol, undefined);
    recordInput(ctx, other);
    others.set(symbol, toFormulaData(other));
  }
  return { ...toFormulaData(dataset), resolve: (symbol) => others.get(symbol) };
}

/** All cash from the second bar's open on, at the same costs; `events`: splits and dividends of prices as traded. */
export async function holdRun(
  dataset: SeriesDataset,
  payload: HoldTerms,
  signal: AbortSignal,
  events: readonly MarketEvent[] = [],
): Promise<RunOutcome> {
  if (events.length > 0) return holdThrough(dataset, payload, signal, events);
  const signals = new Uint8Array(dataset.length);
  signals[0] = signalBits.entryLong;
  const settings: SimulationSettings = {
    ...marketOf(payload, dataset.instrument),
    sizing: { kind: "fractionOfEquity", value: 1 },
    stopLoss: 0,
    takeProfit: 0,
    trailingStop: 0,
    maxBars: 0,
  };
  return simulateFast(dataset.columns, signals, settings, { signal });
}

type HoldTerms = Pick<BacktestPayload, "costs" | "initialCash" | "lotSize">;

/** The same where units and cash change by themselves. */
function holdThrough(
  dataset: SeriesDataset,
  { costs, initialCash, lotSize }: HoldTerms,
  signal: AbortSignal,
  events: readonly MarketEvent[],
): Promise<RunOutcome> {
  const { timeframe, adjustment, instrument, columns } = dataset;
  const rules = { kind: "rules", entry: "close > 0", side: "long" } as const;
  const strategy = openRules(
    {
      strategy: rules,
      sizing: { kind: "fractionOfEquity", fraction: 1 },
      protection: {},
      innerPath: "pessimistic",
      timeframe,
      adjustment,
      costs,
      initialCash,
      lotSize,
    },
    rules,
  );
  const traded = { prices: columns, events };
  const scene = { data: toFormulaData(dataset), traded, instrument, finer: undefined };
  return strategy.run(scene, { signal, seed: 0 });
}

/** sha256 over one line a fill: bar's open time, signed quantity, price, fee and reason. */
export function hashFills(fills: FillColumns, openMs: Float64Array): string {
  const lines: string[] = [];
  for (let k = 0; k < fills.count; k++) {
    const reason = fillReasons[fills.reason[k]!]!;
    lines.push(`${openMs[fills.bar[k]!]} ${fills.quantity[k]} ${fills.price[k]} ${fills.fee[k]} ${reason}`);
  }
  return sha256(lines.join("\n"));
}

export function tradeRow(
  trade: SimulatedTrade,
  number: number,
  bars: Pick<SeriesColumns, "openMs" | "closeMs">,
): BacktestTrade {
  const { openMs } = bars;
  const open = trade.exitBar < 0;
  return {
    number,
    instrumentId: null,
    side: trade.side,
    quantity: trade.quantity,
    entryMs: openMs[trade.entryBar]!,
    entryPrice: trade.entryPrice,
    exitMs: open ? null : fillMs(trade.exitReason, trade.exitBar, bars),
    exitPrice: open ? null : trade.exitPrice,
    exitReason: trade.exitReason,
    barsHeld: (open ? openMs.length - 1 : trade.exitBar) - trade.entryBar,
    fees: trade.fees,
    profit: trade.profit,
    profitReturn: trade.profit / (trade.quantity * trade.entryPrice),
  };
}
