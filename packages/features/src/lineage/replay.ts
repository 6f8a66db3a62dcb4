import { AppError } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { contentHash } from "@tapedeck/core/hash";
import type * as z from "zod";
import type { Db } from "../db.ts";
import type { JobService, JobView } from "../jobs/contract.ts";
import type { Replay } from "./contract.ts";
import { loadDataTime, loadReplayPair } from "./store.ts";
import type { RunRecord } from "./store.ts";

/**
 * Submits a job that repeats another's run: its payload and seed, and, where the payload left the time open, the data
 * as it was known then.
 */
export async function submitReplay(
  deps: { db: Db; jobs: JobService },
  caller: Caller,
  jobId: string,
): Promise<JobView> {
  const original = await deps.jobs.get(caller.tenantId, jobId);
  if (original.endedMs === null || original.startedMs === null) {
    throw new AppError(
      "job.notEnded",
      `The job is ${original.state}; only one that has run can be replayed.`,
    );
  }
  const { contract } = deps.jobs.check(caller, original.type, original.payload);
  if (contract.effects === true) {
    throw new AppError(
      "resource.conflict",
      `${original.type} jobs change what is stored or ordered; they are not repeated. POST ${contract.path} submits a new one.`,
    );
  }
  // A replay of a replay, or of a reused result, repeats the run that computed it.
  const source = original.replayOf ?? original.reusedFrom ?? jobId;
  const known = await loadDataTime(deps.db, source);
  // What may be reused depends on time by its data alone, anything else on the clock as well.
  const asOf = contract.reuse
    ? (known ?? original.startedMs)
    : Math.max(known ?? original.startedMs, original.startedMs);
  const said = original.payload as Record<string, unknown>;
  const bounded = { asOf, ...said };
  const payload = contract.payload.safeParse(bounded).success ? bounded : said;
  const { job } = await deps.jobs.submit({
    caller,
    type: original.type,
    payload,
    options: { seed: original.seed },
    replayOf: source,
  });
  return job;
}

/** The result without the names that its job gave: its own id, and ids of evidence, which hash that id. */
function resultHash({ id, result }: RunRecord): string | null {
  if (result === null) return null;
  const unnamed = result.replaceAll(id, "").replaceAll(/"ev_[0-9a-f]{40}"/g, '""');
  return contentHash(JSON.parse(unnamed));
}

export async function compareReplay(
  db: Db,
  tenantId: string,
  jobId: string,
): Promise<z.output<typeof Replay>> {
  const { original, replay } = await loadReplayPair(db, tenantId, jobId);
  const view = (run: RunRecord) => ({
    jobId: run.id,
    state: run.state,
    contractVersion: run.version,
    codeVersion: run.codeVersion,
    resultHash: resultHash(run),
  });
  const [first, second] = [view(original), view(replay)];
  return {
    original: first,
    replay: second,
    sameCode:
      first.codeVersion !== null &&
      first.codeVersion === second.codeVersion &&
      first.contractVersion === second.contractVersion,
    sameResult:
      first.resultHash === null || second.resultHash === null ? null : first.resultHash === second.resultHash,
  };
}
