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
  /** Counts a tick that is stored already, so that later ones of its millisecond come after it. */
  known(instrumentId: string, eventMs: number, ordinal: number): void;
  /** Numbers without a gap: 1, 2, … for each instrument. */
  counts(): { taken: number; malformed: number; tooLate: number };
}

/**
 * Normalises what a venue sends. Refused are ticks that are no prints (price not above 0, size below 0, no time), and
 * those older than `lateLimitMs` or from further ahead than that: bars of that time are no longer in memory, and a
 * bar that disagrees with its ticks would be wrong.
 */
export function createIntake(options: {
  venue: string;
  instrumentIds: readonly string[];
  lateLimitMs: number;
}): Intake {
  const { lateLimitMs } = options;
  const states = new Map(
    options.instrumentIds.map((id) => [id, { seq: 0, places: new Map<number, number>(), prunedMs: 0 }]),
  );
  const counts = { taken: 0, malformed: 0, tooLate: 0 };

  function place(state: { places: Map<number, number>; prunedMs: number }, eventMs: number): number {
    const ordinal = state.places.get(eventMs) ?? 0;
    state.places.set(eventMs, ordinal + 1);
    return ordinal;
  }

  return {
    take(tick, nowMs) {
      const state = states.get(tick.instrumentId);
      const isPrint =
        Number.isFinite(tick.price) &&
        tick.price > 0 &&
        Number.isFinite(tick.size) &&
        tick.size >= 0 &&
        Number.isSafeInteger(tick.eventMs) &&
        (tick.side === "buy" || tick.side === "sell");
      if (state === undefined || !isPrint) {
        counts.malformed += 1;
        return undefined;
      }
      if (Math.abs(nowMs - tick.eventMs) > lateLimitMs) {
        counts.tooLate += 1;
        return undefined;
      }
      if (nowMs - state.prunedMs > lateLimitMs) {
        state.prunedMs = nowMs;
        for (const ms of state.places.keys()) if (nowMs - ms > lateLimitMs) state.places.delete(ms);
      }
      counts.taken += 1;
      state.seq += 1;
      return {
        venue: options.venue,
        instrumentId: tick.instrumentId,
        seq: state.seq,
        eventMs: tick.eventMs,
        receivedMs: nowMs,
        price: tick.price,
        size: tick.size,
        side: tick.side,
        ordinal: place(state, tick.eventMs),
      };
    },
    add(instrumentId) {
      states.set(instrumentId, { seq: 0, places: new Map(), prunedMs: 0 });
    },
    known(instrumentId, eventMs, ordinal) {
      const places = states.get(instrumentId)?.places;
      places?.set(eventMs, Math.max(places.get(eventMs) ?? 0, ordinal + 1));
    },
    counts: () => ({ ...counts }),
  };
}
