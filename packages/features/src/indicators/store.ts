import type { SavedFormula } from "@tapedeck/formula";
import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db, Tx } from "../db.ts";
import type { IndicatorsTables } from "./tables.ts";

export type SavedFormulaRow = Selectable<IndicatorsTables["savedFormulas"]>;

/** All of a tenant's saved formulas, by name. */
export function loadSavedFormulas(db: Db | Tx, tenantId: string): Promise<SavedFormulaRow[]> {
  return db
    .selectFrom("savedFormulas")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .orderBy("name")
    .execute();
}

/** Changes of one tenant's book one after the other, so that two cannot make a circle between them. */
export async function lockBook(tx: Tx, tenantId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`saved formulas ${tenantId}`}, 0))`.execute(tx);
}

/** Creates or replaces one. */
export async function writeSavedFormula(tx: Tx, row: SavedFormulaRow): Promise<void> {
  const { params, formula, meaning, savedBy, updatedMs } = row;
  await tx
    .insertInto("savedFormulas")
    .values(row)
    .onConflict((on) =>
      on.columns(["tenantId", "name"]).doUpdateSet({ params, formula, meaning, savedBy, updatedMs }),
    )
    .execute();
}

export async function deleteSavedFormula(tx: Tx, tenantId: string, name: string): Promise<void> {
  await tx.deleteFrom("savedFormulas").where("tenantId", "=", tenantId).where("name", "=", name).execute();
}

/** The row as the language takes it. */
export function asSavedFormula({ name, params, formula }: SavedFormulaRow): SavedFormula {
  return { name, formula, params: JSON.parse(params) as SavedFormula["params"] };
}
