import type { MessagePort } from "node:worker_threads";
import { AppError } from "@tapedeck/core";
import { createCommit } from "@tapedeck/features/jobs/commit";
import { createContext } from "@tapedeck/features/jobs/context";
import type { AnyHandler } from "@tapedeck/features/jobs/runtime";
import type { Deps } from "@tapedeck/features/deps";
import type { SeriesDataset, SeriesReader } from "@tapedeck/features/series/contract";
import { fromThreadError, toThreadError } from "./messages.ts";
import type { DatasetAsk, FromThread, ToThread } from "./messages.ts";

/** The inside of a worker thread: runs handlers as it is told, with a context whose emissions travel as messages. */
export function serveThread(options: {
  port: MessagePort;
  handlers: Record<string, AnyHandler>;
  deps: Deps;
  now: () => number;
}): void {
  const { port, handlers, deps } = options;
  const runs = new Map<number, AbortController>();
  const asks = new Map<
    number,
    { resolve: (dataset: SeriesDataset) => void; reject: (error: unknown) => void }
  >();
  let nextAsk = 1;
  const send = (message: FromThread) => port.postMessage(message);

  const ask = (what: DatasetAsk) =>
    new Promise<SeriesDataset>((resolve, reject) => {
      const askId = nextAsk++;
      asks.set(askId, { resolve, reject });
      send({ kind: "ask", askId, what });
    });
  const series: SeriesReader = {
    resolve: (tenantId, ref) => deps.series.resolve(tenantId, ref),
    coverage: (tenantId, instrumentId) => deps.series.coverage(tenantId, instrumentId),
    actions: (tenantId, instrumentId, asOfMs) => deps.series.actions(tenantId, instrumentId, asOfMs),
    revisions: (request) => deps.series.revisions(request),
    instruments: (tenantId) => deps.series.instruments(tenantId),
    dataset: (request) => ask({ by: "request", request }),
    byHash: (hash) => ask({ by: "hash", hash }),
  };
  const threadDeps: Deps = { ...deps, series };

  const run = async (message: Extract<ToThread, { kind: "run" }>) => {
    const { runId, facts } = message;
    const controller = new AbortController();
    runs.set(runId, controller);
    try {
      const handler = handlers[message.type];
      if (handler === undefined) {
        throw new AppError("internal", `This worker has no handler for ${message.type} jobs; update it.`, {
          retryable: true,
        });
      }
      const ctx = createContext(facts, {
        signal: controller.signal,
        now: options.now,
        emit: (emission) => send({ kind: "emit", runId, emission }),
        commit: createCommit(deps.db, facts.jobId, facts.pickup, controller.signal),
      });
      const result = await handler(threadDeps, message.payload as never, ctx as never);
      send({ kind: "done", runId, result });
    } catch (error) {
      send({ kind: "failed", runId, error: toThreadError(error) });
    } finally {
      runs.delete(runId);
    }
  };

  port.on("message", (message: ToThread) => {
    if (message.kind === "run") void run(message);
    else if (message.kind === "abort") runs.get(message.runId)?.abort(fromThreadError(message.error));
    else {
      const waiting = asks.get(message.askId);
      asks.delete(message.askId);
      if (message.kind === "dataset") waiting?.resolve(message.dataset);
      else waiting?.reject(fromThreadError(message.error));
    }
  });
  send({ kind: "ready" });
}
