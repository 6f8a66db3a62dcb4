import type { TradeFeedStatus, TradePlace } from "@tapedeck/core";
import type { Instrument } from "@tapedeck/features/series/contract";

/** A print as a venue tells it, before it is checked and numbered. */
export interface VenueTick {
  instrumentId: string;
  eventMs: number;
  price: number;
  size: number;
  side: "buy" | "sell";
}

/** Best bid and ask as a venue tells them. */
export interface SourceQuote {
  instrumentId: string;
  eventMs: number;
  bid: number;
  bidSize: number;
  ask: number;
  askSize: number;
}

/** Prints [fromId, toId], by the venue's numbers, that did not come. */
export interface SourceGap {
  instrumentId: string;
  fromId: number;
  toId: number;
  state: "open" | "healed" | "lost";
}

/** What takes what a source tells. */
export interface TickSink {
  tick(tick: VenueTick): void;
  quote(quote: SourceQuote): void;
  gap(gap: SourceGap): void;
}

/** Where ticks come from. */
export interface TickSource {
  readonly venue: string;
  /** True: made up by this program. */
  readonly simulated: boolean;
  readonly seed: number | null;
  readonly instruments: readonly Instrument[];
  /** The session's clock, where it is not today's: it begins anew with each process. */
  now?(): number;
  /** `places`: what an earlier process stored, by instrument. */
  /** Takes one more symbol, its ticks once `ready` has ended; nothing happens where the venue is asked for a fixed list, or at the limit. */
  add(symbol: string, ready: (instrument: Instrument) => Promise<void>): Promise<void>;
  start(sink: TickSink, places: ReadonlyMap<string, TradePlace>): void;
  /** What was handed on up to now, by instrument; none where the venue has no history. */
  places(): ReadonlyMap<string, TradePlace>;
  /** Null where there is no connection. */
  status(): TradeFeedStatus | null;
  stop(): void;
}
