import { AppError, idCursor } from "@tapedeck/core";
import type { BlobStore, RouteHandlersFor } from "@tapedeck/core";
import { builtInRules, builtInStrategies, portfolioStrategies } from "@tapedeck/trading";
import type { StrategyParam } from "@tapedeck/trading";
import type { Db } from "../db.ts";
import type { backtestRoutes } from "./contract.ts";
import { downsample, drawdownsOf, initialCashOf, loadEquity } from "./equity.ts";
import { fillRows, loadRunFills } from "./fills.ts";
import type { StrategyModules } from "./modules/contract.ts";
import { loadRunOrders, orderRows } from "./orders.ts";
import { listRuns, listTrades, loadAnyRun, loadRun } from "./store.ts";

export interface BacktestReadDeps {
  db: Db;
  blobs: BlobStore;
  strategies: StrategyModules;
}

const paramView = (param: StrategyParam) => ({
  name: param.name,
  meaning: param.meaning,
  default: param.default,
  min: param.min ?? null,
  max: param.max ?? null,
  choices: param.choices === undefined ? null : [...param.choices],
});
/** Most instruments of one run. */
const mostInstruments = 500;

function numberCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^[0-9]{1,9}$/.test(cursor)) return Number(cursor);
  throw new AppError("payload.invalid", "The cursor is not one that this list gave.");
}

export const backtestRouteHandlers = {
  listBacktests: async ({ db }, { query }, caller) => {
    const rows = await listRuns(db, caller.tenantId, query.limit + 1, idCursor(query.cursor));
    const items = rows.slice(0, query.limit).map((row) => {
      const { result } = row;
      return {
        id: row.id,
        kind: row.kind,
        createdMs: row.createdMs,
        instrumentId: row.instrumentId,
        timeframe: row.timeframe,
        title: row.title,
        totalReturn: result.statistics.totalReturn,
        benchmarkReturn: result.benchmark.totalReturn,
        sharpe: result.statistics.sharpe,
        maxDrawdown: result.statistics.maxDrawdown,
        trades: result.statistics.trades,
        openTrades: result.statistics.openTrades,
      };
    });
    return { items, nextCursor: rows.length > query.limit ? items.at(-1)!.id : null };
  },

  getBacktest: async ({ db }, { params }, caller) => {
    const run = await loadRun(db, caller.tenantId, params.id);
    return {
      id: run.id,
      jobId: run.jobId,
      createdMs: run.createdMs,
      instrumentId: run.instrumentId,
      timeframe: run.timeframe,
      title: run.title,
      payload: run.payload,
      result: run.result,
    };
  },

  getBacktestEquity: async ({ db, blobs }, { params, query }, caller) => {
    const run = await loadAnyRun(db, caller.tenantId, params.id);
    const columns = await loadEquity(blobs, run.equityBlob, run.bars);
    const drawdowns = drawdownsOf(columns.equity, initialCashOf(run.payload));
    const points = downsample(columns.equity, query.points).map((i) => ({
      atMs: columns.closeMs[i]!,
      equity: columns.equity[i]!,
      drawdown: drawdowns[i]!,
      benchmark: columns.benchmark[i]!,
      position: columns.position[i]!,
    }));
    return { bars: run.bars, downsampled: points.length < run.bars, points };
  },

  listBacktestTrades: async ({ db }, { params, query }, caller) => {
    const run = await loadAnyRun(db, caller.tenantId, params.id);
    const rows = await listTrades(db, run.id, query.limit + 1, numberCursor(query.cursor));
    const items = rows.slice(0, query.limit);
    return { items, nextCursor: rows.length > query.limit ? String(items.at(-1)!.number) : null };
  },

  listBacktestOrders: async ({ db, blobs }, { params, query }, caller) => {
    const run = await loadAnyRun(db, caller.tenantId, params.id);
    const table = await loadRunOrders(blobs, run);
    const items = orderRows(table, run.instrumentIds, numberCursor(query.cursor) + 1, query.limit);
    const last = items.at(-1)?.number ?? 0;
    return { items, nextCursor: last > 0 && last < run.orderCount! ? String(last) : null };
  },

  listBacktestFills: async ({ db, blobs }, { params, query }, caller) => {
    const run = await loadAnyRun(db, caller.tenantId, params.id);
    const table = await loadRunFills(blobs, run);
    const items = fillRows(table, run.instrumentIds, numberCursor(query.cursor) + 1, query.limit);
    const last = items.at(-1)?.number ?? 0;
    return { items, nextCursor: last > 0 && last < run.fillCount! ? String(last) : null };
  },

  listStrategies: async ({ strategies }) => {
    const { modules, broken } = await strategies.list();
    const builtIns = builtInStrategies.map(({ name, title, meaning, params }) => ({
      name,
      kind: "builtIn" as const,
      title,
      meaning,
      instruments: [1, mostInstruments] as [number, number],
      hash: null,
      params: params.map(paramView),
      formulas: builtInRules(name, {}).formulas as Record<string, string>,
    }));
    const others = [
      ...portfolioStrategies.map((one) => ({ ...one, kind: "portfolio" as const, hash: null })),
      ...modules.map((one) => ({ ...one, kind: "module" as const })),
    ].map(({ name, kind, title, meaning, instruments, hash, params }) => ({
      name,
      kind,
      title,
      meaning,
      instruments: [...instruments] as [number, number],
      hash,
      params: params.map(paramView),
      formulas: {},
    }));
    return { items: [...builtIns, ...others], broken };
  },
} satisfies RouteHandlersFor<typeof backtestRoutes, BacktestReadDeps>;
