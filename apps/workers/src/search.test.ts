import type { Database } from "@tapedeck/features/db";
import { seedBars, sp500Bars, testDatabase } from "@tapedeck/testkit";
import type { TestDatabase } from "@tapedeck/testkit";
import { startStack } from "@tapedeck/testkit/stack";
import type { Stack } from "@tapedeck/testkit/stack";
import { afterAll, beforeAll, expect, test } from "vitest";

let database: TestDatabase<Database>;
let stack: Stack;

beforeAll(async () => {
  database = await testDatabase<Database>();
  await seedBars(
    database.db,
    { instrumentId: "SPX.INDEX", name: "S&P 500", assetClass: "index" },
    await sp500Bars(),
  );
  stack = await startStack({
    databaseUrl: database.url,
    workerArgs: ["--queues", "backtest", "--concurrency", "1", "--threads", "1"],
    env: { TAPEDECK_LOCK_MS: "1500", TAPEDECK_STALL_MS: "500" },
  });
});

afterAll(async () => {
  await stack.close();
  await database.close();
});

const payload: Parameters<typeof stack.client.submit<"sweep">>[1] = {
  instrumentId: "SPX.INDEX",
  strategy: { kind: "builtIn", name: "maCrossover" },
  parameters: { fast: { from: 2, to: 51, step: 1 }, slow: { from: 52, to: 131, step: 1 } },
  search: { trials: 4_000 },
};

const submit = (seed: number) => stack.client.submit("sweep", payload, { seed });

async function ended(id: string) {
  const job = await stack.client.wait(id);
  expect(job.state).toBe("completed");
  return job;
}

const trialsOf = (jobId: string) =>
  database.db
    .selectFrom("backtestTrials")
    .select((eb) => [eb.fn.countAll<number>().as("rows"), eb.fn.max("number").as("last")])
    .where("jobId", "=", jobId)
    .executeTakeFirstOrThrow();

test("a sweep whose worker is killed ends as one that ran undisturbed, each trial in the ledger once", async () => {
  const alone = await ended((await submit(1)).id);
  const second = await stack.startWorker();
  const { id } = await submit(2);
  await expect
    .poll(async () => (await trialsOf(id)).rows, { timeout: 30_000, interval: 10 })
    .toBeGreaterThan(500);
  const { workerId } = await database.db
    .selectFrom("jobs")
    .select("workerId")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  const { pid } = await database.db
    .selectFrom("workers")
    .select("pid")
    .where("id", "=", workerId!)
    .executeTakeFirstOrThrow();
  (pid === second.pid ? second : stack.worker).kill("SIGKILL");
  const killed = await ended(id);
  expect(killed.result).toEqual(alone.result);
  expect(await trialsOf(id)).toEqual({ rows: 4_000, last: 4_000 });
  expect((await trialsOf(alone.id)).rows).toBe(4_000);
  // The second worker took part.
  const helped = await database.db
    .selectFrom("jobs")
    .select("result")
    .where("type", "=", "backtestPart")
    .where("state", "=", "completed")
    .execute();
  expect(helped.map(({ result }) => (JSON.parse(result!) as { parts: number }).parts)).toContainEqual(
    expect.toSatisfy((parts: number) => parts > 0),
  );
}, 120_000);
