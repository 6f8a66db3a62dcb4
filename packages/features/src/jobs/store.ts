import { AppError, errorRecord } from "@tapedeck/core";
import type { JobInput, QueueName } from "@tapedeck/core";
import { CompiledQuery, sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db, Tx } from "../db.ts";
import type { JobEvent, JobQuery, JobState, JobSummary, JobView } from "./contract.ts";
import type { JobsTable } from "./tables.ts";

export type JobRow = Selectable<JobsTable>;

export interface NewJob {
  id: string;
  tenantId: string;
  type: string;
  queue: QueueName;
  version: number;
  priority: number;
  rank: number;
  held: boolean;
  payload: string;
  idempotencyKey: string | null;
  bodyHash: string | null;
  submittedBy: string;
  parentId: string | null;
  scheduleId: string | null;
  replayOf: string | null;
  seed: number;
  callbackUrl: string | null;
  traceParent: string | null;
  maxAttempts: number;
  createdMs: number;
  runAtMs: number | null;
}

/** Names of SQLSTATEs and socket errors that mean "try again", not "wrong". */
const outageCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
  "57P01",
  "57P02",
  "57P03",
  "53300",
  "25P03",
]);
const conflictCodes = new Set(["40P01", "40001"]);

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/** Did the database not answer, or drop us? */
export function isOutage(error: unknown): boolean {
  const code = codeOf(error);
  if (outageCodes.has(code) || code.startsWith("08")) return true;
  return (
    error instanceof Error &&
    /connection terminated|connection timeout|timeout exceeded when trying to connect|not queryable/i.test(
      error.message,
    )
  );
}

/** Deadlocks and serialisation failures are repeated: every statement here is safe to repeat when it was rolled back. */
export async function repeatConflicts<T>(work: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round++) {
    try {
      return await work();
    } catch (error) {
      if (round >= 6 || !conflictCodes.has(codeOf(error))) throw error;
    }
  }
}

