import { AppError } from "@tapedeck/core";

/** Of a job whose contract states none. */
export const defaultMaxPayloadBytes = 1_048_576;

/** A JSON body that takes longer than this to arrive is given up. */
const bodyTimeoutMs = 30_000;

function tooLarge(maxBytes: number): AppError {
  return new AppError(
    "payload.tooLarge",
    `The body is larger than ${maxBytes} bytes, which is the limit here.`,
    {
      details: { maxBytes },
    },
  );
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const declared = Number(request.headers.get("content-length") ?? Number.NaN);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  // HTTP framing bounds a body of declared length; only one without is counted as it comes.
  if (!Number.isNaN(declared)) return request.text();
  if (request.body === null) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function inTime(reading: Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        reject(
          new AppError("request.malformed", `The body did not arrive within ${bodyTimeoutMs / 1_000} s.`),
        ),
      bodyTimeoutMs,
    );
    reading.then(
      (text) => {
        clearTimeout(timer);
        resolve(text);
      },
      (cause: unknown) => {
        clearTimeout(timer);
        reject(
          cause instanceof AppError
            ? cause
            : new AppError("request.malformed", "The body ended too early or is not UTF-8.", { cause }),
        );
      },
    );
  });
}

/** The request's JSON; an empty body is undefined. Throws `request.malformed` and `payload.tooLarge`. */
export async function readJson(request: Request, maxBytes: number): Promise<unknown> {
  const text = await inTime(readText(request, maxBytes));
  if (text.length === 0) return undefined;
  const type = request.headers.get("content-type") ?? "application/json";
  if (!/^application\/([\w.+-]+\+)?json\b/i.test(type))
    throw new AppError("request.malformed", `The body must be application/json, not ${type.slice(0, 80)}.`);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "";
    throw new AppError("request.malformed", `The body is not JSON: ${reason}`);
  }
}
