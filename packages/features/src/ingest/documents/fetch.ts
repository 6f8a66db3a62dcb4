import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { AppError } from "@tapedeck/core";
import { assertPublicHost, publicLookup } from "@tapedeck/core/publicHost";
import type { PageFetcher } from "./contract.ts";

const timeoutMs = 30_000;
const mostRedirects = 5;

const missing = (message: string, cause?: unknown) => new AppError("data.missing", message, { cause });

function get(url: URL, allowPrivate: boolean, signal: AbortSignal): Promise<IncomingMessage> {
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new AppError("payload.invalid", `${url.href} is not an address of http or https.`);
  }
  if (!allowPrivate) assertPublicHost(url.hostname);
  return new Promise((resolve, reject) => {
    const call = (url.protocol === "https:" ? httpsRequest : httpRequest)(
      url,
      {
        headers: { "user-agent": "tapedeck", "accept-encoding": "identity" },
        ...(allowPrivate ? {} : { lookup: publicLookup }),
        signal,
        agent: false,
      },
      resolve,
    );
    call.on("error", reject);
    call.end();
  });
}

async function bodyOf(response: IncomingMessage, url: URL, maxBytes: number): Promise<Uint8Array> {
  const refused = new AppError("payload.tooLarge", `${url.href} is larger than ${maxBytes} bytes.`);
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) throw refused;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > maxBytes) throw refused;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Redirects are followed, each to be judged like the first address. */
export function createPageFetcher(options: { allowPrivate: boolean }): PageFetcher {
  return async (address, { maxBytes, signal }) => {
    let url = new URL(address);
    const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    for (let redirects = 0; ; redirects++) {
      let response: IncomingMessage | undefined;
      try {
        response = await get(url, options.allowPrivate, until);
        const status = response.statusCode ?? 0;
        const location = response.headers.location;
        if (status >= 300 && status < 400 && location !== undefined) {
          if (redirects >= mostRedirects)
            throw missing(`${address} redirects more than ${mostRedirects} times.`);
          url = new URL(location, url);
          continue;
        }
        if (status !== 200) throw missing(`${url.href} answers ${status}.`);
        const encoding = /;\s*charset=["']?([\w.:-]+)/i.exec(response.headers["content-type"] ?? "")?.[1];
        return { bytes: await bodyOf(response, url, maxBytes), encoding };
      } catch (error) {
        if (error instanceof AppError) throw error;
        signal.throwIfAborted();
        throw missing(
          `${url.href} does not answer: ${error instanceof Error ? error.message : "no connection"}.`,
          error,
        );
      } finally {
        response?.destroy();
      }
    }
  };
}
