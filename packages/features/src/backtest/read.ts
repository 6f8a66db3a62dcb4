import { AppError, idCursor } from "@tapedeck/core";
import type { BlobStore, RouteHandlersFor } from "@tapedeck/core";
import { builtInRules, builtInStrategies } from "@tapedeck/trading";
import type { Db } from "../db.ts";
import type { backtestRoutes } from "./contract.ts";
import { BacktestResult } from "./contract.ts";
import { downsample, drawdownsOf, initialCashOf, loadEquity } from "./equity.ts";
import { fillRows, loadRunFills } from "./fills.ts";
import { listRuns, listTrades, loadRun } from "./store.ts";

export interface BacktestReadDeps {
  db: Db;
  blobs: BlobStore;
}

function numberCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^[0-9]{1,9}$/.test(cursor)) return Number(cursor);
  throw new AppError("payload.invalid", "The cursor is not one that this list gave.");
}

export const backtestRouteHandlers = {
  listBacktests: async ({ db }, { query }, caller) => {
    const rows = await listRuns(db, caller.tenantId, query.limit + 1, idCursor(query.cursor));
    const items = rows.slice(0, query.limit).map((row) => {
      const result = BacktestResult.parse(row.result);
      return {
        id: row.id,
        createdMs: row.createdMs,
        instrumentId: row.instrumentId,
        timeframe: row.timeframe,
        title: row.title,
        totalReturn: result.statistics.totalReturn,
        benchmarkReturn: result.benchmark.totalReturn,
        sharpe: result.statistics.sharpe,
        maxDrawdown: result.statistics.maxDrawdown,
        trades: result.tradeCount,
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
    const run = await loadRun(db, caller.tenantId, params.id);
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
    const run = await loadRun(db, caller.tenantId, params.id);
    const rows = await listTrades(db, run.id, query.limit + 1, numberCursor(query.cursor));
    const items = rows.slice(0, query.limit);
    return { items, nextCursor: rows.length > query.limit ? String(items.at(-1)!.number) : null };
  },

  listBacktestFills: async ({ db, blobs }, { params, query }, caller) => {
    const run = await loadRun(db, caller.tenantId, params.id);
    const table = await loadRunFills(blobs, run);
    const items = fillRows(table, numberCursor(query.cursor) + 1, query.limit);
    const last = items.at(-1)?.number ?? 0;
    return { items, nextCursor: last > 0 && last < run.fillCount! ? String(last) : null };
  },

  listStrategies: async () => ({
    items: builtInStrategies.map((strategy) => ({
      name: strategy.name,
      title: strategy.title,
      meaning: strategy.meaning,
      params: strategy.params.map((param) => ({
        name: param.name,
        meaning: param.meaning,
        default: param.default,
        min: param.min ?? null,
        max: param.max ?? null,
        choices: param.choices === undefined ? null : [...param.choices],
      })),
      formulas: builtInRules(strategy.name, {}).formulas as Record<string, string>,
    })),
  }),
} satisfies RouteHandlersFor<typeof backtestRoutes, BacktestReadDeps>;
