import { AppError, defineCommand, defineQuery, EpochMs, pageOf, PageQuery, roleAllows } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { documentKinds } from "@tapedeck/text/readers/document";
import type { ReadDocument } from "@tapedeck/text/readers/document";
import * as z from "zod";
import type { Tx } from "../db.ts";

export const DocumentId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/, "a document id: letters, digits, dots and hyphens")
  .meta({ description: "Document id", examples: ["kb.maximum-drawdown"] });

/** Longest text of one document that is sent as text, in characters. */
export const maxDocumentLength = 2_000_000;

/** `reference` explains terms, `note` is anything not told. */
export const DocumentKind = z.enum(documentKinds);
export type DocumentKind = z.output<typeof DocumentKind>;

/** Something that a document's source did not state, and what the guess rests on. */
export const DocumentGuess = z.object({ what: z.string(), value: z.string(), why: z.string() });

/** What a company's filing is, so that questions find it by company and period. */
export const FilingDescription = z
  .strictObject({
    company: z.string().trim().min(1).max(200),
    form: z.enum(["10-K", "10-Q", "8-K", "earnings", "other"]),
    /** Fiscal year that it reports on; of an event, its calendar year. */
    fiscalYear: z.int().min(1900).max(2200),
    /** Of a quarterly report or release. */
    fiscalQuarter: z.int().min(1).max(4).optional(),
    /** Day of an event. */
    eventDate: z.iso.date().optional(),
  })
  .meta({ id: "FilingDescription" });
export type FilingDescription = z.output<typeof FilingDescription>;

/** Between the pages of a filing's text. */
export const pageBreak = "\f";

export const DocumentDraft = z
  .strictObject({
    title: z.string().trim().min(1).max(300),
    topic: z.string().trim().min(1).max(100).default("notes"),
    /** Plain text or Markdown; `## ` starts a section. */
    text: z.string().min(1).max(maxDocumentLength),
    /** Where it comes from, in citable form. */
    sources: z.array(z.string().trim().min(1).max(500)).max(50).default([]),
    /** When it became public. Default: now. A question asked as of an earlier time does not see it. */
    publishedMs: EpochMs.optional(),
    /** Where all may read it; needs an operator. Default: the caller's own space. */
    space: z.enum(["own", "shared"]).default("own"),
    /** It is a company's filing: a form feed stands between its pages. */
    filing: FilingDescription.optional(),
    /** Default: `filing` where it is one, else `note`. */
    kind: DocumentKind.optional(),
    /** Whom it is about or comes from. */
    company: z.string().trim().min(1).max(200).optional(),
    publisher: z.string().trim().min(1).max(300).optional(),
    url: z.url().max(2_000).optional(),
    licence: z.string().trim().min(1).max(300).optional(),
  })
  .meta({ id: "DocumentDraft" });
export type DocumentDraft = z.output<typeof DocumentDraft>;

export const DocumentSummary = z
  .object({
    id: DocumentId,
    /** "shared" or "own". */
    space: z.enum(["shared", "own"]),
    title: z.string(),
    topic: z.string(),
    version: z.int(),
    publishedMs: z.int(),
    characters: z.int(),
    /** False for the short while until searches find it. */
    indexed: z.boolean(),
    /** Null: it is no company's filing. */
    filing: FilingDescription.nullable(),
    kind: DocumentKind,
    company: z.string().nullable(),
    publisher: z.string().nullable(),
    url: z.string().nullable(),
    licence: z.string().nullable(),
    /** ISO 639-3; null: too short to tell. */
    language: z.string().nullable(),
    /** The document that tells the same already: this one is kept, and searches find that one. */
    duplicateOf: DocumentId.nullable(),
  })
  .meta({ id: "DocumentSummary" });
export type DocumentSummary = z.output<typeof DocumentSummary>;

export const DocumentView = z
  .object({
    ...DocumentSummary.shape,
    sources: z.array(z.string()),
    formulas: z.array(z.string()),
    text: z.string(),
    supersededMs: z.int().nullable(),
    /** Pages by their spans; one where the text has no page breaks. */
    pages: z.array(z.object({ page: z.int(), start: z.int(), end: z.int() })),
    /** Tables: text.slice(start, end) shows one in columns, `rows` are its cells. */
    tables: z.array(z.object({ start: z.int(), end: z.int(), rows: z.array(z.array(z.string())) })),
    /** What its source did not state. */
    guesses: z.array(DocumentGuess),
    /** Spans of `text`: text.slice(start, end) is the passage. */
    passages: z.array(z.object({ id: z.string(), section: z.string(), start: z.int(), end: z.int() })),
    versions: z.array(z.object({ version: z.int(), publishedMs: z.int(), supersededMs: z.int().nullable() })),
  })
  .meta({ id: "DocumentView" });
