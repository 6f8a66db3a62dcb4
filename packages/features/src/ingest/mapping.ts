import { AppError } from "@tapedeck/core";
import type { ColumnRole, IngestPayload, Mapping } from "./contract.ts";
import { columnRoles } from "./contract.ts";
import type { Dialect, RawRow } from "./csv.ts";
import { isEmptyCell, parseNumber } from "./numbers.ts";
import { rolesByName } from "./roles.ts";
import { parseTime, zoneOffset } from "./times.ts";
import type { DateOrder, ReadTime } from "./times.ts";
import { calendarOfTimes, share, stampOf, timeframeOf, zoneOf } from "./timing.ts";
import type { Guess, SampleTime } from "./timing.ts";

type Options = Pick<IngestPayload, "dataKind" | "instrument" | "mapping" | "timeframe">;
type Columns = Partial<Record<ColumnRole, string>>;

export interface Table {
  format: "csv" | "parquet";
  dialect: Dialect;
  /** The first rows after the header. */
  rows: readonly RawRow[];
  filename: string;
}

/** Finds out what a table's columns and times mean. Throws `data.invalid` where it cannot, saying what to tell it. */
export function guessMapping(table: Table, options: Options): Mapping {
  const { dialect, rows } = table;
  const { names } = dialect;
  const given = options.mapping ?? {};
  const guesses: Guess[] = [...dialect.guesses];
  for (const name of Object.values(given.columns ?? {})) {
    if (!names.includes(name)) {
      throw new AppError(
        "payload.invalid",
        `mapping.columns names "${name}", but the columns are ${list(names)}.`,
        {
          details: { columns: names },
        },
      );
    }
  }

  const columns = findColumns(table, options, guesses);
  requireColumn(names, columns, ["date"]);
  const dateOrder = given.dateOrder ?? orderOf(table, columns, guesses);
  const wide = findWide(table, options, columns, guesses);
  if (wide.layout === "long") {
    for (const roles of needed[options.dataKind]) requireColumn(names, columns, roles);
  }

  const times = sampleTimes(table, columns, dateOrder);
  if (times.length === 0) {
    throw new AppError(
      "data.invalid",
      `No time in column "${columns.date}" can be read (such as "${cell(table, rows[0], columns.date!)}"). Name another with mapping.columns.date.`,
      { details: { columns: names } },
    );
  }
  if (given.timeZone !== undefined) checkZone(given.timeZone);
  const bars = options.dataKind === "bars" || options.dataKind === "fx";
  const timeframe = bars
    ? (options.timeframe ?? timeframeOf(times, guesses))
    : options.dataKind === "trades"
      ? "tick"
      : "1d";
  const calendar =
    options.instrument?.calendar ?? calendarOfTimes(options, times, timeframe, table.filename, guesses);
  const timeZone = given.timeZone ?? zoneOf(times, calendar, guesses);
  const stamp = given.stamp ?? stampOf(columns.date!, times, timeframe, calendar, timeZone, guesses);
  const used = new Set([...Object.values(columns), ...wide.symbolColumns]);
  return {
    format: table.format,
    dataKind: options.dataKind,
    columns,
    unused: names.filter((name) => !used.has(name)),
    ...wide,
    header: dialect.header,
    delimiter: dialect.delimiter,
    decimal: dialect.decimal,
    encoding: dialect.encoding,
    dateOrder,
    stamp,
    timeZone,
    timeframe,
    calendar,
    priceOnly:
      bars &&
      (wide.layout === "wide" ||
        columns.open === undefined ||
        columns.high === undefined ||
        columns.low === undefined),
    guesses,
  };
}

function checkZone(timeZone: string): void {
  try {
    zoneOffset(timeZone, 0);
  } catch (error) {
    throw new AppError(
      "payload.invalid",
      `There is no time zone "${timeZone}"; use an IANA name such as Europe/Berlin.`,
      { cause: error },
    );
  }
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => `"${name}"`);
  return names.length > 20 ? `${shown.join(", ")} and ${names.length - 20} more` : shown.join(", ");
}

function cell(table: Table, row: RawRow | undefined, name: string): string {
  return row?.cells[table.dialect.names.indexOf(name)] ?? "";
}

function values(table: Table, name: string): string[] {
  return table.rows.map((row) => cell(table, row, name)).filter((text) => !isEmptyCell(text));
}

function isTime(text: string): boolean {
  return parseTime(text, "mdy") !== undefined || parseTime(text, "dmy") !== undefined;
}

function isNumeric(table: Table, name: string): boolean {
  return share(values(table, name), (text) => !Number.isNaN(parseNumber(text, table.dialect.decimal))) >= 0.9;
}

