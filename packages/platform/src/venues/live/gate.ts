import { AppError } from "@tapedeck/core";
import type { CallStatus } from "@tapedeck/core";

export interface GateOptions {
  now(): number;
  /** Of one call. */
  timeoutMs: number;
  /** Calls under way at once; more are refused. */
  atOnce: number;
  /** Failures in a row that open the breaker, and how long it stays open. */
  failures: number;
  openMs: number;
}

/** Calls to somebody else's server: each with a timeout, so many at once, and none for a while after too many failures. */
export interface Gate {
  /** Throws `venue.unavailable` (retryable) while open or full, and what the call throws. */
  call<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  state(): "closed" | "open" | "half-open";
  calls(): CallStatus;
  lastError(): string | null;
}

export function createGate(options: GateOptions): Gate {
  let failed = 0;
  let openedMs: number | undefined;
  let underWay = 0;
  let lastError: string | null = null;
  const counts = { made: 0, failed: 0, timedOut: 0, heldBack: 0 };

  function state(): "closed" | "open" | "half-open" {
    if (openedMs === undefined) return "closed";
    return options.now() - openedMs >= options.openMs ? "half-open" : "open";
  }

  return {
    state,
    lastError: () => lastError,
    calls: () => ({ ...counts, underWay, atOnce: options.atOnce, timeoutMs: options.timeoutMs }),
    async call(work) {
      const at = state();
      // Half open, one call tries whether the server is back.
      if (at === "open" || underWay >= (at === "half-open" ? 1 : options.atOnce)) {
        counts.heldBack += 1;
        throw new AppError("venue.unavailable", `Calls are held back: ${lastError ?? "too many at once"}.`, {
          retryable: true,
        });
      }
      underWay += 1;
      counts.made += 1;
      try {
        const result = await work(AbortSignal.timeout(options.timeoutMs));
        failed = 0;
        openedMs = undefined;
        return result;
      } catch (error) {
        failed += 1;
        counts.failed += 1;
        if (error instanceof DOMException && error.name === "TimeoutError") counts.timedOut += 1;
        lastError = error instanceof Error ? error.message : String(error);
        if (failed >= options.failures) openedMs = options.now();
        throw error;
      } finally {
        underWay -= 1;
      }
    },
  };
}
