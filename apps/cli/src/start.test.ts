import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { projectRoot } from "@tapedeck/testkit";
import { freePort } from "@tapedeck/testkit/stack";
import { afterAll, beforeAll, expect, test } from "vitest";

/** `tapedeck start` as a person runs it: these tests share a folder and run in order. */
let dir: string;
let port: number;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "tapedeck-start-"));
  port = await freePort();
});

afterAll(async () => {
  for (const child of children) child.kill("SIGTERM");
  await rm(dir, { recursive: true, force: true });
});

interface Started {
  child: ChildProcess;
  text(): string;
  /** Resolves when the output holds the text; rejects when it ends before. */
  until(text: string): Promise<void>;
  ended: Promise<number | null>;
}

function start(args: string[], env: Record<string, string> = {}): Started {
  const child = spawn(process.execPath, [path.join(projectRoot, "apps/cli/src/main.ts"), "start", ...args], {
    cwd: projectRoot,
    env: { ...process.env, TAPEDECK_DIR: dir, PORT: String(port), DATABASE_URL: "", REDIS_URL: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) =>
    child.once("exit", (code) => {
      children.delete(child);
      resolve(code);
    }),
  );
  return {
    child,
    text: () => text,
    ended,
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const check = () => text.includes(wanted) && resolve();
        child.stdout.on("data", check);
        child.stderr.on("data", check);
        check();
        void ended.then(() => reject(new Error(`ended before "${wanted}":\n${text}`)));
      }),
  };
}

test("--once runs the tour over the queue, prints its results and ends with 0", async () => {
  const run = start(["--once"]);
  expect(await run.ended, run.text()).toBe(0);
  const text = run.text();
  expect(text).toMatch(/5,105 bars of SPX\.INDEX, 2000-01-03 to 2020-04-17/);
  expect(text).toMatch(/buy and hold/);
  expect(text).toMatch(/last closed below its 200-day simple moving average on 17 April 2020/);
  expect(text).toMatch(/15\.11\s?%/);
  expect(text).toMatch(/Sharpe ratio is/);
  expect(text).toMatch(/no instrument called "Tesla"/);
  expect(text).toMatch(/tapedeck import/);
  expect((text.match(/evidence ev_/g) ?? []).length).toBeGreaterThan(8);
}, 180_000);

test("a second start skips the tour; its files are private; its link signs in once", async () => {
  const run = start([]);
  await run.until("Stop with Ctrl-C");
  expect(run.text()).not.toContain("1/8");
  for (const name of ["run.json", "api-key"])
    expect((await stat(path.join(dir, name))).mode & 0o777).toBe(0o600);
  const link = /(http:\/\/\S+\/api\/auth\/link\?token=\S+)/.exec(run.text())![1]!;
  const first = await fetch(link, { redirect: "manual" });
  expect(first.headers.get("set-cookie")).toMatch(/HttpOnly/i);
  const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
  const { apiUrl } = JSON.parse(await readFile(path.join(dir, "run.json"), "utf8")) as { apiUrl: string };
  expect((await fetch(`${apiUrl}/api/auth/me`, { headers: { cookie } })).status).toBe(200);
  const again = await fetch(link, { redirect: "manual" });
  expect(again.headers.get("set-cookie")).toBeNull();

  const second = start([]);
  expect(await second.ended).toBe(1);
  expect(second.text().trim().split("\n")).toHaveLength(1);
  expect(second.text()).toMatch(/already runs at http/);

  // A service that dies is started again.
  const workers = await workersOf(apiUrl);
  process.kill(workers[0]!.pid, "SIGKILL");
  await expect
    .poll(
      async () => (await workersOf(apiUrl)).some((worker) => worker.alive && worker.pid !== workers[0]!.pid),
      { timeout: 30_000 },
    )
    .toBe(true);

  run.child.kill("SIGTERM");
  expect(await run.ended).toBe(0);
}, 120_000);

interface WorkerView {
  pid: number;
  alive: boolean;
  queues: string[];
}

