import { setImmediate } from "node:timers/promises";
import { AppError, isoDate, timeframeMs } from "@tapedeck/core";
import type { BlobStore, JobContext, JobHandler, ProgressOf } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { bucketRule } from "@tapedeck/trading/calendar/index";
import {
  barsPerYear,
  computePerformance,
  createReconciliation,
  createSimulation,
  fillReasons,
  positionColumn,
  runSimulation,
  signalBits,
  tradesOf,
} from "@tapedeck/trading";
import type { FillColumns, Simulation, SimulatedTrade, SimulationSettings } from "@tapedeck/trading";
import type { Tx } from "../db.ts";
import type { EvidenceItem, EvidenceStore } from "../evidence/contract.ts";
import type { FormulaLibrary } from "../indicators/contract.ts";
import type { SeriesDataset, SeriesReader } from "../series/contract.ts";
import type { backtest, BacktestPayload, BacktestResult, BacktestTrade } from "./contract.ts";
import {
  compileStrategy,
  conditionNames,
  explainNoTrade,
  packSignals,
  reportCondition,
  settingsOf,
} from "./domain.ts";
import type { CompiledStrategy, ConditionName } from "./domain.ts";
import { saveEquity } from "./equity.ts";
import { fillMs, fillTable, saveFills } from "./fills.ts";
import { citeReport } from "./report/cite.ts";
import { computeReport } from "./report/compute.ts";
import { saveRun } from "./store.ts";

export interface BacktestDeps {
  series: SeriesReader;
  evidence: EvidenceStore;
  blobs: BlobStore;
  formulas: FormulaLibrary;
}

type Context = JobContext<ProgressOf<typeof backtest>, Tx>;

/** Bars between two looks at the abort signal. */
const chunkBars = 8_192;
const yieldBars = 262_144;
/** The same for fills of the exact ledger, which are a thousand times slower. */
const chunkFills = 4_096;

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
  const strategy = compileStrategy(payload.strategy, timeframeMs(payload.timeframe));
  const dataset = await loadDataset(deps, payload, ctx, strategy);
  const settings = settingsOf(payload, dataset.instrument.lotSize);
  const bars = dataset.length;
  const report = (phase: "data" | "formulas" | "simulation" | "report", barsDone: number) =>
    ctx.progress({ phase, barsDone, barsTotal: bars });

  report("formulas", 0);
  const data = await formulaData(deps, payload, ctx, dataset, strategy.symbols);
  const columns = evaluateConditions(strategy, data);
  await setImmediate();
  ctx.signal.throwIfAborted();

  const signals = packSignals(strategy.side, columns, new Uint8Array(bars));
  const simulation = createSimulation(dataset.columns, signals, settings);
  await simulate(simulation, bars, ctx.signal, (done) => report("simulation", done));
  const benchmark = buyAndHold(dataset, settings);
  await simulate(benchmark, bars, ctx.signal, () => {});

  report("report", bars);
  const lastClose = dataset.columns.close[bars - 1]!;
  const trades = tradesOf(simulation.fills, lastClose);
  const exact = await reconcile(simulation, ctx.signal);
  const perYear = barsPerYear(dataset.instrument.calendar, dataset.timeframe);
  const statisticsOf = (run: Simulation, runTrades: readonly SimulatedTrade[]) =>
    computePerformance({
      equity: run.equity,
      position: positionColumn(run.fills, bars),
      closeMs: dataset.columns.closeMs,
      initialCash: settings.initialCash,
      trades: runTrades,
      fills: run.fills,
      barsPerYear: perYear,
      riskFreeRate: payload.riskFreeRate,
    });
  const conditions = conditionNames.flatMap((name) => {
    const formula = strategy.formulas[name];
    const column = columns[name];
    return formula === undefined || column === undefined
      ? []
      : [reportCondition(name, formula, column, dataset.columns.closeMs)];
  });
  const none = trades.length > 0 ? null : explainNoTrade(strategy, columns, data, simulation.dropped);
  const result: BacktestResult = {
    runId: ctx.jobId,
    instrumentId: dataset.instrument.instrumentId,
    timeframe: dataset.timeframe,
    adjustment: dataset.adjustment,
    currency: dataset.instrument.currency,
    asOfMs: dataset.asOfMs,
    datasetHash: dataset.hash,
    fromMs: dataset.columns.openMs[0]!,
    toMs: dataset.columns.closeMs[bars - 1]!,
    bars,
    warmupBars: strategy.warmupBars,
    strategy: {
      title: strategy.title,
      side: strategy.side,
      formulas: strategy.formulas as Record<string, string>,
    },
    statistics: statisticsOf(simulation, trades),
    benchmark: statisticsOf(benchmark, tradesOf(benchmark.fills, lastClose)),
    tradeCount: trades.length,
    fillCount: simulation.fills.count,
    fillsHash: hashFills(simulation.fills, dataset.columns.openMs),
    ledgerGap: exact.gap.toDecimalPlaces(18).toFixed(),
    conditions: none === null ? conditions : [...conditions, ...none.parts],
    neverTraded: none === null ? null : none.why,
    assumptions: assumptionsOf(payload, settings, dataset),
    warnings: warningsOf(payload, dataset, simulation, trades, exact.gap.toNumber()),
    evidenceIds: [],
    evidence: {},
  };
  Object.assign(result, await addEvidence(deps.evidence, ctx, dataset, result));
  const curves = {
    closeMs: dataset.columns.closeMs,
    equity: simulation.equity,
    benchmark: benchmark.equity,
    position: positionColumn(simulation.fills, bars),
  };
  const rows = trades.map((trade, k) => tradeRow(trade, k + 1, dataset));
  const fills = fillTable(simulation.fills, dataset.columns);
  const computed = computeReport({
    ...curves,
    initialCash: settings.initialCash,
    barsPerYear: perYear,
    riskFreeRate: payload.riskFreeRate,
    statistics: result.statistics,
    trades: rows,
    volumeShares: fills.volumeShare,
  });
  const stored = {
    equityBlob: await saveEquity(deps.blobs, curves),
    fillsBlob: await saveFills(deps.blobs, fills),
    report: await citeReport(deps.evidence, ctx, result, computed),
  };
  const createdMs = ctx.now();
  await ctx.commit((tx) =>
    saveRun(tx, {
      id: ctx.jobId,
      tenantId: ctx.tenantId,
      createdMs,
      payload,
      result,
      ...stored,
      trades: rows,
    }),
  );
  return result;
};

