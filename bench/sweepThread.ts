/** One of the threads of the sweep bench: takes sixteen pairs at a time until none is left. */
import { parentPort, workerData } from "node:worker_threads";
import type * as z from "zod";
import { settingsOf } from "../packages/features/src/backtest/domain.ts";
import type { Strategy } from "../packages/features/src/backtest/contract.ts";
import type { SingleSweepPayload } from "../packages/features/src/backtest/sweep/contract.ts";
import { createTrialRunner } from "../packages/features/src/backtest/sweep/runner.ts";
import { gridPoint, valuesAt } from "../packages/trading/src/index.ts";
import type { Parameter, PriceSeries } from "../packages/trading/src/index.ts";

export interface SweepTask {
  bars: PriceSeries;
  payload: z.output<typeof SingleSweepPayload> & { strategy: Strategy };
  space: Parameter[];
  combinations: number;
  /** The next pair that nobody has taken. */
  next: Int32Array;
}

const atOnce = 16;
const { bars, payload, space, combinations, next } = workerData as SweepTask;
const data = { ...bars, length: bars.close.length, timeframeMs: 86_400_000 };

parentPort!.on("message", () => {
  const runner = createTrialRunner(
    payload.strategy,
    data,
    settingsOf(payload, { lotSize: null, tickSize: null, minNotional: null }),
    {
      barsPerYear: 252,
      riskFreeRate: 0,
    },
  );
  let best = -Infinity;
  for (let from = Atomics.add(next, 0, atOnce); from < combinations; from = Atomics.add(next, 0, atOnce)) {
    for (let k = from; k < Math.min(combinations, from + atOnce); k++) {
      best = Math.max(best, runner.run(valuesAt(space, gridPoint(space, k))).totalReturn);
    }
  }
  parentPort!.postMessage(best);
});
