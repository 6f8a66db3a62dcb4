import {
  defineCommand,
  defineQuery,
  EpochMs,
  Id,
  isWithoutQuery,
  pageOf,
  PageQuery,
  queueNames,
} from "@tapedeck/core";
import type { Caller, JobContract } from "@tapedeck/core";
import * as z from "zod";

/** accepted: on disk. queued: handed to the queue. Then running, and one of three ends. */
export const JobState = z.enum(["accepted", "queued", "running", "completed", "failed", "cancelled"]);
export type JobState = z.output<typeof JobState>;

export const JobError = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean(),
  details: z.record(z.string(), z.unknown()).optional(),
});

export const JobView = z
  .object({
    id: Id,
    type: z.string(),
    state: JobState,
    priority: z.int(),
    payload: z.unknown(),
    progress: z.unknown().nullable(),
    result: z.unknown().nullable(),
    error: JobError.nullable(),
    /** Handler runs so far. */
    attempt: z.int(),
    maxAttempts: z.int(),
    submittedBy: z.string(),
    parentId: Id.nullable(),
    scheduleId: Id.nullable(),
    /** The job whose stored result was taken. */
    reusedFrom: Id.nullable(),
    /** The job whose run this one repeats. */
    replayOf: Id.nullable(),
    seed: z.int(),
    createdMs: z.int(),
    /** Not before this time; null = at once. */
    runAtMs: z.int().nullable(),
    startedMs: z.int().nullable(),
    endedMs: z.int().nullable(),
    worker: z.string().nullable(),
    traceId: z.string().nullable(),
  })
  .meta({ id: "Job" });
export type JobView = z.output<typeof JobView>;

/** Called when a job ends. Shown without its query, which may hold a token; so what is shown cannot be sent back. */
export const CallbackUrl = z
  .url({ protocol: /^https?$/ })
  .max(2_000)
  .refine((address) => !URL.canParse(address) || !isWithoutQuery(address), {
    error: "is the address as it is shown; give it with its query",
  });

/** Options of any POST of a job, beside its payload: headers `Idempotency-Key`, `Prefer: wait=N`, and these members of the query string. */
export const SubmitOptions = z.object({
  /** 1 (first) to 10; default 5. Within a priority callers share fairly. */
  priority: z.coerce.number().int().min(1).max(10).optional(),
  runAt: EpochMs.optional(),
  delayMs: z.coerce
    .number()
    .int()
    .min(0)
    .max(366 * 86_400_000)
    .optional(),
  callbackUrl: CallbackUrl.optional(),
  seed: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
});
export type SubmitOptions = z.output<typeof SubmitOptions>;

/** A job in a list: without payload and result, which may be large; open the job for them. */
export const JobSummary = JobView.omit({ payload: true, result: true })
  .extend({
    /** The first 200 characters of the payload. */
    payloadPreview: z.string(),
  })
  .meta({ id: "JobSummary" });
export type JobSummary = z.output<typeof JobSummary>;

export const JobQuery = PageQuery.extend({
  type: z.string().max(60).optional(),
  /** One state, or several with commas: `failed,cancelled`. */
  state: z
    .string()
    .max(100)
    .transform((text) => text.split(","))
    .pipe(z.array(JobState).min(1))
    .meta({ description: "One state or several with commas", examples: ["failed"] })
    .optional(),
  parentId: Id.optional(),
  scheduleId: Id.optional(),
  /** Text in the payload or the error. */
  q: z.string().max(200).optional(),
});
export type JobQuery = z.output<typeof JobQuery>;
export const JobPage = pageOf(JobSummary).meta({ id: "JobPage" });

/** One row of job_events; `id` is the job's own sequence, 1, 2, 3 … */
export const JobEvent = z.object({
  id: z.int(),
  event: z.enum(["state", "progress", "log", "step", "sentence", "end"]),
  atMs: z.int(),
  data: z.unknown(),
});
export type JobEvent = z.output<typeof JobEvent>;

export interface SubmitRequest {
  caller: Caller;
  /** Job type (= contract name). */
  type: string;
  /** As it came; parsed by the contract inside. */
  payload: unknown;
  options?: SubmitOptions;
  /** 1 to 200 characters. */
  idempotencyKey?: string;
  parentId?: string;
  scheduleId?: string;
  /** The job whose run this one repeats. */
  replayOf?: string;
  traceParent?: string;
  /** Waits until the batch that names it as `afterwards` has ended. */
  held?: boolean;
}

/** Many jobs at once, and optionally one that runs when all of them have ended. */
export interface BatchRequest {
  caller: Caller;
  label?: string;
  jobs: readonly { type: string; payload: unknown; options?: SubmitOptions }[];
  afterwards?: { type: string; payload: unknown; options?: SubmitOptions };
  callbackUrl?: string;
  idempotencyKey?: string;
  traceParent?: string;
}

/** How the API, the CLI's server side and other features reach jobs. Per tenant: an id of another tenant is `job.unknown`. */
export interface JobService {
  /** Resolves when the row is on disk. `created` is false when the idempotency key named an existing job. */
  submit(request: SubmitRequest): Promise<{ job: JobView; created: boolean }>;
  /** All of them or none: resolves when the batch and its jobs are on disk. A job that is not valid refuses them all. */
  submitBatch(request: BatchRequest): Promise<{ batchId: string; created: boolean }>;
  /** The contract and parsed payload; throws what `submit` would, without writing anything. */
  check(caller: Caller, type: string, payload: unknown): { contract: JobContract; payload: unknown };
  get(tenantId: string, id: string): Promise<JobView>;
  list(tenantId: string, query: JobQuery): Promise<{ items: JobSummary[]; nextCursor: string | null }>;
  cancel(caller: Caller, id: string): Promise<JobView>;
  retry(caller: Caller, id: string): Promise<JobView>;
  /** The job once it has ended, or as it stands after the time. */
  waitForEnd(tenantId: string, id: string, timeoutMs: number, signal?: AbortSignal): Promise<JobView>;
  events(tenantId: string, id: string, afterId: number, limit: number): Promise<JobEvent[]>;
  /** Takes a place for an event stream; returns the way to give it back. Throws `rate.limited` when the caller has no more. */
  takeStream(caller: Caller): () => void;
  /** Calls back when there may be new events; returns the way to stop. */
  onEvent(id: string, listener: () => void): () => void;
}

