import * as z from "zod";
import { SeriesRequest } from "../../../series/contract.ts";
import { Figure } from "../fields.ts";
import { instrumentFields } from "../formulas/contract.ts";

export const SummaryPayload = z
  .strictObject({ kind: z.literal("summary"), ...SeriesRequest.shape })
  .meta({ id: "SummaryPayload", title: "Technical summary of an instrument" });
export type SummaryPayload = z.output<typeof SummaryPayload>;

export const SummaryLine = Figure.extend({
  name: z.string(),
  group: z.enum(["price", "trend", "momentum", "volatility", "range", "return", "volume"]),
}).meta({ id: "SummaryLine" });
export type SummaryLine = z.output<typeof SummaryLine>;

export const SummaryResult = z
  .object({ kind: z.literal("summary"), ...instrumentFields, summary: z.array(SummaryLine) })
  .meta({ id: "SummaryResult" });
export type SummaryResult = z.output<typeof SummaryResult>;
