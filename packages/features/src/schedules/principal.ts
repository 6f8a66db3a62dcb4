import { AppError, roleAllows } from "@tapedeck/core";
import type { Caller, Role } from "@tapedeck/core";
import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db } from "../db.ts";
import type { SchedulesTables } from "./tables.ts";

interface Standing {
  operating: boolean;
  /** Of the user, or of the key. */
  role: Role;
  /** Of the user who made the key. */
  makerRole: Role | null;
  usable: boolean;
}

/**
 * Whoever a schedule runs as, as they stand now: a user who was disabled, a key that was revoked or a role that was
 * taken away counts from then on. Throws `auth.forbidden` where nothing is left of their rights.
 */
export async function principalOf(
  db: Db,
  row: Selectable<SchedulesTables["schedules"]>,
  nowMs: number,
): Promise<Caller> {
  const found =
    row.principalKind === "key"
      ? await sql<Standing>`
          select t.operating, k.role, m.role as maker_role,
            t.disabled_ms is null and k.revoked_ms is null and m.disabled_ms is null
              and coalesce(k.expires_ms > ${nowMs}, true) as usable
          from api_keys k join tenants t on t.id = k.tenant_id left join users m on m.id::text = k.created_by
          where k.id::text = ${row.submittedBy} and k.tenant_id = ${row.tenantId}::uuid`.execute(db)
      : await sql<Standing>`
          select t.operating, u.role, null as maker_role, t.disabled_ms is null and u.disabled_ms is null as usable
          from users u join tenants t on t.id = u.tenant_id
          where u.id::text = ${row.submittedBy} and u.tenant_id = ${row.tenantId}::uuid`.execute(db);
  const [standing] = found.rows;
  if (standing === undefined || !standing.usable) {
    throw new AppError(
      "auth.forbidden",
      "Whoever set this schedule may no longer use this deployment; change it to run it as yourself.",
    );
  }
  // The least of what they had when they set it, and have now.
  let role = row.role as Role;
  for (const have of [standing.role, standing.makerRole]) {
    if (have !== null && roleAllows(role, have)) role = have;
  }
  return {
    principalId: row.submittedBy,
    kind: row.principalKind as Caller["kind"],
    tenantId: row.tenantId,
    role,
    operating: standing.operating,
    requestId: `schedule ${row.id}`,
  };
}
