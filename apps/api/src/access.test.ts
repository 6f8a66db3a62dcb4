import { insertNotification } from "@tapedeck/features/notifications/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiFixture } from "./fixture.ts";
import type { ApiFixture } from "./fixture.ts";

let api: ApiFixture;
beforeAll(async () => {
  api = await apiFixture({ recheckMs: 50 });
});
afterAll(() => api.close());

const json = async (response: Response) => (await response.json()) as Record<string, never>;

describe("sign-in", () => {
  test("a user signs in, is known by the access token, and a wrong password is refused", async () => {
    const ada = await api.user("analyst");
    const me = await api.call("GET", "/api/auth/me", { token: ada.accessToken });
    expect(me.status).toBe(200);
    expect(await me.json()).toMatchObject({ kind: "user", role: "analyst", principalId: ada.id });
    const wrong = await api.call("POST", "/api/auth/login", {
      body: { email: ada.email, password: "something else" },
    });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("content-type")).toBe("application/problem+json");
    expect(await wrong.json()).toMatchObject({
      code: "auth.invalid",
      status: 401,
      instance: "/api/auth/login",
    });
  });

  test("an account's password may be tried five times at once, then the caller must wait", async () => {
    const ada = await api.user("viewer");
    const statuses: number[] = [];
    for (let i = 0; i < 6; i++) {
      const tried = await api.call("POST", "/api/auth/login", {
        body: { email: ada.email, password: "not this one" },
      });
      statuses.push(tried.status);
      if (tried.status === 429) expect(Number(tried.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429]);
  });

  test("a refresh token works once; its second use ends the session", async () => {
    const ada = await api.user("viewer");
    const first = await api.call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } });
    expect(first.status).toBe(200);
    const next = (await first.json()) as { accessToken: string; refreshToken: string };
    expect((await api.call("GET", "/api/auth/me", { token: next.accessToken })).status).toBe(200);
    const again = await api.call("POST", "/api/auth/refresh", { body: { refreshToken: ada.refreshToken } });
    expect(again.status).toBe(401);
    expect((await api.call("GET", "/api/auth/me", { token: next.accessToken })).status).toBe(401);
    const stolen = await api.call("POST", "/api/auth/refresh", { body: { refreshToken: next.refreshToken } });
    expect(stolen.status).toBe(401);
  });

  test("sessions are listed and revoked; logout ends the own one", async () => {
    const ada = await api.user("viewer");
    const second = await api.call("POST", "/api/auth/login", {
      body: { email: ada.email, password: ada.password },
      headers: { "user-agent": "second" },
    });
    const other = (await second.json()) as { accessToken: string; sessionId: string };
    const listed = await api.call("GET", "/api/auth/sessions", { token: ada.accessToken });
    const { items } = (await listed.json()) as { items: { id: string; current: boolean }[] };
    expect(items.map((item) => [item.id, item.current])).toEqual([
      [other.sessionId, false],
      [ada.sessionId, true],
    ]);
    const revoked = await api.call("DELETE", `/api/auth/sessions/${other.sessionId}`, {
      token: ada.accessToken,
    });
    expect(revoked.status).toBe(204);
    expect((await api.call("GET", "/api/auth/me", { token: other.accessToken })).status).toBe(401);
    expect((await api.call("POST", "/api/auth/logout", { token: ada.accessToken })).status).toBe(204);
    expect((await api.call("GET", "/api/auth/me", { token: ada.accessToken })).status).toBe(401);
  });

  test("a new password ends the other sessions and only it works", async () => {
    const ada = await api.user("viewer");
    const second = await api.call("POST", "/api/auth/login", {
      body: { email: ada.email, password: ada.password },
    });
    const other = (await second.json()) as { accessToken: string };
    const changed = await api.call("POST", "/api/auth/password", {
      token: ada.accessToken,
      body: { currentPassword: ada.password, newPassword: "another fine password" },
    });
    expect(changed.status).toBe(204);
    expect((await api.call("GET", "/api/auth/me", { token: other.accessToken })).status).toBe(401);
    expect((await api.call("GET", "/api/auth/me", { token: ada.accessToken })).status).toBe(200);
    const old = await api.call("POST", "/api/auth/login", {
      body: { email: ada.email, password: ada.password },
    });
    expect(old.status).toBe(401);
  });

  test("a one-time link sets a strict cookie, once; the cookie cannot be used from another site", async () => {
    const made = await api.call("POST", "/api/auth/links", { token: api.adminKey });
    expect(made.status).toBe(201);
    const { path } = (await made.json()) as { path: string };
    const opened = await api.call("GET", path);
    expect(opened.status).toBe(303);
    const setCookie = opened.headers.get("set-cookie")!;
    expect(setCookie).toMatch(/HttpOnly; SameSite=Strict/);
    expect((await api.call("GET", path)).headers.get("content-type")).toContain("problem+json");
    const again = await api.call("GET", path, { headers: { accept: "text/html,*/*;q=0.8" } });
    expect(again.status).toBe(401);
    expect(again.headers.get("content-type")).toContain("text/html");
    expect(await again.text()).toContain("npx tapedeck link");
    const cookie = setCookie.split(";")[0]!;
    expect((await api.call("GET", "/api/auth/me", { headers: { cookie } })).status).toBe(200);
    const body = { name: "from page", role: "viewer" };
    const cross = await api.call("POST", "/api/keys", {
      headers: { cookie, "sec-fetch-site": "cross-site" },
      body,
    });
    expect(cross.status).toBe(403);
    const bare = await api.call("POST", "/api/keys", { headers: { cookie }, body });
    expect(bare.status).toBe(403);
    const own = await api.call("POST", "/api/keys", {
      headers: { cookie, "sec-fetch-site": "same-origin" },
      body,
    });
    expect(own.status).toBe(201);
  });

  test("a browser signs in by cookie: its secret is in the cookie alone, and logging out clears it", async () => {
    const ada = await api.user("viewer");
    const signedIn = await api.call("POST", "/api/auth/login", {
      body: { email: ada.email, password: ada.password, session: "cookie" },
    });
    const cookie = signedIn.headers.get("set-cookie")!.split(";")[0]!;
    const body = (await signedIn.json()) as Record<string, unknown>;
    expect(body["user"]).toMatchObject({ email: ada.email });
    expect([body["accessToken"], body["refreshToken"]]).toEqual([undefined, undefined]);
    expect(JSON.stringify(body)).not.toContain(cookie.split("=")[1]);
    const headers = { cookie, "sec-fetch-site": "same-origin" };
    expect((await api.call("GET", "/api/auth/me", { headers })).status).toBe(200);
    const out = await api.call("POST", "/api/auth/logout", { headers });
    expect(out.headers.get("set-cookie")).toContain("Max-Age=0");
    expect((await api.call("GET", "/api/auth/me", { headers })).status).toBe(401);
  });

  test.each([
    ["no credentials", {}, "auth.required"],
    ["another scheme", { authorization: "Basic abc" }, "auth.invalid"],
    ["an unknown key", { authorization: "Bearer tdk_nothing" }, "auth.invalid"],
    [
      "an unsigned token",
      { authorization: `Bearer ${btoa('{"alg":"none"}')}.${btoa('{"sid":"x","sub":"y"}')}.` },
      "auth.invalid",
    ],
  ])("%s: 401", async (_name, headers, code) => {
    const answer = await api.call("GET", "/api/auth/me", { headers: headers as Record<string, string> });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toContain("Bearer");
    expect(await json(answer)).toMatchObject({ code });
  });
});

