import { InstrumentId } from "@tapedeck/core";
import { addDays, intradayMs, isSessionTimeframe, sessionBarBounds } from "@tapedeck/trading/calendar/index";
import type { TradingCalendar } from "@tapedeck/trading/calendar/index";
import type { ActionRow } from "../series/contract.ts";
import type { ColumnRole, Mapping } from "./contract.ts";
import type { RawRow } from "./csv.ts";
import { isEmptyCell, parseNumber } from "./numbers.ts";
import { readTime } from "./mapping.ts";
import { wallInstant } from "./times.ts";
import type { ReadTime } from "./times.ts";

export interface Bar {
  kind: "bar";
  symbol: string;
  openMs: number;
  closeMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number | null;
}

export interface Trade {
  kind: "trade";
  symbol: string;
  eventMs: number;
  price: number;
  size: number;
  venue: string | null;
}

/** A factor file's level: holds for bars dated up to `date`. */
export interface Factor {
  kind: "factor";
  symbol: string;
  date: string;
  priceFactor: number;
  splitFactor: number;
}

export interface Action {
  kind: "action";
  symbol: string;
  action: ActionRow;
}

export interface Rejection {
  kind: "rejected";
  reason: string;
  message: string;
}

export type Item = Bar | Trade | Factor | Action;

export interface ConvertOptions {
  mapping: Mapping;
  names: readonly string[];
  /** Where the source has no symbol column. */
  symbol: string | undefined;
  /** Calendar of a symbol's instrument where it exists already. */
  calendarOfSymbol(symbol: string): TradingCalendar;
  now(): number;
}

const symbolPattern = /^[A-Z0-9^][A-Z0-9._^/-]{0,39}$/;

function rejected(reason: string, message: string): Rejection {
  return { kind: "rejected", reason, message };
}

/** `BTC / USDT` -> `BTC/USDT`; undefined where no symbol can be made. */
export function cleanSymbol(text: string): string | undefined {
  const symbol = text
    .trim()
    .toUpperCase()
    .replaceAll(/\s*\/\s*/g, "/")
    .replaceAll(/\s+/g, "-");
  return symbolPattern.test(symbol) && InstrumentId.safeParse(`${symbol}.LOCAL`).success ? symbol : undefined;
}

/** Bounds of the bar that the source's time stands for. */
export function barBounds(
  time: ReadTime,
  mapping: Mapping,
  calendar: TradingCalendar,
): { openMs: number; closeMs: number } {
  const { timeframe, stamp, timeZone } = mapping;
  if (isSessionTimeframe(timeframe)) {
    let { date } = time;
    if (time.kind === "instant") {
      // Midnight UTC names a date; any other instant lies in a session.
      if (time.ms % 86_400_000 === 0) date = new Date(time.ms).toISOString().slice(0, 10);
      else if (time.date === new Date(time.ms).toISOString().slice(0, 10)) date = calendar.dateOf(time.ms);
      if (stamp === "close" && calendar.id === "24x7" && time.ms % 86_400_000 === 0) date = addDays(date, -1);
    }
    const count = Number.parseInt(timeframe, 10);
    if (stamp === "close" && count > 1 && timeframe.endsWith("mo")) {
      const [year, month] = date.split("-").map(Number) as [number, number];
      date = new Date(Date.UTC(year, month - count, 1)).toISOString().slice(0, 10);
    }
    return sessionBarBounds(calendar, timeframe, date);
  }
  const length = intradayMs(timeframe);
  const at =
    time.kind === "instant"
      ? time.ms
      : wallInstant(time.date, time.kind === "wall" ? time.minutes : 0, timeZone);
  let openMs = stamp === "open" ? at : at - length;
  let closeMs = stamp === "open" ? at + length : at;
  // 23:59:59.999 of the same bar is how some sources write its close.
  if (stamp === "close" && at % 1_000 === 999) {
    openMs += 1;
    closeMs += 1;
  }
  if (calendar.id !== "24x7") {
    const session = calendar.session(calendar.dateOf(openMs + length / 2));
    if (session !== undefined) {
      if (openMs >= session.openMs && openMs < session.closeMs) closeMs = Math.min(closeMs, session.closeMs);
      else if (openMs < session.openMs && closeMs > session.openMs && stamp === "close")
        openMs = session.openMs;
    }
  }
  return { openMs, closeMs };
}

