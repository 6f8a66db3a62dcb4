/** Chart patterns, seen at the bar that completes them, from data up to that bar. */
import { betweenLines } from "./channels.ts";
import type { Line, Maker, Outline, Prospect } from "./outlines.ts";
import { cupAndHandle, doubleBottom, inverseHeadAndShoulders, valueAt } from "./outlines.ts";
import type { Pivot, Swings } from "./swings.ts";
import { createSwings } from "./swings.ts";

/** Names of the patterns that are seen. */
export const CHART_PATTERNS = [
  "double_top",
  "double_bottom",
  "head_and_shoulders",
  "inverse_head_and_shoulders",
  "ascending_triangle",
  "descending_triangle",
  "symmetrical_triangle",
  "bull_flag",
  "bear_flag",
  "rising_wedge",
  "falling_wedge",
  "cup_and_handle",
] as const;

export type ChartPatternName = (typeof CHART_PATTERNS)[number];

export interface PatternLine {
  readonly fromIndex: number;
  readonly fromPrice: number;
  readonly toIndex: number;
  readonly toPrice: number;
}

export interface ChartPattern {
  readonly name: ChartPatternName;
  /** The way of the break: 1 up, -1 down. */
  readonly direction: 1 | -1;
  readonly startIndex: number;
  /** The bar whose close broke the neckline. */
  readonly endIndex: number;
  /** The bar at which the pattern was known: `endIndex`, or up to three bars later. */
  readonly seenIndex: number;
  /** Highs and lows that make the shape, in order; prices are geometric means of three closes. */
  readonly points: readonly { readonly index: number; readonly price: number; readonly high: boolean }[];
  /** The line that was broken, straight in the logarithm of price. */
  readonly neckline: PatternLine;
  /** The opposite line of triangles, wedges and flags. */
  readonly base?: PatternLine;
  /** Price at which the move would equal the pattern's height (the pole of a flag), measured from the break. */
  readonly target: number;
  /**
   * Share that the ideal shape (two equal lows, straight lines, a parabola) explains of the variance of log closes
   * around their straight line: 1 is a drawing, 0 is no better than a line.
   */
  readonly fit: number;
}

export interface ChartPatternOptions {
  /** Least fit. Default 0.85: of random walks of 120 to 200 bars, about one in four shows something then. */
  readonly minFit?: number;
  /** Shortest and longest pattern in bars. Defaults 15 and 300. */
  readonly minBars?: number;
  readonly maxBars?: number;
}

export interface ChartScanner {
  /** Takes the next close; returns the patterns that this bar makes known. */
  push(close: number): readonly ChartPattern[];
}

/** Sizes of swings that are followed, as changes of the logarithm of price: 0.5 % to 40 %. */
const SMALLEST = 0.005;
const LARGEST = 0.4;
const STEP = 1.25;
/** Pivots kept: as many as an outline may need, and one before it. */
const KEEP = 9;
/** Bars that a break may have waited for the last pivot before it to be known. */
const PATIENCE = 3;
/** A like pattern that shares more of its bars with an earlier one is the same one. */
const SAME = 0.35;

const MAKERS: readonly Maker[] = [
  doubleBottom,
  inverseHeadAndShoulders,
  cupAndHandle,
  betweenLines(8),
  betweenLines(7),
  betweenLines(6),
  betweenLines(5),
];

/** Swings of one size, and what they may become. */
interface Scale {
  readonly swings: Swings;
  up: boolean;
  prospects: Prospect[];
}

interface Found {
  readonly outline: Outline;
  readonly sign: 1 | -1;
  readonly name: ChartPatternName;
}

/**
 * Follows closes bar by bar. Swings are taken from the mean of three closes, so that one bar's noise makes no pivot;
 * breaks and the fit from the closes themselves. Throws a RangeError at a close that is not above 0.
 */
