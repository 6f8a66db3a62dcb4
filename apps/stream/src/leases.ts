import type { Log } from "@tapedeck/core";

/** Who holds which instruments, where all processes of a venue see it. */
export interface LeaseBook {
  /** Processes of the venue that are alive, this one among them. */
  countRuns(): Promise<number>;
  /** Holds what this process has for another while; gives what it still has of it. */
  renew(instrumentIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Takes at most so many that nobody holds. */
  claim(instrumentIds: readonly string[], most: number): Promise<readonly string[]>;
  release(instrumentIds: readonly string[]): Promise<void>;
}

export interface LeaseOptions {
  book: LeaseBook;
  /** All instruments of the venue. */
  instrumentIds(): readonly string[];
  /** Begins to take the ticks of instruments that this process has now. */
  take(instrumentIds: readonly string[]): Promise<void>;
  /** Takes no more ticks of an instrument; resolves when those that came are stored, or false where they are not. */
  giveUp(instrumentId: string): Promise<boolean>;
  log: Log;
  everyMs: number;
}

/** The instruments that this process takes the ticks of: its share of the venue's. */
export interface Leases {
  start(): Promise<void>;
  /** Do ticks of it come here? */
  has(instrumentId: string): boolean;
  count(): number;
  /** Tries to take an instrument now. */
  want(instrumentId: string): Promise<void>;
  /** Gives all back. */
  stop(): Promise<void>;
}

/**
 * Each process holds its share of a venue's instruments and renews it; what a dead one held runs out and is taken by the
 * others. A process that holds more than its share gives the rest back, once what came of it is stored.
 */
export function createLeases(options: LeaseOptions): Leases {
  const { book, log } = options;
  const held = new Set<string>();
  /** Those of which ticks come: what is stored of the others is still read. */
  const ready = new Set<string>();
  const takings = new Map<string, Promise<void>>();
  /** Those that are asked for by name. */
  const wants = new Map<string, Promise<void>>();
  let sharing: Promise<void> | undefined;
  let stopped = false;
  const timers: NodeJS.Timeout[] = [];

  async function giveUp(instrumentId: string): Promise<boolean> {
    held.delete(instrumentId);
    ready.delete(instrumentId);
    return options.giveUp(instrumentId);
  }

  async function renew(): Promise<void> {
    const asked = [...held];
    if (asked.length === 0) return;
    const still = await book.renew(asked);
    for (const instrumentId of asked) {
      if (still.has(instrumentId) || !held.has(instrumentId)) continue;
      log.warn({ instrumentId }, "another process has taken an instrument; this one leaves it");
      await giveUp(instrumentId);
    }
  }

  async function claim(wanted: readonly string[], most: number): Promise<void> {
    const taken = await book.claim(
      wanted.filter((id) => !held.has(id)),
      most,
    );
    if (taken.length === 0) return;
    // Renewed from now on: reading what is stored of them may take longer than a lease.
    for (const instrumentId of taken) held.add(instrumentId);
    const taking = options.take(taken);
    for (const instrumentId of taken) takings.set(instrumentId, taking);
    try {
      await taking;
      for (const instrumentId of taken) ready.add(instrumentId);
    } catch (error) {
      for (const instrumentId of taken) await giveUp(instrumentId);
      await book.release(taken);
      throw error;
    } finally {
      for (const instrumentId of taken) takings.delete(instrumentId);
    }
    log.info({ instruments: taken.length, held: held.size }, "instruments are taken");
  }

  async function share(): Promise<void> {
    const all = options.instrumentIds();
    const fair = Math.ceil(all.length / Math.max(1, await book.countRuns()));
    for (const instrumentId of [...held].slice(fair))
      if (await giveUp(instrumentId)) await book.release([instrumentId]);
    await claim(all, fair - held.size);
  }

  function shareSoon(): Promise<void> {
    sharing ??= (stopped ? Promise.resolve() : share()).finally(() => {
      sharing = undefined;
    });
    return sharing;
  }

  return {
    has: (instrumentId) => ready.has(instrumentId),
    count: () => ready.size,
    async start() {
      await shareSoon();
      const later = (work: () => Promise<void>) =>
        setInterval(() => {
          work().catch((error: unknown) => log.debug({ err: error }, "instruments are not shared now"));
        }, options.everyMs);
      timers.push(later(renew), later(shareSoon));
    },
    async want(instrumentId) {
      // What is under way may have begun before the instrument was known.
      await sharing;
      if (stopped || ready.has(instrumentId)) return;
      let taking = takings.get(instrumentId) ?? wants.get(instrumentId);
      if (taking === undefined) {
        taking = claim([instrumentId], 1).finally(() => wants.delete(instrumentId));
        wants.set(instrumentId, taking);
      }
      await taking;
    },
    async stop() {
      stopped = true;
      for (const timer of timers) clearInterval(timer);
      await sharing?.catch(() => undefined);
      const ids = [...held];
      held.clear();
      ready.clear();
      if (ids.length > 0) await book.release(ids);
    },
  };
}