/** What decides the result: the payload, the datasets, and what the instrument says of lots, currency and calendar. */
async function resolveInputs(
  deps: BacktestDeps,
  asked: BacktestPayload,
  scope: { tenantId: string; signal: AbortSignal },
): Promise<{ payload: unknown; hashes: string[] }> {
  const payload = await expandRules(deps, asked, scope.tenantId);
  const { symbols } = compileStrategy(payload.strategy, timeframeMs(payload.timeframe));
  const dataset = await readDataset(deps, payload, scope, payload.instrumentId, payload.fromMs);
  const hashes = [dataset.hash];
  for (const symbol of symbols)
    hashes.push((await readDataset(deps, payload, scope, symbol, undefined)).hash);
  const { instrumentId, calendar, currency, lotSize } = dataset.instrument;
  // Without asOf the datasets say all: later, with the same data, it is the same run.
  return { payload: { ...payload, instrumentId, instrument: { calendar, currency, lotSize } }, hashes };
}

export const runBacktest = Object.assign(run, { resolveInputs });

/** The dataset of a payload's range for an instrument by any name. */
export async function readDataset(
  deps: Pick<BacktestDeps, "series">,
  payload: Pick<BacktestPayload, "timeframe" | "toMs" | "adjustment" | "asOf">,
  scope: { tenantId: string; signal: AbortSignal },
  instrumentRef: string,
  fromMs: number | undefined,
): Promise<SeriesDataset> {
  const { instrumentId } = await deps.series.resolve(scope.tenantId, instrumentRef);
  const { timeframe, toMs, adjustment, asOf } = payload;
  return await deps.series.dataset(
    { tenantId: scope.tenantId, instrumentId, timeframe, fromMs, toMs, adjustment, asOfMs: asOf },
    scope.signal,
  );
}

