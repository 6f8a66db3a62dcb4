import type { JSONColumnType } from "kysely";
import type { EvidenceItem } from "./contract.ts";

export interface EvidenceTables {
  evidence: {
    tenantId: string;
    /** Content address: the item's hash. */
    id: string;
    /** The job that added it first. */
    jobId: string;
    /** The newest job that cites it; it is erased with that one. */
    lastJobId: string;
    item: JSONColumnType<EvidenceItem, string, never>;
    createdMs: number;
  };
}
