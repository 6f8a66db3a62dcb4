/** A venue's clock, as far as it has been measured. */
export interface VenueClock {
  /** Asks the venue; `fetchClock` gives its time, ms UTC. Throws what that throws. */
  measure(fetchClock: () => Promise<number>): Promise<void>;
  /** The venue's clock minus ours, ms; null until measured. */
  offsetMs(): number | null;
  /** The venue's time, ms UTC; ours until measured. */
  now(): number;
}

/** Between measurements the machine's steady clock carries the venue's time on: when ours is set, the offset changes. */
export function createVenueClock(now: () => number): VenueClock {
  /** The venue's time when the steady clock was at 0. */
  let originMs: number | undefined;
  const venueNow = () => (originMs === undefined ? now() : originMs + performance.now());
  return {
    async measure(fetchClock) {
      const askedMs = performance.now();
      const venueMs = await fetchClock();
      // Read at half of the request's way.
      originMs = venueMs - (askedMs + performance.now()) / 2;
    },
    offsetMs: () => (originMs === undefined ? null : Math.round(venueNow() - now())),
    now: venueNow,
  };
}
