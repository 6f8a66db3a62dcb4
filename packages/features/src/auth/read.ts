import { AppError } from "@tapedeck/core";
import type { Caller, RouteHandlersFor } from "@tapedeck/core";
import type { AuthService, authRoutes, RequestOrigin } from "./contract.ts";
import { lifetimes } from "./service.ts";

type Deps = { auth: AuthService };

export const sessionCookie = "tapedeck_session";
const cookieMaxAgeS = lifetimes.cookieSessionMs / 1_000;

function originOf(request: Request, caller: Caller): RequestOrigin {
  return { userAgent: request.headers.get("user-agent") ?? undefined, address: caller.address };
}

/** httpOnly keeps it from scripts, SameSite=Strict from other sites' requests. */
function cookieHeader(request: Request, secret: string, maxAgeS: number): string {
  const secure = new URL(request.url).protocol === "https:" ? "; Secure" : "";
  return `${sessionCookie}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secure}`;
}

/** For a browser that opens a sign-in link a second time, or too late. */
const spentLinkPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tapedeck: this link was used before</title>
<h1>This link was used before, or is older than ten minutes</h1>
<p>A sign-in link works once. If it signed this browser in, <a href="/">open the dashboard</a>.
<p>For a new link, run this in Tapedeck's folder, and open the address that it prints:
<pre>npx tapedeck link</pre>
</html>
`;

function isPageWanted(request: Request): boolean {
  return (request.headers.get("accept") ?? "").includes("text/html");
}

export const authRouteHandlers = {
  async login({ auth }, { body, request }, caller) {
    const { signedIn, cookie } = await auth.login(body, originOf(request, caller));
    if (cookie === undefined) return signedIn;
    return Response.json(signedIn, {
      headers: { "set-cookie": cookieHeader(request, cookie, cookieMaxAgeS) },
    });
  },
  refresh: ({ auth }, { body }) => auth.refresh(body.refreshToken),
  async logout({ auth }, { request }, caller) {
    await auth.logout(caller);
    return new Response(null, { status: 204, headers: { "set-cookie": cookieHeader(request, "", 0) } });
  },
  getMe: ({ auth }, _input, caller) => auth.me(caller),
  changePassword: ({ auth }, { body }, caller) =>
    auth.changePassword(caller, body.currentPassword, body.newPassword),
  listSessions: async ({ auth }, _input, caller) => ({ items: await auth.sessions(caller) }),
  revokeSession: ({ auth }, { params }, caller) => auth.revokeSession(caller, params.id),
  async createSignInLink({ auth }, { request }, caller) {
    const { token, expiresMs } = await auth.createLink(caller);
    const path = `/api/auth/link?token=${token}`;
    return { path, url: new URL(path, request.url).href, expiresMs };
  },
  async openSignInLink({ auth }, { query, request }, caller) {
    try {
      const { cookie } = await auth.openLink(query.token, originOf(request, caller));
      return new Response(null, {
        status: 303,
        headers: { location: "/", "set-cookie": cookieHeader(request, cookie, cookieMaxAgeS) },
      });
    } catch (error) {
      const spent = error instanceof AppError && error.code === "auth.invalid";
      if (!spent || !isPageWanted(request)) throw error;
      return new Response(spentLinkPage, {
        status: error.status,
        headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
      });
    }
  },
  listApiKeys: ({ auth }, { query }, caller) => auth.keys(caller, query),
  createApiKey: ({ auth }, { body }, caller) => auth.createKey(caller, body),
  revokeApiKey: ({ auth }, { params }, caller) => auth.revokeKey(caller, params.id),
  listUsers: ({ auth }, { query }, caller) => auth.users(caller, query),
  createUser: ({ auth }, { body }, caller) => auth.createUser(caller, body),
  getUser: ({ auth }, { params }, caller) => auth.user(caller, params.id),
  updateUser: ({ auth }, { params, body }, caller) => auth.updateUser(caller, params.id, body),
  listTenants: ({ auth }, { query }, caller) => auth.tenants(caller, query),
  createTenant: ({ auth }, { body }, caller) => auth.createTenant(caller, body),
  updateTenant: ({ auth }, { params, body }, caller) => auth.updateTenant(caller, params.id, body),
} satisfies RouteHandlersFor<typeof authRoutes, Deps>;
