import * as z from "zod";
import { errorCodes, roleAllows, roles } from "@tapedeck/core";
import type { JobContract, Role, RouteContract } from "@tapedeck/core";
import { contracts, routes } from "@tapedeck/features/contracts";
import { gunzipSync } from "node:zlib";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiFixture } from "./fixture.ts";
import type { ApiFixture } from "./fixture.ts";
import { preferredWaitS, routerPath } from "./mount.ts";

let api: ApiFixture;
beforeAll(async () => {
  api = await apiFixture();
});
afterAll(() => api.close());

const jobTypes: JobContract[] = Object.values<JobContract>(contracts);
const routeList: RouteContract[] = Object.values<RouteContract>(routes);
const backtestPath = `/api${contracts.backtest.path}`;
const payload = contracts.backtest.examples![0]!;

const unused = "00000000-0000-7000-8000-000000000000";
const concrete = (path: string) => routerPath(path).replaceAll(/:\w+/g, unused);

describe("every address", () => {
  const all = [
    ...routeList.map(({ name, method, path, role, scope }) => ({
      name,
      method,
      path: concrete(path),
      role,
      scope,
    })),
    ...jobTypes.map(({ name, path, role }) => ({
      name,
      method: "POST",
      path: concrete(path),
      role,
      scope: undefined,
    })),
  ];

  test.each(all.filter(({ role }) => role !== "public"))(
    "$method $path asks who is there ($name)",
    async (route) => {
      const answer = await api.call(route.method, route.path);
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ code: "auth.required" });
    },
  );

  test("each lets in the roles that it names and no lesser one", async () => {
    const tokens = new Map<Role, string>();
    for (const role of roles) tokens.set(role, (await api.user(role)).accessToken);
    for (const { name, method, path, role } of all) {
      if (role === "public" || name === "logout") continue;
      for (const [have, token] of tokens) {
        const answer = await api.call(method, path, { token, body: method === "GET" ? undefined : {} });
        await answer.body?.cancel();
        if (roleAllows(have, role)) expect([name, have, answer.status]).not.toEqual([name, have, 401]);
        else expect([name, have, answer.status]).toEqual([name, have, 403]);
      }
    }
  });

  const post = (method: string, path: string, body: string) =>
    api.app.request(path, {
      method,
      headers: { authorization: `Bearer ${api.adminKey}`, "content-type": "application/json" },
      body,
    });
  const withBody = [
    ...routeList
      .filter(({ body, raw }) => body !== undefined && raw !== true)
      .map(({ name, method, path }) => ({ name, method, path: concrete(path), maxBytes: 1_048_576 })),
    ...jobTypes.map(({ name, path, maxPayloadBytes = 1_048_576 }) => ({
      name,
      method: "POST",
      path: concrete(path),
      maxBytes: maxPayloadBytes,
    })),
  ];

  test.each(withBody)(
    "$method $path ($name) refuses what is no JSON, too much, or of another shape",
    async (route) => {
      const { method, path, maxBytes } = route;
      const statusOf = async (body: string) => {
        const answer = await post(method, path, body);
        const problem = (await answer.json()) as { code: string; status: number };
        expect(answer.headers.get("content-type")).toBe("application/problem+json");
        expect(problem.status).toBe(answer.status);
        return [answer.status, problem.code];
      };
      // What an id of nobody or a bad path answers is another test's business.
      if (!path.includes(unused)) {
        expect(await statusOf("{oops")).toEqual([400, "request.malformed"]);
        expect(await statusOf(`"${"x".repeat(maxBytes)}"`)).toEqual([413, "payload.tooLarge"]);
        expect(await statusOf("[]")).toEqual([422, "payload.invalid"]);
      }
      expect((await statusOf('{"noSuchMember":1}'))[0]).toSatisfy((status) =>
        [404, 422].includes(status as number),
      );
    },
  );

  test.each(routeList.filter(({ query, path }) => query !== undefined && !path.includes("{")))(
    "$method $path ($name) refuses a parameter that it does not have",
    async ({ method, path }) => {
      const answer = await api.call(method, `/api${path}?noSuchParameter=1`, { token: api.adminKey });
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
        422,
        "payload.invalid",
      ]);
    },
  );

  const lists = routeList.filter(({ query, response }) => query !== undefined && response !== undefined);
  const fieldsOf = ({ query }: (typeof routeList)[number]) =>
    query instanceof z.ZodObject ? Object.keys(query.shape) : [];

  // Lists in the order of names go on behind any name.
  const byName = new Set(["listInstruments"]);
  const paged = lists.filter(
    (route) => fieldsOf(route).includes("cursor") && !route.path.includes("{") && !byName.has(route.name),
  );

  test.each(paged)("$method $path ($name) refuses a cursor that no page gave", async ({ method, path }) => {
    for (const cursor of ["zz-zz", "1_2_3", "%00"]) {
      const answer = await api.call(method, `/api${path}?cursor=${cursor}`, { token: api.adminKey });
      expect([cursor, answer.status, ((await answer.json()) as { code: string }).code]).toEqual([
        cursor,
        422,
        "payload.invalid",
      ]);
    }
  });

  test.each(lists.filter((route) => fieldsOf(route).length > 0))(
    "$method $path ($name) takes no U+0000 in its parameters",
    async (route) => {
      for (const field of fieldsOf(route)) {
        const url = `${concrete(route.path)}?${field}=a%00b`;
        const answer = await api.call(route.method, url, { token: api.adminKey });
        expect([field, answer.status]).toSatisfy(([, status]) => [404, 422].includes(status as number));
      }
    },
  );

  test.each(routeList.filter(({ path, name }) => path.includes("{") && name !== "checkFormula"))(
    "$method $path ($name) does not know an id of nothing",
    async ({ method, path, body }) => {
      for (const id of [unused, "not an id", "..%2F..%2Fetc"]) {
        const answer = await api.call(method, routerPath(path).replaceAll(/:\w+/g, encodeURIComponent(id)), {
          token: api.adminKey,
          body: body === undefined ? undefined : {},
        });
        expect([id, answer.status]).toSatisfy(([, status]) => [404, 422].includes(status as number));
      }
    },
  );

  test("none that runs the deployment lets in another tenant's admin", async () => {
    const other = await api.tenant("no-operator");
    for (const { name, method, path, role } of all.filter(
      (route) => route.role === "operator" && route.scope !== "tenant",
    )) {
      const answer = await api.call(method, path, { token: other.accessToken });
      expect([name, role, answer.status]).toEqual([name, "operator", 403]);
    }
    expect((await api.call("GET", "/metrics", { token: other.accessToken })).status).toBe(403);
  });
});

