import { setTimeout as sleep } from "node:timers/promises";
import type { RateLimiter } from "../auth/contract.ts";

/**
 * Requests to a venue, over all worker processes of the deployment: `everyMs` apart on average, none saved up. Resolves
 * when the next one may be sent.
 */
export function createVenuePace(limiter: RateLimiter) {
  return async (venue: string, everyMs: number, signal: AbortSignal): Promise<void> => {
    for (;;) {
      const taken = await limiter.take(`venue:${venue}`, { perSecond: 1_000 / everyMs, burst: 1 });
      if (taken.allowed) return;
      await sleep(taken.retryAfterMs, undefined, { signal });
    }
  };
}
