/** A sweep of 1,000 moving-average pairs over the S&P 500's 5,105 daily bars, with equity curves, beside vectorbt (PEERS_PYTHON); two workers beside one. */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gridPoint, valuesAt } from "../packages/trading/src/index.ts";
import { report } from "./figure.ts";
import { runPythonPeer } from "./peer.ts";
import { openSweep } from "./sweepTask.ts";

const REPEATS = 9;
/** Until V8 compiles nothing more. */
const WARM = 25;
/** Sweeps that a worker runs in one turn. */
const SWEEPS = 5;
const { bars, space, size, createRunner } = openSweep();

function sweep(): number {
  const runner = createRunner();
  let best = -Infinity;
  for (let k = 0; k < size; k++) {
    best = Math.max(best, runner.run(valuesAt(space, gridPoint(space, k))).totalReturn);
  }
  return best;
}

for (let i = 0; i < WARM; i++) sweep();
const rates = Array.from({ length: REPEATS }, () => {
  const before = process.cpuUsage();
  if (!(sweep() > 0)) throw new Error("no pair earned anything");
  const { user, system } = process.cpuUsage(before);
  return (size * 1e6) / (user + system);
});
const folder = mkdtempSync(join(tmpdir(), "tapedeck-bench-"));
const file = join(folder, "bars.f64");
writeFileSync(file, Buffer.concat([Buffer.from(bars.open.buffer), Buffer.from(bars.close.buffer)]));
const peer = runPythonPeer("vectorbt", "backtest_peer.py", ["sweep", file, String(bars.close.length)]);
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

/** Wall time of sweeps and of a bare loop, each by one worker and by two by turns: neighbours on the machine trouble all alike. */
async function sweepByWorkers() {
  const workers = [0, 1].map(() => fork(new URL("./sweepWorker.ts", import.meta.url)));
  const rateOf = async (taking: readonly ChildProcess[], work: "sweep" | "loop", sweeps = SWEEPS) => {
    const combinations = sweeps * size;
    const started = performance.now();
    for (const worker of taking) worker.send({ work, combinations });
    await Promise.all(taking.map((worker) => once(worker, "message")));
    return (taking.length * combinations * 1_000) / (performance.now() - started);
  };
  const rates = () => ({ one: [] as number[], two: [] as number[] });
  const found = { sweep: rates(), loop: rates() };
  for (const work of ["sweep", "loop"] as const) await rateOf(workers, work, WARM);
  for (let i = 0; i < REPEATS; i++) {
    for (const work of ["sweep", "loop"] as const) {
      found[work].one.push(await rateOf(workers.slice(0, 1), work));
      found[work].two.push(await rateOf(workers, work));
    }
  }
  for (const worker of workers) worker.kill();
  return found;
}

const spread = await sweepByWorkers();
for (const [figure, { one, two }, aim] of [
  ["the same by two workers", spread.sweep, 1.8],
  ["a bare loop by two workers, which is what the machine gives", spread.loop, undefined],
] as const) {
  report({
    figure,
    unit: "combinations/s of wall time",
    ours: two,
    peer: "one worker",
    theirs: one,
    aim,
  });
}
