import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { createClient } from "@tapedeck/client";
import type { Client } from "@tapedeck/client";
import { AppError, queueNames } from "@tapedeck/core";
import { migrateToLatest, startPostgres } from "@tapedeck/platform/postgres/index";
import type { EmbeddedServer } from "@tapedeck/platform/postgres/index";
import type { CliConfig } from "../config.ts";
import { readKey } from "../connect.ts";
import { lockHome, openHome, readRun, removeRun, writeRun } from "../home.ts";
import { counted } from "../results/format.ts";
import { buildDashboard } from "../start/dashboard.ts";
import { choosePort, isFree } from "../start/ports.ts";
import { createSupervisor } from "../start/supervisor.ts";
import type { Supervisor } from "../start/supervisor.ts";
import { runTour, tourDone } from "../start/tour.ts";
import type { Cli } from "./shared.ts";

export interface StartFlags {
  once?: boolean;
  tour?: boolean;
  dev?: boolean;
  recording?: string;
  speed: string;
  concurrency: string;
  threads: string;
}

const loopback = "127.0.0.1";
const readyWithinMs = 60_000;
const stopWithinMs = 12_000;

export async function start(cli: Cli, config: CliConfig, flags: StartFlags): Promise<void> {
  const startedMs = config.now();
  const { out } = cli;
  openHome(config.dir);
  const lock = lockHome(config.dir);
  if ("heldBy" in lock) {
    const run = readRun(config.dir);
    throw new AppError(
      "resource.conflict",
      run === undefined
        ? `another copy (process ${lock.heldBy}) is starting in ${config.dir}; wait for it, or set TAPEDECK_DIR to run a second one`
        : `Tapedeck already runs at ${run.apiUrl} (process ${lock.heldBy}); stop it first, or set TAPEDECK_DIR and PORT to run a second one`,
    );
  }
  const supervisor = createSupervisor({
    root: config.root,
    logDir: makeLogDir(config.dir),
    watch: flags.dev === true,
    now: config.now,
    note: out.note,
  });
  let server: EmbeddedServer | undefined;
  try {
    const [database] = await Promise.all([openDatabase(config, out.note), buildPage(config, out.note)]);
    server = database.server;
    await portOfCrash(config, out.note);
    const port = await choosePort(config.port, config.portExplicit, config.host, "PORT");
    const apiUrl = `http://${config.host.includes(":") ? `[${config.host}]` : config.host}:${port}`;
    const streamPort = await choosePort(
      config.streamPort,
      config.streamPortExplicit,
      loopback,
      "STREAM_PORT",
    );
    startServices(supervisor, config, database.url, { port, streamPort }, flags);
    const client = await untilReady(supervisor, config, apiUrl, cli.signal);
    supervisor.ready();
    // Nothing of the tour waits for it; and what fails here is started again.
    if (flags.once !== true) startStream(supervisor, config, database.url, streamPort, flags);
    writeRun(config.dir, { pid: process.pid, startedMs, apiUrl, databaseUrl: database.url });
    out.note(`ready in ${((config.now() - startedMs) / 1000).toFixed(1)} s`);
    if (flags.once === true || (flags.tour !== false && !tourDone(config.dir))) {
      await runTour(client, config.dir, out, cli.signal);
    }
    if (flags.once === true) return;
    await welcome(client, apiUrl, cli);
    await untilStopped(cli.signal, server);
  } finally {
    out.note("stopping");
    removeRun(config.dir);
    await supervisor.stop(["dashboard", "stream", "workers", "api"], stopWithinMs);
    await server?.stop();
    lock.release();
  }
}

/** A copy that was killed leaves services that stop by themselves: their port is free in a moment. */
async function portOfCrash(config: CliConfig, note: (text: string) => void): Promise<void> {
  const left = readRun(config.dir);
  if (left === undefined) return;
  const port = Number(new URL(left.apiUrl).port);
  const deadline = config.now() + stopWithinMs;
  for (let waited = false; !(await isFree(port, config.host)) && config.now() < deadline; waited = true) {
    if (!waited) note("a copy that was killed is still stopping; waiting for it");
    await new Promise((wait) => setTimeout(wait, 200));
  }
}

function makeLogDir(dir: string): string {
  const logDir = resolve(dir, "logs");
  mkdirSync(logDir, { recursive: true, mode: 0o700 });
  return logDir;
}

async function openDatabase(
  config: CliConfig,
  note: (text: string) => void,
): Promise<{ url: string; server: EmbeddedServer | undefined }> {
  const server = config.databaseUrl === undefined ? await startEmbedded(config) : undefined;
  const url = config.databaseUrl ?? server!.url;
  try {
    const ran = await migrateToLatest(url, resolve(config.root, "migrations"));
    if (ran.length > 0) note(`database ready, ${counted(ran.length, "migration")}`);
    return { url, server };
  } catch (error) {
    await server?.stop();
    throw error;
  }
}

