import { sql } from "kysely";
import { settlePaperOrders } from "./settle.ts";
import type { SettleDeps, Settled } from "./settle.ts";

/** Of all processes on one database, one settles at a time. */
const lockKey = 7_402_041;

export interface OrderSettler {
  start(): void;
  /** Ends the round under way. */
  stop(): Promise<void>;
  /** One round now; undefined when another process is at it. */
  runOnce(): Promise<Settled | undefined>;
}

/** Settles live orders every `everyMs` (default 2 s): a resting paper order fills within that of newer prices. */
export function createOrderSettler(options: SettleDeps & { now(): number; everyMs?: number }): OrderSettler {
  const { db, log, now, everyMs = 2_000 } = options;
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  async function runOnce(): Promise<Settled | undefined> {
    return await db.connection().execute(async (connection) => {
      const lock = await sql<{ held: boolean }>`select pg_try_advisory_lock(${lockKey}) as held`.execute(
        connection,
      );
      if (lock.rows[0]?.held !== true) return undefined;
      try {
        return await settlePaperOrders(options, now(), stopping.signal);
      } finally {
        await sql`select pg_advisory_unlock(${lockKey})`.execute(connection);
      }
    });
  }

  function schedule(): void {
    timer = setTimeout(() => {
      running = runOnce()
        .catch((error: unknown) => {
          if (!stopping.signal.aborted) log.warn({ err: error }, "live orders were not settled");
        })
        .then(() => {
          if (!stopping.signal.aborted) schedule();
        });
    }, everyMs);
    timer.unref();
  }

  return {
    start: schedule,
    async stop() {
      stopping.abort(new Error("the settler stops"));
      clearTimeout(timer);
      await running;
    },
    runOnce,
  };
}
