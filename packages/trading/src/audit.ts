import type { Dataset } from "@tapedeck/formula";

/** What a strategy decided, in the order decided: signal bits, or orders in words. */
export interface DecisionTrace {
  readonly timeMs: ArrayLike<number>;
  readonly what: ArrayLike<number | string>;
}

/** The decisions from the data that had closed by a time; absent: from all of it. It gets all that it may know, and no more. */
export type Decider = (untilMs?: number) => Promise<DecisionTrace>;

export interface AuditFinding {
  passed: boolean;
  /** Close of the first decision that differs; null: none. */
  firstMs: number | null;
  /** Places compared. */
  compared: number;
}

const clean = (compared: number): AuditFinding => ({ passed: true, firstMs: null, compared });

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

/** First time, up to and with `untilMs`, at which two traces differ; null: none. */
export function firstDifference(a: DecisionTrace, b: DecisionTrace, untilMs: number): number | null {
  for (let i = 0; ; i++) {
    const left = i < a.timeMs.length && a.timeMs[i]! <= untilMs ? a.timeMs[i]! : Infinity;
    const right = i < b.timeMs.length && b.timeMs[i]! <= untilMs ? b.timeMs[i]! : Infinity;
    if (left === Infinity && right === Infinity) return null;
    if (left !== right || a.what[i] !== b.what[i]) return Math.min(left, right);
  }
}

/** Most decisions at which the future is cut away. */
const mostDecisionCuts = 100;

/** Times of decisions from `fromMs` on, each once: of orders, and of signals that are set or change; at most so many, spread evenly over all of them. */
function decisionTimes({ timeMs, what }: DecisionTrace, fromMs: number, most: number): number[] {
  const rows = Array.from({ length: timeMs.length }, (_, i) => i).filter(
    (i) => timeMs[i]! >= fromMs && (what[i] !== 0 || (i > 0 && what[i - 1] !== 0)),
  );
  return spread([...new Set(rows.map((i) => timeMs[i]!))], most);
}

/**
 * Look-ahead: with the bars after a close taken away, no decision up to it may change. Catches next bars' prices, fills in the deciding
 * bar, scales fitted on all data, and higher-timeframe bars still open, wherever a cut falls between what was used and when. So cuts are
 * made at decisions too, from the first of `cutsMs` on: all of them up to 100, and 100 spread over more.
 */
export async function auditLookAhead(decide: Decider, cutsMs: readonly number[]): Promise<AuditFinding> {
  const whole = await decide();
  const decided = decisionTimes(whole, Math.min(...cutsMs), mostDecisionCuts);
  const places = [...new Set([...cutsMs, ...decided])].sort((a, b) => a - b);
  for (const [k, cutMs] of places.entries()) {
    const firstMs = firstDifference(whole, await decide(cutMs), cutMs);
    if (firstMs !== null) return { passed: false, firstMs, compared: k + 1 };
  }
  return clean(places.length);
}

/**
 * Revised data: at each close what was decided there, from the bars as they were known then, is what the whole run decided there.
 * `decideAsKnown` reads the revision visible at that time; undefined: nothing was known.
 */
export async function auditRevisions(
  decide: Decider,
  cutsMs: readonly number[],
  decideAsKnown: (atMs: number) => Promise<DecisionTrace | undefined>,
): Promise<AuditFinding> {
  const whole = await decide();
  let compared = 0;
  for (const atMs of cutsMs) {
    const known = await decideAsKnown(atMs);
    if (known === undefined) continue;
    compared++;
    const differs = firstDifference(decidedAt(whole, atMs), decidedAt(known, atMs), atMs) !== null;
    if (differs) return { passed: false, firstMs: atMs, compared };
  }
  return clean(compared);
}

/**
 * Closes at which a revision may tell, ascending: of each row that was put right the first close that saw it, and of the `reach` closes
 * from there on those before it was; at most so many, the first of each before the others, spread evenly.
 */
export function revisionPlaces(
  closeMs: ArrayLike<number>,
  revised: ReadonlyArray<{ readonly closeMs: number; readonly visibleMs: number }>,
  reach: number,
  most: number,
): number[] {
  const first = new Set<number>();
  const later = new Set<number>();
  const n = closeMs.length;
  let at = 0;
  for (const row of revised) {
    while (at < n && closeMs[at]! < row.closeMs) at++;
    for (let i = at; i < Math.min(n, at + reach) && closeMs[i]! < row.visibleMs; i++) {
      (i === at ? first : later).add(closeMs[i]!);
    }
  }
  const rest = [...later].filter((ms) => !first.has(ms));
  const chosen = spread([...first], most);
  return [...chosen, ...spread(rest, most - chosen.length)].sort((a, b) => a - b);
}

/** At most `most` of the values, spread evenly over all of them. */
function spread(values: readonly number[], most: number): number[] {
  const step = Math.max(1, values.length / most);
  return Array.from({ length: Math.min(most, values.length) }, (_, k) => values[Math.floor(k * step)]!);
}

/** What was decided at one close. */
function decidedAt({ timeMs, what }: DecisionTrace, atMs: number): DecisionTrace {
  const rows = Array.from(timeMs, (ms, i) => (ms === atMs ? i : -1)).filter((i) => i >= 0);
  return { timeMs: rows.map(() => atMs), what: rows.map((i) => what[i]!) };
}

/** Columns that decisions rest on, over some bars. */
export type ColumnSource = (bars: Dataset) => ReadonlyArray<Float64Array | Uint8Array>;

/** Two values of a running sum that saw other bars before may differ by so much, relative. */
const rounding = 1e-9;

/**
 * Recursion: what a strategy reads after the warm-up may not depend on how many bars came before it. Compares columns over bars that begin
 * later with those over all, from `warmup` bars after their start on.
 */
export function auditRecursion(
  columnsOf: ColumnSource,
  bars: Dataset,
  warmup: number,
  starts: readonly number[],
): AuditFinding {
  const whole = columnsOf(bars);
  let compared = 0;
  for (const start of starts) {
    const part = columnsOf(sliceBars(bars, start, bars.length));
    for (let i = start + warmup; i < bars.length; i++) {
      compared++;
      const differs = whole.some((column, c) => !isSame(column[i]!, part[c]![i - start]!));
      if (differs) return { passed: false, firstMs: bars.closeMs[i]!, compared };
    }
  }
  return clean(compared);
}

/**
 * A strategy's own state: do orders fall on the same moments when it begins later? Only times are compared, from `fromMs` on, since sizes
 * follow the equity; `compared` counts moments with an order in either trace.
 */
export function auditSchedule(whole: DecisionTrace, later: DecisionTrace, fromMs: number): AuditFinding {
  const momentsOf = ({ timeMs }: DecisionTrace) => new Set(Array.from(timeMs).filter((ms) => ms >= fromMs));
  const [mine, theirs] = [momentsOf(whole), momentsOf(later)];
  const all = [...new Set([...mine, ...theirs])];
  const apart = all.filter((ms) => mine.has(ms) !== theirs.has(ms));
  return {
    passed: apart.length === 0,
    firstMs: apart.length === 0 ? null : Math.min(...apart),
    compared: all.length,
  };
}

function isSame(a: number, b: number): boolean {
  if (Object.is(a, b)) return true;
  return Math.abs(a - b) <= rounding * Math.max(Math.abs(a), Math.abs(b));
}

/** Bars whose close is beyond a factor of two of the close before, either way: an unadjusted split looks like that. */
export function suspectSplits(bars: Pick<Dataset, "close">): number[] {
  const found: number[] = [];
  for (let i = 1; i < bars.close.length; i++) {
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
