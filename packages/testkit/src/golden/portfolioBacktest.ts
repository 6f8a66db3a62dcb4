/** Reference portfolios and what other engines answer, by the event-driven engine. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  createEngine,
  fillRows,
  noCosts,
  plainInstrument,
  stagedStrategy,
  tradeToWeights,
} from "@tapedeck/trading";
import type { Engine, EngineStrategy, MarketInstrument } from "@tapedeck/trading";
import { equityHash, readEquityBars } from "./backtestInputs.ts";
import type { BacktestBars } from "./backtestInputs.ts";
import type { GoldenResult } from "./golden.ts";
import { Tally } from "./tally.ts";

interface RebalanceGolden {
  id: string;
  names: string[];
  weights: number[];
  rebalances: number;
  finalEquity: number;
  commissionTotal: number;
  finalQuantities: number[];
  finalCash: number;
  equityHash: string;
  equityEvery50: number[];
  /** date, quantity change a name, open a name, commission, cash after. */
  first6Fills: Array<[string, number[], number[], number, number]>;
}

/** The reference's ten basis points on each fill, nothing else. */
const referenceCosts = { ...noCosts, fees: { ...noCosts.fees, takerRate: 0.001, makerRate: 0.001 } };

export const referenceEngineSettings = {
  baseCurrency: "USD",
  initialCash: 100_000,
  costs: referenceCosts,
  innerPath: "pessimistic",
  shortfall: "reject",
  rates: {},
} as const;

const dayMs = 86_400_000;

/** Bars as an instrument of the engine; bar `i` opens at day `i`. */
export function engineInstrument(id: string, bars: BacktestBars, rows?: readonly number[]): MarketInstrument {
  const keep = rows ?? bars.names.map((_, i) => i);
  const column = (from: Float64Array) => Float64Array.from(keep, (i) => from[i]!);
  const openMs = Float64Array.from(keep, (_, i) => i * dayMs);
  return plainInstrument(id, {
    openMs,
    closeMs: openMs.map((ms) => ms + dayMs),
    open: column(bars.open),
    high: column(bars.high),
    low: column(bars.low),
    close: column(bars.close),
    volume: new Float64Array(keep.length).fill(Number.NaN),
  });
}

/** Runs it all; a strategy of the references has no formulas. */
export function runReference(instruments: readonly MarketInstrument[], strategy: EngineStrategy): Engine {
  const engine = createEngine(instruments, strategy, referenceEngineSettings, (formula) => {
    throw new Error(`no formula expected, got ${formula}`);
  });
  while (!engine.advance(4_096));
  return engine;
}

function compareRebalance(run: RebalanceGolden, folder: string, dataDir: string, tally: Tally): void {
  const bars = run.names.map((name) => readEquityBars(folder, dataDir, name));
  const shared = bars
    .map((one) => new Set(one.names))
    .reduce((common, names) => new Set([...common].filter((name) => names.has(name))));
  const dates = bars[0]!.names.filter((name) => shared.has(name)) as string[];
  const instruments = run.names.map((name, k) => {
    const rowOf = new Map(bars[k]!.names.map((date, i) => [date, i]));
    return engineInstrument(
      name,
      bars[k]!,
      dates.map((date) => rowOf.get(date)!),
    );
  });
  const month = (i: number) => dates[i]!.slice(0, 7);
  let day = -1;
  const strategy = stagedStrategy("monthly rebalance", [], {
    due: () => {
      day++;
      return day === 0 || (day + 1 < dates.length && month(day + 1) !== month(day));
    },
    alpha: () => undefined,
    portfolio: (context, weights) =>
      context.instruments.forEach((one, k) => (weights[k] = run.weights[run.names.indexOf(one.id)]!)),
    execution: tradeToWeights,
  });
  const engine = runReference(instruments, strategy);
  const { postings, position, cash } = engine.state;
  tally.same(equityHash(engine.equity), run.equityHash, `${run.id} equity hash`);
  run.equityEvery50.forEach((want, k) =>
    tally.near(engine.equity[k * 50], want, { rel: 1e-10 }, `${run.id} equity ${k * 50}`),
  );
  tally.near(cash[0], run.finalCash, { rel: 1e-9 }, `${run.id} cash`);
  const index = (name: string) => engine.state.instruments.findIndex((one) => one.id === name);
  run.names.forEach((name, k) =>
    tally.near(position[index(name)], run.finalQuantities[k], { rel: 1e-10 }, `${run.id} ${name}`),
  );
  let fees = 0;
  const days = new Set<number>();
  for (const row of fillRows(postings)) {
    fees += postings.fee[row]!;
    days.add(postings.bar[row]!);
  }
  tally.near(fees, run.commissionTotal, { rel: 1e-10 }, `${run.id} fees`);
  tally.same(days.size, run.rebalances, `${run.id} rebalances`);
  for (const [date, changes] of run.first6Fills) {
    changes.forEach((want, k) => {
      const at = index(run.names[k]!);
      const row = [...fillRows(postings)].find(
        (one) => postings.instrument[one] === at && dates[postings.bar[one]!] === date,
      );
      tally.near(postings.quantity[row!], want, { rel: 1e-9 }, `${run.id} ${date} ${run.names[k]}`);
    });
  }
}

export function compareRebalances(folder: string, dataDir: string): GoldenResult {
  const tally = new Tally();
  const runs = JSON.parse(readFileSync(join(folder, "rebalance.json"), "utf8")) as RebalanceGolden[];
  for (const run of runs) compareRebalance(run, folder, dataDir, tally);
  return tally.result("engine, staged strategy", "plain reference engine");
}

interface LibraryAnswer {
  trades: number;
  finalEquity: number;
  sameTrades: boolean;
  differentTrades: number;
  allDifferencesAreEntryBarExits: boolean;
}

interface Comparison {
  id: string;
  reference: { trades?: number; finalEquity: number };
  [library: string]: unknown;
}

const libraries = ["backtesting.py", "backtrader", "vectorbt"];

/**
 * Where a library made the same trades, our final equity is its; where it did not, as many of our trades as differ left on
 * their entry bar, which the library cannot do. `ran` gives our trades and final equity of a run.
 */
export function compareLibraries<Run extends { id: string; strategy: string }>(
  folder: string,
  runs: readonly Run[],
  ran: (run: Run) => { trades: number; entryBarExits: number; finalEquity: number },
): GoldenResult {
  const tally = new Tally();
  const rows = JSON.parse(readFileSync(join(folder, "comparison.json"), "utf8")) as Comparison[];
  for (const row of rows) {
    const run = runs.find((one) => one.id === row.id);
    if (run === undefined) continue;
    const ours = ran(run);
    tally.same(ours.trades, row.reference.trades, `${row.id} trades`);
    tally.near(ours.finalEquity, row.reference.finalEquity, { rel: 1e-12 }, `${row.id} reference`);
    for (const library of libraries) {
      const answer = row[library] as LibraryAnswer | undefined;
      // backtesting.py is not asked at bar 0, so its buy and hold never buys: there is nothing to compare.
      if (answer === undefined || (library === "backtesting.py" && run.strategy === "hold")) continue;
      if (answer.sameTrades) {
        tally.near(ours.finalEquity, answer.finalEquity, { rel: 1e-9 }, `${row.id} ${library}`);
      } else {
        tally.same(answer.allDifferencesAreEntryBarExits, true, `${row.id} ${library}: differences`);
        tally.same(ours.entryBarExits, answer.differentTrades, `${row.id} ${library}: entry-bar exits`);
      }
    }
  }
  return tally.result("formulas and simulate", libraries.join(", "));
}
