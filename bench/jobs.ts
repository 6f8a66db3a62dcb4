/** No-op jobs a second from the first start to the last result at concurrency 10, beside raw BullMQ on the same backend. */
import path from "node:path";
import { Queue, Worker, withBackend, createPostgresBackend } from "bullmq";
import bullmqManifest from "bullmq/package.json" with { type: "json" };
import { hasRedis, testRedis } from "@tapedeck/testkit";
import { startStack } from "@tapedeck/testkit/stack";
import pg from "pg";
import { report } from "./figure.ts";
import { benchDatabase, openGates } from "./server.ts";

const concurrency = 10;
const jobs = 6_000;
const repeats = 3;
const submitters = 50;
const extra = path.join(import.meta.dirname, "noop.ts");

/** Adds all, then times a worker from its start to its last job. */
async function rawBullMq(
  name: string,
  where: { databaseUrl: string } | { redisUrl: string },
): Promise<number> {
  const onPostgres = "databaseUrl" in where;
  const bound = onPostgres ? withBackend(createPostgresBackend) : { Queue, Worker };
  const make = bound as unknown as { Queue: typeof Queue; Worker: typeof Worker };
  const connection = onPostgres
    ? {
        connectionString: where.databaseUrl,
        migrate: true,
        max: 2,
        options: "-c enable_seqscan=off -c synchronous_commit=off",
      }
    : { url: where.redisUrl, maxRetriesPerRequest: null };
  const options = { connection: connection as never };
  const queue = new make.Queue(name, options);
  queue.on("error", (error) => console.error(error.message));
  await queue.waitUntilReady();
  for (let from = 0; from < jobs; from += 1_000) {
    await queue.addBulk(
      Array.from({ length: 1_000 }, (_, i) => ({
        name: "noop",
        data: {},
        opts: { jobId: `raw-${from + i}`, removeOnComplete: true },
      })),
    );
  }
  let done = 0;
  const all = Promise.withResolvers<void>();
  const started = performance.now();
  const worker = new make.Worker(
    name,
    () => {
      if (++done === jobs) all.resolve();
      return Promise.resolve();
    },
    { ...options, concurrency },
  );
  worker.on("error", (error) => console.error(error.message));
  await all.promise;
  const rate = jobs / ((performance.now() - started) / 1000);
  await worker.close();
  await queue.close();
  return rate;
}

/** Submits all while no worker runs, then times a worker from its first job's start to its last result in PostgreSQL. */
async function tapedeck(databaseUrl: string, redisUrl: string | undefined): Promise<number> {
  const env: Record<string, string> = { ...openGates, TAPEDECK_EXTRA_JOBS: extra };
  if (redisUrl !== undefined) env["REDIS_URL"] = redisUrl;
  const stack = await startStack({ databaseUrl, worker: false, env });
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    let n = 0;
    const submit = async () => {
      while (n < jobs) await stack.client.submitTo("/noops", { n: n++ });
    };
    await Promise.all(Array.from({ length: submitters }, submit));
    await stack.startWorker([
      "--queues",
      "sentiment",
      "--concurrency",
      String(concurrency),
      "--threads",
      "1",
    ]);
    for (;;) {
      const { rows } = await client.query<{ done: string; first: string; last: string }>(
        "select count(*) as done, min(started_ms) as first, max(ended_ms) as last from jobs where type = 'noop' and state = 'completed'",
      );
      const { done, first, last } = rows[0]!;
      if (Number(done) === jobs) {
        await client.query("delete from jobs where type = 'noop'");
        return jobs / ((Number(last) - Number(first)) / 1000);
      }
      await new Promise((wait) => setTimeout(wait, 200));
    }
  } finally {
    await client.end();
    await stack.close();
  }
}

const database = await benchDatabase();
try {
  const figure = { unit: "jobs/s", peerVersion: bullmqManifest.version, aim: 0.8 };
  const [ours, theirs] = [[] as number[], [] as number[]];
  for (let repeat = 0; repeat < repeats; repeat++) {
    theirs.push(await rawBullMq(`raw-${repeat}`, { databaseUrl: database.url }));
    ours.push(await tapedeck(database.url, undefined));
  }
  report({
    ...figure,
    figure: "no-op jobs, PostgreSQL, concurrency 10",
    peer: "bullmq (PostgreSQL)",
    ours,
    theirs,
  });
  if (hasRedis) {
    const redis = await testRedis();
    const [ourRedis, theirRedis] = [[] as number[], [] as number[]];
    for (let repeat = 0; repeat < repeats; repeat++) {
      theirRedis.push(await rawBullMq(`raw-${repeat}`, { redisUrl: redis.url }));
      ourRedis.push(await tapedeck(database.url, redis.url));
    }
    report({
      ...figure,
      figure: "no-op jobs, Redis, concurrency 10",
      peer: "bullmq (Redis)",
      ours: ourRedis,
      theirs: theirRedis,
    });
    await redis.close();
  } else console.error("redis-server is absent: the Redis figure is left out");
} finally {
  await database.close();
}
