import { Readable } from "node:stream";
import { downloadTypes } from "@tapedeck/core";
import type { DownloadFormat } from "@tapedeck/core";
import { ByteWriter, ParquetWriter, schemaFromColumnData } from "hyparquet-writer";
import type { BasicType } from "hyparquet-writer";

/** How a column is stored in Parquet; `time` is ms UTC. CSV and JSON carry the values as they are. */
export type ColumnKind = "time" | "integer" | "number" | "text";

/** Columns in order; a null is an empty cell. */
export type TableColumns = Readonly<Record<string, ColumnKind>>;
export type TableRow<C extends TableColumns> = {
  readonly [Name in keyof C]: (C[Name] extends "text" ? string : number) | null;
};

type Batches<C extends TableColumns> =
  | AsyncIterable<ReadonlyArray<TableRow<C>>>
  | Iterable<ReadonlyArray<TableRow<C>>>;

const parquetTypes: Record<ColumnKind, BasicType> = {
  time: "TIMESTAMP",
  integer: "INT64",
  number: "DOUBLE",
  text: "STRING",
};

/** A row group, which is held whole while it is filled. */
const rowsPerGroup = 50_000;

/**
 * A table as a file to download, made batch by batch as it is read: memory is bounded by a batch, or by a row group of
 * Parquet. A number that is not finite is an empty cell.
 */
export function tableResponse<C extends TableColumns>(
  format: DownloadFormat,
  name: string,
  columns: C,
  batches: Batches<C>,
): Response {
  const bytes =
    format === "parquet"
      ? parquetBytes(columns, batches)
      : format === "csv"
        ? csvBytes(columns, batches)
        : jsonBytes(columns, batches);
  return fileResponse(Readable.toWeb(Readable.from(bytes)) as ReadableStream<Uint8Array>, {
    contentType: downloadTypes[format],
    name: `${name}.${format}`,
  });
}

export function fileResponse(
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | string,
  file: { contentType: string; name: string },
): Response {
  const charset = /^text\/|json$/.test(file.contentType) ? "; charset=utf-8" : "";
  return new Response(body, {
    headers: {
      "content-type": `${file.contentType}${charset}`,
      "content-disposition": `attachment; filename="${file.name}"`,
    },
  });
}

function cellOf(value: string | number | null): string | number | null {
  return typeof value === "number" && !Number.isFinite(value) ? null : value;
}

function csvCell(value: string | number | null): string {
  const text = String(cellOf(value) ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function* csvBytes<C extends TableColumns>(columns: C, batches: Batches<C>): AsyncGenerator<Buffer> {
  const names = Object.keys(columns);
  yield Buffer.from(`${names.join(",")}\n`);
  for await (const rows of batches) {
    yield Buffer.from(rows.map((row) => `${names.map((name) => csvCell(row[name]!)).join(",")}\n`).join(""));
  }
}

/** One array of objects. */
async function* jsonBytes<C extends TableColumns>(columns: C, batches: Batches<C>): AsyncGenerator<Buffer> {
  const names = Object.keys(columns);
  let before = "[";
  for await (const rows of batches) {
    if (rows.length === 0) continue;
    const texts = rows.map((row) =>
      JSON.stringify(Object.fromEntries(names.map((name) => [name, cellOf(row[name]!)]))),
    );
    yield Buffer.from(`${before}\n${texts.join(",\n")}`);
    before = ",";
  }
  yield Buffer.from(before === "[" ? "[]\n" : "\n]\n");
}

/** What was written since the last time; its place in the file stays. */
function drain(writer: ByteWriter): Buffer {
  const bytes = Buffer.from(writer.getBytes());
  writer.index = 0;
  return bytes;
}

async function* parquetBytes<C extends TableColumns>(
  columns: C,
  batches: Batches<C>,
): AsyncGenerator<Buffer> {
  const sources = Object.entries(columns).map(([name, kind]) => ({
    name,
    kind,
    type: parquetTypes[kind],
    data: [] as Array<string | number | bigint | Date | null>,
  }));
  const writer = new ByteWriter();
  const file = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: sources.map(({ name, type }) => ({ name, type, data: [] })) }),
  });
  const writeGroup = async () => {
    await file.write({ columnData: sources, rowGroupSize: sources[0]!.data.length });
    for (const source of sources) source.data = [];
    return drain(writer);
  };
  for await (const rows of batches) {
    for (const row of rows) {
      for (const source of sources) source.data.push(parquetValue(row[source.name]!, source.kind));
    }
    if (sources[0]!.data.length >= rowsPerGroup) yield await writeGroup();
  }
  yield await writeGroup();
  await file.finish();
  yield drain(writer);
}

function parquetValue(value: string | number | null, kind: ColumnKind) {
  const cell = cellOf(value);
  if (typeof cell !== "number") return cell;
  return kind === "time" ? new Date(cell) : kind === "integer" ? BigInt(cell) : cell;
}
