import path from "node:path";
import { AppError, timeframeMs } from "@tapedeck/core";
import { calendarOf } from "@tapedeck/trading/calendar/index";
import type { CalendarName } from "@tapedeck/trading/calendar/index";
import { barBounds } from "./convert.ts";
import type { ColumnRole, Mapping } from "./contract.ts";
import type { RawRow } from "./csv.ts";
import { readTime } from "./mapping.ts";
import { isEmptyCell, parseNumber } from "./numbers.ts";
import { fileSource } from "./source.ts";
import type { ByteSource } from "./source.ts";
import { openTable } from "./table.ts";
import type { OpenTable } from "./table.ts";

const columnNames = ["openMs", "closeMs", "open", "high", "low", "close", "volume"] as const;
const valueRoles = ["open", "high", "low", "close", "volume"] as const;

/** Bars of one file, oldest first; every row is one, whatever its prices say of each other. */
export interface LocalBars {
  readonly length: number;
  /** As the file writes them, date and time of day joined by a space. */
  readonly times: readonly string[];
  readonly timeframe: string;
  readonly timeframeMs: number;
  readonly calendar: CalendarName;
  /** Empty cells, and the volume where there is no such column, are NaN; missing prices are the close. */
  readonly columns: Readonly<Record<(typeof columnNames)[number], Float64Array>>;
}

interface LocalBar extends Record<(typeof columnNames)[number], number> {
  readonly time: string;
  readonly line: number;
}

/**
 * Reads a CSV or Parquet file of this machine as an import would: the same guesses of delimiter, decimal mark,
 * columns, times, time zone, timeframe and calendar. Throws `data.invalid` with the line at a cell that is neither
 * empty nor readable, at two bars of one time, and where the file holds several instruments.
 */
export async function readLocalBars(file: string): Promise<LocalBars> {
  const table = await openBars(await localSource(file));
  if (table.mapping.layout === "wide") {
    throw new AppError("data.invalid", `${file} has a column a symbol; a file of one instrument is needed.`);
  }
  const toBar = createReader(file, table.mapping, table.names);
  const bars: LocalBar[] = [];
  for await (const rows of await table.read(() => {})) for (const row of rows) bars.push(toBar(row));
  bars.sort((a, b) => a.openMs - b.openMs);
  bars.forEach((bar, i) => {
    if (i > 0 && bar.openMs === bars[i - 1]!.openMs) {
      throw new AppError(
        "data.invalid",
        `${file} lines ${bars[i - 1]!.line} and ${bar.line} are bars of the same time.`,
      );
    }
  });
  const { timeframe, calendar } = table.mapping;
  return {
    length: bars.length,
    times: bars.map((bar) => bar.time),
    timeframe,
    timeframeMs: timeframeMs(timeframe),
    calendar,
    columns: Object.fromEntries(
      columnNames.map((name) => [name, Float64Array.from(bars, (bar) => bar[name])]),
    ) as LocalBars["columns"],
  };
}

/** One row does not tell the length of its bar: it is taken for a day's. */
async function openBars(source: ByteSource): Promise<OpenTable> {
  const daily = await openTable(source, { dataKind: "bars", timeframe: "1d" });
  return daily.head.length < 2 ? daily : openTable(source, { dataKind: "bars" });
}

/** A file of this machine. Throws `data.missing` where it cannot be opened. */
export async function localSource(file: string): Promise<ByteSource> {
  try {
    return await fileSource(path.resolve(file), file);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new AppError("data.missing", `cannot read ${file} (${code})`, { cause: error });
  }
}

function createReader(file: string, mapping: Mapping, names: readonly string[]): (row: RawRow) => LocalBar {
  const calendar = calendarOf(mapping.calendar);
  const places = Object.fromEntries(
    Object.entries(mapping.columns).map(([role, name]) => [role, names.indexOf(name)]),
  ) as Partial<Record<ColumnRole, number>>;
  const closeAt = places.close ?? places.price!;
  let symbol: string | undefined;
  const invalid = (row: RawRow, message: string) =>
    new AppError("data.invalid", `${file} line ${row.line}: ${message}.`);
  const cellAt = (row: RawRow, place: number | undefined): string => {
    const cell = place === undefined ? "" : (row.cells[place] ?? "").trim();
    return isEmptyCell(cell) ? "" : cell;
  };
  const valueOf = (row: RawRow, role: (typeof valueRoles)[number]): number => {
    const place = places[role] ?? (role === "volume" ? undefined : closeAt);
    const cell = cellAt(row, place);
    const value = cell === "" ? Number.NaN : parseNumber(cell, mapping.decimal);
    if (cell !== "" && Number.isNaN(value)) throw invalid(row, `${names[place!]} "${cell}" is not a number`);
    return value;
  };
  const checkSymbol = (row: RawRow): void => {
    if (places.symbol === undefined) return;
    const cell = cellAt(row, places.symbol);
    symbol ??= cell;
    if (cell !== symbol) {
      throw invalid(row, `a bar of ${cell} among those of ${symbol}; a file of one instrument is needed`);
    }
  };
  return (row) => {
    checkSymbol(row);
    const date = cellAt(row, places.date);
    const clock = places.time === undefined ? undefined : cellAt(row, places.time);
    const time = readTime(date, clock, mapping.dateOrder);
    if (time === undefined) throw invalid(row, `"${date}" is not a time`);
    return {
      line: row.line,
      time: clock === undefined ? date : `${date} ${clock}`,
      ...barBounds(time, mapping, calendar),
      ...(Object.fromEntries(valueRoles.map((role) => [role, valueOf(row, role)])) as Record<
        (typeof valueRoles)[number],
        number
      >),
    };
  };
}