/** The database's outage as an error that clients may repeat. */
export function asServiceError(error: unknown): unknown {
  return isOutage(error)
    ? new AppError("service.unavailable", "The database does not answer; try again shortly.", {
        retryable: true,
        cause: error,
      })
    : error;
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const column = <T extends object, K extends keyof T>(rows: readonly T[], key: K): T[K][] =>
  rows.map((row) => row[key]);

/**
 * A statement that every job takes: its text is constant, so that nothing is built for a call and the server parses
 * it once a connection (the platform's pool prepares what begins with this mark). Claims and ends are also planned
 * once, maybe while the table was empty: they name their rows by `= any(array)`, which is looked up by key under any plan.
 */
async function hot<R>(db: Db, text: string, parameters: readonly unknown[]): Promise<R[]> {
  const result = await repeatConflicts(() => db.executeQuery<R>(CompiledQuery.raw(text, [...parameters])));
  return result.rows;
}
const prepared = "/* prepared */ ";

/**
 * Has it not ended? Written so that the index of open jobs does not match: without fresh statistics the planner
 * takes all of a backlog for a handful of rows, and reads it whole to find three ids.
 */
const notEnded = "coalesce(j.ended_ms, -1) = -1";

/** An array literal of what needs no quoting: ids, numbers, booleans. The driver's own looks at every character. */
function literal<T extends object>(rows: readonly T[], key: keyof T): string {
  let text = "{";
  for (const row of rows)
    text += `${text.length === 1 ? "" : ","}${row[key] === null ? "null" : String(row[key])}`;
  return `${text}}`;
}

const insertText = (unkeyed: boolean) => `${prepared}
  insert into jobs (id, tenant_id, type, queue, version, state, priority, rank, held, payload, idempotency_key,
    body_hash, submitted_by, parent_id, schedule_id, seed, callback_url, trace_parent, max_attempts, created_ms, run_at_ms, replay_of)
  select id, tenant_id, type, queue, version, 'accepted', priority, rank, held, payload, idempotency_key,
    body_hash, submitted_by, parent_id, schedule_id, seed, callback_url, trace_parent, max_attempts, created_ms, run_at_ms, replay_of
  from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int[], $8::boolean[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::uuid[], $14::uuid[], $15::bigint[], $16::text[],
    $17::text[], $18::int[], $19::bigint[], $20::bigint[], $21::uuid[]
  ) as t (id, tenant_id, type, queue, version, priority, rank, held, payload, idempotency_key, body_hash,
    submitted_by, parent_id, schedule_id, seed, callback_url, trace_parent, max_attempts, created_ms, run_at_ms, replay_of)
  ${
    unkeyed
      ? ""
      : `order by tenant_id, idempotency_key, id
  on conflict (tenant_id, idempotency_key) where idempotency_key is not null do nothing
  returning id`
  }`;
const insertUnkeyed = insertText(true);
const insertKeyed = insertText(false);

/** Ids of the rows that were written; one missing had an idempotency key that exists already. */
export async function insertJobs(db: Db, rows: readonly NewJob[]): Promise<Set<string>> {
  const unkeyed = rows.every((row) => row.idempotencyKey === null);
  const written = await hot<{ id: string }>(db, unkeyed ? insertUnkeyed : insertKeyed, [
    literal(rows, "id"),
    literal(rows, "tenantId"),
    column(rows, "type"),
    column(rows, "queue"),
    literal(rows, "version"),
    literal(rows, "priority"),
    literal(rows, "rank"),
    literal(rows, "held"),
    column(rows, "payload"),
    column(rows, "idempotencyKey"),
    literal(rows, "bodyHash"),
    column(rows, "submittedBy"),
    literal(rows, "parentId"),
    literal(rows, "scheduleId"),
    literal(rows, "seed"),
    column(rows, "callbackUrl"),
    column(rows, "traceParent"),
    literal(rows, "maxAttempts"),
    literal(rows, "createdMs"),
    literal(rows, "runAtMs"),
    literal(rows, "replayOf"),
  ]);
  return new Set((unkeyed ? rows : written).map((row) => row.id));
}

export interface NewBatch {
  id: string;
  tenantId: string;
  label: string | null;
  total: number;
  afterwardsJobId: string | null;
  callbackUrl: string | null;
  idempotencyKey: string | null;
  bodyHash: string | null;
  submittedBy: string;
  createdMs: number;
}

/** A batch and its jobs in one transaction; or the batch that the key named before. */
export async function insertBatch(
  db: Db,
  batch: NewBatch,
  jobs: readonly NewJob[],
): Promise<{ batchId: string; created: boolean }> {
  return db.transaction().execute(async (tx) => {
    const written = await tx
      .insertInto("batches")
      .values({ ...batch, completed: 0, failed: 0, cancelled: 0, endedMs: null })
      .onConflict((conflict) => conflict.columns(["tenantId", "idempotencyKey"]).doNothing())
      .returning("id")
      .executeTakeFirst();
    if (written !== undefined) {
      for (let at = 0; at < jobs.length; at += 1_000) await insertJobs(tx, jobs.slice(at, at + 1_000));
      return { batchId: batch.id, created: true };
    }
    const found = await tx
      .selectFrom("batches")
      .select(["id", "bodyHash"])
      .where("tenantId", "=", batch.tenantId)
      .where("idempotencyKey", "=", batch.idempotencyKey)
      .executeTakeFirstOrThrow();
    if (found.bodyHash !== batch.bodyHash) {
      throw new AppError(
        "idempotency.conflict",
        "This idempotency key came with another body before; use a new key for a new request.",
        { details: { batchId: found.id } },
      );
    }
    return { batchId: found.id, created: false };
  });
}

export async function loadByKey(db: Db, tenantId: string, key: string): Promise<JobRow | undefined> {
  return db
    .selectFrom("jobs")
    .selectAll()
    .where("tenantId", "=", tenantId)
    .where("idempotencyKey", "=", key)
    .executeTakeFirst();
}

export async function loadJob(db: Db, tenantId: string, id: string): Promise<JobRow> {
  const row = await db
    .selectFrom("jobs")
    .selectAll()
    .where("id", "=", id)
    .where("tenantId", "=", tenantId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError("job.unknown", `There is no job ${id}.`);
  return row;
}

const markText = `${prepared}
  with waiting as (
    -- a mark that a crash loses is made again by the reconciler: nobody waits for the disk
    select id, set_config('synchronous_commit', 'off', true) from jobs
    where id = any($1::uuid[]) and state = 'accepted' order by id for update skip locked
  )
  update jobs j set state = 'queued', queued_ms = $2::bigint from waiting w
  where j.id = w.id and j.state = 'accepted' and (j.run_at_ms is null or j.run_at_ms <= $2::bigint)`;

/** Marks rows as handed to the queue, where they still wait for that (one may have run, failed and wait for its next time). */
export async function markQueued(db: Db, ids: readonly string[], nowMs: number): Promise<void> {
  if (ids.length === 0) return;
  await hot(db, markText, [ids, nowMs]);
}

// ---- picking up ------------------------------------------------------------------------------------------

/** What a run needs of its row. */
const claimedColumns = [
  "id",
  "tenantId",
  "type",
  "queue",
  "payload",
  "submittedBy",
  "parentId",
  "callbackUrl",
  "traceParent",
  "replayOf",
  "seed",
  "failures",
  "attempt",
  "pickups",
  "createdMs",
  "runAtMs",
  "startedMs",
] as const satisfies (keyof JobsTable)[];
export type ClaimedJob = Pick<JobRow, (typeof claimedColumns)[number]>;

const claimText = `${prepared}
  with free as (
    select id from jobs where id = any($1::uuid[]) order by id for update skip locked
  ), claimed as (
    update jobs j set state = 'running', pickups = j.pickups + 1, unended = j.unended + 1,
      attempt = j.failures + 1, worker_id = $2::uuid, code_version = $3::text,
      started_ms = coalesce(j.started_ms, $4::bigint), event_seq = j.event_seq + 1
    where j.id = any(array(select id from free)) and ${notEnded} and not j.held and j.cancel_requested_ms is null
      and (j.run_at_ms is null or j.run_at_ms <= $4::bigint) and j.unended < $5::int
    returning j.event_seq, ${claimedColumns.map((name) => `j.${snakeCase(name)}`).join(", ")}
  ), noted as (
    insert into job_events (job_id, seq, event, at_ms, data)
    select id, event_seq, 'state', $4::bigint, $6::text from claimed
  )
  select ${claimedColumns.map(snakeCase).join(", ")} from claimed`;

/**
 * Takes these jobs for a worker: each gets a new pick-up number, its fencing token. Left out are those that ended,
 * are locked, are not due, are to be cancelled, or were picked up `maxUnended` times without coming to any end.
 */
export async function claimJobs(
  db: Db,
  ids: readonly string[],
  claim: { workerId: string; codeVersion?: string | undefined; nowMs: number; maxUnended: number },
): Promise<ClaimedJob[]> {
  const data = JSON.stringify({ state: "running", worker: claim.workerId });
  return hot<ClaimedJob>(db, claimText, [
    ids,
    claim.workerId,
    claim.codeVersion ?? null,
    claim.nowMs,
    claim.maxUnended,
    data,
  ]);
}

/** How a run, or a waiting job, comes to its end. */
export interface JobEnd {
  id: string;
  /** The fencing token; null where no run owns it. */
  pickup: number | null;
  /** owner: running under this token. waiting: not picked up. any: not ended, the token unchanged. */
  from: "owner" | "waiting" | "any";
  state: "completed" | "failed" | "cancelled";
  result: string | null;
  error: string | null;
  contentKey: string | null;
  reusedFrom: string | null;
  /** It belongs to no batch and has no callback: nothing hangs on its end. */
  alone?: boolean;
}

/** The batch's counters, the release of the job that waits for it, and the notifications. */
const hangingOn = `, counted as (
    update batches b set completed = b.completed + c.completed, failed = b.failed + c.failed,
      cancelled = b.cancelled + c.cancelled,
      ended_ms = case when b.completed + b.failed + b.cancelled + c.completed + c.failed + c.cancelled >= b.total
        then $9::bigint end
    from (
      select parent_id, count(*) filter (where state = 'completed') as completed,
        count(*) filter (where state = 'failed') as failed,
        count(*) filter (where state = 'cancelled') as cancelled
      from ended where parent_id is not null group by parent_id
    ) c
    where b.id = c.parent_id
    returning b.*
  ), released as (
    update jobs j set held = false from counted b
    where b.ended_ms is not null and j.id = b.afterwards_job_id and j.held
  ), told as (
    insert into notifications (id, tenant_id, dedupe_key, url, body, state, next_ms, created_ms)
    select gen_random_uuid(), tenant_id, 'job.ended:' || id || ':' || event_seq, callback_url,
      json_build_object('event', 'job.ended', 'atMs', $9::bigint, 'job', json_build_object('id', id, 'type', type,
        'state', state, 'error', error::json, 'href', '/api/jobs/' || id))::text,
      'pending', $9::bigint, $9::bigint
    from ended where callback_url is not null
    union all
    select gen_random_uuid(), tenant_id, 'batch.ended:' || id, callback_url,
      json_build_object('event', 'batch.ended', 'atMs', $9::bigint, 'batch', json_build_object('id', id, 'total', total,
        'completed', completed, 'failed', failed, 'cancelled', cancelled, 'href', '/api/batches/' || id))::text,
      'pending', $9::bigint, $9::bigint
    from counted where ended_ms is not null and callback_url is not null
    on conflict (tenant_id, dedupe_key) do nothing
  )`;

const endText = (alone: boolean) => `${prepared}
  with input as (
    select * from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[])
      as t (id, pickup, origin, state, result, error, content_key, reused_from)
  ), locked as (
    select id from jobs where id = any($1::uuid[]) order by id for update
  ), ended as (
    update jobs j set state = i.state, result = i.result, error = i.error, content_key = i.content_key,
      reused_from = i.reused_from, ended_ms = $9::bigint, unended = 0, event_seq = j.event_seq + 1
    from input i
    where j.id = any(array(select id from locked)) and j.id = i.id and ${notEnded} and case i.origin
      when 'owner' then j.state = 'running' and j.pickups = i.pickup
      when 'waiting' then j.state in ('accepted', 'queued')
      else j.pickups = i.pickup end
    returning j.id, j.tenant_id, j.type, j.state, j.error, j.event_seq, j.parent_id, j.callback_url
  ), noted as (
    insert into job_events (job_id, seq, event, at_ms, data)
    select id, event_seq, 'end', $9::bigint, '{"state":"' || state || '","error":' || coalesce(error, 'null') || '}'
    from ended
  )${alone ? "" : hangingOn}
  select id, ${alone ? "false" : "exists (select 1 from counted where ended_ms is not null)"} as batches_ended
  from ended`;
const endAlone = endText(true);
const endWithAll = endText(false);

/**
 * Ends jobs, with everything that hangs on an end in the same commit: the end event, the batch's counters, the
 * release of what waited for the batch, and the notifications. Gives the ids that were ended; one missing was
 * owned by somebody else or had ended.
 */
export async function endJobs(
  db: Db,
  ends: readonly JobEnd[],
  nowMs: number,
): Promise<{ ids: Set<string>; batchesEnded: boolean }> {
  const alone = ends.every((end) => end.alone === true);
  const rows = await hot<{ id: string; batchesEnded: boolean }>(db, alone ? endAlone : endWithAll, [
    literal(ends, "id"),
    literal(ends, "pickup"),
    literal(ends, "from"),
    literal(ends, "state"),
    column(ends, "result"),
    column(ends, "error"),
    literal(ends, "contentKey"),
    literal(ends, "reusedFrom"),
    nowMs,
  ]);
  return {
    ids: new Set(rows.map((row) => row.id)),
    batchesEnded: rows.some((row) => row.batchesEnded),
  };
}

/** The end of a job that somebody called off. */
export function cancelEnd(id: string, pickup: number | null, from: JobEnd["from"], message: string): JobEnd {
  const error = JSON.stringify(errorRecord(new AppError("job.cancelled", message)));
  return { id, pickup, from, state: "cancelled", result: null, error, contentKey: null, reusedFrom: null };
}

/** Notes that a running job is to stop; its worker does the rest. */
export async function requestCancel(db: Db, id: string, nowMs: number): Promise<void> {
  await sql`
    update jobs set cancel_requested_ms = coalesce(cancel_requested_ms, ${nowMs}::bigint)
    where id = ${id}::uuid and ended_ms is null`.execute(db);
}

/**
 * A failed or cancelled job waits again, until its own time where that is still to come (the pause after a failed attempt
 * is not); its pick-up number goes on, so that old runs stay fenced. False when it was reopened already.
 */
export async function reopenJob(db: Db, id: string, nowMs: number): Promise<boolean> {
  const data = JSON.stringify({ state: "accepted", reason: "retry" });
  const result = await repeatConflicts(() =>
    sql<{ id: string }>`
      with opened as (
        update jobs set state = 'accepted', failures = 0, attempt = 0, unended = 0, error = null, result = null,
          progress = null, queued_ms = null,
          run_at_ms = case when failures = 0 and run_at_ms > ${nowMs}::bigint then run_at_ms end, started_ms = null, ended_ms = null,
          cancel_requested_ms = null, worker_id = null, event_seq = event_seq + 1
        where id = ${id}::uuid and state in ('failed', 'cancelled')
        returning id, parent_id, event_seq
      ), noted as (
        insert into job_events (job_id, seq, event, at_ms, data)
        select id, event_seq, 'state', ${nowMs}::bigint, ${data}::text from opened
      ), recounted as (
        update batches b set
          failed = (select count(*) from jobs j where j.parent_id = b.id and j.state = 'failed' and j.id <> o.id),
          cancelled = (select count(*) from jobs j where j.parent_id = b.id and j.state = 'cancelled' and j.id <> o.id),
          ended_ms = null
        from opened o where b.id = o.parent_id
      )
      select id from opened`.execute(db),
  );
  return result.rows.length > 0;
}

export async function assertTenant(db: Db, tenantId: string, id: string): Promise<void> {
  const row = await db
    .selectFrom("jobs")
    .select("id")
    .where("id", "=", id)
    .where("tenantId", "=", tenantId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError("job.unknown", `There is no job ${id}.`);
}

/** Puts a run back to waiting: handed back at once, or to be tried again at a time. False when the token is stale. */
export async function releaseJob(
  db: Db,
  release: {
    id: string;
    pickup: number;
    runAtMs: number | null;
    /** Was it a failed attempt? */
    failed: boolean;
    /** May the same pick-up be counted as one that came to no end? */
    unended: boolean;
    reason: string;
    error: string | null;
    nowMs: number;
  },
): Promise<boolean> {
  const data = JSON.stringify({ state: "accepted", reason: release.reason, runAtMs: release.runAtMs });
  const result = await repeatConflicts(() =>
    sql<{ id: string }>`
      with locked as (
        select id from jobs where id = ${release.id}::uuid for update
      ), freed as (
        update jobs j set state = 'accepted', run_at_ms = coalesce(${release.runAtMs}::bigint, j.run_at_ms),
          failures = j.failures + ${release.failed ? 1 : 0},
          unended = case when ${release.unended} then j.unended else 0 end,
          worker_id = null, queued_ms = null, error = coalesce(${release.error}::text, j.error), event_seq = j.event_seq + 1
        from locked l
        where j.id = l.id and j.state = 'running' and j.pickups = ${release.pickup}
        returning j.id, j.event_seq
      ), noted as (
        insert into job_events (job_id, seq, event, at_ms, data)
        select id, event_seq, 'state', ${release.nowMs}::bigint, ${data}::text from freed
      )
      select id from freed`.execute(db),
  );
  return result.rows.length > 0;
}

// ---- events ----------------------------------------------------------------------------------------------

export interface EventFlush {
  id: string;
  pickup: number;
  /** The newest progress, or null where none is new. */
  progress: string | null;
  events: { event: JobEvent["event"]; atMs: number; data: string }[];
}

/** Appends events of running jobs under their tokens; ids missing from the answer are no longer owned. */
export async function appendEvents(db: Db, flushes: readonly EventFlush[]): Promise<Set<string>> {
  const events = flushes.flatMap((flush) =>
    flush.events.map((event, at) => ({ id: flush.id, at: at + 1, ...event })),
  );
  const result = await repeatConflicts(() =>
    sql<{ id: string }>`
      with input as (
        select * from unnest(
          ${column(flushes, "id")}::uuid[], ${column(flushes, "pickup")}::int[],
          ${flushes.map((flush) => flush.events.length)}::int[], ${column(flushes, "progress")}::text[]
        ) as t (id, pickup, n, progress)
      ), moved as (
        update jobs j set event_seq = j.event_seq + i.n, progress = coalesce(i.progress, j.progress)
        from input i
        where j.id = i.id and j.state = 'running' and j.pickups = i.pickup
        returning j.id, j.event_seq - i.n as base
      ), noted as (
        insert into job_events (job_id, seq, event, at_ms, data)
        select e.id, m.base + e.at, e.event, e.at_ms, e.data
        from unnest(
          ${column(events, "id")}::uuid[], ${column(events, "at")}::int[], ${column(events, "event")}::text[],
          ${column(events, "atMs")}::bigint[], ${column(events, "data")}::text[]
        ) as e (id, at, event, at_ms, data) join moved m on m.id = e.id
      )
      select id from moved`.execute(db),
  );
  return new Set(result.rows.map((row) => row.id));
}

/** Erases a job's progress events but the newest `keep`. */
export async function trimProgress(db: Db, id: string, keep: number): Promise<void> {
  await sql`
    delete from job_events where job_id = ${id}::uuid and event = 'progress' and seq <= (
      select seq from job_events where job_id = ${id}::uuid and event = 'progress' order by seq desc offset ${keep} limit 1
    )`.execute(db);
}

export async function loadEvents(db: Db, id: string, afterId: number, limit: number): Promise<JobEvent[]> {
  const rows = await db
    .selectFrom("jobEvents")
    .select(["seq", "event", "atMs", "data"])
    .where("jobId", "=", id)
    .where("seq", ">", afterId)
    .orderBy("seq")
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.seq,
    event: row.event as JobEvent["event"],
    atMs: row.atMs,
    data: JSON.parse(row.data) as unknown,
  }));
}

