import { pathToFileURL } from "node:url";
import type { Worker } from "node:worker_threads";
import { AppError } from "@tapedeck/core";
import { createThread } from "@tapedeck/core/thread";
import { completeParams } from "@tapedeck/trading";
import type { ModuleFailure, ModuleInfo, ModuleOutcome, ModuleRun, ModuleSession } from "./contract.ts";
import type { FromModule, ThreadSetup, ToModule } from "./messages.ts";

export interface ModuleLimits {
  /** Of the thread's own processor time, to load and to make one decision. Default 5 s. */
  answerMs?: number;
  /** Heap and array buffers of the thread, each. Default 256 MiB. */
  memoryMb?: number;
}

const defaultLimits = { answerMs: 5_000, memoryMb: 256 };
/** Looks at a running thread in the time of one limit. */
const looks = 10;
/** One that uses no processor time is asleep: it may be so for this many limits. */
const asleepLimits = 10;
/** For a thread to start, before it loads the module, on a machine that is busy. */
const startMs = 60_000;

/** Why a thread was ended, in words for people. */
class Stopped extends Error {}

interface Thread {
  /** The next message that is not of progress. Throws Stopped when the thread makes no headway, or has no memory left. */
  ask(message: ToModule | null, onProgress?: (done: number, total: number) => void): Promise<FromModule>;
  reached(): number;
  end(): Promise<void>;
}

function startThread(file: string, limits: Required<ModuleLimits>): Thread {
  const reached = new Int32Array(new SharedArrayBuffer(4));
  const setup: ThreadSetup = { url: pathToFileURL(file).href, reached };
  const worker = createThread(new URL("./thread.ts", import.meta.url), {
    workerData: setup,
    // Nothing of this process's settings, keys among them.
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: limits.memoryMb, maxYoungGenerationSizeMb: 64 },
  });
  const noMemory = () => new Stopped(`it took more than ${limits.memoryMb} MiB of memory`);
  let died: Error | undefined;
  let onMessage = (_message: FromModule): void => undefined;
  let onDeath = (_error: Error): void => undefined;
  const die = (error: Error) => {
    died ??= error;
    onDeath(died);
  };
  worker.on("message", (message: FromModule) => onMessage(message));
  worker.on("error", (error: NodeJS.ErrnoException) =>
    die(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? noMemory() : new Stopped(error.message)),
  );
  worker.on("exit", () => die(new Stopped("it ended its thread")));

  return {
    reached: () => Atomics.load(reached, 0),
    end: async () => void (await worker.terminate()),
    ask: (message, onProgress) => {
      const { promise, resolve, reject } = Promise.withResolvers<FromModule>();
      const watch = watchHeadway(
        worker,
        () => Atomics.load(reached, 0),
        limits,
        (why) => die(new Stopped(why)),
      );
      onDeath = reject;
      onMessage = (answer) => {
        watch.headway();
        if (answer.kind === "progress") onProgress?.(answer.done, answer.total);
        else if (answer.kind !== "ready") resolve(answer);
      };
      if (died !== undefined) reject(died);
      else if (message !== null) {
        watch.headway();
        worker.postMessage(message);
      }
      return promise.finally(() => watch.stop());
    },
  };
}

/**
 * Calls `onStop` with the reason when a thread makes no headway for too long, or takes too much memory. Time is the thread's own, so that a
 * busy machine ends nobody; until the first headway it has the time to start.
 */
function watchHeadway(
  worker: Worker,
  reached: () => number,
  { answerMs, memoryMb }: Required<ModuleLimits>,
  onStop: (why: string) => void,
) {
  const since = { at: -1, cpuMs: 0, wallMs: performance.now(), started: false };
  let moved = false;
  const look = async (): Promise<void> => {
    const [{ user, system }, { external_memory: external }] = await Promise.all([
      worker.cpuUsage(),
      worker.getHeapStatistics(),
    ]);
    // Array buffers are outside the heap, whose limit the thread keeps by itself.
    if (external > memoryMb * 2 ** 20) onStop(`it took more than ${memoryMb} MiB of memory`);
    const cpuMs = (user + system) / 1_000;
    if (moved || reached() !== since.at) {
      Object.assign(since, {
        at: reached(),
        cpuMs,
        wallMs: performance.now(),
        started: since.started || moved,
      });
      moved = false;
      return;
    }
    const idleMs = performance.now() - since.wallMs;
    const spent = since.started && (cpuMs - since.cpuMs > answerMs || idleMs > answerMs * asleepLimits);
    if (spent || idleMs > startMs) onStop(`it did not return within ${answerMs / 1_000} s`);
  };
  // Statistics of a thread that has just ended are refused; its end is told elsewhere.
  const timer = setInterval(() => void look().catch(() => undefined), answerMs / looks);
  return { headway: () => void (moved = true), stop: () => clearInterval(timer) };
}

