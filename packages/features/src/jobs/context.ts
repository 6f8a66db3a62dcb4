import { seededRandom } from "@tapedeck/core";
import type { JobContext, JobInput, JobStep } from "@tapedeck/core";
import type { Tx } from "../db.ts";

/** What a run tells the outside. The same in a worker thread, where it travels as messages. */
export type Emission =
  | { kind: "progress"; value: unknown }
  | {
      kind: "log";
      value: {
        level: "debug" | "info" | "warn" | "error";
        message: string;
        fields?: Record<string, unknown>;
      };
    }
  | { kind: "step"; value: JobStep }
  | { kind: "sentence"; value: { text: string; evidenceIds: string[] } }
  | { kind: "input"; value: JobInput };

/** The facts of one run; plain data. */
export interface RunFacts {
  jobId: string;
  tenantId: string;
  submittedBy: string;
  pickup: number;
  replayOf: string | null;
  seed: number;
}

export interface RunHooks {
  signal: AbortSignal;
  now: () => number;
  emit: (emission: Emission) => void;
  commit<T>(fn: (tx: Tx) => Promise<T>, options?: { once?: string }): Promise<T>;
}

export function createContext(facts: RunFacts, hooks: RunHooks): JobContext<unknown, Tx> {
  return {
    ...facts,
    signal: hooks.signal,
    now: () => hooks.now(),
    random: (stream) => seededRandom(facts.seed, stream),
    progress: (value) => hooks.emit({ kind: "progress", value }),
    log: (level, message, fields) =>
      hooks.emit({
        kind: "log",
        value: fields === undefined ? { level, message } : { level, message, fields },
      }),
    step: (value) => hooks.emit({ kind: "step", value }),
    sentence: (value) => hooks.emit({ kind: "sentence", value }),
    input: (value) => hooks.emit({ kind: "input", value }),
    commit: (fn, options) => hooks.commit(fn, options),
  };
}
