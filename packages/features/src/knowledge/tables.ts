import type { Generated, JSONColumnType } from "kysely";
import type { DocumentKind, ReadGuess, ReadTable } from "@tapedeck/text/readers/document";

export interface KnowledgeTables {
  documents: {
    id: string;
    space: string;
    path: string | null;
    currentVersion: number;
    createdMs: number;
    retiredMs: number | null;
    indexed: Generated<boolean>;
    /** Names it within its space where new versions come from outside; null for documents that were sent. */
    sourceKey: string | null;
    /** It tells what that earlier one does: kept, and not searched. */
    duplicateOf: string | null;
  };
  documentVersions: {
    documentId: string;
    version: number;
    title: string;
    topic: string;
    sources: JSONColumnType<string[], string, string>;
    formulas: JSONColumnType<string[], string, string>;
    /** JSON of a FilingDescription; null where it is no filing. */
    filing: string | null;
    kind: DocumentKind;
    company: string | null;
    publisher: string | null;
    url: string | null;
    licence: string | null;
    language: string | null;
    tables: JSONColumnType<ReadTable[], string, string>;
    guesses: JSONColumnType<ReadGuess[], string, string>;
    text: string;
    contentHash: string;
    publishedMs: number;
    supersededMs: number | null;
    recordedMs: number;
  };
  documentChunks: {
    id: string;
    documentId: string;
    version: number;
    ordinal: number;
    section: string;
    /** UTF-16 units, as JavaScript counts. */
    spanStart: number;
    spanEnd: number;
  };
  documentNearKeys: {
    space: string;
    nearKey: string;
    documentId: string;
  };
}
