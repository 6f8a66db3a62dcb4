import { AppError } from "@tapedeck/core";
import type { CallStatus } from "@tapedeck/core";

export interface GateOptions {
  now(): number;
  /** Of one call, from when it is made. */
  timeoutMs: number;
  /** Calls under way at once; more wait for a place. */
  atOnce: number;
  /** Calls that may wait; more are refused. */
  waiting: number;
  /** Failures in a row that open the breaker, and how long it stays open. */
  failures: number;
  openMs: number;
  /** What the calls of any minute may weigh together, as the server counts it. Absent: whatever they do. */
  weightPerMinute?: number | undefined;
  /**
   * Spends weight that other processes share; false: they have spent so much of it that this call must wait. What it throws
   * is passed over: then this process counts its own alone.
   */
  spendShared?: ((weight: number) => Promise<boolean>) | undefined;
}

/** The server asks for no more calls in the next `afterMs`. */
export class HoldOff extends Error {
  readonly afterMs: number;
  constructor(message: string, afterMs: number) {
    super(message);
    this.afterMs = afterMs;
  }
}

/**
 * Calls to somebody else's server: each with a timeout, so many at once, no more in a minute than it allows, and none for a
 * while after too many failures, or where it said so (`HoldOff`).
 */
export interface Gate {
  /**
   * Throws `venue.unavailable` (retryable) while open, full or spent, and what the call throws. `weight`: default 1;
   * `timeoutMs`: where this one takes longer than the others.
   */
  call<T>(work: (signal: AbortSignal) => Promise<T>, weight?: number, timeoutMs?: number): Promise<T>;
  /**
   * Waits for what the server sends when it has something: it has no timeout and takes no place, but is refused while open,
   * and its failures count as those of calls do; those of one second, as of one lost connection, count once.
   */
  watch<T>(work: () => Promise<T>): Promise<T>;
  state(): "closed" | "open" | "half-open";
  calls(): CallStatus;
  lastError(): string | null;
}

interface Waiting {
  begin(): void;
  refuse(error: AppError): void;
}

const minuteMs = 60_000;
const momentMs = 1_000;

export function createGate(options: GateOptions): Gate {
  let failed = 0;
  let openUntilMs: number | undefined;
  let underWay = 0;
  let lastError: string | null = null;
  let watchFailedMs = -Infinity;
  const counts = { made: 0, failed: 0, timedOut: 0, heldBack: 0 };
  const queue: Waiting[] = [];
  /** Of the last minute, the oldest first. */
  const made: { atMs: number; weight: number }[] = [];
  let spent = 0;

  function state(): "closed" | "open" | "half-open" {
    if (openUntilMs === undefined) return "closed";
    return options.now() >= openUntilMs ? "half-open" : "open";
  }

  function heldBack(): AppError {
    counts.heldBack += 1;
    return new AppError("venue.unavailable", `Calls are held back: ${lastError ?? "too many at once"}.`, {
      retryable: true,
    });
  }

  /** Takes a place, or waits for one. */
  async function enter(): Promise<void> {
    const at = state();
    // Half open, one call tries whether the server is back.
    if (at === "open" || (at === "half-open" && underWay > 0)) throw heldBack();
    if (underWay < options.atOnce) {
      underWay += 1;
      return;
    }
    if (queue.length >= options.waiting) {
      lastError = `${options.waiting} calls wait already`;
      throw heldBack();
    }
    await new Promise<void>((begin, refuse) => {
      queue.push({ begin, refuse });
    });
  }

  /** Gives the place to who waited longest; refuses all of them where no call may be made now. */
  function leave(): void {
    if (state() !== "closed") for (const { refuse } of queue.splice(0)) refuse(heldBack());
    const next = queue.shift();
    if (next === undefined) underWay -= 1;
    else next.begin();
  }

  function spend(weight: number): void {
    const { weightPerMinute } = options;
    if (weightPerMinute === undefined) return;
    const atMs = options.now();
    while (made.length > 0 && atMs - made[0]!.atMs >= minuteMs) spent -= made.shift()!.weight;
    if (spent + weight > weightPerMinute) {
      lastError = `calls of a minute weigh ${spent} of ${weightPerMinute} that they may`;
      throw heldBack();
    }
    made.push({ atMs, weight });
    spent += weight;
  }

  async function spendAll(weight: number): Promise<void> {
    spend(weight);
    const isLeft = await options.spendShared?.(weight).catch(() => true);
    if (isLeft !== false) return;
    lastError = "calls of all processes in this minute weigh what they may";
    throw heldBack();
  }

  function noteSuccess(): void {
    failed = 0;
    // What was asked before the server wanted no more says nothing of that.
    if (state() !== "open") openUntilMs = undefined;
  }

  function open(forMs: number): void {
    openUntilMs = Math.max(openUntilMs ?? -Infinity, options.now() + forMs);
  }

  function noteFailure(error: unknown): void {
    failed += 1;
    counts.failed += 1;
    if (error instanceof DOMException && error.name === "TimeoutError") counts.timedOut += 1;
    lastError = error instanceof Error ? error.message : String(error);
    if (failed >= options.failures) open(options.openMs);
    if (error instanceof HoldOff) open(error.afterMs);
  }

  return {
    state,
    lastError: () => lastError,
    calls: () => ({ ...counts, underWay, atOnce: options.atOnce, timeoutMs: options.timeoutMs }),
    async call(work, weight = 1, timeoutMs = options.timeoutMs) {
      await enter();
      try {
        await spendAll(weight);
        counts.made += 1;
        const result = await work(AbortSignal.timeout(timeoutMs)).catch((error: unknown) => {
          noteFailure(error);
          throw error;
        });
        noteSuccess();
        return result;
      } finally {
        leave();
      }
    },
    async watch(work) {
      if (state() === "open") throw heldBack();
      try {
        const result = await work();
        noteSuccess();
        return result;
      } catch (error) {
        const atMs = options.now();
        if (atMs - watchFailedMs >= momentMs) {
          watchFailedMs = atMs;
          noteFailure(error);
        }
        throw error;
      }
    },
  };
}
