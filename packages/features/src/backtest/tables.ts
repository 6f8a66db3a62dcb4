import type { JSONColumnType } from "kysely";
import type { StoredMeasure } from "./sweep/contract.ts";
import type { BacktestPayload, BacktestResult } from "./contract.ts";
import type { PortfolioBacktestPayload, PortfolioBacktestResult } from "./portfolio/contract.ts";
import type { RunReport } from "./report/figures/contract.ts";

export interface BacktestTables {
  backtestRuns: {
    /** The id of the job that ran it. */
    id: string;
    jobId: string;
    tenantId: string;
    createdMs: number;
    instrumentId: string;
    /** sha256 over the sorted ids of all instruments, one a line. */
    instrumentsHash: string;
    timeframe: string;
    title: string;
    datasetHash: string;
    bars: number;
    /** Blob of four Float64 columns of `bars` each: closeMs, equity, benchmark equity, position. */
    equityBlob: string;
    /** Blob of the columns of `FillTable`, `fillCount` each; null before fills were kept. */
    fillsBlob: string | null;
    fillCount: number | null;
    /** single: `instrumentId` is that of its bars; portfolio: says how many there are. */
    kind: "single" | "portfolio";
    /** Blob of the columns of `OrderTable`, `orderCount` each; null without a book. */
    ordersBlob: string | null;
    orderCount: number | null;
    /** Null before reports were kept. */
    report: JSONColumnType<RunReport> | null;
    payload: JSONColumnType<BacktestPayload | PortfolioBacktestPayload>;
    result: JSONColumnType<BacktestResult | PortfolioBacktestResult>;
  };
  backtestTrials: {
    jobId: string;
    /** From 1, in the order proposed. */
    number: number;
    tenantId: string;
    datasetHash: string;
    /** As that of a run; null where the dataset was erased before it was kept. */
    instrumentsHash: string | null;
    timeframe: string | null;
    params: JSONColumnType<Record<string, number | string>>;
    /** Null: the combination cannot be run, `failure` says why; or, without a failure, it was judged by folds alone. */
    measure: JSONColumnType<StoredMeasure> | null;
    failure: string | null;
  };
  backtestParts: {
    jobId: string;
    number: number;
    input: JSONColumnType<object>;
    output: JSONColumnType<object> | null;
    /** The run of a job that has it. */
    owner: string | null;
    leaseUntil: Date | null;
    done: boolean;
  };
  backtestTrades: {
    runId: string;
    number: number;
    /** Null: the run's only one. */
    instrumentId: string | null;
    side: "long" | "short";
    quantity: number;
    entryMs: number;
    entryPrice: number;
    exitMs: number | null;
    exitPrice: number | null;
    exitReason: string | null;
    barsHeld: number;
    fees: number;
    profit: number;
    profitReturn: number;
  };
}
