import type { Log } from "@tapedeck/core";

/** What happened, kept as a row. */
export interface FollowedEvent {
  seq: number;
  data: unknown;
}

export interface Follower {
  /** Reads again: there is room. */
  wake(): void;
  stop(): void;
}

/** Events that are rows, by a key such as a job's id. */
export interface RowFeed {
  /** Events after `afterSeq`, in order, as they happen; `deliver` says false when it can take no more for now. */
  follow(key: string, afterSeq: number, deliver: (event: FollowedEvent) => boolean): Follower;
  /** Something of the key may be new. */
  wake(key: string): void;
  close(): void;
}

const pageSize = 200;

/** Reads rows when it is woken, and every `pollMs` whatever happens. */
export function createRowFeed(options: {
  load(key: string, afterSeq: number, limit: number): Promise<FollowedEvent[]>;
  log: Log;
  pollMs: number;
}): RowFeed {
  const { log } = options;
  const followers = new Map<string, Set<Follower>>();
  const wake = (key: string) => {
    for (const follower of followers.get(key) ?? []) follower.wake();
  };
  const timer = setInterval(() => {
    for (const key of followers.keys()) wake(key);
  }, options.pollMs);

  return {
    wake,
    follow(key, afterSeq, deliver) {
      let last = afterSeq;
      let reading = false;
      let again = false;
      let stopped = false;
      async function read(): Promise<void> {
        do {
          again = false;
          const events = await options.load(key, last, pageSize);
          for (const event of events) {
            if (stopped || !deliver(event)) return;
            last = event.seq;
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
            .catch((error: unknown) => log.debug({ err: error }, "events not read; the next poll does"))
            .finally(() => {
              reading = false;
            });
        },
        stop() {
          stopped = true;
          const known = followers.get(key);
          known?.delete(follower);
          if (known?.size === 0) followers.delete(key);
        },
      };
      const known = followers.get(key) ?? new Set();
      followers.set(key, known.add(follower));
      follower.wake();
      return follower;
    },
    close() {
      clearInterval(timer);
      for (const known of followers.values()) for (const follower of known) follower.stop();
    },
  };
}