/** Loads a module in a thread of its own. Throws AppError `strategy.failed` where it cannot be loaded. */
export async function openSession(
  file: string,
  facts: { name: string; hash: string },
  given: ModuleLimits = {},
): Promise<ModuleSession> {
  const limits = { ...defaultLimits, ...given };
  const shown = `strategies/${facts.name}.ts`;
  const failed = (why: string) =>
    new AppError("strategy.failed", `${shown}: ${why.replace(/\.$/, "")}.`, {
      details: { module: facts.name },
    });
  let thread: Thread;
  /** The thread was ended for one strategy, which holds up no other. */
  let stopped = false;

  const start = async (): Promise<Extract<FromModule, { kind: "loaded" }>["facts"]> => {
    thread = startThread(file, limits);
    stopped = false;
    const answer = await askOf(null);
    if (answer.kind !== "loaded") throw failed("it answered out of turn");
    return answer.facts;
  };
  const stop = async (): Promise<void> => {
    stopped = true;
    await thread.end();
  };
  const askOf = async (message: ToModule | null): Promise<FromModule> => {
    try {
      const answer = await thread.ask(message);
      if (answer.kind === "threw") throw failed(answer.message);
      return answer;
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      await stop();
      throw failed(error.message);
    }
  };
  const loaded = await start();
  const info: ModuleInfo = { ...facts, ...loaded };

  /** What a thread that was ended had done: the same run again, up to the decision that it did not come back from. */
  const repeat = async (message: Extract<ToModule, { kind: "run" }>, instants: number, why: string) => {
    await start();
    const again = await askOf({ ...message, instants });
    if (again.kind !== "ended") throw failed(why);
    const { run } = again;
    return { run, failure: again.failure ?? { message: why, atMs: run.timeMs[instants - 1]! } };
  };

  return {
    info,
    async prepare(params, instruments) {
      const [least, most] = info.instruments;
      if (instruments < least || instruments > most) {
        const wanted = least === most ? `${least}` : `${least} to ${most}`;
        throw new AppError("payload.invalid", `${shown} takes ${wanted} instruments, not ${instruments}.`);
      }
      let complete: Record<string, number>;
      try {
        complete = completeParams(shown, info.params, params);
      } catch (error) {
        if (error instanceof RangeError) throw new AppError("payload.invalid", error.message);
        throw error;
      }
      if (stopped) await start();
      const answer = await askOf({ kind: "prepare", params: complete });
      if (answer.kind !== "prepared") throw failed("it answered out of turn");
      return { params: complete, title: answer.title, features: answer.features };
    },

    async run({ params, instruments, settings, columns, seed, signal, onProgress }: ModuleRun) {
      signal.throwIfAborted();
      if (stopped) await start();
      const message = { kind: "run", params, instruments, settings, columns, seed, instants: null } as const;
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const onAbort = () => reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
      try {
        const answer = await Promise.race([thread.ask(message, onProgress), aborted]);
        if (answer.kind === "threw") throw failed(answer.message);
        if (answer.kind !== "ended") throw failed("it answered out of turn");
        return named(shown, answer);
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        const reached = thread.reached();
        await stop();
        if (reached === 0) throw failed(error.message);
        return named(shown, await repeat(message, reached, error.message));
      } finally {
        signal.removeEventListener("abort", onAbort);
        if (signal.aborted) await thread.end();
      }
    },

    close: () => thread.end(),
  };
}

function named(
  shown: string,
  outcome: { run: ModuleOutcome["run"]; failure: ModuleFailure | null },
): ModuleOutcome {
  const { run, failure } = outcome;
  if (failure === null) return { run, failure };
  const at = failure.atMs === null ? "" : ` at the close of ${new Date(failure.atMs).toISOString()}`;
  const message = `${shown}${at}: ${failure.message.replace(/\.$/, "")}.`;
  return { run, failure: { ...failure, message } };
}
