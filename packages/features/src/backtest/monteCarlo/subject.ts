import type { JobContext, JobInput } from "@tapedeck/core";
import type { RunFigures } from "../report/figures/contract.ts";
import type { HeldRun } from "../run.ts";

/** The run with all costs times `costMultiple`, and with every decision `delayBars` later. */
export interface Stress {
  costMultiple?: number;
  delayBars?: number;
}

/** One strategy on its bars, to be run in other ways. Each is the same whoever runs it, with the same random numbers. */
export interface Subject {
  /** Ids, sorted. */
  instruments: string[];
  datasetHash: string;
  /** Of the equity curve. */
  bars: number;
  /** Of everything read, the strategy among it. */
  inputHashes: readonly string[];
  run(stress: Stress): Promise<HeldRun>;
  /** Of the run as it is. */
  figures(): Promise<RunFigures>;
  /** Equity on prices made of the bars' shapes, drawn in blocks of `blockBars`; null where no prices can be made. */
  runOnOtherPrices: ((blockBars: number, random: () => number) => Promise<Float64Array>) | null;
  /** Equity with every number moved by up to `share`; null without a number. Throws as opening a strategy does where the numbers make none. */
  runWithOtherNumbers: ((share: number, random: () => number) => Promise<Float64Array>) | null;
  close(): Promise<void>;
}

export type SubjectContext = Pick<JobContext, "tenantId" | "signal" | "input" | "seed">;

/** The context, and the hashes of what is said to have been read through it. */
export function collectInputs<Context extends Pick<JobContext, "input">>(
  ctx: Context,
): { ctx: Context; hashes: string[] } {
  const hashes: string[] = [];
  const input = (one: JobInput) => {
    hashes.push(one.ref);
    ctx.input(one);
  };
  return { ctx: { ...ctx, input }, hashes };
}
