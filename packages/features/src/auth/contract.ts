import { defineCommand, defineQuery, Id, pageOf, PageQuery, Role } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import * as z from "zod";

/** Who a public route's handler sees when nobody is signed in: no tenant, least role. */
export const anonymous = {
  principalId: "anonymous",
  kind: "user",
  tenantId: "",
  role: "viewer",
} as const satisfies Omit<Caller, "requestId">;

const Email = z
  .email()
  .max(254)
  .transform((value) => value.toLowerCase())
  .meta({ description: "E-mail address; case does not matter", examples: ["ada@example.org"] });

const Password = z
  .string()
  .min(12)
  .max(200)
  .meta({ description: "12 to 200 characters", format: "password" });

const Name = z.string().trim().min(1).max(100);

export const User = z
  .object({
    id: Id,
    tenantId: Id,
    email: z.string(),
    name: z.string(),
    role: Role,
    createdMs: z.int(),
    disabledMs: z.int().nullable(),
  })
  .meta({ id: "User" });
export type User = z.output<typeof User>;

export const Tenant = z
  .object({
    id: Id,
    name: z.string(),
    /** The tenant that runs this deployment. */
    operating: z.boolean(),
    createdMs: z.int(),
    disabledMs: z.int().nullable(),
  })
  .meta({ id: "Tenant" });
export type Tenant = z.output<typeof Tenant>;

export const Session = z
  .object({
    id: Id,
    kind: z.enum(["token", "cookie"]),
    userAgent: z.string().nullable(),
    address: z.string().nullable(),
    createdMs: z.int(),
    expiresMs: z.int(),
    current: z.boolean(),
  })
  .meta({ id: "Session" });
export type Session = z.output<typeof Session>;

export const ApiKey = z
  .object({
    id: Id,
    name: z.string(),
    /** First characters, enough to tell keys apart. */
    prefix: z.string(),
    role: Role,
    createdBy: z.string(),
    createdMs: z.int(),
    expiresMs: z.int().nullable(),
    lastUsedMs: z.int().nullable(),
    revokedMs: z.int().nullable(),
  })
  .meta({ id: "ApiKey" });
export type ApiKey = z.output<typeof ApiKey>;

export const SignedIn = z
  .object({
    /** Absent from cookie sessions, whose secret is in the cookie alone. */
    accessToken: z.string().optional(),
    refreshToken: z.string().optional(),
    tokenType: z.literal("Bearer").optional(),
    accessExpiresMs: z.int().optional(),
    sessionId: Id,
    sessionExpiresMs: z.int(),
    user: User,
  })
  .meta({ id: "SignedIn" });
export type SignedIn = z.output<typeof SignedIn>;

export const Me = z
  .object({
    principalId: z.string(),
    kind: z.enum(["user", "key"]),
    tenant: Tenant,
    role: Role,
    sessionId: Id.nullable(),
    user: User.nullable(),
  })
  .meta({ id: "Me" });

const idParams = z.object({ id: Id });

