import { setTimeout as sleep } from "node:timers/promises";
import type { KnowledgeIndex, Log } from "@tapedeck/core";
import type { Db } from "@tapedeck/features/db";
import { indexChanges, syncKnowledgeBase } from "@tapedeck/features/knowledge/sync";

const retryMs = 5_000;
/** How often documents that were sent while the index was away are looked for. */
const changesMs = 60_000;
/** A worker takes jobs after this at the latest; questions that come before the index is there are tried again. */
const waitMs = 15_000;

/** Brings the knowledge base in line with its folder (tried until it succeeds), then keeps the index up with the documents. */
export async function startKnowledge(options: {
  db: Db;
  index: KnowledgeIndex;
  dir: string;
  log: Log;
  now(): number;
}): Promise<{ stop(): Promise<void> }> {
  const { db, index, log } = options;
  const stopped = new AbortController();
  const pause = (ms: number) => sleep(ms, undefined, { signal: stopped.signal }).catch(() => undefined);
  const synced = Promise.withResolvers<void>();
  const keep = async () => {
    for (let inLine = false; !stopped.signal.aborted; await pause(inLine ? changesMs : retryMs)) {
      try {
        if (inLine) await indexChanges({ db, knowledge: index });
        else log.info(await syncKnowledgeBase(options), "knowledge base in line with its folder");
        inLine = true;
        synced.resolve();
      } catch (error) {
        log.warn({ err: error }, "the knowledge index could not be brought in line; tried again");
      }
    }
  };
  const kept = keep();
  const late = new AbortController();
  await Promise.race([
    synced.promise,
    sleep(waitMs, undefined, { signal: late.signal }).catch(() => undefined),
  ]);
  late.abort();
  return {
    stop() {
      stopped.abort();
      return kept;
    },
  };
}
