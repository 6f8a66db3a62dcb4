import type { RouteHandlersFor } from "@tapedeck/core";
import type { AuditLog, auditRoutes } from "./contract.ts";

export const auditRouteHandlers = {
  listAudit: ({ audit }, { query }, caller) => audit.list(caller.tenantId, query),
} satisfies RouteHandlersFor<typeof auditRoutes, { audit: AuditLog }>;