function findColumns(table: Table, options: Options, guesses: Guess[]): Columns {
  const { names, header } = table.dialect;
  const given = options.mapping?.columns ?? {};
  const named = header ? rolesByName(names, options.dataKind) : {};
  const taken = new Set(Object.values(given));
  const columns: Columns = {};
  for (const role of columnRoles) {
    const name = given[role] ?? (taken.has(named[role] ?? "") ? undefined : named[role]);
    if (name === undefined) continue;
    columns[role] = name;
    if (given[role] === undefined) guesses.push({ what: `columns.${role}`, value: name, why: "by its name" });
  }
  // A caller that names a price wants that one, not a close that happens to be there.
  if (given.price !== undefined && given.close === undefined) delete columns.close;
  if (columns.date === undefined && columns.time !== undefined) {
    columns.date = columns.time;
    delete columns.time;
  }
  const free = (): string[] => names.filter((name) => !Object.values(columns).includes(name));
  if (columns.date === undefined) {
    const name = free().find(
      (candidate) => share(values(table, candidate), isTime) >= 0.9 && values(table, candidate).length > 0,
    );
    if (name !== undefined) {
      columns.date = name;
      guesses.push({ what: "columns.date", value: name, why: "its values are times" });
    }
  }
  if (!header) findByValues(table, options, columns, free, guesses);
  return columns;
}

/** Without a header: by order and by what holds between the columns. */
function findByValues(
  table: Table,
  options: Options,
  columns: Columns,
  free: () => string[],
  guesses: Guess[],
): void {
  const assign = (role: ColumnRole, name: string | undefined, why: string): void => {
    if (name === undefined || columns[role] !== undefined) return;
    columns[role] = name;
    guesses.push({ what: `columns.${role}`, value: name, why });
  };
  if (
    columns.date !== undefined &&
    share(values(table, columns.date), (text) => parseTime(text, "mdy")?.kind === "date") > 0.9
  ) {
    assign(
      "time",
      free().find(
        (name) =>
          values(table, name).length > 0 &&
          share(values(table, name), (text) => /^\d{1,2}:\d{2}/.test(text)) >= 0.9,
      ),
      "its values are times of day",
    );
  }
  const text = free().find(
    (name) =>
      values(table, name).length > 0 &&
      share(
        values(table, name),
        (value) => /[a-z]/i.test(value) && Number.isNaN(parseNumber(value, table.dialect.decimal)),
      ) >= 0.9,
  );
  if (text !== undefined && options.dataKind !== "trades") assign("symbol", text, "its values are words");
  const numeric = free().filter((name) => values(table, name).length > 0 && isNumeric(table, name));
  if (options.dataKind === "factors") {
    (["priceFactor", "splitFactor", "reference"] as const).forEach((role, i) =>
      assign(role, numeric[i], "by its place"),
    );
    return;
  }
  if (options.dataKind === "trades") {
    (["price", "size"] as const).forEach((role, i) => assign(role, numeric[i], "by its place"));
    assign("exchange", text, "its values are words");
    return;
  }
  if (numeric.length >= 4) {
    const [open, high, low, close, volume] = numeric;
    const number = (row: RawRow, name: string): number =>
      parseNumber(cell(table, row, name), table.dialect.decimal);
    const holds = share(table.rows, (row) => {
      const [o, h, l, c] = [open!, high!, low!, close!].map((name) => number(row, name)) as [
        number,
        number,
        number,
        number,
      ];
      return h >= Math.max(o, c, l) && l <= Math.min(o, c);
    });
    if (holds >= 0.9) {
      const why = "four columns in which the second is the highest and the third the lowest";
      assign("open", open, why);
      assign("high", high, why);
      assign("low", low, why);
      assign("close", close, why);
      assign("volume", volume, "the number after the close");
      return;
    }
  }
  assign("price", numeric[0], "the first number");
}

