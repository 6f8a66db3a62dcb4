import type { MiddlewareHandler } from "hono";
import type { ApiContext, ApiEnv } from "./context.ts";

/** Scripts and styles from this server alone; data: images are for the charts. `'unsafe-inline'` styles are what the charting and docs libraries write. */
const contentPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "font-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const always: Record<string, string> = {
  "content-security-policy": contentPolicy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
};

const exposed = "Location, ETag, Retry-After, X-Request-Id, Idempotency-Replayed, Preference-Applied";

/**
 * An answer of known text, with its own headers and those of every answer in one plain object: setting them one by
 * one on a `Headers` costs more than all else that a small request needs.
 */
export function answer(
  c: ApiContext,
  body: string | Uint8Array<ArrayBuffer> | null,
  status: number,
  own: Record<string, string>,
): Response {
  const shared = c.get("answerHeaders");
  const headers = { ...shared, ...own };
  if (shared["vary"] !== undefined && own["vary"] !== undefined)
    headers["vary"] = `${shared["vary"]}, ${own["vary"]}`;
  const response = new Response(body, { status, headers });
  c.set("headed", response);
  return response;
}

/** Security headers on every answer, and CORS for the origins that are named. Cookies never go cross-origin: other sites use tokens. */
export function secureHeaders(corsOrigins: readonly string[]): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const origin = c.req.header("origin");
    const allowed = origin !== undefined && corsOrigins.includes(origin);
    if (
      allowed &&
      c.req.method === "OPTIONS" &&
      c.req.header("access-control-request-method") !== undefined
    ) {
      return c.body(null, 204, {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
        "access-control-allow-headers":
          "Authorization, Content-Type, Idempotency-Key, Prefer, Last-Event-ID, If-None-Match",
        "access-control-max-age": "600",
        "x-request-id": c.get("requestId"),
        vary: "Origin",
      });
    }
    const shared: Record<string, string> = { ...always, "x-request-id": c.get("requestId") };
    if (c.req.url.startsWith("https:"))
      shared["strict-transport-security"] = "max-age=31536000; includeSubDomains";
    if (allowed) {
      shared["access-control-allow-origin"] = origin;
      shared["access-control-expose-headers"] = exposed;
      shared["vary"] = "Origin";
    }
    c.set("answerHeaders", shared);
    await next();
    if (c.get("headed") === c.res) return undefined;
    const { headers } = c.res;
    for (const name in shared)
      if (name === "vary") headers.append(name, shared[name]!);
      else headers.set(name, shared[name]!);
    return undefined;
  };
}
