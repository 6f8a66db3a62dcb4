import { AppError } from "@tapedeck/core";
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { RawRow } from "./csv.ts";
import { readAll } from "./source.ts";
import type { ByteSource } from "./source.ts";

/** Row groups are read in spans of this many rows. */
const spanRows = 10_000;
/** A row group is held whole while it is read. */
const maxGroupBytes = 512 * 1024 * 1024;

export interface ParquetFile {
  names: string[];
  rows: number;
  read(from: number, to: number): Promise<string[][]>;
}

async function toBuffer(source: ByteSource, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = await readAll(source.read(start, end));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

/** One row group is kept, so that reading it span by span fetches it once. */
function rangedBuffer(source: ByteSource): AsyncBuffer & { hold(start: number, end: number): Promise<void> } {
  let held: { start: number; end: number; bytes: ArrayBuffer } | undefined;
  return {
    byteLength: source.bytes,
    async slice(start, end = source.bytes) {
      if (held !== undefined && start >= held.start && end <= held.end) {
        return held.bytes.slice(start - held.start, end - held.start);
      }
      return toBuffer(source, start, end);
    },
    async hold(start, end) {
      if (held?.start === start) return;
      held = undefined;
      held = { start, end, bytes: await toBuffer(source, start, end) };
    },
  };
}

/** Times become RFC 3339 text and everything else the text that a CSV would have. */
function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "" : value.toISOString();
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return String(value);
  return JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? String(item) : item));
}

function groupRange(metadata: FileMetaData, group: number): { start: number; end: number } {
  let start = Infinity;
  let end = 0;
  for (const column of metadata.row_groups[group]!.columns) {
    const meta = column.meta_data;
    if (meta === undefined) continue;
    const from = Number(meta.dictionary_page_offset ?? meta.data_page_offset);
    start = Math.min(start, from);
    end = Math.max(end, from + Number(meta.total_compressed_size));
  }
  return { start, end };
}

export async function openParquet(source: ByteSource): Promise<ParquetFile> {
  const file = rangedBuffer(source);
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(file);
  } catch (error) {
    throw new AppError(
      "data.invalid",
      `${source.label} cannot be read as Parquet: ${(error as Error).message}.`,
      {
        cause: error,
      },
    );
  }
  const nested = parquetSchema(metadata).children.filter((child) => child.children.length > 0);
  const names = parquetSchema(metadata)
    .children.filter((child) => child.children.length === 0)
    .map((child) => child.element.name);
  if (names.length === 0) {
    throw new AppError(
      "data.invalid",
      `${source.label} has no flat columns (nested: ${nested.map((c) => c.element.name).join(", ")}).`,
    );
  }
  const starts: number[] = [];
  let rows = 0;
  for (const group of metadata.row_groups) {
    starts.push(rows);
    rows += Number(group.num_rows);
  }
  return {
    names,
    rows,
    async read(from, to) {
      const group = starts.findLastIndex((start) => start <= from);
      const range = groupRange(metadata, group);
      if (range.end - range.start > maxGroupBytes) {
        throw new AppError(
          "data.invalid",
          `${source.label} has a row group of more than 512 MiB: write it with smaller ones.`,
        );
      }
      await file.hold(range.start, Math.min(range.end, source.bytes));
      try {
        const objects = await parquetReadObjects({
          file,
          metadata,
          columns: names,
          rowStart: from,
          rowEnd: to,
          compressors,
        });
        return objects.map((object) => names.map((name) => cellText(object[name])));
      } catch (error) {
        throw new AppError(
          "data.invalid",
          `${source.label}, rows from ${from + 1}: ${(error as Error).message}.`,
          { cause: error },
        );
      }
    },
  };
}

/** Rows from the first, in batches within row groups; `line` is the row's number. */
export async function* readParquet(parquet: ParquetFile): AsyncGenerator<RawRow[]> {
  for (let from = 0; from < parquet.rows; from += spanRows) {
    const rows = await parquet.read(from, Math.min(from + spanRows, parquet.rows));
    yield rows.map((cells, i) => ({ line: from + i + 1, cells }));
  }
}
