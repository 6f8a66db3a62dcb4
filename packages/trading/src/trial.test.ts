import * as fc from "fast-check";
import { expect, test } from "vitest";
import { computePerformance } from "./performance.ts";
import { createSimulation, positionColumn, runSimulation, signalBits, tradesOf } from "./simulate.ts";
import { measureTrial, rowsPerBlock, trialBlocks } from "./trial.ts";

test("a trial's figures are those of the full statistics, and its blocks add up to its returns", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -0.04, max: 0.042, noNaN: true }), { minLength: 101, maxLength: 101 }),
      fc.integer({ min: 2, max: 9 }),
      (steps, every) => {
        let price = 50;
        const close = Float64Array.from(steps, (step) => (price *= 1 + step));
        const open = Float64Array.from(close, (value, i) => close[i - 1] ?? value);
        const prices = {
          open,
          high: open.map((o, i) => Math.max(o, close[i]!)),
          low: open.map((o, i) => Math.min(o, close[i]!)),
          close,
        };
        const signals = Uint8Array.from(steps, (_, i) =>
          i % every === 0 ? signalBits.entryLong : i % every === every - 1 ? signalBits.exitLong : 0,
        );
        const simulation = createSimulation(prices, signals, {
          initialCash: 1_000,
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
        });
        runSimulation(simulation, 0, 101);
        const full = computePerformance({
          equity: simulation.equity,
          position: positionColumn(simulation.fills, 101),
          closeMs: Float64Array.from(steps, (_, i) => i * 86_400_000),
          initialCash: 1_000,
          trades: tradesOf(simulation.fills, price),
          fills: simulation.fills,
          barsPerYear: 252,
          riskFreeRate: 0.02,
        });
        const trial = measureTrial(simulation, 252, 0.02);
        for (const name of ["totalReturn", "sharpe", "maxDrawdown", "skewness", "kurtosis"] as const) {
          expect(trial[name]!, name).toBeCloseTo(full[name]!, 8);
        }
        expect(trial.returns).toBe(100);
        expect(rowsPerBlock(101)).toBe(10);
        const total = trial.blocks.slice(0, trialBlocks).reduce((sum, part) => sum + part, 0);
        let returns = 0;
        for (let i = 1; i < 101; i++) returns += simulation.equity[i]! / simulation.equity[i - 1]! - 1;
        expect(total).toBeCloseTo(returns, 12);
      },
    ),
    { numRuns: 50 },
  );
});
