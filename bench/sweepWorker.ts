/** One of the workers of the sweep bench: runs as many pairs as it is told; of "loop" bare arithmetic in their place. */
import { gridPoint, valuesAt } from "../packages/trading/src/index.ts";
import { openSweep } from "./sweepTask.ts";

/** About the time of a combination, in registers alone. */
const loopSteps = 20_000;

const { space, size, createRunner } = openSweep();

function sweep(combinations: number): number {
  let best = -Infinity;
  for (let k = 0; k < combinations; k += size) {
    const runner = createRunner();
    for (let i = 0; i < size; i++)
      best = Math.max(best, runner.run(valuesAt(space, gridPoint(space, i))).totalReturn);
  }
  return best;
}

function loop(combinations: number): number {
  let x = 0;
  for (let i = 0; i < combinations * loopSteps; i++) x = x * 0.9999 + i;
  return x;
}

process.on("message", ({ work, combinations }: { work: "sweep" | "loop"; combinations: number }) => {
  process.send!(work === "sweep" ? sweep(combinations) : loop(combinations));
});
