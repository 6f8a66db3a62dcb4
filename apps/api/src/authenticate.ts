import { AppError, roleAllows } from "@tapedeck/core";
import type { Caller, Role } from "@tapedeck/core";
import { anonymous } from "@tapedeck/features/auth/contract";
import type { AuthService, Credential } from "@tapedeck/features/auth/contract";
import { sessionCookie } from "@tapedeck/features/auth/read";
import { getCookie } from "hono/cookie";
import type { ApiContext } from "./context.ts";

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

function credentialOf(c: ApiContext): Credential | undefined {
  const header = c.req.header("authorization");
  if (header !== undefined) {
    const match = /^Bearer +(\S{1,4000})$/i.exec(header);
    if (match === null)
      throw new AppError(
        "auth.invalid",
        'The Authorization header must be "Bearer" and a token or an API key.',
      );
    const secret = match[1]!;
    return secret.split(".").length === 3 ? { kind: "access", token: secret } : { kind: "key", secret };
  }
  const cookie = getCookie(c, sessionCookie);
  return cookie === undefined || cookie === "" ? undefined : { kind: "cookie", secret: cookie };
}

/** A cookie goes along with whatever a page asks for; so a change must come from a page of ours. */
function refuseCrossSite(c: ApiContext): void {
  if (safeMethods.has(c.req.method)) return;
  const site = c.req.header("sec-fetch-site");
  const origin = c.req.header("origin");
  const ownHost = c.req.header("host") ?? new URL(c.req.url).host;
  const fromOurs =
    site === "same-origin" ||
    (site === undefined && origin !== undefined && URL.canParse(origin) && new URL(origin).host === ownHost);
  if (!fromOurs)
    throw new AppError(
      "auth.forbidden",
      "A change made with the session cookie must come from a page of this server.",
    );
}

/** The caller of this request, once; undefined where it shows no credentials. */
export async function callerOf(c: ApiContext, auth: AuthService): Promise<Caller | undefined> {
  if (c.get("caller") !== undefined) return c.get("caller");
  const credential = credentialOf(c);
  if (credential === undefined) return undefined;
  if (credential.kind === "cookie") refuseCrossSite(c);
  const found = await auth.authenticate(credential);
  const caller: Caller = { ...found, requestId: c.get("requestId") };
  const address = c.get("address");
  if (address !== undefined) caller.address = address;
  c.set("caller", caller);
  return caller;
}

/** Throws unless the credentials of this request still stand for the same caller, and for one who may use the route. */
export async function checkAgain(
  c: ApiContext,
  auth: AuthService,
  route: { role: Role | "public"; scope?: "tenant" | undefined },
  caller: Caller,
): Promise<void> {
  const credential = credentialOf(c);
  if (credential === undefined) return;
  requireRole({ ...caller, ...(await auth.authenticate(credential)) }, route, caller.requestId);
}

/** Throws `auth.required` or `auth.forbidden`. What needs role `operator` is the deployment's unless `scope` says otherwise: callers of other tenants do not pass. */
export function requireRole(
  caller: Caller | undefined,
  { role, scope }: { role: Role | "public"; scope?: "tenant" | undefined },
  requestId: string,
): Caller {
  if (role === "public") return caller ?? { ...anonymous, requestId };
  if (caller === undefined)
    throw new AppError("auth.required", "Send an API key or an access token as a Bearer token, or sign in.");
  if (!roleAllows(caller.role, role))
    throw new AppError("auth.forbidden", `This needs the role ${role}; you are ${caller.role}.`);
  if (role === "operator" && scope !== "tenant" && caller.operating !== true)
    throw new AppError("auth.forbidden", "Only callers of the operating tenant may do this.");
  return caller;
}
