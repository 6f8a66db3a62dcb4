import { AppError, dayMs } from "@tapedeck/core";
import { createTimeBars } from "@tapedeck/quant";
import {
  calendarOf,
  intradayMs,
  isSessionTimeframe,
  sessionsBetween,
} from "@tapedeck/trading/calendar/index";
import type { Db } from "../db.ts";
import type { Instrument, SeriesColumns } from "./contract.ts";
import { loadTradePage, loadTradeSpan } from "./store.ts";

const pageRows = 20_000;

interface TradeRequest {
  fromMs: number | undefined;
  toMs: number | undefined;
  asOfMs: number;
}

/** The sessions that stored trades and a range have in common; undefined where no trades are stored. */
async function sessionsOf(db: Db, instrument: Instrument, { fromMs, toMs }: TradeRequest) {
  const span = await loadTradeSpan(db, instrument);
  if (span === undefined) return undefined;
  const calendar = calendarOf(instrument.calendar);
  return [
    ...sessionsBetween(
      calendar,
      calendar.dateOf(Math.max(span.fromMs, fromMs ?? -Infinity)),
      calendar.dateOf(Math.min(span.toMs, toMs ?? Infinity)),
    ),
  ];
}

/** Visible trades of a range in order, some thousands at a time. */
async function* tradePages(db: Db, instrument: Instrument, { fromMs, toMs, asOfMs }: TradeRequest) {
  let after: { eventMs: number; ordinal: number } | undefined;
  for (;;) {
    const page = await loadTradePage(db, instrument, { fromMs, toMs, asOfMs, after, limit: pageRows });
    if (page.length === 0) return;
    yield {
      timeMs: Float64Array.from(page, (trade) => trade.eventMs),
      price: Float64Array.from(page, (trade) => trade.price),
      size: Float64Array.from(page, (trade) => trade.size),
    };
    after = page.at(-1)!;
  }
}

/**
 * Stored trades inside their calendar's sessions, a row each, those of one millisecond in their order: both times are the trade's, the
 * four prices its price. Undefined where no trades are stored. Throws AppError `payload.tooLarge` for more than `most`.
 */
export async function printsOf(
  db: Db,
  instrument: Instrument,
  request: TradeRequest,
  most: number,
): Promise<SeriesColumns | undefined> {
  const sessions = await sessionsOf(db, instrument, request);
  if (sessions === undefined) return undefined;
  const pages: Array<{ timeMs: Float64Array; price: Float64Array; size: Float64Array }> = [];
  let rows = 0;
  let at = 0;
  for await (const { timeMs, price, size } of tradePages(db, instrument, request)) {
    const inside = Array.from(timeMs.keys()).filter((i) => {
      while (at < sessions.length && sessions[at]!.closeMs <= timeMs[i]!) at++;
      return at < sessions.length && timeMs[i]! >= sessions[at]!.openMs;
    });
    rows += inside.length;
    if (rows > most) {
      throw new AppError(
        "payload.tooLarge",
        `The range holds more than ${most.toLocaleString("en-US")} trades; ask for a shorter one.`,
      );
    }
    const pick = (column: Float64Array) => Float64Array.from(inside, (i) => column[i]!);
    pages.push({ timeMs: pick(timeMs), price: pick(price), size: pick(size) });
  }
  const join = (name: "timeMs" | "price" | "size") => {
    const column = new Float64Array(rows);
    let offset = 0;
    for (const page of pages) {
      column.set(page[name], offset);
      offset += page[name].length;
    }
    return column;
  };
  const [timeMs, price] = [join("timeMs"), join("price")];
  return {
    openMs: timeMs,
    closeMs: timeMs,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: join("size"),
  };
}

/**
 * Bars of an instrument's stored trades, as far as they are visible at `asOfMs`: days by its calendar's sessions, shorter
 * ones counted from each session's open. Trades outside sessions are in none, a bucket without trades makes none, and one
 * that ends after `asOfMs` is still open. Undefined where no trades are stored.
 */
export async function barsOfTrades(
  db: Db,
  instrument: Instrument,
  request: TradeRequest & { timeframe: string },
): Promise<SeriesColumns | undefined> {
  const { timeframe, asOfMs } = request;
  const sessions = await sessionsOf(db, instrument, request);
  if (sessions === undefined) return undefined;
  const builder = createTimeBars({
    everyMs: isSessionTimeframe(timeframe) ? dayMs : intradayMs(timeframe),
    sessions: {
      startMs: Float64Array.from(sessions, (session) => session.openMs),
      endMs: Float64Array.from(sessions, (session) => session.closeMs),
    },
  });
  for await (const ticks of tradePages(db, instrument, request)) {
    builder.advance(ticks, 0, ticks.timeMs.length);
  }
  builder.closeUntil(asOfMs);
  const { ticks: _ticks, ...columns } = builder.closed.copy();
  return columns;
}
