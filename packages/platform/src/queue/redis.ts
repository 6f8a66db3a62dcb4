import type { Log, QueueName } from "@tapedeck/core";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { drainDelaySeconds, workerOptions } from "./backend.ts";
import type { QueueBackend } from "./backend.ts";

const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 5), 1_000);

/** BullMQ on Redis or Valkey. */
export function createRedisBackend(url: string, prefix: string, log: Log): QueueBackend {
  // One connection for all producers. It refuses at once while it is down instead of keeping commands for later.
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: null,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    socketTimeout: 3_000,
    retryStrategy,
  });
  client.on("error", (error) => log.debug({ error: error.message }, "the queue's Redis connection failed"));
  const queues = new Map<QueueName, Promise<Queue>>();

  async function build(name: QueueName): Promise<Queue> {
    if (client.status !== "ready") throw new Error(`Redis is not reachable (${client.status})`);
    const queue = new Queue(name, { connection: client, prefix, skipWaitingForReady: true });
    queue.on("error", (error) => log.debug({ queue: name, error: error.message }, "a queue failed"));
    try {
      await queue.waitUntilReady();
    } catch (error) {
      await queue.close().catch(() => undefined);
      throw error;
    }
    return queue;
  }

  return {
    kind: "redis",
    async queue(name) {
      let queue = queues.get(name);
      if (queue === undefined) {
        queue = build(name);
        queues.set(name, queue);
        queue.catch(() => queues.delete(name));
      }
      return await queue;
    },

    async worker(name, processor, settings) {
      const worker = new Worker(name, processor, {
        ...workerOptions(settings),
        prefix,
        connection: {
          url,
          maxRetriesPerRequest: null,
          connectTimeout: 5_000,
          // A blocking wait is silent for the drain delay; only a dead network is silent for longer.
          socketTimeout: drainDelaySeconds * 1_000 + 4_000,
          retryStrategy,
        },
      });
      worker.on("error", settings.onError);
      const discard = () => void worker.disconnect().catch(() => undefined);
      const stop = new Promise<never>((_resolve, reject) => {
        settings.signal.addEventListener("abort", () => reject(new Error("closed")), { once: true });
      });
      try {
        await Promise.race([worker.waitUntilReady(), stop]);
      } catch (error) {
        void worker.close(true).catch(() => undefined);
        discard();
        throw error;
      }
      return { worker, discard };
    },

    async known(name, ids) {
      const found = new Set<string>();
      for (let at = 0; at < ids.length; at += 1_000) {
        const part = ids.slice(at, at + 1_000);
        const pipeline = client.pipeline();
        for (const id of part) pipeline.exists(`${prefix}:${name}:${id}`);
        const answers = await pipeline.exec();
        part.forEach((id, index) => {
          const [error, count] = answers?.[index] ?? [new Error("no answer")];
          if (error !== null) throw error;
          if (count === 1) found.add(id);
        });
      }
      return found;
    },

    async wake(name) {
      await client.zadd(`${prefix}:${name}:marker`, 0, "0");
    },

    async ping() {
      await client.ping();
    },

    async close() {
      for (const queue of queues.values()) await queue.then((built) => built.close()).catch(() => undefined);
      client.disconnect();
    },
  };
}
