import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobView } from "@tapedeck/features/jobs/contract";
import type { Database } from "@tapedeck/features/db";
import { createDb, freePort, migrateToLatest, startPostgres } from "@tapedeck/platform/postgres/index";
import type { EmbeddedServer } from "@tapedeck/platform/postgres/index";
import { projectRoot, tcpProxy, testRedis } from "@tapedeck/testkit";
import type { TcpProxy, TestRedis } from "@tapedeck/testkit";
import { sql } from "kysely";
import type { Kysely } from "kysely";
import type { FaultTables } from "./probe.ts";

/** Settings of every process here; the bounds are computed from them. */
export const lockMs = 3_000;
export const stallMs = 1_000;
export const stopMs = 6_000;

const key = "fault-suite-administrator-key";

export type Backend = "postgres" | "redis";

export interface Process {
  readonly pid: number;
  readonly output: string;
  kill: (signal: NodeJS.Signals) => void;
  /** Its exit code, or the signal that ended it, and how long after the last `kill` that was. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; afterMs: number }>;
}

export interface Answer {
  status: number;
  body: { id: string; code?: string; state?: string };
  tookMs: number;
}

export interface Deployment {
  backend: Backend;
  /** Straight to the server, past every proxy. */
  db: Kysely<Database & FaultTables>;
  postgres: () => EmbeddedServer;
  killPostgres: () => Promise<void>;
  stopPostgres: () => Promise<void>;
  startPostgres: () => Promise<void>;
  redis: TestRedis;
  /** Between the processes and their servers; the API's and the workers' are separate. */
  proxies: Record<"apiDatabase" | "apiRedis" | "workerDatabase" | "workerRedis", TcpProxy>;
  queuePrefix: string;
  startApi: (options?: { direct?: boolean }) => Promise<Process>;
  startWorker: (options?: { direct?: boolean; concurrency?: number; queues?: string }) => Promise<Process>;
  /** Ends every worker at once, as a crash. */
  killWorkers: () => Promise<void>;
  post: (address: string, body: unknown, headers?: Record<string, string>) => Promise<Answer>;
  /** Submits one probe and gives its id. */
  submit: (payload?: object, headers?: Record<string, string>) => Promise<string>;
  job: (id: string) => Promise<Pick<JobView, "state">>;
  /** Waits until all have ended; throws when one has not in time. */
  ended: (ids: readonly string[], timeoutMs: number) => Promise<Map<string, string>>;
  runs: (id: string) => Promise<{ pickup: number; pid: number; atMs: number }[]>;
  effects: (ids: readonly string[]) => Promise<Map<string, number>>;
  close: () => Promise<void>;
}

export async function until<T>(
  what: string,
  timeoutMs: number,
  check: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(25);
  }
}

