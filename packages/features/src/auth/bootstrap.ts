import { newId } from "@tapedeck/core";
import type { Kysely } from "kysely";
import { sql } from "kysely";
import type { Database } from "../db.ts";
import { secretHash } from "./secrets.ts";

const bootstrapLock = 7_214_001;

/**
 * Sees to the operating tenant and the first admin's API key. `key` replaces an earlier first key, so that the
 * key that is configured is the one that works. Safe to run in several processes at once.
 */
export async function ensureFirstAdmin(deps: {
  db: Kysely<Database>;
  key: string;
  now: () => number;
}): Promise<{ tenantId: string; keyId: string }> {
  const hash = secretHash(deps.key);
  return deps.db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${bootstrapLock})`.execute(tx);
    const at = deps.now();
    const found = await tx
      .selectFrom("tenants")
      .select("id")
      .where("operating", "=", true)
      .executeTakeFirst();
    const tenantId = found?.id ?? newId(at);
    if (found === undefined)
      await tx
        .insertInto("tenants")
        .values({ id: tenantId, name: "operator", operating: true, createdMs: at, disabledMs: null })
        .execute();
    await tx
      .updateTable("apiKeys")
      .set({ revokedMs: at })
      .where("bootstrap", "=", true)
      .where("hash", "!=", hash)
      .where("revokedMs", "is", null)
      .execute();
    const key = await tx
      .insertInto("apiKeys")
      .values({
        id: newId(at),
        tenantId,
        name: "first admin",
        prefix: deps.key.slice(0, 10),
        hash,
        role: "admin",
        createdBy: "setup",
        bootstrap: true,
        createdMs: at,
        expiresMs: null,
        lastUsedMs: null,
        revokedMs: null,
      })
      .onConflict((conflict) => conflict.column("hash").doUpdateSet({ revokedMs: null }))
      .returning("id")
      .executeTakeFirstOrThrow();
    return { tenantId, keyId: key.id };
  });
}
