import * as z from "zod";
import { SeriesRequest } from "../../../series/contract.ts";
import { instrumentFields } from "../formulas/contract.ts";

export const SummaryPayload = z
  .strictObject({ kind: z.literal("summary"), ...SeriesRequest.shape })
  .meta({ id: "SummaryPayload", title: "Technical summary of an instrument" });
export type SummaryPayload = z.output<typeof SummaryPayload>;

export const SummaryLine = z
  .object({
    name: z.string(),
    label: z.string(),
    group: z.enum(["price", "trend", "momentum", "volatility", "range", "return", "volume"]),
    /** How it is computed: a formula where one says it. */
    formula: z.string(),
    /** Null where the range is too short for it; `reading` says so. */
    value: z.number().nullable(),
    unit: z.string(),
    atMs: z.int().nullable(),
    /** What it says, in plain words. */
    reading: z.string(),
    evidenceId: z.string(),
  })
  .meta({ id: "SummaryLine" });
export type SummaryLine = z.output<typeof SummaryLine>;

export const SummaryResult = z
  .object({ kind: z.literal("summary"), ...instrumentFields, summary: z.array(SummaryLine) })
  .meta({ id: "SummaryResult" });
export type SummaryResult = z.output<typeof SummaryResult>;