function findWide(
  table: Table,
  options: Options,
  columns: Columns,
  guesses: Guess[],
): { layout: "long" | "wide"; symbolColumns: string[] } {
  const long = { layout: "long" as const, symbolColumns: [] };
  if ((options.dataKind !== "bars" && options.dataKind !== "fx") || options.mapping?.layout === "long")
    return long;
  const priced = columns.close !== undefined || columns.price !== undefined;
  if ((priced || columns.symbol !== undefined || !table.dialect.header) && options.mapping?.layout !== "wide")
    return long;
  const used = new Set(Object.values(columns));
  const symbolColumns = table.dialect.names.filter(
    (name) =>
      (!used.has(name) || options.mapping?.layout === "wide") &&
      name !== columns.date &&
      name !== columns.time &&
      isNumeric(table, name) &&
      values(table, name).length > 0,
  );
  if (symbolColumns.length === 0) return long;
  if (options.instrument?.symbol !== undefined) {
    if (symbolColumns.length === 1) {
      columns.price = symbolColumns[0]!;
      guesses.push({ what: "columns.price", value: symbolColumns[0]!, why: "the only column of numbers" });
      return long;
    }
    throw new AppError(
      "payload.invalid",
      `Which column is ${options.instrument.symbol}? ${list(symbolColumns)} hold numbers: name one with mapping.columns.close, or leave instrument.symbol out to import each as its own symbol.`,
      { details: { columns: symbolColumns } },
    );
  }
  for (const role of ["open", "high", "low", "volume", "adjclose"] as const) delete columns[role];
  guesses.push({
    what: "layout",
    value: "wide",
    why: `a date and a column of numbers for each of ${list(symbolColumns)}`,
  });
  return { layout: "wide", symbolColumns };
}

/** Besides the date. */
const needed: Record<Options["dataKind"], readonly (readonly ColumnRole[])[]> = {
  bars: [["close", "price"]],
  fx: [["close", "price"]],
  trades: [["price"], ["size"]],
  actions: [["ratio", "amount"]],
  factors: [["priceFactor"], ["splitFactor"]],
};

/** One of the roles must have a column. */
function requireColumn(names: readonly string[], columns: Columns, roles: readonly ColumnRole[]): void {
  if (roles.some((role) => columns[role] !== undefined)) return;
  throw new AppError(
    "data.invalid",
    `No column for the ${roles.join(" or ")} was found among ${list(names)}. Name it with mapping.columns.${roles[0]}.`,
    { details: { columns: names, missing: roles } },
  );
}

/** mdy or dmy, for dates that could be both: the one under which all parse, then the one that runs in order. */
function orderOf(table: Table, columns: Columns, guesses: Guess[]): DateOrder {
  if (columns.date === undefined) return "mdy";
  const texts = values(table, columns.date).slice(0, 500);
  if (!texts.some((text) => /^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}/.test(text))) return "mdy";
  const score = (order: DateOrder): number => {
    const dates = texts.map((text) => parseTime(text, order)?.date);
    const read = dates.filter((date) => date !== undefined).map((date) => Date.parse(date));
    let steps = 0;
    for (let i = 1; i < read.length; i++) steps += Math.abs(read[i]! - read[i - 1]!);
    return read.length * 1e15 - steps;
  };
  const dmy = score("dmy") > score("mdy");
  guesses.push({
    what: "dateOrder",
    value: dmy ? "dmy" : "mdy",
    why: `read so, ${dmy ? "days come first and" : "months come first and"} the dates follow each other most closely`,
  });
  return dmy ? "dmy" : "mdy";
}

/** The time of a row; the date's and the time's columns together where there are two. */
export function readTime(date: string, time: string | undefined, order: DateOrder): ReadTime | undefined {
  const read = parseTime(date, order);
  if (time === undefined || read === undefined || read.kind !== "date") return read;
  return parseTime(`${read.date} ${/^\d{3}$|^\d{5}$/.test(time) ? `0${time}` : time}`, order);
}

function sampleTimes(table: Table, columns: Columns, order: DateOrder): SampleTime[] {
  const times: SampleTime[] = [];
  for (const row of table.rows) {
    const text = cell(table, row, columns.date!);
    const time = readTime(
      text,
      columns.time === undefined ? undefined : cell(table, row, columns.time),
      order,
    );
    if (time === undefined) continue;
    times.push({ symbol: columns.symbol === undefined ? "" : cell(table, row, columns.symbol), time });
  }
  return times;
}

const filler =
  /^(\d{6,8}|\d+(s|m|min|h|d|w|mo)|trades?|ticks?|daily|hourly|minute|weekly|monthly|bars?|ohlcv?|data|prices?|history|historical|csv|factors?|actions?|dividends?|splits?)$/i;

/** `SPY-trades-20131008.csv.gz` -> SPY. Undefined where nothing is left. */
export function symbolOfFilename(filename: string): string | undefined {
  const bare = filename.replace(/(\.(csv|tsv|txt|parquet|pq|gz|zst))+$/i, "");
  const kept = bare.split(/[\s_-]+/).filter((part) => part !== "" && !filler.test(part));
  const symbol = kept.join("-").toUpperCase();
  return /^[A-Z0-9^][A-Z0-9._^/-]{0,39}$/.test(symbol) ? symbol : undefined;
}
