import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { ApiContext } from "./context.ts";
import { answer } from "./headers.ts";

const gzipAsync = promisify(gzip);
const minGzipBytes = 1_024;

function acceptsGzip(c: ApiContext): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(c.req.header("accept-encoding") ?? "");
}

/** Weak: the compressed and the plain form share it. */
export function etagOf(text: string): string {
  return `W/"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`;
}

function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === "*") return true;
  const bare = etag.replace(/^W\//, "");
  return header.split(",").some((part) => part.trim().replace(/^W\//, "") === bare);
}

/** JSON with an ETag on reads (304 when the client has it), compressed from 1 KiB up. */
export async function respondJson(
  c: ApiContext,
  value: unknown,
  status: number,
  headers: Record<string, string> = {},
): Promise<Response> {
  const text = JSON.stringify(value);
  const isRead = c.req.method === "GET" || c.req.method === "HEAD";
  const all: Record<string, string> = {
    "content-type": "application/json; charset=utf-8",
    "cache-control": isRead ? "private, no-cache" : "no-store",
    ...headers,
  };
  if (isRead && status === 200) {
    const etag = etagOf(text);
    all["etag"] = etag;
    if (matches(c.req.header("if-none-match"), etag)) {
      delete all["content-type"];
      return answer(c, null, 304, all);
    }
  }
  if (text.length < minGzipBytes || !acceptsGzip(c)) return answer(c, text, status, all);
  const zipped = await gzipAsync(text, { level: 5 });
  return answer(c, new Uint8Array(zipped), status, {
    ...all,
    "content-encoding": "gzip",
    vary: "accept-encoding",
  });
}
