import { defineQuery, EpochMs, Id, pageOf, PageQuery } from "@tapedeck/core";
import * as z from "zod";

/** One change, or one refused attempt at it. Rows are never changed or deleted. */
export const AuditEntry = z
  .object({
    id: Id,
    atMs: z.int(),
    principalId: z.string(),
    principalKind: z.enum(["user", "key"]),
    /** Name of the route or, after `submit:`, of the job type. */
    action: z.string(),
    /** What it acted on: the path, or the id of what was made. */
    target: z.string(),
    /** HTTP status of the answer. */
    status: z.int(),
    requestId: z.string(),
    address: z.string().nullable(),
    /** The body with secrets blacked out; null where there was none or it is larger than 4 KiB. */
    details: z.unknown().nullable(),
  })
  .meta({ id: "AuditEntry" });
export type AuditEntry = z.output<typeof AuditEntry>;

export const auditRoutes = {
  listAudit: defineQuery({
    name: "listAudit",
    path: "/audit",
    tag: "Access",
    summary: "Audit log of the tenant, newest first",
    role: "admin",
    query: PageQuery.extend({
      principalId: z.string().max(100).optional(),
      action: z.string().max(100).optional(),
      from: EpochMs.optional(),
      to: EpochMs.optional(),
    }),
    response: pageOf(AuditEntry),
  }),
};

export interface AuditRecord {
  tenantId: string | undefined;
  principalId: string;
  principalKind: "user" | "key";
  action: string;
  target: string;
  status: number;
  requestId: string;
  address: string | undefined;
  details: unknown;
}

export interface AuditLog {
  /** Resolves when the entry is on disk; entries that arrive together share one insert. */
  record(entry: AuditRecord): Promise<void>;
  list(
    tenantId: string,
    query: {
      limit: number;
      cursor?: string | undefined;
      principalId?: string | undefined;
      action?: string | undefined;
      from?: number | undefined;
      to?: number | undefined;
    },
  ): Promise<{ items: AuditEntry[]; nextCursor: string | null }>;
}
