import { setTimeout as sleep } from "node:timers/promises";
import { timeframeMs } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import type { LiveBar, LiveTimeframe } from "@tapedeck/features/ticks/contract";
import { createFormulaRun } from "@tapedeck/formula";
import type { Bar, FormulaRun } from "@tapedeck/formula";
import { createCheckpoints, reachBars } from "./checkpoints.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { createTape } from "./tape.ts";
import type { Tape } from "./tape.ts";

/** Values of formulas at a bar's end: a number (NaN), or 0 and 1 for a condition; used again after the call. */
export type OnValues = (closeMs: number, values: Float64Array) => void;

/** What is computed over the final bars of an instrument. */
export interface WatchRequest {
  instrumentId: string;
  timeframe: LiveTimeframe;
  /** Whose documents a formula reads, where it does. */
  tenantId: string;
  /** Begins a computation: formulas, or anything else that takes bars one at a time. Throws FormulaError. */
  begin(): FormulaRun;
  /** Bars that it begins with, at most. */
  historyBars: number;
}

/** Bars that formulas begin with: a recursive average has forgotten what is older. */
const formulaBars = 5_000;

export function formulaWatch(
  on: Pick<WatchRequest, "instrumentId" | "timeframe" | "tenantId">,
  formulas: readonly string[],
): WatchRequest {
  const begin = () => createFormulaRun(formulas, { timeframeMs: timeframeMs(on.timeframe) });
  return { ...on, begin, historyBars: formulaBars };
}

/** A series that formulas read, of bars or of what was published, and where its rows come from. */
export interface Series {
  /** Names it among all; where it is one tenant's, the tenant too. */
  key: string;
  /** The newest rows that are kept, oldest first, none left out between them. */
  history(limit: number): Promise<readonly Bar[]>;
  /** Has new rows come to `takeRows` until what it gives is called; nothing where they do so by themselves. */
  follow(): () => void;
  /** Its row may come later than the bar of the same time of an instrument that is here. */
  isLate(): boolean;
}

/**
 * What is computed as bars become final, by the kernels that a batch uses. A watch begins with the bars that are kept; when
 * one of them is corrected it goes back to before that one, and `onValues` is told again of what followed.
 */
export interface Watches {
  open(request: WatchRequest, onValues: OnValues): OpenWatch;
  /** Bars that became final together, or corrections. */
  take(bars: readonly LiveBar[]): void;
  /** Rows of a series; what is known already changes nothing. */
  takeRows(key: string, rows: readonly Bar[]): void;
}

export interface OpenWatch {
  /** Resolves once `onValues` was told of the bars that are kept. */
  ready: Promise<void>;
  stop(): void;
}

export interface WatchOptions {
  /** A series as a formula names it: an instrument, or the sentiment of one. */
  seriesOf(name: string, request: Pick<WatchRequest, "timeframe" | "tenantId">): Series;
  log: Log;
  /** Between two tries to read the history. */
  retryMs: number;
  /** How long a bar waits for that of a late series. */
  patienceMs: number;
}

/** By which key the bars of an instrument come. */
export const barsKey = (instrumentId: string, timeframe: LiveTimeframe) => `${instrumentId} ${timeframe}`;

/** Bars that are taken before ticks have their turn. */
const barsAtOnce = 400;

/** A series that watches read. */
interface Followed {
  series: Series;
  tape: Tape;
  stop(): void;
  /** Histories under way, by their bars: watches that begin together share them. */
  histories: Map<number, Promise<void>>;
  watches: Set<Watch>;
  /** How many of them have not taken their history yet. */
  warming: number;
}

interface Watch {
  request: WatchRequest;
  onValues: OnValues;
  run: FormulaRun;
  checkpoints: Checkpoints;
  base: Followed;
  /** Names in the formulas, and what they name. */
  others: { name: string; followed: Followed }[];
  all: ReadonlySet<Followed>;
  /** Of the base, only bars that end later are taken. */
  startMs: number;
  /** All bars that end by then were taken. */
  doneMs: number;
  /** Bars of the base that end by then wait for no other. */
  releasedMs: number;
  /** End of the oldest row that was corrected since. */
  correctedMs: number;
  state: "reading" | "warming" | "warm" | "stopped";
  isDue: boolean;
  becameWarm(): void;
}

