import { isoDate, lastDay } from "@tapedeck/core";

/** How figures are written in reports. Browser-safe. */
const dash = "–";

export function percent(value: number | null, digits = 1): string {
  return value === null ? dash : `${(value * 100).toFixed(digits)} %`;
}

export function ratio(value: number | null, digits = 2): string {
  return value === null ? dash : value.toFixed(digits);
}

/** With thousands separated. */
export function amount(value: number | null, digits = 0): string {
  return value === null
    ? dash
    : value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** The UTC day of a moment. */
export function day(ms: number | null): string {
  return ms === null ? dash : isoDate(ms);
}

/** The UTC day that a bar which closes then belongs to: midnight is the end of the day before. */
export function closeDay(ms: number | null): string {
  return ms === null ? dash : lastDay(ms);
}

/** `1 trade`, `1,000 trades`. */
export function counted(count: number, noun: string): string {
  return `${amount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
