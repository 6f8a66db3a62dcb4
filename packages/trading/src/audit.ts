import type { Dataset } from "@tapedeck/formula";

/** What a strategy would do at each close of some bars: signal bits, `[length]`. It gets all that it may know, and no more. */
export type SignalSource = (bars: Dataset) => Uint8Array;

export interface AuditFinding {
  passed: boolean;
  /** First bar (of the whole data) whose decision differs; -1: none. */
  firstBar: number;
  /** Bars compared. */
  compared: number;
}

const clean = (compared: number): AuditFinding => ({ passed: true, firstBar: -1, compared });

/** Rows [from, to) of a dataset, without copying. */
export function sliceBars(bars: Dataset, from: number, to: number): Dataset {
  const cut = (column: Float64Array) => column.subarray(from, to);
  return {
    length: to - from,
    timeframeMs: bars.timeframeMs,
    openMs: cut(bars.openMs),
    closeMs: cut(bars.closeMs),
    open: cut(bars.open),
    high: cut(bars.high),
    low: cut(bars.low),
    close: cut(bars.close),
    volume: cut(bars.volume),
    ...(bars.resolve === undefined ? {} : { resolve: bars.resolve.bind(bars) }),
    ...(bars.bucketOf === undefined ? {} : { bucketOf: bars.bucketOf }),
  };
}

/** Places for cuts: spread over the bars after `warmup`, each bar of a small range once. */
export function cutPoints(bars: number, warmup: number, count: number): number[] {
  const from = Math.min(bars - 1, warmup + 1);
  const points = Array.from({ length: count }, (_, k) => from + Math.floor(((bars - from) * k) / count));
  return [...new Set(points)].filter((point) => point >= 1 && point < bars);
}

function firstDifference(a: Uint8Array, b: Uint8Array, from: number, to: number): number {
  for (let i = from; i < to; i++) if (a[i] !== b[i]) return i;
  return -1;
}

/**
 * Look-ahead: with the bars from a cut on taken away, no decision before it may change. Catches next bars' prices, fills in the deciding
 * bar, scales fitted on all data, and higher-timeframe bars still open, wherever a cut falls between what was used and when.
 */
export function auditLookAhead(source: SignalSource, bars: Dataset, cuts: readonly number[]): AuditFinding {
  const whole = source(bars);
  let compared = 0;
  for (const cut of cuts) {
    const part = source(sliceBars(bars, 0, cut));
    const at = firstDifference(whole, part, 0, cut);
    compared += cut;
    if (at >= 0) return { passed: false, firstBar: at, compared };
  }
  return clean(compared);
}

/**
 * Revised data: at each cut the decision of its last bar, from the bars as they were known at its close, is the one of the whole run.
 * `knownAt` gives the bars that had closed by a time, in the revision visible then.
 */
export async function auditRevisions(
  source: SignalSource,
  bars: Dataset,
  cuts: readonly number[],
  knownAt: (closeMs: number) => Promise<Dataset>,
): Promise<AuditFinding> {
  const whole = source(bars);
  let compared = 0;
  for (const cut of cuts) {
    const known = await knownAt(bars.closeMs[cut - 1]!);
    if (known.length === 0) continue;
    compared++;
    const decided = source(known)[known.length - 1];
    if (known.closeMs[known.length - 1] !== bars.closeMs[cut - 1] || decided !== whole[cut - 1]) {
      return { passed: false, firstBar: cut - 1, compared };
    }
  }
  return clean(compared);
}

/**
 * Recursion: decisions after the warm-up may not depend on how many bars came before it. Compares runs that begin later with the whole,
 * from `warmup` bars after their start on.
 */
export function auditRecursion(
  source: SignalSource,
  bars: Dataset,
  warmup: number,
  starts: readonly number[],
): AuditFinding {
  const whole = source(bars);
  let compared = 0;
  for (const start of starts) {
    const part = source(sliceBars(bars, start, bars.length));
    for (let i = start + warmup; i < bars.length; i++) {
      compared++;
      if (part[i - start] !== whole[i]) return { passed: false, firstBar: i, compared };
    }
  }
  return clean(compared);
}

/** Bars whose close is beyond a factor of two of the close before, either way: an unadjusted split looks like that. */
export function suspectSplits(bars: Dataset): number[] {
  const found: number[] = [];
  for (let i = 1; i < bars.length; i++) {
    const ratio = bars.close[i]! / bars.close[i - 1]!;
    if (ratio > 1.95 || ratio < 1 / 1.95) found.push(i);
  }
  return found;
}

/** The signals one bar later: what is left when everything takes a bar longer. */
export function delaySignals(signals: Uint8Array): Uint8Array {
  const delayed = new Uint8Array(signals.length);
  delayed.set(signals.subarray(0, -1), 1);
  return delayed;
}
