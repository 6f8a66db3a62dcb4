import { AppError } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import type { Db } from "../db.ts";
import type { JobService } from "../jobs/contract.ts";
import type { LineageInput, LineageJob, lineageRoutes } from "./contract.ts";
import { compareReplay, submitReplay } from "./replay.ts";
import { loadDatasetSources, loadInputs, loadJobs, loadStreamRuns } from "./store.ts";
import type { InputRecord, JobRecord } from "./store.ts";

/** Bounds of one answer: a graph of jobs, each written out where it is first met. */
const limits = { depth: 6, inputs: 200, sources: 100, jobs: 300 } as const;

interface Walk {
  db: Db;
  tenantId: string;
  seen: Set<string>;
}

/** A job with what it read and, below that, the jobs that it came from. A job met again is shown without its inputs. */
export async function readLineage(db: Db, tenantId: string, jobId: string): Promise<LineageJob> {
  const job = (await loadJobs(db, [jobId])).get(jobId);
  if (job === undefined || job.tenantId !== tenantId)
    throw new AppError("job.unknown", `There is no job ${jobId}.`);
  return describe({ db, tenantId, seen: new Set() }, job, 0);
}

async function describe(walk: Walk, job: JobRecord, depth: number): Promise<LineageJob> {
  const again = walk.seen.has(job.id);
  walk.seen.add(job.id);
  const inputs: LineageInput[] = [];
  const room = depth < limits.depth && walk.seen.size <= limits.jobs;
  let moreInputs = 0;
  if (!again) {
    // A reused result was computed by another job: what that one read is what this one rests on.
    const found = await loadInputs(walk.db, job.reusedFrom ?? job.id, room ? limits.inputs : 0);
    moreInputs = found.count - found.inputs.length;
    for (const input of found.inputs) {
      inputs.push({
        kind: input.kind,
        ref: input.ref,
        label: input.label,
        details: input.details === null ? {} : (JSON.parse(input.details) as Record<string, unknown>),
        ...(await originsOf(walk, input, depth)),
      });
    }
  }
  // Shared data may have been ingested by another tenant: what it came from is told, what was submitted is not.
  const own = job.tenantId === walk.tenantId;
  return {
    jobId: job.id,
    type: job.type,
    state: job.state,
    payload: own ? (JSON.parse(job.payload) as unknown) : null,
    seed: job.seed,
    contractVersion: job.version,
    codeVersion: job.codeVersion,
    endedMs: job.endedMs,
    reusedFrom: own ? job.reusedFrom : null,
    inputs,
    moreInputs,
  };
}

async function originsOf(
  walk: Walk,
  input: InputRecord,
  depth: number,
): Promise<Pick<LineageInput, "from" | "moreFrom" | "streamRuns">> {
  const all =
    input.kind === "dataset"
      ? await loadDatasetSources(walk.db, input.ref)
      : input.kind === "job"
        ? [input.ref]
        : [];
  const ids = all.slice(0, limits.sources);
  const jobs = await loadJobs(walk.db, ids);
  const streamRuns = await loadStreamRuns(
    walk.db,
    ids.filter((id) => !jobs.has(id)),
  );
  const from: LineageJob[] = [];
  for (const id of ids) {
    const job = jobs.get(id);
    // Retention may have erased the job that brought the data in: the input stays, without it.
    if (job !== undefined) from.push(await describe(walk, job, depth + 1));
  }
  return { from, moreFrom: all.length - from.length - streamRuns.length, streamRuns };
}

export const lineageRouteHandlers = {
  getLineage: async (deps, { params }, caller) => readLineage(deps.db, caller.tenantId, params.id),
  replayJob: (deps, { params }, caller) => submitReplay(deps, caller, params.id),
  getReplay: (deps, { params }, caller) => compareReplay(deps.db, caller.tenantId, params.id),
} satisfies RouteHandlersFor<typeof lineageRoutes, { db: Db; jobs: JobService }>;
