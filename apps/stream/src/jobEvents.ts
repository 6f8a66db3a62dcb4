import type { Bus, Log } from "@tapedeck/core";
import { AppError } from "@tapedeck/core";
import type { Db } from "@tapedeck/features/db";
import { loadEvents, loadJob } from "@tapedeck/features/jobs/store";

export interface JobEvents {
  /** State, progress and last event of a job of the tenant; throws `job.unknown`. */
  state(tenantId: string, id: string): Promise<{ seq: number; state: string; progress: unknown }>;
  /** Events after `afterId`, in order, as they happen; `deliver` says false when it can take no more for now. */
  follow(id: string, afterId: number, deliver: (event: FollowedEvent) => boolean): Follower;
  close(): void;
}

export interface FollowedEvent {
  seq: number;
  event: string;
  atMs: number;
  data: unknown;
}

export interface Follower {
  /** Reads again: there is room. */
  wake(): void;
  stop(): void;
}

const pageSize = 200;

/** Reads `job_events` when the bus says so, and each second whatever it says. */
export function createJobEvents(options: { db: Db; bus: Bus; log: Log; pollMs: number }): JobEvents {
  const { db, bus, log } = options;
  const followers = new Map<string, Set<Follower>>();
  const wake = (id: string) => {
    for (const follower of followers.get(id) ?? []) follower.wake();
  };
  const off = bus.subscribe("job", wake);
  const timer = setInterval(() => {
    for (const id of followers.keys()) wake(id);
  }, options.pollMs);

  return {
    async state(tenantId, id) {
      const job = await loadJob(db, tenantId, id);
      return {
        seq: job.eventSeq,
        state: job.state,
        progress: job.progress === null ? null : (JSON.parse(job.progress) as unknown),
      };
    },
    follow(id, afterId, deliver) {
      let last = afterId;
      let reading = false;
      let again = false;
      let stopped = false;
      async function read(): Promise<void> {
        do {
          again = false;
          const events = await loadEvents(db, id, last, pageSize);
          for (const { id: seq, event, atMs, data } of events) {
            if (stopped || !deliver({ seq, event, atMs, data })) return;
            last = seq;
          }
          if (events.length === pageSize) again = true;
        } while (again && !stopped);
      }
      const follower: Follower = {
        wake() {
          again = true;
          if (reading || stopped) return;
          reading = true;
          read()
            .catch((error: unknown) => log.debug({ err: error }, "job events not read; the next poll does"))
            .finally(() => {
              reading = false;
            });
        },
        stop() {
          stopped = true;
          const known = followers.get(id);
          known?.delete(follower);
          if (known?.size === 0) followers.delete(id);
        },
      };
      const known = followers.get(id) ?? new Set();
      followers.set(id, known.add(follower));
      follower.wake();
      return follower;
    },
    close() {
      clearInterval(timer);
      off();
      for (const known of followers.values()) for (const follower of known) follower.stop();
    },
  };
}

/** What to answer when a subscription to a job fails because of the database. */
export function asSubscribeError(error: unknown): AppError {
  return error instanceof AppError
    ? error
    : new AppError("service.unavailable", "The database does not answer; subscribe again shortly.", {
        cause: error,
      });
}
