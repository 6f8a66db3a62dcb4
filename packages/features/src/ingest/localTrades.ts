import { AppError } from "@tapedeck/core";
import { calendarOf } from "@tapedeck/trading/calendar/index";
import type { CalendarName } from "@tapedeck/trading/calendar/index";
import { createConverter } from "./convert.ts";
import { localSource } from "./localBars.ts";
import { openTable } from "./table.ts";

/** Trades of one instrument, in the file's order. */
export interface LocalTrades {
  readonly calendar: CalendarName;
  readonly timeMs: Float64Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
}

/**
 * Reads a CSV or Parquet file of this machine's trades as an import would. Throws `data.invalid` with the line at a row that
 * an import would refuse, and where the file holds several instruments. The calendar is guessed where none is given.
 */
export async function readLocalTrades(
  file: string,
  options: { now: () => number; calendar?: CalendarName | undefined },
): Promise<LocalTrades> {
  const table = await openTable(await localSource(file), {
    dataKind: "trades",
    ...(options.calendar === undefined ? {} : { instrument: { calendar: options.calendar } }),
  });
  const { mapping, names } = table;
  const calendar = calendarOf(mapping.calendar);
  const convert = createConverter({
    mapping,
    names,
    symbol: "ONE",
    calendarOfSymbol: () => calendar,
    now: options.now,
  });
  const [times, prices, sizes]: [number[], number[], number[]] = [[], [], []];
  let symbol: string | undefined;
  for await (const rows of await table.read(() => {})) {
    for (const row of rows) {
      const [item] = convert(row);
      const invalid = (message: string) =>
        new AppError("data.invalid", `${file} line ${row.line}: ${message}.`);
      if (item?.kind !== "trade") throw invalid(item?.kind === "rejected" ? item.message : "not a trade");
      symbol ??= item.symbol;
      if (item.symbol !== symbol) throw invalid(`a trade of ${item.symbol} among those of ${symbol}`);
      times.push(item.eventMs);
      prices.push(item.price);
      sizes.push(item.size);
    }
  }
  return {
    calendar: mapping.calendar,
    timeMs: Float64Array.from(times),
    price: Float64Array.from(prices),
    size: Float64Array.from(sizes),
  };
}
