import { dayMs } from "@tapedeck/core";
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

/**
 * Bars of an instrument's stored trades, as far as they are visible at `asOfMs`: days by its calendar's sessions, shorter
 * ones counted from each session's open. Trades outside sessions are in none, a bucket without trades makes none, and one
 * that ends after `asOfMs` is still open. Undefined where no trades are stored.
 */
export async function barsOfTrades(
  db: Db,
  instrument: Instrument,
  request: { timeframe: string; fromMs: number | undefined; toMs: number | undefined; asOfMs: number },
): Promise<SeriesColumns | undefined> {
  const { timeframe, fromMs, toMs, asOfMs } = request;
  const span = await loadTradeSpan(db, instrument);
  if (span === undefined) return undefined;
  const calendar = calendarOf(instrument.calendar);
  const sessions = [
    ...sessionsBetween(
      calendar,
      calendar.dateOf(Math.max(span.fromMs, fromMs ?? -Infinity)),
      calendar.dateOf(Math.min(span.toMs, toMs ?? Infinity)),
    ),
  ];
  const builder = createTimeBars({
    everyMs: isSessionTimeframe(timeframe) ? dayMs : intradayMs(timeframe),
    sessions: {
      startMs: Float64Array.from(sessions, (session) => session.openMs),
      endMs: Float64Array.from(sessions, (session) => session.closeMs),
    },
  });
  let after: { eventMs: number; ordinal: number } | undefined;
  for (;;) {
    const page = await loadTradePage(db, instrument, { fromMs, toMs, asOfMs, after, limit: pageRows });
    if (page.length === 0) break;
    const ticks = {
      timeMs: Float64Array.from(page, (trade) => trade.eventMs),
      price: Float64Array.from(page, (trade) => trade.price),
      size: Float64Array.from(page, (trade) => trade.size),
    };
    builder.advance(ticks, 0, page.length);
    after = page.at(-1)!;
  }
  builder.closeUntil(asOfMs);
  const { ticks: _ticks, ...columns } = builder.closed.copy();
  return columns;
}
