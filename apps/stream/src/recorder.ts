import { AppError } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import type { KeptPlace } from "@tapedeck/features/ticks/place-store";
import type { LiveBar } from "@tapedeck/features/ticks/contract";
import { addBar, addTick, newChunk } from "./chunk.ts";
import type { OpenBar } from "./bars.ts";
import type { Chunk } from "./chunk.ts";
import type { PlacedTick } from "./intake.ts";
import type { Spill } from "./spill.ts";

export interface RecorderOptions {
  runId: string;
  /** Stores a chunk, all of it or nothing; storing it again changes nothing. Rejects while the database is away. */
  store(chunk: Chunk): Promise<void>;
  spill: Spill;
  log: Log;
  /** What is known of an instrument now: stored with the rows that it speaks of. */
  keep(instrumentId: string): KeptPlace<OpenBar>;
  /** How often what came is stored. */
  everyMs: number;
  /** Rows of one transaction. */
  chunkRows: number;
  /** Rows in memory, at any time; the oldest go to the spill file before there are more. At least two chunks. */
  maxRows: number;
}

export interface RecorderStats {
  /** Rows stored by this process. */
  stored: number;
  /** Rows that wait in memory. */
  pending: number;
  /** Rows written to the spill file, and its size now. */
  spilled: number;
  spillBytes: number;
  /** Rows that were lost because the spill file was full or could not be written. */
  lost: number;
  /** Lines that were put into the file beside the spill file, as they cannot be stored. */
  setAside: number;
  /** Does the database take what comes? */
  away: boolean;
}

/**
 * Stores ticks and bars in batches. Chunks are stored in the order in which they were made, the spill file's first, so
 * that a correction never comes before what it corrects.
 */
export interface Recorder {
  tick(tick: PlacedTick): void;
  bar(bar: LiveBar): void;
  stats(): RecorderStats;
  /** Resolves when all that came before is stored; false where the database does not take it. */
  flush(): Promise<boolean>;
  /** Stores what is in memory, within the time; the rest goes to the spill file. */
  close(deadlineMs: number): Promise<void>;
}

export function createRecorder(options: RecorderOptions): Recorder {
  const { spill, log, runId } = options;
  let open = newChunk(runId);
  /** Full chunks, oldest first. */
  let sealed: Chunk[] = [];
  let sealedRows = 0;
  /** The chunk that is being stored: of `sealed`, or one that is in the spill file. */
  let held: Chunk | undefined;
  const stats = { stored: 0, spilled: 0, lost: 0, away: false };
  let working: Promise<void> | undefined;
  let closed = false;
  /** Set when the time to stop is over: what is not stored by then is spilled. */
  let aborted = false;

  async function store(chunk: Chunk): Promise<void> {
    held = chunk;
    try {
      if (!aborted) await options.store(chunk);
    } finally {
      held = undefined;
    }
    if (aborted) throw new AppError("service.unavailable", "The stream stops; the rest is spilled.");
  }

  const pending = () => open.rows + sealedRows + (held === undefined || held === sealed[0] ? 0 : held.rows);

  function seal(): void {
    if (open.rows === 0) return;
    for (const [instrumentId, part] of Object.entries(open.instruments))
      part.kept = options.keep(instrumentId);
    sealed.push(open);
    sealedRows += open.rows;
    open = newChunk(runId);
  }

  function dropOldest(): Chunk {
    const chunk = sealed.shift()!;
    sealedRows -= chunk.rows;
    return chunk;
  }

  function added(): void {
    const isFull = pending() >= options.maxRows;
    if (open.rows < options.chunkRows && !isFull) return;
    seal();
    if (isFull) spillOldest(options.maxRows - options.chunkRows);
    void work();
  }

  /** Returns when nothing is left, or the database does not take it. */
  async function storeAll(): Promise<void> {
    try {
      while (spill.bytes() > 0 || sealed.length > 0) {
        if (spill.bytes() > 0) {
          const rows = await spill.replay(store);
          stats.stored += rows;
          log.info({ rows }, "the spill file was stored");
          continue;
        }
        const chunk = sealed[0]!;
        await store(chunk);
        // It was spilled meanwhile: it is stored from there, before those after it.
        if (sealed[0] !== chunk) continue;
        dropOldest();
        stats.stored += chunk.rows;
      }
      if (stats.away) log.info({ lost: stats.lost }, "the database takes ticks again");
      stats.away = false;
    } catch (error) {
      if (!stats.away)
        log.warn(
          { err: error, pending: pending() },
          "ticks cannot be stored; they are kept and stored later",
        );
      stats.away = true;
    }
  }

  /** The one that is being stored too: where that fails, it is in the file before those after it. */
  function spillOldest(keepRows: number): void {
    while (sealed.length > 0 && pending() > keepRows) {
      const chunk = dropOldest();
      let kept = false;
      try {
        kept = spill.append(chunk);
      } catch (error) {
        log.error({ err: error }, "the spill file cannot be written");
      }
      if (kept) stats.spilled += chunk.rows;
      else {
        stats.lost += chunk.rows;
        log.error({ rows: chunk.rows }, "ticks were lost: the spill file is full or cannot be written");
      }
    }
  }

  /** One at a time. */
  function work(): Promise<void> {
    working ??= storeAll().finally(() => {
      working = undefined;
    });
    return working;
  }

  const timer = setInterval(() => {
    // While storing is slow a chunk grows to its full size: the statements of a transaction are many however few its rows.
    if (sealed.length === 0) seal();
    void work();
  }, options.everyMs);

  return {
    tick(tick) {
      addTick(open, tick);
      added();
    },
    bar(bar) {
      addBar(open, bar);
      added();
    },
    stats: () => ({ ...stats, pending: pending(), spillBytes: spill.bytes(), setAside: spill.setAside() }),
    async flush() {
      seal();
      // What is under way may have begun before the last rows came.
      await work();
      await work();
      return !stats.away;
    },
    async close(deadlineMs) {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      seal();
      const timeout = new Promise<void>((resolve) => setTimeout(resolve, deadlineMs).unref());
      const settled = () => Promise.race([working ?? Promise.resolve(), timeout]);
      await settled();
      void work();
      await settled();
      aborted = true;
      spillOldest(0);
    },
  };
}
