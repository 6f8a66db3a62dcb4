import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { newId, seededRandom } from "@tapedeck/core";
import type { Bus, Caller, QueuePort } from "@tapedeck/core";
import type { Database } from "@tapedeck/features/db";
import type { JobView } from "@tapedeck/features/jobs/contract";
import { createJobService } from "@tapedeck/features/jobs/service";
import type { RunningJobService } from "@tapedeck/features/jobs/service";
import { compareReplay, submitReplay } from "@tapedeck/features/lineage/replay";
import { createBus } from "@tapedeck/platform/bus/index";
import { createQueue } from "@tapedeck/platform/queue/index";
import { seedBars, sp500Bars, testDatabase, testLog } from "@tapedeck/testkit";
import type { TestDatabase } from "@tapedeck/testkit";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadJobTypes } from "./extra.ts";

const extraJobs = path.join(import.meta.dirname, "fixtures/extraJobs.ts");
const log = testLog();

interface Process {
  child: ChildProcess;
  output: () => string;
  exited: Promise<number | null>;
}

let database: TestDatabase<Database>;
let dir: string;

/** The real worker program. */
function startWorker(args: string[], env: Record<string, string> = {}): Process {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "main.ts"), ...args], {
    env: {
      PATH: process.env["PATH"],
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
      DATABASE_URL: database.url,
      TAPEDECK_DIR: dir,
      TAPEDECK_EXTRA_JOBS: extraJobs,
      TAPEDECK_LOCK_MS: "3000",
      TAPEDECK_STALL_MS: "1000",
      TAPEDECK_STOP_MS: "4000",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => (output += data.toString()));
  const exited = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  return { child, output: () => output, exited };
}

