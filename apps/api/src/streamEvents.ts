import { AppError, errorCodes } from "@tapedeck/core";
import type { ErrorCode } from "@tapedeck/core";
import type { LiveEvents } from "@tapedeck/features/ticks/contract";

/** Headers that the stream needs of the client's request. */
const passed = ["authorization", "cookie", "last-event-id"];
const firstByteMs = 5_000;

/** The stream's refusal as this API's own error. */
async function refusal(answer: Response): Promise<AppError> {
  const problem = (await answer.json()) as { code?: string; detail?: string };
  const code = Object.keys(errorCodes).find((known) => known === problem.code) as ErrorCode | undefined;
  return new AppError(code ?? "service.unavailable", problem.detail ?? "The live stream does not answer.");
}

/** Asks the stream for its events with the caller's own credentials, which the stream checks again. */
export function createLiveEvents(options: { streamUrl: string }): LiveEvents {
  return {
    async open(request, address) {
      const headers = new Headers({ "x-forwarded-for": address });
      for (const name of passed) {
        const value = request.headers.get(name);
        if (value !== null) headers.set(name, value);
      }
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), firstByteMs);
      const url = `${options.streamUrl}/stream${new URL(request.url).search}`;
      const answer = await fetch(url, {
        headers,
        signal: AbortSignal.any([request.signal, late.signal]),
      }).catch((cause: unknown) => {
        throw new AppError("service.unavailable", "The live stream does not answer; try again shortly.", {
          retryable: true,
          cause,
        });
      });
      clearTimeout(timer);
      if (!answer.ok) throw await refusal(answer);
      return new Response(answer.body, {
        headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
      });
    },
  };
}
