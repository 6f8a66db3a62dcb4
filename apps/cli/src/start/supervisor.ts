import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import type { WriteStream } from "node:fs";
import { join } from "node:path";

export interface Service {
  name: string;
  /** From the project's root. */
  script: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** In watch mode: it looks for changes itself. */
  watchesItself?: boolean;
}

export interface Supervisor {
  start(service: Service): void;
  /** Last lines that a service logged, for messages when it does not come up. */
  tail(name: string): string[];
  /** Set when a service ended by itself before `ready` was called, or was killed twice. */
  failure(): { name: string; code: number | string | null } | undefined;
  /** From now on a service that dies is started again. */
  ready(): void;
  /** In the order given; each gets its deadline, then SIGKILL. */
  stop(order: readonly string[], deadlineMs: number): Promise<void>;
}

const preload = new URL("./supervised.mjs", import.meta.url).href;
const tailLines = 20;
const restartDelaysMs = [200, 1_000, 5_000, 15_000];
/** A service that ran this long starts with the shortest delay again. */
const steadyMs = 60_000;

/** Runs the apps as child processes, each logging to `<dir>/logs/<name>.log`. */
export function createSupervisor(options: {
  root: string;
  logDir: string;
  watch: boolean;
  now(): number;
  note(text: string): void;
}): Supervisor {
  const running = new Map<string, ChildProcess>();
  const tails = new Map<string, string[]>();
  const logs = new Map<string, WriteStream>();
  let stopping = false;
  let steady = false;
  let failed: { name: string; code: number | string | null } | undefined;

  function launch(service: Service, failures: number): void {
    const flags = [
      "--import",
      preload,
      ...(options.watch && service.watchesItself !== true ? ["--watch", "--watch-preserve-output"] : []),
    ];
    const child = spawn(process.execPath, [...flags, join(options.root, service.script), ...service.args], {
      cwd: options.root,
      env: service.env,
      // The pipe to its standard input closes when this process is gone, however it went: see supervised.mjs.
      stdio: ["pipe", "pipe", "pipe"],
      // Its own group: ^C reaches the supervisor alone, which stops the services in order.
      detached: true,
    });
    running.set(service.name, child);
    const startedMs = options.now();
    const log = logs.get(service.name)!;
    const tail = tails.get(service.name)!;
    const keep = (chunk: Buffer) => {
      log.write(chunk);
      for (const line of chunk.toString().split("\n")) if (line.trim() !== "") tail.push(line);
      tail.splice(0, Math.max(0, tail.length - tailLines));
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => tail.push(error.message));
    child.on("exit", (code, signal) => {
      running.delete(service.name);
      if (stopping) return;
      // One that ends with a code has said what it needs; one that was killed did not come to say anything.
      if (!steady && (signal === null || failures > 0)) {
        failed ??= { name: service.name, code: code ?? signal };
        return;
      }
      const again = options.now() - startedMs > steadyMs ? 0 : failures;
      const delayMs = restartDelaysMs[Math.min(again, restartDelaysMs.length - 1)]!;
      options.note(`${service.name} ended (${signal ?? `code ${code}`}); starting it again in ${delayMs} ms`);
      setTimeout(() => {
        if (!stopping) launch(service, again + 1);
      }, delayMs);
    });
  }

  return {
    start(service) {
      logs.set(
        service.name,
        createWriteStream(join(options.logDir, `${service.name}.log`), { flags: "a", mode: 0o600 }),
      );
      tails.set(service.name, []);
      launch(service, 0);
    },
    tail: (name) => tails.get(name) ?? [],
    failure: () => failed,
    ready() {
      steady = true;
    },
    async stop(order, deadlineMs) {
      stopping = true;
      for (const name of order) {
        const child = running.get(name);
        if (child === undefined) continue;
        const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
        child.kill("SIGTERM");
        const timer = setTimeout(() => child.kill("SIGKILL"), deadlineMs);
        await ended;
        clearTimeout(timer);
      }
      for (const log of logs.values()) log.end();
    },
  };
}