function launch(script: string, args: readonly string[], env: Record<string, string>): Process {
  const child = spawn(process.execPath, [path.join(projectRoot, script), ...args], {
    cwd: projectRoot,
    env: { PATH: process.env["PATH"], NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"], ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let killedAt = performance.now();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (output = (output + chunk.toString()).slice(-400_000)));
  }
  return {
    pid: child.pid!,
    get output() {
      return output;
    },
    kill(signal) {
      killedAt = performance.now();
      child.kill(signal);
    },
    exited: new Promise((resolve) =>
      child.once("exit", (code, signal) => resolve({ code, signal, afterMs: performance.now() - killedAt })),
    ),
  };
}

/** A PostgreSQL and a Redis of its own, migrated; processes are started by the tests. */
export async function deploy(backend: Backend): Promise<Deployment> {
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-fault-"));
  const databasePort = await freePort();
  const serverOptions = { dir: path.join(dir, "postgres"), port: databasePort };
  let server = await startPostgres(serverOptions);
  await migrateToLatest(server.url, path.join(projectRoot, "migrations"));
  const db = createDb<Database & FaultTables>(server.url, { max: 4, connectTimeoutMs: 2_000 });
  await sql`create table fault_runs (job_id uuid not null, pickup int not null, pid int not null, at_ms bigint not null)`.execute(
    db,
  );
  await sql`create table fault_effects (job_id uuid not null, pickup int not null, pid int not null, at_ms bigint not null)`.execute(
    db,
  );
  const redis = await testRedis();
  const proxies = {
    apiDatabase: await tcpProxy(databasePort),
    workerDatabase: await tcpProxy(databasePort),
    apiRedis: await tcpProxy(redis.port),
    workerRedis: await tcpProxy(redis.port),
  };
  const apiPort = await freePort();
  const apiUrl = `http://127.0.0.1:${apiPort}`;
  const queuePrefix = "faults";
  const workers = new Set<Process>();
  const processes = new Set<Process>();

  const through = (url: string, port: number) => {
    const address = new URL(url);
    address.port = String(port);
    return address.href;
  };
  const environment = (databaseProxy: number, redisProxy: number): Record<string, string> => ({
    DATABASE_URL: through(server.url, databaseProxy),
    ...(backend === "redis" ? { REDIS_URL: `redis://127.0.0.1:${redisProxy}` } : {}),
    TAPEDECK_DIR: path.join(dir, "home"),
    TAPEDECK_API_KEY: key,
    TAPEDECK_EXTRA_JOBS: path.join(projectRoot, "apps/workers/src/faults/probe.ts"),
    TAPEDECK_QUEUE_PREFIX: queuePrefix,
    TAPEDECK_LOCK_MS: String(lockMs),
    TAPEDECK_STALL_MS: String(stallMs),
    TAPEDECK_STOP_MS: String(stopMs),
    TAPEDECK_RATE_PER_SECOND: "100000",
    TAPEDECK_RATE_BURST: "100000",
    HOST: "127.0.0.1",
    PORT: String(apiPort),
    LOG_LEVEL: "info",
  });

  async function ready(
    started: Process,
    what: string,
    check: () => Promise<boolean> | boolean,
  ): Promise<Process> {
    processes.add(started);
    let over = false;
    void started.exited.then(() => (over = true));
    await until(`${what} ready`, 60_000, async () => {
      if (over) throw new Error(`${what} ended:\n${started.output}`);
      return (await check()) || undefined;
    });
    return started;
  }

  async function post(address: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const started = performance.now();
    const response = await fetch(`${apiUrl}/api${address}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(20_000),
    });
    const answer = (await response.json()) as Answer["body"];
    return { status: response.status, body: answer, tookMs: performance.now() - started };
  }

  async function statesOf(ids: readonly string[]): Promise<Map<string, string>> {
    const { rows } = await sql<{ id: string; state: string; endedMs: number | null }>`
      select id, state, ended_ms from jobs where id = any(${ids}::uuid[])`.execute(db);
    return new Map(rows.map((row) => [row.id, row.endedMs === null ? "open" : row.state]));
  }

  return {
    backend,
    db,
    postgres: () => server,
    killPostgres: () => server.kill(),
    stopPostgres: () => server.stop(),
    async startPostgres() {
      server = await startPostgres(serverOptions);
    },
    redis,
    proxies,
    queuePrefix,
    async startApi({ direct = false } = {}) {
      const env = direct
        ? { ...environment(databasePort, redis.port), LOG_LEVEL: "warn" }
        : environment(proxies.apiDatabase.port, proxies.apiRedis.port);
      return await ready(launch("apps/api/src/main.ts", [], env), "the API", () =>
        fetch(`${apiUrl}/healthz`).then(
          (response) => response.ok,
          () => false,
        ),
      );
    },
    async startWorker({ direct = false, concurrency = 4, queues = "analyze,execute" } = {}) {
      const env = direct
        ? environment(databasePort, redis.port)
        : environment(proxies.workerDatabase.port, proxies.workerRedis.port);
      const args = ["--queues", queues, "--concurrency", String(concurrency), "--threads", "0"];
      const worker = launch("apps/workers/src/main.ts", args, env);
      workers.add(worker);
      void worker.exited.then(() => workers.delete(worker));
      return await ready(worker, "a worker", () => worker.output.includes("worker takes jobs"));
    },
    async killWorkers() {
      const all = [...workers];
      for (const worker of all) worker.kill("SIGKILL");
      await Promise.all(all.map((worker) => worker.exited));
    },
    post,
    async submit(payload = {}, headers = {}) {
      const answer = await post("/fault-probes", payload, headers);
      if (answer.status !== 202)
        throw new Error(`not accepted: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer.body.id;
    },
    async job(id) {
      return { state: (await statesOf([id])).get(id) as JobView["state"] };
    },
    async ended(ids, timeoutMs) {
      return await until(`${ids.length} jobs end`, timeoutMs, async () => {
        const states = await statesOf(ids).catch(() => new Map<string, string>());
        return (
          states.size === ids.length && [...states.values()].every((state) => state !== "open") && states
        );
      }).catch(async (error: unknown) => {
        const { rows } = await sql<{ state: string; count: number }>`
          select state, count(*)::int from jobs where id = any(${ids}::uuid[]) group by state`.execute(db);
        throw new Error(`${(error as Error).message}: ${JSON.stringify(rows)}`, { cause: error });
      });
    },
    async runs(id) {
      return await db.selectFrom("faultRuns").selectAll().where("jobId", "=", id).orderBy("atMs").execute();
    },
    async effects(ids) {
      const { rows } = await sql<{ jobId: string; count: number }>`
        select job_id, count(*)::int as count from fault_effects where job_id = any(${ids}::uuid[])
        group by job_id`.execute(db);
      return new Map(rows.map((row) => [row.jobId, row.count]));
    },
    async close() {
      for (const process of processes) process.kill("SIGKILL");
      await Promise.all([...processes].map((process) => process.exited));
      await db.destroy();
      for (const proxy of Object.values(proxies)) await proxy.close();
      await redis.close();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
