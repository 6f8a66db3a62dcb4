/** Bars of the reference backtests, and how they hash an equity curve. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PriceColumns } from "@tapedeck/trading";
import { readText } from "./golden.ts";

export interface BacktestBars extends PriceColumns {
  /** As the reference names a bar: date text, or the stored stamp. */
  names: Array<string | number>;
}

interface Manifest {
  inputs: { from: string; to: string; bars: Record<string, unknown>; [name: string]: unknown };
}

/** The bars of every data set of the folder, as its manifest describes them. */
export function readBacktestBars(folder: string, dataDir: string): Map<string, BacktestBars> {
  const { inputs } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  const bars = new Map<string, BacktestBars>();
  for (const [name, span] of Object.entries(inputs.bars)) {
    const { n, first } = span as { n: number; first: string | number };
    bars.set(
      name,
      typeof first === "string"
        ? equityBars(dataDir, name.slice(0, name.lastIndexOf("-")), inputs.from, inputs.to)
        : cryptoBars(dataDir, name, first, n),
    );
  }
  return bars;
}

function table(file: string): Array<Record<string, string>> {
  const [head, ...lines] = readText(file).trimEnd().split(/\r?\n/);
  const names = head!.split(",");
  return lines.map((line) => Object.fromEntries(line.split(",").map((cell, k) => [names[k]!, cell])));
}

const prices = ["open", "high", "low", "close"] as const;

export function barsFromRows(
  rows: readonly (readonly number[])[],
  names: Array<string | number>,
): BacktestBars {
  const column = (k: number) => Float64Array.from(rows, (row) => row[k]!);
  return { names, open: column(0), high: column(1), low: column(2), close: column(3) };
}

/** Daily bars of a symbol over the folder's range, adjusted as its manifest says. */
export function readEquityBars(folder: string, dataDir: string, symbol: string): BacktestBars {
  const { inputs } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  return equityBars(dataDir, symbol, inputs.from, inputs.to);
}

/** Adjusted: raw × price factor × split factor of the first factor row at or after the bar's date. */
function equityBars(dataDir: string, symbol: string, from: string, to: string): BacktestBars {
  const factors = readText(join(dataDir, "equities/factors", `${symbol}.csv`))
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(","));
  const rows = table(join(dataDir, "equities/daily", `${symbol}.csv`)).filter(
    (row) => row["date"]! >= from && row["date"]! <= to,
  );
  return barsFromRows(
    rows.map((row) => {
      const day = row["date"]!.replaceAll("-", "");
      const factor = factors.find(([date]) => date! >= day)!;
      const scale = Number(factor[1]) * Number(factor[2]);
      return prices.map((name) => Number(row[name]) * scale);
    }),
    rows.map((row) => row["date"]!),
  );
}

/** `BTC-1m`: the rows of the file of that symbol and timeframe, from a stamp on. */
function cryptoBars(dataDir: string, name: string, first: number, count: number): BacktestBars {
  const [symbol, timeframe] = name.split("-") as [string, string];
  const folder = join(dataDir, "crypto");
  const file = readdirSync(folder).find((one) => one.startsWith(symbol) && one.includes(`-${timeframe}`));
  if (file === undefined) throw new Error(`no bars for ${name} under ${folder}`);
  const all = table(join(folder, file));
  const stamp = Object.keys(all[0]!)[0]!;
  const start = all.findIndex((row) => Number(row[stamp]) === first);
  const rows = all.slice(start, start + count);
  return barsFromRows(
    rows.map((row) => prices.map((column) => Number(row[column]))),
    rows.map((row) => Number(row[stamp])),
  );
}

/** Equity values as the reference hashes them: ten significant digits, a line each. */
export function equityHash(equity: Float64Array): string {
  const lines = Array.from(equity, (value) => {
    const [digits, power] = value.toExponential(9).split("e") as [string, string];
    return `${digits}e${power[0]}${power.slice(1).padStart(2, "0")}`;
  });
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}
