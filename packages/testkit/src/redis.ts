import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "@tapedeck/platform/postgres/index";

/** Is redis-server (or valkey-server) on this machine? */
export const redisProgram = ["redis-server", "valkey-server"].find(
  (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
);
export const hasRedis = redisProgram !== undefined;

export interface TestRedis {
  url: string;
  port: number;
  pid: () => number | undefined;
  /** SIGKILL, as a crash. */
  kill: () => Promise<void>;
  /** On the same port; what was saved (append-only file, when `persist`) is there again. */
  restart: () => Promise<void>;
  close: () => Promise<void>;
}

async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.setTimeout(1_000);
    socket.once("error", () => resolve(false));
    socket.once("timeout", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("connect", () => socket.write("PING\r\n"));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString().startsWith("+PONG"));
    });
  });
}

/** A redis-server of its own on a free port. `persist: true` keeps an append-only file, flushed at every write. */
export async function testRedis(options: { persist?: boolean; args?: string[] } = {}): Promise<TestRedis> {
  if (redisProgram === undefined) throw new Error("there is no redis-server on this machine");
  const program = redisProgram;
  const dir = await mkdtemp(path.join(tmpdir(), "tapedeck-redis-"));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async () => {
    const started = spawn(
      program,
      [
        `--port ${port} --bind 127.0.0.1 --appendfsync always --maxmemory-policy noeviction`.split(" "),
        ["--dir", dir, "--save", "", "--appendonly", options.persist === true ? "yes" : "no"],
        options.args ?? [],
      ].flat(),
      { stdio: "ignore" },
    );
    child = started;
    for (let attempt = 0; attempt < 200; attempt++) {
      if (await accepts(port)) return;
      if (started.exitCode !== null) break;
      await sleep(50);
    }
    throw new Error(`redis-server did not start on port ${port}`);
  };
  const kill = async () => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => ending.once("exit", () => resolve()));
    ending.kill("SIGKILL");
    await ended;
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: () => child?.pid,
    kill,
    restart: async () => {
      await kill();
      await start();
    },
    close: async () => {
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
