import { existsSync } from "node:fs";
import { join } from "node:path";
import { dataDir, goldenDir } from "@tapedeck/testkit";
import {
  backtest,
  readBacktestRuns,
  referenceReasons,
  settingsOfRun,
} from "@tapedeck/testkit/golden/backtest";
import { equityHash, readBacktestBars } from "@tapedeck/testkit/golden/backtestInputs";
import { describe, expect, test } from "vitest";
import { reconcileFills } from "./ledger.ts";
import { createSimulation, runSimulation, signalBits, tradesOf } from "./simulate.ts";

const folder = join(goldenDir, "backtest");
const absent = [folder, dataDir].filter((path) => !existsSync(path));

/** Plain signals, one window at a time: independent of the kernels. */
function signalsOf(kind: string, close: Float64Array): Uint8Array {
  const n = close.length;
  const out = new Uint8Array(n);
  const put = (i: number, enter: boolean, leave: boolean) => {
    out[i] = (enter ? signalBits.entryLong : 0) | (leave ? signalBits.exitLong : 0);
  };
  const sma = (i: number, k: number) => {
    if (i < k - 1) return Number.NaN;
    let sum = 0;
    for (let j = i - k + 1; j <= i; j++) sum += close[j]!;
    return sum / k;
  };
  if (kind === "hold") put(0, true, false);
  if (kind === "sma") {
    const spread = (i: number) => {
      const d = sma(i, 10) - sma(i, 30);
      return Math.abs(d) < 1e-12 * close[i]! ? 0 : d;
    };
    for (let i = 1; i < n; i++)
      put(i, spread(i) > 0 && spread(i - 1) <= 0, spread(i) < 0 && spread(i - 1) >= 0);
  }
  if (kind === "bollinger") {
    const upper = (i: number) => {
      const mean = sma(i, 20);
      let squares = 0;
      for (let j = i - 19; j <= i; j++) squares += (close[j]! - mean) ** 2;
      return mean + 2 * Math.sqrt(squares / 20);
    };
    for (let i = 20; i < n; i++) {
      put(i, close[i]! > upper(i) && close[i - 1]! <= upper(i - 1), close[i]! < sma(i, 20));
    }
    put(19, false, close[19]! < sma(19, 20));
  }
  if (kind === "rsi") {
    let gain = 0;
    let loss = 0;
    let before = Number.NaN;
    for (let i = 1; i < n; i++) {
      const d = close[i]! - close[i - 1]!;
      const weight = i <= 14 ? 1 / 14 : 0;
      gain = i <= 14 ? gain + Math.max(d, 0) * weight : (gain * 13 + Math.max(d, 0)) / 14;
      loss = i <= 14 ? loss + Math.max(-d, 0) * weight : (loss * 13 + Math.max(-d, 0)) / 14;
      if (i < 14) continue;
      const rsi = gain + loss > 0 ? (100 * gain) / (gain + loss) : 50;
      put(i, rsi < 30 && before >= 30, rsi > 55);
      before = rsi;
    }
  }
  return out;
}

describe.skipIf(absent.length > 0 && process.env["CI"] !== "true")(
  `reference backtests (left out where absent: ${absent.join(", ") || "nothing"})`,
  () => {
    test("every run on plain signals: trades, prices, equity to ten digits; exact money agrees", () => {
      const bars = readBacktestBars(folder, dataDir);
      const runs = readBacktestRuns(folder);
      expect(runs).toHaveLength(32);
      for (const run of runs) {
        const columns = bars.get(run.data)!;
        const signals = signalsOf(run.strategy, columns.close);
        const simulation = createSimulation(columns, signals, settingsOfRun(run));
        runSimulation(simulation, 0, signals.length);
        const closed = tradesOf(simulation.fills, columns.close.at(-1)!).filter(
          (trade) => trade.exitBar >= 0,
        );
        expect(
          closed.map((trade) => [
            columns.names[trade.entryBar],
            columns.names[trade.exitBar],
            referenceReasons[trade.exitReason!],
          ]),
          run.id,
        ).toEqual(run.tradeList.map((row) => [row[0], row[1], row[7]]));
        expect(equityHash(simulation.equity), run.id).toBe(run.equityHash);
        const exact = reconcileFills(simulation.fills, simulation.settings);
        expect(exact.gap.toNumber(), run.id).toBeLessThanOrEqual(exact.bound);
        expect(exact.bound).toBeLessThan(0.005);
      }
    });

    test.each(["strategies", "rebalance", "intrabar", "comparison"])("%s", (key) => {
      const entry = backtest.entries(folder, dataDir).find((one) => one.id === `backtest/${key}`);
      const result = entry!.compare!();
      expect(result.fault).toBeUndefined();
      expect(result.values).toBeGreaterThan(40);
      expect(result.worst).toBeLessThanOrEqual(1);
    });
  },
);
