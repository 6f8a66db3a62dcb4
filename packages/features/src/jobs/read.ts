import { AppError, queueNames } from "@tapedeck/core";
import type { RouteHandlersFor } from "@tapedeck/core";
import { sql } from "kysely";
import type { Deps } from "../deps.ts";
import type { JobLogLine, jobRoutes, QueueView } from "./contract.ts";
import { eventStream, lastEventId } from "./sse.ts";
import { assertTenant } from "./store.ts";
import type * as z from "zod";

const hourMs = 3_600_000;
/** A worker heard of within this time is alive. */
const aliveMs = 10_000;
/** How long the board waits for the queue itself. */
const queueAnswerMs = 1_500;

export const jobRouteHandlers: RouteHandlersFor<typeof jobRoutes, Deps> = {
  listJobs: (deps, { query }, caller) => deps.jobs.list(caller.tenantId, query),
  getJob: (deps, { params }, caller) => deps.jobs.get(caller.tenantId, params.id),
  cancelJob: (deps, { params }, caller) => deps.jobs.cancel(caller, params.id),
  retryJob: (deps, { params }, caller) => deps.jobs.retry(caller, params.id),

  async jobEvents(deps, { params, request }, caller) {
    const job = await deps.jobs.get(caller.tenantId, params.id);
    const afterId = lastEventId(request);
    if (afterId > 0 && job.endedMs !== null) {
      const more = await deps.jobs.events(caller.tenantId, params.id, afterId, 1);
      // Tells an EventSource that there is nothing to reconnect for.
      if (more.length === 0) return new Response(null, { status: 204 });
    }
    const body = eventStream({
      jobs: deps.jobs,
      onClose: deps.jobs.takeStream(caller),
      tenantId: caller.tenantId,
      id: params.id,
      afterId,
      signal: request.signal,
    });
    return new Response(body, {
      headers: {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    });
  },

  async jobLogs(deps, { params, query }, caller) {
    await assertTenant(deps.db, caller.tenantId, params.id);
    const after = query.cursor === undefined ? 0 : Number(query.cursor);
    if (!Number.isSafeInteger(after))
      throw new AppError("payload.invalid", "The cursor is not one that a page gave.");
    const rows = await deps.db
      .selectFrom("jobEvents")
      .select(["seq", "atMs", "data"])
      .where("jobId", "=", params.id)
      .where("event", "=", "log")
      .where("seq", ">", after)
      .orderBy("seq")
      .limit(query.limit + 1)
      .execute();
    const items = rows.slice(0, query.limit).map((row) => ({
      id: row.seq,
      atMs: row.atMs,
      ...(JSON.parse(row.data) as Pick<z.output<typeof JobLogLine>, "level" | "message">),
    }));
    return { items, nextCursor: rows.length > query.limit ? String(items.at(-1)!.id) : null };
  },

  async jobInputs(deps, { params, query }, caller) {
    await assertTenant(deps.db, caller.tenantId, params.id);
    let found = deps.db.selectFrom("jobInputs").selectAll().where("jobId", "=", params.id);
    if (query.cursor !== undefined) {
      // A cursor is the last input's kind and reference; no kind holds a space.
      const [kind = "", ...ref] = query.cursor.split(" ");
      found = found.where((eb) => eb(eb.refTuple("kind", "ref"), ">", eb.tuple(kind, ref.join(" "))));
    }
    const rows = await found
      .orderBy("kind")
      .orderBy("ref")
      .limit(query.limit + 1)
      .execute();
    const items = rows.slice(0, query.limit).map((row) => ({
      kind: row.kind as "dataset",
      ref: row.ref,
      label: row.label,
      ...(row.details === null ? {} : { details: JSON.parse(row.details) as Record<string, unknown> }),
    }));
    const last = items.at(-1);
    return {
      items,
      nextCursor: rows.length > query.limit && last !== undefined ? `${last.kind} ${last.ref}` : null,
    };
  },

  async listQueues(deps) {
    return { items: await loadQueues(deps) };
  },

  async pauseQueue(deps, { params }) {
    await deps.queue.pause(params.name);
  },
  async resumeQueue(deps, { params }) {
    await deps.queue.resume(params.name);
  },

  async listWorkers(deps) {
    const nowMs = deps.now();
    const rows = await deps.db
      .selectFrom("workers")
      .selectAll()
      .where("heartbeatMs", ">", nowMs - hourMs)
      .orderBy("startedMs", "desc")
      .limit(500)
      .execute();
    return {
      items: rows.map(({ stoppedMs, ...row }) => ({
        ...row,
        alive: stoppedMs === null && row.heartbeatMs > nowMs - aliveMs,
      })),
    };
  },
};

interface QueueCounts {
  queue: string;
  accepted: number;
  queued: number;
  running: number;
  delayed: number;
  oldestMs: number | null;
}

/** Every queue by its rows, beside what the queue itself says; also for metrics. */
export async function loadQueues(deps: Pick<Deps, "db" | "queue" | "now">): Promise<QueueView[]> {
  const nowMs = deps.now();
  const open = await sql<QueueCounts>`
    select queue,
      count(*) filter (where state = 'accepted' and not held and coalesce(run_at_ms, 0) <= ${nowMs})::int as accepted,
      count(*) filter (where state = 'queued')::int as queued,
      count(*) filter (where state = 'running')::int as running,
      count(*) filter (where state = 'accepted' and (held or run_at_ms > ${nowMs}))::int as delayed,
      min(coalesce(run_at_ms, created_ms)) filter (
        where state in ('accepted', 'queued') and not held and coalesce(run_at_ms, 0) <= ${nowMs}) as oldest_ms
    from jobs where ended_ms is null group by queue`.execute(deps.db);
  const recent = await sql<{ queue: string; state: string; n: number }>`
    select queue, state, count(*)::int as n from jobs where ended_ms > ${nowMs - hourMs} group by 1, 2`.execute(
    deps.db,
  );
  return Promise.all(
    queueNames.map(async (name) => {
      const row = open.rows.find((entry) => entry.queue === name);
      const ended = (state: string) =>
        recent.rows.find((entry) => entry.queue === name && entry.state === state)?.n ?? 0;
      const [delivery, paused] = await Promise.all([
        answer(deps.queue.depth(name)),
        answer(deps.queue.paused(name)),
      ]);
      return {
        name,
        paused,
        accepted: row?.accepted ?? 0,
        queued: row?.queued ?? 0,
        running: row?.running ?? 0,
        delayed: row?.delayed ?? 0,
        failedLastHour: ended("failed"),
        completedLastHour: ended("completed"),
        oldestWaitMs: row === undefined || row.oldestMs === null ? null : Math.max(0, nowMs - row.oldestMs),
        delivery,
      };
    }),
  );
}

/** The queue's answer, or null while it gives none. */
async function answer<T>(asked: Promise<T>): Promise<T | null> {
  asked.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), queueAnswerMs);
  });
  try {
    return await Promise.race([asked, late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