async function workersOf(apiUrl: string): Promise<WorkerView[]> {
  const key = (await readFile(path.join(dir, "api-key"), "utf8")).trim();
  const response = await fetch(`${apiUrl}/api/workers`, { headers: { authorization: `Bearer ${key}` } });
  return ((await response.json()) as { items: WorkerView[] }).items;
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test("a worker that was started beside it finds the next start again", async () => {
  const run = start(["--no-tour"]);
  await run.until("Stop with Ctrl-C");
  const extra = spawn(
    process.execPath,
    [path.join(projectRoot, "apps/cli/src/main.ts"), "workers", "run", "--queues", "sentiment"],
    { cwd: projectRoot, env: { ...process.env, TAPEDECK_DIR: dir, DATABASE_URL: "" }, stdio: "ignore" },
  );
  children.add(extra);
  const heartbeat = async () => {
    const { apiUrl } = JSON.parse(await readFile(path.join(dir, "run.json"), "utf8")) as { apiUrl: string };
    return (await workersOf(apiUrl)).find(({ queues, alive }) => alive && queues.join() === "sentiment")?.pid;
  };
  await expect.poll(heartbeat, { timeout: 30_000 }).toBeTypeOf("number");
  const pid = await heartbeat();
  run.child.kill("SIGTERM");
  expect(await run.ended).toBe(0);

  const again = start(["--no-tour"]);
  await again.until("Stop with Ctrl-C");
  await expect.poll(() => heartbeat().catch(() => undefined), { timeout: 30_000 }).toBe(pid);
  const key = (await readFile(path.join(dir, "api-key"), "utf8")).trim();
  const { apiUrl } = JSON.parse(await readFile(path.join(dir, "run.json"), "utf8")) as { apiUrl: string };
  // Only the extra worker is left to do it.
  // Those of the first start are still listed for a while.
  const own = (await workersOf(apiUrl)).filter((one) => one.alive && one.pid !== pid && isThere(one.pid));
  for (const one of own) process.kill(one.pid, "SIGSTOP");
  try {
    const answer = await fetch(`${apiUrl}/api/sentiments`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", prefer: "wait=20" },
      body: JSON.stringify({ texts: [{ text: "Profit rose." }] }),
    });
    expect(await answer.json()).toMatchObject({ state: "completed" });
  } finally {
    for (const one of own) process.kill(one.pid, "SIGCONT");
  }
  extra.kill("SIGTERM");
  again.child.kill("SIGTERM");
  expect(await again.ended).toBe(0);
}, 180_000);

test("killed outright, it starts again over what is left: lock, run.json, PostgreSQL", async () => {
  const run = start(["--no-tour"]);
  await run.until("Stop with Ctrl-C");
  run.child.kill("SIGKILL");
  await run.ended;
  const again = start(["--no-tour"]);
  await again.until("Stop with Ctrl-C");
  again.child.kill("SIGINT");
  expect(await again.ended).toBe(0);
}, 120_000);

test("a crashed PostgreSQL and a lock of a pid that is another program's now are no hindrance", async () => {
  await writeFile(path.join(dir, "lock"), JSON.stringify({ pid: process.pid, started: "1" }));
  await writeFile(
    path.join(dir, "postgres", "data", "postmaster.pid"),
    `${process.pid}\n${dir}\n1\n1\n\n\n\n`,
  );
  const run = start(["--no-tour"]);
  await run.until("Stop with Ctrl-C");
  run.child.kill("SIGTERM");
  expect(await run.ended).toBe(0);
}, 120_000);

test("a port that was asked for and is taken is named, with what to do", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
  const run = start(["--no-tour"]);
  expect(await run.ended).toBe(1);
  expect(run.text()).toMatch(new RegExp(`port ${port} is in use by another program; set PORT`));
  taken.close();
}, 60_000);

test("a folder that cannot be written is one line", async () => {
  const file = path.join(dir, "a-file");
  await writeFile(file, "");
  const run = start([], { TAPEDECK_DIR: path.join(file, "below") });
  expect(await run.ended).toBe(1);
  expect(run.text().trim()).toMatch(
    /^tapedeck: cannot write to .*set TAPEDECK_DIR to a folder that you may write to$/,
  );
});

test("a Node that is too old is told so by the bootstrap, in syntax that it can read", async () => {
  const text = await readFile(path.join(projectRoot, "scripts/bootstrap.mjs"), "utf8");
  const old = text.replace("process.versions.node.split", '"18.20.0".split');
  expect(old).not.toBe(text);
  const file = path.join(dir, "scripts-bootstrap.mjs");
  await writeFile(file, old);
  const child = spawn(process.execPath, [file, "start"], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(1);
  expect(said).toMatch(/too old: install Node 20 or newer/);
});
