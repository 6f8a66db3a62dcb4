import type { Bus, Log } from "@tapedeck/core";
import { sql } from "kysely";
import type { Db } from "../db.ts";

/**
 * Tells listeners that a job may have changed: by the bus at once, and by one reading a second of all watched rows,
 * so that a lost message only delays.
 */
export interface JobWatch {
  on(id: string, listener: () => void): () => void;
  start(): void;
  stop(): void;
}

interface Watched {
  listeners: Set<() => void>;
  seen: string;
}

export function createJobWatch(options: { db: Db; bus: Bus; log: Log; pollMs: number }): JobWatch {
  const watched = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let unsubscribe: (() => void) | undefined;
  let polling = false;

  const wake = (id: string) => {
    for (const listener of watched.get(id)?.listeners ?? []) listener();
  };

  const poll = async () => {
    if (polling || watched.size === 0) return;
    polling = true;
    try {
      const ids = [...watched.keys()];
      const result = await sql<{ id: string; mark: string }>`
        select id, state || ':' || event_seq as mark from jobs where id = any(${ids}::uuid[])`.execute(
        options.db,
      );
      for (const row of result.rows) {
        const entry = watched.get(row.id);
        if (entry === undefined || entry.seen === row.mark) continue;
        entry.seen = row.mark;
        wake(row.id);
      }
    } catch (error) {
      options.log.debug({ err: error }, "watched jobs could not be read");
    } finally {
      polling = false;
    }
  };

  return {
    on(id, listener) {
      const entry = watched.get(id) ?? { listeners: new Set(), seen: "" };
      entry.listeners.add(listener);
      watched.set(id, entry);
      return () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size === 0 && watched.get(id) === entry) watched.delete(id);
      };
    },
    start() {
      unsubscribe ??= options.bus.subscribe("job", wake);
      timer ??= setInterval(() => void poll(), options.pollMs);
      timer.unref();
    },
    stop() {
      clearInterval(timer);
      timer = undefined;
      unsubscribe?.();
      unsubscribe = undefined;
      watched.clear();
    },
  };
}
