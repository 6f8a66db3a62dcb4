import { AppError } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db, Tx } from "../db.ts";
import { BacktestResult } from "./contract.ts";
import type { BacktestPayload, BacktestTrade } from "./contract.ts";
import { instrumentsHash } from "./instruments.ts";
import { PortfolioBacktestResult } from "./portfolio/contract.ts";
import type { PortfolioBacktestPayload } from "./portfolio/contract.ts";
import { RunReport } from "./report/figures/contract.ts";
import type { BacktestTables } from "./tables.ts";

const tradeColumns = {
  number: "int",
  instrument_id: "text",
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

type RunColumns = BacktestTables["backtestRuns"];

/** A run of either kind, as it is stored. */
export interface NewRun extends Omit<
  RunColumns,
  "jobId" | "instrumentsHash" | "payload" | "result" | "report"
> {
  payload: BacktestPayload | PortfolioBacktestPayload;
  result: BacktestResult | PortfolioBacktestResult;
  report: RunReport | null;
  trades: readonly BacktestTrade[];
}

/** Replaces the run of this id: a second attempt writes the same again. */
export async function saveRun(tx: Tx, run: NewRun): Promise<void> {
  const { trades, payload, result, report, ...columns } = run;
  await tx.deleteFrom("backtestRuns").where("id", "=", run.id).execute();
  await tx
    .insertInto("backtestRuns")
    .values({
      ...columns,
      jobId: run.id,
      instrumentsHash: instrumentsHash(instrumentIdsOf(run)),
      report: report === null ? null : JSON.stringify(report),
      payload: JSON.stringify(payload),
      result: JSON.stringify(result),
    })
    .execute();
  const rowsAtOnce = 10_000;
  for (let start = 0; start < trades.length; start += rowsAtOnce) {
    const rows = trades.slice(start, start + rowsAtOnce).map((trade) => ({
      number: trade.number,
      instrument_id: trade.instrumentId,
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

/** What runs of both kinds have. */
export interface AnyRunRow extends Omit<RunColumns, "payload" | "result" | "report"> {
  payload: unknown;
  result: unknown;
  report: RunReport | null;
  /** By the numbers that fills and orders give them. */
  instrumentIds: string[];
}

export type RunRow = AnyRunRow & { result: BacktestResult };

/** By the run's id, or by the id of a job that took over the run's result. */
export async function loadAnyRun(db: Db, tenantId: string, id: string): Promise<AnyRunRow> {
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
            where id = ${id} and tenant_id = ${tenantId} and type in ('backtest', 'portfolioBacktest'))`,
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
    report: row.report === null ? null : RunReport.parse(row.report),
    instrumentIds: instrumentIdsOf(row),
  };
}

function instrumentIdsOf({
  kind,
  instrumentId,
  result,
}: Pick<AnyRunRow, "kind" | "instrumentId" | "result">) {
  return kind === "single"
    ? [instrumentId]
    : (result as PortfolioBacktestResult).instruments.map((one) => one.instrumentId);
}

/** A run of one instrument. */
export async function loadRun(db: Db, tenantId: string, id: string): Promise<RunRow> {
  const row = await loadAnyRun(db, tenantId, id);
  if (row.kind !== "single") {
    throw new AppError(
      "resource.unknown",
      `Run ${id} is over several instruments; GET /api/portfolio-backtests/${id} has it.`,
    );
  }
  return { ...row, result: BacktestResult.parse(row.result) };
}

export async function loadPortfolioRun(
  db: Db,
  tenantId: string,
  id: string,
): Promise<AnyRunRow & { result: PortfolioBacktestResult }> {
  const row = await loadAnyRun(db, tenantId, id);
  if (row.kind !== "portfolio") {
    throw new AppError(
      "resource.unknown",
      `Run ${id} is of one instrument; GET /api/backtests/${id} has it.`,
    );
  }
  return { ...row, result: PortfolioBacktestResult.parse(row.result) };
}

export async function listRuns(db: Db, tenantId: string, limit: number, beforeId: string | undefined) {
  let query = db
    .selectFrom("backtestRuns")
    .select(["id", "kind", "createdMs", "instrumentId", "timeframe", "title", "result"])
    .where("tenantId", "=", tenantId)
    .orderBy("id", "desc")
    .limit(limit);
  if (beforeId !== undefined) query = query.where("id", "<", beforeId);
  const rows = await query.execute();
  return rows.map((row) => ({
    ...row,
    result:
      row.kind === "single" ? BacktestResult.parse(row.result) : PortfolioBacktestResult.parse(row.result),
  }));
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
