import type { IncomingHttpHeaders } from "node:http";
import { AppError } from "@tapedeck/core";
import type { Credential } from "@tapedeck/features/auth/contract";
import { sessionCookie } from "@tapedeck/features/auth/read";

function cookieOf(header: string | undefined): string | undefined {
  for (const pair of header?.split(";") ?? []) {
    const at = pair.indexOf("=");
    if (pair.slice(0, at).trim() !== sessionCookie) continue;
    const value = pair
      .slice(at + 1)
      .trim()
      .replaceAll('"', "");
    if (value !== "" && value.length <= 4_000) return value;
  }
  return undefined;
}

/**
 * The credentials of a request, as the API takes them. A browser sends its cookie along with whatever page opens a
 * WebSocket: so for a socket a cookie counts only when the page is of this server. What a plain request answers, another
 * site's page cannot read.
 */
export function credentialOf(headers: IncomingHttpHeaders, isSocket: boolean): Credential {
  const { authorization } = headers;
  if (authorization !== undefined) {
    const match = /^Bearer +(\S{1,4000})$/i.exec(authorization);
    if (match === null)
      throw new AppError(
        "auth.invalid",
        'The Authorization header must be "Bearer" and a token or an API key.',
      );
    const secret = match[1]!;
    return secret.split(".").length === 3 ? { kind: "access", token: secret } : { kind: "key", secret };
  }
  const secret = cookieOf(headers.cookie);
  if (secret === undefined)
    throw new AppError("auth.required", "Send an API key or an access token as a Bearer token, or sign in.");
  const { origin, host } = headers;
  if (!isSocket) return { kind: "cookie", secret };
  const isOurs = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
  if (!isOurs)
    throw new AppError(
      "auth.forbidden",
      "A WebSocket with the session cookie must be opened by a page of this server.",
    );
  return { kind: "cookie", secret };
}
