import { AppError } from "@tapedeck/core";
import type { Log, QueueConsumer, QueueItem, QueueName, QueuePort } from "@tapedeck/core";
import type { BulkJobOptions } from "bullmq";
import { jobOptions, within } from "./backend.ts";
import type { QueueBackend } from "./backend.ts";
import { startConsumer } from "./consumer.ts";
import { createPostgresQueueBackend } from "./postgres.ts";
import { createRedisBackend } from "./redis.ts";

export type QueueTarget = { redisUrl: string } | { databaseUrl: string };

export interface QueueOptions {
  log: Log;
  /** Namespace of the keys in Redis; default "tapedeck". PostgreSQL's is the database. */
  prefix?: string;
}

/** Longest time a call to the queue takes when its server is away. */
const answerMs = 3_000;
const bulk = 1_000;
const deadlock = "40P01";
/** BullMQ runs what has no priority before all that has one. */
const front = 0;
/** BullMQ's code for a job that is not there. */
const missing = -1;

function unavailable(cause: unknown): AppError {
  return new AppError("service.unavailable", "The queue does not answer.", { retryable: true, cause });
}

/** The queue on Redis where a Redis is given, else on PostgreSQL. Connects lazily and again after every outage. */
export function createQueue(target: QueueTarget, options: QueueOptions): QueuePort {
  const { log } = options;
  const backend =
    "redisUrl" in target
      ? createRedisBackend(target.redisUrl, options.prefix ?? "tapedeck", log)
      : createPostgresQueueBackend(target.databaseUrl, log);
  return overBackend(backend, log);
}

function overBackend(backend: QueueBackend, log: Log): QueuePort {
  const consumers = new Set<QueueConsumer>();

  async function ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await within(answerMs, work(), "the queue's answer");
    } catch (error) {
      throw unavailable(error);
    }
  }

  async function addPart(name: QueueName, items: readonly QueueItem[]): Promise<void> {
    const queue = await backend.queue(name);
    // The same order everywhere: two adds of the same ids in opposite order deadlock in PostgreSQL.
    const jobs = items
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, priority, traceParent }) => {
        const opts: BulkJobOptions = { ...jobOptions, jobId: id, priority };
        return { name, data: traceParent === undefined ? {} : { traceParent }, opts };
      });
    for (let attempt = 1; ; attempt++) {
      try {
        await queue.addBulk(jobs);
        return;
      } catch (error) {
        if ((error as { code?: string }).code !== deadlock || attempt === 5) throw error;
      }
    }
  }

  return {
    backend: backend.kind,

    async add(items) {
      const byQueue = Map.groupBy(items, (item) => item.queue);
      for (const [name, group] of byQueue) {
        for (let at = 0; at < group.length; at += bulk) {
          await ask(() => addPart(name, group.slice(at, at + bulk)));
        }
      }
    },

    known: (name, ids) =>
      ids.length === 0 ? Promise.resolve(new Set()) : ask(() => backend.known(name, ids)),

    remove: (name, id) =>
      ask(async () => {
        const queue = await backend.queue(name);
        const state = await queue.getJobState(id);
        if (state === "unknown" || state === "active") return false;
        // 0 when a worker took it in between.
        return (await queue.remove(id)) === 1;
      }),

    async toFront(name, ids) {
      for (const id of ids) {
        await ask(async () => {
          const job = await (await backend.queue(name)).getJob(id);
          if (job === undefined) return;
          await job.changePriority({ priority: front }).catch((error: unknown) => {
            // It was taken and ended in between.
            if ((error as { code?: number }).code !== missing) throw error;
          });
        });
      }
    },

    depth: (name) =>
      ask(async () => {
        const queue = await backend.queue(name);
        const counts = await queue.getJobCounts("waiting", "prioritized", "delayed", "active");
        return {
          waiting: counts["waiting"] ?? 0,
          prioritized: counts["prioritized"] ?? 0,
          delayed: counts["delayed"] ?? 0,
          active: counts["active"] ?? 0,
        };
      }),

    pause: (name) => ask(async () => await (await backend.queue(name)).pause()),
    resume: (name) => ask(async () => await (await backend.queue(name)).resume()),
    paused: (name) => ask(async () => await (await backend.queue(name)).isPaused()),

    async ping(timeoutMs) {
      return await within(timeoutMs, backend.ping(), "ping").then(
        () => true,
        () => false,
      );
    },

    consume(name, consumeOptions, process) {
      const consumer = startConsumer(backend, name, consumeOptions, process, log);
      consumers.add(consumer);
      return consumer;
    },

    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.close(2_000)));
      await within(2_000, backend.close(), "closing the queue").catch((error: unknown) =>
        log.debug({ err: error }, "the queue's connections were left to end by themselves"),
      );
    },
  };
}