export async function insertInputs(db: Db, id: string, inputs: readonly JobInput[]): Promise<void> {
  const details = inputs.map((input) => (input.details === undefined ? null : JSON.stringify(input.details)));
  await sql`
    insert into job_inputs (job_id, kind, ref, label, details)
    select ${id}::uuid, kind, ref, label, details
    from unnest(${column(inputs, "kind")}::text[], ${column(inputs, "ref")}::text[], ${column(inputs, "label")}::text[],
      ${details}::text[]) as t (kind, ref, label, details)
    on conflict (job_id, kind, ref) do nothing`.execute(db);
}

// ---- fencing ---------------------------------------------------------------------------------------------

/**
 * Within a transaction: fails with `job.fenced` unless this pick-up still owns the job. The lock lets progress
 * through, but holds off any new pick-up until the transaction ends; a transaction left idle is cut off, so that a
 * worker that hangs cannot hold it for ever.
 */
export async function assertOwned(tx: Tx, id: string, pickup: number, idleMs: number): Promise<void> {
  const result = await sql<{ state: string; pickups: number }>`
    select state, pickups, set_config('idle_in_transaction_session_timeout', ${String(idleMs)}, true) as idle
    from jobs where id = ${id}::uuid for key share`.execute(tx);
  const row = result.rows[0];
  if (row === undefined || row.state !== "running" || row.pickups !== pickup) {
    throw new AppError("job.fenced", "Another attempt owns the job, or it has ended; nothing was written.");
  }
}

