import { AppError, parseInput } from "@tapedeck/core";
import type { Caller, FieldError, JobContract, RouteContract } from "@tapedeck/core";
import type { RateLimit } from "@tapedeck/features/auth/contract";
import type { ApiDeps } from "@tapedeck/features/deps";
import { SubmitOptions } from "@tapedeck/features/jobs/contract";
import { unsafeTextPath } from "@tapedeck/features/jobs/text";
import type { Hono } from "hono";
import * as z from "zod";
import { callerOf, checkAgain, requireRole } from "./authenticate.ts";
import { defaultMaxPayloadBytes, readJson } from "./body.ts";
import type { ApiContext, ApiEnv } from "./context.ts";
import type { DatabaseWatch } from "./databaseWatch.ts";
import { endWhenRefused } from "./longAnswers.ts";
import { asClientError } from "./problem.ts";
import { respondJson } from "./respond.ts";

/** A route handler as the mount sees it: types are checked where the registries are made. */
export type AnyRouteHandler = (
  deps: ApiDeps,
  input: { params: unknown; query: unknown; body: unknown; request: Request },
  caller: Caller,
) => Promise<unknown>;

export interface MountOptions {
  deps: ApiDeps;
  /** Per signed-in caller. */
  callerLimit: RateLimit;
  /** Per address, for requests that show no credentials. */
  anonymousLimit: RateLimit;
  watch: DatabaseWatch | undefined;
  stopping: AbortSignal | undefined;
  maxBodyBytes: number;
  /** How often the caller of an open event stream is checked again. */
  recheckMs: number;
}

/** Bounded by the database's health: see `watchDatabase`. */
function guarded<T>(options: MountOptions, run: () => Promise<T>): Promise<T> {
  if (options.watch === undefined) return run();
  options.watch.assertUp();
  return options.watch.guard(run());
}

/** The longest `Prefer: wait`. */
export const maxWaitS = 60;

/** `/jobs/{id}` as the router writes it. */
export function routerPath(path: string): string {
  return `/api${path.replaceAll(/\{(\w+)\}/g, ":$1")}`;
}

/** Query members: a string, or an array where the name comes more than once. Names that the schema does not have are refused. */
function queryOf(c: ApiContext, schema: z.ZodType): unknown {
  const values: Record<string, string | string[]> = {};
  for (const [name, list] of Object.entries(c.req.queries()))
    values[name] = list.length === 1 ? list[0]! : list;
  if (schema instanceof z.ZodObject) {
    const known = Object.keys(schema.shape);
    const unknown = Object.keys(values).filter((name) => !known.includes(name));
    if (unknown.length > 0)
      throw new AppError(
        "payload.invalid",
        `There is no query parameter ${unknown[0]}; there are ${known.join(", ")}.`,
        {
          details: {
            errors: unknown.map((name) => ({ in: "query", path: `/${name}`, message: "no such parameter" })),
          },
        },
      );
  }
  refuseUnsafeText(values, "query");
  return parseInput(schema, values, "query");
}

/** PostgreSQL takes neither U+0000 nor half a surrogate pair in a text. */
function refuseUnsafeText(value: unknown, place: FieldError["in"]): void {
  const path = unsafeTextPath(value);
  if (path === undefined) return;
  const at = path === "" ? "" : `/${path.replaceAll(".", "/")}`;
  throw new AppError("payload.invalid", `${place} ${at}: U+0000 or half a surrogate pair; take it out.`, {
    details: { errors: [{ in: place, path: at, message: "holds U+0000 or half a surrogate pair" }] },
  });
}

async function limitRate(c: ApiContext, options: MountOptions, caller: Caller | undefined): Promise<void> {
  const key =
    caller === undefined ? `address:${c.get("address") ?? "unknown"}` : `caller:${caller.principalId}`;
  const limit = caller === undefined ? options.anonymousLimit : options.callerLimit;
  const taken = await options.deps.limiter.take(key, limit);
  if (!taken.allowed)
    throw new AppError("rate.limited", `The limit is ${limit.perSecond} requests a second; slow down.`, {
      retryable: true,
      details: { retryAfterMs: taken.retryAfterMs },
    });
}

async function admit(
  c: ApiContext,
  options: MountOptions,
  contract: JobContract | RouteContract,
): Promise<Caller> {
  c.set("route", contract.name);
  const caller = await callerOf(c, options.deps.auth).catch(async (error: unknown) => {
    // Credentials that are refused cost a look-up: whoever tries many is slowed down by address.
    await limitRate(c, options, undefined);
    throw error;
  });
  await limitRate(c, options, caller);
  return requireRole(
    caller,
    { role: contract.role, scope: "scope" in contract ? contract.scope : undefined },
    c.get("requestId"),
  );
}

