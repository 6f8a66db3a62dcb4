/** Reference backtests: every run by formulas and the simulator, and hand-made bars for stops and targets. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { createSimulation, runSimulation, signalBits, tradesOf } from "@tapedeck/trading";
import type { Simulation, SimulationSettings } from "@tapedeck/trading";
import type { GoldenFolder, GoldenResult } from "./golden.ts";
import { barsFromRows, equityHash, readBacktestBars } from "./backtestInputs.ts";
import type { BacktestBars } from "./backtestInputs.ts";
import { listEntries } from "./golden.ts";
import { compareLibraries, compareRebalances } from "./portfolioBacktest.ts";

export interface BacktestGolden {
  id: string;
  data: string;
  strategy: "sma" | "rsi" | "bollinger" | "hold";
  sizing: "fixed" | "allin";
  stopLoss: number | null;
  takeProfit: number | null;
  maxDrawdown: number;
  finalCash: number;
  commissionTotal: number;
  equityHash: string;
  equityEvery50: number[];
  /** entryTime, exitTime, entryPrice, exitPrice, size, pnl, commission, reason. */
  tradeList: Array<[string | number, string | number, number, number, number, number, number, string]>;
}

export interface IntrabarGolden {
  name: string;
  bars: number[][];
  stopLoss: number;
  takeProfit: number;
  exit: { bar: number; price: number; reason: string } | null;
  finalEquity: number;
}

/** Costs, cash and sizing of the reference engine. */
export const referenceSettings: SimulationSettings = {
  initialCash: 100_000,
  sizing: { kind: "fractionOfEquity", value: 1 },
  lotSize: 0,
  feeRate: 0.001,
  feePerUnit: 0,
  minFee: 0,
  slippageRate: 0,
  slippagePerUnit: 0,
  tickSize: 0,
  minNotional: 0,
  stopLoss: 0,
  takeProfit: 0,
  trailingStop: 0,
  maxBars: 0,
};

export function settingsOfRun(run: BacktestGolden): SimulationSettings {
  const quantity = run.data.startsWith("BTC") ? 0.5 : 100;
  return {
    ...referenceSettings,
    sizing: run.sizing === "fixed" ? { kind: "fixedQuantity", value: quantity } : referenceSettings.sizing,
    stopLoss: run.stopLoss ?? 0,
    takeProfit: run.takeProfit ?? 0,
  };
}

export function readBacktestRuns(folder: string): BacktestGolden[] {
  return JSON.parse(readFileSync(join(folder, "strategies.json"), "utf8")) as BacktestGolden[];
}

export function readIntrabar(folder: string): IntrabarGolden[] {
  return JSON.parse(readFileSync(join(folder, "intrabar.json"), "utf8")) as IntrabarGolden[];
}

const rules: Record<BacktestGolden["strategy"], { entry: string; exit?: string }> = {
  sma: {
    entry: "crossover(sma(close, 10), sma(close, 30))",
    exit: "crossunder(sma(close, 10), sma(close, 30))",
  },
  rsi: { entry: "crossunder(rsi(close, 14), 30)", exit: "rsi(close, 14) > 55" },
  bollinger: {
    entry: "crossover(close, bbands(close, 20, 2).upper)",
    exit: "close < bbands(close, 20, 2).middle",
  },
  hold: { entry: "close > 0" },
};

function formulaSignals(run: BacktestGolden, bars: BacktestBars): Uint8Array {
  const n = bars.close.length;
  const openMs = Float64Array.from({ length: n }, (_, i) => i * 60_000);
  const data: Dataset = {
    ...bars,
    length: n,
    openMs,
    closeMs: openMs.map((ms) => ms + 60_000),
    volume: new Float64Array(n),
    timeframeMs: 60_000,
  };
  const { entry, exit } = rules[run.strategy];
  const [enter, leave] = evaluateFormulas(exit === undefined ? [entry] : [entry, exit], data);
  const signals = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    signals[i] = (enter![i]! > 0 ? signalBits.entryLong : 0) | (leave?.[i] === 1 ? signalBits.exitLong : 0);
  }
  return signals;
}

/** Our exit reasons in the reference's words. */
export const referenceReasons: Record<string, string> = {
  signal: "signal",
  stop: "stop",
  stopGap: "stop-gap",
  target: "target",
  targetGap: "target-gap",
};

/** Counts values and remembers the largest deviation in tolerances, and the first disagreement. */
function tally() {
  let values = 0;
  let worst = 0;
  let deviation = 0;
  let fault: string | undefined;
  return {
    near(got: number, want: number, tolerance: number, what: string) {
      values++;
      const off = Math.abs(got - want) / tolerance;
      deviation = Math.max(deviation, Math.abs(got - want) / Math.max(Math.abs(want), 1e-300));
      if (off > worst) worst = off;
      if (!(off <= 1)) fault ??= `${what}: ${got} for ${want}`;
    },
    same(got: unknown, want: unknown, what: string) {
      values++;
      if (got !== want) fault ??= `${what}: ${String(got)} for ${String(want)}`;
    },
    result: (counterpart: string, tolerance: string): GoldenResult => ({
      values,
      worst,
      deviation,
      tolerance,
      ...(fault === undefined ? {} : { fault }),
      counterpart,
      reference: "plain reference engine",
    }),
  };
}