export function createChartScanner(options: ChartPatternOptions = {}): ChartScanner {
  const { minFit = 0.85, minBars = 15, maxBars = 300 } = options;
  const scales: Scale[] = [];
  for (let size = SMALLEST; size <= LARGEST; size *= STEP) {
    scales.push({ swings: createSwings(size, KEEP), up: false, prospects: [] });
  }
  let y = new Float64Array(1024);
  let minus = new Float64Array(1024);
  let count = 0;
  let past: Found[] = [];

  const store = (value: number): void => {
    if (count === y.length) {
      const [a, b] = [new Float64Array(2 * count), new Float64Array(2 * count)];
      a.set(y);
      b.set(minus);
      [y, minus] = [a, b];
    }
    y[count] = value;
    minus[count] = -value;
    count++;
  };

  /** Prospects of new pivots. A break in the bars before they were known counts if it is recent, and ends an older one. */
  const prepare = (scale: Scale, now: number, broken: (prospect: Prospect, end: number) => void): void => {
    const last = scale.swings.pivots.at(-1)!;
    scale.up = last.sign < 0;
    const values = scale.up ? y : minus;
    const pivots = scale.up ? scale.swings.pivots : scale.swings.pivots.map(mirrored);
    scale.prospects = [];
    for (const make of MAKERS) {
      const prospect = make(pivots);
      if (!prospect) continue;
      let end = last.index + 1;
      while (end < now && !isAbove(values[end]!, prospect, end)) end++;
      if (end === now) scale.prospects.push(prospect);
      else if (now - end <= PATIENCE) broken(prospect, end);
    }
  };

  const look = (now: number, pivoted: (scale: Scale) => boolean): Found[] => {
    const found: Found[] = [];
    for (const scale of scales) {
      const broken = (prospect: Prospect, end: number): void => {
        const outline = prospect.finish(scale.up ? y : minus, end);
        if (!outline || outline.fit < minFit) return;
        const [name, bars] = [outline.names[scale.up ? 0 : 1], end - outline.start];
        if (name === "" || bars < minBars || bars > maxBars) return;
        found.push({ outline, sign: scale.up ? 1 : -1, name: name as ChartPatternName });
      };
      if (pivoted(scale)) prepare(scale, now, broken);
      if (scale.prospects.length === 0) continue;
      const value = (scale.up ? y : minus)[now]!;
      scale.prospects = scale.prospects.filter((prospect) => {
        if (!isAbove(value, prospect, now)) return true;
        broken(prospect, now);
        return false;
      });
    }
    return found.toSorted((a, b) => b.outline.fit - a.outline.fit);
  };

  return {
    push(close) {
      if (!(close > 0 && close < Infinity)) {
        throw new RangeError(`a chart pattern needs finite closes above 0, not ${close} (bar ${count})`);
      }
      store(Math.log(close));
      const now = count - 1;
      if (now < 2) return [];
      const middle = (y[now]! + y[now - 1]! + y[now - 2]!) / 3;
      const found = look(now, (scale) => scale.swings.push(now - 1, middle));
      const seen: ChartPattern[] = [];
      for (const one of found) {
        if (past.some((other) => isSame(one, other))) continue;
        past = past.filter((other) => other.outline.end >= now - maxBars);
        past.push(one);
        seen.push(patternOf(one, now, y[one.outline.end]!));
      }
      return seen;
    },
  };
}

const mirrored = (p: Pivot): Pivot => ({ index: p.index, value: -p.value, sign: -p.sign });

const isAbove = (value: number, prospect: Prospect, i: number): boolean =>
  value > valueAt(prospect.neckline, i) + prospect.margin;

/** Bars shared, of the bars that either covers. */
function overlap(a: Outline, b: Outline): number {
  const shared = Math.min(a.end, b.end) - Math.max(a.start, b.start) + 1;
  return Math.max(0, shared) / (Math.max(a.end, b.end) - Math.min(a.start, b.start) + 1);
}

/** A like one is the same when it overlaps; another kind takes the place of one that fits worse only. */
function isSame(one: Found, other: Found): boolean {
  const shared = overlap(one.outline, other.outline);
  if (shared <= SAME) return false;
  return one.name === other.name || one.outline.fit <= other.outline.fit;
}

function patternOf(found: Found, now: number, broke: number): ChartPattern {
  const { outline, sign } = found;
  const price = (value: number): number => Math.exp(sign * value);
  const line = (l: Line): PatternLine => ({
    fromIndex: l.fromIndex,
    fromPrice: price(l.fromValue),
    toIndex: l.toIndex,
    toPrice: price(l.toValue),
  });
  return {
    name: found.name,
    direction: sign,
    startIndex: outline.start,
    endIndex: outline.end,
    seenIndex: now,
    points: outline.points.map((p) => ({ index: p.index, price: price(p.value), high: p.sign * sign > 0 })),
    neckline: line(outline.neckline),
    ...(outline.base ? { base: line(outline.base) } : {}),
    target: Math.exp(broke + sign * outline.height),
    fit: outline.fit,
  };
}

/** All chart patterns of closes, in the order in which they became known. */
export function findChartPatterns(close: Float64Array, options: ChartPatternOptions = {}): ChartPattern[] {
  const scanner = createChartScanner(options);
  const all: ChartPattern[] = [];
  for (const c of close) all.push(...scanner.push(c));
  return all;
}