/** On the port of the last start where it is free, so that workers started beside it find it again. */
async function startEmbedded(config: CliConfig): Promise<EmbeddedServer> {
  const dir = resolve(config.dir, "postgres");
  const portFile = resolve(config.dir, "postgres-port");
  const last = existsSync(portFile) ? Number(readFileSync(portFile, "utf8")) : 0;
  const server = await startPostgres({
    dir,
    ...(last > 0 && (await isFree(last, "127.0.0.1")) ? { port: last } : {}),
  });
  writeFileSync(portFile, String(server.port), { mode: 0o600 });
  return server;
}

async function buildPage(config: CliConfig, note: (text: string) => void): Promise<void> {
  if ((await buildDashboard(config.root)) === "built") note("dashboard built");
}

function startServices(
  supervisor: Supervisor,
  config: CliConfig,
  databaseUrl: string,
  { port, streamPort }: { port: number; streamPort: number },
  flags: StartFlags,
): void {
  const env = {
    ...config.environment,
    DATABASE_URL: databaseUrl,
    TAPEDECK_DIR: config.dir,
    HOST: config.host,
  };
  supervisor.start({
    name: "api",
    script: "apps/api/src/main.ts",
    args: [],
    env: {
      ...env,
      PORT: String(port),
      STREAM_PORT: String(streamPort),
      STREAM_URL: `http://${loopback}:${streamPort}`,
    },
  });
  if (flags.dev === true) {
    supervisor.start({
      name: "dashboard",
      script: "node_modules/vite/bin/vite.js",
      args: ["build", "apps/dashboard", "--watch", "--logLevel", "warn"],
      env,
      watchesItself: true,
    });
  }
  supervisor.start({
    name: "workers",
    script: "apps/workers/src/main.ts",
    args: ["--queues", queueNames.join(","), "--concurrency", flags.concurrency, "--threads", flags.threads],
    env,
  });
}

/** Clients reach it through the API alone. */
function startStream(
  supervisor: Supervisor,
  config: CliConfig,
  databaseUrl: string,
  port: number,
  { recording, speed }: StartFlags,
): void {
  supervisor.start({
    name: "stream",
    script: "apps/stream/src/main.ts",
    args: [],
    env: {
      ...config.environment,
      DATABASE_URL: databaseUrl,
      TAPEDECK_DIR: config.dir,
      HOST: loopback,
      STREAM_PORT: String(port),
      ...(recording === undefined ? {} : { STREAM_RECORDING: resolve(recording), STREAM_SPEED: speed }),
    },
  });
}

async function untilReady(
  supervisor: Supervisor,
  config: CliConfig,
  apiUrl: string,
  signal: AbortSignal,
): Promise<Client> {
  const deadline = config.now() + readyWithinMs;
  while (config.now() < deadline && !signal.aborted) {
    const failure = supervisor.failure();
    if (failure !== undefined) {
      throw new AppError(
        "service.unavailable",
        `${failure.name} ended with code ${failure.code} while starting; its last words (${config.dir}/logs/${failure.name}.log):\n${supervisor.tail(failure.name).join("\n")}`,
      );
    }
    const token = config.apiKey ?? readKey(config.dir);
    if (token !== undefined && (await isReady(apiUrl))) {
      const client = createClient({ baseUrl: apiUrl, token });
      const workers = await client.call("listWorkers", {});
      if (workers.items.some((worker) => worker.alive)) return client;
    }
    await new Promise((wait) => setTimeout(wait, 50));
  }
  if (signal.aborted) throw new AppError("job.cancelled", "stopped while starting");
  throw new AppError(
    "service.unavailable",
    `the services were not ready in ${readyWithinMs / 1000} s; see ${config.dir}/logs`,
  );
}

async function isReady(apiUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${apiUrl}/readyz`, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

async function welcome(client: Client, apiUrl: string, cli: Cli): Promise<void> {
  const link = await client.call("createSignInLink", {});
  const { bold, cyan, dim } = cli.out.style;
  cli.out.print(
    [
      "",
      `${bold("Dashboard")} ${cyan(new URL(link.path, apiUrl).href)} ${dim("(signs you in once, within ten minutes)")}`,
      `${bold("API page")}  ${cyan(`${apiUrl}/api/docs`)}`,
      "",
      "Try next, in another terminal in this folder:",
      `  ${cyan('npx tapedeck ask "What was the worst year of the S&P 500?"')}`,
      `  ${cyan("npx tapedeck import my-bars.csv --symbol MINE.LOCAL")}`,
      `  ${cyan("npx tapedeck jobs")}`,
      "",
      dim("Stop with Ctrl-C."),
    ].join("\n"),
  );
}

/** Until ^C or SIGTERM; an embedded PostgreSQL that dies by itself ends the run with a clear word. */
async function untilStopped(signal: AbortSignal, server: EmbeddedServer | undefined): Promise<void> {
  const stopped = new Promise<"stopped">((done) => {
    if (signal.aborted) done("stopped");
    else signal.addEventListener("abort", () => done("stopped"), { once: true });
  });
  const ended = server === undefined ? [] : [server.ended.then(() => "database" as const)];
  if ((await Promise.race([stopped, ...ended])) === "database" && !signal.aborted) {
    throw new AppError(
      "service.unavailable",
      "the embedded PostgreSQL ended by itself; start again to recover (nothing accepted is lost)",
    );
  }
}