/** The newest completed job of the same content address. */
export async function loadByContent(
  db: Db,
  tenantId: string,
  contentKey: string,
): Promise<{ id: string; result: string } | undefined> {
  const row = await db
    .selectFrom("jobs")
    .select(["id", "result", "reusedFrom"])
    .where("tenantId", "=", tenantId)
    .where("contentKey", "=", contentKey)
    .where("state", "=", "completed")
    .orderBy("id", "desc")
    .limit(1)
    .executeTakeFirst();
  return row === undefined || row.result === null
    ? undefined
    : { id: row.reusedFrom ?? row.id, result: row.result };
}

// ---- views -----------------------------------------------------------------------------------------------

function json(text: string | null): unknown {
  return text === null ? null : (JSON.parse(text) as unknown);
}

export function traceIdOf(traceParent: string | null): string | null {
  return traceParent === null ? null : (/^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceParent)?.[1] ?? null);
}

type SummaryRow = Omit<JobRow, "payload" | "result"> & { payload: string };

function common(row: Omit<JobRow, "payload" | "result">): Omit<JobView, "payload" | "result"> {
  return {
    id: row.id,
    type: row.type,
    state: row.state as JobState,
    priority: row.priority,
    progress: json(row.progress),
    error: json(row.error) as JobView["error"],
    attempt: row.attempt,
    maxAttempts: row.maxAttempts,
    submittedBy: row.submittedBy,
    parentId: row.parentId,
    scheduleId: row.scheduleId,
    reusedFrom: row.reusedFrom,
    replayOf: row.replayOf,
    seed: Number(row.seed),
    createdMs: Number(row.createdMs),
    runAtMs: row.runAtMs === null ? null : Number(row.runAtMs),
    startedMs: row.startedMs === null ? null : Number(row.startedMs),
    endedMs: row.endedMs === null ? null : Number(row.endedMs),
    worker: row.workerId,
    traceId: traceIdOf(row.traceParent),
  };
}

