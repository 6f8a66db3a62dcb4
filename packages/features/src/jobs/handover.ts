import { setTimeout as sleep } from "node:timers/promises";
import type { Log, QueueItem, QueuePort } from "@tapedeck/core";
import type { Db } from "../db.ts";
import { markQueued } from "./store.ts";

/**
 * Hands committed rows to the queue in bulk, after their answer went out. What it cannot hand over stays `accepted`
 * and is the reconciler's: so nothing is kept here beyond the bound.
 */
export interface Handover {
  add(item: QueueItem): void;
  /** Waits until what was added so far has been tried. */
  settle(): Promise<void>;
}

const bulk = 1_000;
/** Beyond this the reconciler finds the rows by itself. */
const maxWaiting = 50_000;
/** One alone goes at once; while many come, they are let gather for this long. */
const gatherMs = 10;
const many = 10;
/** Rows are marked as queued this much later: one that a worker has taken by then needs no mark. */
const markAfterMs = 100;

export function createHandover(options: { db: Db; queue: QueuePort; log: Log; now(): number }): Handover {
  let waiting: QueueItem[] = [];
  let handedOver: string[] = [];
  let running: Promise<void> | undefined;
  let marking: Promise<void> | undefined;

  const drain = async () => {
    while (waiting.length > 0) {
      const items = waiting.slice(0, bulk);
      waiting = waiting.slice(bulk);
      try {
        await options.queue.add(items);
      } catch (error) {
        options.log.warn({ err: error, jobs: items.length + waiting.length }, "queue did not take jobs");
        waiting = [];
        return;
      }
      for (const item of items) handedOver.push(item.id);
      marking ??= mark();
      if (items.length >= many && items.length < bulk) await sleep(gatherMs);
    }
  };

  const mark = async () => {
    while (handedOver.length > 0) {
      await sleep(markAfterMs);
      const ids = handedOver;
      handedOver = [];
      try {
        await markQueued(options.db, ids, options.now());
      } catch (error) {
        // They stay `accepted`: the reconciler adds them again, which changes nothing, and marks them.
        options.log.warn({ err: error, jobs: ids.length }, "jobs in the queue could not be marked as queued");
      }
    }
    marking = undefined;
  };

  return {
    add(item) {
      if (waiting.length >= maxWaiting) return;
      waiting.push(item);
      running ??= new Promise<void>((resolve) => {
        setImmediate(() => {
          void drain().finally(() => {
            running = undefined;
            resolve();
          });
        });
      });
    },
    async settle() {
      while (running !== undefined) await running;
      await marking;
    },
  };
}
