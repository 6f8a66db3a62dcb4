import type { Tick } from "@tapedeck/features/ticks/contract";
import type { VenueTick } from "./source.ts";

/** A tick with its place among those of its millisecond, which with the time is its key in the store. */
export interface PlacedTick extends Tick {
  ordinal: number;
}

export interface Intake {
  /** The tick checked and numbered; undefined when it is refused. */
  take(tick: VenueTick, nowMs: number): PlacedTick | undefined;
  /** Takes an instrument's ticks from now on. */
  add(instrumentId: string): void;
  /** Takes no more of them. */
  drop(instrumentId: string): void;
  /** Counts a tick that is stored already, so that later ones of its millisecond come after it. */
  known(instrumentId: string, eventMs: number, ordinal: number): void;
  /** Is a time further ahead of now than a print may be? */
  isAhead(eventMs: number, nowMs: number): boolean;
  counts(): { taken: number; malformed: number; tooLate: number; tooEarly: number };
}

interface State {
  /** Numbers without a gap: 1, 2, … */
  seq: number;
  /** Ticks of each millisecond so far. */
  places: Map<number, number>;
  prunedMs: number;
}

/** A print further ahead of the venue's clock than this has a wrong time: its bars would end, and alerts wait for others, that far in the future. */
const mostAheadMs = 300_000;
/** Between two times that milliseconds nobody asks for any more are forgotten. */
const pruneMs = 60_000;

/**
 * Normalises what a venue sends. Refused are ticks that are no prints (price not above 0, size below 0, no time), those
 * older than `fromMs`, whose bars are no longer in memory (a bar that disagrees with its ticks would be wrong), and those
 * from more than five minutes ahead.
 */
export function createIntake(options: {
  venue: string;
  /** The oldest tick of an instrument that may come. */
  fromMs(instrumentId: string): number;
}): Intake {
  const { venue } = options;
  const states = new Map<string, State>();
  const counts = { taken: 0, malformed: 0, tooLate: 0, tooEarly: 0 };
  const isAhead = (eventMs: number, nowMs: number) => eventMs > nowMs + mostAheadMs;

  function prune(state: State, fromMs: number, nowMs: number): void {
    state.prunedMs = nowMs;
    for (const ms of state.places.keys()) if (ms < fromMs) state.places.delete(ms);
  }

  return {
    take(tick, nowMs) {
      const { instrumentId, eventMs, price, size, side } = tick;
      const state = states.get(instrumentId);
      const isPrint =
        price > 0 &&
        price < Infinity &&
        size >= 0 &&
        size < Infinity &&
        Number.isSafeInteger(eventMs) &&
        (side === "buy" || side === "sell");
      if (state === undefined || !isPrint) {
        counts.malformed += 1;
        return undefined;
      }
      const fromMs = options.fromMs(instrumentId);
      if (eventMs < fromMs) {
        counts.tooLate += 1;
        return undefined;
      }
      if (isAhead(eventMs, nowMs)) {
        counts.tooEarly += 1;
        return undefined;
      }
      if (nowMs - state.prunedMs > pruneMs) prune(state, fromMs, nowMs);
      counts.taken += 1;
      state.seq += 1;
      const ordinal = state.places.get(eventMs) ?? 0;
      state.places.set(eventMs, ordinal + 1);
      return { venue, instrumentId, seq: state.seq, eventMs, receivedMs: nowMs, price, size, side, ordinal };
    },
    add(instrumentId) {
      states.set(instrumentId, { seq: 0, places: new Map(), prunedMs: 0 });
    },
    drop(instrumentId) {
      states.delete(instrumentId);
    },
    known(instrumentId, eventMs, ordinal) {
      const places = states.get(instrumentId)?.places;
      places?.set(eventMs, Math.max(places.get(eventMs) ?? 0, ordinal + 1));
    },
    isAhead,
    counts: () => ({ ...counts }),
  };
}
