import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { timeframeMs } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import type { LiveBar, LiveTimeframe } from "@tapedeck/features/ticks/contract";
import { createFormulaRun } from "@tapedeck/formula";
import type { Bar, FormulaRun } from "@tapedeck/formula";

/** Values of formulas at a bar's end: a number (NaN), or 0 and 1 for a condition; used again after the call. */
export type OnValues = (closeMs: number, values: Float64Array) => void;

/** What is computed over the final bars of an instrument. */
export interface WatchRequest {
  instrumentId: string;
  timeframe: LiveTimeframe;
  /** Begins a computation: formulas, or anything else that takes bars one at a time. Throws FormulaError. */
  begin(): FormulaRun;
  /** Bars that it begins with, at most. */
  historyBars: number;
}

/** Bars that formulas begin with: a recursive average has forgotten what is older. */
const formulaBars = 5_000;

export function formulaWatch(
  instrumentId: string,
  timeframe: LiveTimeframe,
  formulas: readonly string[],
): WatchRequest {
  const begin = () => createFormulaRun(formulas, { timeframeMs: timeframeMs(timeframe) });
  return { instrumentId, timeframe, begin, historyBars: formulaBars };
}

/**
 * What is computed as bars become final, by the kernels that a batch uses. A watch begins with the bars that are
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
  /** The newest final bars that are kept, oldest first. */
  history(instrumentId: string, timeframe: LiveTimeframe, limit: number): Promise<readonly Bar[]>;
  /** The id of an instrument as a formula names it. */
  idOf(name: string): string;
  log: Log;
  /** Between two tries to read the history. */
  retryMs: number;
}

/** Bars that wait while the history is read. */
const maxWaiting = 1_000;
/** Bars of history that are taken before ticks have their turn. */
const barsAtOnce = 200;
/** Watches that take their bars before ticks have their turn. */
const watchesAtOnce = 200;

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

const placeOf = ({ instrumentId, bar }: FinalBar) => `${instrumentId} ${bar.closeMs}`;

const columns = ["open", "high", "low", "close", "volume"] as const;
const isEqual = (a: Bar, b: Bar) => columns.every((column) => a[column] === b[column]);

