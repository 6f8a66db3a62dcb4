import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { sha256 } from "@tapedeck/core/hash";
import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { builtInStrategies, createSimulation, runSimulation } from "@tapedeck/trading";
import { describe, expect, test } from "vitest";
import { BacktestPayload } from "./contract.ts";
import { compileStrategy, conditionNames, packSignals, settingsOf } from "./domain.ts";
import type { ConditionName } from "./domain.ts";
import { hashFills } from "./run.ts";

/**
 * Golden runs: each built-in on the S&P 500's daily bars of 2000 to 2020. The hashes are those of the plain
 * reference below, which knows neither the kernels nor the simulator: one window at a time, one object a fill.
 */
const dayMs = 86_400_000;
const csvPath = resolve(import.meta.dirname, "../../../../node_modules/vega-datasets/data/sp500-2000.csv");
const rows = readFileSync(csvPath, "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => {
    const [date, open, high, low, close, , volume] = line.split(",");
    return [Date.parse(date!), ...[open, high, low, close, volume].map(Number)] as number[];
  });
const column = (k: number) => Float64Array.from(rows, (row) => row[k]!);
const data: Dataset = {
  length: rows.length,
  openMs: column(0),
  closeMs: column(0).map((ms) => ms + dayMs),
  open: column(1),
  high: column(2),
  low: column(3),
  close: column(4),
  volume: column(5),
  timeframeMs: dayMs,
};

type Condition = (i: number) => boolean;
const c = data.close;

function mean(of: Float64Array, i: number, n: number): number {
  if (i < n - 1) return Number.NaN;
  let sum = 0;
  for (let k = i - n + 1; k <= i; k++) sum += of[k]!;
  return sum / n;
}

function band(i: number, width: number): number {
  const middle = mean(c, i, 20);
  let squares = 0;
  for (let k = Math.max(0, i - 19); k <= i; k++) squares += (c[k]! - middle) ** 2;
  return middle + width * Math.sqrt(squares / 20);
}

function rsi14(): number[] {
  const out: number[] = [Number.NaN];
  let gain = 0;
  let loss = 0;
  for (let i = 1; i < c.length; i++) {
    const up = Math.max(c[i]! - c[i - 1]!, 0);
    const down = Math.max(c[i - 1]! - c[i]!, 0);
    gain = i <= 14 ? gain + up / 14 : (gain * 13 + up) / 14;
    loss = i <= 14 ? loss + down / 14 : (loss * 13 + down) / 14;
    out.push(i < 14 ? Number.NaN : (100 * gain) / (gain + loss));
  }
  return out;
}
const rsi = rsi14();

function extreme(of: Float64Array, i: number, n: number, pick: (...values: number[]) => number): number {
  return i < n ? Number.NaN : pick(...of.subarray(i - n, i));
}

const over =
  (a: (i: number) => number, b: (i: number) => number): Condition =>
  (i) =>
    i > 0 && a(i) > b(i) && a(i - 1) <= b(i - 1);
const under = (a: (i: number) => number, b: (i: number) => number): Condition => over(b, a);
const price = (i: number) => c[i]!;

const reference: Record<string, { entry: Condition; exit: Condition }> = {
  buyAndHold: { entry: () => true, exit: () => false },
  maCrossover: {
    entry: over(
      (i) => mean(c, i, 50),
      (i) => mean(c, i, 200),
    ),
    exit: under(
      (i) => mean(c, i, 50),
      (i) => mean(c, i, 200),
    ),
  },
  rsiMeanReversion: {
    entry: under(
      (i) => rsi[i]!,
      () => 30,
    ),
    exit: (i) => rsi[i]! > 55,
  },
  bollingerMeanReversion: { entry: under(price, (i) => band(i, -2)), exit: (i) => c[i]! > mean(c, i, 20) },
  bollingerBreakout: { entry: over(price, (i) => band(i, 2)), exit: (i) => c[i]! < mean(c, i, 20) },
  donchianBreakout: {
    entry: (i) => c[i]! > extreme(data.high, i, 20, Math.max),
    exit: (i) => c[i]! < extreme(data.low, i, 10, Math.min),
  },
};

const fee = 0.0005;
const slippage = 0.0002;

/** Fills of a strategy with all cash, as lines. */
function referenceLines({ entry, exit }: { entry: Condition; exit: Condition }): string[] {
  const lines: string[] = [];
  let cash = 100_000;
  let units = 0;
  for (let i = 0; i + 1 < c.length; i++) {
    const open = data.open[i + 1]!;
    const at = data.openMs[i + 1]!;
    if (units === 0 && entry(i)) {
      const paid = open * (1 + slippage);
      units = cash / (paid * (1 + fee));
      cash = 0;
      lines.push(`${at} ${units} ${paid} ${units * paid * fee} entry`);
    } else if (units > 0 && exit(i)) {
      const got = open * (1 - slippage);
      const cost = units * got * fee;
      cash = units * got - cost;
      lines.push(`${at} ${-units} ${got} ${cost} signal`);
      units = 0;
    }
  }
  return lines;
}

const golden: Record<string, { fills: number; hash: string }> = {
  buyAndHold: { fills: 1, hash: "65ac7e4e61e85dee7090e91c803ab75c7d24fd37f606aea6f558058f9e9f30ab" },
  maCrossover: { fills: 18, hash: "e62d444f6fd13bbf8a2202b5e630f51aa917d3da67044b4b4d58f83f2e6da61d" },
  rsiMeanReversion: { fills: 56, hash: "5bcba4b311c89aa4af54e4b8e57bc2484bc552fe8d07ff427ea35accf5782d23" },
  bollingerMeanReversion: {
    fills: 184,
    hash: "0bd7bb2e603efa8219ba7975cb0c288db2e8d1b0a12095cc9f3715942c57df3e",
  },
  bollingerBreakout: { fills: 186, hash: "c361217affb975bca78160a70540d8229982a55d34f1e9e2a2d133dc79290931" },
  donchianBreakout: { fills: 175, hash: "fdf5cd72def5c37af640a959c379c1269011839504c8a22f17a3e40c12823910" },
};

describe("golden runs of the built-in strategies", () => {
  test("there is one for each", () => {
    expect(Object.keys(reference).sort()).toEqual(builtInStrategies.map((strategy) => strategy.name).sort());
    expect(Object.keys(golden).sort()).toEqual(Object.keys(reference).sort());
  });

  test.each(Object.keys(reference))("%s", (name) => {
    const payload = BacktestPayload.parse({
      instrumentId: "SPX.INDEX",
      strategy: { kind: "builtIn", name },
      costs: { feeBps: 5, slippageBps: 2 },
    });
    const strategy = compileStrategy({ kind: "builtIn", name, params: {} }, dayMs);
    const columns: Partial<Record<ConditionName, Uint8Array>> = {};
    for (const condition of conditionNames) {
      const formula = strategy.formulas[condition];
      if (formula !== undefined) columns[condition] = evaluateFormulas([formula], data)[0] as Uint8Array;
    }
    const simulation = createSimulation(
      data,
      packSignals(strategy.side, columns, new Uint8Array(data.length)),
      settingsOf(payload, { lotSize: null, tickSize: null, minNotional: null }),
    );
    runSimulation(simulation, 0, data.length);
    const lines = referenceLines(reference[name]!);
    expect({ fills: lines.length, hash: sha256(lines.join("\n")) }, "the reference").toEqual(golden[name]);
    expect({ fills: simulation.fills.count, hash: hashFills(simulation.fills, data.openMs) }).toEqual(
      golden[name],
    );
  });
});
