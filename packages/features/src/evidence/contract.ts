import { defineQuery, Id } from "@tapedeck/core";
import * as z from "zod";

/** What a number or sentence rests on. */
export const EvidenceItem = z
  .discriminatedUnion("kind", [
    z.object({
      kind: z.literal("rows"),
      datasetHash: z.string(),
      instrumentId: z.string(),
      timeframe: z.string(),
      adjustment: z.string(),
      fromMs: z.int(),
      toMs: z.int(),
      bars: z.int(),
    }),
    z.object({
      kind: z.literal("computation"),
      /** A formula, or the name of an analysis with its parameters. */
      formula: z.string(),
      datasetHash: z.string(),
      instrumentId: z.string(),
      timeframe: z.string(),
      /** Close time of the bar that the value is of; null for a whole-sample value. */
      atMs: z.int().nullable(),
      value: z.number().nullable(),
      unit: z.string(),
      /** Where it was computed from several instruments: the datasets besides the first. */
      others: z.array(z.object({ instrumentId: z.string(), datasetHash: z.string() })).optional(),
    }),
    z.object({
      /** Computed from numbers alone: those of the request, or of passages cited beside it; the formula names them. */
      kind: z.literal("request"),
      formula: z.string(),
      value: z.number().nullable(),
      unit: z.string(),
    }),
    z.object({
      kind: z.literal("passage"),
      documentId: z.string(),
      version: z.int(),
      title: z.string(),
      section: z.string(),
      page: z.int().nullable(),
      /** Character span in the document's text. */
      start: z.int(),
      end: z.int(),
      text: z.string(),
    }),
    z.object({
      kind: z.literal("job"),
      jobId: Id,
      type: z.string(),
      /** JSON pointer into its result. */
      pointer: z.string(),
      value: z.union([z.number(), z.string(), z.boolean(), z.null()]),
    }),
    z.object({
      kind: z.literal("account"),
      accountId: Id,
      name: z.string(),
      simulated: z.boolean(),
      /** When the account stood so. */
      atMs: z.int(),
      /** JSON pointer into the account's portfolio. */
      pointer: z.string(),
      value: z.union([z.number(), z.string(), z.boolean(), z.null()]),
    }),
    z.object({
      /** A row that the program keeps, as it stood. */
      kind: z.literal("record"),
      record: z.enum(["order", "alertTrigger", "event", "sentiment"]),
      /** Null where it is a value of several rows. */
      id: Id.nullable(),
      /** Times end in Ms. */
      values: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
    }),
  ])
  .meta({ id: "EvidenceItem" });
export type EvidenceItem = z.output<typeof EvidenceItem>;

export const Evidence = z
  .object({ id: z.string(), jobId: Id, createdMs: z.int(), item: EvidenceItem })
  .meta({ id: "Evidence" });
export type Evidence = z.output<typeof Evidence>;

/** Content-addressed per tenant: adding the same item twice gives the same id, so that a job that runs again doubles nothing. */
export interface EvidenceStore {
  add(tenantId: string, jobId: string, item: EvidenceItem): Promise<string>;
  /** In one statement; ids in the items' order. */
  addAll(tenantId: string, jobId: string, items: readonly EvidenceItem[]): Promise<string[]>;
  get(tenantId: string, id: string): Promise<Evidence>;
}

/** The bars that an evidence item rests on. */
export const EvidenceRows = z
  .object({
    datasetHash: z.string(),
    instrumentId: z.string(),
    timeframe: z.string(),
    /** Bars that the item covers, and how many of them are left out here. */
    total: z.int(),
    leftOut: z.int(),
    bars: z.array(
      z.object({
        openMs: z.int(),
        closeMs: z.int(),
        open: z.number(),
        high: z.number(),
        low: z.number(),
        close: z.number(),
        volume: z.number().nullable(),
      }),
    ),
  })
  .meta({ id: "EvidenceRows" });

/** All that one job's result rests on, in one file that stands by itself. */
export const EvidencePack = z
  .object({
    format: z.literal("tapedeck-evidence-pack/1"),
    jobId: Id,
    type: z.string(),
    createdMs: z.int(),
    payload: z.unknown(),
    result: z.unknown(),
    items: z.array(
      z.object({
        id: z.string(),
        item: EvidenceItem,
        /** Of the item's canonical JSON; the id is its first 40 digits. */
        sha256: z.string(),
        /** Null where it rests on no bars. */
        rows: EvidenceRows.nullable(),
      }),
    ),
    /** Of the canonical JSON of all the rest. */
    sha256: z.string(),
  })
  .meta({ id: "EvidencePack" });

export const evidenceRoutes = {
  getEvidencePack: defineQuery({
    name: "getEvidencePack",
    path: "/jobs/{id}/evidence-pack",
    tag: "Evidence",
    summary:
      "Everything that a job's result cites, with the newest bars behind each item (50,000 over all items at most), hashed",
    role: "viewer",
    params: z.object({ id: Id }),
    query: z.object({ barsPerItem: z.coerce.number().int().min(0).max(5_000).default(500) }),
    response: EvidencePack,
  }),
  getEvidence: defineQuery({
    name: "getEvidence",
    path: "/evidence/{id}",
    tag: "Evidence",
    summary:
      "Open one evidence item: the rows, computation, passage or job result behind a number or sentence",
    role: "viewer",
    params: z.object({ id: z.string().max(80) }),
    response: Evidence,
  }),
  getEvidenceRows: defineQuery({
    name: "getEvidenceRows",
    path: "/evidence/{id}/rows",
    tag: "Evidence",
    summary:
      "The bars behind an item: those of its range, or those up to the bar of a computed value; the newest `limit`",
    role: "viewer",
    params: z.object({ id: z.string().max(80) }),
    query: z.object({ limit: z.coerce.number().int().min(1).max(5_000).default(200) }),
    response: EvidenceRows,
  }),
};
