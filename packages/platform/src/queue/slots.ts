/**
 * The places in which deliveries run, and how many deliveries are fetched for them. A place is left as soon as the
 * work is done; while runs are short, more deliveries are fetched than there are places, so that fetching one and
 * writing the end of another overlap with the runs between.
 */
export interface Slots {
  /** A place, once there is one; undefined for a delivery that is to go back to the queue. */
  take(): Promise<Slot | undefined>;
  /** All that wait go back, and so do later ones. */
  close(): void;
}

export interface Slot {
  /** Harmless when it was left. */
  leave(): void;
}

/** Most deliveries fetched for each place, where there are several: fetches beside each other may change places, and one place keeps the queue's order. */
const fetchedPerSlot = 4;
/** A delivery that has waited this long goes back, where another worker may have a place for it; a run over sooner is short. */
const patienceMs = 100;
/** After that no more are fetched than can run, for this long. */
const cautionMs = 5_000;

/** `fetch` is told how many deliveries to have here at most, whenever that changes; at first they are `size`. */
export function createSlots(size: number, fetch: (deliveries: number) => void): Slots {
  const most = size === 1 ? 1 : size * fetchedPerSlot;
  const waiting = new Set<(taken: boolean) => void>();
  let free = size;
  let fetched = size;
  let cautiousUntil = 0;
  let closed = false;

  function setFetched(deliveries: number): void {
    if (deliveries === fetched) return;
    fetched = deliveries;
    fetch(deliveries);
  }

  function slot(): Slot {
    const since = performance.now();
    let left = false;
    return {
      leave() {
        if (left) return;
        left = true;
        const now = performance.now();
        if (now - since < patienceMs && now > cautiousUntil) setFetched(Math.min(fetched + 1, most));
        const [next] = waiting;
        if (next === undefined) free++;
        else next(true);
      },
    };
  }

  return {
    async take() {
      if (closed) return undefined;
      if (free > 0) {
        free--;
        return slot();
      }
      const taken = await new Promise<boolean>((resolve) => {
        const answer = (given: boolean) => {
          clearTimeout(timer);
          waiting.delete(answer);
          resolve(given);
        };
        const timer = setTimeout(() => {
          cautiousUntil = performance.now() + cautionMs;
          setFetched(size);
          answer(false);
        }, patienceMs);
        waiting.add(answer);
      });
      return taken ? slot() : undefined;
    },
    close() {
      closed = true;
      for (const answer of waiting) answer(false);
    },
  };
}
