import { AppError, idCursor, newId, roleAllows } from "@tapedeck/core";
import type { Caller, Log, Role } from "@tapedeck/core";
import type { Kysely } from "kysely";
import type { Database } from "../db.ts";
import type { AuthService, Credential, RateLimiter, RequestOrigin, SignedIn, User } from "./contract.ts";
import { createCredentialCache } from "./cache.ts";
import { hashPassword, newSecret, passwordMatches, secretHash } from "./secrets.ts";
import * as store from "./store.ts";
import { createAccessTokens, lesserRole } from "./tokens.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** How long each thing lasts. */
export const lifetimes = {
  accessMs: 15 * minuteMs,
  /** Since its last rotation. */
  refreshMs: 30 * dayMs,
  /** However often it is refreshed. */
  tokenSessionMs: 90 * dayMs,
  cookieSessionMs: 7 * dayMs,
  linkMs: 10 * minuteMs,
};

/** Tries at one account's password: five at once, then one in twelve seconds. */
const passwordTries = { perSecond: 1 / 12, burst: 5 };

export interface AuthDeps {
  db: Kysely<Database>;
  jwtSecret: string;
  limiter: RateLimiter;
  now: () => number;
  log: Log;
}

type AuthedCaller = Omit<Caller, "requestId">;

const notValid = () =>
  new AppError("auth.invalid", "The credentials are not valid, have expired or were revoked; sign in again.");

function requireOperating(caller: Caller): void {
  if (caller.operating !== true)
    throw new AppError("auth.forbidden", "Only admins of the operating tenant may manage tenants.");
}

function requireRoleToGive(caller: Caller, role: Role): void {
  if (!roleAllows(caller.role, role))
    throw new AppError("auth.forbidden", `You are ${caller.role} and cannot give the role ${role}.`);
}

function userOf(caller: Caller): string {
  if (caller.kind !== "user")
    throw new AppError("auth.forbidden", "An API key has no password; sign in as a user to change one.");
  return caller.principalId;
}

function principalOf(caller: Caller): store.Principal {
  return caller.kind === "user"
    ? { userId: caller.principalId, keyId: null }
    : { userId: null, keyId: caller.principalId };
}

