/** Bars that close when price has moved enough: range bars and Renko bricks. */
import type { Bar, BarBuilder } from "./table.ts";
import { checkTicks, createBarTable } from "./table.ts";

/** Share of a size that rounding may take from a difference of prices. */
const ROUNDING = 1e-9;

function checkSize(size: number): void {
  if (!(size > 0) || size === Infinity)
    throw new RangeError(`the size of a bar must be above 0, not ${size}`);
}

/**
 * Range bars: the trade that makes high - low at least `range` closes the bar and belongs to it. After a gap a bar
 * is therefore larger than its range: no bars are invented between.
 */
export function createRangeBars(range: number): BarBuilder {
  checkSize(range);
  const least = range * (1 - ROUNDING);
  const closed = createBarTable();
  const bar: Bar = { openMs: 0, closeMs: 0, open: 0, high: 0, low: 0, close: 0, volume: 0, ticks: 0 };
  return {
    closed,
    advance(tick, from, to) {
      checkTicks(tick, from, to);
      for (let i = from; i < to; i++) {
        const p = tick.price[i]!;
        if (bar.ticks === 0) {
          bar.openMs = tick.timeMs[i]!;
          bar.open = bar.high = bar.low = p;
        }
        if (p > bar.high) bar.high = p;
        if (p < bar.low) bar.low = p;
        bar.volume += tick.size[i]!;
        bar.ticks++;
        bar.close = p;
        bar.closeMs = tick.timeMs[i]!;
        if (bar.high - bar.low >= least) {
          closed.add(bar);
          bar.ticks = bar.volume = 0;
        }
      }
    },
    forming: () => (bar.ticks === 0 ? undefined : { ...bar }),
  };
}

/**
 * Renko bricks of one size, on the grid of its whole multiples. A brick follows in the same direction after one
 * size, against it after two. One trade may complete several: they carry its time, and the volume and trades since
 * the brick before are the first one's. High and low are the brick's own ends: the way inside it is not kept.
 */
export function createRenkoBars(size: number): BarBuilder {
  checkSize(size);
  const closed = createBarTable();
  const bar: Bar = { openMs: 0, closeMs: 0, open: 0, high: 0, low: 0, close: 0, volume: 0, ticks: 0 };
  // lower and upper end of the last brick in sizes from 0; both the same before the first
  let lower = NaN;
  let upper = NaN;
  let [last, lastMs] = [0, 0];
  const lay = (from: number, to: number, timeMs: number): void => {
    bar.open = from * size;
    bar.close = to * size;
    bar.high = Math.max(bar.open, bar.close);
    bar.low = Math.min(bar.open, bar.close);
    bar.closeMs = timeMs;
    closed.add(bar);
    bar.openMs = timeMs;
    bar.volume = bar.ticks = 0;
    [lower, upper] = from < to ? [from, to] : [to, from];
  };
  return {
    closed,
    advance(tick, from, to) {
      checkTicks(tick, from, to);
      for (let i = from; i < to; i++) {
        const p = tick.price[i]!;
        const steps = p / size;
        if (lower !== lower) {
          lower = upper = Math.floor(steps + ROUNDING);
          bar.openMs = tick.timeMs[i]!;
          bar.close = lower * size;
        }
        bar.volume += tick.size[i]!;
        bar.ticks++;
        while (steps >= upper + 1 - ROUNDING) lay(upper, upper + 1, tick.timeMs[i]!);
        while (steps <= lower - 1 + ROUNDING) lay(lower, lower - 1, tick.timeMs[i]!);
        [last, lastMs] = [p, tick.timeMs[i]!];
      }
    },
    forming: () =>
      bar.ticks === 0
        ? undefined
        : {
            ...bar,
            open: bar.close,
            high: Math.max(bar.close, last),
            low: Math.min(bar.close, last),
            close: last,
            closeMs: lastMs,
          },
  };
}
