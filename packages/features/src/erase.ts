import type { BlobStore } from "@tapedeck/core";
import { eraseColumns } from "./analyze/erase.ts";
import { eraseQuestions } from "./ask/erase.ts";
import { eraseRuns } from "./backtest/erase.ts";
import type { Db } from "./db.ts";
import { eraseEvidence } from "./evidence/erase.ts";
import { eraseImports } from "./ingest/erase.ts";

/**
 * What features keep of jobs, erased with them when their time is over. It runs before the jobs' own rows go and may
 * be cut off and repeated anywhere. Data that was imported, orders and the audit log stay.
 */
export function createEraser(options: {
  db: Db;
  blobs: BlobStore;
}): (jobIds: readonly string[]) => Promise<void> {
  const { db, blobs } = options;
  return async (jobIds) => {
    await eraseColumns(db, blobs, jobIds);
    await eraseRuns(db, blobs, jobIds);
    await eraseQuestions(db, jobIds);
    await eraseImports(db, jobIds);
    await eraseEvidence(db, jobIds);
  };
}