describe("keys", () => {
  test("a key works with its role until it is revoked", async () => {
    const ada = await api.user("analyst");
    const made = await api.call("POST", "/api/keys", {
      token: ada.accessToken,
      body: { name: "robot", role: "viewer" },
    });
    expect(made.status).toBe(201);
    const { key, secret } = (await made.json()) as { key: { id: string; prefix: string }; secret: string };
    expect(secret.startsWith(key.prefix)).toBe(true);
    expect((await api.call("GET", "/api/auth/me", { token: secret })).status).toBe(200);
    expect((await api.call("GET", "/api/users", { token: secret })).status).toBe(403);
    const stored = await api.db
      .selectFrom("apiKeys")
      .selectAll()
      .where("id", "=", key.id)
      .executeTakeFirstOrThrow();
    expect(JSON.stringify(stored)).not.toContain(secret);
    expect((await api.call("DELETE", `/api/keys/${key.id}`, { token: ada.accessToken })).status).toBe(204);
    expect((await api.call("GET", "/api/auth/me", { token: secret })).status).toBe(401);
  });

  test("keys made with a key, and with those, end with it, and never outlive it", async () => {
    const make = async (token: string, body: object) => {
      const made = await api.call("POST", "/api/keys", { token, body });
      expect(made.status).toBe(201);
      return (await made.json()) as { key: { id: string; expiresMs: number | null }; secret: string };
    };
    const first = await make(api.adminKey, { name: "first", role: "admin", expiresInDays: 10 });
    const second = await make(first.secret, { name: "second", role: "analyst", expiresInDays: 20 });
    const third = await make(second.secret, { name: "third", role: "viewer" });
    const beside = await make(api.adminKey, { name: "beside", role: "viewer" });
    expect([second.key.expiresMs, third.key.expiresMs]).toEqual([first.key.expiresMs, first.key.expiresMs]);
    const statuses = () =>
      Promise.all(
        [first, second, third, beside].map(
          async ({ secret }) => (await api.call("GET", "/api/auth/me", { token: secret })).status,
        ),
      );
    expect(await statuses()).toEqual([200, 200, 200, 200]);
    const revoked = await api.call("DELETE", `/api/keys/${first.key.id}`, { token: api.adminKey });
    expect(revoked.status).toBe(204);
    expect(await statuses()).toEqual([401, 401, 401, 200]);
  });

  test("an open event stream ends once its key is revoked or its user's role is taken", async () => {
    const submitted = await api.call("POST", "/api/analyses", {
      token: api.adminKey,
      body: { instrumentId: "SPX.INDEX" },
    });
    const { id } = (await submitted.json()) as { id: string };
    const open = async (token: string) => {
      const answer = await api.call("GET", `/api/jobs/${id}/events`, { token });
      expect(answer.headers.get("content-type")).toContain("text/event-stream");
      const reader = answer.body!.getReader();
      expect((await reader.read()).done).toBe(false);
      return reader;
    };
    const ada = await api.user("viewer");
    const made = await api.call("POST", "/api/keys", {
      token: api.adminKey,
      body: { name: "watches", role: "viewer" },
    });
    const { key, secret } = (await made.json()) as { key: { id: string }; secret: string };
    const [byKey, bySession, stays] = await Promise.all([
      open(secret),
      open(ada.accessToken),
      open(api.adminKey),
    ]);
    let ended = false;
    void stays.closed.then(() => (ended = true));
    await api.call("DELETE", `/api/keys/${key.id}`, { token: api.adminKey });
    await api.call("PATCH", `/api/users/${ada.id}`, { token: api.adminKey, body: { disabled: true } });
    expect(await byKey.read()).toMatchObject({ done: true });
    expect(await bySession.read()).toMatchObject({ done: true });
    expect(ended).toBe(false);
    await stays.cancel();
  });

  test("nobody gives more than they have, and lowering a user's role lowers their keys", async () => {
    const ada = await api.user("trader");
    const more = await api.call("POST", "/api/keys", {
      token: ada.accessToken,
      body: { name: "too much", role: "admin" },
    });
    expect(more.status).toBe(403);
    const made = await api.call("POST", "/api/keys", {
      token: ada.accessToken,
      body: { name: "trading", role: "trader" },
    });
    const { secret } = (await made.json()) as { secret: string };
    await api.call("PATCH", `/api/users/${ada.id}`, { token: api.adminKey, body: { role: "viewer" } });
    const me = await api.call("GET", "/api/auth/me", { token: secret });
    expect(await json(me)).toMatchObject({ role: "viewer" });
    await api.call("PATCH", `/api/users/${ada.id}`, { token: api.adminKey, body: { disabled: true } });
    expect((await api.call("GET", "/api/auth/me", { token: secret })).status).toBe(401);
  });

  test("users see their own keys, admins all of the tenant, page by page", async () => {
    const ada = await api.user("analyst");
    for (const name of ["a", "b", "c"])
      await api.call("POST", "/api/keys", { token: ada.accessToken, body: { name, role: "viewer" } });
    const first = await api.call("GET", "/api/keys?limit=2", { token: ada.accessToken });
    const page = (await first.json()) as { items: { name: string }[]; nextCursor: string };
    expect(page.items.map((item) => item.name)).toEqual(["c", "b"]);
    const second = await api.call("GET", `/api/keys?limit=2&cursor=${page.nextCursor}`, {
      token: ada.accessToken,
    });
    expect(await second.json()).toMatchObject({ items: [{ name: "a" }], nextCursor: null });
    const all = await api.call("GET", "/api/keys?limit=200", { token: api.adminKey });
    const { items } = (await all.json()) as { items: { name: string }[] };
    expect(items.length).toBeGreaterThan(3);
  });
});