export function createWatches(options: WatchOptions): Watches {
  const { log } = options;
  /** By the instruments and the timeframe that they read. */
  const readers = new Map<string, Set<Watch>>();
  /** Histories that are being read: watches that begin together share them. */
  const reading = new Map<string, Promise<readonly Bar[]>>();

  /** Bars that became final and were not taken yet. */
  const due: { watch: Watch; finals: FinalBar[] }[] = [];
  let taking = false;

  const keyOf = (instrumentId: string, timeframe: LiveTimeframe) => `${instrumentId} ${timeframe}`;

  function keysOf({ request, names }: Watch): string[] {
    const ids = new Set([request.instrumentId, ...names.keys()]);
    return [...ids].map((id) => keyOf(id, request.timeframe));
  }

  function history(instrumentId: string, { timeframe, historyBars }: WatchRequest): Promise<readonly Bar[]> {
    const key = `${keyOf(instrumentId, timeframe)} ${historyBars}`;
    let bars = reading.get(key);
    if (bars === undefined) {
      bars = options.history(instrumentId, timeframe, historyBars).finally(() => reading.delete(key));
      reading.set(key, bars);
    }
    return bars;
  }

  function begin(request: WatchRequest): Pick<Watch, "run" | "names" | "takenMs"> {
    const run = request.begin();
    const names = new Map(run.instruments.map((name) => [options.idOf(name), name]));
    return { run, names, takenMs: new Map() };
  }

  const isTaken = (watch: Watch, { instrumentId, bar }: FinalBar) =>
    bar.closeMs <= (watch.takenMs.get(instrumentId) ?? -Infinity);

  function push(watch: Watch, one: FinalBar): void {
    // A bar of history that has come by itself meanwhile.
    if (isTaken(watch, one)) return;
    const { instrumentId, bar } = one;
    watch.takenMs.set(instrumentId, bar.closeMs);
    const name = watch.names.get(instrumentId);
    if (name !== undefined) watch.run.pushOther(name, bar);
    if (instrumentId === watch.request.instrumentId) watch.onValues(bar.closeMs, watch.run.push(bar));
  }

  /** Takes bars, and what came meanwhile; begins anew with what corrects one of them. */
  async function replay(watch: Watch, kept: Map<string, FinalBar>): Promise<void> {
    const baseId = watch.request.instrumentId;
    for (;;) {
      for (const [i, one] of inOrder([...kept.values()], baseId).entries()) {
        if (i % barsAtOnce === barsAtOnce - 1) await turn();
        if (watch.stopped) return;
        push(watch, one);
      }
      // Of a bar that came twice the newer.
      const waiting = new Map(watch.waiting!.map((one) => [placeOf(one), one]));
      const isCorrected = [...waiting].some(([place, one]) => {
        const known = kept.get(place);
        return isTaken(watch, one) && (known === undefined || !isEqual(known.bar, one.bar));
      });
      if (!isCorrected) {
        watch.waiting = undefined;
        for (const one of inOrder([...waiting.values()], baseId)) push(watch, one);
        return;
      }
      for (const [place, one] of waiting) kept.set(place, one);
      Object.assign(watch, begin(watch.request), { waiting: [] });
    }
  }

  /** Reads what is kept and goes on from there. */
  async function warm(watch: Watch): Promise<void> {
    const { request } = watch;
    const kept = new Map<string, FinalBar>();
    for (const instrumentId of new Set([request.instrumentId, ...watch.names.keys()]))
      for (const bar of await history(instrumentId, request)) {
        const one = { instrumentId, bar };
        kept.set(placeOf(one), one);
      }
    await replay(watch, kept);
  }

  async function warmUntilDone(watch: Watch): Promise<void> {
    while (!watch.stopped) {
      try {
        return await warm(watch);
      } catch (error) {
        const { instrumentId, timeframe } = watch.request;
        log.warn({ err: error, instrumentId, timeframe }, "bars of a watch were not read; tried again");
        Object.assign(watch, begin(watch.request));
        await sleep(options.retryMs, undefined, { ref: false });
      }
    }
  }

  function takeFinals(watch: Watch, finals: FinalBar[]): void {
    // What is given up is among the bars that are kept once they can be read again.
    if (watch.waiting !== undefined) watch.waiting = [...watch.waiting, ...finals].slice(-maxWaiting);
    else if (finals.some((one) => isTaken(watch, one))) {
      Object.assign(watch, begin(watch.request), { waiting: finals });
      void warmUntilDone(watch);
    } else for (const one of inOrder(finals, watch.request.instrumentId)) push(watch, one);
  }

  /** In their order; many at once leave ticks their turn. */
  function takeDue(): void {
    for (const { watch, finals } of due.splice(0, watchesAtOnce))
      if (!watch.stopped) takeFinals(watch, finals);
    taking = due.length > 0;
    if (taking) setImmediate(takeDue);
  }

  return {
    open(request, onValues) {
      const watch: Watch = { request, onValues, ...begin(request), waiting: [], stopped: false };
      for (const key of keysOf(watch)) readers.set(key, (readers.get(key) ?? new Set()).add(watch));
      return {
        instruments: [...watch.names.keys()],
        ready: warmUntilDone(watch),
        stop() {
          watch.stopped = true;
          for (const key of keysOf(watch)) {
            const known = readers.get(key);
            known?.delete(watch);
            if (known?.size === 0) readers.delete(key);
          }
        },
      };
    },
    take(bars) {
      const mine = new Map<Watch, FinalBar[]>();
      for (const bar of bars)
        for (const watch of readers.get(keyOf(bar.instrumentId, bar.timeframe)) ?? []) {
          const found = mine.get(watch);
          if (found === undefined) mine.set(watch, [{ instrumentId: bar.instrumentId, bar }]);
          else found.push({ instrumentId: bar.instrumentId, bar });
        }
      for (const [watch, finals] of mine) due.push({ watch, finals });
      if (!taking && due.length > 0) takeDue();
    },
  };
}
