import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "@tapedeck/core";
import { putBars } from "@tapedeck/features/backtest/books.fixture";
import type { FixtureBar } from "@tapedeck/features/backtest/books.fixture";
import type { Db } from "@tapedeck/features/db";
import { recordFault } from "@tapedeck/testkit";
import { Redis } from "ioredis";
import { sql } from "kysely";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { deploy, lockMs, stallMs, stopMs, until } from "./deployment.ts";
import type { Backend, Deployment, Process } from "./deployment.ts";

const dayMs = 86_400_000;
/** A killed worker's job runs again within this. */
const rerunMs = lockMs + stallMs + 2_000;

const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;

/** Every fault of the table, against one deployment whose processes come and go. */
export function faultSuite(backend: Backend): void {
  let on: Deployment;
  let api: Process;

  beforeAll(async () => {
    on = await deploy(backend);
    api = await on.startApi();
    const bars = Array.from({ length: 10 }, (_, index): FixtureBar => [
      Date.UTC(2025, 0, 1) + index * dayMs,
      ...([100, 101, 99, 100, 1_000_000] as const),
    ]);
    const db = on.db as unknown as Db;
    await putBars(db, { instrumentId: "ABC.TEST", space: "shared", calendar: "24x7" }, "1d", bars);
  });
  afterEach(async () => await on.killWorkers());
  afterAll(async () => await on.close());

  /** Fails above the bound; below it the line goes to the table. */
  function within(fault: string, boundMs: number, measuredMs: number): void {
    recordFault({ fault, backend, bound: `≤ ${seconds(boundMs)}`, measured: seconds(measuredMs) });
    expect(measuredMs, fault).toBeLessThanOrEqual(boundMs);
  }
  function exactly(fault: string, expected: string, measured: string): void {
    recordFault({ fault, backend, bound: expected, measured });
    expect(measured, fault).toBe(expected);
  }

  async function firstRun(id: string, pickup = 1) {
    return await until(`pick-up ${pickup}`, 60_000, async () =>
      (await on.runs(id)).find((run) => run.pickup >= pickup),
    );
  }

  async function oneEffectEach(ids: readonly string[]): Promise<string> {
    const effects = await on.effects(ids);
    const lost = ids.filter((id) => !effects.has(id)).length;
    const doubled = [...effects.values()].filter((count) => count > 1).length;
    return `${lost} lost, ${doubled} doubled`;
  }

  async function submitMany(count: number, payload: object = {}): Promise<string[]> {
    const ids: string[] = [];
    for (let at = 0; at < count; at += 50) {
      const part = Array.from({ length: Math.min(50, count - at) }, () => on.submit(payload));
      ids.push(...(await Promise.all(part)));
    }
    return ids;
  }

  test("a worker is killed in the middle of a job, once and twice", async () => {
    const workers = [await on.startWorker(), await on.startWorker()];
    const id = await on.submit({ sleepMs: 2_500 });
    for (const time of [1, 2]) {
      const run = await firstRun(id, time);
      workers.find((worker) => worker.pid === run.pid)!.kill("SIGKILL");
      const killedAt = Date.now();
      workers.push(await on.startWorker());
      const next = await firstRun(id, time + 1);
      within(`worker killed mid-job, time ${time}: runs again`, rerunMs, next.atMs - killedAt);
    }
    expect((await on.ended([id], 20_000)).get(id)).toBe("completed");
    exactly("worker killed twice: effects", "0 lost, 0 doubled", await oneEffectEach([id]));
  });

  test("SIGTERM with a long job", async () => {
    const first = await on.startWorker();
    const id = await on.submit({ sleepMs: 60_000 });
    const run = await firstRun(id);
    const second = await on.startWorker();
    first.kill("SIGTERM");
    const end = await first.exited;
    const endedAt = Date.now();
    expect(end).toMatchObject({ code: 0, signal: null });
    within("SIGTERM with a long job: exit 0", stopMs, end.afterMs);
    const next = await firstRun(id, run.pickup + 1);
    expect(next.pid).toBe(second.pid);
    within("SIGTERM with a long job: runs elsewhere after the exit", 2_000, Math.max(0, next.atMs - endedAt));
    await cancel(id);
  });

  async function cancel(id: string): Promise<void> {
    await sql`update jobs set cancel_requested_ms = ${Date.now()} where id = ${id}::uuid and ended_ms is null`.execute(
      on.db,
    );
    await on.ended([id], 20_000);
  }

  test("SIGTERM with a long job while the queue's server is down", async () => {
    const worker = await on.startWorker();
    const id = await on.submit({ sleepMs: 60_000 });
    const run = await firstRun(id);
    if (backend === "redis") await on.redis.kill();
    else await on.killPostgres();
    worker.kill("SIGTERM");
    const end = await worker.exited;
    if (backend === "redis") await on.redis.restart();
    else await on.startPostgres();
    expect(end).toMatchObject({ code: 0, signal: null });
    const server = backend === "redis" ? "Redis" : "PostgreSQL";
    within(`SIGTERM with a long job, ${server} down: exit 0`, stopMs + 500, end.afterMs);
    await on.startWorker();
    const startedAt = Date.now();
    const next = await firstRun(id, run.pickup + 1);
    within(`SIGTERM with a long job, ${server} down: runs again`, rerunMs + 3_000, next.atMs - startedAt);
    await cancel(id);
  });

  test("execute is killed around the send, the answer and the books; the venue goes silent for one", async () => {
    const moments = ["before send", "after send", "after answer", "after books", "venue silent"] as const;
    const order = { instrumentId: "ABC.TEST", side: "buy", type: "market", quantity: "1" };
    const placed = new Map<(typeof moments)[number], string>();
    for (const moment of moments) {
      // One order and one worker at a time: the order can fall to no other.
      const worker = await on.startWorker({ concurrency: 1, queues: "execute" });
      const fault = moment === "venue silent" ? { dieAt: "after send", thenSilent: true } : { dieAt: moment };
      const answer = await on.post("/fault-orders", { order, ...fault });
      expect(answer.status).toBe(202);
      expect((await worker.exited).signal).toBe("SIGKILL");
      placed.set(moment, answer.body.id);
      expect((await countOrders(answer.body.id)).sent).toBe(moment === "before send" ? 0 : 1);
    }
    await on.startWorker();
    const ends = await on.ended([...placed.values()], 110_000);
    for (const moment of moments) {
      const id = placed.get(moment)!;
      const { sent, status } = await countOrders(id);
      if (moment === "venue silent") {
        exactly("execute killed, venue silent: orders, status shown", "1, unknown", `${sent}, ${status}`);
        continue;
      }
      expect(ends.get(id)).toBe("completed");
      expect(["accepted", "filled", "partiallyFilled"]).toContain(status);
      exactly(`execute killed ${moment}: orders at the venue`, "1", String(sent));
    }
  });

  async function countOrders(jobId: string): Promise<{ sent: number; status: string | undefined }> {
    const { rows } = await sql<{ sent: number; status: string }>`
      select o.status, (select count(*)::int from paper_orders p where p.client_order_id = o.client_order_id) as sent
      from orders o where o.id = ${jobId}::uuid`.execute(on.db);
    return { sent: rows[0]?.sent ?? 0, status: rows[0]?.status };
  }

  if (backend === "redis") {
    test("Redis is killed with 1,500 jobs waiting", async () => {
      const ids = await submitMany(1_500);
      await on.redis.kill();
      // A worker that starts while Redis is away must not stay deaf.
      await on.startWorker({ concurrency: 10 });
      await on.redis.restart();
      const backAt = Date.now();
      const first = await until("a job runs", 30_000, async () => await earliestRun(ids));
      within("Redis killed, 1,500 waiting, nothing saved: flowing again", 5_000, first - backAt);
      await on.ended(ids, 60_000);
      exactly("Redis killed, 1,500 waiting: jobs", "0 lost, 0 doubled", await oneEffectEach(ids));
    });

    test("Redis is emptied", async () => {
      await on.startWorker({ concurrency: 6 });
      const ids = await submitMany(600, { sleepMs: 40 });
      const client = new Redis(on.redis.url);
      await client.flushall();
      const emptiedAt = Date.now();
      client.disconnect();
      await on.ended(ids, 90_000);
      const restored = await until("all ran", 1_000, async () => await latestStart(ids));
      expect(restored).toBeGreaterThan(emptiedAt);
      exactly(
        "Redis emptied with 600 waiting and running: jobs",
        "0 lost, 0 doubled",
        await oneEffectEach(ids),
      );
    });

    test("Redis is at maxmemory", async () => {
      await on.startWorker();
      const running = await submitMany(4, { sleepMs: 4_000 });
      for (const id of running) await firstRun(id);
      const client = new Redis(on.redis.url);
      await client.config("SET", "maxmemory", "1");
      const waiting = await submitMany(50);
      await on.ended(running, 20_000);
      await sleep(1_000);
      const { rows } = await sql<{ open: number }>`
        select count(*)::int as open from jobs where id = any(${waiting}::uuid[]) and ended_ms is null`.execute(
        on.db,
      );
      expect(rows[0]!.open).toBe(50);
      await client.config("SET", "maxmemory", "0");
      const freedAt = Date.now();
      client.disconnect();
      await on.ended(waiting, 60_000);
      within(
        "Redis at maxmemory: the waiting run once there is room",
        rerunMs + 5_000,
        (await latestStart(waiting))! - freedAt,
      );
      exactly("Redis at maxmemory: jobs", "0 lost, 0 doubled", await oneEffectEach([...running, ...waiting]));
    });

    test("the API with the queue down", async () => {
      await on.redis.kill();
      const answer = await on.post("/fault-probes", {});
      expect(answer.status).toBe(202);
      within("API with Redis down: 202", 500, answer.tookMs);
      await on.redis.restart();
      await on.startWorker();
      await on.ended([answer.body.id], 15_000);
      exactly(
        "API with Redis down: the job runs later",
        "0 lost, 0 doubled",
        await oneEffectEach([answer.body.id]),
      );
    });
  }

  async function earliestRun(ids: readonly string[]): Promise<number | undefined> {
    const { rows } = await sql<{ at: number | null }>`
      select min(at_ms) as at from fault_runs where job_id = any(${ids}::uuid[])`.execute(on.db);
    return rows[0]?.at ?? undefined;
  }
  async function latestStart(ids: readonly string[]): Promise<number | undefined> {
    const { rows } = await sql<{ at: number | null }>`
      select max(at_ms) as at from fault_runs where job_id = any(${ids}::uuid[])`.execute(on.db);
    return rows[0]?.at ?? undefined;
  }

  const holes = backend === "redis" ? (["Redis", "PostgreSQL"] as const) : (["PostgreSQL"] as const);
  test.each(holes)("the network to %s swallows every packet", async (server) => {
    await on.startWorker();
    const before = await on.submit();
    await on.ended([before], 15_000);
    const running = await on.submit({ sleepMs: 4_000 });
    await firstRun(running);
    const { proxies } = on;
    const cut =
      server === "Redis"
        ? [proxies.apiRedis, proxies.workerRedis]
        : [proxies.apiDatabase, proxies.workerDatabase];
    for (const proxy of cut) proxy.blackHole();
    const during = await on.post("/fault-probes", {}).catch(() => undefined);
    await sleep(2_000);
    for (const proxy of cut) proxy.heal();
    const healedAt = Date.now();
    const after = await until("a submission is taken", 40_000, () => on.submit().catch(() => undefined));
    const ids = [before, running, after, ...(during?.status === 202 ? [during.body.id] : [])];
    await on.ended(ids, 60_000);
    const run = (await on.runs(after)).at(-1)!;
    within(`black hole to ${server}: recovered`, 30_000, run.atMs - healedAt);
    exactly(`black hole to ${server}: jobs`, "0 lost, 0 doubled", await oneEffectEach(ids));
  });

  /** What the API sends when it adds jobs, and only then. */
  const addText = backend === "redis" ? "faults:analyze:pc" : "add_jobs_bulk";
  const queueProxy = () => (backend === "redis" ? on.proxies.apiRedis : on.proxies.apiDatabase);

  test("the answer to an add is lost", async () => {
    const lost = queueProxy().loseAnswerTo(addText);
    const id = await on.submit();
    await lost;
    await sleep(2_500);
    await on.startWorker();
    await on.ended([id], 15_000);
    await sleep(500);
    const runs = (await on.runs(id)).length;
    exactly("ACK of add lost: runs", "1", String(runs));
  });

  test("the API is killed between the commit and the add", async () => {
    const swallowed = queueProxy().swallow(addText);
    const id = await on.submit();
    await swallowed;
    api.kill("SIGKILL");
    await api.exited;
    const killedAt = Date.now();
    await on.startWorker();
    const run = await firstRun(id);
    within("API killed between commit and add: runs", 10_000, run.atMs - killedAt);
    await on.ended([id], 10_000);
    exactly("API killed between commit and add: jobs", "0 lost, 0 doubled", await oneEffectEach([id]));
    api = await on.startApi();
  });

  test("the API with PostgreSQL down", async () => {
    await on.killPostgres();
    const answers = [];
    for (let time = 0; time < 3; time++) {
      answers.push(await on.post("/fault-probes", {}));
      await sleep(300);
    }
    await on.startPostgres();
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(answers[0]!.body.code).toBe("service.unavailable");
    within("API with PostgreSQL down: 503", 500, Math.max(...answers.map(({ tookMs }) => tookMs)));
    const backAt = Date.now();
    const id = await until("taken again", 10_000, () => on.submit().catch(() => undefined));
    within("API after PostgreSQL is back: takes jobs", 5_000, Date.now() - backAt);
    await on.startWorker();
    await on.ended([id], 15_000);
  });

  test("50 requests at once with one key, and another body", async () => {
    const headers = { "idempotency-key": `fault-${Date.now()}` };
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => on.post("/fault-probes", { note: "same" }, headers)),
    );
    expect(answers.every(({ status }) => status === 202 || status === 200)).toBe(true);
    const ids = new Set(answers.map(({ body }) => body.id));
    const other = await on.post("/fault-probes", { note: "other" }, headers);
    exactly("50 POSTs with one key; another body", "1 job; 422", `${ids.size} job; ${other.status}`);
    await on.startWorker();
    await on.ended([...ids], 15_000);
    expect(await oneEffectEach([...ids])).toBe("0 lost, 0 doubled");
  });

  test("the event loop is blocked for twice the lock's time", async () => {
    const workers = [await on.startWorker(), await on.startWorker()];
    const id = await on.submit({ blockMs: 2 * lockMs });
    const first = await firstRun(id);
    const second = await firstRun(id, 2);
    expect(second.pid).not.toBe(first.pid);
    expect((await on.ended([id], 15_000)).get(id)).toBe("completed");
    // The blocked worker goes on and tries to write.
    await sleep(Math.max(0, first.atMs + 2 * lockMs + 1_500 - Date.now()));
    const effects = await on.db.selectFrom("faultEffects").selectAll().where("jobId", "=", id).execute();
    expect(effects.map(({ pid }) => pid)).toEqual([second.pid]);
    exactly("event loop blocked: stale writes", "0 lost, 0 doubled", await oneEffectEach([id]));
    expect(workers.every((worker) => !worker.output.includes("Unhandled"))).toBe(true);
  });

  test("PostgreSQL is restarted under load", async () => {
    await on.startWorker({ concurrency: 4 });
    const ids: string[] = [];
    let over = false;
    const load = (async () => {
      while (!over) {
        const id = await on.submit({ sleepMs: 5 }).catch(() => undefined);
        if (id === undefined) await sleep(50);
        else ids.push(id);
      }
    })();
    await sleep(2_000);
    await on.stopPostgres();
    await on.startPostgres();
    const backAt = Date.now();
    const beforeBack = ids.length;
    const taken = await until("a job is taken", 20_000, () =>
      ids.length > beforeBack ? Date.now() : undefined,
    );
    const ran = await until("a job runs", 20_000, async () => {
      const { rows } = await sql<{ at: number | null }>`
        select min(at_ms) as at from fault_effects where at_ms > ${backAt}`.execute(on.db);
      return rows[0]?.at ?? undefined;
    });
    over = true;
    await load;
    within("PostgreSQL restarted under load: takes jobs", 5_000, taken - backAt);
    within("PostgreSQL restarted under load: runs jobs", 5_000, ran - backAt);
    await on.ended(ids, 60_000);
    exactly("PostgreSQL restarted under load: jobs", "0 lost, 0 doubled", await oneEffectEach(ids));
  });

  test("chaos: 10,000 short jobs while workers, API and queue are killed at random", async () => {
    const boundMs = 90_000;
    const startedAt = performance.now();
    const elapsed = () => performance.now() - startedAt;
    const startedMs = Date.now();
    api.kill("SIGKILL");
    await api.exited;
    api = await on.startApi({ direct: true });
    const start = () => on.startWorker({ direct: true, concurrency: 20, queues: "analyze" });
    const workers = await Promise.all([start(), start()]);
    const random = seededRandom(20_260_101, "chaos");
    let kills = 0;
    let over = false;
    let broken: Error | undefined;

    /** Sends it until it is taken; the key keeps a repetition from being a second job. */
    async function taken(address: string, body: unknown, idempotencyKey: string): Promise<void> {
      let last = "nothing sent";
      await until(`${idempotencyKey} is taken`, boundMs, async () => {
        if (broken !== undefined) throw broken;
        const headers = { "idempotency-key": idempotencyKey };
        const answer = await on.post(address, body, headers).catch((error: unknown) => {
          last = String((error as Error).cause ?? error);
          return undefined;
        });
        if (answer === undefined) return undefined;
        last = `${answer.status} ${JSON.stringify(answer.body).slice(0, 500)}`;
        if (answer.status > 202 && answer.status !== 503) throw new Error(last);
        return answer.status <= 202;
      }).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}; last answer: ${last}\n${api.output.slice(-3_000)}`, {
          cause: error,
        });
      });
    }
    const payload = { record: false };
    const payloads = Array.from({ length: 100 }, () => payload);
    const requests = [
      ...Array.from({ length: 2_000 }, (_, index) => () => taken("/fault-probes", payload, `chaos-${index}`)),
      ...Array.from(
        { length: 80 },
        (_, index) => () => taken("/batches", { type: "probe", payloads }, `chaos-batch-${index}`),
      ),
    ];
    // Batches among the single jobs, in a seeded order.
    for (let at = requests.length - 1; at > 0; at--) {
      const other = Math.floor(random() * (at + 1));
      [requests[at], requests[other]] = [requests[other]!, requests[at]!];
    }
    async function submitter(): Promise<void> {
      for (let request = requests.pop(); request !== undefined; request = requests.pop()) await request();
    }
    async function killer(): Promise<void> {
      while (!over) {
        await sleep(1_000 + random() * 1_500);
        if (over) return;
        kills++;
        const choice = Math.floor(random() * 4);
        if (choice < 2) {
          workers[choice]!.kill("SIGKILL");
          await workers[choice]!.exited;
          workers[choice] = await start();
        } else if (choice === 2) {
          api.kill("SIGKILL");
          await api.exited;
          api = await on.startApi({ direct: true });
        } else if (backend === "redis") {
          await on.redis.kill();
          await sleep(300);
          await on.redis.restart();
        } else {
          await on.killPostgres();
          await on.startPostgres();
        }
      }
    }
    async function counts(): Promise<{ all: number; open: number; completed: number }> {
      const { rows } = await sql<{ all: number; open: number; completed: number }>`
        select count(*)::int as all, (count(*) filter (where ended_ms is null))::int as open,
          (count(*) filter (where state = 'completed'))::int as completed
        from jobs where type = 'probe' and created_ms >= ${startedMs}`.execute(on.db);
      return rows[0]!;
    }
    const killing = killer().catch((error: unknown) => void (broken = error as Error));
    await Promise.all(Array.from({ length: 40 }, submitter));
    const submittedMs = elapsed();
    // The killing goes on until nearly all have run.
    await until("nearly all ran", boundMs, async () => {
      const { open } = await counts().catch(() => ({ open: Infinity }));
      return open < 1_000 || kills >= 8 || elapsed() > boundMs - 25_000;
    });
    over = true;
    await killing;
    if (broken !== undefined) throw broken;
    const end = await until("all end", 60_000, async () => {
      const now = await counts().catch(() => undefined);
      return now?.open === 0 && now;
    }).catch(counts);
    const tookMs = elapsed();
    const { rows } = await sql<{ lost: number; doubled: number }>`
      select (count(*) filter (where effects = 0))::int as lost, (count(*) filter (where effects > 1))::int as doubled
      from (select j.id, count(e.job_id) as effects from jobs j left join fault_effects e on e.job_id = j.id
        where j.type = 'probe' and j.created_ms >= ${startedMs} group by j.id) each`.execute(on.db);
    exactly("chaos: jobs taken, completed", "10000, 10000", `${end.all}, ${end.completed}`);
    exactly(
      `chaos, ${kills} kills: effects`,
      "0 lost, 0 doubled",
      `${rows[0]!.lost} lost, ${rows[0]!.doubled} doubled`,
    );
    within(`chaos: all end (taken after ${seconds(submittedMs)})`, boundMs, tookMs);
  });
}
