import type { Role } from "@tapedeck/core";

export interface AuthTables {
  tenants: {
    id: string;
    name: string;
    operating: boolean;
    createdMs: number;
    disabledMs: number | null;
  };
  users: {
    id: string;
    tenantId: string;
    email: string;
    name: string;
    role: Role;
    passwordHash: string;
    createdMs: number;
    disabledMs: number | null;
  };
  sessions: {
    id: string;
    tenantId: string;
    /** Exactly one of userId and keyId is set. */
    userId: string | null;
    keyId: string | null;
    kind: "token" | "cookie";
    /** sha256 of a cookie session's secret; null for token sessions. */
    secretHash: string | null;
    userAgent: string | null;
    address: string | null;
    createdMs: number;
    expiresMs: number;
    revokedMs: number | null;
  };
  refreshTokens: {
    hash: string;
    sessionId: string;
    createdMs: number;
    expiresMs: number;
    usedMs: number | null;
  };
  apiKeys: {
    id: string;
    tenantId: string;
    name: string;
    prefix: string;
    hash: string;
    role: Role;
    createdBy: string;
    /** The key that the deployment is set up with. */
    bootstrap: boolean;
    createdMs: number;
    expiresMs: number | null;
    lastUsedMs: number | null;
    revokedMs: number | null;
  };
  signInLinks: {
    hash: string;
    tenantId: string;
    userId: string | null;
    keyId: string | null;
    expiresMs: number;
    usedMs: number | null;
  };
  rateBuckets: {
    key: string;
    tokens: number;
    granted: number;
    updatedMs: number;
  };
}
