import type { FormulaRun, SavedRun } from "@tapedeck/formula";

/** States of a run as it was some bars ago: close together for the newest bars, ever wider apart for older ones. */
export interface Checkpoints {
  /** Told of each bar that the run has taken, and whether it is new enough to be corrected. */
  pushed(run: FormulaRun, closeMs: number, isRecent: boolean): void;
  /** Puts the run back to before a time; gives the end of the last bar that it has then (-Infinity: none), undefined where no such state is kept. */
  restore(run: FormulaRun, beforeMs: number): number | undefined;
}

/** Bars between two states, at least. */
const leastBars = 16;
/** States that are large are further apart: one byte is copied for each bar and so many. */
const bytesPerBar = 512;
/** A correction of an older bar begins with the history. */
export const reachBars = 1_200;

interface Checkpoint {
  /** Bars that the run had taken. */
  count: number;
  closeMs: number;
  saved: SavedRun;
}

/** Of a run that has taken no bar yet. */
export function createCheckpoints(begun: FormulaRun): Checkpoints {
  let count = 0;
  let spacing = leastBars;
  /** Oldest first. */
  const kept: Checkpoint[] = [{ count, closeMs: -Infinity, saved: begun.save() }];

  /** Leaves out those whose neighbours are no further apart than the newer one is old. */
  function thin(): void {
    for (let i = kept.length - 2; i > 0; i--) {
      const newerCount = kept[i + 1]!.count;
      if (newerCount - kept[i - 1]!.count <= count - newerCount) kept.splice(i, 1);
    }
    while (kept.length > 1 && count - kept[1]!.count >= reachBars) kept.shift();
  }

  return {
    pushed(run, closeMs, isRecent) {
      count += 1;
      if (!isRecent || count % spacing !== 0) return;
      const saved = run.save();
      spacing = Math.max(leastBars, Math.ceil(saved.bytes / bytesPerBar));
      kept.push({ count, closeMs, saved });
      thin();
    },
    restore(run, beforeMs) {
      while (kept.length > 0 && kept.at(-1)!.closeMs >= beforeMs) kept.pop();
      const found = kept.at(-1);
      if (found === undefined) return undefined;
      run.restore(found.saved);
      ({ count } = found);
      return found.closeMs;
    },
  };
}
