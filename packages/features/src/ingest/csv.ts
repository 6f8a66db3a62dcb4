import { Readable } from "node:stream";
import { AppError } from "@tapedeck/core";
import { parse } from "csv-parse";
import { parse as parseSync } from "csv-parse/sync";
import type { MappingInput } from "./contract.ts";
import { isEmptyCell, parseNumber } from "./numbers.ts";
import { parseTime } from "./times.ts";

/** One row of a source. */
export interface RawRow {
  /** The first is 1. */
  line: number;
  cells: string[];
}

export interface Dialect {
  encoding: string;
  delimiter: string;
  decimal: "." | ",";
  header: boolean;
  /** Names of the columns: the header, or #1, #2 … */
  names: string[];
  guesses: { what: string; value: string; why: string }[];
}

/** A line or cell longer than this is not a table's. */
const maxRecordChars = 1 << 20;

function encodingOf(head: Buffer): string {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  try {
    // The last character may be cut.
    new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return "utf-8";
  } catch {
    return "windows-1252";
  }
}

/** Cells of the first lines; the last one may be cut and is left out when there are others. */
export function headRows(text: string, delimiter: string, whole: boolean): string[][] {
  const rows = parseSync(text, {
    delimiter,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    to: 1_001,
  }) as string[][];
  return whole || rows.length < 2 || rows.length > 1_000 ? rows.slice(0, 1_000) : rows.slice(0, -1);
}

function delimiterOf(text: string, whole: boolean): string {
  let best = { delimiter: ",", score: -1 };
  for (const delimiter of [",", ";", "\t", "|"]) {
    let rows: string[][];
    try {
      rows = headRows(text, delimiter, whole);
    } catch {
      continue;
    }
    const widths = rows.map((row) => row.length);
    const width = widths.toSorted((a, b) => a - b)[widths.length >> 1] ?? 0;
    const even = widths.filter((value) => value === width).length / Math.max(1, widths.length);
    const score = width < 2 ? 0 : even * 100 + Math.min(width, 20);
    if (score > best.score) best = { delimiter, score };
  }
  return best.delimiter;
}

function looksLikeValue(cell: string): boolean {
  return (
    !Number.isNaN(parseNumber(cell, ".")) ||
    !Number.isNaN(parseNumber(cell, ",")) ||
    parseTime(cell, "mdy") !== undefined ||
    parseTime(cell, "dmy") !== undefined
  );
}

function isHeader(rows: readonly string[][]): boolean {
  const first = rows[0]!;
  const names = first.filter((cell) => cell.trim() !== "" && !looksLikeValue(cell)).length;
  const below = rows
    .slice(1, 20)
    .flat()
    .filter((cell) => !isEmptyCell(cell));
  const values = below.filter(looksLikeValue).length;
  return names * 2 > first.length && (below.length === 0 || values * 3 > below.length);
}

/** `1,5` next to another delimiter is a decimal comma; `1,500.25` is not. */
function decimalOf(rows: readonly string[][], delimiter: string): "." | "," {
  if (delimiter === ",") {
    const cells = rows.slice(1, 200).flat();
    const commas = cells.filter(
      (cell) => /^[+-]?(\d{1,3}(\.\d{3})*|\d+),\d+$/.test(cell) && !/^\d{1,3}(,\d{3})+$/.test(cell),
    );
    return commas.length * 4 > cells.length ? "," : ".";
  }
  let comma = 0;
  let point = 0;
  for (const cell of rows.slice(1, 200).flat()) {
    if (/^[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+$/.test(cell) && !/^\d{1,3}(,\d{3})+$/.test(cell)) comma++;
    else if (/^[+-]?(\d{1,3}(,\d{3})+|\d+)\.\d+$/.test(cell) && !/^\d{1,3}(\.\d{3})+$/.test(cell)) point++;
  }
  return comma > point ? "," : ".";
}

/** Finds out how a text table is written, from its first bytes. */
export function readDialect(
  head: Buffer,
  whole: boolean,
  given: MappingInput,
  headerExpected: boolean,
): { dialect: Dialect; rows: RawRow[] } {
  const guesses: Dialect["guesses"] = [];
  const encoding = given.encoding ?? encodingOf(head);
  if (given.encoding === undefined && encoding !== "utf-8") {
    guesses.push({ what: "encoding", value: encoding, why: "the bytes are not UTF-8" });
  }
  const text = new TextDecoder(encoding).decode(head, { stream: !whole });
  if (text.includes("\0")) {
    throw new AppError("data.invalid", "The file is neither text nor Parquet: it holds zero bytes.");
  }
  const delimiter = given.delimiter ?? delimiterOf(text, whole);
  let rows: string[][];
  try {
    rows = headRows(text, delimiter, whole);
  } catch (error) {
    throw new AppError("data.invalid", `The file cannot be read as CSV: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  if (rows.length === 0) throw new AppError("data.invalid", "The file is empty.");
  if (delimiter !== "," && given.delimiter === undefined) {
    guesses.push({
      what: "delimiter",
      value: delimiter === "\t" ? "tab" : delimiter,
      why: "splits the first lines evenly",
    });
  }
  const header = given.header ?? (isHeader(rows) || (headerExpected && rows.length === 1));
  if (!header && given.header === undefined) {
    guesses.push({ what: "header", value: "none", why: "the first line holds values" });
  }
  const decimal = given.decimal ?? decimalOf(rows, delimiter);
  if (decimal === "," && given.decimal === undefined) {
    guesses.push({ what: "decimal", value: ",", why: "numbers like 1,5" });
  }
  const names = uniqueNames(
    header ? rows[0]!.map((cell) => cell.trim()) : rows[0]!.map((_, i) => `#${i + 1}`),
  );
  return {
    dialect: { encoding, delimiter, decimal, header, names, guesses },
    rows: rows.slice(header ? 1 : 0).map((cells, i) => ({ line: i + (header ? 2 : 1), cells })),
  };
}

/** Nameless columns are called by their place, doubles get it appended. */
export function uniqueNames(names: readonly string[]): string[] {
  return names.map((name, i) => {
    if (name === "") return `#${i + 1}`;
    return names.indexOf(name) === i ? name : `${name} #${i + 1}`;
  });
}

/** Rows after the header, in batches, as they are parsed: nothing is held. */
export async function* readCsv(
  bytes: AsyncIterable<Uint8Array>,
  dialect: Pick<Dialect, "encoding" | "delimiter" | "header">,
): AsyncGenerator<RawRow[]> {
  async function* decode(): AsyncGenerator<string> {
    const decoder = new TextDecoder(dialect.encoding);
    for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
    const rest = decoder.decode();
    if (rest !== "") yield rest;
  }
  const parser = parse({
    delimiter: dialect.delimiter,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    info: true,
    max_record_size: maxRecordChars,
    from: dialect.header ? 2 : 1,
  });
  const input = Readable.from(decode());
  input.on("error", (error) => parser.destroy(error));
  parser.on("close", () => input.destroy());
  input.pipe(parser);
  let batch: RawRow[] = [];
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: string[];
      info: { lines: number };
    }>) {
      batch.push({ line: info.lines, cells: record });
      if (batch.length === 1_000) {
        yield batch;
        batch = [];
      }
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith("CSV_") !== true) throw error;
    throw new AppError("data.invalid", `The file cannot be read to its end: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  if (batch.length > 0) yield batch;
}
