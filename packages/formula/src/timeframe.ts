const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DAY = 86_400_000;
/** 1970-01-05, a Monday. */
const FIRST_MONDAY = 4 * DAY;

/** A bar length: milliseconds, or whole calendar months. */
export interface Timeframe {
  /** 30s, 5m, 1h, 1d, 1w or 1mo. */
  readonly text: string;
  /** Length in ms; 31 days a month where it counts months. */
  readonly ms: number;
  readonly months: number;
}

/** Parses 30s, 5m, 1h, 1d, 1w, and 1mo or 1M; undefined when the text is none. */
export function parseTimeframe(text: string): Timeframe | undefined {
  const found = /^([1-9]\d{0,4})([smhdwM]|mo)$/.exec(text);
  if (!found) return undefined;
  const count = Number(found[1]);
  if (found[2] === "M" || found[2] === "mo") {
    return 12 % count === 0 ? { text: `${count}mo`, ms: count * 31 * DAY, months: count } : undefined;
  }
  return { text, ms: count * UNITS[found[2]!]!, months: 0 };
}

/** Start of the half-open UTC bucket that holds a time. */
export function bucketStart(frame: Timeframe, ms: number): number {
  if (frame.months > 0) {
    const date = new Date(ms);
    const month = date.getUTCMonth();
    return Date.UTC(date.getUTCFullYear(), month - (month % frame.months), 1);
  }
  const offset = frame.ms % UNITS["w"]! === 0 ? FIRST_MONDAY : 0;
  return Math.floor((ms - offset) / frame.ms) * frame.ms + offset;
}

/** End of a bucket, the first moment that is outside it. */
export function bucketEnd(frame: Timeframe, start: number): number {
  if (frame.months === 0) return start + frame.ms;
  const date = new Date(start);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + frame.months, 1);
}

/** Half-open UTC buckets: midnights, Mondays, firsts of months. */
export function utcBucket(timeframe: string, openMs: number): { startMs: number; endMs: number } {
  const frame = parseTimeframe(timeframe)!;
  const startMs = bucketStart(frame, openMs);
  return { startMs, endMs: bucketEnd(frame, startMs) };
}
