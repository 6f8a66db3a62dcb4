/** A momentum rotation over 500 instruments and 20 years of daily bars in one run: seconds and memory. */
import { createEngine, noCosts, plainInstrument, stagedStrategy } from "../packages/trading/src/index.ts";
import type { MarketInstrument } from "../packages/trading/src/index.ts";
import { walkBars } from "./backtestData.ts";
import { report } from "./figure.ts";

const INSTRUMENTS = 500;
const BARS = 5_040;
const REPEATS = 5;
const dayMs = 86_400_000;

const base = walkBars(BARS);
const openMs = Float64Array.from(base.openMs, (_, i) => i * dayMs);
const closeMs = openMs.map((ms) => ms + dayMs);
const instruments: MarketInstrument[] = Array.from({ length: INSTRUMENTS }, (_, k) => ({
  ...plainInstrument(`S${k}`, { ...walkBars(BARS, k + 1, 100, 0.01), openMs, closeMs }),
  lotSize: 1,
}));

/** Each month the 50 that rose most over half a year, in equal parts. */
function rotation() {
  let bar = -1;
  return stagedStrategy("rotation", [], {
    due: () => ++bar % 21 === 0,
    alpha: (context, scores) => {
      for (let k = 0; k < scores.length; k++) scores[k] = context.close(k) / context.close(k, 126) - 1;
    },
    portfolio: (_context, weights, scores) => {
      if (Number.isNaN(scores[0])) return;
      const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]!);
      for (const k of order.slice(0, 50)) weights[k] = 0.98 / 50;
    },
  });
}

const costs = { ...noCosts, fees: { ...noCosts.fees, takerRate: 0.001, makerRate: 0.001 }, volumeShare: 1 };
const seconds: number[] = [];
for (let i = 0; i < REPEATS; i++) {
  const before = process.cpuUsage();
  const engine = createEngine(
    instruments,
    rotation(),
    {
      baseCurrency: "USD",
      initialCash: 1e6,
      costs,
      innerPath: "pessimistic",
      shortfall: "reduce",
      rates: {},
    },
    () => {
      throw new Error("no formulas");
    },
  );
  while (!engine.advance(256));
  const { user, system } = process.cpuUsage(before);
  seconds.push((user + system) / 1e6);
  if (engine.state.postings.count < 10_000) throw new Error(`only ${engine.state.postings.count} fills`);
}
report({
  figure: "portfolio of 500 instruments, 20 years daily",
  unit: "s of CPU time",
  ours: seconds,
  peer: "limit",
  theirs: [5],
  smallerIsBetter: true,
  aim: 1,
});
report({
  figure: "its memory",
  unit: "MB resident",
  ours: [process.resourceUsage().maxRSS / 1024],
  peer: "limit",
  theirs: [1024],
  smallerIsBetter: true,
  aim: 1,
});
