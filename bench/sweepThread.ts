/** One of the threads of the sweep bench: takes sixteen pairs at a time until none is left; of "loop" bare arithmetic in their place. */
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

/** About the time of a combination, in registers alone. */
const loopSteps = 20_000;

function eachCombination(take: (k: number) => number): number {
  let best = -Infinity;
  for (let from = Atomics.add(next, 0, atOnce); from < combinations; from = Atomics.add(next, 0, atOnce)) {
    for (let k = from; k < Math.min(combinations, from + atOnce); k++) best = Math.max(best, take(k));
  }
  return best;
}

function sweep(): number {
  const runner = createTrialRunner(
    payload.strategy,
    data,
    settingsOf(payload, { lotSize: null, tickSize: null, minNotional: null }),
    {
      barsPerYear: 252,
      riskFreeRate: 0,
    },
  );
  return eachCombination((k) => runner.run(valuesAt(space, gridPoint(space, k))).totalReturn);
}

function loop(): number {
  return eachCombination((k) => {
    let x = k;
    for (let i = 0; i < loopSteps; i++) x = x * 0.9999 + i;
    return x;
  });
}

parentPort!.on("message", (work: "sweep" | "loop") =>
  parentPort!.postMessage(work === "sweep" ? sweep() : loop()),
);
