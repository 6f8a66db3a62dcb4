import * as z from "zod";

/** Least to most; each may do what those before it may. */
export const roles = ["viewer", "analyst", "trader", "operator", "admin"] as const;
export const Role = z.enum(roles);
export type Role = (typeof roles)[number];

export function roleAllows(have: Role, need: Role): boolean {
  return roles.indexOf(have) >= roles.indexOf(need);
}

/** Who asks: set by authentication, passed to every handler, never taken from a body. */
export interface Caller {
  /** User id, or the API key's id. */
  principalId: string;
  kind: "user" | "key";
  tenantId: string;
  role: Role;
  requestId: string;
  /** The signed-in session, where there is one (keys have none). */
  sessionId?: string;
  /** True for callers of the tenant that runs this deployment: only they pass role `operator` and write `shared`. */
  operating?: boolean;
  /** Where the request came from, for audit and limits. */
  address?: string;
}
