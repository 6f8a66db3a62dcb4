import type { Generated, JSONColumnType } from "kysely";
import type { ReadGuess } from "@tapedeck/text/readers/document";
import type { ImportedDocument } from "./documents/contract.ts";

export interface IngestTables {
  ingestCheckpoints: {
    jobId: string;
    tenantId: string;
    /** Records of the source that are dealt with. */
    records: number;
    /** JSON of IngestState. */
    state: string;
  };
  ingestQuarantine: {
    jobId: string;
    seq: number;
    tenantId: string;
    line: number;
    reason: string;
    message: string;
    row: string;
  };
  qualityReports: {
    space: string;
    instrumentId: string;
    timeframe: string;
    jobId: string;
    createdMs: number;
    report: string;
  };
  venueBarPages: {
    venue: string;
    symbol: string;
    timeframe: string;
    fromMs: number;
    toMs: number;
    /** JSON of VenueBar[]. */
    bars: string;
    fetchedMs: number;
  };
  documentIngestItems: {
    jobId: string;
    /** Place of its source among the job's. */
    source: number;
    /** Names it within its source. */
    item: string;
    seq: Generated<number>;
    tenantId: string;
    status: ImportedDocument["status"];
    sourceLabel: string;
    title: string | null;
    documentId: string | null;
    version: number | null;
    duplicateOf: string | null;
    message: string | null;
    guesses: JSONColumnType<ReadGuess[], string, string>;
  };
}