/** Of a job just stored, whose payload need not be parsed again. */
export function newJobView(row: JobRow, payload: unknown): JobView {
  return { ...common(row), payload, result: null };
}

export function jobView(row: JobRow): JobView {
  return { ...common(row), payload: json(row.payload), result: json(row.result) };
}

export async function listJobs(
  db: Db,
  tenantId: string,
  query: JobQuery,
): Promise<{ items: JobSummary[]; nextCursor: string | null }> {
  let rows = db
    .selectFrom("jobs")
    .select([
      "id",
      "tenantId",
      "type",
      "queue",
      "version",
      "state",
      "priority",
      "rank",
      "held",
      "progress",
      "error",
      "idempotencyKey",
      "bodyHash",
      "submittedBy",
      "parentId",
      "scheduleId",
      "seed",
      "callbackUrl",
      "traceParent",
      "maxAttempts",
      "failures",
      "attempt",
      "pickups",
      "unended",
      "workerId",
      "contentKey",
      "reusedFrom",
      "replayOf",
      "eventSeq",
      "createdMs",
      "runAtMs",
      "queuedMs",
      "startedMs",
      "cancelRequestedMs",
      "endedMs",
    ])
    .select(sql<string>`left(payload, 200)`.as("payload"))
    .where("tenantId", "=", tenantId)
    .orderBy("id", "desc")
    .limit(query.limit + 1);
  if (query.cursor !== undefined) rows = rows.where("id", "<", cursorId(query.cursor));
  if (query.type !== undefined) rows = rows.where("type", "=", query.type);
  if (query.state !== undefined) rows = rows.where("state", "in", query.state);
  if (query.parentId !== undefined) rows = rows.where("parentId", "=", query.parentId);
  if (query.scheduleId !== undefined) rows = rows.where("scheduleId", "=", query.scheduleId);
  if (query.q !== undefined) {
    const pattern = `%${query.q.replaceAll(/[\\%_]/g, "\\$&")}%`;
    rows = rows.where((eb) => eb.or([eb("payload", "ilike", pattern), eb("error", "ilike", pattern)]));
  }
  const found = (await rows.execute()) as SummaryRow[];
  const items = found.slice(0, query.limit).map((row) => ({ ...common(row), payloadPreview: row.payload }));
  return { items, nextCursor: found.length > query.limit ? items.at(-1)!.id : null };
}

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** A cursor that is the last id of the page before. */
export function cursorId(cursor: string): string {
  if (!idPattern.test(cursor)) {
    throw new AppError(
      "payload.invalid",
      "The cursor is not one that a page gave; leave it out to start anew.",
    );
  }
  return cursor;
}
