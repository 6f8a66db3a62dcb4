import { setTimeout as sleep } from "node:timers/promises";
import type { Log, QueueName } from "@tapedeck/core";
import { createPostgresBackend, Queue, runMigrations, Worker } from "bullmq";
import type { PgPool } from "bullmq";
import pg from "pg";
import { watchedClient } from "../postgres/client.ts";
import { workerOptions } from "./backend.ts";
import type { QueueBackend } from "./backend.ts";

const schema = "bullmq";

/**
 * Measured: with sequential scans a backlog in one queue slows all others fivefold, and synchronous commits halve
 * the rate; what the queue holds may be lost, since the reconciler puts it back from `jobs`.
 */
const sessionOptions = `-c search_path=${schema} -c enable_seqscan=off -c synchronous_commit=off`;

/** Waits a little before it reports that a starting server refuses: BullMQ tries again at once. */
function patient(base: typeof pg.Client): typeof pg.Client {
  return class PatientClient extends base {
    override connect(): Promise<this>;
    override connect(callback: (error?: Error) => void): void;
    override connect(callback?: (error?: Error) => void): Promise<this> | void {
      const tried = super.connect().catch(async (error: unknown) => {
        await sleep(200);
        throw error;
      });
      if (callback === undefined) return tried as Promise<this>;
      // oxlint-disable-next-line promise/no-callback-in-promise -- the pool calls with a callback
      tried.then(() => callback(), callback);
    }
  };
}

/** BullMQ on PostgreSQL, in the schema `bullmq` of the database. */
export function createPostgresQueueBackend(url: string, log: Log): QueueBackend {
  const pools = new Set<pg.Pool>();

  function makePool(max: number, connectTimeoutMs: number, client: typeof pg.Client): pg.Pool {
    const pool = new pg.Pool({
      connectionString: url,
      max,
      options: sessionOptions,
      application_name: "tapedeck queue",
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: 10_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      Client: client,
    });
    pool.on("error", (error) => log.debug({ error: error.message }, "an idle queue connection was lost"));
    pool.on("connect", (connection) => {
      connection.on("error", (error) => log.debug({ error: error.message }, "a queue connection was lost"));
    });
    pools.add(pool);
    return pool;
  }

  const producers = makePool(3, 1_500, watchedClient(2_000));
  let migrated: Promise<void> | undefined;
  const queues = new Map<QueueName, Promise<Queue>>();

  /** Once a process; another attempt after a failure. Several processes at once wait for each other. */
  function migrate(): Promise<void> {
    migrated ??= (async () => {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_500 });
      client.on("error", () => undefined);
      await client.connect();
      try {
        await runMigrations(client, schema);
      } finally {
        await client.end().catch(() => undefined);
      }
    })();
    migrated.catch(() => (migrated = undefined));
    return migrated;
  }

  async function build(name: QueueName): Promise<Queue> {
    await migrate();
    const connection = producers as unknown as PgPool;
    const queue = new Queue(name, { connection }, createPostgresBackend) as unknown as Queue;
    queue.on("error", (error) => log.debug({ queue: name, error: error.message }, "a queue failed"));
    try {
      await queue.waitUntilReady();
    } catch (error) {
      await queue.close().catch(() => undefined);
      throw error;
    }
    return queue;
  }

  async function endPool(pool: pg.Pool): Promise<void> {
    pools.delete(pool);
    await pool.end();
  }

  return {
    kind: "postgres",
    async queue(name) {
      let queue = queues.get(name);
      if (queue === undefined) {
        queue = build(name);
        queues.set(name, queue);
        queue.catch(() => queues.delete(name));
      }
      return await queue;
    },

    async worker(name, processor, settings) {
      await migrate();
      // One connection listens, two work. The worker's own pool, so that a dead one is replaced by our client class.
      const pool = makePool(3, 3_000, patient(watchedClient(4_000)));
      const worker = new Worker(
        name,
        processor,
        { ...workerOptions(settings), connection: pool as unknown as PgPool },
        createPostgresBackend,
      ) as unknown as Worker;
      worker.on("error", settings.onError);
      worker.once("closed", () => void endPool(pool).catch(() => undefined));
      const discard = () => void endPool(pool).catch(() => undefined);
      try {
        await worker.waitUntilReady();
        if (settings.signal.aborted) throw new Error("closed");
      } catch (error) {
        void worker.close(true).catch(() => undefined);
        throw error;
      }
      return { worker, discard };
    },

    async known(name, ids) {
      await migrate();
      const { rows } = await producers.query<{ id: string }>(
        "select id from job where queue = $1 and id = any($2::text[])",
        [name, ids],
      );
      return new Set(rows.map((row) => row.id));
    },

    async wake(name) {
      await producers.query("select pg_notify('bullmq_jobs', $1)", [name]);
    },

    async ping() {
      await producers.query("select 1");
    },

    async close() {
      for (const queue of queues.values()) await queue.then((built) => built.close()).catch(() => undefined);
      await Promise.all([...pools].map(endPool));
    },
  };
}
