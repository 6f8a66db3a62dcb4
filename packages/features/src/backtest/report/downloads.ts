import type { BlobStore, DownloadFormat } from "@tapedeck/core";
import type { Db } from "../../db.ts";
import { tableResponse } from "../../download.ts";
import type { TableRow } from "../../download.ts";
import { drawdownsOf, initialCashOf, loadEquity } from "../equity.ts";
import { fillRows, loadRunFills } from "../fills.ts";
import { loadRunOrders, orderRows } from "../orders.ts";
import { listTrades } from "../store.ts";
import type { AnyRunRow } from "../store.ts";

interface DownloadDeps {
  db: Db;
  blobs: BlobStore;
}

const rowsAtOnce = 2_000;

const tradeColumns = {
  number: "integer",
  side: "text",
  quantity: "number",
  entryMs: "time",
  entryPrice: "number",
  exitMs: "time",
  exitPrice: "number",
  exitReason: "text",
  barsHeld: "integer",
  fees: "number",
  profit: "number",
  profitReturn: "number",
  instrumentId: "text",
} as const;

async function* tradeBatches(db: Db, runId: string): AsyncGenerator<TableRow<typeof tradeColumns>[]> {
  for (let after = 0; ;) {
    const trades = await listTrades(db, runId, rowsAtOnce, after);
    if (trades.length === 0) return;
    yield trades;
    after = trades.at(-1)!.number;
  }
}

const fillColumns = {
  number: "integer",
  atMs: "time",
  side: "text",
  quantity: "number",
  price: "number",
  fee: "number",
  slippage: "number",
  volumeShare: "number",
  reason: "text",
  instrumentId: "text",
} as const;

const orderColumns = {
  number: "integer",
  instrumentId: "text",
  placedMs: "time",
  side: "text",
  type: "text",
  quantity: "number",
  limitPrice: "number",
  stopPrice: "number",
  filled: "number",
  status: "text",
  endedMs: "time",
} as const;

const equityColumns = {
  closeMs: "time",
  equity: "number",
  drawdown: "number",
  benchmark: "number",
  position: "number",
} as const;

/** One table of a run as a file, whole. */
export const downloads = {
  trades: async ({ db }: DownloadDeps, run: AnyRunRow, format: DownloadFormat) =>
    tableResponse(format, `trades-${run.id}`, tradeColumns, tradeBatches(db, run.id)),

  fills: async ({ blobs }: DownloadDeps, run: AnyRunRow, format: DownloadFormat) => {
    const table = await loadRunFills(blobs, run);
    function* batches() {
      for (let at = 0; at < table.atMs.length; at += rowsAtOnce)
        yield fillRows(table, run.instrumentIds, at + 1, rowsAtOnce);
    }
    return tableResponse(format, `fills-${run.id}`, fillColumns, batches());
  },

  orders: async ({ blobs }: DownloadDeps, run: AnyRunRow, format: DownloadFormat) => {
    const table = await loadRunOrders(blobs, run);
    function* batches() {
      for (let at = 0; at < table.placedMs.length; at += rowsAtOnce)
        yield orderRows(table, run.instrumentIds, at + 1, rowsAtOnce);
    }
    return tableResponse(format, `orders-${run.id}`, orderColumns, batches());
  },

  equity: async ({ blobs }: DownloadDeps, run: AnyRunRow, format: DownloadFormat) => {
    const { closeMs, equity, benchmark, position } = await loadEquity(blobs, run.equityBlob, run.bars);
    const drawdown = drawdownsOf(equity, initialCashOf(run.payload));
    function* batches() {
      for (let at = 0; at < run.bars; at += rowsAtOnce) {
        yield Array.from({ length: Math.min(rowsAtOnce, run.bars - at) }, (_, k) => ({
          closeMs: closeMs[at + k]!,
          equity: equity[at + k]!,
          drawdown: drawdown[at + k]!,
          benchmark: benchmark[at + k]!,
          position: position[at + k]!,
        }));
      }
    }
    return tableResponse(format, `equity-${run.id}`, equityColumns, batches());
  },
};
