export interface AuditTables {
  auditLog: {
    id: string;
    tenantId: string | null;
    atMs: number;
    principalId: string;
    principalKind: "user" | "key";
    action: string;
    target: string;
    status: number;
    requestId: string;
    address: string | null;
    details: unknown;
  };
}
