import type * as z from "zod";
import type { Caller, Role } from "./roles.ts";

/** Type = queue. One BullMQ queue each. */
export const queueNames = ["ingest", "analyze", "sentiment", "ask", "backtest", "execute"] as const;
export type QueueName = (typeof queueNames)[number];

/**
 * A job type, declared once: drives its routes, OpenAPI, the queue, the worker's checks, CLI help and
 * dashboard forms. Browser-safe: zod only.
 */
export interface JobContract<
  P extends z.ZodType = z.ZodType,
  G extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  name: string;
  /** Below `/api`: `/backtests`. */
  path: `/${string}`;
  queue: QueueName;
  /** One line for people. */
  summary: string;
  /** Raised by hand when results change; part of a result's content address. */
  version: number;
  /** May a stored result of the same content address be returned instead of running again? */
  reuse: boolean;
  /** Least role that may submit it. */
  role: Role;
  /** Runs of the handler before the job fails; a killed worker uses none. */
  attempts: number;
  timeoutMs: number;
  /** Runs in a worker thread, so that locks keep renewing while it computes. */
  cpu: boolean;
  payload: P;
  progress: G;
  result: R;
  /** Payloads shown in docs, the API page and forms. */
  examples?: readonly z.input<P>[];
  /** It changes data or places orders: a run is not repeated to see whether it gives the same. */
  effects?: boolean;
  /** Running jobs submit it for themselves: forms do not offer it. */
  internal?: boolean;
  /** What the role alone does not decide: throws `auth.forbidden`. Asked when a job is submitted. */
  authorize?(payload: z.output<P>, caller: Caller): void;
  /** Default 1 MiB. */
  maxPayloadBytes?: number;
  /** Default 4 MiB. */
  maxResultBytes?: number;
}

export function defineJob<P extends z.ZodType, G extends z.ZodType, R extends z.ZodType>(
  contract: JobContract<P, G, R>,
): JobContract<P, G, R> {
  return contract;
}

export type PayloadOf<C> = C extends JobContract<infer P, z.ZodType, z.ZodType> ? z.output<P> : never;
export type ResultOf<C> = C extends JobContract<z.ZodType, z.ZodType, infer R> ? z.input<R> : never;
export type ProgressOf<C> = C extends JobContract<z.ZodType, infer G, z.ZodType> ? z.input<G> : never;

/** One step of an answer or a long job, streamed as it happens. */
export interface JobStep {
  name: string;
  /** What it was asked, small. */
  input?: unknown;
  /** What came of it, small. */
  output?: unknown;
  evidenceIds?: string[];
}

/** What was read, for lineage and for a result's content address. */
export interface JobInput {
  kind: "dataset" | "document" | "job" | "upload" | "file" | "venue";
  /** Content hash or row id. */
  ref: string;
  /** Plain words: `SPY.XNYS 1d 2000-01-03..2020-04-01`. */
  label: string;
  details?: Record<string, unknown>;
}

/**
 * What a handler gets besides its dependencies and payload. `Tx` is the database transaction type.
 */
export interface JobContext<Progress = unknown, Tx = unknown> {
  readonly jobId: string;
  readonly tenantId: string;
  /** The principal that submitted the job. */
  readonly submittedBy: string;
  /** 1 on the first pick-up; counts every pick-up, also after a kill. */
  readonly pickup: number;
  /** The job whose run this one repeats; null in any other. */
  readonly replayOf: string | null;
  /** Aborted when the job is cancelled, times out, loses its ownership, or the worker stops. Check it between chunks. */
  readonly signal: AbortSignal;
  readonly seed: number;
  now(): number;
  /** Seeded generator of uniforms in [0, 1), independent of worker count. `stream` separates uses. */
  random(stream: string): () => number;
  progress(progress: Progress): void;
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Record<string, unknown>): void;
  step(step: JobStep): void;
  /** Releases one checked sentence of an answer. */
  sentence(sentence: { text: string; evidenceIds: string[] }): void;
  /** Records what was read (lineage). */
  input(input: JobInput): void;
  /**
   * The only way to write effects: runs `fn` in one transaction that first locks the job's row and checks that
   * this attempt still owns it; otherwise throws `job.fenced` and nothing is written.
   *
   * With `once` the transaction is done at most once in the job's life, whoever is killed when: a later attempt, or
   * a repeat after a lost answer, gets the value that the first one returned (which must be JSON) and `fn` is not run.
   */
  commit<T>(fn: (tx: Tx) => Promise<T>, options?: { once?: string }): Promise<T>;
}

