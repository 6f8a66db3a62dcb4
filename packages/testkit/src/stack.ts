import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@tapedeck/client";
import type { Client } from "@tapedeck/client";
import { projectRoot } from "./postgres.ts";

/** Tapedeck as real processes on a database of its own: an API and workers, as in production. */
export interface Stack {
  apiUrl: string;
  /** The first admin's key. */
  key: string;
  client: Client;
  /** Folder of blobs, index and logs. */
  dir: string;
  api: StackProcess;
  worker: StackProcess;
  /** One more worker process. */
  startWorker(args?: readonly string[]): Promise<StackProcess>;
  close(): Promise<void>;
}

export interface StackProcess {
  pid: number;
  /** What it printed so far. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code; null when a signal ended it. */
  ended: Promise<number | null>;
}

export interface StackOptions {
  databaseUrl: string;
  env?: Record<string, string>;
  /** Default: all queues, concurrency 4, two threads. */
  workerArgs?: readonly string[];
  /** Default true. */
  worker?: boolean;
  /** A stream of the simulated venue too; default false. */
  stream?: boolean;
}

const readyMs = 60_000;
const key = "tapedeck-test-key-of-the-first-admin";

export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** One of the programs as a process of its own. */
export function launch(script: string, args: readonly string[], env: Record<string, string>): StackProcess {
  const child: ChildProcess = spawn(process.execPath, [path.join(projectRoot, script), ...args], {
    cwd: projectRoot,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-100_000);
  };
  child.stdout!.on("data", keep);
  child.stderr!.on("data", keep);
  return {
    pid: child.pid!,
    output: () => output,
    kill: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => child.once("exit", (code) => resolve(code))),
  };
}

/** Starts API and worker on a migrated database and waits until jobs can run. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-stack-"));
  const port = await freePort();
  const apiUrl = `http://127.0.0.1:${port}`;
  const streamPort = await freePort();
  const env: Record<string, string> = {
    STREAM_PORT: String(streamPort),
    DATABASE_URL: options.databaseUrl,
    TAPEDECK_DIR: dir,
    TAPEDECK_API_KEY: key,
    PORT: String(port),
    HOST: "127.0.0.1",
    LOG_LEVEL: "warn",
    ...options.env,
  };
  const client = createClient({ baseUrl: apiUrl, token: key });
  const started: StackProcess[] = [];
  const track = (one: StackProcess) => {
    started.push(one);
    return one;
  };
  const until = async (what: string, of: StackProcess, check: () => Promise<boolean>) => {
    const deadline = performance.now() + readyMs;
    let ended = false;
    void of.ended.then(() => (ended = true));
    for (;;) {
      if (await check().catch(() => false)) return;
      if (ended || performance.now() > deadline) throw new Error(`${what} did not start:\n${of.output()}`);
      await sleep(50);
    }
  };
  const alive = async () => {
    const { items } = await client.call("listWorkers", {});
    return new Set(items.filter((worker) => worker.alive).map((worker) => worker.pid));
  };
  const startWorker = async (
    args: readonly string[] = options.workerArgs ?? ["--concurrency", "4", "--threads", "2"],
  ) => {
    const worker = track(launch("apps/workers/src/main.ts", args, env));
    await until("the worker", worker, async () => (await alive()).has(worker.pid));
    return worker;
  };
  const close = async () => {
    for (const one of started.toReversed()) {
      one.kill("SIGTERM");
      const timer = setTimeout(() => one.kill("SIGKILL"), 15_000);
      await one.ended;
      clearTimeout(timer);
    }
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const api = track(launch("apps/api/src/main.ts", [], env));
    await until("the API", api, async () => (await fetch(`${apiUrl}/readyz`)).ok);
    const worker = options.worker === false ? api : await startWorker();
    if (options.stream === true) {
      const stream = track(launch("apps/stream/src/main.ts", [], env));
      const healthUrl = `http://127.0.0.1:${streamPort}/healthz`;
      await until("the stream", stream, async () => (await fetch(healthUrl)).ok);
    }
    return { apiUrl, key, client, dir, api, worker, startWorker, close };
  } catch (error) {
    await close();
    throw error;
  }
}
