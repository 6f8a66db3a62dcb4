import type { Generated, JSONColumnType } from "kysely";

export interface KnowledgeTables {
  documents: {
    id: string;
    space: string;
    path: string | null;
    currentVersion: number;
    createdMs: number;
    retiredMs: number | null;
    indexed: Generated<boolean>;
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
}