function compareRun(
  simulation: Simulation,
  run: BacktestGolden,
  bars: BacktestBars,
  count: ReturnType<typeof tally>,
) {
  const closed = tradesOf(simulation.fills, bars.close.at(-1)!).filter((trade) => trade.exitBar >= 0);
  count.same(closed.length, run.tradeList.length, `${run.id} trades`);
  run.tradeList.forEach((row, k) => {
    const trade = closed[k];
    if (trade === undefined) return;
    const [entryTime, exitTime, entryPrice, exitPrice, size, profit, fees, reason] = row;
    const at = `${run.id} trade ${k + 1}`;
    count.same(bars.names[trade.entryBar], entryTime, `${at} entry`);
    count.same(bars.names[trade.exitBar], exitTime, `${at} exit`);
    count.same(referenceReasons[trade.exitReason ?? ""], reason, `${at} reason`);
    count.near(trade.entryPrice, entryPrice, 1e-12 * entryPrice, `${at} entry price`);
    count.near(trade.exitPrice, exitPrice, 1e-12 * exitPrice, `${at} exit price`);
    count.near(trade.quantity, size, 1e-10 * size, `${at} size`);
    count.near(trade.profit, profit, 1e-6, `${at} profit`);
    count.near(trade.fees, fees, 1e-6, `${at} fees`);
  });
  run.equityEvery50.forEach((value, k) => {
    count.near(simulation.equity[k * 50]!, value, 1e-9 * value, `${run.id} equity ${k * 50}`);
  });
  count.same(equityHash(simulation.equity), run.equityHash, `${run.id} equity hash`);
}

function compareRuns(folder: string, dataDir: string): GoldenResult {
  const count = tally();
  const bars = readBacktestBars(folder, dataDir);
  for (const run of readBacktestRuns(folder)) {
    const columns = bars.get(run.data)!;
    const simulation = createSimulation(columns, formulaSignals(run, columns), settingsOfRun(run));
    runSimulation(simulation, 0, columns.close.length);
    compareRun(simulation, run, columns, count);
  }
  return count.result("formulas and simulate", "1e-9 relative, profit and fees 1e-6 absolute");
}

function compareAnswers(folder: string, dataDir: string): GoldenResult {
  const bars = readBacktestBars(folder, dataDir);
  return compareLibraries(folder, readBacktestRuns(folder), (run) => {
    const columns = bars.get(run.data)!;
    const simulation = createSimulation(columns, formulaSignals(run, columns), settingsOfRun(run));
    runSimulation(simulation, 0, columns.close.length);
    const closed = tradesOf(simulation.fills, columns.close.at(-1)!).filter((trade) => trade.exitBar >= 0);
    return {
      trades: closed.length,
      entryBarExits: closed.filter((trade) => trade.entryBar === trade.exitBar).length,
      finalEquity: simulation.equity.at(-1)!,
    };
  });
}

function compareIntrabar(folder: string): GoldenResult {
  const count = tally();
  for (const item of readIntrabar(folder)) {
    const columns = barsFromRows(item.bars, []);
    const signals = new Uint8Array(item.bars.length);
    signals[0] = signalBits.entryLong;
    const simulation = createSimulation(columns, signals, {
      ...referenceSettings,
      sizing: { kind: "fixedQuantity", value: 100 },
      stopLoss: item.stopLoss,
      takeProfit: item.takeProfit,
    });
    runSimulation(simulation, 0, signals.length);
    const trade = tradesOf(simulation.fills, columns.close.at(-1)!)[0]!;
    count.same(trade.exitBar < 0 ? null : trade.exitBar, item.exit?.bar ?? null, `${item.name}: exit bar`);
    count.same(referenceReasons[trade.exitReason ?? ""], item.exit?.reason, `${item.name}: reason`);
    if (item.exit !== null) count.near(trade.exitPrice, item.exit.price, 1e-12, `${item.name}: price`);
    count.near(simulation.equity.at(-1)!, item.finalEquity, 1e-9, `${item.name}: equity`);
  }
  return count.result("simulate", "1e-9 absolute");
}

export const backtest: GoldenFolder = {
  name: "backtest",
  entries: (folder, dataDir) =>
    listEntries(folder).map((key) => {
      const id = `backtest/${key}`;
      if (key === "strategies") return { id, compare: () => compareRuns(folder, dataDir) };
      if (key === "intrabar") return { id, compare: () => compareIntrabar(folder) };
      if (key === "rebalance") return { id, compare: () => compareRebalances(folder, dataDir) };
      if (key === "comparison") return { id, compare: () => compareAnswers(folder, dataDir) };
      return { id };
    }),
};
