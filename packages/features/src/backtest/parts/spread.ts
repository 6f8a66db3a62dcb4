import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import type { JobContext } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import type { Db, Tx } from "../../db.ts";
import type { JobService } from "../../jobs/contract.ts";
import {
  claimPart,
  countOpenJobs,
  deleteParts,
  finishPart,
  freeParts,
  insertParts,
  leaseSeconds,
  loadDone,
  renewPart,
} from "./store.ts";
import type { Part } from "./store.ts";

/** Most jobs that help one search. */
const mostHelpers = 7;
const pollMs = 50;

/** Work that is divided into parts: what a part gives depends on its input alone, whoever computes it. */
export interface PartedWork<Input, Output> {
  /** Hashes of everything that it reads and of the strategy. */
  inputHashes: readonly string[];
  /** Calls `breathe` between pieces of some milliseconds. */
  compute(input: Input, breathe: () => Promise<void>): Promise<Output>;
  /** Rows that go with a part. */
  keep?: {
    save(tx: Tx, input: Input, output: Output): Promise<void>;
    /** The output, of those rows; absent: it is in the part's own row. */
    load?(db: Db, input: Input): Promise<Output>;
    /** Drops all that was kept for the job. */
    forget(tx: Tx): Promise<void>;
  };
}

/** One hash of everything that it reads. */
export function inputsHashOf({ inputHashes }: Pick<PartedWork<never, unknown>, "inputHashes">): string {
  return sha256(inputHashes.join("\n"));
}

type Fenced = Pick<JobContext<never, Tx>, "signal" | "commit">;

/** Takes a part, computes it and stores what came of it. The part and its output, or undefined when none was free or it was lost to another. */
export async function takePart<Input, Output>(
  db: Db,
  ctx: Fenced,
  jobId: string,
  owner: string,
  work: PartedWork<Input, Output>,
): Promise<{ number: number; output: Output } | "lost" | undefined> {
  ctx.signal.throwIfAborted();
  const part = (await ctx.commit((tx) => claimPart(tx, jobId, owner))) as Part<Input> | undefined;
  if (part === undefined) return undefined;
  const { number, input } = part;
  const output = await whileRenewing(
    () => renewPart(db, jobId, number, owner),
    () => work.compute(input, breather(ctx)),
  );
  const stored = await ctx.commit(async (tx) => {
    const finished = { number, output: work.keep?.load === undefined ? output : undefined };
    if (!(await finishPart(tx, jobId, finished, owner))) return false;
    await work.keep?.save(tx, input, output);
    return true;
  });
  return stored ? { number, output } : "lost";
}

/** By a timer: one run of a part may take longer than the lease. */
async function whileRenewing<T>(renew: () => Promise<unknown>, work: () => Promise<T>): Promise<T> {
  // A lease that could not be renewed runs out, and the part may be another's: its end finds out.
  const timer = setInterval(() => void renew().catch(() => undefined), leaseSeconds * 300);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Lets the process do other things, and looks whether the job is still wanted. */
function breather({ signal }: Pick<Fenced, "signal">): () => Promise<void> {
  return async () => {
    await setImmediate();
    signal.throwIfAborted();
  };
}

export interface Spreader<Input, Output> {
  /**
   * Computes all parts, here and in the workers that help, and gives each output once, in no order. What an earlier attempt has
   * stored is not computed again.
   */
  run(parts: ReadonlyArray<Part<Input>>, give: (number: number, output: Output) => void): Promise<void>;
  /** Forgets the parts. */
  close(): Promise<void>;
}

/** For the job of `ctx`, whose own worker takes parts as well: it ends though nobody helps. */
export function createSpreader<Input, Output>(
  deps: { db: Db; jobs: Pick<JobService, "submit"> },
  ctx: Fenced & Pick<JobContext, "jobId" | "tenantId" | "submittedBy" | "pickup">,
  work: PartedWork<Input, Output>,
): Spreader<Input, Output> {
  const { db } = deps;
  const { jobId } = ctx;
  const ownerAt = (pickup: number) => `${jobId}#${pickup}`;
  const owner = ownerAt(ctx.pickup);
  const earlier = Array.from({ length: ctx.pickup - 1 }, (_, k) => ownerAt(k + 1));
  const helpers: string[] = [];

  const askForHelp = async (wanted: number): Promise<void> => {
    const caller = {
      principalId: ctx.submittedBy,
      kind: "user",
      tenantId: ctx.tenantId,
      role: "analyst",
      requestId: `job ${jobId}`,
    } as const;
    for (let k = await countOpenJobs(db, helpers); k < Math.min(mostHelpers, wanted); k++) {
      const payload = { jobId, inputsHash: inputsHashOf(work) };
      const { job } = await deps.jobs.submit({ caller, type: "backtestPart", payload });
      helpers.push(job.id);
    }
  };

  /** What an earlier attempt has stored counts only if it read the same: data may have been revised since. */
  const dropOthers = async (): Promise<void> => {
    const first = await ctx.commit(() => Promise.resolve(work.inputHashes), { once: "inputs" });
    if (first.join() === work.inputHashes.join()) return;
    await ctx.commit(async (tx) => {
      await deleteParts(tx, [jobId]);
      await work.keep?.forget(tx);
    });
  };
  let checked = false;

  /** Outputs that others have stored since. */
  const collect = async (open: Map<number, Input>, give: (number: number, output: Output) => void) => {
    for (const { number, output } of await loadDone(db, jobId, [...open.keys()])) {
      const input = open.get(number)!;
      open.delete(number);
      give(number, work.keep?.load === undefined ? (output as Output) : await work.keep.load(db, input));
    }
  };

  return {
    async run(parts, give) {
      if (!checked) await dropOthers();
      checked = true;
      const open = new Map(parts.map(({ number, input }) => [number, input]));
      await ctx.commit(async (tx) => {
        await insertParts(tx, jobId, parts);
        if (earlier.length > 0) await freeParts(tx, jobId, earlier);
      });
      if (earlier.length > 0) await collect(open, give);
      await askForHelp(open.size - 1);
      while (open.size > 0) {
        const taken = await takePart(db, ctx, jobId, owner, work);
        if (typeof taken === "object" && open.delete(taken.number)) give(taken.number, taken.output);
        if (open.size === 0) break;
        await collect(open, give);
        if (taken === undefined && open.size > 0) await sleep(pollMs, undefined, { signal: ctx.signal });
      }
    },
    close: () => ctx.commit((tx) => deleteParts(tx, [jobId])),
  };
}
