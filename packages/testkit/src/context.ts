import type { JobContext, JobInput, JobStep } from "@tapedeck/core";
import { newId } from "@tapedeck/core";
import { seededRandom } from "@tapedeck/core/random";

export interface RecordingContext<Progress = unknown, Tx = unknown> extends JobContext<Progress, Tx> {
  readonly recorded: {
    steps: JobStep[];
    sentences: { text: string; evidenceIds: string[] }[];
    inputs: JobInput[];
    logs: { level: string; message: string; fields: Record<string, unknown> | undefined }[];
    progress: unknown[];
  };
}

/** A job's context that keeps what a handler tells it, for running a handler without a queue. It owns its job always. */
export function recordingContext<Progress, Tx>(
  options: {
    tenantId?: string;
    jobId?: string;
    nowMs?: number;
    signal?: AbortSignal;
    pickup?: number;
    commit?: JobContext<Progress, Tx>["commit"];
  } = {},
): RecordingContext<Progress, Tx> {
  const nowMs = options.nowMs ?? Date.UTC(2026, 0, 2);
  const recorded: RecordingContext<Progress, Tx>["recorded"] = {
    steps: [],
    sentences: [],
    inputs: [],
    logs: [],
    progress: [],
  };
  return {
    jobId: options.jobId ?? newId(nowMs),
    tenantId: options.tenantId ?? "00000000-0000-7000-8000-000000000001",
    submittedBy: "00000000-0000-7000-8000-000000000002",
    pickup: options.pickup ?? 1,
    replayOf: null,
    signal: options.signal ?? new AbortController().signal,
    seed: 1,
    recorded,
    now: () => nowMs,
    random: (stream) => seededRandom(1, stream),
    progress: (progress) => void recorded.progress.push(progress),
    log: (level, message, fields) => void recorded.logs.push({ level, message, fields }),
    step: (step) => void recorded.steps.push(step),
    sentence: (sentence) => void recorded.sentences.push(sentence),
    input: (input) => void recorded.inputs.push(input),
    commit:
      options.commit ?? (() => Promise.reject(new Error("this context was made without a way to commit"))),
  };
}
