/**
 * The one error of the project. `message` is safe to show to people; `cause` is for logs only.
 * `code` is stable: clients branch on it, docs/errors.md lists it, the API maps it to a status.
 */
export const errorCodes = {
  "payload.invalid": { status: 422, title: "The request does not match its schema" },
  "payload.tooLarge": { status: 413, title: "The body is larger than allowed" },
  "quota.exceeded": { status: 507, title: "The tenant's storage is full" },
  "result.invalid": { status: 500, title: "The result does not match its contract" },
  "result.tooLarge": { status: 422, title: "The result is larger than allowed" },
  "request.malformed": { status: 400, title: "The request cannot be read" },
  "auth.required": { status: 401, title: "Sign in or send an API key" },
  "auth.invalid": { status: 401, title: "The credentials are not valid" },
  "auth.forbidden": { status: 403, title: "The caller's role does not allow this" },
  "rate.limited": { status: 429, title: "Too many requests" },
  "route.unknown": { status: 404, title: "There is no such address" },
  "method.notAllowed": { status: 405, title: "The address does not take this method" },
  "resource.unknown": { status: 404, title: "There is no such resource" },
  "resource.conflict": { status: 409, title: "The resource is in a state that does not allow this" },
  "job.unknown": { status: 404, title: "There is no such job" },
  "job.ended": { status: 409, title: "The job has already ended" },
  "job.notEnded": { status: 409, title: "The job has not ended yet" },
  "job.cancelled": { status: 409, title: "The job was cancelled" },
  "job.fenced": { status: 409, title: "Another attempt owns the job" },
  "job.timeout": { status: 504, title: "The job took longer than its limit" },
  "job.limit": { status: 429, title: "Too many waiting jobs" },
  "job.crashed": { status: 500, title: "The worker died too often while running the job" },
  "idempotency.conflict": { status: 422, title: "The idempotency key was used with another body" },
  "symbol.unknown": { status: 422, title: "No such instrument" },
  "symbol.ambiguous": { status: 422, title: "Several instruments have this symbol" },
  "data.missing": { status: 422, title: "The data is not there" },
  "data.invalid": { status: 422, title: "The data cannot be read" },
  "strategy.failed": { status: 422, title: "A strategy module failed" },
  "formula.invalid": { status: 422, title: "The formula is not valid" },
  "upload.unknown": { status: 404, title: "There is no such upload" },
  "order.rejected": { status: 422, title: "The order was rejected" },
  "order.unknown": { status: 409, title: "The order's state at the venue is not known" },
  "venue.unavailable": { status: 503, title: "The venue does not answer" },
  "model.unavailable": { status: 503, title: "The language model does not answer" },
  "knowledge.unavailable": { status: 503, title: "The knowledge index does not answer" },
  "config.invalid": { status: 500, title: "The configuration is not valid" },
  "service.unavailable": { status: 503, title: "A service that this needs is not available" },
  internal: { status: 500, title: "Something went wrong here" },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorCodes;

export interface AppErrorOptions {
  /** May the same work succeed when it is tried again unchanged? Default false. */
  retryable?: boolean;
  /** What caused it; logged, never shown. */
  cause?: unknown;
  /** Facts for programs, shown in the problem document (candidates, field errors, what to ingest). */
  details?: Record<string, unknown>;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details;
  }

  get status(): number {
    return errorCodes[this.code].status;
  }
}

/** Any thrown value as an AppError; what is not one becomes `internal` with a message that says nothing secret. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError("internal", "Something went wrong here; the log has the details.", {
    retryable: true,
    cause: error,
  });
}

/** The stored and sent form of an error. */
export interface ErrorRecord {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  details?: Record<string, unknown>;
}

export function errorRecord(error: unknown): ErrorRecord {
  const app = toAppError(error);
  const record: ErrorRecord = { code: app.code, message: app.message, retryable: app.retryable };
  if (app.details !== undefined) record.details = app.details;
  return record;
}
