import { day } from "../format.ts";
import { textSize } from "./shapes.ts";
import type { Shape } from "./shapes.ts";

/** Where the plot lies on its drawing. */
export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Maps values to places; a range without an extent gets one. */
export function scale(least: number, most: number, from: number, to: number): (value: number) => number {
  const span = most - least || Math.abs(most) || 1;
  const low = most > least ? least : least - span / 2;
  return (value) => from + ((value - low) / span) * (to - from);
}

/** Round values that part a range into about `count`. */
export function roundSteps(least: number, most: number, count: number): number[] {
  if (!(most > least)) return [least];
  const rough = (most - least) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough)!;
  const first = Math.ceil(least / step);
  return Array.from({ length: Math.floor(most / step) - first + 1 }, (_, i) => (first + i) * step);
}

const monthsOfYear = 12;
const dayMs = 86_400_000;

/** Starts of years, months or days that part a range of times into at most `count`, and how each is written. */
export function timeSteps(fromMs: number, toMs: number, count: number): { atMs: number; text: string }[] {
  const months = (toMs - fromMs) / (30 * dayMs);
  const step = [1, 2, 3, 6, 12, 24, 60, 120, 240].find((one) => months / one <= count);
  if (months < 3 || step === undefined) {
    const days = roundSteps(fromMs / dayMs, toMs / dayMs, count);
    return days.map((one) => ({ atMs: one * dayMs, text: day(one * dayMs) }));
  }
  const start = new Date(fromMs);
  const firstMonth = start.getUTCFullYear() * monthsOfYear + start.getUTCMonth();
  const steps: { atMs: number; text: string }[] = [];
  for (let month = Math.ceil(firstMonth / step) * step; ; month += step) {
    const atMs = Date.UTC(Math.floor(month / monthsOfYear), month % monthsOfYear);
    if (atMs > toMs) return steps;
    if (atMs >= fromMs) steps.push({ atMs, text: day(atMs).slice(0, step >= monthsOfYear ? 4 : 7) });
  }
}

/** A line across the plot at a value, named at its left. */
export function valueRule(frame: Frame, y: number, text: string): Shape[] {
  return [
    { kind: "line", from: [frame.left, y], to: [frame.right, y], ink: "grid" },
    { kind: "text", at: [frame.left - 6, y + 4], text, ink: "dim", size: textSize, anchor: "end" },
  ];
}

/** A line up the plot at a place, named below. */
export function placeRule(frame: Frame, x: number, text: string): Shape[] {
  return [
    { kind: "line", from: [x, frame.top], to: [x, frame.bottom], ink: "grid" },
    { kind: "text", at: [x, frame.bottom + 16], text, ink: "dim", size: textSize, anchor: "middle" },
  ];
}
