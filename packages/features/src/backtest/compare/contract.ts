import { defineQuery, Id } from "@tapedeck/core";
import * as z from "zod";
import { Statistics } from "../contract.ts";
import { DataRevision } from "../report/contract.ts";
import { RelativeFigures } from "../report/figures/contract.ts";
import { Honesty } from "../sweep/contract.ts";

/** Runs side by side, the first among them. */
export const mostCompared = 6;

/** A run, or the tests of a walk-forward one after the other. */
export const ComparedRun = z
  .object({
    /** Of the run, or of the walk-forward's job. */
    id: Id,
    kind: z.enum(["single", "portfolio", "walkForward"]),
    title: z.string(),
    /** Of several instruments, the first and how many more there are. */
    instrumentId: z.string(),
    timeframe: z.string(),
    /** Of a run against all that was tried with its strategy; of a walk-forward, its own. */
    honesty: Honesty,
    statistics: Statistics,
    /** Null for a run from before they were kept. */
    relative: RelativeFigures.nullable(),
    /** Initial cash with which a heavy fill takes 5 % of its bar's volume; null without volumes. */
    capacity: z.number().nullable(),
    revision: DataRevision,
    /** Growth of 1 at closes, at most 1,000 of them. */
    curve: z.array(z.object({ atMs: z.int(), value: z.number() })),
  })
  .meta({ id: "ComparedRun" });
export type ComparedRun = z.output<typeof ComparedRun>;

export const Comparison = z
  .object({
    /** In the order asked for. */
    runs: z.array(ComparedRun),
    /** Settings that are not the same in all, by their path in the payload; a text for each run, empty where it has none. */
    settings: z.array(z.object({ name: z.string(), values: z.array(z.string()) })),
    /** Hashes of the datasets by instrument where they differ; null: the run does not read it. */
    datasets: z.array(z.object({ instrumentId: z.string(), hashes: z.array(z.string().nullable()) })),
    /** What of the data makes the runs hard to compare, in words. */
    warnings: z.array(z.string()),
  })
  .meta({ id: "Comparison" });
export type Comparison = z.output<typeof Comparison>;

const OtherIds = z
  .string()
  .transform((text) => text.split(","))
  .pipe(
    z
      .array(Id)
      .min(1)
      .max(mostCompared - 1),
  )
  .meta({ description: `One to ${mostCompared - 1} ids with commas between` });

export const compareRoutes = {
  compareBacktests: defineQuery({
    name: "compareBacktests",
    path: "/backtests/{id}/comparison",
    tag: "Backtests",
    summary: "A run beside others: growth, statistics, the settings and the data that differ",
    role: "viewer",
    params: z.object({ id: Id }),
    /** Ids of runs, or of jobs of walk-forwards, as `id` itself. */
    query: z.object({ with: OtherIds }),
    response: Comparison,
  }),
};