/** Turns rows of the source into items, or says why not. */
export function createConverter(options: ConvertOptions): (row: RawRow) => (Item | Rejection)[] {
  const { mapping, names, now } = options;
  const place = (role: ColumnRole): number =>
    mapping.columns[role] === undefined ? -1 : names.indexOf(mapping.columns[role]);
  const at = Object.fromEntries(
    (Object.keys(mapping.columns) as ColumnRole[]).map((role) => [role, place(role)]),
  ) as Partial<Record<ColumnRole, number>>;
  const wide = mapping.symbolColumns.map((name) => ({ at: names.indexOf(name), symbol: cleanSymbol(name) }));
  const priceRole: ColumnRole = at.close === undefined ? "price" : "close";

  const text = (row: RawRow, role: ColumnRole): string | undefined => {
    const column = at[role];
    if (column === undefined) return undefined;
    const cell = row.cells[column];
    return cell === undefined || isEmptyCell(cell) ? "" : cell;
  };
  const number = (row: RawRow, role: ColumnRole): number =>
    parseNumber(text(row, role) ?? "", mapping.decimal);

  function symbolOf(row: RawRow): string | Rejection {
    const cell = text(row, "symbol");
    if (cell === undefined) return options.symbol!;
    if (cell === "") return rejected("symbol.missing", "the row has no symbol");
    return cleanSymbol(cell) ?? rejected("symbol.invalid", `"${cell}" cannot be a symbol`);
  }

  function timeOf(row: RawRow): ReadTime | Rejection {
    const date = text(row, "date");
    if (date === undefined || date === "") return rejected("time.missing", "the row has no time");
    const time = readTime(date, text(row, "time"), mapping.dateOrder);
    return time ?? rejected("time.invalid", `"${date}" is not a time`);
  }

  function readNumber(row: RawRow, role: ColumnRole): number | Rejection {
    const cell = text(row, role);
    if (cell === undefined || cell === "") return rejected("price.missing", `there is no ${role}`);
    const value = parseNumber(cell, mapping.decimal);
    return Number.isNaN(value) ? rejected("price.invalid", `the ${role} "${cell}" is not a number`) : value;
  }

  function volumeOf(row: RawRow): number | null | Rejection {
    const cell = text(row, "volume");
    if (cell === undefined || cell === "") return null;
    const value = parseNumber(cell, mapping.decimal);
    if (Number.isNaN(value)) return rejected("volume.invalid", `the volume "${cell}" is not a number`);
    return value < 0 ? rejected("volume.invalid", `the volume ${value} is negative`) : value;
  }

  function bar(
    symbol: string,
    time: ReadTime,
    prices: [number, number, number, number],
    volume: number | null,
  ): Item | Rejection {
    const [open, high, low, close] = prices;
    if (high < Math.max(open, close, low) || low > Math.min(open, close)) {
      return rejected(
        "ohlc.violation",
        `open ${open}, high ${high}, low ${low}, close ${close}: the high is not the highest or the low not the lowest`,
      );
    }
    const { openMs, closeMs } = barBounds(time, mapping, options.calendarOfSymbol(symbol));
    if (closeMs > now()) {
      return rejected(
        "notClosed",
        `the bar closes at ${new Date(closeMs).toISOString()}, which has not come yet`,
      );
    }
    return { kind: "bar", symbol, openMs, closeMs, open, high, low, close, volume };
  }

  function bars(row: RawRow): (Item | Rejection)[] {
    const time = timeOf(row);
    if (time.kind === "rejected") return [time];
    if (mapping.layout === "wide") {
      return wide.flatMap(({ at: column, symbol }): (Item | Rejection)[] => {
        const cell = row.cells[column];
        if (cell === undefined || isEmptyCell(cell)) return [];
        if (symbol === undefined)
          return [rejected("symbol.invalid", `"${names[column]}" cannot be a symbol`)];
        const price = parseNumber(cell, mapping.decimal);
        if (Number.isNaN(price))
          return [rejected("price.invalid", `the price "${cell}" of ${symbol} is not a number`)];
        return [bar(symbol, time, [price, price, price, price], null)];
      });
    }
    const symbol = symbolOf(row);
    if (typeof symbol !== "string") return [symbol];
    const close = readNumber(row, priceRole);
    if (typeof close !== "number") return [close];
    const volume = volumeOf(row);
    if (volume !== null && typeof volume !== "number") return [volume];
    if (mapping.priceOnly) return [bar(symbol, time, [close, close, close, close], volume)];
    const prices: number[] = [];
    for (const role of ["open", "high", "low"] as const) {
      const value = readNumber(row, role);
      if (typeof value !== "number") return [value];
      prices.push(value);
    }
    return [bar(symbol, time, [prices[0]!, prices[1]!, prices[2]!, close], volume)];
  }

  function trade(row: RawRow): Item | Rejection {
    const time = timeOf(row);
    if (time.kind === "rejected") return time;
    const symbol = symbolOf(row);
    if (typeof symbol !== "string") return symbol;
    const price = readNumber(row, "price");
    if (typeof price !== "number") return price;
    const size = number(row, "size");
    if (!(size > 0))
      return rejected("size.invalid", `the size "${text(row, "size") ?? ""}" is not a positive number`);
    const eventMs =
      time.kind === "instant"
        ? time.ms
        : wallInstant(time.date, time.kind === "wall" ? time.minutes : 0, mapping.timeZone);
    const venue = text(row, "exchange");
    return {
      kind: "trade",
      symbol,
      eventMs,
      price,
      size,
      venue: venue === undefined || venue === "" ? null : venue,
    };
  }

  function factor(row: RawRow): Item | Rejection {
    const time = timeOf(row);
    if (time.kind === "rejected") return time;
    const symbol = symbolOf(row);
    if (typeof symbol !== "string") return symbol;
    const [priceFactor, splitFactor] = [number(row, "priceFactor"), number(row, "splitFactor")];
    if (!(priceFactor > 0 && splitFactor > 0)) {
      return rejected("action.invalid", "the price factor and the split factor must be positive numbers");
    }
    return { kind: "factor", symbol, date: time.date, priceFactor, splitFactor };
  }

  /** `4:1`, `4/1`, `4 for 1` or 4: new shares for one old. */
  function ratioOf(cell: string): number {
    const parts = cell.split(/\s*(?::|\/|for|-for-)\s*/i);
    if (parts.length === 2)
      return parseNumber(parts[0]!, mapping.decimal) / parseNumber(parts[1]!, mapping.decimal);
    return parseNumber(cell, mapping.decimal);
  }

  function action(row: RawRow): (Item | Rejection)[] {
    const time = timeOf(row);
    if (time.kind === "rejected") return [time];
    const symbol = symbolOf(row);
    if (typeof symbol !== "string") return [symbol];
    const named = (text(row, "action") ?? "").toLowerCase();
    const [ratioText, amountText] = [text(row, "ratio") ?? "", text(row, "amount") ?? ""];
    const none = { ratio: null, amount: null, currency: null, priceRatio: null, splitRatio: null };
    const exMs = Date.parse(time.date);
    const items: Item[] = [];
    const split = /split/.test(named);
    const dividend = /div|cash/.test(named);
    const ratio = ratioOf(split && ratioText === "" ? amountText : ratioText);
    const amount = parseNumber(dividend && amountText === "" ? ratioText : amountText, mapping.decimal);
    // A source with a column for each writes 0 (or 1) where there was none.
    if (!dividend && ratio > 0 && ratio !== 1) {
      items.push({ kind: "action", symbol, action: { ...none, exMs, kind: "split", ratio } });
    }
    if (!split && amount > 0) {
      const currency = text(row, "currency");
      items.push({
        kind: "action",
        symbol,
        action: {
          ...none,
          exMs,
          kind: "dividend",
          amount,
          currency: currency === undefined || currency === "" ? null : currency,
        },
      });
    }
    if (items.length > 0) return items;
    return [rejected("action.invalid", "the row holds neither a split ratio nor a dividend above zero")];
  }

  return (row) => {
    if (mapping.dataKind === "trades") return [trade(row)];
    if (mapping.dataKind === "factors") return [factor(row)];
    return mapping.dataKind === "actions" ? action(row) : bars(row);
  };
}

/** A factor file's levels, in order of date, as the ratios between them. The last level is compared with 1. */
export function actionsOfFactors(levels: readonly Factor[]): ActionRow[] {
  const sorted = levels.toSorted((a, b) => (a.date < b.date ? -1 : 1));
  return sorted.flatMap((level, i): ActionRow[] => {
    const next = sorted[i + 1] ?? { priceFactor: 1, splitFactor: 1 };
    const priceRatio = level.priceFactor / next.priceFactor;
    const splitRatio = level.splitFactor / next.splitFactor;
    if (priceRatio === 1 && splitRatio === 1) return [];
    return [
      {
        exMs: Date.parse(addDays(level.date, 1)),
        kind: "factor",
        ratio: null,
        amount: null,
        currency: null,
        priceRatio,
        splitRatio,
      },
    ];
  });
}
