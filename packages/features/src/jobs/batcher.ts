/**
 * Group commit: calls that arrive together share one statement. A flush starts on the next turn of the event loop
 * while fewer than `maxInFlight` are under way, so that nothing waits for a timer and batches grow with the load.
 */
export interface BatcherOptions<T, R> {
  /** Gives one result per item, in order. An error rejects all of them. */
  flush(items: T[]): Promise<R[]>;
  maxItems: number;
  maxInFlight: number;
  /** Items waiting beyond this are refused by `full()`. */
  maxPending: number;
  full(): Error;
}

export interface Batcher<T, R> {
  add(item: T): Promise<R>;
  /** Items not yet answered. */
  pending(): number;
}

interface Entry<T, R> {
  item: T;
  resolve(result: R): void;
  reject(error: unknown): void;
}

export function createBatcher<T, R>(options: BatcherOptions<T, R>): Batcher<T, R> {
  let waiting: Entry<T, R>[] = [];
  let inFlight = 0;
  let unanswered = 0;
  let scheduled = false;

  const schedule = () => {
    if (scheduled || inFlight >= options.maxInFlight || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      void flush();
    });
  };

  const flush = async () => {
    const entries = waiting.length <= options.maxItems ? waiting : waiting.slice(0, options.maxItems);
    waiting = waiting.length <= options.maxItems ? [] : waiting.slice(options.maxItems);
    inFlight++;
    schedule();
    try {
      const results = await options.flush(entries.map((entry) => entry.item));
      entries.forEach((entry, at) => entry.resolve(results[at]!));
    } catch (error) {
      for (const entry of entries) entry.reject(error);
    } finally {
      inFlight--;
      unanswered -= entries.length;
      schedule();
    }
  };

  return {
    add(item) {
      if (unanswered >= options.maxPending) return Promise.reject(options.full());
      unanswered++;
      return new Promise<R>((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        schedule();
      });
    },
    pending: () => unanswered,
  };
}
