import { AppError } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db, Tx } from "../db.ts";
import { BacktestResult } from "./contract.ts";
import type { BacktestPayload, BacktestTrade } from "./contract.ts";
import { RunReport } from "./report/contract.ts";
import type { BacktestTables } from "./tables.ts";

const tradeColumns = {
  number: "int",
  side: "text",
  quantity: "float8",
  entry_ms: "int8",
  entry_price: "float8",
  exit_ms: "int8",
  exit_price: "float8",
  exit_reason: "text",
  bars_held: "int",
  fees: "float8",
  profit: "float8",
  profit_return: "float8",
} as const;

export interface NewRun {
  id: string;
  tenantId: string;
  createdMs: number;
  payload: BacktestPayload;
  result: BacktestResult;
  equityBlob: string;
  fillsBlob: string;
  report: RunReport;
  trades: readonly BacktestTrade[];
}

/** Replaces the run of this id: a second attempt writes the same again. */
export async function saveRun(tx: Tx, run: NewRun): Promise<void> {
  const { result } = run;
  await tx.deleteFrom("backtestRuns").where("id", "=", run.id).execute();
  await tx
    .insertInto("backtestRuns")
    .values({
      id: run.id,
      jobId: run.id,
      tenantId: run.tenantId,
      createdMs: run.createdMs,
      instrumentId: result.instrumentId,
      timeframe: result.timeframe,
      title: result.strategy.title,
      datasetHash: result.datasetHash,
      bars: result.bars,
      equityBlob: run.equityBlob,
      fillsBlob: run.fillsBlob,
      fillCount: result.fillCount,
      report: JSON.stringify(run.report),
      payload: JSON.stringify(run.payload),
      result: JSON.stringify(result),
    })
    .execute();
  const rowsAtOnce = 10_000;
  for (let start = 0; start < run.trades.length; start += rowsAtOnce) {
    const rows = run.trades.slice(start, start + rowsAtOnce).map((trade) => ({
      number: trade.number,
      side: trade.side,
      quantity: trade.quantity,
      entry_ms: trade.entryMs,
      entry_price: trade.entryPrice,
      exit_ms: trade.exitMs,
      exit_price: trade.exitPrice,
      exit_reason: trade.exitReason,
      bars_held: trade.barsHeld,
      fees: trade.fees,
      profit: trade.profit,
      profit_return: trade.profitReturn,
    }));
    const names = sql.join(Object.keys(tradeColumns).map((name) => sql.ref(name)));
    const shape = sql.raw(
      Object.entries(tradeColumns)
        .map(([name, type]) => `${name} ${type}`)
        .join(", "),
    );
    await sql`
      insert into backtest_trades (run_id, ${names})
      select ${run.id}::uuid, ${names} from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as t (${shape})`.execute(
      tx,
    );
  }
}

export type RunRow = Omit<BacktestTables["backtestRuns"], "payload" | "result" | "report"> & {
  payload: unknown;
  result: BacktestResult;
  report: RunReport | null;
};

/** By the run's id, or by the id of a job that took over the run's result. */
export async function loadRun(db: Db, tenantId: string, id: string): Promise<RunRow> {
  const row = await db
    .selectFrom("backtestRuns")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .where((eb) =>
      eb.or([
        eb("id", "=", id),
        eb(
          "id",
          "=",
          sql<string>`(select (result::jsonb ->> 'runId')::uuid from jobs
            where id = ${id} and tenant_id = ${tenantId} and type = 'backtest')`,
        ),
      ]),
    )
    .executeTakeFirst();
  if (row === undefined) {
    throw new AppError(
      "resource.unknown",
      `There is no backtest run ${id}. A finished backtest job's result names its run as runId; GET /api/backtests lists them.`,
    );
  }
  return {
    ...row,
    result: BacktestResult.parse(row.result),
    report: row.report === null ? null : RunReport.parse(row.report),
  };
}

export async function listRuns(db: Db, tenantId: string, limit: number, beforeId: string | undefined) {
  let query = db
    .selectFrom("backtestRuns")
    .select(["id", "createdMs", "instrumentId", "timeframe", "title", "result"])
    .where("tenantId", "=", tenantId)
    .orderBy("id", "desc")
    .limit(limit);
  if (beforeId !== undefined) query = query.where("id", "<", beforeId);
  return await query.execute();
}

export async function listTrades(
  db: Db,
  runId: string,
  limit: number,
  afterNumber: number,
): Promise<BacktestTrade[]> {
  const rows = await db
    .selectFrom("backtestTrades")
    .selectAll()
    .where("runId", "=", runId)
    .where("number", ">", afterNumber)
    .orderBy("number")
    .limit(limit)
    .execute();
  return rows.map(({ runId: _, ...row }) => ({
    ...row,
    exitReason: row.exitReason as BacktestTrade["exitReason"],
  }));
}