export const JobLogLine = z.object({
  id: z.int(),
  atMs: z.int(),
  level: z.enum(["debug", "info", "warn", "error"]),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).optional(),
});

/** What a job read, for lineage. */
export const JobInputView = z.object({
  kind: z.enum(["dataset", "document", "job", "upload", "file", "venue"]),
  ref: z.string(),
  label: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
});

export const QueueView = z
  .object({
    name: z.enum(queueNames),
    /** Null while the queue itself does not answer. */
    paused: z.boolean().nullable(),
    /** By the rows: the truth, also while the queue is down. */
    accepted: z.int(),
    queued: z.int(),
    running: z.int(),
    /** Accepted, but not before a time to come. */
    delayed: z.int(),
    failedLastHour: z.int(),
    completedLastHour: z.int(),
    /** How long the oldest runnable job has waited; null when none waits. */
    oldestWaitMs: z.int().nullable(),
    /** By the queue itself; null while it does not answer. */
    delivery: z
      .object({ waiting: z.int(), prioritized: z.int(), delayed: z.int(), active: z.int() })
      .nullable(),
  })
  .meta({ id: "Queue" });
export type QueueView = z.output<typeof QueueView>;

export const WorkerView = z
  .object({
    id: Id,
    host: z.string(),
    pid: z.int(),
    queues: z.array(z.string()),
    concurrency: z.int(),
    threads: z.int(),
    running: z.int(),
    startedMs: z.int(),
    heartbeatMs: z.int(),
    alive: z.boolean(),
  })
  .meta({ id: "Worker" });

const IdParams = z.object({ id: Id });
const QueueParams = z.object({ name: z.enum(queueNames) });

export const jobRoutes = {
  listJobs: defineQuery({
    name: "listJobs",
    path: "/jobs",
    tag: "Jobs",
    summary: "Jobs of the tenant, newest first",
    role: "viewer",
    query: JobQuery,
    response: JobPage,
  }),
  getJob: defineQuery({
    name: "getJob",
    path: "/jobs/{id}",
    tag: "Jobs",
    summary: "One job with its payload, progress and result",
    role: "viewer",
    params: IdParams,
    response: JobView,
  }),
  cancelJob: defineCommand({
    name: "cancelJob",
    method: "DELETE",
    path: "/jobs/{id}",
    tag: "Jobs",
    summary: "Cancel a job: a waiting one ends at once, a running one is told to stop; 409 once it has ended",
    role: "analyst",
    params: IdParams,
    response: JobView,
  }),
  retryJob: defineCommand({
    name: "retryJob",
    method: "POST",
    path: "/jobs/{id}/retry",
    tag: "Jobs",
    summary: "Run a failed or cancelled job again, with its attempts anew",
    role: "analyst",
    params: IdParams,
    response: JobView,
    status: 202,
  }),
  jobEvents: defineQuery({
    name: "jobEvents",
    path: "/jobs/{id}/events",
    tag: "Jobs",
    summary: "Server-sent events: state, progress, log, step, sentence, end; resumable by Last-Event-ID",
    role: "viewer",
    params: IdParams,
    raw: true,
    contentType: "text/event-stream",
  }),
  jobLogs: defineQuery({
    name: "jobLogs",
    path: "/jobs/{id}/logs",
    tag: "Jobs",
    summary: "Log lines of a job, oldest first",
    role: "viewer",
    params: IdParams,
    query: PageQuery,
    response: pageOf(JobLogLine),
  }),
  jobInputs: defineQuery({
    name: "jobInputs",
    path: "/jobs/{id}/inputs",
    tag: "Jobs",
    summary: "What a job read: datasets, documents, files, other jobs",
    role: "viewer",
    params: IdParams,
    query: PageQuery,
    response: pageOf(JobInputView),
  }),
  listQueues: defineQuery({
    name: "listQueues",
    path: "/queues",
    tag: "Queues",
    summary: "Depth, oldest wait and state of every queue, over all tenants",
    role: "operator",
    response: z.object({ items: z.array(QueueView) }),
  }),
  pauseQueue: defineCommand({
    name: "pauseQueue",
    method: "POST",
    path: "/queues/{name}/pause",
    tag: "Queues",
    summary: "Stop handing out a queue's jobs; running ones go on, new ones are accepted and wait",
    role: "operator",
    params: QueueParams,
  }),
  resumeQueue: defineCommand({
    name: "resumeQueue",
    method: "POST",
    path: "/queues/{name}/resume",
    tag: "Queues",
    summary: "Hand out a paused queue's jobs again",
    role: "operator",
    params: QueueParams,
  }),
  listWorkers: defineQuery({
    name: "listWorkers",
    path: "/workers",
    tag: "Queues",
    summary: "Worker processes of the last hour and whether they are alive",
    role: "operator",
    response: z.object({ items: z.array(WorkerView) }),
  }),
};
