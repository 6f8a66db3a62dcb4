import { sql } from "kysely";
import type { Db } from "../db.ts";

/**
 * Spends weight at a venue, where what all processes of this database spent there in any minute stays within
 * `perMinute`; gives whether it did. By the server's clock; one process at a time.
 */
export async function spendWeight(
  db: Db,
  spending: { venue: string; weight: number; perMinute: number },
): Promise<boolean> {
  const { venue, weight, perMinute } = spending;
  return db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`spending ${venue}`}, 0))`.execute(tx);
    const clockMs = sql`(extract(epoch from clock_timestamp()) * 1000)::int8`;
    await sql`delete from venue_spending where venue = ${venue} and at_ms <= ${clockMs} - 60000`.execute(tx);
    const { rows } = await sql`
      insert into venue_spending (venue, at_ms, weight)
      select ${venue}, ${clockMs}, ${weight}
      where (select coalesce(sum(weight), 0) from venue_spending where venue = ${venue}) + ${weight}::int4 <= ${perMinute}
      returning at_ms`.execute(tx);
    return rows.length > 0;
  });
}
