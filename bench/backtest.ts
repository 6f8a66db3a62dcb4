/** One backtest of a million minute bars with orders, fees and equity: formula rules, and a TypeScript strategy, beside vectorbt (PEERS_PYTHON). */
import { createPool } from "../packages/quant/src/index.ts";
import { evaluateFormulas } from "../packages/formula/src/index.ts";
import type { Dataset } from "../packages/formula/src/index.ts";
import {
  createEngine,
  createSimulation,
  emptyFills,
  noCosts,
  plainInstrument,
  runSimulation,
} from "../packages/trading/src/index.ts";
import type { Curves, EngineStrategy, SimulationSettings } from "../packages/trading/src/index.ts";
import { packSignals } from "../packages/features/src/backtest/domain.ts";
import { walkBars } from "./backtestData.ts";
import { report } from "./figure.ts";
import { runPythonPeer } from "./peer.ts";

const BARS = 1_000_000;
const REPEATS = 9;
const WARM = 4;
/** A tenth of a basis point: 13,000 round trips at more would consume the account and end the orders. */
const FEE = 0.00001;
const CASH = 10_000_000;
const CHUNK = 8_192;

const bars = walkBars(BARS);
const data: Dataset = { ...bars, length: BARS, timeframeMs: 60_000 };
const entry = "crossover(sma(close, 10), sma(close, 30))";
const exit = "crossunder(sma(close, 10), sma(close, 30))";

const settings: SimulationSettings = {
  initialCash: CASH,
  sizing: { kind: "fractionOfEquity", value: 0.99 },
  lotSize: 1,
  feeRate: FEE,
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

const pool = createPool(16);
const signals = new Uint8Array(BARS);
const equity = new Float64Array(BARS);
const fills = emptyFills(65_536);

/** From bars in memory to equity and fills. */
function runRules() {
  const [enter, leave] = evaluateFormulas([entry, exit], data, { pool }) as [Uint8Array, Uint8Array];
  packSignals("long", { entry: enter, exit: leave }, signals);
  const simulation = createSimulation(bars, signals, settings, { equity, fills });
  for (let from = 0; from < BARS; from += CHUNK)
    runSimulation(simulation, from, Math.min(BARS, from + CHUNK));
  return { fills: simulation.fills.count, equity: simulation.equity[BARS - 1]! };
}

/** The same rule by hand: fast and slow averages as features, orders through the book. */
const crossover: EngineStrategy = {
  name: "crossover",
  features: ["sma(close, 10)", "sma(close, 30)"],
  decide(context) {
    const spread = context.value(0) - context.value(1);
    const before = context.value(0, 0, 1) - context.value(1, 0, 1);
    if (spread > 0 && before <= 0) {
      const units = Math.floor((0.99 * context.equity) / context.close());
      if (context.position() === 0) context.submit({ side: "buy", quantity: units });
    } else if (spread < 0 && before >= 0 && context.position() > 0) {
      context.submit({ side: "sell", quantity: context.position() });
    }
  },
};

const instrument = { ...plainInstrument("X", bars), lotSize: 1 };
let curves: Curves | undefined;
const costs = { ...noCosts, fees: { ...noCosts.fees, makerRate: FEE, takerRate: FEE } };

function runStrategy() {
  const columns = evaluateFormulas(crossover.features, data, { pool });
  const engine = createEngine(
    [instrument],
    crossover,
    {
      baseCurrency: "USD",
      initialCash: CASH,
      costs,
      innerPath: "pessimistic",
      shortfall: "reject",
      rates: {},
    },
    (formula) => ({ closeMs: bars.closeMs, values: columns[crossover.features.indexOf(formula)]! }),
    curves,
  );
  curves = engine;
  while (!engine.advance(CHUNK));
  for (const column of columns) pool.give(column as Float64Array);
  return { fills: engine.state.postings.count, equity: engine.equity[BARS - 1]! };
}

function rates(run: () => { fills: number; equity: number }): number[] {
  for (let i = 0; i < WARM; i++) run();
  const found: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const before = process.cpuUsage();
    const { fills } = run();
    const { user, system } = process.cpuUsage(before);
    if (fills < 20_000) throw new Error(`only ${fills} fills`);
    found.push(BARS / (user + system));
  }
  return found;
}

const peer = runPythonPeer("vectorbt", "backtest_peer.py", ["single", String(BARS)]);
// 40 and 20 million bars/s where vectorbt makes 5.1.
for (const [figure, run, aim] of [
  ["backtest, formula rules, 1M bars", runRules, 7.8],
  ["backtest, TypeScript strategy, 1M bars", runStrategy, 3.9],
] as const) {
  report({
    figure,
    unit: "million bars/s of CPU time",
    ours: rates(run),
    peer: "vectorbt",
    peerVersion: peer?.version,
    theirs: peer?.rates,
    aim,
  });
}
