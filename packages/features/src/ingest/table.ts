import { createHash } from "node:crypto";
import type { IngestPayload, Mapping } from "./contract.ts";
import { readCsv, readDialect, uniqueNames } from "./csv.ts";
import type { Dialect, RawRow } from "./csv.ts";
import { layoutOf, withLayout } from "./layouts.ts";
import { guessMapping } from "./mapping.ts";
import { withPreset } from "./options.ts";
import { openParquet, readParquet } from "./parquet.ts";
import { headOf, readAll, unpacked } from "./source.ts";
import type { ByteSource } from "./source.ts";

const headBytes = 512 * 1024;
const sampleRows = 1_000;

type Options = Pick<IngestPayload, "dataKind" | "instrument" | "mapping" | "timeframe" | "format">;

/** A source that is ready to be read. */
export interface OpenTable {
  mapping: Mapping;
  /** What was said, and what a known layout says beside it. */
  options: Options;
  names: string[];
  /** The first rows. */
  head: RawRow[];
  /** All rows from the first, in batches. `onBytes` counts stored bytes read. */
  read(onBytes: (bytes: number) => void): Promise<AsyncIterable<RawRow[]>>;
  /** sha256 of the stored bytes, once all were read. */
  sha256(): Promise<string>;
}

async function formatOf(source: ByteSource, given: Options["format"]): Promise<"csv" | "parquet"> {
  if (given !== undefined) return given;
  const magic = await readAll(source.read(0, Math.min(4, source.bytes)));
  return magic.toString("latin1") === "PAR1" ? "parquet" : "csv";
}

export async function openTable<T extends Options>(
  source: ByteSource,
  options: T,
): Promise<OpenTable & { options: T }> {
  return (await formatOf(source, options.format)) === "parquet"
    ? openParquetTable(source, options)
    : openCsvTable(source, options);
}

async function openCsvTable<T extends Options>(
  source: ByteSource,
  given: T,
): Promise<OpenTable & { options: T }> {
  const head = await headOf(source, headBytes);
  const read = readDialect(head, head.length < headBytes, given.mapping ?? {}, true);
  const layout =
    given.dataKind === "bars" ? layoutOf(read.dialect.names, read.rows, source.filename) : undefined;
  const options = withPreset(given, layout?.options);
  const { dialect, rows } = layout === undefined ? read : withLayout(layout, read.dialect, read.rows);
  const mapping = guessMapping({ format: "csv", dialect, rows, filename: source.filename }, options);
  let digest: string | undefined;
  return {
    mapping,
    options,
    names: dialect.names,
    head: rows,
    async read(onBytes) {
      const hash = createHash("sha256");
      const bytes = await unpacked(source, onBytes, hash);
      async function* batches(): AsyncGenerator<RawRow[]> {
        for await (const batch of readCsv(bytes, read.dialect))
          yield layout === undefined ? batch : withLayout(layout, read.dialect, batch).rows;
        digest = hash.digest("hex");
      }
      return batches();
    },
    sha256: async () => digest ?? hashOf(source),
  };
}

async function openParquetTable<T extends Options>(
  source: ByteSource,
  options: T,
): Promise<OpenTable & { options: T }> {
  const parquet = await openParquet(source);
  const cells = parquet.rows === 0 ? [] : await parquet.read(0, Math.min(sampleRows, parquet.rows));
  const head = cells.map((row, i) => ({ line: i + 1, cells: row }));
  const dialect: Dialect = {
    encoding: "utf-8",
    delimiter: ",",
    decimal: ".",
    header: true,
    names: uniqueNames(parquet.names),
    guesses: [],
  };
  const mapping = guessMapping(
    { format: "parquet", dialect, rows: head, filename: source.filename },
    options,
  );
  return {
    mapping,
    options,
    names: dialect.names,
    head,
    async read(onBytes) {
      async function* batches(): AsyncGenerator<RawRow[]> {
        let told = 0;
        for await (const batch of readParquet(parquet)) {
          const done = Math.round((batch.at(-1)!.line / parquet.rows) * source.bytes);
          onBytes(done - told);
          told = done;
          yield batch;
        }
      }
      return batches();
    },
    sha256: () => hashOf(source),
  };
}

async function hashOf(source: ByteSource): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of source.read(0, source.bytes)) hash.update(chunk);
  return hash.digest("hex");
}
