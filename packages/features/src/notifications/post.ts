import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { assertPublicHost, publicLookup } from "@tapedeck/core/publicHost";

/** Gives the status of the answer; nothing else of it matters. Rejects where nobody answers in time. */
export type Post = (url: string, headers: Record<string, string>, body: Buffer) => Promise<number>;

/** Calls addresses that people named: public ones only, unless private ones are allowed. */
export function createPost(options: { allowPrivate: boolean; timeoutMs: number }): Post {
  return (address, headers, body) =>
    new Promise((resolve, reject) => {
      const url = new URL(address);
      if (!options.allowPrivate) assertPublicHost(url.hostname);
      const call = (url.protocol === "https:" ? httpsRequest : httpRequest)(
        url,
        {
          method: "POST",
          headers: { "user-agent": "tapedeck", "content-length": body.length, ...headers },
          ...(options.allowPrivate ? {} : { lookup: publicLookup }),
          signal: AbortSignal.timeout(options.timeoutMs),
          agent: false,
        },
        (response) => {
          resolve(response.statusCode ?? 0);
          response.destroy();
        },
      );
      call.on("error", reject);
      call.end(body);
    });
}
