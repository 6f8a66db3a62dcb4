import { AppError } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import { orderStatuses, orderTypes } from "@tapedeck/trading";
import type { OrderLog } from "@tapedeck/trading";
import { loadColumns, saveColumns } from "./columns.ts";
import type { BacktestOrder } from "./contract.ts";

/** The orders of a run as they were placed, `[count]` each: the engine's log with its codes. */
export type OrderTable = Record<(typeof columnNames)[number], Float64Array>;

const columnNames = [
  "placedMs",
  "instrument",
  "direction",
  "type",
  "quantity",
  "limitPrice",
  "stopPrice",
  "filled",
  "status",
  "endedMs",
  "decided",
] as const;

export function orderTable(log: OrderLog): OrderTable {
  return Object.fromEntries(
    columnNames.map((name) => [name, Float64Array.from(log[name].subarray(0, log.count))]),
  ) as OrderTable;
}

export function saveOrders(blobs: BlobStore, table: OrderTable): Promise<string> {
  return saveColumns(
    blobs,
    columnNames.map((name) => table[name]),
  );
}

/** Throws `data.missing` for a run of the fast simulator, which places none of its own. */
export async function loadRunOrders(
  blobs: BlobStore,
  run: { ordersBlob: string | null; orderCount: number | null },
): Promise<OrderTable> {
  if (run.ordersBlob === null || run.orderCount === null) {
    throw new AppError(
      "data.missing",
      "This run has no orders of its own: the fast simulator trades at the open after each decision. Its fills are what it did.",
    );
  }
  return await loadOrders(blobs, run.ordersBlob, run.orderCount);
}

async function loadOrders(blobs: BlobStore, key: string, count: number): Promise<OrderTable> {
  const columns = await loadColumns(blobs, key, columnNames.length, count);
  return Object.fromEntries(columnNames.map((name, k) => [name, columns[k]!])) as OrderTable;
}

const known = (value: number) => (value > 0 ? value : null);

/** Orders of a table from one number on (the first is 1), at most `limit`; `instrumentIds` are those of the run. */
export function orderRows(
  table: OrderTable,
  instrumentIds: readonly string[],
  fromNumber = 1,
  limit = Infinity,
): BacktestOrder[] {
  const end = Math.min(table.placedMs.length, fromNumber - 1 + limit);
  const rows: BacktestOrder[] = [];
  for (let k = fromNumber - 1; k < end; k++) {
    const endedMs = table.endedMs[k]!;
    rows.push({
      number: k + 1,
      instrumentId: instrumentIds[table.instrument[k]!]!,
      placedMs: table.placedMs[k]!,
      side: table.direction[k]! > 0 ? "buy" : "sell",
      type: orderTypes[table.type[k]!]!,
      quantity: known(table.quantity[k]!),
      limitPrice: known(table.limitPrice[k]!),
      stopPrice: known(table.stopPrice[k]!),
      filled: table.filled[k]!,
      status: orderStatuses[table.status[k]!]!,
      endedMs: Number.isNaN(endedMs) ? null : endedMs,
      decided: table.decided[k] === 1,
    });
  }
  return rows;
}