export type DocumentView = z.output<typeof DocumentView>;

export const PassageHit = z
  .object({
    id: z.string(),
    documentId: z.string(),
    version: z.int(),
    title: z.string(),
    section: z.string(),
    topic: z.string(),
    kind: z.string(),
    company: z.string().nullable(),
    /** Form and fiscal period of a filing: "10-Q 2022 Q3". */
    period: z.string().nullable(),
    text: z.string(),
    start: z.int(),
    end: z.int(),
    publishedMs: z.int(),
    score: z.number(),
    /** Share of the question's content words that the passage, its section or its title holds. */
    coverage: z.number(),
  })
  .meta({ id: "PassageHit" });

export const KnowledgeStatus = z
  .object({
    backend: z.enum(["lancedb", "weaviate"]),
    documents: z.int(),
    versions: z.int(),
    /** Passages that the index should hold. */
    passages: z.int(),
    /** Passages that it holds. */
    indexed: z.int(),
    /** Documents changed since they were last indexed. */
    pending: z.int(),
    missing: z.int(),
    unexpected: z.int(),
    /** False: rebuild. */
    consistent: z.boolean(),
  })
  .meta({ id: "KnowledgeStatus" });
export type KnowledgeStatus = z.output<typeof KnowledgeStatus>;

export const KnowledgeCheck = KnowledgeStatus.extend({
  /** Passages that were missing, or whose vectors were lost, and were put in anew. */
  mended: z.int(),
}).meta({ id: "KnowledgeCheck" });
export type KnowledgeCheck = z.output<typeof KnowledgeCheck>;

/** Throws `auth.forbidden` where the caller may not write documents of the space. */
export function checkMayWrite(space: "own" | "shared", caller: Caller): void {
  if (space === "own" || (caller.operating === true && roleAllows(caller.role, "operator"))) return;
  throw new AppError(
    "auth.forbidden",
    "Only operators of this deployment write documents to the shared space; leave `space` out to add them to your own.",
  );
}

const numeric = (value: unknown) =>
  typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;

/** A page of a filing, from 1. */
export interface FilingPageText {
  page: number;
  text: string;
  /** Where the page begins in the document's text. */
  start: number;
}

/** A document that a reader found in a file, to be stored. */
export interface IncomingDocument extends Omit<ReadDocument, "key" | "filing" | "publishedMs"> {
  /** Names it within its space: one with the same key is a new version of it. */
  sourceKey: string;
  topic: string;
  sources: string[];
  filing: FilingDescription | undefined;
  publishedMs: number;
}

export interface StoredDocument {
  documentId: string;
  version: number;
  /** duplicate: added, and folded into `duplicateOf`. */
  status: "added" | "changed" | "unchanged" | "duplicate";
  duplicateOf: string | null;
}

/** Documents as imports write them. */
export interface DocumentWriter {
  /** The same document again changes nothing. */
  save(tx: Tx, space: string, document: IncomingDocument, nowMs: number): Promise<StoredDocument>;
  /** Brings what was saved into the index; false: the index is away, and takes it in when it is back. */
  index(): Promise<boolean>;
}

/** A document's text as other features read it. */
export interface DocumentText {
  documentId: string;
  version: number;
  kind: DocumentKind;
  title: string;
  company: string | null;
  publisher: string | null;
  language: string | null;
  publishedMs: number;
  duplicateOf: string | null;
  /** What its source did not state. */
  guesses: z.output<typeof DocumentGuess>[];
  text: string;
}

