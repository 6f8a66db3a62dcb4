/** Inputs of the backtest benches, which the peers make bit for bit too. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { PriceSeries } from "../packages/trading/src/index.ts";

const minuteMs = 60_000;
const startMs = Date.UTC(2020, 0, 1);

/** A geometric walk of one-minute bars in whole cents; the open of a bar is the close of the one before. */
export function walkBars(n: number, seed = 42, start = 10_000, volatility = 0.0005): PriceSeries {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const cents = (x: number): number => Math.floor(x * 100 + 0.5) / 100;
  const [open, high, low, close, volume] = Array.from({ length: 5 }, () => new Float64Array(n)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let price = start;
  for (let i = 0; i < n; i++) {
    let z = 0;
    for (let k = 0; k < 4; k++) z += uniform();
    z = (z - 2) * 1.7320508075688772;
    const next = price * (1 + volatility * z);
    const top = Math.max(price, next) * (1 + volatility * 0.5 * uniform());
    const bottom = Math.min(price, next) * (1 - volatility * 0.5 * uniform());
    open[i] = cents(price);
    high[i] = cents(top);
    low[i] = cents(bottom);
    close[i] = cents(next);
    volume[i] = 1 + Math.floor(1_000 * uniform());
    price = next;
  }
  const openMs = Float64Array.from({ length: n }, (_, i) => startMs + i * minuteMs);
  return { openMs, closeMs: openMs.map((ms) => ms + minuteMs), open, high, low, close, volume };
}

/** The S&P 500's daily bars of 2000 to 2020 that come with vega-datasets. */
export function indexBars(): PriceSeries {
  const file = resolve(import.meta.dirname, "../node_modules/vega-datasets/data/sp500-2000.csv");
  const rows = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
  const column = (k: number) => Float64Array.from(rows, (row) => Number(row[k]));
  const openMs = Float64Array.from(rows, (row) => Date.parse(row[0]!));
  return {
    openMs,
    closeMs: openMs.map((ms) => ms + 86_400_000),
    open: column(1),
    high: column(2),
    low: column(3),
    close: column(4),
    volume: column(6),
  };
}
