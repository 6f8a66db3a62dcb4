import type { Bus, BusChannel, Log } from "@tapedeck/core";
import type { BusWire } from "./wire.ts";
import { createPostgresWire } from "./postgres.ts";
import { createRedisWire } from "./redis.ts";

export type BusTarget = { redisUrl: string } | { databaseUrl: string };

export interface BusOptions {
  log: Log;
  /** Namespace in Redis; default "tapedeck". PostgreSQL's is the database. */
  prefix?: string;
}

const coalesceMs = 20;
/** Wake-ups that wait while the server is away; more are dropped, since receivers also poll. */
const pendingLimit = 10_000;
/** NOTIFY takes 8,000 bytes. */
const messageBytes = 6_000;
const channels: readonly BusChannel[] = ["job", "cancel", "work"];

/**
 * Wake-ups between processes, over Redis where one is given, else over PostgreSQL's NOTIFY. One connection a process
 * (two with Redis). Keys hold no spaces. Listeners of the publishing process are woken too.
 */
export function createBus(target: BusTarget, options: BusOptions): Bus {
  const listeners = new Map<BusChannel, Set<(key: string) => void>>();
  const pending = new Map<BusChannel, Set<string>>();
  let timer: NodeJS.Timeout | undefined;
  let sending = false;
  let closed = false;

  function deliver(message: string): void {
    const [channel, ...keys] = message.split(" ");
    for (const key of keys) {
      for (const listener of listeners.get(channel as BusChannel) ?? []) {
        try {
          listener(key);
        } catch (error) {
          options.log.error({ channel, err: error }, "a bus listener threw");
        }
      }
    }
  }

  const wire: BusWire =
    "redisUrl" in target
      ? createRedisWire(target.redisUrl, `${options.prefix ?? "tapedeck"}:bus`, deliver, options.log)
      : createPostgresWire(target.databaseUrl, deliver, options.log);

  function takeMessages(): string[] {
    const messages: string[] = [];
    for (const [channel, keys] of pending) {
      let message: string = channel;
      for (const key of keys) {
        if (message.length + key.length > messageBytes) {
          messages.push(message);
          message = channel;
        }
        message += ` ${key}`;
      }
      if (message !== channel) messages.push(message);
    }
    pending.clear();
    return messages;
  }

  function schedule(): void {
    if (timer !== undefined || sending || closed) return;
    timer = setTimeout(() => {
      timer = undefined;
      void flush();
    }, coalesceMs);
  }

  async function flush(): Promise<void> {
    const messages = takeMessages();
    if (messages.length === 0) return;
    sending = true;
    try {
      await wire.send(messages);
    } catch (error) {
      options.log.debug({ err: error }, "wake-ups were lost; receivers poll");
    } finally {
      sending = false;
      if (pending.size > 0) schedule();
    }
  }

  return {
    publish(channel, key) {
      if (!channels.includes(channel) || key === "" || /\s/.test(key) || key.length > 200) {
        throw new RangeError(`not a bus message: ${channel} ${JSON.stringify(key)}`);
      }
      const keys = pending.get(channel) ?? new Set<string>();
      pending.set(channel, keys);
      if (keys.size < pendingLimit) keys.add(key);
      schedule();
    },
    subscribe(channel, listener) {
      const known = listeners.get(channel) ?? new Set<(key: string) => void>();
      listeners.set(channel, known.add(listener));
      return () => void known.delete(listener);
    },
    async close() {
      if (closed) return;
      clearTimeout(timer);
      timer = undefined;
      await flush();
      closed = true;
      listeners.clear();
      await wire.close();
    },
  };
}
