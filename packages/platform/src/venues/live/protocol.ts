import type { VenueInstrument, VenueMark, VenueOwnBar, VenueQuote, VenueTrade } from "@tapedeck/core";
import type { BookRule, BookUpdate } from "./book.ts";
import { HoldOff } from "./gate.ts";

/** What a frame of a venue says. */
export type VenueMessage =
  | { kind: "trade"; trade: VenueTrade }
  | { kind: "quote"; quote: VenueQuote }
  | { kind: "book"; update: BookUpdate }
  | { kind: "mark"; mark: VenueMark }
  /** A bar whose time is over. */
  | { kind: "ownBar"; bar: VenueOwnBar }
  /** The venue ends this connection soon. */
  | { kind: "ending" }
  /** The venue did not take what it was asked. */
  | { kind: "refused"; reason: string };

/** How a venue speaks; everything else is the same for all of them. */
export interface VenueProtocol {
  readonly venue: string;
  readonly socketUrl: string;
  /** Whose numbers trades carry, where the venue counts in more than one way. */
  readonly numbering?: string;
  /** Undefined: this venue's books are not followed. */
  readonly bookRule?: BookRule | undefined;
  /** What requests weigh, as the venue counts them, and what those of a minute may; absent: it counts none. */
  readonly weights?: { perMinute: number; book: number; trades: number; instruments: number };
  /** Symbols that a connection carries; absent: any number. */
  readonly maxSymbols?: number;
  /** What to send so that these symbols' messages come. */
  subscribe(symbols: readonly string[]): string[];
  unsubscribe(symbols: readonly string[]): string[];
  /** What to send so that a symbol's book comes anew, where the venue sends it on the socket. */
  askBook?(symbol: string): string[];
  /** A symbol's book by REST, where the venue gives it so. */
  fetchBook?(symbol: string, signal: AbortSignal): Promise<BookUpdate>;
  /** Throws when the frame is none of the venue's. */
  parse(text: string): readonly VenueMessage[];
  /** Trades of a symbol from a place on, oldest first, at most a page; some before it may be among them. */
  fetchTrades(
    symbol: string,
    from: { fromId: number; sinceMs: number },
    signal: AbortSignal,
  ): Promise<(VenueTrade & { tradeId: number })[]>;
  /** Throws `symbol.unknown`. */
  fetchInstruments(symbols: readonly string[], signal: AbortSignal): Promise<VenueInstrument[]>;
  /** The venue's clock, ms UTC. */
  fetchClock(signal: AbortSignal): Promise<number>;
}

/** Milliseconds that `Retry-After` asks for: seconds, or a date beside the answer's own; undefined where it is neither. */
function retryAfterMs(headers: Headers): number | undefined {
  const asked = headers.get("retry-after");
  if (asked === null) return undefined;
  if (/^\d+$/.test(asked)) return Number(asked) * 1_000;
  const ms = Date.parse(asked) - Date.parse(headers.get("date") ?? "");
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** Of Binance: what the caller's requests of this minute weigh. Beyond the limit it lasts until the minute is over. */
const usedWeight = "x-mbx-used-weight-1m";

/**
 * A venue's JSON answer; throws with its words when it refuses: a `HoldOff` where it says for how long, or, by what the
 * requests of the minute weigh, that they are too many.
 */
export async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal });
  if (response.ok) return response.json();
  const { status, headers } = response;
  const words = (await response.text()).replaceAll(/\s+/g, " ").slice(0, 200);
  const used = headers.get(usedWeight);
  const isLimit = status === 429 || status === 418;
  const afterMs = retryAfterMs(headers) ?? (isLimit && used !== null ? 60_000 : undefined);
  const after = afterMs === undefined ? "" : `, again after ${afterMs / 1_000} s`;
  const weight = used === null ? "" : ` (weight ${used})`;
  const message = `the venue answered ${status}${weight}${after}: ${words}`;
  throw afterMs === undefined ? new Error(message) : new HoldOff(message, afterMs);
}
