import type { VenueInstrument, VenueMark, VenueOwnBar, VenueQuote, VenueTrade } from "@tapedeck/core";
import type { BookRule, BookUpdate } from "./book.ts";

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
  /** What to send so that these symbols' messages come. Throws where a connection does not carry as many as `all`. */
  subscribe(symbols: readonly string[], all: number): string[];
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

/** A venue's JSON answer; throws with its words when it refuses. */
export async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal });
  if (!response.ok) {
    const words = (await response.text()).replaceAll(/\s+/g, " ").slice(0, 200);
    const asked = response.headers.get("retry-after");
    throw new Error(
      `the venue answered ${response.status}${asked === null ? "" : `, again after ${asked} s`}: ${words}`,
    );
  }
  return response.json();
}
