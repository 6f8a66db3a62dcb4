import type { Log } from "@tapedeck/core";
import { Redis } from "ioredis";
import { backoffMs, heartbeatMs, silenceMs } from "./wire.ts";
import type { BusWire } from "./wire.ts";

/** Publish and subscribe; the subscribing connection takes no other commands, so there are two. */
export function createRedisWire(
  url: string,
  channel: string,
  deliver: (message: string) => void,
  log: Log,
): BusWire {
  const options = {
    maxRetriesPerRequest: null,
    enableOfflineQueue: false,
    connectTimeout: silenceMs,
    socketTimeout: silenceMs,
    commandTimeout: silenceMs,
    retryStrategy: backoffMs,
  };
  const publisher = new Redis(url, options);
  const subscriber = new Redis(url, { ...options, autoResubscribe: true });
  for (const client of [publisher, subscriber]) {
    client.on("error", (error) => log.debug({ error: error.message }, "the bus connection failed"));
  }
  subscriber.on("ready", () => void subscriber.subscribe(channel).catch(() => undefined));
  subscriber.on("message", (_channel, message) => deliver(message));
  const ready = new Promise<void>((resolve) => publisher.once("ready", resolve));
  let first = true;

  // A subscriber is silent by nature; only an unanswered ping tells a dead one.
  const pulse = setInterval(() => {
    if (subscriber.status === "ready") subscriber.ping().catch(() => undefined);
  }, heartbeatMs);
  pulse.unref();

  return {
    async send(messages) {
      if (first) {
        first = false;
        await Promise.race([ready, new Promise((resolve) => setTimeout(resolve, silenceMs).unref())]);
      }
      const pipeline = publisher.pipeline();
      for (const message of messages) pipeline.publish(channel, message);
      const answers = await pipeline.exec();
      const failed = answers?.find(([error]) => error !== null)?.[0];
      if (failed !== undefined && failed !== null) throw failed;
    },
    close() {
      clearInterval(pulse);
      publisher.disconnect();
      subscriber.disconnect();
      return Promise.resolve();
    },
  };
}
