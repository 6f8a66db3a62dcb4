import type {
  TradeFeedStatus,
  TradePlace,
  VenueBook,
  VenueMark,
  VenueOwnBar,
  VenueQuote,
} from "@tapedeck/core";
import type { Instrument } from "@tapedeck/features/series/contract";

/** What a venue tells of a symbol, as it is of an instrument. */
type OfInstrument<T> = Omit<T, "symbol"> & { instrumentId: string };

/** A print as a venue tells it, before it is checked and numbered. */
export interface VenueTick {
  instrumentId: string;
  eventMs: number;
  price: number;
  size: number;
  side: "buy" | "sell";
}

/** Best bid and ask as a venue tells them. */
export type SourceQuote = OfInstrument<VenueQuote>;
export type SourceBook = OfInstrument<VenueBook>;
export type SourceMark = OfInstrument<VenueMark>;
export type SourceBar = OfInstrument<VenueOwnBar>;

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
  book(book: SourceBook): void;
  mark(mark: SourceMark): void;
  ownBar(bar: SourceBar): void;
  gap(gap: SourceGap): void;
}

/** Where ticks come from. */
export interface TickSource {
  readonly venue: string;
  /** True: made up by this program. */
  readonly simulated: boolean;
  readonly seed: number | null;
  /** All that can be followed. */
  readonly instruments: readonly Instrument[];
  /** The session's clock, where it is not today's: it begins anew with each process. */
  now?(): number;
  /** Makes one more symbol known; undefined where the venue has a fixed list, at the limit, or where it is none. */
  add(symbol: string): Instrument | undefined;
  start(sink: TickSink): void;
  /** An instrument's ticks come from now on; `place` is what an earlier process stored of it. */
  follow(instrumentId: string, place: TradePlace | undefined): void;
  /** No more of it comes. */
  leave(instrumentId: string): void;
  /** What was handed on up to now, by instrument; none where the venue has no history. */
  places(): ReadonlyMap<string, TradePlace>;
  /** Null where there is no connection. */
  status(): TradeFeedStatus | null;
  stop(): void;
}