describe("users and tenants", () => {
  test("an e-mail address is taken once, over all tenants, whatever its case", async () => {
    const ada = await api.user("viewer");
    const again = await api.call("POST", "/api/users", {
      token: api.adminKey,
      body: { email: ada.email.toUpperCase(), name: "x", role: "viewer", password: "long enough text" },
    });
    expect(again.status).toBe(409);
  });

  test("an admin of another tenant manages that tenant only, and never runs the deployment", async () => {
    const other = await api.tenant("elsewhere");
    const listed = await api.call("GET", "/api/users", { token: other.accessToken });
    const { items } = (await listed.json()) as { items: { tenantId: string }[] };
    expect(items.map((item) => item.tenantId)).toEqual([other.tenantId]);
    const tenants = await api.call("GET", "/api/tenants", { token: other.accessToken });
    expect(((await tenants.json()) as { items: unknown[] }).items).toHaveLength(1);
    const made = await api.call("POST", "/api/tenants", {
      token: other.accessToken,
      body: { name: "third", admin: { email: "a@third.example", name: "A", password: "long enough text" } },
    });
    expect(made.status).toBe(403);
    const off = await api.call("PATCH", `/api/tenants/${other.tenantId}`, {
      token: api.adminKey,
      body: { disabled: true },
    });
    expect(off.status).toBe(200);
    expect((await api.call("GET", "/api/users", { token: other.accessToken })).status).toBe(401);
  });

  test("an admin does not lock themself out", async () => {
    const boss = await api.user("admin");
    const answer = await api.call("PATCH", `/api/users/${boss.id}`, {
      token: boss.accessToken,
      body: { disabled: true },
    });
    expect(answer.status).toBe(409);
  });
});

