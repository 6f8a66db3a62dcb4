import type { DocumentKind } from "@tapedeck/text/readers/document";
import type { Generated } from "kysely";

export interface SentimentTables {
  sentimentItems: {
    seq: Generated<number>;
    space: string;
    instrumentId: string;
    documentId: string;
    version: number;
    source: DocumentKind;
    score: number;
    weight: number;
    mentions: number;
    spanStart: number;
    spanEnd: number;
    publishedMs: number;
    recordedMs: number;
  };
}