export const authRoutes = {
  login: defineCommand({
    name: "login",
    method: "POST",
    path: "/auth/login",
    tag: "Sign-in",
    summary: "Sign in with e-mail and password: tokens, or a cookie session for browsers",
    role: "public",
    body: z
      .strictObject({
        email: Email,
        password: z.string().min(1).max(200).meta({ format: "password" }),
        session: z.enum(["token", "cookie"]).default("token"),
      })
      .meta({ id: "Login" }),
    response: SignedIn,
  }),
  refresh: defineCommand({
    name: "refresh",
    method: "POST",
    path: "/auth/refresh",
    tag: "Sign-in",
    summary: "Exchange a refresh token, once, for new tokens; a second use revokes the session",
    role: "public",
    body: z.strictObject({ refreshToken: z.string().min(10).max(200) }),
    response: SignedIn,
  }),
  logout: defineCommand({
    name: "logout",
    method: "POST",
    path: "/auth/logout",
    tag: "Sign-in",
    summary: "End the session that makes this request",
    role: "viewer",
  }),
  getMe: defineQuery({
    name: "getMe",
    path: "/auth/me",
    tag: "Sign-in",
    summary: "Who am I: principal, tenant, role",
    role: "viewer",
    response: Me,
  }),
  changePassword: defineCommand({
    name: "changePassword",
    method: "POST",
    path: "/auth/password",
    tag: "Sign-in",
    summary: "Change your own password; all your other sessions end",
    role: "viewer",
    body: z.strictObject({ currentPassword: z.string().min(1).max(200), newPassword: Password }),
  }),
  listSessions: defineQuery({
    name: "listSessions",
    path: "/auth/sessions",
    tag: "Sign-in",
    summary: "Your live sessions",
    role: "viewer",
    response: z.object({ items: z.array(Session) }),
  }),
  revokeSession: defineCommand({
    name: "revokeSession",
    method: "DELETE",
    path: "/auth/sessions/{id}",
    tag: "Sign-in",
    summary: "End one of your sessions",
    role: "viewer",
    params: idParams,
  }),
  createSignInLink: defineCommand({
    name: "createSignInLink",
    method: "POST",
    path: "/auth/links",
    tag: "Sign-in",
    summary: "A one-time address that signs a browser in as the caller, valid for ten minutes",
    role: "admin",
    response: z.object({ path: z.string(), url: z.string(), expiresMs: z.int() }),
    status: 201,
  }),
  openSignInLink: defineQuery({
    name: "openSignInLink",
    path: "/auth/link",
    tag: "Sign-in",
    summary: "Open a one-time address: sets the session cookie and redirects to the dashboard",
    role: "public",
    query: z.object({ token: z.string().min(10).max(200) }),
    raw: true,
    contentType: "text/html",
  }),

  listApiKeys: defineQuery({
    name: "listApiKeys",
    path: "/keys",
    tag: "Access",
    summary: "API keys: your own, or the tenant's for an admin",
    role: "viewer",
    query: PageQuery,
    response: pageOf(ApiKey),
  }),
  createApiKey: defineCommand({
    name: "createApiKey",
    method: "POST",
    path: "/keys",
    tag: "Access",
    summary:
      "Make an API key of your role or less; the secret is shown this once. One made with a key ends with that key",
    role: "viewer",
    body: z
      .strictObject({
        name: Name,
        role: Role,
        expiresInDays: z.int().min(1).max(3_650).optional(),
      })
      .meta({ id: "NewApiKey" }),
    response: z.object({ key: ApiKey, secret: z.string() }),
    status: 201,
  }),
  revokeApiKey: defineCommand({
    name: "revokeApiKey",
    method: "DELETE",
    path: "/keys/{id}",
    tag: "Access",
    summary: "Revoke an API key, every key that was made with it, and the sessions opened with them",
    role: "viewer",
    params: idParams,
  }),

  listUsers: defineQuery({
    name: "listUsers",
    path: "/users",
    tag: "Access",
    summary: "Users of the tenant",
    role: "admin",
    query: PageQuery,
    response: pageOf(User),
  }),
  createUser: defineCommand({
    name: "createUser",
    method: "POST",
    path: "/users",
    tag: "Access",
    summary: "Add a user to the tenant",
    role: "admin",
    body: z
      .strictObject({ email: Email, name: Name, role: Role, password: Password })
      .meta({ id: "NewUser" }),
    response: User,
    status: 201,
  }),
  getUser: defineQuery({
    name: "getUser",
    path: "/users/{id}",
    tag: "Access",
    summary: "One user of the tenant",
    role: "admin",
    params: idParams,
    response: User,
  }),
  updateUser: defineCommand({
    name: "updateUser",
    method: "PATCH",
    path: "/users/{id}",
    tag: "Access",
    summary:
      "Rename, give another role or password, disable or enable; a change of role or password, or disabling, ends the user's sessions",
    role: "admin",
    params: idParams,
    body: z
      .strictObject({
        name: Name.optional(),
        role: Role.optional(),
        password: Password.optional(),
        disabled: z.boolean().optional(),
      })
      .meta({ id: "UserChange" }),
    response: User,
  }),

  listTenants: defineQuery({
    name: "listTenants",
    path: "/tenants",
    tag: "Access",
    summary: "Tenants of the deployment (its own admins see all, others their own)",
    role: "admin",
    query: PageQuery,
    response: pageOf(Tenant),
  }),
  createTenant: defineCommand({
    name: "createTenant",
    method: "POST",
    path: "/tenants",
    tag: "Access",
    summary: "Add a tenant and its first admin (admins of the operating tenant only)",
    role: "admin",
    body: z
      .strictObject({
        name: Name,
        admin: z.strictObject({ email: Email, name: Name, password: Password }),
      })
      .meta({ id: "NewTenant" }),
    response: z.object({ tenant: Tenant, admin: User }),
    status: 201,
  }),
  updateTenant: defineCommand({
    name: "updateTenant",
    method: "PATCH",
    path: "/tenants/{id}",
    tag: "Access",
    summary: "Rename, disable or enable a tenant (admins of the operating tenant only)",
    role: "admin",
    params: idParams,
    body: z
      .strictObject({ name: Name.optional(), disabled: z.boolean().optional() })
      .meta({ id: "TenantChange" }),
    response: Tenant,
  }),
};