async function loadDataset(
  deps: BacktestDeps,
  payload: BacktestPayload,
  ctx: Context,
  strategy: CompiledStrategy,
): Promise<SeriesDataset> {
  ctx.progress({ phase: "data", barsDone: 0, barsTotal: 0 });
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

/** Says in the lineage what was read. */
export function recordInput(ctx: Pick<Context, "input">, dataset: SeriesDataset): void {
  const { openMs, closeMs } = dataset.columns;
  const span =
    dataset.length === 0 ? "empty" : `${isoDate(openMs[0]!)}..${isoDate(closeMs[dataset.length - 1]!)}`;
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

/** The dataset as formulas read it, with every other instrument that they name. */
async function formulaData(
  deps: BacktestDeps,
  payload: BacktestPayload,
  ctx: Context,
  dataset: SeriesDataset,
  symbols: readonly string[],
): Promise<Dataset> {
  const others = new Map<string, Dataset>();
  for (const symbol of symbols) {
    const other = await readDataset(deps, payload, ctx, symbol, undefined);
    recordInput(ctx, other);
    others.set(symbol, toFormulaData(other));
  }
  return { ...toFormulaData(dataset), resolve: (symbol) => others.get(symbol) };
}

function evaluateConditions(strategy: CompiledStrategy, data: Dataset) {
  const names = conditionNames.filter((name) => strategy.formulas[name] !== undefined);
  const values = evaluateFormulas(
    names.map((name) => strategy.formulas[name]!),
    data,
  );
  const columns: Partial<Record<ConditionName, Uint8Array>> = {};
  names.forEach((name, k) => {
    const column = values[k];
    if (!(column instanceof Uint8Array)) throw new TypeError(`${name} did not give a condition`);
    columns[name] = column;
  });
  return columns;
}

async function simulate(
  simulation: Simulation,
  bars: number,
  signal: AbortSignal,
  onProgress: (barsDone: number) => void,
): Promise<void> {
  for (let from = 0; from < bars; from += chunkBars) {
    const to = Math.min(bars, from + chunkBars);
    runSimulation(simulation, from, to);
    if (to % yieldBars === 0) {
      onProgress(to);
      await setImmediate();
      signal.throwIfAborted();
    }
  }
  onProgress(bars);
}

async function reconcile(simulation: Simulation, signal: AbortSignal) {
  const { fills, settings } = simulation;
  const exact = createReconciliation(fills, settings);
  for (let from = 0; from < fills.count; from += chunkFills) {
    exact.advance(from, Math.min(fills.count, from + chunkFills));
    await setImmediate();
    signal.throwIfAborted();
  }
  return exact.result();
}

function buyAndHold(dataset: SeriesDataset, settings: SimulationSettings): Simulation {
  const signals = new Uint8Array(dataset.length);
  signals[0] = signalBits.entryLong;
  return createSimulation(dataset.columns, signals, {
    ...settings,
    sizing: { kind: "fractionOfEquity", value: 1 },
    stopLoss: 0,
    takeProfit: 0,
    trailingStop: 0,
    maxBars: 0,
  });
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

function tradeRow(trade: SimulatedTrade, number: number, dataset: SeriesDataset): BacktestTrade {
  const { openMs } = dataset.columns;
  const open = trade.exitBar < 0;
  return {
    number,
    side: trade.side,
    quantity: trade.quantity,
    entryMs: openMs[trade.entryBar]!,
    entryPrice: trade.entryPrice,
    exitMs: open ? null : fillMs(trade.exitReason, trade.exitBar, dataset.columns),
    exitPrice: open ? null : trade.exitPrice,
    exitReason: trade.exitReason,
    barsHeld: (open ? dataset.length - 1 : trade.exitBar) - trade.entryBar,
    fees: trade.fees,
    profit: trade.profit,
    profitReturn: trade.profit / (trade.quantity * trade.entryPrice),
  };
}

function assumptionsOf(
  payload: BacktestPayload,
  settings: SimulationSettings,
  dataset: SeriesDataset,
): string[] {
  const { costs } = payload;
  const lot = settings.lotSize > 0 ? `rounded down to lots of ${settings.lotSize}` : "fractional";
  return [
    "Decided at a bar's close, filled at the next bar's open; nothing is filled after the last bar.",
    `Fee of a fill: ${costs.feeBps} bps of its notional${costs.feePerUnit > 0 ? ` + ${costs.feePerUnit} a unit` : ""}${costs.minFee > 0 ? `, at least ${costs.minFee}` : ""}.`,
    `Slippage: ${costs.slippageBps} bps${costs.slippagePerUnit > 0 ? ` + ${costs.slippagePerUnit} a unit` : ""} worse than the open or the stop; none on targets, which are limits.`,
    "Inside one bar the stop is taken before the target; a gap through a stop fills at the open; a target fills only when the bar trades through it.",
    `Quantities are ${lot}; no leverage; short sales pay no borrow fee; cash earns nothing.`,
    `Prices are ${dataset.adjustment === "raw" ? "as traded" : dataset.adjustment === "split" ? "adjusted for splits, not for dividends" : "adjusted for splits and dividends"}.`,
    "The benchmark buys at the second bar's open with all cash and the same costs, and holds.",
    "An open position at the end is valued at the last close, without the cost of selling it.",
  ];
}

function warningsOf(
  payload: BacktestPayload,
  dataset: SeriesDataset,
  simulation: Simulation,
  trades: readonly SimulatedTrade[],
  gap: number,
): string[] {
  const warnings: string[] = [];
  const { open, high, low, close } = dataset.columns;
  const { dropped } = simulation;
  if (trades.length > 0 && trades.length < 30) {
    warnings.push(
      `Only ${trades.length} trade${trades.length === 1 ? "" : "s"}: too few to tell skill from luck.`,
    );
  }
  let flat = 0;
  for (let i = 0; i < dataset.length; i++) {
    flat += +(open[i] === close[i] && high[i] === low[i] && open[i] === high[i]);
  }
  if (flat > dataset.length / 2) {
    warnings.push(
      "Most bars have one price for open, high, low and close: fills at the open are fills at that bar's close, and stops inside a bar cannot be seen.",
    );
  }
  const missed = dropped.cash + dropped.lot + dropped.price;
  if (missed > 0) {
    warnings.push(
      `${missed} entries were not made: ${dropped.cash} for cash, ${dropped.lot} below one lot, ${dropped.price} without a price above zero.`,
    );
  }
  if (payload.costs.feeBps + payload.costs.feePerUnit + payload.costs.minFee === 0) {
    warnings.push("Fees are set to zero.");
  }
  if (gap > 0.005) {
    warnings.push(`Floats and the exact ledger differ by ${gap}: the sums are too large for cents.`);
  }
  if (trades.some((trade) => trade.exitReason === "ruin")) {
    warnings.push(
      "Equity reached zero: the position was closed at the next open and nothing was traded after.",
    );
  }
  return warnings;
}

/** Every figure of the report as an evidence item, beside the rows that it was computed from. */
async function addEvidence(
  store: EvidenceStore,
  ctx: Context,
  dataset: SeriesDataset,
  result: BacktestResult,
): Promise<{ evidenceIds: string[]; evidence: Record<string, string> }> {
  const pointers: string[] = [];
  const items: EvidenceItem[] = [
    {
      kind: "rows",
      datasetHash: dataset.hash,
      instrumentId: result.instrumentId,
      timeframe: result.timeframe,
      adjustment: result.adjustment,
      fromMs: result.fromMs,
      toMs: result.toMs,
      bars: result.bars,
    },
  ];
  for (const part of ["statistics", "benchmark"] as const) {
    for (const [name, value] of Object.entries(result[part])) {
      if (value === null) continue;
      const pointer = `/${part}/${name}`;
      pointers.push(pointer);
      items.push({ kind: "job", jobId: ctx.jobId, type: "backtest", pointer, value });
    }
  }
  pointers.push("/tradeCount");
  items.push({
    kind: "job",
    jobId: ctx.jobId,
    type: "backtest",
    pointer: "/tradeCount",
    value: result.tradeCount,
  });
  const ids = await store.addAll(ctx.tenantId, ctx.jobId, items);
  return {
    evidenceIds: ids,
    evidence: Object.fromEntries(pointers.map((pointer, k) => [pointer, ids[k + 1]!])),
  };
}
