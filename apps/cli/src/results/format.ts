import { isoDate, lastDay } from "@tapedeck/core";

/** A fraction as a percentage with a decimal; a dash where it is not defined. */
export function percent(fraction: number | null): string {
  return fraction === null ? "–" : `${(fraction * 100).toFixed(1)} %`;
}

export function ratio(value: number | null): string {
  return value === null ? "–" : value.toFixed(2);
}

/** `1,234,567` with at most so many decimals; a dash where it is not defined. */
export function amount(value: number | null, decimals = 0): string {
  return value === null ? "–" : value.toLocaleString("en-US", { maximumFractionDigits: decimals });
}

/** `1 row`, `2 rows`, `1,000 rows`. */
export function counted(count: number, noun: string): string {
  return `${amount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** First and last UTC day of a half-open range: an end at midnight belongs to the day that it ends. */
export function days(fromMs: number, toMs: number): string {
  return `${isoDate(fromMs)} to ${lastDay(toMs)}`;
}
