import { AppError } from "@tapedeck/core";
import type { Bus, JobInput, Log } from "@tapedeck/core";
import type { Db } from "../db.ts";
import { createBatcher } from "./batcher.ts";
import type { Emission } from "./context.ts";
import type { JobEvent } from "./contract.ts";
import type { JobLimits } from "./domain.ts";
import { appendEvents, insertInputs, trimProgress } from "./store.ts";
import type { EventFlush } from "./store.ts";
import { cleanText, producedText } from "./text.ts";

/** Events of a run on their way to its rows: bounded, in order, written together with those of other runs. */
export interface Feed {
  emit: (emission: Emission) => void;
  /** Waits until all that was emitted is on disk, or this run has lost the job. */
  drain(): Promise<void>;
}

export interface FeedWriter {
  open: (run: { id: string; pickup: number; lost: () => void }) => Feed;
}

/** Between two writes of one run. */
const pauseMs = 100;
/** Inputs gathered for one write. */
const inputChunk = 1_000;
/** A run that reads more fails: lineage shows all or there is no result. */
const maxInputs = 100_000;
const keptProgress = 200;

export function createFeedWriter(options: {
  db: Db;
  bus: Bus;
  log: Log;
  limits: JobLimits;
  now: () => number;
}): FeedWriter {
  const { db, bus, limits } = options;
  const writes = createBatcher<EventFlush, boolean>({
    flush: async (flushes) => {
      const owned = await appendEvents(db, flushes);
      return flushes.map((flush) => owned.has(flush.id));
    },
    maxItems: 200,
    maxInFlight: 2,
    maxPending: 10_000,
    full: () => new AppError("service.unavailable", "Too many events are waiting to be stored."),
  });

  const dataOf = (emission: Emission): string => {
    const text = producedText(emission.value, emission.kind);
    if (Buffer.byteLength(text) <= limits.maxEventBytes) return text;
    if (emission.kind === "sentence") {
      throw new AppError("result.tooLarge", `A sentence is over ${limits.maxEventBytes} bytes.`);
    }
    if (emission.kind === "log") {
      const { level, message } = emission.value;
      return JSON.stringify({ level, message: cleanText(message.slice(0, 2_000)), truncated: true });
    }
    if (emission.kind === "step") {
      return JSON.stringify({ name: cleanText(emission.value.name), truncated: true });
    }
    throw new AppError("result.tooLarge", `Progress is over ${limits.maxEventBytes} bytes.`);
  };

  const open: FeedWriter["open"] = (run) => {
    let events: EventFlush["events"] = [];
    let progress: { text: string; atMs: number } | undefined;
    const counts = { log: 0, step: 0, sentence: 0, progress: 0 };
    let inputs = new Map<string, JobInput>();
    let inputCount = 0;
    let storing = Promise.resolve();
    let writing: Promise<void> | undefined;
    let timer: NodeJS.Timeout | undefined;
    let lost = false;

    const take = (): EventFlush => {
      const taken = events;
      if (progress !== undefined) {
        taken.push({ event: "progress", atMs: progress.atMs, data: progress.text });
        counts.progress++;
      }
      const flush = { id: run.id, pickup: run.pickup, progress: progress?.text ?? null, events: taken };
      events = [];
      progress = undefined;
      return flush;
    };

    const write = async (): Promise<void> => {
      const flush = take();
      if (flush.events.length === 0) return;
      let owned: boolean;
      try {
        owned = await writes.add(flush);
      } catch (error) {
        // Kept for the next write; the bounds on each kind hold.
        options.log.debug({ err: error, jobId: run.id }, "events could not be stored yet");
        events = [...flush.events.filter((event) => event.event !== "progress"), ...events];
        progress ??= flush.progress === null ? undefined : { text: flush.progress, atMs: options.now() };
        throw error;
      }
      if (!owned) {
        lost = true;
        run.lost();
        return;
      }
      bus.publish("job", run.id);
      if (counts.progress < 2 * keptProgress) return;
      counts.progress = keptProgress;
      await trimProgress(db, run.id, keptProgress).catch((error: unknown) => {
        options.log.debug({ err: error, jobId: run.id }, "old progress stays for now");
      });
    };

    /** Stores the inputs gathered so far; those of a write that failed are gathered again. */
    const storeInputs = () => {
      storing = storing
        .catch(() => undefined)
        .then(async () => {
          const taken = inputs;
          inputs = new Map();
          try {
            await insertInputs(db, run.id, [...taken.values()]);
          } catch (error) {
            inputs = new Map([...taken, ...inputs]);
            throw error;
          }
        });
      storing.catch(() => undefined);
      return storing;
    };

    const schedule = (afterMs: number) => {
      if (timer !== undefined || writing !== undefined || lost) return;
      timer = setTimeout(() => {
        timer = undefined;
        writing = write()
          .catch(() => undefined)
          .finally(() => {
            writing = undefined;
            if (events.length > 0 || progress !== undefined) schedule(pauseMs);
          });
      }, afterMs);
    };

    const push = (event: JobEvent["event"], data: string) => {
      events.push({ event, atMs: options.now(), data });
      schedule(event === "sentence" || event === "step" ? 0 : pauseMs);
    };

    return {
      emit(emission) {
        if (lost) return;
        if (emission.kind === "input") {
          const key = `${emission.value.kind} ${emission.value.ref}`;
          if (inputs.has(key)) return;
          if (++inputCount > maxInputs) {
            throw new AppError("result.tooLarge", `A job reads at most ${maxInputs} inputs.`);
          }
          inputs.set(key, emission.value);
          if (inputs.size === inputChunk) void storeInputs();
          return;
        }
        if (emission.kind === "progress") {
          progress = { text: dataOf(emission), atMs: options.now() };
          schedule(pauseMs);
          return;
        }
        const count = ++counts[emission.kind];
        if (count <= limits.maxEvents) return push(emission.kind, dataOf(emission));
        if (emission.kind === "sentence") {
          throw new AppError("result.tooLarge", `An answer has at most ${limits.maxEvents} sentences.`);
        }
        if (count === limits.maxEvents + 1) {
          const message = `More than ${limits.maxEvents} ${emission.kind} events: the rest is not kept.`;
          push("log", JSON.stringify({ level: "warn", message }));
        }
      },
      async drain() {
        clearTimeout(timer);
        timer = undefined;
        await writing;
        clearTimeout(timer);
        timer = undefined;
        if (!lost && (events.length > 0 || progress !== undefined)) await write();
        await storing.catch(() => undefined);
        if (inputs.size > 0) await storeInputs();
      },
    };
  };
  return { open };
}
