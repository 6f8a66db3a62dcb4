import { AppError, errorCodes, toAppError } from "@tapedeck/core";
import type { ApiContext } from "./context.ts";

/** RFC 9457 document of an error. `errors` points at wrong fields; `details` are facts for programs. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  requestId: string;
  retryable: boolean;
  errors?: unknown;
  details?: Record<string, unknown>;
}

const connectionErrors = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
  "08000",
  "08001",
  "08003",
  "08006",
  "53300",
  "57P01",
  "57P02",
  "57P03",
]);

/** Did this come of a database that does not answer? Then the same request may succeed later. */
function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.some(isDatabaseAway)) return true;
  const code = (error as { code?: unknown }).code;
  const syscall = (error as { syscall?: unknown }).syscall;
  if (code === "ENOENT" && syscall !== "connect") return false;
  if (typeof code === "string" && connectionErrors.has(code)) return true;
  return /^Connection terminated|timeout exceeded when trying to connect|^Client has encountered a connection error/.test(
    error.message,
  );
}

/** Any thrown value as what the client is told. */
export function asClientError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isDatabaseAway(error))
    return new AppError("service.unavailable", "The database does not answer; try again shortly.", {
      retryable: true,
      cause: error,
    });
  return toAppError(error);
}

export function problemOf(error: AppError, requestId: string, instance: string): Problem {
  const { errors, ...details } = error.details ?? {};
  const problem: Problem = {
    type: `/api/errors#${error.code}`,
    title: errorCodes[error.code].title,
    status: error.status,
    detail: error.message,
    instance,
    code: error.code,
    requestId,
    retryable: error.retryable,
  };
  if (errors !== undefined) problem.errors = errors;
  if (Object.keys(details).length > 0) problem.details = details;
  return problem;
}

/** Answers with the error's problem document; logs it once, here. */
export function respondProblem(c: ApiContext, thrown: unknown): Response {
  const error = asClientError(thrown);
  const path = new URL(c.req.url).pathname;
  if (error.status >= 500)
    c.get("log").error(
      { requestId: c.get("requestId"), err: error.cause ?? error, code: error.code, route: c.get("route") },
      "request failed",
    );
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (error.status === 401) headers["www-authenticate"] = 'Bearer realm="tapedeck"';
  const retryAfterMs = error.details?.["retryAfterMs"];
  if (typeof retryAfterMs === "number") headers["retry-after"] = String(Math.ceil(retryAfterMs / 1_000));
  else if (error.status === 503) headers["retry-after"] = "1";
  return c.body(JSON.stringify(problemOf(error, c.get("requestId"), path)), error.status as 500, headers);
}