describe("audit", () => {
  test("every change is on record with who, what and status, secrets blacked out; refusals too", async () => {
    const ada = await api.user("viewer");
    await api.call("POST", "/api/users", {
      token: ada.accessToken,
      headers: { "x-request-id": "request-for-audit", "x-forwarded-for": "203.0.113.9" },
      body: { email: "evil@example.org", name: "e", role: "admin", password: "long enough text" },
    });
    const listed = await api.call("GET", "/api/audit?limit=200", { token: api.adminKey });
    const { items } = (await listed.json()) as { items: Record<string, unknown>[] };
    expect(items.find((item) => item["requestId"] === "request-for-audit")).toMatchObject({
      principalId: ada.id,
      action: "createUser",
      status: 403,
      address: "203.0.113.9",
    });
    const made = items.find((item) => item["action"] === "createUser" && item["status"] === 201)!;
    expect(made["details"]).toMatchObject({ role: "viewer", password: "[redacted]" });
    expect(JSON.stringify(items)).not.toContain(ada.password);
  });

  test("a callback's query is shown nowhere, and what is shown is not taken back", async () => {
    const body = {
      name: "nightly",
      type: "analyze",
      payload: { instrumentId: "SPX.INDEX" },
      cron: "0 3 * * *",
      callbackUrl: "https://hooks.example/in?token=do-not-show",
    };
    const made = await api.call("POST", "/api/schedules", { token: api.adminKey, body });
    const schedule = (await made.json()) as { id: string; callbackUrl: string };
    expect([made.status, schedule.callbackUrl]).toEqual([201, "https://hooks.example/in?[redacted]"]);
    await insertNotification(
      api.db,
      { tenantId: api.tenantId, dedupeKey: "test", url: body.callbackUrl, body: { event: "job.ended" } },
      Date.now(),
    );
    for (const path of ["/api/schedules", "/api/notifications", "/api/audit?limit=200"]) {
      const shown = await (await api.call("GET", path, { token: api.adminKey })).text();
      expect(shown).toContain("https://hooks.example/in?[redacted]");
      expect(shown).not.toContain("do-not-show");
    }
    const back = await api.call("PATCH", `/api/schedules/${schedule.id}`, {
      token: api.adminKey,
      body: { callbackUrl: schedule.callbackUrl },
    });
    expect(back.status).toBe(422);
  });

  test("the table takes no change and no deletion", async () => {
    await expect(api.db.updateTable("auditLog").set({ status: 1 }).execute()).rejects.toThrow(/append-only/);
    await expect(api.db.deleteFrom("auditLog").execute()).rejects.toThrow(/append-only/);
  });
});