/** Documents as a tenant could read them at a time, by when they were published. */
export interface DocumentReader {
  /**
   * The newest versions visible at `asOfMs` that were published in [fromMs, toMs), by publishedMs and id, after the place
   * `after`; at most `limit`. `newestFirst`: in the other order, without those that repeat another.
   */
  texts(
    tenantId: string,
    query: {
      asOfMs: number;
      kinds?: readonly DocumentKind[];
      company?: string;
      fromMs?: number;
      toMs?: number;
      after?: { publishedMs: number; documentId: string };
      newestFirst?: boolean;
      limit: number;
    },
  ): Promise<DocumentText[]>;
  /** Whom visible documents of a kind are about, each once. */
  companies(tenantId: string, kind: DocumentKind, asOfMs: number): Promise<string[]>;
}

export interface FilingDocument extends FilingDescription {
  documentId: string;
  version: number;
  title: string;
}

/** Filings as a tenant could read them at a time. */
export interface FilingReader {
  /** Newest versions visible at `asOfMs`, by company, year and id. */
  list(tenantId: string, asOfMs: number): Promise<FilingDocument[]>;
  /** In order. Throws `resource.unknown` for a filing that the tenant may not read. */
  pages(tenantId: string, filing: { documentId: string; version: number }): Promise<FilingPageText[]>;
}

export const knowledgeRoutes = {
  listDocuments: defineQuery({
    name: "listDocuments",
    path: "/documents",
    tag: "Knowledge",
    summary: "Documents of the knowledge base and of the caller's tenant, newest first",
    role: "viewer",
    query: PageQuery.extend({
      topic: z.string().max(100).optional(),
      kind: DocumentKind.optional(),
      /** Part of the company's name. */
      company: z.string().max(200).optional(),
      /** Part of the title. */
      title: z.string().max(300).optional(),
      /** Those that were public then, in the versions of then. */
      asOf: z.preprocess(numeric, EpochMs).optional(),
    }),
    response: pageOf(DocumentSummary),
  }),
  getDocument: defineQuery({
    name: "getDocument",
    path: "/documents/{id}",
    tag: "Knowledge",
    summary:
      "A document's text with the spans of its passages: the newest version, one by number, or as of a time",
    role: "viewer",
    params: z.object({ id: DocumentId }),
    query: z.object({
      version: z.coerce.number().int().min(1).optional(),
      asOf: z.preprocess(numeric, EpochMs).optional(),
    }),
    response: DocumentView,
  }),
  postDocument: defineCommand({
    name: "postDocument",
    method: "POST",
    path: "/documents",
    tag: "Knowledge",
    summary: "Add a document, which questions and sentiment jobs can then use",
    role: "analyst",
    body: DocumentDraft,
    response: DocumentSummary,
    status: 201,
  }),
  deleteDocument: defineCommand({
    name: "deleteDocument",
    method: "DELETE",
    path: "/documents/{id}",
    tag: "Knowledge",
    summary: "Erase a document that was sent, with all of its versions",
    role: "analyst",
    params: z.object({ id: DocumentId }),
  }),
  searchKnowledge: defineQuery({
    name: "searchKnowledge",
    path: "/knowledge/search",
    tag: "Knowledge",
    summary: "Passages that fit a question, best first",
    role: "viewer",
    query: z.object({
      q: z.string().trim().min(1).max(1_000),
      limit: z.coerce.number().int().min(1).max(50).default(10),
      asOf: z.preprocess(numeric, EpochMs).optional(),
      documentId: DocumentId.optional(),
      kind: DocumentKind.optional(),
      /** As the documents name it. */
      company: z.string().min(1).max(200).optional(),
    }),
    response: z.object({ items: z.array(PassageHit) }),
  }),
  getKnowledgeStatus: defineQuery({
    name: "getKnowledgeStatus",
    path: "/knowledge/status",
    tag: "Knowledge",
    summary: "What the index should hold and what it holds",
    role: "operator",
    response: KnowledgeStatus,
  }),
  checkKnowledge: defineCommand({
    name: "checkKnowledge",
    method: "POST",
    path: "/knowledge/check",
    tag: "Knowledge",
    summary:
      "Compare the index with PostgreSQL, look for lost vectors, and mend what is off; searches go on meanwhile",
    role: "operator",
    response: KnowledgeCheck,
  }),
  rebuildKnowledge: defineCommand({
    name: "rebuildKnowledge",
    method: "POST",
    path: "/knowledge/rebuild",
    tag: "Knowledge",
    summary: "Build the index anew from PostgreSQL; searches go on meanwhile",
    role: "operator",
    response: KnowledgeStatus,
  }),
};
