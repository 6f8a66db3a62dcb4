import * as z from "zod";

/** Integer ms since 1970-01-01T00:00Z. Input may be RFC 3339 or a date (its UTC midnight); it is kept as ms. */
export const EpochMs = z
  .union([z.int().min(-62135596800000).max(253402300799999), z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((value) => (typeof value === "number" ? value : Date.parse(value)))
  .meta({
    description: "Time: ms UTC, or RFC 3339",
    examples: ["2020-01-31", 1580428800000],
    format: "instant",
  });

const timeframeUnits = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
const timeframePattern = /^([1-9][0-9]{0,3})([smhdw]|mo)$/;

/** `1s 1m 5m 1h 1d 1w 1mo`: a number and a unit. */
export const Timeframe = z
  .string()
  .regex(timeframePattern, "a timeframe is a number and s, m, h, d, w or mo, such as 1d")
  .meta({ description: "Bar length", examples: ["1d", "1h", "5m"] });

/** Length of a timeframe in ms; a month counts as 30 days (its bars store their true bounds). */
export function timeframeMs(timeframe: string): number {
  const match = timeframePattern.exec(timeframe);
  if (match === null) throw new RangeError(`not a timeframe: ${timeframe}`);
  const count = Number(match[1]);
  const unit = match[2]!;
  return (
    count * (unit === "mo" ? 30 * timeframeUnits.d : timeframeUnits[unit as keyof typeof timeframeUnits])
  );
}

export const dayMs = 86_400_000;

/** `2020-01-31` of an instant, UTC. */
export function isoDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The UTC day that a range which ends before `toMs` reaches: how the end of a half-open range is shown everywhere. */
export function lastDay(toMs: number): string {
  return isoDate(toMs - 1);
}
