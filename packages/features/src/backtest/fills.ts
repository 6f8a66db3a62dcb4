import { AppError } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import { fillReasons } from "@tapedeck/trading";
import type { FillColumns } from "@tapedeck/trading";
import type { SeriesColumns } from "../series/contract.ts";
import { loadColumns, saveColumns } from "./columns.ts";
import type { BacktestFill } from "./contract.ts";

/** The fills of a run in the order made, `[count]` each. */
export interface FillTable {
  /** Its bar's open, or its close for a stop or target inside the bar, since the bar does not say when. */
  atMs: Float64Array;
  /** Signed: positive buys. */
  quantity: Float64Array;
  price: Float64Array;
  fee: Float64Array;
  /** Currency lost against the price before slippage. */
  slippage: Float64Array;
  /** |quantity| / the bar's volume; NaN where the bar has none. */
  volumeShare: Float64Array;
  /** Place in `fillReasons`. */
  reason: Float64Array;
  /** Place among the run's instruments. */
  instrument: Float64Array;
}

const columnNames = [
  "atMs",
  "quantity",
  "price",
  "fee",
  "slippage",
  "volumeShare",
  "reason",
  "instrument",
] as const;

const insideBar = new Set<string>(["stop", "target", "trailingStop"]);

/** When a fill of this reason in this bar is said to have been made. */
export function fillMs(reason: string | null, bar: number, times: Pick<SeriesColumns, "openMs" | "closeMs">) {
  return insideBar.has(reason ?? "") ? times.closeMs[bar]! : times.openMs[bar]!;
}

export function fillTable(
  fills: FillColumns,
  columns: Pick<SeriesColumns, "openMs" | "closeMs" | "volume">,
): FillTable {
  const { count } = fills;
  const volumeShare = new Float64Array(count);
  const atMs = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    const bar = fills.bar[k]!;
    const volume = columns.volume[bar]!;
    volumeShare[k] = volume > 0 ? Math.abs(fills.quantity[k]!) / volume : Number.NaN;
    atMs[k] = fillMs(fillReasons[fills.reason[k]!]!, bar, columns);
  }
  return {
    atMs,
    quantity: fills.quantity.slice(0, count),
    price: fills.price.slice(0, count),
    fee: fills.fee.slice(0, count),
    slippage: fills.slippage.slice(0, count),
    volumeShare,
    reason: Float64Array.from(fills.reason.subarray(0, count)),
    instrument: new Float64Array(count),
  };
}

export function saveFills(blobs: BlobStore, table: FillTable): Promise<string> {
  return saveColumns(
    blobs,
    columnNames.map((name) => table[name]),
  );
}

async function loadFills(blobs: BlobStore, key: string, count: number): Promise<FillTable> {
  const columns = await loadColumns(blobs, key, columnNames.length, count);
  return Object.fromEntries(columnNames.map((name, k) => [name, columns[k]!])) as Record<
    (typeof columnNames)[number],
    Float64Array
  >;
}

/** Throws `data.missing` for a run that was stored before fills were kept. */
export async function loadRunFills(
  blobs: BlobStore,
  run: { id: string; fillsBlob: string | null; fillCount: number | null },
): Promise<FillTable> {
  if (run.fillsBlob === null || run.fillCount === null) {
    throw new AppError(
      "data.missing",
      `Run ${run.id} is from before fills were kept; replay its job to have them.`,
    );
  }
  return loadFills(blobs, run.fillsBlob, run.fillCount);
}

/** Fills of a table from one number on (the first is 1), at most `limit`; `instrumentIds` are those of the run. */
export function fillRows(
  table: FillTable,
  instrumentIds: readonly string[],
  fromNumber: number,
  limit: number,
): BacktestFill[] {
  const end = Math.min(table.atMs.length, fromNumber - 1 + limit);
  const rows: BacktestFill[] = [];
  for (let k = fromNumber - 1; k < end; k++) {
    const share = table.volumeShare[k]!;
    rows.push({
      number: k + 1,
      instrumentId: instrumentIds[table.instrument[k]!]!,
      atMs: table.atMs[k]!,
      side: table.quantity[k]! > 0 ? "buy" : "sell",
      quantity: Math.abs(table.quantity[k]!),
      price: table.price[k]!,
      fee: table.fee[k]!,
      slippage: table.slippage[k]!,
      volumeShare: Number.isNaN(share) ? null : share,
      reason: fillReasons[table.reason[k]!]!,
    });
  }
  return rows;
}
