import { InstrumentRef } from "@tapedeck/core";
import * as z from "zod";
import { Adjustment, SeriesRequest } from "../../series/contract.ts";

/** Which bars an analysis of several instruments reads; the same of each. */
export const rangeFields = SeriesRequest.omit({ instrumentId: true }).shape;

/** Instruments that are read together, each once. */
export function universe(least: number, most: number) {
  return z
    .array(InstrumentRef)
    .min(least)
    .max(most)
    .refine((refs) => new Set(refs).size === refs.length, "names an instrument twice; name each once");
}

/** One number of a result: how it was computed and what it says. */
export const Figure = z
  .object({
    /** Heading under which it is shown. */
    group: z.string(),
    label: z.string(),
    /** How it is computed. */
    formula: z.string(),
    /** Null where it is not defined; `reading` says why. */
    value: z.number().nullable(),
    unit: z.string(),
    /** Close time of the bar that it is of; null for a value of the whole range. */
    atMs: z.int().nullable(),
    /** What it says, in plain words. */
    reading: z.string(),
    evidenceId: z.string(),
  })
  .meta({ id: "Figure" });
export type Figure = z.output<typeof Figure>;

/** Every figure of a kind, by name, in the order in which it is shown. */
export function figuresOf<const Names extends readonly [string, ...string[]]>(names: Names) {
  return z.record(z.enum(names), Figure);
}

/** Figures whose number depends on the data. */
export const Figures = z.record(z.string(), Figure);

/** What was read of one instrument. */
export const AnalysisDataset = z
  .object({
    instrumentId: z.string(),
    name: z.string(),
    currency: z.string(),
    datasetHash: z.string(),
    bars: z.int(),
    /** Bars left out because another instrument has none that closes at the same time. */
    dropped: z.int(),
    evidenceId: z.string(),
  })
  .meta({ id: "AnalysisDataset" });

/** What every result over bars says about them. */
export const analysisFields = {
  timeframe: z.string(),
  adjustment: Adjustment,
  asOfMs: z.int(),
  datasets: z.array(AnalysisDataset).min(1),
  /** Bars that it was computed from. */
  bars: z.int(),
  /** Open of the first of them and close of the last. */
  fromMs: z.int(),
  toMs: z.int(),
  /** Where the computed columns lie; null when there are none. */
  seriesRef: z.string().nullable(),
  /** What to know before relying on it. */
  notes: z.array(z.string()),
  evidenceIds: z.array(z.string()),
};
