import { defineJob, defineQuery, EpochMs, Id, pageOf, PageQuery } from "@tapedeck/core";
import { readerFormats } from "@tapedeck/text/readers/document";
import * as z from "zod";
import {
  checkMayWrite,
  DocumentGuess,
  DocumentId,
  DocumentKind,
  FilingDescription,
} from "../../knowledge/contract.ts";

/** Largest file, as it is sent and unpacked: 64 MiB. */
export const maxDocumentBytes = 64 * 1024 * 1024;
/** Longest text of one document of a file, in characters. */
export const maxReadLength = 8_000_000;
/** Documents of one file: messages of a box, entries of a feed. */
export const maxDocumentsPerFile = 20_000;
/** Pages that a feed is followed over. */
export const maxFeedPages = 20;

export const DocumentSource = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("upload"), uploadId: Id }),
  z.strictObject({
    kind: z.literal("file"),
    /** Below the server's import folder. */
    path: z.string().min(1).max(1_000),
  }),
  z.strictObject({
    kind: z.literal("url"),
    /** Of a feed, a page or a file on a public address; a feed's later pages are followed. */
    url: z.url({ protocol: /^https?$/ }).max(2_000),
  }),
]);
export type DocumentSource = z.output<typeof DocumentSource>;

export const DocumentIngestPayload = z
  .strictObject({
    sources: z.array(DocumentSource).min(1).max(500),
    /** Said by the caller of all of them; what is left out is read or guessed, and shown. */
    format: z.enum(readerFormats).optional(),
    encoding: z.string().min(1).max(40).optional(),
    kind: DocumentKind.optional(),
    topic: z.string().trim().min(1).max(100).optional(),
    company: z.string().trim().min(1).max(200).optional(),
    filing: FilingDescription.optional(),
    /** When they became public. */
    publishedMs: EpochMs.optional(),
    publisher: z.string().trim().min(1).max(300).optional(),
    licence: z.string().trim().min(1).max(300).optional(),
    /** own: seen by this tenant only. shared: seen by all; operators only. */
    space: z.enum(["own", "shared"]).default("own"),
  })
  .meta({ id: "DocumentIngestPayload" });
export type DocumentIngestPayload = z.output<typeof DocumentIngestPayload>;

/** What became of a document; refused ones say why. */
export const ImportedDocument = z
  .object({
    /** File or address that it came from. */
    source: z.string(),
    status: z.enum(["added", "changed", "unchanged", "duplicate", "refused"]),
    title: z.string().nullable(),
    documentId: DocumentId.nullable(),
    version: z.int().nullable(),
    /** The document that tells the same already. */
    duplicateOf: DocumentId.nullable(),
    /** Why it was refused, and what to do. */
    message: z.string().nullable(),
    guesses: z.array(DocumentGuess),
  })
  .meta({ id: "ImportedDocument" });
export type ImportedDocument = z.output<typeof ImportedDocument>;

const Counts = z.object({
  added: z.int(),
  changed: z.int(),
  unchanged: z.int(),
  duplicate: z.int(),
  refused: z.int(),
});

export const documentIngest = defineJob({
  name: "documentIngest",
  path: "/document-ingests",
  queue: "ingest",
  summary:
    "Import documents from files, uploads or feeds: filings, transcripts, news, mail, calendars, notes",
  version: 1,
  reuse: false,
  effects: true,
  role: "analyst",
  attempts: 3,
  timeoutMs: 3_600_000,
  cpu: true,
  payload: DocumentIngestPayload,
  authorize: ({ space }, caller) => checkMayWrite(space, caller),
  progress: z.object({ sourcesDone: z.int(), sourcesTotal: z.int(), documents: z.int(), refused: z.int() }),
  result: z.object({
    /** By what became of them. */
    counts: Counts,
    /** The first 200; GET /api/document-ingests/{id}/documents lists all. */
    documents: z.array(ImportedDocument),
    /** False: the index is away; searches find the documents once it is back. */
    indexed: z.boolean(),
  }),
  examples: [
    { sources: [{ kind: "url", url: "https://www.federalreserve.gov/feeds/press_all.xml" }], kind: "news" },
  ],
});

export const documentIngestRoutes = {
  listImportedDocuments: defineQuery({
    name: "listImportedDocuments",
    path: "/document-ingests/{id}/documents",
    tag: "Knowledge",
    summary: "What became of each document of an import, in the order of its files",
    role: "viewer",
    params: z.object({ id: Id }),
    query: PageQuery.extend({ status: ImportedDocument.shape.status.optional() }),
    response: pageOf(ImportedDocument),
  }),
};

/** A page of the network, fetched for an import. */
export interface FetchedPage {
  bytes: Uint8Array;
  /** As the server names it in its content type. */
  encoding: string | undefined;
}

/** Fetches from public addresses only. Throws `data.missing`, `payload.invalid` or `payload.tooLarge`. */
export type PageFetcher = (
  url: string,
  limits: { maxBytes: number; signal: AbortSignal },
) => Promise<FetchedPage>;