export function createAuthService(deps: AuthDeps): AuthService {
  const { db, now } = deps;
  const tokens = createAccessTokens(deps.jwtSecret, now);
  const cache = createCredentialCache<AuthedCaller>({ now, maxAgeMs: 5_000, maxEntries: 20_000 });
  let decoyHash: Promise<string> | undefined;

  function callerOfKey(row: store.KeyRow): AuthedCaller {
    const expired = row.expiresMs !== null && row.expiresMs <= now();
    if (row.revokedMs !== null || expired || row.tenantDisabledMs !== null || row.makerDisabledMs !== null)
      throw notValid();
    return {
      principalId: row.id,
      kind: "key",
      tenantId: row.tenantId,
      role: row.makerRole === null ? row.role : lesserRole(row.role, row.makerRole),
      operating: row.operating,
    };
  }

  async function callerOfSession(row: store.SessionRow | undefined): Promise<AuthedCaller> {
    if (
      row === undefined ||
      row.revokedMs !== null ||
      row.expiresMs <= now() ||
      row.tenantDisabledMs !== null
    )
      throw notValid();
    if (row.keyId !== null) {
      const key = await store.loadKeyById(db, row.keyId);
      if (key === undefined) throw notValid();
      return { ...callerOfKey(key), sessionId: row.id };
    }
    if (row.userRole === null || row.userDisabledMs !== null) throw notValid();
    return {
      principalId: row.userId!,
      kind: "user",
      tenantId: row.tenantId,
      role: row.userRole,
      operating: row.operating,
      sessionId: row.id,
    };
  }

  async function touchKey(row: store.KeyRow): Promise<void> {
    if (row.lastUsedMs !== null && row.lastUsedMs > now() - minuteMs) return;
    await db.updateTable("apiKeys").set({ lastUsedMs: now() }).where("id", "=", row.id).execute();
  }

  async function loadCaller(credential: Credential): Promise<AuthedCaller> {
    if (credential.kind === "key") {
      const row = await store.loadKeyByHash(db, secretHash(credential.secret));
      if (row === undefined) throw notValid();
      const caller = callerOfKey(row);
      await touchKey(row);
      return caller;
    }
    if (credential.kind === "cookie")
      return callerOfSession(await store.loadSessionByCookie(db, secretHash(credential.secret)));
    return callerOfSession(await store.loadSession(db, await tokens.sessionOf(credential.token)));
  }

  async function openSession(
    principal: store.Principal & { tenantId: string },
    kind: "token" | "cookie",
    origin: RequestOrigin,
  ): Promise<{ id: string; expiresMs: number; cookie: string | undefined }> {
    const at = now();
    const cookie = kind === "cookie" ? newSecret("cookie") : undefined;
    const session = {
      id: newId(at),
      tenantId: principal.tenantId,
      userId: principal.userId,
      keyId: principal.keyId,
      kind,
      secretHash: cookie === undefined ? null : secretHash(cookie),
      userAgent: origin.userAgent?.slice(0, 300) ?? null,
      address: origin.address ?? null,
      createdMs: at,
      expiresMs: at + (kind === "cookie" ? lifetimes.cookieSessionMs : lifetimes.tokenSessionMs),
      revokedMs: null,
    };
    await db.insertInto("sessions").values(session).execute();
    return { id: session.id, expiresMs: session.expiresMs, cookie };
  }

  async function issue(user: User, session: { id: string; expiresMs: number }): Promise<SignedIn> {
    const at = now();
    const accessExpiresMs = Math.min(at + lifetimes.accessMs, session.expiresMs);
    const refreshToken = newSecret("refresh");
    await db
      .insertInto("refreshTokens")
      .values({
        hash: secretHash(refreshToken),
        sessionId: session.id,
        createdMs: at,
        expiresMs: Math.min(at + lifetimes.refreshMs, session.expiresMs),
        usedMs: null,
      })
      .execute();
    return {
      accessToken: await tokens.issue(user.id, session.id, accessExpiresMs),
      refreshToken,
      tokenType: "Bearer",
      accessExpiresMs,
      sessionId: session.id,
      sessionExpiresMs: session.expiresMs,
      user,
    };
  }

  /** Also spends the time of a check where there is no such user, so that timing does not tell who exists. */
  async function userByPassword(email: string, password: string): Promise<User> {
    const tried = await deps.limiter.take(`password:${email}`, passwordTries);
    if (!tried.allowed)
      throw new AppError("rate.limited", "Too many tries with this account; wait before the next.", {
        retryable: true,
        details: { retryAfterMs: tried.retryAfterMs },
      });
    const row = await db.selectFrom("users").selectAll().where("email", "=", email).executeTakeFirst();
    decoyHash ??= hashPassword(newSecret("link"));
    const matches = await passwordMatches(row?.passwordHash ?? (await decoyHash), password);
    if (row === undefined || !matches || row.disabledMs !== null)
      throw new AppError("auth.invalid", "The e-mail address or the password is wrong.");
    return store.userView(row);
  }

  async function loadTenant(id: string) {
    const row = await db.selectFrom("tenants").selectAll().where("id", "=", id).executeTakeFirst();
    if (row === undefined) throw new AppError("resource.unknown", "There is no such tenant.");
    return row;
  }

  async function loadUserRow(caller: Caller, id: string) {
    const row = await db
      .selectFrom("users")
      .selectAll()
      .where("id", "=", id)
      .where("tenantId", "=", caller.tenantId)
      .executeTakeFirst();
    if (row === undefined) throw new AppError("resource.unknown", "There is no such user.");
    return row;
  }

  async function insertUser(
    target: Kysely<Database>,
    tenantId: string,
    input: { email: string; name: string; role: Role; password: string },
  ): Promise<User> {
    const row = await target
      .insertInto("users")
      .values({
        id: newId(now()),
        tenantId,
        email: input.email,
        name: input.name,
        role: input.role,
        passwordHash: await hashPassword(input.password),
        createdMs: now(),
        disabledMs: null,
      })
      .onConflict((conflict) => conflict.column("email").doNothing())
      .returningAll()
      .executeTakeFirst();
    if (row === undefined)
      throw new AppError("resource.conflict", "There is a user with this e-mail address already.");
    return store.userView(row);
  }

  /** A key made with a key does not outlive it. */
  async function keyExpiry(caller: Caller, inDays: number | undefined): Promise<number | null> {
    const own = inDays === undefined ? null : now() + inDays * dayMs;
    if (caller.kind !== "key") return own;
    const maker = await store.loadKeyById(db, caller.principalId);
    if (maker === undefined) throw notValid();
    if (maker.expiresMs === null) return own;
    return own === null ? maker.expiresMs : Math.min(own, maker.expiresMs);
  }

  return {
    authenticate(credential) {
      const secret = credential.kind === "access" ? credential.token : credential.secret;
      return cache.get(secretHash(credential.kind + secret), () => loadCaller(credential));
    },

    async login(input, origin) {
      const user = await userByPassword(input.email, input.password);
      const tenant = await loadTenant(user.tenantId);
      if (tenant.disabledMs !== null) throw new AppError("auth.invalid", "The tenant is disabled.");
      const principal = { userId: user.id, keyId: null, tenantId: user.tenantId };
      const session = await openSession(principal, input.session, origin);
      if (input.session === "token") return { signedIn: await issue(user, session), cookie: undefined };
      return {
        signedIn: { sessionId: session.id, sessionExpiresMs: session.expiresMs, user },
        cookie: session.cookie,
      };
    },

    async refresh(refreshToken) {
      const hash = secretHash(refreshToken);
      const spent = await db
        .updateTable("refreshTokens")
        .set({ usedMs: now() })
        .where("hash", "=", hash)
        .where("usedMs", "is", null)
        .returningAll()
        .executeTakeFirst();
      if (spent === undefined) {
        const known = await db
          .selectFrom("refreshTokens")
          .selectAll()
          .where("hash", "=", hash)
          .executeTakeFirst();
        if (known !== undefined) {
          await db
            .updateTable("sessions")
            .set({ revokedMs: now() })
            .where("id", "=", known.sessionId)
            .where("revokedMs", "is", null)
            .execute();
          cache.clear();
          deps.log.warn({ sessionId: known.sessionId }, "refresh token used twice, session revoked");
        }
        throw new AppError(
          "auth.invalid",
          "The refresh token is not valid or was used before; sign in again.",
        );
      }
      if (spent.expiresMs <= now()) throw notValid();
      const session = await store.loadSession(db, spent.sessionId);
      const caller = await callerOfSession(session);
      const row = await db
        .selectFrom("users")
        .selectAll()
        .where("id", "=", caller.principalId)
        .executeTakeFirstOrThrow();
      return issue(store.userView(row), session!);
    },

    async logout(caller) {
      if (caller.sessionId === undefined)
        throw new AppError("resource.conflict", "An API key has no session to end; revoke the key instead.");
      await db.updateTable("sessions").set({ revokedMs: now() }).where("id", "=", caller.sessionId).execute();
      cache.clear();
    },

    async me(caller) {
      const tenant = store.tenantView(await loadTenant(caller.tenantId));
      const user =
        caller.kind === "user" ? store.userView(await loadUserRow(caller, caller.principalId)) : null;
      const { principalId, kind, role } = caller;
      return { principalId, kind, tenant, role, sessionId: caller.sessionId ?? null, user };
    },

    async changePassword(caller, currentPassword, newPassword) {
      const row = await loadUserRow(caller, userOf(caller));
      await userByPassword(row.email, currentPassword);
      await db
        .updateTable("users")
        .set({ passwordHash: await hashPassword(newPassword) })
        .where("id", "=", row.id)
        .execute();
      await store.revokeUserSessions(db, row.id, now(), caller.sessionId);
      cache.clear();
    },

    async sessions(caller) {
      const rows = await store.loadLiveSessions(db, principalOf(caller), now());
      return rows.map((row) => store.sessionView(row, caller.sessionId));
    },

    async revokeSession(caller, id) {
      const principal = principalOf(caller);
      const { numUpdatedRows } = await db
        .updateTable("sessions")
        .set({ revokedMs: now() })
        .where("id", "=", id)
        .where("revokedMs", "is", null)
        .where((eb) =>
          principal.userId !== null ? eb("userId", "=", principal.userId) : eb("keyId", "=", principal.keyId),
        )
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw new AppError("resource.unknown", "You have no such live session.");
      cache.clear();
    },

    async createLink(caller) {
      const token = newSecret("link");
      const expiresMs = now() + lifetimes.linkMs;
      await db
        .insertInto("signInLinks")
        .values({
          hash: secretHash(token),
          tenantId: caller.tenantId,
          ...principalOf(caller),
          expiresMs,
          usedMs: null,
        })
        .execute();
      return { token, expiresMs };
    },

    async openLink(token, origin) {
      const link = await db
        .updateTable("signInLinks")
        .set({ usedMs: now() })
        .where("hash", "=", secretHash(token))
        .where("usedMs", "is", null)
        .where("expiresMs", ">", now())
        .returningAll()
        .executeTakeFirst();
      if (link === undefined)
        throw new AppError(
          "auth.invalid",
          "The sign-in link is not valid, has expired or was used before; ask for a new one.",
        );
      const session = await openSession(link, "cookie", origin);
      return { cookie: session.cookie!, expiresMs: session.expiresMs };
    },

    async keys(caller, page) {
      let query = db.selectFrom("apiKeys").selectAll().where("tenantId", "=", caller.tenantId);
      if (!roleAllows(caller.role, "admin")) query = query.where("createdBy", "=", caller.principalId);
      const before = idCursor(page.cursor);
      if (before !== undefined) query = query.where("id", "<", before);
      const rows = await query
        .orderBy("id", "desc")
        .limit(page.limit + 1)
        .execute();
      return store.pageFrom(rows, page.limit, store.keyView);
    },

    async createKey(caller, input) {
      requireRoleToGive(caller, input.role);
      const secret = newSecret("key");
      const at = now();
      const row = await db
        .insertInto("apiKeys")
        .values({
          id: newId(at),
          tenantId: caller.tenantId,
          name: input.name,
          prefix: secret.slice(0, 10),
          hash: secretHash(secret),
          role: input.role,
          createdBy: caller.principalId,
          bootstrap: false,
          createdMs: at,
          expiresMs: await keyExpiry(caller, input.expiresInDays),
          lastUsedMs: null,
          revokedMs: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return { key: store.keyView(row), secret };
    },

    async revokeKey(caller, id) {
      const revoked = await db.transaction().execute(async (tx) => {
        let query = tx
          .selectFrom("apiKeys")
          .select("id")
          .where("id", "=", id)
          .where("tenantId", "=", caller.tenantId)
          .where("revokedMs", "is", null);
        if (!roleAllows(caller.role, "admin")) query = query.where("createdBy", "=", caller.principalId);
        if ((await query.executeTakeFirst()) === undefined) return false;
        await store.revokeKeys(tx, await store.loadKeysBelow(tx, id), now());
        return true;
      });
      if (!revoked) throw new AppError("resource.unknown", "There is no such live key of yours.");
      cache.clear();
    },

    async users(caller, page) {
      let query = db.selectFrom("users").selectAll().where("tenantId", "=", caller.tenantId);
      const before = idCursor(page.cursor);
      if (before !== undefined) query = query.where("id", "<", before);
      const rows = await query
        .orderBy("id", "desc")
        .limit(page.limit + 1)
        .execute();
      return store.pageFrom(rows, page.limit, store.userView);
    },

    async user(caller, id) {
      return store.userView(await loadUserRow(caller, id));
    },

    async createUser(caller, input) {
      return insertUser(db, caller.tenantId, input);
    },

    async updateUser(caller, id, change) {
      const before = await loadUserRow(caller, id);
      if (id === caller.principalId && (change.disabled === true || change.role !== undefined))
        throw new AppError(
          "resource.conflict",
          "You cannot disable yourself or change your own role; ask another admin.",
        );
      const values = {
        name: change.name ?? before.name,
        role: change.role ?? before.role,
        passwordHash:
          change.password === undefined ? before.passwordHash : await hashPassword(change.password),
        disabledMs: change.disabled === undefined ? before.disabledMs : change.disabled ? now() : null,
      };
      const row = await db
        .updateTable("users")
        .set(values)
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirstOrThrow();
      if (change.disabled === true || change.role !== undefined || change.password !== undefined)
        await store.revokeUserSessions(db, id, now());
      cache.clear();
      return store.userView(row);
    },

    async tenants(caller, page) {
      let query = db.selectFrom("tenants").selectAll();
      if (caller.operating !== true) query = query.where("id", "=", caller.tenantId);
      const before = idCursor(page.cursor);
      if (before !== undefined) query = query.where("id", "<", before);
      const rows = await query
        .orderBy("id", "desc")
        .limit(page.limit + 1)
        .execute();
      return store.pageFrom(rows, page.limit, store.tenantView);
    },

    async createTenant(caller, input) {
      requireOperating(caller);
      return db.transaction().execute(async (tx) => {
        const at = now();
        const tenant = await tx
          .insertInto("tenants")
          .values({ id: newId(at), name: input.name, operating: false, createdMs: at, disabledMs: null })
          .onConflict((conflict) => conflict.column("name").doNothing())
          .returningAll()
          .executeTakeFirst();
        if (tenant === undefined)
          throw new AppError("resource.conflict", "There is a tenant with this name already.");
        const admin = await insertUser(tx, tenant.id, { ...input.admin, role: "admin" });
        return { tenant: store.tenantView(tenant), admin };
      });
    },

    async updateTenant(caller, id, change) {
      requireOperating(caller);
      const before = await loadTenant(id);
      if (before.operating && change.disabled === true)
        throw new AppError("resource.conflict", "The operating tenant cannot be disabled.");
      const row = await db
        .updateTable("tenants")
        .set({
          name: change.name ?? before.name,
          disabledMs: change.disabled === undefined ? before.disabledMs : change.disabled ? now() : null,
        })
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirstOrThrow();
      cache.clear();
      return store.tenantView(row);
    },
  };
}
