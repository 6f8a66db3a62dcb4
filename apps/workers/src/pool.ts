import type { Worker } from "node:worker_threads";
import { AppError } from "@tapedeck/core";
import type { BusChannel, Log } from "@tapedeck/core";
import { createThread } from "@tapedeck/core/thread";
import type { ThreadRunner } from "@tapedeck/features/jobs/runtime";
import type { SeriesDataset } from "@tapedeck/features/series/contract";
import { fromThreadError, toThreadError } from "./messages.ts";
import type { DatasetAsk, FromThread, ToThread } from "./messages.ts";

export interface ThreadPoolOptions {
  size: number;
  /** Module that each thread runs: processor.ts. */
  entry: URL;
  /** Plain data for it. */
  workerData: unknown;
  log: Log;
  /** Reads a dataset for a thread, from this process's cache. */
  dataset: (ask: DatasetAsk) => Promise<SeriesDataset>;
  /** Passes a thread's wake-ups on. */
  publish: (channel: BusChannel, key: string) => void;
  /** Old-space limit of one thread; beyond it the thread dies and its job is repeated. Default 2,048. */
  maxHeapMb?: number;
  /** A thread told to stop that has not after this is ended by force. Default 2 s. */
  stopGraceMs?: number;
}

export interface ThreadPool {
  run: ThreadRunner;
  size: number;
  /** Threads that were ended by force or died; for metrics and tests. */
  replaced: () => number;
  close: () => Promise<void>;
}

interface Task {
  runId: number;
  run: Parameters<ThreadRunner>[0];
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
  settled: boolean;
}

interface Thread {
  worker: Worker;
  task: Task | undefined;
  ready: boolean;
  dead: boolean;
}

/** One job a thread at a time; threads start when first needed and are replaced when they die or do not stop. */
export function createThreadPool(options: ThreadPoolOptions): ThreadPool {
  const { size, log } = options;
  const stopGraceMs = options.stopGraceMs ?? 2_000;
  const threads: Thread[] = [];
  let waiting: Task[] = [];
  let nextRun = 1;
  let replaced = 0;
  let closed = false;

  const send = (thread: Thread, message: ToThread) => thread.worker.postMessage(message);

  const settle = (task: Task, how: () => void) => {
    if (task.settled) return;
    task.settled = true;
    how();
  };

  const release = (thread: Thread, runId: number): Task | undefined => {
    const task = thread.task;
    if (task === undefined || task.runId !== runId) return undefined;
    thread.task = undefined;
    return task;
  };

  const onMessage = (thread: Thread, message: FromThread) => {
    if (message.kind === "ready") {
      thread.ready = true;
      return;
    }
    if (message.kind === "publish") {
      options.publish(message.channel, message.key);
      return;
    }
    if (message.kind === "emit") {
      const task = thread.task;
      if (task?.runId !== message.runId || task.settled) return;
      try {
        task.run.emit(message.emission);
      } catch (error) {
        // What the handler would have been told had it run here: it ends with this.
        settle(task, () => task.reject(error));
        stop(thread, task, error);
      }
      return;
    }
    if (message.kind === "ask") {
      void answer(thread, message.askId, message.what);
      return;
    }
    const task = release(thread, message.runId);
    if (task === undefined) return;
    if (message.kind === "done") settle(task, () => task.resolve(message.result));
    else settle(task, () => task.reject(fromThreadError(message.error)));
    next();
  };

  const answer = async (thread: Thread, askId: number, what: DatasetAsk) => {
    try {
      const dataset = await options.dataset(what);
      if (!thread.dead) send(thread, { kind: "dataset", askId, dataset });
    } catch (error) {
      if (!thread.dead) send(thread, { kind: "refused", askId, error: toThreadError(error) });
    }
  };

  const onDeath = (thread: Thread, why: string) => {
    if (thread.dead) return;
    thread.dead = true;
    const at = threads.indexOf(thread);
    if (at >= 0) threads.splice(at, 1);
    if (closed) return;
    replaced++;
    const task = thread.task;
    thread.task = undefined;
    if (task !== undefined) {
      const error = thread.ready
        ? new AppError("job.crashed", "The thread that ran the job died; see the worker's log.", {
            retryable: true,
          })
        : new AppError("service.unavailable", "A worker thread could not start.", { retryable: true });
      settle(task, () => task.reject(error));
    }
    log.warn({ why, type: task?.run.type, jobId: task?.run.facts.jobId }, "worker thread is replaced");
    next();
  };

  const start = (): Thread => {
    const worker = createThread(options.entry, {
      workerData: options.workerData,
      resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb ?? 2_048 },
    });
    const thread: Thread = { worker, task: undefined, ready: false, dead: false };
    worker.on("message", (message: FromThread) => onMessage(thread, message));
    worker.on("error", (error) => {
      log.error({ err: error }, "worker thread failed");
      onDeath(thread, error instanceof Error ? error.message : String(error));
    });
    worker.on("exit", (code) => onDeath(thread, `exit ${code}`));
    threads.push(thread);
    return thread;
  };

  /** Tells the thread to stop this run, and ends the thread by force when it does not. */
  const stop = (thread: Thread, task: Task, reason: unknown) => {
    if (thread.dead) return;
    send(thread, { kind: "abort", runId: task.runId, error: toThreadError(reason) });
    setTimeout(() => {
      if (thread.task !== task || thread.dead) return;
      settle(task, () => task.reject(reason));
      void thread.worker.terminate();
      onDeath(thread, "did not stop");
    }, stopGraceMs);
  };

  const assign = (thread: Thread, task: Task) => {
    thread.task = task;
    const { type, payload, facts } = task.run;
    send(thread, { kind: "run", runId: task.runId, type, payload, facts });
  };

  const next = () => {
    while (waiting.length > 0 && !closed) {
      const free =
        threads.find((thread) => thread.task === undefined && !thread.dead) ??
        (threads.length < size ? start() : undefined);
      if (free === undefined) return;
      assign(free, waiting.shift()!);
    }
  };

  const run: ThreadRunner = (request) =>
    new Promise((resolve, reject) => {
      const task: Task = { runId: nextRun++, run: request, resolve, reject, settled: false };
      if (closed || request.signal.aborted) {
        reject(request.signal.aborted ? request.signal.reason : stopping());
        return;
      }
      const onAbort = () => {
        const thread = threads.find((candidate) => candidate.task === task);
        if (thread !== undefined) return stop(thread, task, request.signal.reason);
        waiting = waiting.filter((candidate) => candidate !== task);
        settle(task, () => reject(request.signal.reason));
      };
      request.signal.addEventListener("abort", onAbort, { once: true });
      task.resolve = (result) => {
        request.signal.removeEventListener("abort", onAbort);
        resolve(result);
      };
      task.reject = (error) => {
        request.signal.removeEventListener("abort", onAbort);
        reject(error);
      };
      waiting.push(task);
      next();
    });

  return {
    run,
    size,
    replaced: () => replaced,
    async close() {
      closed = true;
      for (const task of waiting) settle(task, () => task.reject(stopping()));
      waiting = [];
      await Promise.all(threads.map((thread) => thread.worker.terminate()));
    },
  };
}

function stopping(): AppError {
  return new AppError("service.unavailable", "The worker stops.", { retryable: true });
}
