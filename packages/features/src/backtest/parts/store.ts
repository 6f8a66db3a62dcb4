import { sql } from "kysely";
import type { Db, Tx } from "../../db.ts";

/** A part that nobody has stored, nor said anything of, for so long is taken anew. */
export const leaseSeconds = 10;

export interface Part<Input = unknown> {
  /** Unique in its job, ascending. */
  number: number;
  input: Input;
}

/** Parts that an earlier attempt has made stay as they are. */
export async function insertParts(tx: Tx, jobId: string, parts: readonly Part[]): Promise<void> {
  await sql`
    insert into backtest_parts (job_id, number, input)
    select ${jobId}::uuid, number, input
    from jsonb_to_recordset(${JSON.stringify(parts)}::jsonb) as t (number int, input jsonb)
    on conflict do nothing`.execute(tx);
}

/** Gives back what an owner had taken and nobody will store any more. */
export async function freeParts(tx: Tx, jobId: string, owners: readonly string[]): Promise<void> {
  await tx
    .updateTable("backtestParts")
    .set({ owner: null, leaseUntil: null })
    .where("jobId", "=", jobId)
    .where("owner", "in", owners)
    .where("done", "=", false)
    .execute();
}

/** The next part of a job that was not ended; undefined when none waits. */
export async function claimPart(tx: Tx, jobId: string, owner: string): Promise<Part | undefined> {
  // Materialized: a plan that asked for the free part once for each row would take them all, and leave all but one to run out.
  const { rows } = await sql<Part>`
    with free as materialized (
      select number from backtest_parts
      where job_id = ${jobId}::uuid and not done
        and (lease_until is null or lease_until < clock_timestamp())
        and not exists (
          select 1 from jobs
          where id = ${jobId}::uuid and (ended_ms is not null or cancel_requested_ms is not null)
        )
      order by number limit 1
      for update skip locked
    )
    update backtest_parts p
    set owner = ${owner}, lease_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
    from free
    where p.job_id = ${jobId}::uuid and p.number = free.number
    returning p.number, p.input`.execute(tx);
  return rows[0];
}

/** Keeps a part for its owner; false when it is another's by now. */
export async function renewPart(db: Db, jobId: string, number: number, owner: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("backtestParts")
    .set({ leaseUntil: sql`clock_timestamp() + make_interval(secs => ${leaseSeconds})` })
    .where("jobId", "=", jobId)
    .where("number", "=", number)
    .where("owner", "=", owner)
    .where("done", "=", false)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** Marks a part as done; false when it is another's by now, or its job is over. */
export async function finishPart(
  tx: Tx,
  jobId: string,
  part: { number: number; output: unknown },
  owner: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable("backtestParts")
    .set({ done: true, output: part.output === undefined ? null : JSON.stringify(part.output) })
    .where("jobId", "=", jobId)
    .where("number", "=", part.number)
    .where("owner", "=", owner)
    .where("done", "=", false)
    .executeTakeFirstOrThrow();
  return numUpdatedRows === 1n;
}

/** Those of the numbers that are done, ascending. */
export async function loadDone(
  db: Db,
  jobId: string,
  numbers: readonly number[],
): Promise<Array<{ number: number; output: unknown }>> {
  if (numbers.length === 0) return [];
  return await db
    .selectFrom("backtestParts")
    .select(["number", "output"])
    .where("jobId", "=", jobId)
    .where("number", "in", numbers)
    .where("done", "=", true)
    .orderBy("number")
    .execute();
}

export async function deleteParts(db: Db, jobIds: readonly string[]): Promise<void> {
  await db.deleteFrom("backtestParts").where("jobId", "in", jobIds).execute();
}

/** The job that is helped, while it runs. */
export async function loadRunningJob(
  db: Db,
  tenantId: string,
  jobId: string,
): Promise<{ type: string; payload: string; seed: number } | undefined> {
  return await db
    .selectFrom("jobs")
    .select(["type", "payload", "seed"])
    .where("id", "=", jobId)
    .where("tenantId", "=", tenantId)
    .where("endedMs", "is", null)
    .where("cancelRequestedMs", "is", null)
    .executeTakeFirst();
}

/** How many of these jobs have not ended. */
export async function countOpenJobs(db: Db, ids: readonly string[]): Promise<number> {
  if (ids.length === 0) return 0;
  const row = await db
    .selectFrom("jobs")
    .select((eb) => eb.fn.countAll<string>().as("open"))
    .where("id", "in", ids)
    .where("endedMs", "is", null)
    .executeTakeFirstOrThrow();
  return Number(row.open);
}
