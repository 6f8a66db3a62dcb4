import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "@tapedeck/core";
import type { JobContext, JobHandler } from "@tapedeck/core";
import type { Db, Tx } from "../../db.ts";
import { MonteCarloPayload } from "../monteCarlo/contract.ts";
import { openSimulationWork } from "../monteCarlo/run.ts";
import { SweepPayload } from "../sweep/contract.ts";
import { openSweepWork } from "../sweep/run.ts";
import type { SearchDeps } from "../sweep/inputs.ts";
import { WalkForwardPayload } from "../walkForward/contract.ts";
import { openFoldWork } from "../walkForward/run.ts";
import type { backtestPart } from "./contract.ts";
import { inputsHashOf, takePart } from "./spread.ts";
import type { PartedWork } from "./spread.ts";
import { loadRunningJob } from "./store.ts";

export interface BacktestPartDeps extends SearchDeps {
  db: Db;
}

/** A search that learns makes its next parts when the last are done: a helper waits so long for them. */
const lingerMs = 1_000;
const pollMs = 50;

type Helped = PartedWork<never, unknown> & { close(): Promise<void> };

export const runBacktestPart: JobHandler<typeof backtestPart, BacktestPartDeps, Tx> = async (
  deps,
  { jobId, inputsHash },
  ctx,
) => {
  let parts = 0;
  const job = await loadRunningJob(deps.db, ctx.tenantId, jobId);
  if (job === undefined) return { parts };
  const { seed } = job;
  // As if it were the job that is helped.
  const own = { ...ctx, jobId, seed, random: (stream: string) => seededRandom(seed, stream) };
  const work = await openWork(deps, job.type, JSON.parse(job.payload), own);
  if (work === undefined) return { parts };
  try {
    if (inputsHashOf(work) !== inputsHash) return { parts };
    const owner = `${ctx.jobId}#${ctx.pickup}`;
    let idleSince = ctx.now();
    while (ctx.now() - idleSince < lingerMs) {
      const taken = await takePart(deps.db, ctx, jobId, owner, work);
      if (taken === undefined) {
        await sleep(pollMs, undefined, { signal: ctx.signal });
        if ((await loadRunningJob(deps.db, ctx.tenantId, jobId)) === undefined) break;
        continue;
      }
      idleSince = ctx.now();
      parts += +(taken !== "lost");
      ctx.progress({ parts });
    }
    return { parts };
  } finally {
    await work.close();
  }
};

/** Undefined: a job of this type is not helped. */
async function openWork(
  deps: BacktestPartDeps,
  type: string,
  payload: unknown,
  ctx: JobContext<never, Tx>,
): Promise<Helped | undefined> {
  switch (type) {
    case "sweep":
      return await openSweepWork(deps, SweepPayload.parse(payload), ctx);
    case "walkForward":
      return await openFoldWork(deps, WalkForwardPayload.parse(payload), ctx);
    case "monteCarlo":
      return await openSimulationWork(deps, MonteCarloPayload.parse(payload), ctx);
    default:
      return undefined;
  }
}
