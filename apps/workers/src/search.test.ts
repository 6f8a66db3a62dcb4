import type { Database } from "@tapedeck/features/db";
import { seedBars, sp500Bars, testDatabase } from "@tapedeck/testkit";
import type { TestDatabase } from "@tapedeck/testkit";
import { startStack } from "@tapedeck/testkit/stack";
import type { Stack } from "@tapedeck/testkit/stack";
import { afterAll, beforeAll, expect, test } from "vitest";

let database: TestDatabase<Database>;
let stack: Stack;
/** The one worker that the first test leaves. */
let survivor: Stack["worker"];

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

/** The process of the worker that has a job. */
async function pidOf(jobId: string): Promise<number> {
  const { pid } = await database.db
    .selectFrom("jobs")
    .innerJoin("workers", "workers.id", "jobs.workerId")
    .select("workers.pid")
    .where("jobs.id", "=", jobId)
    .executeTakeFirstOrThrow();
  return pid;
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
  survivor = (await pidOf(id)) === second.pid ? stack.worker : second;
  (survivor === second ? stack.worker : second).kill("SIGKILL");
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

test("a Monte Carlo has the same bands by one worker, and by three of which the one that has it is killed", async () => {
  const simulate = () =>
    stack.client.submit(
      "monteCarlo",
      {
        instruments: ["SPX.INDEX"],
        strategy: { name: "volatilityTarget", params: { target: 0.1 } },
        simulations: 5_000,
        pathSimulations: 40,
        jitter: { simulations: 40 },
      },
      { seed: 3 },
    );
  const alone = await ended((await simulate()).id);
  const workers = [survivor, await stack.startWorker(), await stack.startWorker()];
  const { id } = await simulate();
  const done = () =>
    database.db
      .selectFrom("backtestParts")
      .select("number")
      .where("jobId", "=", id)
      .where("done", "=", true)
      .execute();
  await expect.poll(async () => (await done()).length, { timeout: 30_000, interval: 10 }).toBeGreaterThan(5);
  const pid = await pidOf(id);
  workers.find((one) => one.pid === pid)!.kill("SIGKILL");
  expect((await ended(id)).result).toEqual(alone.result);
}, 240_000);
