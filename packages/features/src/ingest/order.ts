import { AppError } from "@tapedeck/core";

/** Keys that are remembered when a source is not in order; about 50 bytes each. */
const maxKeys = 5_000_000;

/** Thrown when a source turns out not to be in order: read it again from the start, remembering keys. */
export class Unordered extends Error {}

/**
 * Finds rows of one source that share a time. A source in order, forwards or backwards, needs the last time alone;
 * one that is not is read again with `remember`, up to a limit.
 */
export class KeyOrder {
  readonly #remember: boolean;
  readonly #last = new Map<string, { ms: number; direction: number; count: number }>();
  readonly #seen = new Map<string, Map<number, number>>();
  #keys = 0;

  constructor(remember: boolean) {
    this.#remember = remember;
  }

  /** How many rows of this series had the same time before. */
  countBefore(series: string, ms: number): number {
    return this.#remember ? this.#remembered(series, ms) : this.#inOrder(series, ms);
  }

  #inOrder(series: string, ms: number): number {
    const last = this.#last.get(series);
    if (last === undefined) {
      this.#last.set(series, { ms, direction: 0, count: 1 });
      return 0;
    }
    if (ms === last.ms) return last.count++;
    const direction = Math.sign(ms - last.ms);
    if (last.direction !== 0 && direction !== last.direction) throw new Unordered();
    last.ms = ms;
    last.direction = direction;
    last.count = 1;
    return 0;
  }

  #remembered(series: string, ms: number): number {
    let seen = this.#seen.get(series);
    if (seen === undefined) {
      seen = new Map();
      this.#seen.set(series, seen);
    }
    const before = seen.get(ms) ?? 0;
    if (before === 0 && ++this.#keys > maxKeys) {
      throw new AppError(
        "data.invalid",
        `The rows are not in order of time, and there are more than ${maxKeys.toLocaleString("en-US")}: sort the file by time and import it again.`,
      );
    }
    seen.set(ms, before + 1);
    return before;
  }
}
