import type { Log } from "./ports.ts";

/** Work that is done again and again until it is stopped. */
export interface Loop {
  start(): void;
  /** Resolves when the work under way has ended. */
  stop(): Promise<void>;
}

/**
 * Does `work` every so often, never twice at once; a round that comes while one is under way is left out. A failure is logged as
 * `failure`, once until a round succeeds again. It does not keep the process alive.
 */
export function createLoop(options: {
  work: () => Promise<unknown>;
  everyMs: number;
  log: Log;
  failure: string;
}): Loop {
  const { work, everyMs, log, failure } = options;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let failing = false;
  const round = () => {
    running ??= work()
      .then(
        () => {
          failing = false;
        },
        (error: unknown) => {
          if (!failing) log.warn({ err: error }, failure);
          failing = true;
        },
      )
      .finally(() => {
        running = undefined;
      });
  };
  return {
    start() {
      timer ??= setInterval(round, everyMs);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await running;
    },
  };
}
