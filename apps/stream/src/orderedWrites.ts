import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "@tapedeck/core";
import { isOutage } from "@tapedeck/features/jobs/store";

/** Statements about what happens (gaps, findings), of which a later one speaks of the row of an earlier one. */
export interface OrderedWrites {
  /** Runs after all that were added before. */
  add(write: () => Promise<void>): void;
  /** Resolves when nothing waits, or the time is over; what an outage holds up is given up. */
  stop(deadlineMs: number): Promise<void>;
}

/** Those that wait while the database is away; beyond it the oldest is left out. */
const mostWaiting = 1_000;

/** One at a time, again after `retryMs` while the database is away; one that it refuses is logged and left out. */
export function createOrderedWrites(options: { log: Log; retryMs: number }): OrderedWrites {
  const { log } = options;
  const waiting: (() => Promise<void>)[] = [];
  let working: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function writeAll(): Promise<void> {
    for (let write = waiting.shift(); write !== undefined; write = waiting.shift()) {
      try {
        await write();
      } catch (error) {
        if (isOutage(error) && !stopped) {
          waiting.unshift(write);
          timer = setTimeout(begin, options.retryMs);
          return;
        }
        log.warn({ err: error }, "a gap or a finding was not recorded");
      }
    }
  }

  function begin(): void {
    timer = undefined;
    working = writeAll().finally(() => {
      working = undefined;
    });
  }

  return {
    add(write) {
      waiting.push(write);
      if (waiting.length > mostWaiting) {
        waiting.shift();
        log.warn({}, "a gap or a finding was not recorded: too many wait for the database");
      }
      if (working === undefined && timer === undefined) begin();
    },
    async stop(deadlineMs) {
      stopped = true;
      clearTimeout(timer);
      if (timer !== undefined) begin();
      if (working !== undefined) await Promise.race([working, sleep(deadlineMs, undefined, { ref: false })]);
    },
  };
}
