import { AppError, toAppError } from "@tapedeck/core";
import type { BusChannel, ErrorCode } from "@tapedeck/core";
import type { Emission, RunFacts } from "@tapedeck/features/jobs/context";
import type { DatasetRequest, SeriesDataset } from "@tapedeck/features/series/contract";

/** What the main thread says to a worker thread. */
export type ToThread =
  | { kind: "run"; runId: number; type: string; payload: unknown; facts: RunFacts }
  | { kind: "abort"; runId: number; error: ThreadError }
  | { kind: "dataset"; askId: number; dataset: SeriesDataset }
  | { kind: "refused"; askId: number; error: ThreadError };

/** What a worker thread says to the main thread. */
export type FromThread =
  | { kind: "ready" }
  | { kind: "emit"; runId: number; emission: Emission }
  | { kind: "done"; runId: number; result: unknown }
  | { kind: "failed"; runId: number; error: ThreadError }
  | { kind: "ask"; askId: number; what: DatasetAsk }
  | { kind: "publish"; channel: BusChannel; key: string };

/** Datasets are read once a process, by the main thread; threads get views of the same memory. */
export type DatasetAsk = { by: "request"; request: DatasetRequest } | { by: "hash"; hash: string };

/** An error as plain data. */
export interface ThreadError {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  details?: Record<string, unknown>;
  stack: string;
}

export function toThreadError(error: unknown): ThreadError {
  const app = toAppError(error);
  const origin = app.cause instanceof Error ? app.cause : app;
  const plain: ThreadError = {
    code: app.code,
    message: app.message,
    retryable: app.retryable,
    stack: origin.stack ?? String(origin),
  };
  if (app.details !== undefined)
    plain.details = JSON.parse(JSON.stringify(app.details)) as Record<string, unknown>;
  return plain;
}

export function fromThreadError(plain: ThreadError): AppError {
  const cause = new Error(plain.message);
  cause.stack = plain.stack;
  return new AppError(plain.code, plain.message, {
    retryable: plain.retryable,
    cause,
    ...(plain.details === undefined ? {} : { details: plain.details }),
  });
}