/** What a request shows to prove who sends it. */
export type Credential =
  | { kind: "key"; secret: string }
  | { kind: "access"; token: string }
  | { kind: "cookie"; secret: string };

export interface RequestOrigin {
  userAgent: string | undefined;
  address: string | undefined;
}

/** Sign-in and access, behind one interface for the API and its routes. */
export interface AuthService {
  /** Throws `auth.invalid`. Answers are kept for up to five seconds, so a revocation elsewhere takes that long. */
  authenticate(credential: Credential): Promise<Omit<Caller, "requestId">>;
  login(
    input: { email: string; password: string; session: "token" | "cookie" },
    origin: RequestOrigin,
  ): Promise<{ signedIn: SignedIn; cookie: string | undefined }>;
  refresh(refreshToken: string): Promise<SignedIn>;
  logout(caller: Caller): Promise<void>;
  me(caller: Caller): Promise<z.output<typeof Me>>;
  changePassword(caller: Caller, currentPassword: string, newPassword: string): Promise<void>;
  sessions(caller: Caller): Promise<Session[]>;
  revokeSession(caller: Caller, id: string): Promise<void>;
  createLink(caller: Caller): Promise<{ token: string; expiresMs: number }>;
  /** Spends the link; the secret of a new cookie session. */
  openLink(token: string, origin: RequestOrigin): Promise<{ cookie: string; expiresMs: number }>;
  keys(caller: Caller, page: { limit: number; cursor?: string | undefined }): Promise<Page<ApiKey>>;
  createKey(
    caller: Caller,
    input: { name: string; role: Role; expiresInDays?: number | undefined },
  ): Promise<{ key: ApiKey; secret: string }>;
  revokeKey(caller: Caller, id: string): Promise<void>;
  users(caller: Caller, page: { limit: number; cursor?: string | undefined }): Promise<Page<User>>;
  user(caller: Caller, id: string): Promise<User>;
  createUser(
    caller: Caller,
    input: { email: string; name: string; role: Role; password: string },
  ): Promise<User>;
  updateUser(
    caller: Caller,
    id: string,
    change: {
      name?: string | undefined;
      role?: Role | undefined;
      password?: string | undefined;
      disabled?: boolean | undefined;
    },
  ): Promise<User>;
  tenants(caller: Caller, page: { limit: number; cursor?: string | undefined }): Promise<Page<Tenant>>;
  createTenant(
    caller: Caller,
    input: { name: string; admin: { email: string; name: string; password: string } },
  ): Promise<{ tenant: Tenant; admin: User }>;
  updateTenant(
    caller: Caller,
    id: string,
    change: { name?: string | undefined; disabled?: boolean | undefined },
  ): Promise<Tenant>;
}

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** Requests per caller, counted over all replicas. */
export interface RateLimiter {
  /** Takes one token of `key`; when there is none, says how long to wait. */
  take(key: string, limit: RateLimit): Promise<{ allowed: true } | { allowed: false; retryAfterMs: number }>;
}

/** A token bucket: `burst` at once, refilled at `perSecond`. */
export interface RateLimit {
  perSecond: number;
  burst: number;
}
