import { setTimeout as sleep } from "node:timers/promises";
import { timeframeMs } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import type { LiveBar, LiveTimeframe } from "@tapedeck/features/ticks/contract";
import { createFormulaRun } from "@tapedeck/formula";
import type { Bar, FormulaRun } from "@tapedeck/formula";

/** Values of formulas at a bar's end: a number (NaN), or 0 and 1 for a condition; used again after the call. */
export type OnValues = (closeMs: number, values: Float64Array) => void;

/** Formulas over the final bars of an instrument. */
export interface WatchRequest {
  instrumentId: string;
  timeframe: LiveTimeframe;
  formulas: readonly string[];
}

/**
 * Formulas evaluated as bars become final, by the kernels that a batch uses. A watch begins with the bars that are
 * kept, and begins anew when one of them is corrected: `onValues` is then told of all of them again.
 */
export interface Watches {
  open(request: WatchRequest, onValues: OnValues): OpenWatch;
  /** Bars that became final together, or a correction of one. */
  take(bars: readonly LiveBar[]): void;
}

export interface OpenWatch {
  /** Other instruments that the formulas read. */
  instruments: readonly string[];
  /** Resolves once `onValues` was told of the bars that are kept. */
  ready: Promise<void>;
  stop(): void;
}

export interface WatchOptions {
  /** The final bars that are kept, oldest first. */
  history(instrumentId: string, timeframe: LiveTimeframe): Promise<readonly Bar[]>;
  /** The id of an instrument as a formula names it. */
  idOf(name: string): string;
  log: Log;
  /** Between two tries to read the history. */
  retryMs: number;
}

/** Bars that wait while the history is read. */
const maxWaiting = 1_000;

interface FinalBar {
  instrumentId: string;
  bar: Bar;
}

interface Watch {
  request: WatchRequest;
  onValues: OnValues;
  run: FormulaRun;
  /** Names in the formulas by instrument. */
  names: ReadonlyMap<string, string>;
  /** End of the last bar taken, by instrument. */
  takenMs: Map<string, number>;
  /** Bars that came while the history is read; undefined: it has been. */
  waiting: FinalBar[] | undefined;
  stopped: boolean;
}

/** Bars in the order in which a run takes them: by their end, the base instrument's last. */
function inOrder(bars: FinalBar[], baseId: string): FinalBar[] {
  return bars.toSorted(
    (a, b) =>
      a.bar.closeMs - b.bar.closeMs || Number(a.instrumentId === baseId) - Number(b.instrumentId === baseId),
  );
}

export function createWatches(options: WatchOptions): Watches {
  const { log } = options;
  const watches = new Set<Watch>();

  function begin({ timeframe, formulas }: WatchRequest): Pick<Watch, "run" | "names" | "takenMs"> {
    const run = createFormulaRun(formulas, { timeframeMs: timeframeMs(timeframe) });
    const names = new Map(run.instruments.map((name) => [options.idOf(name), name]));
    return { run, names, takenMs: new Map() };
  }

  function push(watch: Watch, { instrumentId, bar }: FinalBar): void {
    // A bar of history that has come by itself meanwhile.
    if (bar.closeMs <= (watch.takenMs.get(instrumentId) ?? -Infinity)) return;
    watch.takenMs.set(instrumentId, bar.closeMs);
    const name = watch.names.get(instrumentId);
    if (name !== undefined) watch.run.pushOther(name, bar);
    if (instrumentId === watch.request.instrumentId) watch.onValues(bar.closeMs, watch.run.push(bar));
  }

  /** Reads what is kept and goes on from there. */
  async function warm(watch: Watch): Promise<void> {
    const { instrumentId: baseId, timeframe } = watch.request;
    const kept: FinalBar[] = [];
    for (const instrumentId of new Set([baseId, ...watch.names.keys()]))
      for (const bar of await options.history(instrumentId, timeframe)) kept.push({ instrumentId, bar });
    if (watch.stopped) return;
    for (const one of inOrder(kept, baseId)) push(watch, one);
    const waiting = inOrder(watch.waiting!, baseId);
    watch.waiting = undefined;
    for (const one of waiting) push(watch, one);
  }

  async function warmUntilDone(watch: Watch): Promise<void> {
    while (!watch.stopped) {
      try {
        return await warm(watch);
      } catch (error) {
        log.warn({ err: error, ...watch.request }, "bars of a watch were not read; tried again");
        Object.assign(watch, begin(watch.request));
        await sleep(options.retryMs, undefined, { ref: false });
      }
    }
  }

  return {
    open(request, onValues) {
      const watch: Watch = { request, onValues, ...begin(request), waiting: [], stopped: false };
      watches.add(watch);
      return {
        instruments: [...watch.names.keys()],
        ready: warmUntilDone(watch),
        stop() {
          watch.stopped = true;
          watches.delete(watch);
        },
      };
    },
    take(bars) {
      for (const watch of watches) {
        const { instrumentId: baseId, timeframe } = watch.request;
        const mine = bars.filter(
          (bar) =>
            bar.timeframe === timeframe && (bar.instrumentId === baseId || watch.names.has(bar.instrumentId)),
        );
        if (mine.length === 0) continue;
        const finals = mine.map((bar) => ({ instrumentId: bar.instrumentId, bar }));
        // What is given up is among the bars that are kept once they can be read again.
        if (watch.waiting !== undefined) watch.waiting = [...watch.waiting, ...finals].slice(-maxWaiting);
        else if (mine.some((bar) => bar.closeMs <= (watch.takenMs.get(bar.instrumentId) ?? -Infinity))) {
          Object.assign(watch, begin(watch.request), { waiting: finals });
          void warmUntilDone(watch);
        } else for (const one of inOrder(finals, baseId)) push(watch, one);
      }
    },
  };
}