async function until(
  what: () => string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what()}`);
    await sleep(25);
  }
}

describe("the worker program", () => {
  let queue: QueuePort;
  let bus: Bus;
  let jobs: RunningJobService;
  let worker: Process;
  const caller: Caller = {
    principalId: newId(Date.now()),
    kind: "user",
    tenantId: newId(Date.now()),
    role: "analyst",
    requestId: "test",
  };

  beforeAll(async () => {
    database = await testDatabase<Database>();
    await sql`create table effects (job_id uuid, pickup int)`.execute(database.db);
    dir = await mkdtemp(path.join(tmpdir(), "tapedeck-worker-"));
    queue = createQueue({ databaseUrl: database.url }, { log });
    bus = createBus({ databaseUrl: database.url }, { log });
    const { contracts } = await loadJobTypes(extraJobs);
    jobs = createJobService({ db: database.db, queue, bus, now: Date.now, contracts, log });
    jobs.start();
    worker = startWorker(["--queues", "analyze,backtest", "--concurrency", "2", "--threads", "1"]);
    await until(worker.output, () => worker.output().includes("worker takes jobs"));
  });
  afterAll(async () => {
    worker.child.kill("SIGKILL");
    await jobs.stop();
    await Promise.all([queue.close(), bus.close()]);
    await database.close();
    await rm(dir, { recursive: true, force: true });
  });

  const run = async (type: string, payload: unknown, options = {}) => {
    const { job } = await jobs.submit({ caller, type, payload, options });
    return jobs.waitForEnd(caller.tenantId, job.id, 25_000);
  };

  test("a job type that was added by a module is checked, delivered and run like any other", async () => {
    await expect(jobs.submit({ caller, type: "addUp", payload: { numbers: ["x"] } })).rejects.toMatchObject({
      code: "payload.invalid",
    });
    const job = await run("addUp", { numbers: [1, 2, 3.5] });
    expect(job).toMatchObject({ state: "completed", result: { sum: 6.5, threadId: 0 } });
  });

  test("a computing job runs in a thread, with progress, log and its seed", async () => {
    const job = await run("compute", { how: "well" }, { seed: 42 });
    expect(job).toMatchObject({ state: "completed", progress: { done: 0.5 } });
    const result = job.result as { threadId: number; draw: number };
    expect(result.threadId).toBeGreaterThan(0);
    expect(result.draw).toBe(seededRandom(42, "draw")());
    const events = await jobs.events(caller.tenantId, job.id, 0, 100);
    expect(events.map((event) => event.event)).toEqual(["state", "log", "progress", "end"]);
  });

  test("an effect of a thread is committed under its fence", async () => {
    const job = await run("compute", { how: "effect" });
    expect(job.state).toBe("completed");
    const rows = await sql`select pickup from effects where job_id = ${job.id}::uuid`.execute(database.db);
    expect(rows.rows).toEqual([{ pickup: 1 }]);
  });

  test("a thread reads a dataset without a copy, and is told why one is missing", async () => {
    const bars = await sp500Bars();
    await seedBars(database.db, { instrumentId: "SPX.INDEX", name: "S&P 500", assetClass: "index" }, bars);
    const job = await run("peek", { instrumentId: "SPX.INDEX" });
    expect(job).toMatchObject({
      state: "completed",
      result: { bars: bars.length, lastClose: bars.at(-1)!.close, shared: true },
    });
    expect((job.result as { threadId: number }).threadId).toBeGreaterThan(0);
    expect(await run("peek", { instrumentId: "NONE.XNYS" })).toMatchObject({
      state: "failed",
      attempt: 1,
      error: { code: "symbol.unknown" },
    });
  });

  test("a backtest runs in a thread, and the same one again is answered from its stored result", async () => {
    const payload = {
      instrumentId: "SPX.INDEX",
      strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 50, slow: 200 } },
      toMs: Date.parse("2020-01-01"),
    };
    const first = await run("backtest", payload);
    expect(first).toMatchObject({ state: "completed", error: null, reusedFrom: null });
    const second = await run("backtest", payload);
    expect(second).toMatchObject({ state: "completed", reusedFrom: first.id, result: first.result });
  });

  test("a replay gives the same bytes, also after the data were revised; a new run does not", async () => {
    const payload = {
      instrumentId: "SPX.INDEX",
      strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 20, slow: 100 } },
    };
    const original = await run("backtest", payload, { seed: 7 });
    expect(original).toMatchObject({ state: "completed", replayOf: null });
    const parameters = { fast: { values: [10, 20] } };
    const folds = { kind: "rolling", trainBars: 2_000, testBars: 1_000 };
    const others: [string, object][] = [
      ["portfolioBacktest", { instruments: ["SPX.INDEX"], strategy: { name: "volatilityTarget" } }],
      ["sweep", { ...payload, parameters }],
      ["walkForward", { ...payload, parameters, folds }],
    ];
    const originals = await Promise.all(others.map(([type, given]) => run(type, given, { seed: 7 })));
    // Every close of 2019 a tenth higher, and known from now on.
    await sql`
      insert into bars (series_id, open_ms, revision, close_ms, open, high, low, close, volume, visible_ms, recorded_ms, job_id)
      select b.series_id, b.open_ms, b.revision + 1, b.close_ms, b.open, b.high * 1.1, b.low, b.close * 1.1, b.volume,
        ${Date.now()}, ${Date.now()}, b.job_id
      from bars b join series s using (series_id)
      where s.instrument_id = 'SPX.INDEX' and b.open_ms >= ${Date.UTC(2019, 0)} and b.open_ms < ${Date.UTC(2020, 0)}`.execute(
      database.db,
    );
    await sql`
      update series set data_version = data_version + 1, revised = true, max_visible_ms = ${Date.now()}
      where instrument_id = 'SPX.INDEX'`.execute(database.db);
    const { id } = await submitReplay({ db: database.db, jobs }, caller, original.id);
    const replay = await jobs.waitForEnd(caller.tenantId, id, 25_000);
    expect(replay).toMatchObject({
      state: "completed",
      replayOf: original.id,
      reusedFrom: null,
      seed: 7,
      payload: { ...payload, asOf: expect.any(Number) },
    });
    const compared = await compareReplay(database.db, caller.tenantId, id);
    expect(compared).toMatchObject({ sameCode: true, sameResult: true });
    expect(compared.original.resultHash).toMatch(/^[0-9a-f]{64}$/);
    for (const [k, [type, given]] of others.entries()) {
      const again = await submitReplay({ db: database.db, jobs }, caller, originals[k]!.id);
      expect(await jobs.waitForEnd(caller.tenantId, again.id, 25_000)).toMatchObject({ state: "completed" });
      const same = await compareReplay(database.db, caller.tenantId, again.id);
      expect([type, same.sameResult]).toEqual([type, true]);
      const revised = await run(type, given, { seed: 7 });
      expect(revised.result).not.toEqual(originals[k]!.result);
    }
    const anew = await run("backtest", payload, { seed: 7 });
    const figures = (job: JobView) => (job.result as { statistics: unknown }).statistics;
    expect(figures(replay)).toEqual(figures(original));
    expect(figures(anew)).not.toEqual(figures(original));
    await database.db.updateTable("jobs").set({ codeVersion: "another" }).where("id", "=", id).execute();
    expect(await compareReplay(database.db, caller.tenantId, id)).toMatchObject({ sameCode: false });
    // The replay of a replay repeats the first run; another tenant's run is unknown.
    const again = await submitReplay({ db: database.db, jobs }, caller, id);
    expect(again).toMatchObject({ replayOf: original.id, payload: replay.payload });
    const stranger = { ...caller, tenantId: newId(Date.now()) };
    for (const refused of [
      () => submitReplay({ db: database.db, jobs }, stranger, id),
      () => compareReplay(database.db, stranger.tenantId, id),
    ]) {
      await expect(refused()).rejects.toMatchObject({ code: "job.unknown" });
    }
    await expect(compareReplay(database.db, caller.tenantId, original.id)).rejects.toMatchObject({
      code: "resource.unknown",
    });
  });

  test("a thread that dies is replaced and its job repeated", async () => {
    expect(await run("compute", { how: "exit" })).toMatchObject({ state: "completed", attempt: 2 });
  });

  test("a thread's own error is told like any other, its details only to the log", async () => {
    const job = await run("compute", { how: "throw" });
    expect(job).toMatchObject({ state: "failed", error: { code: "internal" } });
    expect(JSON.stringify(job)).not.toContain("inside of a handler");
    expect(worker.output()).toContain("inside of a handler");
  });

  test("a thread that does not heed a cancellation is ended by force, and the next job finds a new one", async () => {
    const { job } = await jobs.submit({ caller, type: "compute", payload: { how: "spin", ms: 40_000 } });
    await until(worker.output, async () => (await jobs.get(caller.tenantId, job.id)).state === "running");
    await jobs.cancel(caller, job.id);
    const ended = await jobs.waitForEnd(caller.tenantId, job.id, 30_000);
    // Left alone it would have completed.
    expect(ended.state).toBe("cancelled");
    expect(await run("compute", { how: "well" })).toMatchObject({ state: "completed" });
  });

  test("the worker is listed as alive, and reports its health", async () => {
    const rows = await database.db.selectFrom("workers").selectAll().execute();
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      queues: ["analyze", "backtest"],
      concurrency: 2,
      threads: 1,
      stoppedMs: null,
    });
  });

  test("SIGTERM with a long job: exit 0, and the job is handed back and ended by another worker", async () => {
    const { job } = await jobs.submit({ caller, type: "compute", payload: { how: "well", ms: 3_000 } });
    await until(worker.output, async () => (await jobs.get(caller.tenantId, job.id)).state === "running");
    worker.child.kill("SIGTERM");
    expect(await worker.exited).toBe(0);
    const state = (await jobs.get(caller.tenantId, job.id)).state;
    worker = startWorker(["--queues", "backtest", "--threads", "0", "--health-port", "0"]);
    await until(worker.output, () => worker.output().includes("worker takes jobs"));
    const ended = await jobs.waitForEnd(caller.tenantId, job.id, 20_000);
    expect(ended).toMatchObject({ state: "completed", attempt: 1 });
    expect(["accepted", "queued", "completed"]).toContain(state);
    const port = /"healthPort":(\d+)/.exec(worker.output())![1];
    const health = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect(health.status).toBe(200);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toMatch(/tapedeck_jobs_ended_total\{type="compute",state="completed"\} 1/);
  });
});

describe("a worker that cannot start says why in one line", () => {
  test.each([
    ["an unknown queue", ["--queues", "analyse"], {}, "there is no queue analyse"],
    ["no database", [], { DATABASE_URL: "" }, "DATABASE_URL is not set"],
    ["a wrong number", ["--concurrency", "0"], {}, "--concurrency must be a whole number"],
    ["an unknown option", ["--thread", "1"], {}, "Unknown option '--thread'"],
    ["an unknown variable", [], { TAPEDECK_LOCKMS: "1" }, "TAPEDECK_LOCKMS is not a variable"],
    ["a module that is not there", [], { TAPEDECK_EXTRA_JOBS: "/nowhere.ts" }, "cannot be loaded"],
  ])("%s", async (_what, args, env, message) => {
    const started = startWorker(args, { DATABASE_URL: "postgresql://127.0.0.1:1/x", ...env } as Record<
      string,
      string
    >);
    expect(await started.exited).toBe(1);
    expect(started.output()).toContain(message);
    expect(started.output().trim().split("\n")).toHaveLength(1);
  });
});
