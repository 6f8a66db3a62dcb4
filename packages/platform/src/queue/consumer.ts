import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "@tapedeck/core";
import type {
  ConsumeOptions,
  DeliveryHandler,
  DeliveryOutcome,
  Log,
  QueueConsumer,
  QueueName,
} from "@tapedeck/core";
import { WaitingError } from "bullmq";
import type { Job } from "bullmq";
import { within } from "./backend.ts";
import type { BuiltWorker, QueueBackend } from "./backend.ts";
import { createSlots } from "./slots.ts";

interface Delivery {
  id: string;
  controller: AbortController;
}

/** A handed-back delivery comes again at once; this keeps one that nobody can take now from spinning. */
const handBackPauseMs = 250;
/** More errors than this within a second pause the worker: BullMQ itself would try again without a break. */
const errorBurst = 5;
const errorPauseMs = 500;
const errorLogMs = 5_000;

export function startConsumer(
  backend: QueueBackend,
  queue: QueueName,
  options: ConsumeOptions,
  process: DeliveryHandler,
  log: Log,
): QueueConsumer {
  const deliveries = new Set<Delivery>();
  const closed = new AbortController();
  let draining = false;
  let idle: (() => void) | undefined;
  let built: BuiltWorker | undefined;
  let errors = 0;
  let unlogged = 0;
  let lastLogged = 0;
  const slots = createSlots(options.concurrency, (deliveries) => {
    if (built !== undefined) built.worker.concurrency = deliveries;
  });

  async function decide(job: Job, delivery: Delivery, worked: () => void): Promise<DeliveryOutcome> {
    const { traceParent } = job.data as { traceParent?: string };
    try {
      return await process(
        traceParent === undefined ? { id: delivery.id } : { id: delivery.id, traceParent },
        delivery.controller.signal,
        worked,
      );
    } catch (error) {
      // The contract forbids it; a delivery must not be lost to a defect.
      log.error({ queue, jobId: delivery.id, err: error }, "the delivery handler threw");
      await sleep(1_000, undefined, { signal: closed.signal }).catch(() => undefined);
      return "requeue";
    }
  }

  /**
   * When this fails the lock runs out and the delivery comes again that way; saying anything else to BullMQ would
   * drop it.
   */
  async function handBack(job: Job, token: string | undefined): Promise<void> {
    try {
      await within(2_000, job.moveToWait(token), "handing back");
      await within(1_000, backend.wake(queue), "waking another worker");
    } catch (error) {
      log.warn(
        { queue, jobId: job.id, err: error },
        "a job was not handed back; it comes again when its lock runs out",
      );
    }
  }

  async function deliver(job: Job, token: string | undefined): Promise<void> {
    const delivery: Delivery = { id: job.id!, controller: new AbortController() };
    deliveries.add(delivery);
    try {
      const slot = await slots.take();
      if (slot !== undefined) {
        const outcome = await decide(job, delivery, slot.leave);
        if (outcome === "requeue" && !draining)
          await sleep(handBackPauseMs, undefined, { signal: closed.signal }).catch(() => undefined);
        slot.leave();
        if (outcome === "done") return;
      }
      await handBack(job, token);
      throw new WaitingError();
    } finally {
      deliveries.delete(delivery);
      if (deliveries.size === 0) idle?.();
    }
  }

  function onError(error: Error): void {
    errors++;
    unlogged++;
    const now = performance.now();
    if (lastLogged === 0 || now - lastLogged > errorLogMs) {
      log.warn({ queue, error: error.message, count: unlogged }, "the queue reports errors");
      lastLogged = now;
      unlogged = 0;
    }
    const worker = built?.worker;
    if (errors <= errorBurst || worker === undefined || worker.isPaused() || draining) return;
    void worker.pause(true).catch(() => undefined);
    setTimeout(() => {
      errors = 0;
      if (!draining) void worker.resume().catch(() => undefined);
    }, errorPauseMs).unref();
  }

  const calm = setInterval(() => (errors = 0), 1_000);
  calm.unref();

  async function start(): Promise<void> {
    for (;;) {
      if (draining) return;
      try {
        const made = await backend.worker(queue, deliver, { ...options, signal: closed.signal, onError });
        if (closed.signal.aborted) {
          await made.worker.close(true).catch(() => undefined);
          made.discard();
          return;
        }
        built = made;
        made.worker.on("lockRenewalFailed", (ids: string[]) => {
          for (const id of ids) abort(id, lostLock());
        });
        await made.worker.run();
        // It also ends when an error pause finds nothing active; resuming starts it again.
        return;
      } catch (error) {
        if (draining) return;
        built = undefined;
        log.warn({ queue, err: error }, "the queue cannot be consumed yet; trying again");
        await sleep(1_000, undefined, { signal: closed.signal }).catch(() => undefined);
      }
    }
  }

  function abort(id: string, reason: unknown): boolean {
    let found = false;
    for (const delivery of deliveries) {
      if (delivery.id !== id) continue;
      delivery.controller.abort(reason);
      found = true;
    }
    return found;
  }

  async function untilIdle(timeoutMs: number): Promise<boolean> {
    if (deliveries.size === 0) return true;
    const ended = new Promise<boolean>((resolve) => (idle = () => resolve(true)));
    return await Promise.race([ended, sleep(Math.max(0, timeoutMs), false, { ref: false })]);
  }

  async function close(deadlineMs: number): Promise<void> {
    if (draining) return;
    draining = true;
    slots.close();
    clearInterval(calm);
    const deadline = performance.now() + deadlineMs;
    const left = () => Math.max(0, deadline - performance.now());
    void built?.worker.pause(true).catch(() => undefined);
    // The last part of the time is for those that have to be told.
    const margin = Math.min(3_000, deadlineMs / 2);
    if (!(await untilIdle(deadlineMs - margin))) {
      for (const { controller } of deliveries) controller.abort(stopping());
      await untilIdle(left() - Math.min(500, margin / 4));
    }
    closed.abort();
    if (built === undefined) return;
    const { worker, discard } = built;
    // With the server away BullMQ's close never returns.
    await within(Math.max(50, left()), worker.close(), "closing the worker").catch(() => undefined);
    discard();
  }

  const running = start();
  running.catch((error: unknown) => log.error({ queue, err: error }, "the consumer ended"));
  return { abort, running: () => [...new Set([...deliveries].map(({ id }) => id))], close };
}

function lostLock(): AppError {
  return new AppError(
    "job.fenced",
    "The delivery's lock could not be renewed; another worker may have the job.",
  );
}

function stopping(): AppError {
  return new AppError("service.unavailable", "The worker is stopping; the job is handed back.", {
    retryable: true,
  });
}
