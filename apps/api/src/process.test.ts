import { createServer } from "node:http";
import type { Server } from "node:http";
import { testDatabase } from "@tapedeck/testkit";
import type { TestDatabase } from "@tapedeck/testkit";
import { tcpProxy } from "@tapedeck/testkit/proxy";
import type { TcpProxy } from "@tapedeck/testkit/proxy";
import { startStack } from "@tapedeck/testkit/stack";
import type { Stack } from "@tapedeck/testkit/stack";
import { afterAll, beforeAll, expect, test } from "vitest";

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  service: string;
}

const spans: Span[] = [];
let collector: Server;
let database: TestDatabase<unknown>;
let proxy: TcpProxy;
let stack: Stack;

/** Takes OTLP over HTTP with JSON bodies, as a collector does. */
function startCollector(): Promise<number> {
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as {
        resourceSpans: {
          resource: { attributes: { key: string; value: { stringValue?: string } }[] };
          scopeSpans: { spans: Omit<Span, "service">[] }[];
        }[];
      };
      for (const { resource, scopeSpans } of body.resourceSpans) {
        const service =
          resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue ?? "";
        for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ ...span, service });
      }
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  return new Promise((resolve) => {
    collector.listen(0, "127.0.0.1", () => resolve((collector.address() as { port: number }).port));
  });
}

beforeAll(async () => {
  const port = await startCollector();
  database = await testDatabase();
  const url = new URL(database.url);
  proxy = await tcpProxy(Number(url.port));
  url.port = String(proxy.port);
  stack = await startStack({
    databaseUrl: url.href,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
    workerArgs: ["--queues", "analyze", "--concurrency", "1", "--threads", "0"],
  });
}, 90_000);

afterAll(async () => {
  await stack.close();
  await proxy.close();
  collector.close();
  await database.close();
});

test("one trace spans the request, the job and its SQL", async () => {
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const answer = await fetch(`${stack.apiUrl}/api/analyses`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stack.key}`,
      "content-type": "application/json",
      prefer: "wait=20",
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    },
    body: JSON.stringify({ instrumentId: "NOTHERE.XNYS" }),
  });
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ state: "failed", error: { code: "symbol.unknown" }, traceId });
  // Each process sends its spans in its own time and portions.
  const requests = () =>
    spans.filter((span) => span.traceId === traceId && span.parentSpanId === "00f067aa0ba902b7");
  const below = (parent: Span | undefined, service: string) =>
    spans.filter((span) => span.parentSpanId === parent?.spanId && span.service === service);
  await expect.poll(requests).toMatchObject([{ name: "POST", service: "tapedeck-api" }]);
  const [request] = requests();
  await expect.poll(() => below(request, "tapedeck-workers")).toHaveLength(1);
  const [run] = below(request, "tapedeck-workers");
  await expect.poll(() => below(run, "tapedeck-workers").map((span) => span.name)).toContain("SELECT");
});

test("its run time is in the metrics", async () => {
  const answer = await fetch(`${stack.apiUrl}/metrics`, {
    headers: { authorization: `Bearer ${stack.key}` },
  });
  const text = await answer.text();
  expect(text).toMatch(/tapedeck_job_run_seconds_count\{type="analyze",state="failed"\} 1/);
  expect(text).toMatch(/tapedeck_database_connections\{state="total"\} [1-9]/);
  expect(text).toContain("tapedeck_queue_up 1");
});

test("with the database cut off: 503 within half a second for new requests, and it comes back by itself", async () => {
  const ask = () =>
    fetch(`${stack.apiUrl}/api/jobs?limit=1`, { headers: { authorization: `Bearer ${stack.key}` } });
  expect((await ask()).status).toBe(200);
  proxy.blackHole();
  // A hanging server is noticed within a second and a half; from then on answers are quick.
  await expect.poll(async () => (await ask()).status).toBe(503);
  const tookMs: number[] = [];
  let refused = await ask();
  for (let time = 0; time < 5; time++) {
    const started = performance.now();
    refused = await ask();
    tookMs.push(performance.now() - started);
  }
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("1");
  expect(await refused.json()).toMatchObject({ code: "service.unavailable", retryable: true });
  // One of them may meet a pause of the machine; none would be this quick if each waited for the database.
  expect(Math.min(...tookMs)).toBeLessThan(500);
  const ready = await fetch(`${stack.apiUrl}/readyz`);
  expect([ready.status, await ready.json()]).toMatchObject([503, { checks: { database: false } }]);
  expect((await fetch(`${stack.apiUrl}/healthz`)).status).toBe(200);
  proxy.heal();
  proxy.reset();
  await expect.poll(async () => (await ask()).status, { timeout: 30_000 }).toBe(200);
});

test("SIGTERM answers whoever waits with the job as it stands, and the process ends with 0", async () => {
  const waiting = fetch(`${stack.apiUrl}/api/questions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stack.key}`,
      "content-type": "application/json",
      prefer: "wait=50",
    },
    body: JSON.stringify({ question: "Nobody runs this queue here?" }),
  });
  await expect
    .poll(
      async () => (await stack.client.call("listJobs", { query: { type: "ask", limit: 1 } })).items.length,
    )
    .toBe(1);
  stack.api.kill("SIGTERM");
  const answer = await waiting;
  expect(answer.status).toBe(202);
  expect(await stack.api.ended).toBe(0);
});
