import { AppError } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import type { BlobStore } from "@tapedeck/core";

/** Computed columns on a dataset's bars, as one immutable file named by its content. */
export interface ColumnFile {
  instrumentId: string;
  timeframe: string;
  datasetHash: string;
  openMs: Float64Array;
  closeMs: Float64Array;
  columns: { formula: string; type: "series" | "condition" | "scalar"; values: Float64Array }[];
}

const magic = "TDCOLS01";
const prefixBytes = magic.length + 8;

interface Header {
  instrumentId: string;
  timeframe: string;
  datasetHash: string;
  length: number;
  columns: { formula: string; type: "series" | "condition" | "scalar" }[];
}

/** Layout: magic, header length (u32 twice, little-endian, the second 0), header JSON padded with spaces to 8 bytes, Float64 columns. */
export function encodeColumns(file: ColumnFile): Uint8Array {
  const header: Header = {
    instrumentId: file.instrumentId,
    timeframe: file.timeframe,
    datasetHash: file.datasetHash,
    length: file.openMs.length,
    columns: file.columns.map(({ formula, type }) => ({ formula, type })),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const columns = [file.openMs, file.closeMs, ...file.columns.map((column) => column.values)];
  const bytes = new Uint8Array(prefixBytes + headerBytes + columns.length * header.length * 8);
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(magic.length, headerBytes, true);
  bytes.fill(0x20, prefixBytes, prefixBytes + headerBytes);
  bytes.set(json, prefixBytes);
  let offset = prefixBytes + headerBytes;
  for (const column of columns) {
    new Float64Array(bytes.buffer, offset, header.length).set(column);
    offset += header.length * 8;
  }
  return bytes;
}

export function decodeColumns(bytes: Uint8Array): ColumnFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < prefixBytes || new TextDecoder().decode(bytes.subarray(0, magic.length)) !== magic) {
    throw new AppError(
      "data.invalid",
      "The stored columns of this analysis cannot be read; run the analysis again.",
    );
  }
  const headerBytes = view.getUint32(magic.length, true);
  const header = JSON.parse(
    new TextDecoder().decode(bytes.subarray(prefixBytes, prefixBytes + headerBytes)),
  ) as Header;
  const column = (index: number) =>
    new Float64Array(
      bytes.buffer,
      bytes.byteOffset + prefixBytes + headerBytes + index * header.length * 8,
      header.length,
    );
  return {
    instrumentId: header.instrumentId,
    timeframe: header.timeframe,
    datasetHash: header.datasetHash,
    openMs: column(0),
    closeMs: column(1),
    columns: header.columns.map((entry, i) => ({ ...entry, values: column(i + 2) })),
  };
}

/** Stores the file under its content's name: an attempt that runs again writes the same bytes to the same place. */
export async function storeColumns(blobs: BlobStore, file: ColumnFile): Promise<string> {
  const bytes = encodeColumns(file);
  const hash = sha256(bytes);
  const key = `analyses/${hash.slice(0, 2)}/${hash}.columns`;
  if ((await blobs.size(key)) === undefined) await blobs.put(key, bytes);
  return key;
}

export async function loadColumns(blobs: BlobStore, key: string): Promise<ColumnFile> {
  const size = await blobs.size(key);
  if (size === undefined) {
    throw new AppError(
      "resource.unknown",
      "The columns of this analysis are no longer stored; run it again.",
    );
  }
  const bytes = new Uint8Array(size);
  await blobs.readInto(key, bytes);
  return decodeColumns(bytes);
}
