import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { ClientError, createClient } from "@tapedeck/client";
import type { Client } from "@tapedeck/client";
import { AppError, defineJob } from "@tapedeck/core";
import type { JobEvent } from "@tapedeck/features/jobs/contract";
import * as z from "zod";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiFixture } from "./fixture.ts";
import type { ApiFixture } from "./fixture.ts";

/** Counts to `to`, a progress event each; fails on demand. */
const count = defineJob({
  name: "count",
  path: "/counts",
  queue: "analyze",
  summary: "Count",
  version: 1,
  reuse: false,
  role: "analyst",
  attempts: 1,
  timeoutMs: 20_000,
  cpu: false,
  payload: z.strictObject({ to: z.int(), pauseMs: z.int().default(0), fail: z.boolean().default(false) }),
  progress: z.object({ at: z.int() }),
  result: z.object({ counted: z.int() }),
});

let api: ApiFixture;
let server: Server;
let client: Client;
let baseUrl: string;

beforeAll(async () => {
  api = await apiFixture(
    {},
    {
      contracts: { count },
      handlers: {
        count: async (_deps, raw, ctx) => {
          const { to, pauseMs, fail } = raw as { to: number; pauseMs: number; fail: boolean };
          for (let at = 1; at <= to; at++) {
            ctx.signal.throwIfAborted();
            ctx.step({ name: `step ${at}` });
            if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
          }
          if (fail) throw new AppError("data.missing", "There is nothing to count.");
          return { counted: to };
        },
      },
    },
  );
  await new Promise<void>((resolve) => {
    server = serve({ fetch: api.app.fetch, port: 0, hostname: "127.0.0.1" }, (info) => {
      baseUrl = `http://127.0.0.1:${info.port}`;
      resolve();
    }) as Server;
  });
  client = createClient({ baseUrl, token: api.adminKey, reconnectMs: 20 });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await api.close();
});

test("a job is submitted, followed event by event, and its result read", async () => {
  const submitted = await client.submitTo("/counts", { to: 3 });
  expect(submitted.type).toBe("count");
  const seen: JobEvent[] = [];
  const ended = await client.wait(submitted.id, { onEvent: (event) => seen.push(event) });
  expect(ended).toMatchObject({ state: "completed", result: { counted: 3 } });
  const steps = seen
    .filter((event) => event.event === "step")
    .map((event) => (event.data as { name: string }).name);
  expect(steps).toEqual(["step 1", "step 2", "step 3"]);
  expect(seen.at(-1)!.event).toBe("end");
  expect(seen.map((event) => event.id)).toEqual(seen.map((event) => event.id).toSorted((a, b) => a - b));
});

test("waitS answers with the ended job in one request", async () => {
  const ended = await client.submitTo("/counts", { to: 1 }, { waitS: 20 });
  expect(ended).toMatchObject({ state: "completed", result: { counted: 1 } });
});

test("a stream that is cut goes on where it was, losing and doubling nothing", async () => {
  let cuts = 0;
  const cutting: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (typeof input !== "string" || !input.includes("/events") || cuts >= 3 || response.body === null)
      return response;
    cuts += 1;
    let chunks = 0;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        chunks += 1;
        // In the middle of an event.
        controller.enqueue(chunks > 2 ? chunk.slice(0, chunk.length >> 1) : chunk);
        if (chunks > 2) controller.error(new TypeError("connection lost"));
      },
    });
    return new Response(response.body.pipeThrough(cut), response);
  };
  const flaky = createClient({ baseUrl, token: api.adminKey, reconnectMs: 20, fetch: cutting });
  const { id } = await flaky.submitTo("/counts", { to: 8, pauseMs: 60 });
  const names: string[] = [];
  for await (const event of flaky.events(id))
    if (event.event === "step") names.push((event.data as { name: string }).name);
  expect(cuts).toBe(3);
  expect(names).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((at) => `step ${at}`));
});

test("events of an ended job are told from the start, or after an id", async () => {
  const { id } = await client.submitTo("/counts", { to: 2 }, { waitS: 20 });
  const all: JobEvent[] = [];
  for await (const event of client.events(id)) all.push(event);
  const rest: number[] = [];
  for await (const event of client.events(id, { afterId: all[1]!.id })) rest.push(event.id);
  expect(rest).toEqual(all.slice(2).map((event) => event.id));
  const none: number[] = [];
  for await (const event of client.events(id, { afterId: all.at(-1)!.id })) none.push(event.id);
  expect(none).toEqual([]);
});

test("a failed job's error, a refused request and no answer are all ClientErrors with a code", async () => {
  const failed = await client.submitTo("/counts", { to: 1, fail: true }, { waitS: 20 });
  expect(failed).toMatchObject({ state: "failed", error: { code: "data.missing" } });
  const refused = await client.submitTo("/counts", { to: "x" }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ClientError);
  expect(refused).toMatchObject({
    code: "payload.invalid",
    status: 422,
    problem: { errors: [{ in: "body", path: "/to" }] },
  });
  const missing = await client
    .call("getJob", { params: { id: "00000000-0000-7000-8000-000000000000" } })
    .catch((error: unknown) => error);
  expect(missing).toMatchObject({ code: "job.unknown", status: 404, retryable: false });
  const nobody = createClient({ baseUrl: "http://127.0.0.1:9" });
  await expect(nobody.call("listErrors")).rejects.toMatchObject({ code: "network", retryable: true });
});

test("every address is callable by name, typed", async () => {
  const me = await client.call("getMe");
  expect(me.role).toBe("admin");
  const made = await client.call("createApiKey", { body: { name: "typed", role: "viewer" } });
  const listed = await client.call("listApiKeys", { query: { limit: 1 } });
  expect(listed.items[0]!.id).toBe(made.key.id);
  await client.call("revokeApiKey", { params: { id: made.key.id } });
  const gone = createClient({ baseUrl, token: () => made.secret });
  await expect(gone.call("getMe")).rejects.toMatchObject({ code: "auth.invalid", status: 401 });
});

test("a cancelled wait stops; the job's own cancel ends it", async () => {
  const { id } = await client.submitTo("/counts", { to: 400, pauseMs: 25 });
  const stop = new AbortController();
  const waiting = client.wait(id, {
    signal: stop.signal,
    onEvent: (event) => event.event === "step" && stop.abort(),
  });
  await expect(waiting).rejects.toThrow(/abort/i);
  await client.call("cancelJob", { params: { id } });
  expect(await client.wait(id)).toMatchObject({ state: "cancelled" });
});