export function createWatches(options: WatchOptions): Watches {
  const { log } = options;
  const followed = new Map<string, Followed>();
  /** Watches that may have bars to take, in their order. */
  const due: Watch[] = [];
  let taking = false;

  function follow(name: string, request: WatchRequest): Followed {
    const series = options.seriesOf(name, request);
    let found = followed.get(series.key);
    if (found === undefined) {
      const kept = { tape: createTape(), histories: new Map(), watches: new Set<Watch>(), warming: 0 };
      found = { series, ...kept, stop: series.follow() };
      followed.set(series.key, found);
    }
    return found;
  }

  function leave(one: Followed, watch: Watch): void {
    one.watches.delete(watch);
    if (one.watches.size > 0) return;
    one.stop();
    followed.delete(one.series.key);
  }

  function readHistory({ series, tape, histories }: Followed, limit: number): Promise<void> {
    let reading = histories.get(limit);
    if (reading === undefined) {
      reading = series
        .history(limit)
        .then((rows) => tape.keep(rows))
        .finally(() => histories.delete(limit));
      histories.set(limit, reading);
    }
    return reading;
  }

  /** Back to what corrections need, now and then. */
  function trim({ tape }: Followed): void {
    if (tape.bars().length > 2 * reachBars) tape.trim(reachBars + 1);
  }

  /** Counts a watch among those that read back to the beginning of what is kept, or no more. */
  function setState(watch: Watch, state: Watch["state"]): void {
    const isCold = (one: Watch["state"]) => one === "reading" || one === "warming";
    const change = Number(isCold(state)) - Number(isCold(watch.state));
    watch.state = state;
    for (const one of watch.all) {
      one.warming += change;
      if (one.warming === 0) trim(one);
    }
  }

  /** Takes rows of another series that end after `afterMs` and by `closeMs`; gives how many. */
  function pushOther({ run }: Watch, name: string, tape: Tape, afterMs: number, closeMs: number): number {
    const rows = tape.bars();
    const first = tape.indexAfter(afterMs);
    let at = first;
    for (; at < rows.length && rows[at]!.closeMs <= closeMs; at++) run.pushOther(name, rows[at]!);
    return at - first;
  }

  const waits = ({ releasedMs, others }: Watch, closeMs: number) =>
    closeMs > releasedMs &&
    others.some((one) => one.followed.series.isLate() && one.followed.tape.lastMs() < closeMs);

  /** Goes back to before what was corrected; false: no such state is kept, or rows are missing that were forgotten. */
  function goBack(watch: Watch): boolean {
    if (watch.correctedMs <= watch.doneMs) {
      const doneMs = watch.checkpoints.restore(watch.run, watch.correctedMs);
      if (doneMs === undefined) return false;
      watch.doneMs = doneMs;
    }
    watch.correctedMs = Infinity;
    return watch.state === "warming" || [...watch.all].every(({ tape }) => tape.fromMs() <= watch.doneMs);
  }

  /** Takes bars that have come, about `most`; gives how many, and whether there are more. */
  function advance(watch: Watch, most: number): { taken: number; more: boolean } {
    const { base, others } = watch;
    const bars = base.tape.bars();
    let taken = 0;
    for (let at = base.tape.indexAfter(Math.max(watch.doneMs, watch.startMs)); at < bars.length; at++) {
      if (taken >= most) return { taken, more: true };
      const bar = bars[at]!;
      if (waits(watch, bar.closeMs)) break;
      for (const { name, followed: other } of others)
        taken += pushOther(watch, name, other.tape, watch.doneMs, bar.closeMs);
      watch.onValues(bar.closeMs, watch.run.push(bar));
      watch.doneMs = bar.closeMs;
      watch.checkpoints.pushed(watch.run, bar.closeMs, bars.length - at <= reachBars);
      taken += 1;
    }
    return { taken, more: false };
  }

  /** Lets a watch take what has come; gives how many bars that was. */
  function work(watch: Watch, most: number): number {
    if (!goBack(watch)) {
      void warm(watch);
      return 1;
    }
    const { taken, more } = advance(watch, most);
    if (more) schedule(watch);
    else if (watch.state === "warming") {
      setState(watch, "warm");
      watch.becameWarm();
    }
    return Math.max(1, taken);
  }

  /** In their order; many bars at once leave ticks their turn. */
  function takeDue(): void {
    let left = barsAtOnce;
    let done = 0;
    for (; done < due.length && left > 0; done++) {
      const watch = due[done]!;
      watch.isDue = false;
      if (watch.state === "stopped" || watch.state === "reading") continue;
      try {
        left -= work(watch, left);
      } catch (error) {
        const { instrumentId, timeframe } = watch.request;
        log.error({ err: error, instrumentId, timeframe }, "a watch cannot be computed and ends");
        stop(watch);
      }
    }
    due.splice(0, done);
    taking = due.length > 0;
    if (taking) setImmediate(takeDue);
  }

  function schedule(watch: Watch): void {
    if (watch.isDue || watch.state === "stopped" || watch.state === "reading") return;
    watch.isDue = true;
    due.push(watch);
  }

  function takeSoon(): void {
    if (!taking && due.length > 0) takeDue();
  }

  /** What has come of the base by now waits for late series no longer than the patience. */
  function releaseLater(watch: Watch): void {
    if (!watch.others.some((one) => one.followed.series.isLate())) return;
    const closeMs = watch.base.tape.lastMs();
    const timer = setTimeout(() => {
      watch.releasedMs = Math.max(watch.releasedMs, closeMs);
      schedule(watch);
      takeSoon();
    }, options.patienceMs);
    timer.unref();
  }

  /** Reads what is kept, and begins with it. */
  async function warm(watch: Watch): Promise<void> {
    const { request } = watch;
    setState(watch, "reading");
    for (;;) {
      try {
        await Promise.all([...watch.all].map((one) => readHistory(one, request.historyBars)));
        break;
      } catch (error) {
        const { instrumentId, timeframe } = request;
        log.warn({ err: error, instrumentId, timeframe }, "bars of a watch were not read; tried again");
        await sleep(options.retryMs, undefined, { ref: false });
      }
      if (watch.state === "stopped") return;
    }
    if (watch.state === "stopped") return;
    if (watch.doneMs > -Infinity) Object.assign(watch, fresh(request));
    watch.startMs = watch.base.tape.bars().at(-request.historyBars - 1)?.closeMs ?? -Infinity;
    watch.correctedMs = Infinity;
    setState(watch, "warming");
    releaseLater(watch);
    schedule(watch);
    takeSoon();
  }

  function fresh(request: WatchRequest) {
    const [doneMs, startMs, releasedMs] = [-Infinity, -Infinity, -Infinity];
    const run = request.begin();
    return {
      run,
      checkpoints: createCheckpoints(run),
      doneMs,
      startMs,
      releasedMs,
      correctedMs: Infinity,
    };
  }

  function stop(watch: Watch): void {
    if (watch.state === "stopped") return;
    setState(watch, "stopped");
    for (const one of watch.all) leave(one, watch);
    watch.becameWarm();
  }

  function takeRows(key: string, rows: readonly Bar[]): void {
    const one = followed.get(key);
    if (one === undefined) return;
    let oldestMs = Infinity;
    for (const row of rows) if (one.tape.take(row)) oldestMs = Math.min(oldestMs, row.closeMs);
    if (oldestMs === Infinity) return;
    if (one.warming === 0) trim(one);
    for (const watch of one.watches) {
      watch.correctedMs = Math.min(watch.correctedMs, oldestMs);
      if (one === watch.base) releaseLater(watch);
      schedule(watch);
    }
  }

  return {
    open(request, onValues) {
      const base = follow(request.instrumentId, request);
      const begun = fresh(request);
      const others = begun.run.instruments.map((name) => ({ name, followed: follow(name, request) }));
      const all = new Set([base, ...others.map((one) => one.followed)]);
      const { promise: ready, resolve: becameWarm } = Promise.withResolvers<void>();
      const parts = { request, onValues, ...begun, base, others, all, becameWarm };
      const watch: Watch = { ...parts, state: "stopped", isDue: false };
      for (const one of all) one.watches.add(watch);
      void warm(watch);
      return { ready, stop: () => stop(watch) };
    },
    take(bars) {
      const byKey = Map.groupBy(bars, (bar) => barsKey(bar.instrumentId, bar.timeframe));
      for (const [key, rows] of byKey) takeRows(key, rows);
      takeSoon();
    },
    takeRows(key, rows) {
      takeRows(key, rows);
      takeSoon();
    },
  };
}
