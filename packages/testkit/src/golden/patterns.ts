/**
 * Reference values of patterns: every bar of every input against the candlestick pattern's kernel; drawn chart
 * patterns with noise, and random walks, against the scanner.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ChartPattern, Kernel } from "@tapedeck/quant";
import { findChartPatterns, registry, runKernel } from "@tapedeck/quant";
import type { GoldenEntry, GoldenFolder, GoldenResult } from "./golden.ts";
import { readText } from "./golden.ts";
import type { GoldenBars, Slice } from "./inputs.ts";
import { readSlice } from "./inputs.ts";

interface Manifest {
  readonly library: string;
  readonly version: string;
  readonly inputs: Readonly<Record<string, Slice>>;
  readonly functions: Readonly<Record<string, { readonly parameters: Readonly<Record<string, number>> }>>;
}

/** Per input and function: rows and values that are not 0, and rows that rounding decides. */
type Hits = Readonly<Record<string, Readonly<Record<string, readonly (readonly [number, number])[]>>>>;
type Ties = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

function readJson<T>(folder: string, name: string): T {
  return JSON.parse(readText(join(folder, name))) as T;
}

interface Source {
  readonly hits: Hits;
  readonly ties: Ties;
  readonly bars: ReadonlyMap<string, GoldenBars>;
}

/** First bar that differs and is no tie; bars before the warm-up count as 0. */
function compareCandle(kernel: Kernel, name: string, p: readonly number[], source: Source) {
  let values = 0;
  let fault: string | undefined;
  for (const [input, bars] of source.bars) {
    const got = runKernel(kernel, [bars.open, bars.high, bars.low, bars.close], p)[0]!;
    const expected = new Float64Array(got.length);
    for (const [row, value] of source.hits[input]?.[name] ?? []) expected[row] = value;
    const ties = new Set(source.ties[input]?.[name]);
    values += got.length - ties.size;
    const at = expected.findIndex((v, i) => (Number.isNaN(got[i]!) ? 0 : got[i]!) !== v && !ties.has(i));
    if (at >= 0) fault ??= `${input} row ${at}: ${got[at]} instead of ${expected[at]}`;
  }
  return { values, fault };
}

function candleEntries(folder: string, dataDir: string): GoldenEntry[] {
  const manifest = readJson<Manifest>(folder, "manifest.json");
  let read: Source | undefined;
  const sourceOnce = (): Source =>
    (read ??= {
      hits: readJson<Hits>(folder, "candles.json.gz"),
      ties: readJson<Ties>(folder, "candle_ties.json.gz"),
      bars: new Map(Object.entries(manifest.inputs).map(([n, slice]) => [n, readSlice(n, slice, dataDir)])),
    });
  return Object.entries(manifest.functions).map(([name, about]): GoldenEntry => {
    const id = `patterns/${name}`;
    const kernel = registry.get(name.toLowerCase());
    if (!kernel) return { id };
    return {
      id,
      compare(): GoldenResult {
        const p = Object.values(about.parameters);
        const { values, fault } = compareCandle(kernel, name, p, sourceOnce());
        const worst = fault === undefined ? 0 : Infinity;
        const counterpart = `${kernel.name}(${p.join(", ")})`;
        const reference = `${manifest.library} ${manifest.version}`;
        const result = { values, worst, deviation: worst, tolerance: "equal", counterpart, reference };
        return fault === undefined ? result : { ...result, fault };
      },
    };
  });
}

interface Drawn {
  readonly id: string;
  readonly label: string;
  readonly start: number | null;
  readonly end: number | null;
  readonly keyPoints: readonly { readonly index: number }[];
  readonly bars_ohlcv: { readonly close: readonly number[] };
}

/** Shares that may be missed of drawn patterns, of key points of those found, and of random walks left alone. */
const MAY_MISS = { patterns: 0.1, keyPoints: 0.1, walks: 0.4 };
/** Bars that a key point may be off. */
const NEAR = 5;
/** Shapes that have several fair beginnings: their key points are not asked for. */
const LOOSE = /triangle|wedge/;

function sharedBars(found: ChartPattern, drawn: Drawn): number {
  const [start, end] = [drawn.start!, drawn.end!];
  const shared = Math.min(found.endIndex, end) - Math.max(found.startIndex, start) + 1;
  return shared / (Math.max(found.endIndex, end) - Math.min(found.startIndex, start) + 1);
}

interface Tally {
  asked: number;
  missed: number;
}

/** Counts a drawn pattern that was not found with half of its bars, and its key points that are off. */
function scoreDrawn(drawn: Drawn, found: readonly ChartPattern[], shapes: Tally, points: Tally): void {
  const hit = found.find((p) => p.name === drawn.label && sharedBars(p, drawn) >= 0.5);
  shapes.asked++;
  if (!hit) {
    shapes.missed++;
    return;
  }
  if (LOOSE.test(drawn.label)) return;
  const places = [hit.startIndex, ...hit.points.map((p) => p.index), hit.endIndex];
  for (const key of drawn.keyPoints) {
    points.asked++;
    if (!places.some((i) => Math.abs(i - key.index) <= NEAR)) points.missed++;
  }
}

const shareOf = (t: Tally): number => (t.asked === 0 ? 0 : t.missed / t.asked);

function compareDrawn(file: string): GoldenResult {
  const { series } = JSON.parse(readText(file)) as { readonly series: readonly Drawn[] };
  const [shapes, points, walks] = [0, 1, 2].map((): Tally => ({ asked: 0, missed: 0 })) as [
    Tally,
    Tally,
    Tally,
  ];
  for (const drawn of series) {
    const found = findChartPatterns(Float64Array.from(drawn.bars_ohlcv.close));
    if (drawn.start === null) {
      walks.asked++;
      if (found.length > 0) walks.missed++;
    } else scoreDrawn(drawn, found, shapes, points);
  }
  const worst = Math.max(
    shareOf(shapes) / MAY_MISS.patterns,
    shareOf(points) / MAY_MISS.keyPoints,
    shareOf(walks) / MAY_MISS.walks,
  );
  const result = {
    values: series.length,
    worst,
    deviation: shareOf(shapes),
    tolerance: `${MAY_MISS.patterns} of the patterns, ${MAY_MISS.keyPoints} of their points, ${MAY_MISS.walks} of random walks`,
    counterpart: "findChartPatterns, share of drawn patterns missed",
    reference: "drawn",
  };
  if (worst <= 1) return result;
  const said = (t: Tally): string => `${t.missed} of ${t.asked}`;
  return {
    ...result,
    fault: `missed ${said(shapes)} patterns, ${said(points)} key points; saw something in ${said(walks)} random walks`,
  };
}

export const patterns: GoldenFolder = {
  name: "patterns",
  entries(folder, dataDir) {
    const file = join(folder, "chart_patterns.json.gz");
    const drawn = { id: "patterns/chart_patterns", compare: () => compareDrawn(file) };
    const candles = candleEntries(folder, dataDir);
    return existsSync(file) ? [...candles, drawn] : candles;
  },
};
