import type { QueueName } from "@tapedeck/core";
import type { Processor, Queue, Worker } from "bullmq";

/** What the two sides do differently; everything else of the queue is written once over it. */
export interface QueueBackend {
  readonly kind: "postgres" | "redis";
  /** A producer that is ready, or an error at once: one built while the server was away is never kept. */
  queue(name: QueueName): Promise<Queue>;
  /** A worker that is connected but does not run yet. */
  worker(name: QueueName, processor: Processor, options: WorkerSettings): Promise<BuiltWorker>;
  /** Which of these ids are there, in whatever state. */
  known(name: QueueName, ids: readonly string[]): Promise<Set<string>>;
  /** Tells an idle worker to look: a delivery that is handed back announces itself to nobody. */
  wake(name: QueueName): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface WorkerSettings {
  concurrency: number;
  lockMs: number;
  stallCheckMs: number;
  /** Given up: what is being built may be thrown away. */
  signal: AbortSignal;
  onError(error: Error): void;
}

export interface BuiltWorker {
  worker: Worker;
  /** Ends the connections without waiting for anything. */
  discard(): void;
}

/** Seconds an idle worker waits before it looks by itself; every silence limit must be longer. */
export const drainDelaySeconds = 4;

/** Options of every BullMQ worker here. The row in `jobs` decides how often a job may run, so stalls never fail one. */
export function workerOptions(settings: WorkerSettings) {
  return {
    autorun: false,
    concurrency: settings.concurrency,
    lockDuration: settings.lockMs,
    stalledInterval: settings.stallCheckMs,
    maxStalledCount: 1_000_000,
    drainDelay: drainDelaySeconds,
    runRetryDelay: 1_000,
  };
}

/** Ended deliveries leave nothing behind: results and reasons are in `jobs`. */
export const jobOptions = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;

export async function within<T>(timeoutMs: number, work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
