import type { VenueInstrument, VenueQuote, VenueTrade } from "@tapedeck/core";

/** What a frame of a venue says. */
export type VenueMessage =
  | { kind: "trade"; trade: VenueTrade }
  | { kind: "quote"; quote: VenueQuote }
  /** The venue ends this connection soon. */
  | { kind: "ending" }
  /** The venue did not take what it was asked. */
  | { kind: "refused"; reason: string };

/** How a venue speaks; everything else is the same for all of them. */
export interface VenueProtocol {
  readonly venue: string;
  readonly socketUrl: string;
  /** What to send on a new connection. */
  subscribe(symbols: readonly string[]): string[];
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
