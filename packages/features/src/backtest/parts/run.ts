import { setTimeout as sleep } from "node:timers/promises";
import type { JobHandler } from "@tapedeck/core";
import type { Db, Tx } from "../../db.ts";
import { SweepPayload } from "../sweep/contract.ts";
import { openSweepWork } from "../sweep/run.ts";
import type { SearchDeps, SearchScene } from "../sweep/scene.ts";
import { WalkForwardPayload } from "../walkForward/contract.ts";
import { openFoldWork } from "../walkForward/run.ts";
import type { backtestPart } from "./contract.ts";
import { takePart } from "./spread.ts";
import type { PartedWork } from "./spread.ts";
import { loadRunningSearch } from "./store.ts";

export interface BacktestPartDeps extends SearchDeps {
  db: Db;
}

/** A search that learns makes its next parts when the last are done: a helper waits so long for them. */
const lingerMs = 1_000;
const pollMs = 50;

export const runBacktestPart: JobHandler<typeof backtestPart, BacktestPartDeps, Tx> = async (
  deps,
  { jobId, inputHashes },
  ctx,
) => {
  let parts = 0;
  const search = await loadRunningSearch(deps.db, ctx.tenantId, jobId);
  if (search === undefined) return { parts };
  const payload: unknown = JSON.parse(search.payload);
  const work: (PartedWork<never, unknown> & { scene: SearchScene }) | undefined =
    search.type === "sweep"
      ? await openSweepWork(deps, SweepPayload.parse(payload), { ...ctx, jobId })
      : search.type === "walkForward"
        ? await openFoldWork(deps, WalkForwardPayload.parse(payload), ctx)
        : undefined;
  if (work === undefined) return { parts };
  try {
    if (work.inputHashes.join() !== inputHashes.join()) return { parts };
    const owner = `${ctx.jobId}#${ctx.pickup}`;
    let idleSince = ctx.now();
    while (ctx.now() - idleSince < lingerMs) {
      const taken = await takePart(deps.db, ctx, jobId, owner, work);
      if (taken === undefined) {
        await sleep(pollMs, undefined, { signal: ctx.signal });
        if ((await loadRunningSearch(deps.db, ctx.tenantId, jobId)) === undefined) break;
        continue;
      }
      idleSince = ctx.now();
      parts += +(taken !== "lost");
      ctx.progress({ parts });
    }
    return { parts };
  } finally {
    await work.scene.runner.close();
  }
};