describe("jobs", () => {
  test("202 with Location, and the job is there, though the queue is away", async () => {
    const answer = await api.call("POST", backtestPath, { token: api.adminKey, body: payload });
    expect(answer.status).toBe(202);
    const job = (await answer.json()) as { id: string; state: string };
    expect(job.state).toBe("accepted");
    expect(answer.headers.get("location")).toBe(`/api/jobs/${job.id}`);
    const read = await api.call("GET", `/api/jobs/${job.id}`, { token: api.adminKey });
    expect(await read.json()).toMatchObject({ id: job.id, type: "backtest" });
  });

  test("Prefer: wait answers 202 with the job as it stands when it does not end in time", async () => {
    const answer = await api.call("POST", backtestPath, {
      token: api.adminKey,
      body: payload,
      headers: { prefer: "wait=1" },
    });
    expect(answer.status).toBe(202);
    expect(answer.headers.get("preference-applied")).toBe("wait=1");
  });

  test.each([
    [undefined, 0],
    ["wait=5", 5],
    ["respond-async, wait=10", 10],
    ["wait=100000", 60],
    ["waiting=5", 0],
  ])("Prefer %s waits %i seconds", (header, seconds) => {
    expect(preferredWaitS(header)).toBe(seconds);
  });

  test("an idempotency key gives one job; another body under it is refused", async () => {
    const headers = { "idempotency-key": "key-1" };
    const first = await api.call("POST", backtestPath, { token: api.adminKey, body: payload, headers });
    const again = await api.call("POST", backtestPath, { token: api.adminKey, body: payload, headers });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(((await again.json()) as { id: string }).id).toBe(((await first.json()) as { id: string }).id);
    const changed = await api.call("POST", `${backtestPath}?seed=7`, {
      token: api.adminKey,
      body: payload,
      headers,
    });
    expect(changed.status).toBe(422);
    expect(await changed.json()).toMatchObject({ code: "idempotency.conflict" });
  });

  test("wrong fields are pointed at", async () => {
    const answer = await api.call("POST", backtestPath, {
      token: api.adminKey,
      body: { ...(payload as object), initialCash: 5 },
    });
    expect(answer.status).toBe(422);
    const problem = (await answer.json()) as { code: string; errors: { in: string; path: string }[] };
    expect(problem.code).toBe("payload.invalid");
    expect(problem.errors).toContainEqual(expect.objectContaining({ in: "body", path: "/initialCash" }));
  });

  test.each([
    ["an unknown query parameter", "?prioritty=1", "{}", 422, "payload.invalid"],
    ["a wrong query parameter", "?priority=11", "{}", 422, "payload.invalid"],
    ["text that is not JSON", "", "{nope", 400, "request.malformed"],
    ["a body of more than its limit", "", `"${"x".repeat(1_100_000)}"`, 413, "payload.tooLarge"],
  ])("%s is refused", async (_name, query, body, status, code) => {
    const answer = await api.app.request(`${backtestPath}${query}`, {
      method: "POST",
      headers: { authorization: `Bearer ${api.adminKey}`, "content-type": "application/json" },
      body,
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
  });

  test("a body without a length is counted as it comes", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
    const answer = await api.app.request(backtestPath, {
      method: "POST",
      headers: { authorization: `Bearer ${api.adminKey}`, "content-type": "application/json" },
      body,
      duplex: "half",
    } as RequestInit);
    expect(answer.status).toBe(413);
    expect(sent).toBeLessThan(2_000_000);
  });

  test("a form is not taken for JSON", async () => {
    const answer = await api.app.request(backtestPath, {
      method: "POST",
      headers: {
        authorization: `Bearer ${api.adminKey}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: "a=b",
    });
    expect(answer.status).toBe(400);
  });
});

describe("tenants apart", () => {
  test("another tenant's ids are unknown on every address that takes one", async () => {
    const other = await api.tenant("outsider");
    const mine = await api.user("viewer");
    const submitted = await api.call("POST", backtestPath, { token: api.adminKey, body: payload });
    const { id: jobId } = (await submitted.json()) as { id: string };
    const made = await api.call("POST", "/api/keys", {
      token: api.adminKey,
      body: { name: "k", role: "viewer" },
    });
    const { key } = (await made.json()) as { key: { id: string } };
    const idOf = (path: string) =>
      path.startsWith("/jobs/")
        ? jobId
        : path.startsWith("/users/")
          ? mine.id
          : path.startsWith("/keys/")
            ? key.id
            : path.startsWith("/auth/sessions/")
              ? mine.sessionId
              : jobId;
    for (const { name, method, path, role, body } of routeList) {
      if (!path.includes("{") || role === "operator") continue;
      const address = routerPath(path).replaceAll(/:\w+/g, idOf(path));
      const answer = await api.call(method, address, {
        token: other.accessToken,
        body: body === undefined ? undefined : {},
      });
      await answer.body?.cancel();
      // 403 where only the operating tenant may, 422 where the made-up body is refused before the id is looked at.
      expect([name, [403, 404, 422].includes(answer.status), answer.status]).toEqual([
        name,
        true,
        answer.status,
      ]);
    }
    const after = await api.call("GET", `/api/jobs/${jobId}`, { token: api.adminKey });
    expect(await after.json()).toMatchObject({ state: "accepted" });
    expect((await api.call("GET", "/api/auth/me", { token: mine.accessToken })).status).toBe(200);
  });

  test("lists hold nothing of another tenant", async () => {
    const other = await api.tenant("empty-handed");
    await api.call("POST", backtestPath, { token: api.adminKey, body: payload });
    for (const path of ["/api/jobs", "/api/keys", "/api/audit?action=createUser"]) {
      const answer = await api.call("GET", path, { token: other.accessToken });
      expect(((await answer.json()) as { items: unknown[] }).items).toEqual([]);
    }
  });
});

describe("HTTP", () => {
  test("an unknown address is a problem document, another method is 405 with Allow", async () => {
    const missing = await api.call("GET", "/api/nothing");
    expect(missing.status).toBe(404);
    expect(await missing.json()).toMatchObject({ code: "route.unknown", instance: "/api/nothing" });
    const wrong = await api.call("PUT", "/api/jobs");
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get("allow")).toBe("GET, HEAD");
  });

  test("results carry an ETag, and 304 saves sending them again", async () => {
    const submitted = await api.call("POST", backtestPath, { token: api.adminKey, body: payload });
    const { id } = (await submitted.json()) as { id: string };
    const first = await api.call("GET", `/api/jobs/${id}`, { token: api.adminKey });
    const etag = first.headers.get("etag")!;
    const again = await api.call("GET", `/api/jobs/${id}`, {
      token: api.adminKey,
      headers: { "if-none-match": `"other", ${etag}` },
    });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    const cancelled = await api.call("DELETE", `/api/jobs/${id}`, { token: api.adminKey });
    expect(await cancelled.json()).toMatchObject({ state: "cancelled" });
    const changed = await api.call("GET", `/api/jobs/${id}`, {
      token: api.adminKey,
      headers: { "if-none-match": etag },
    });
    expect(changed.status).toBe(200);
  });

  test("answers of a kilobyte and more are compressed for those who take it", async () => {
    const plain = await api.call("GET", "/api/errors");
    expect(plain.headers.get("content-encoding")).toBeNull();
    const zipped = await api.call("GET", "/api/errors", { headers: { "accept-encoding": "gzip, br" } });
    expect(zipped.headers.get("content-encoding")).toBe("gzip");
    const text = gunzipSync(Buffer.from(await zipped.arrayBuffer())).toString();
    expect(text).toBe(await plain.text());
    const refused = await api.call("GET", "/api/errors", { headers: { "accept-encoding": "gzip;q=0" } });
    expect(refused.headers.get("content-encoding")).toBeNull();
  });

  test("security headers on every answer, errors too", async () => {
    for (const path of ["/api/errors", "/api/nothing", "/api/docs", "/healthz"]) {
      const { headers } = await api.call("GET", path);
      expect(headers.get("content-security-policy")).toContain("script-src 'self';");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
    }
  });

  test("CORS for the origins that are named, without cookies, and for no other", async () => {
    const preflight = (origin: string) =>
      api.call("OPTIONS", "/api/jobs", { headers: { origin, "access-control-request-method": "GET" } });
    const allowed = await preflight("https://pages.example");
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe("https://pages.example");
    expect(allowed.headers.get("access-control-allow-credentials")).toBeNull();
    const other = await preflight("https://evil.example");
    expect(other.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("a request id is given back; a strange one is replaced", async () => {
    const kept = await api.call("GET", "/api/errors", { headers: { "x-request-id": "my-request-1" } });
    expect(kept.headers.get("x-request-id")).toBe("my-request-1");
    const strange = await api.call("GET", "/api/errors", { headers: { "x-request-id": "a b\tc" } });
    expect(strange.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("an unexpected failure says nothing of itself, and is logged once with its request", async () => {
    const before = api.log.lines.length;
    const answer = await api.call("GET", "/api/evidence/x", { token: api.adminKey });
    expect([404, 422]).toContain(answer.status);
    const broken = api.deps.audit.list;
    api.deps.audit.list = () => Promise.reject(new Error("password=hunter2 at /etc/secret"));
    const failed = await api.call("GET", "/api/audit", {
      token: api.adminKey,
      headers: { "x-request-id": "broken-one" },
    });
    api.deps.audit.list = broken;
    expect(failed.status).toBe(500);
    expect(await failed.text()).not.toContain("hunter2");
    const lines = api.log.lines.slice(before).filter((line) => line.level === "error");
    expect(lines.map((line) => line.fields["requestId"])).toEqual(["broken-one"]);
  });

  test("whoever tries credentials is told to wait, by address; good ones are not held up", async () => {
    const small = await apiFixture({ anonymousLimit: { perSecond: 0.01, burst: 5 } });
    try {
      const ada = await small.user("viewer");
      const statuses: number[] = [];
      for (let i = 0; i < 8; i++)
        statuses.push((await small.call("GET", "/api/jobs", { token: `tdk_guess${i}` })).status);
      expect(statuses[0]).toBe(401);
      expect(statuses.at(-1)).toBe(429);
      const entries = async () => (await small.deps.db.selectFrom("auditLog").select("id").execute()).length;
      const before = await entries();
      for (let i = 0; i < 3; i++) {
        const answer = await small.call("POST", "/api/schedules", { token: "tdk_guess", body: {} });
        expect(answer.status).toBe(429);
      }
      expect(await entries()).toBe(before);
      expect((await small.call("GET", "/api/jobs", { token: ada.accessToken })).status).toBe(200);
    } finally {
      await small.close();
    }
  });

  test("a caller over the limit is told to wait, others are not held up", async () => {
    const small = await apiFixture({ callerLimit: { perSecond: 1, burst: 5 } });
    try {
      const ada = await small.user("viewer");
      const bob = await small.user("viewer");
      const statuses: number[] = [];
      for (let i = 0; i < 8; i++)
        statuses.push((await small.call("GET", "/api/auth/me", { token: ada.accessToken })).status);
      expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
      expect(statuses).toContain(429);
      expect((await small.call("GET", "/api/auth/me", { token: bob.accessToken })).status).toBe(200);
    } finally {
      await small.close();
    }
  });
});

describe("documents", () => {
  test("OpenAPI names every address, and every schema of it compiles", async () => {
    const answer = await api.call("GET", "/api/openapi.json");
    const document = (await answer.json()) as {
      paths: Record<string, Record<string, { operationId: string }>>;
      components: { schemas: Record<string, object> };
    };
    const named = Object.values(document.paths).flatMap((item) =>
      Object.values(item).map((op) => op.operationId),
    );
    expect(named.toSorted()).toEqual([...jobTypes, ...routeList].map((contract) => contract.name).toSorted());
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: "doc", ...document });
    for (const name of Object.keys(document.components.schemas))
      expect(ajv.getSchema(`doc#/components/schemas/${name}`)).toBeTypeOf("function");
    const refs = [...JSON.stringify(document.paths).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
    for (const [, name] of refs) expect(document.components.schemas).toHaveProperty([name!]);
    const problem = ajv.getSchema("doc#/components/schemas/Problem")!;
    expect(problem(await (await api.call("GET", "/api/nothing")).json())).toBe(true);
  });

  test("a job type's schema takes its own examples", async () => {
    const answer = await api.call("GET", "/api/job-types", { token: api.adminKey });
    const { items } = (await answer.json()) as {
      items: { name: string; payload: object; examples: unknown[] }[];
    };
    expect(items.map((item) => item.name).toSorted()).toEqual(
      jobTypes.map((contract) => contract.name).toSorted(),
    );
    for (const item of items) {
      const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(item.payload);
      for (const example of item.examples)
        expect([item.name, validate(example), validate.errors]).toEqual([item.name, true, null]);
    }
  });

  test("the docs page and what it loads come from here", async () => {
    const page = await (await api.call("GET", "/api/docs")).text();
    const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    expect(loaded.length).toBeGreaterThan(3);
    for (const path of loaded) {
      expect(path.startsWith("/")).toBe(true);
      expect((await api.call("GET", path)).status).toBe(200);
    }
    expect((await api.call("GET", "/api/docs/..%2Fpackage.json")).status).toBe(404);
  });

  test("every error code is listed with its status", async () => {
    const { items } = (await (await api.call("GET", "/api/errors")).json()) as { items: { code: string }[] };
    expect(items.map((item) => item.code)).toEqual(Object.keys(errorCodes));
  });

  test("metrics are for operators, and show queues, requests and this process", async () => {
    expect((await api.call("GET", "/metrics")).status).toBe(401);
    const text = await (await api.call("GET", "/metrics", { token: api.adminKey })).text();
    expect(text).toMatch(/tapedeck_queue_jobs\{queue="backtest",state="accepted"\} [1-9]/);
    expect(text).toContain("tapedeck_queue_up 0");
    expect(text).toMatch(
      /tapedeck_http_request_seconds_count\{route="backtest",method="POST",status="202"\} [1-9]/,
    );
    expect(text).toContain("tapedeck_nodejs_eventloop_lag_seconds");
    expect(text).toContain("tapedeck_queue_oldest_wait_seconds");
  });

  test("health says alive, readiness says what it rests on", async () => {
    expect(await (await api.call("GET", "/healthz")).json()).toMatchObject({ status: "ok" });
    const ready = await api.call("GET", "/readyz");
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: "ready", checks: { database: true, queue: false } });
  });
});
