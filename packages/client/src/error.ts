/** RFC 9457 document that the API answers errors with. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  requestId: string;
  retryable: boolean;
  /** Wrong fields of the request: JSON pointers below `in`. */
  errors?: { in: "body" | "query" | "path" | "header"; path: string; message: string }[];
  details?: Record<string, unknown>;
}

/** What the client throws: the API's own code and text, or `network` when no answer came. */
export class ClientError extends Error {
  /** A code of `GET /api/errors`, or `network`. */
  readonly code: string;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly retryable: boolean;
  readonly problem: Problem | undefined;
  /** From `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    facts: {
      code: string;
      status: number;
      retryable: boolean;
      problem?: Problem;
      retryAfterMs?: number;
      cause?: unknown;
    },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = "ClientError";
    this.code = facts.code;
    this.status = facts.status;
    this.retryable = facts.retryable;
    this.problem = facts.problem;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** The error of an answer that is not a success. */
export async function errorOf(response: Response): Promise<ClientError> {
  const text = await response.text();
  const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
  const after = Number.isFinite(retryAfterS) ? { retryAfterMs: retryAfterS * 1_000 } : {};
  if ((response.headers.get("content-type") ?? "").startsWith("application/problem+json")) {
    const problem = JSON.parse(text) as Problem;
    const { code, status, retryable } = problem;
    return new ClientError(problem.detail, { code, status, retryable, problem, ...after });
  }
  return new ClientError(`The server answered ${response.status} without a problem document.`, {
    code: "internal",
    status: response.status,
    retryable: response.status >= 500,
    ...after,
  });
}
