import { setTimeout as sleep } from "node:timers/promises";
import type { Db, Tx } from "../db.ts";
import { asServiceError, assertOwned, isOutage, repeatConflicts } from "./store.ts";

/** A transaction whose worker has said nothing for this long is cut off, so that the job can be picked up anew. */
const idleMs = 15_000;
/** Rounds that a transaction done once is repeated when the database drops us. */
const onceRounds = 6;

/** `ctx.commit` of one run: fenced, and with `once` done at most once in the job's life. */
export function createCommit(db: Db, jobId: string, pickup: number, signal: AbortSignal) {
  const plain = <T>(fn: (tx: Tx) => Promise<T>): Promise<T> =>
    repeatConflicts(() =>
      db.transaction().execute(async (tx) => {
        await assertOwned(tx, jobId, pickup, idleMs);
        return await fn(tx);
      }),
    );

  const once = async <T>(fn: (tx: Tx) => Promise<T>, name: string): Promise<T> => {
    for (let round = 1; ; round++) {
      try {
        return await plain(async (tx) => {
          const done = await tx
            .selectFrom("jobCommits")
            .select("value")
            .where("jobId", "=", jobId)
            .where("name", "=", name)
            .executeTakeFirst();
          if (done !== undefined) return JSON.parse(done.value) as T;
          const value = await fn(tx);
          await tx
            .insertInto("jobCommits")
            .values({ jobId, name, value: JSON.stringify(value ?? null) })
            .execute();
          return value;
        });
      } catch (error) {
        if (round >= onceRounds || signal.aborted || !isOutage(error)) throw error;
        await sleep(100 * 2 ** round);
      }
    }
  };

  return async <T>(fn: (tx: Tx) => Promise<T>, options: { once?: string } = {}): Promise<T> => {
    try {
      return await (options.once === undefined ? plain(fn) : once(fn, options.once));
    } catch (error) {
      throw asServiceError(error);
    }
  };
}