/** What a job is about to read, found out before it runs. */
export interface ResolvedInputs {
  /** The payload with every relative time (no end, no asOf) made absolute. */
  payload: unknown;
  /** Content hashes of everything that it will read. */
  hashes: readonly string[];
}

export interface JobHandler<C extends JobContract, Deps, Tx = unknown> {
  (deps: Deps, payload: PayloadOf<C>, ctx: JobContext<ProgressOf<C>, Tx>): Promise<ResultOf<C>>;
  /**
   * For contracts with `reuse`: what decides the result. Without it nothing is reused. Attach it with
   * `Object.assign(run, { resolveInputs })`.
   */
  resolveInputs?: (
    deps: Deps,
    payload: PayloadOf<C>,
    scope: { tenantId: string; nowMs: number; signal: AbortSignal },
  ) => Promise<ResolvedInputs>;
}

/** A missing handler, or one of the wrong shape, is a compile error. */
export type HandlersFor<Cs extends Record<string, JobContract>, Deps, Tx = unknown> = {
  [K in keyof Cs]: JobHandler<Cs[K], Deps, Tx>;
};

type Empty = z.ZodType | undefined;

/** Any address that is not a job's: `defineQuery` for reads, `defineCommand` for changes. Browser-safe. */
export interface RouteContract<
  Params extends Empty = Empty,
  Query extends Empty = Empty,
  Body extends Empty = Empty,
  Response extends Empty = Empty,
> {
  name: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api`, OpenAPI style: `/jobs/{id}`. */
  path: `/${string}`;
  /** Heading in the docs. */
  tag: string;
  summary: string;
  /** Least role; `public` needs no sign-in. */
  role: Role | "public";
  /**
   * Whose things an `operator` route acts on. Absent: the deployment's, so that only callers of the operating tenant pass.
   * "tenant": the caller's own tenant's.
   */
  scope?: "tenant";
  params?: Params;
  query?: Query;
  body?: Body;
  /** Absent: 204. */
  response?: Response;
  /** Status of success; default 200 (204 without a response). */
  status?: number;
  /** The handler gets the web Request and returns a web Response (streams, uploads, downloads). */
  raw?: boolean;
  /** For raw routes: what comes back, such as text/event-stream. */
  contentType?: string;
}

type RouteOptions<P extends Empty, Q extends Empty, B extends Empty, R extends Empty> = Omit<
  RouteContract<P, Q, B, R>,
  "method"
>;

/** A GET. */
export function defineQuery<
  P extends Empty = undefined,
  Q extends Empty = undefined,
  R extends Empty = undefined,
>(contract: RouteOptions<P, Q, undefined, R>): RouteContract<P, Q, undefined, R> {
  return { method: "GET", ...contract };
}

/** A change that is not a job. */
export function defineCommand<
  P extends Empty = undefined,
  Q extends Empty = undefined,
  B extends Empty = undefined,
  R extends Empty = undefined,
>(contract: RouteContract<P, Q, B, R>): RouteContract<P, Q, B, R> {
  return contract;
}

type Out<S extends Empty> = S extends z.ZodType ? z.output<S> : undefined;
type In<S extends Empty> = S extends z.ZodType ? z.input<S> : void;

export interface RouteInput<C extends RouteContract> {
  params: C extends RouteContract<infer P, Empty, Empty, Empty> ? Out<P> : never;
  query: C extends RouteContract<Empty, infer Q, Empty, Empty> ? Out<Q> : never;
  body: C extends RouteContract<Empty, Empty, infer B, Empty> ? Out<B> : never;
  request: Request;
}

export type RouteResult<C extends RouteContract> =
  C extends RouteContract<Empty, Empty, Empty, infer R> ? In<R> | Response : never;

export type RouteHandler<C extends RouteContract, Deps> = (
  deps: Deps,
  input: RouteInput<C>,
  caller: Caller,
) => Promise<RouteResult<C>>;

export type RouteHandlersFor<Cs extends Record<string, RouteContract>, Deps> = {
  [K in keyof Cs]: RouteHandler<Cs[K], Deps>;
};
