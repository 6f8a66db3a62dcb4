import type { JobEvent, JobService } from "./contract.ts";

const pageSize = 200;
const heartbeatMs = 15_000;

/** One event as it travels. */
export function sseText(event: JobEvent): string {
  return `id: ${event.id}\nevent: ${event.event}\ndata: ${JSON.stringify({ atMs: event.atMs, data: event.data })}\n\n`;
}

/** The sequence after which to go on, from `Last-Event-ID`; 0 where there is none. */
export function lastEventId(request: Request): number {
  const text = request.headers.get("last-event-id") ?? new URL(request.url).searchParams.get("lastEventId");
  return text !== null && /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
}

/**
 * A job's events from `afterId` on until its end. Rows are read a page at a time and only as fast as the reader takes
 * them, so that a slow reader costs no memory; while nothing happens a comment keeps the connection open. Without
 * `afterId` the present state goes first, as an event without an id.
 */
export function eventStream(options: {
  jobs: JobService;
  tenantId: string;
  id: string;
  afterId: number;
  signal: AbortSignal;
  /** Told once, however it ends. */
  onClose: () => void;
}): ReadableStream<Uint8Array> {
  const { jobs, tenantId, id } = options;
  const encoder = new TextEncoder();
  let last = options.afterId;
  let changed = true;
  let wake: () => void = () => {};
  let closed = false;
  const off = jobs.onEvent(id, () => {
    changed = true;
    wake();
  });
  const close = () => {
    if (closed) return;
    closed = true;
    off();
    options.onClose();
    options.signal.removeEventListener("abort", close);
    wake();
  };
  options.signal.addEventListener("abort", close, { once: true });
  if (options.signal.aborted) close();
  /** A stream that fails is never cancelled by its reader. */
  const orClose = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      close();
      throw error;
    }
  };

  const wait = () =>
    new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), heartbeatMs);
      wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
      if (changed || closed) wake();
    });

  const begin = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    if (options.afterId > 0) return;
    const job = await jobs.get(tenantId, id);
    const data = { state: job.state, progress: job.progress };
    controller.enqueue(
      encoder.encode(`retry: 1000\nevent: state\ndata: ${JSON.stringify({ atMs: job.createdMs, data })}\n\n`),
    );
  };
  const next = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    for (;;) {
      if (closed) return controller.close();
      if (changed) {
        changed = false;
        const events = await jobs.events(tenantId, id, last, pageSize);
        if (events.length > 0) {
          // There may be more than a page.
          changed = true;
          last = events.at(-1)!.id;
          controller.enqueue(encoder.encode(events.map(sseText).join("")));
          return;
        }
        const job = await jobs.get(tenantId, id);
        if (job.endedMs !== null && (await jobs.events(tenantId, id, last, 1)).length === 0) {
          close();
          return controller.close();
        }
      }
      if (!(await wait()) && !closed) {
        controller.enqueue(encoder.encode(": waiting\n\n"));
        return;
      }
    }
  };

  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => orClose(begin(controller)),
      pull: (controller) => orClose(next(controller)),
      cancel: close,
    },
    { highWaterMark: 1 },
  );
}
