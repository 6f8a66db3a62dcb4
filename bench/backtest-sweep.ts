/** A sweep of 1,000 moving-average pairs over the S&P 500's 5,105 daily bars, with equity curves, beside vectorbt (PEERS_PYTHON); two threads beside one. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { settingsOf } from "../packages/features/src/backtest/domain.ts";
import { SingleSweepPayload } from "../packages/features/src/backtest/sweep/contract.ts";
import { createTrialRunner } from "../packages/features/src/backtest/sweep/runner.ts";
import { gridPoint, valuesAt } from "../packages/trading/src/index.ts";
import type { Parameter } from "../packages/trading/src/index.ts";
import { indexBars } from "./backtestData.ts";
import { report } from "./figure.ts";
import { runPythonPeer } from "./peer.ts";
import type { SweepTask } from "./sweepThread.ts";

const REPEATS = 9;
const WARM = 3;
const COMBINATIONS = 1_000;
const bars = indexBars();
const rows = bars.close.length;
const space: Parameter[] = [
  { name: "fast", from: 2, to: 26, step: 1 },
  { name: "slow", from: 30, to: 69, step: 1 },
];
const strategy = { kind: "builtIn", name: "maCrossover", params: {} } as const;
const parsed = SingleSweepPayload.parse({
  instrumentId: "SPX.INDEX",
  strategy,
  parameters: { fast: { from: 2, to: 26, step: 1 }, slow: { from: 30, to: 69, step: 1 } },
  costs: { feeBps: 10, slippageBps: 0 },
  initialCash: "10000000",
  sizing: { kind: "fractionOfEquity", fraction: 0.99 },
});
const payload = { ...parsed, strategy };

/** As the job does it: formulas, signals, fills, equity and figures of every pair. */
function sweep(): number {
  const data = { ...bars, length: rows, timeframeMs: 86_400_000 };
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
  for (let k = 0; k < COMBINATIONS; k++) {
    best = Math.max(best, runner.run(valuesAt(space, gridPoint(space, k))).totalReturn);
  }
  return best;
}

for (let i = 0; i < WARM; i++) sweep();
const rates = Array.from({ length: REPEATS }, () => {
  const before = process.cpuUsage();
  if (!(sweep() > 0)) throw new Error("no pair earned anything");
  const { user, system } = process.cpuUsage(before);
  return (COMBINATIONS * 1e6) / (user + system);
});
const folder = mkdtempSync(join(tmpdir(), "tapedeck-bench-"));
const file = join(folder, "bars.f64");
writeFileSync(file, Buffer.concat([Buffer.from(bars.open.buffer), Buffer.from(bars.close.buffer)]));
const peer = runPythonPeer("vectorbt", "backtest_peer.py", ["sweep", file, String(rows)]);
rmSync(folder, { recursive: true });
// 18,000 combinations/s where vectorbt makes 920.
report({
  figure: "sweep of 1,000 pairs, 5,105 bars",
  unit: "combinations/s of CPU time",
  ours: rates,
  peer: "vectorbt",
  peerVersion: peer?.version,
  theirs: peer?.rates,
  aim: 19.5,
});

/** Wall time of the sweep and of a bare loop, each in one thread and in two by turns: neighbours on the machine trouble all alike. */
async function sweepInThreads() {
  const next = new Int32Array(new SharedArrayBuffer(4));
  const shared = (column: Float64Array) => {
    const copy = new Float64Array(new SharedArrayBuffer(column.byteLength));
    copy.set(column);
    return copy;
  };
  const columns = Object.fromEntries(Object.entries(bars).map(([name, column]) => [name, shared(column)]));
  const task = { bars: columns, payload, space, combinations: COMBINATIONS, next } as unknown as SweepTask;
  const threads = Array.from(
    { length: 2 },
    () => new Worker(new URL("./sweepThread.ts", import.meta.url), { workerData: task }),
  );
  const rateOf = async (taking: readonly Worker[], work: "sweep" | "loop"): Promise<number> => {
    next[0] = 0;
    const started = performance.now();
    for (const thread of taking) thread.postMessage(work);
    await Promise.all(taking.map((thread) => once(thread, "message")));
    return (COMBINATIONS * 1_000) / (performance.now() - started);
  };
  const rates = () => ({ one: [] as number[], two: [] as number[] });
  const found = { sweep: rates(), loop: rates() };
  for (let i = 0; i < WARM + REPEATS; i++) {
    for (const work of ["sweep", "loop"] as const) {
      const one = await rateOf(threads.slice(0, 1), work);
      const two = await rateOf(threads, work);
      if (i < WARM) continue;
      found[work].one.push(one);
      found[work].two.push(two);
    }
  }
  await Promise.all(threads.map((thread) => thread.terminate()));
  return found;
}

const threaded = await sweepInThreads();
for (const [figure, { one, two }, aim] of [
  ["the same in two threads", threaded.sweep, 1.8],
  ["a bare loop in two threads, which is what the machine gives", threaded.loop, undefined],
] as const) {
  report({
    figure,
    unit: "combinations/s of wall time",
    ours: two,
    peer: "one thread",
    theirs: one,
    aim,
  });
}
