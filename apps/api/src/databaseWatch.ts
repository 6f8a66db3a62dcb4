import { AppError } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";

export interface DatabaseWatch {
  /** Throws `service.unavailable` at once while the database is known not to answer. */
  assertUp(): void;
  /** `work`, or `service.unavailable` as soon as the database is found not to answer. */
  guard<T>(work: Promise<T>): Promise<T>;
  stop(): void;
}

const away = () =>
  new AppError("service.unavailable", "The database does not answer; try again shortly.", {
    retryable: true,
  });

/**
 * Asks the database every `everyMs` on a connection of its own. A server that is gone refuses connections, which
 * every query sees by itself; this is for one that hangs: after `patienceMs` without an answer, waiting requests are
 * answered 503 and new ones at once, until it answers again.
 */
export function watchDatabase(options: {
  ping: () => Promise<unknown>;
  everyMs: number;
  patienceMs: number;
  log: Log;
}): DatabaseWatch {
  let isUp = true;
  let stopped = false;
  const waiting = new Set<(error: AppError) => void>();

  function set(up: boolean): void {
    if (up === isUp) return;
    isUp = up;
    if (up) options.log.info({}, "the database answers again");
    else {
      options.log.error({ waiting: waiting.size }, "the database does not answer");
      for (const reject of waiting) reject(away());
      waiting.clear();
    }
  }

  let timer = setTimeout(tick, options.everyMs);
  timer.unref();

  function tick(): void {
    let isAnswered = false;
    // Where this process was held up itself, the answer may be there and not read yet: what arrived is read first.
    const overdue = setTimeout(() => setImmediate(() => isAnswered || set(false)), options.patienceMs);
    overdue.unref();
    options
      .ping()
      .then(
        () => set(true),
        () => set(false),
      )
      .finally(() => {
        isAnswered = true;
        clearTimeout(overdue);
        if (stopped) return;
        timer = setTimeout(tick, options.everyMs);
        timer.unref();
      });
  }

  return {
    assertUp() {
      if (!isUp) throw away();
    },
    guard(work) {
      return new Promise((resolve, reject) => {
        waiting.add(reject);
        work.then(
          (value) => {
            waiting.delete(reject);
            resolve(value);
          },
          (error: unknown) => {
            waiting.delete(reject);
            // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- passed on as it is
            reject(error);
          },
        );
      });
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