/** Runs a change and writes its audit entry, whether it succeeds or is refused. */
async function audited(
  c: ApiContext,
  options: MountOptions,
  action: string,
  details: () => unknown,
  run: () => Promise<Response>,
): Promise<Response> {
  const record = (status: number, target: string) => {
    const caller = c.get("caller");
    return options.deps.audit.record({
      tenantId: caller?.tenantId,
      principalId: caller?.principalId ?? "anonymous",
      principalKind: caller?.kind ?? "user",
      action,
      target,
      status,
      requestId: c.get("requestId"),
      address: c.get("address"),
      details: details(),
    });
  };
  const path = new URL(c.req.url).pathname;
  let response: Response;
  try {
    response = await run();
  } catch (error) {
    // A flood of requests must not become a flood of entries.
    if (error instanceof AppError && error.code === "rate.limited") throw error;
    // The refusal is what the client must hear, also when the log cannot be written.
    await record(asClientError(error).status, path).catch((cause: unknown) =>
      c.get("log").error({ requestId: c.get("requestId"), err: cause, action }, "audit entry not written"),
    );
    throw error;
  }
  await record(response.status, response.headers.get("location") ?? path);
  return response;
}

export function mountRoute(
  app: Hono<ApiEnv>,
  contract: RouteContract,
  handler: AnyRouteHandler,
  options: MountOptions,
): void {
  const respond = async (c: ApiContext, seen: { body?: unknown }): Promise<Response> => {
    const caller = await admit(c, options, contract);
    refuseUnsafeText(c.req.param(), "path");
    const params =
      contract.params === undefined ? undefined : parseInput(contract.params, c.req.param(), "path");
    const query = contract.query === undefined ? undefined : queryOf(c, contract.query);
    let body: unknown;
    if (contract.body !== undefined && contract.raw !== true) {
      seen.body = await readJson(c.req.raw, options.maxBodyBytes);
      refuseUnsafeText(seen.body, "body");
      body = parseInput(contract.body, seen.body, "body");
    }
    const result = await handler(options.deps, { params, query, body, request: c.req.raw }, caller);
    if (result instanceof Response) {
      if (contract.contentType !== "text/event-stream") return result;
      const check = () => checkAgain(c, options.deps.auth, contract, caller);
      return endWhenRefused(result, { check, everyMs: options.recheckMs, log: options.deps.log });
    }
    if (contract.response === undefined) return c.body(null, (contract.status as 204 | undefined) ?? 204);
    return respondJson(c, result, contract.status ?? 200);
  };
  app.on(contract.method, routerPath(contract.path), (c) => {
    if (contract.method === "GET") return guarded(options, () => respond(c, {}));
    const seen: { body?: unknown } = {};
    return guarded(options, () =>
      audited(
        c,
        options,
        contract.name,
        () => seen.body,
        () => respond(c, seen),
      ),
    );
  });
}

/** Seconds of `Prefer: wait=N` (RFC 7240), at most `maxWaitS`. */
export function preferredWaitS(header: string | undefined): number {
  const match = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?/i.exec(header ?? "");
  return match === null ? 0 : Math.min(Number(match[1]), maxWaitS);
}

const ended = new Set(["completed", "failed", "cancelled"]);

/** `POST /api/<path>` of a job type: 202 and Location, or 200 with the ended job where `Prefer: wait` sufficed. */
export function mountJob(app: Hono<ApiEnv>, contract: JobContract, options: MountOptions): void {
  const respond = async (c: ApiContext, seen: { body?: unknown }): Promise<Response> => {
    const caller = await admit(c, options, contract);
    const submitOptions = queryOf(c, SubmitOptions) as SubmitOptions;
    const maxBytes = contract.maxPayloadBytes ?? defaultMaxPayloadBytes;
    seen.body = await readJson(c.req.raw, maxBytes);
    const key = c.req.header("idempotency-key");
    const traceParent = c.get("traceParent");
    const { job, created } = await options.deps.jobs.submit({
      caller,
      type: contract.name,
      payload: seen.body,
      options: submitOptions,
      ...(key === undefined ? {} : { idempotencyKey: key }),
      ...(traceParent === undefined ? {} : { traceParent }),
    });
    const headers: Record<string, string> = { location: `/api/jobs/${job.id}` };
    if (!created) headers["idempotency-replayed"] = "true";
    const waitS = preferredWaitS(c.req.header("prefer"));
    if (waitS === 0) return respondJson(c, job, 202, headers);
    headers["preference-applied"] = `wait=${waitS}`;
    const signal =
      options.stopping === undefined
        ? c.req.raw.signal
        : AbortSignal.any([c.req.raw.signal, options.stopping]);
    const latest = await options.deps.jobs.waitForEnd(caller.tenantId, job.id, waitS * 1_000, signal);
    return respondJson(c, latest, ended.has(latest.state) ? 200 : 202, headers);
  };
  app.post(routerPath(contract.path), (c) => {
    const seen: { body?: unknown } = {};
    // Other submissions are on record already: the job's own row says who sent what and when.
    if (contract.name !== "execute") return guarded(options, () => respond(c, seen));
    return guarded(options, () =>
      audited(
        c,
        options,
        `submit:${contract.name}`,
        () => seen.body,
        () => respond(c, seen),
      ),
    );
  });
}
