import { AppError } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";

/**
 * An answer that goes on for long, such as an event stream, for as long as its caller may have it: `check` is asked
 * every `everyMs`, and once it says that the caller may not (401 or 403), the answer ends.
 */
export function endWhenRefused(
  answer: Response,
  options: { check: () => Promise<unknown>; everyMs: number; log: Log },
): Response {
  if (answer.body === null) return answer;
  const reader = answer.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const timer = setInterval(() => {
    options.check().catch((error: unknown) => {
      // A database that is away says nothing about the caller.
      if (!(error instanceof AppError) || (error.status !== 401 && error.status !== 403)) return;
      clearInterval(timer);
      options.log.info({ code: error.code }, "an open stream ends: its caller may not have it any more");
      void reader.cancel(error);
    });
  }, options.everyMs);
  timer.unref();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          clearInterval(timer);
          controller.close();
        } catch (error) {
          clearInterval(timer);
          throw error;
        }
      },
      async cancel(reason) {
        clearInterval(timer);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, answer);
}
