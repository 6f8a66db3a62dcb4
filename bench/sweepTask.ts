/** The sweep that is measured: 1,000 moving-average pairs over the S&P 500's 5,105 daily bars, with equity curves. */
import { settingsOf } from "../packages/features/src/backtest/domain.ts";
import { SingleSweepPayload } from "../packages/features/src/backtest/sweep/contract.ts";
import { createTrialRunner } from "../packages/features/src/backtest/sweep/runner.ts";
import type { TrialRunner } from "../packages/features/src/backtest/sweep/runner.ts";
import type { Parameter } from "../packages/trading/src/index.ts";
import { indexBars } from "./backtestData.ts";

export function openSweep() {
  const bars = indexBars();
  const space: Parameter[] = [
    { name: "fast", from: 2, to: 26, step: 1 },
    { name: "slow", from: 30, to: 69, step: 1 },
  ];
  const strategy = { kind: "builtIn", name: "maCrossover", params: {} } as const;
  const payload = SingleSweepPayload.parse({
    instrumentId: "SPX.INDEX",
    strategy,
    parameters: { fast: { from: 2, to: 26, step: 1 }, slow: { from: 30, to: 69, step: 1 } },
    costs: { feeBps: 10, slippageBps: 0 },
    initialCash: "10000000",
    sizing: { kind: "fractionOfEquity", fraction: 0.99 },
  });
  const settings = settingsOf(payload, { lotSize: null, tickSize: null, minNotional: null });
  const data = { ...bars, length: bars.close.length, timeframeMs: 86_400_000 };
  return {
    bars,
    space,
    /** Combinations. */
    size: 25 * 40,
    /** As the job does it: formulas, signals, fills, equity and figures of every pair. */
    createRunner: (): TrialRunner =>
      createTrialRunner(strategy, data, settings, { barsPerYear: 252, riskFreeRate: 0 }),
  };
}
