import { createServer } from "node:http";
import { testDatabase } from "@tapedeck/testkit";
import { sql } from "kysely";
import { afterAll, expect, test } from "vitest";
import { createDb } from "../postgres/index.ts";
import { createTracing, parseTraceParent } from "./index.ts";

interface SentSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  status: { code?: number };
  attributes: { key: string; value: { stringValue?: string } }[];
}

/** An OTLP collector on loopback. */
const spans: SentSpan[] = [];
const paths = new Set<string>();
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    paths.add(request.url!);
    const body = JSON.parse(Buffer.concat(chunks).toString()) as {
      resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[];
    };
    spans.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
    response.setHeader("content-type", "application/json").end("{}");
  });
});
await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
const endpoint = `http://127.0.0.1:${(collector.address() as { port: number }).port}`;
afterAll(() => void collector.close());

test("one trace spans a caller, a request, a job and its SQL", async () => {
  const { url, close } = await testDatabase({ empty: true });
  const tracing = createTracing({ endpoint, serviceName: "tapedeck-test" });
  const db = createDb(url, { onQuery: tracing.onQuery! });
  const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  let carried: string | undefined;
  await tracing.span("POST /api/backtests", { traceParent: caller, kind: "server" }, async (span) => {
    carried = tracing.traceParent();
    expect(carried).toBe(span.traceParent);
    expect(tracing.traceId()).toBe("0af7651916cd43dd8448eb211c80319c");
    await Promise.resolve();
  });
  const failing = tracing.span("backtest", { traceParent: carried, kind: "consumer" }, async () => {
    await sql`select ${"private"}::text`.execute(db);
    throw Object.assign(new Error("no"), { code: "data.missing" });
  });
  await expect(failing).rejects.toThrow("no");
  await sql`select 1`.execute(db);
  await tracing.close();
  await db.destroy();
  await close();

  expect([...paths]).toEqual(["/v1/traces"]);
  const named = (name: string) => spans.filter((span) => span.name === name);
  const [request] = named("POST /api/backtests");
  const [job] = named("backtest");
  const statements = named("SELECT");
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(["0af7651916cd43dd8448eb211c80319c"]));
  expect(request!.parentSpanId).toBe("b7ad6b7169203331");
  expect(job!.parentSpanId).toBe(request!.spanId);
  expect(statements.map(({ parentSpanId }) => parentSpanId)).toEqual([job!.spanId]);
  expect(job!.status.code).toBe(2);
  expect(job!.attributes).toContainEqual({ key: "error.type", value: { stringValue: "data.missing" } });
  expect(JSON.stringify(statements)).not.toContain("private");
});

test("without a collector the caller's trace still travels and nothing else happens", async () => {
  const tracing = createTracing({ endpoint: undefined, serviceName: "tapedeck-test" });
  const caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  expect(await tracing.span("x", { traceParent: caller }, (span) => Promise.resolve(span.traceParent))).toBe(
    caller,
  );
  expect([tracing.enabled, tracing.onQuery]).toEqual([false, undefined]);
});

test.each([
  undefined,
  "",
  "00-00000000000000000000000000000000-b7ad6b7169203331-01",
  "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
  "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
])("not a traceparent: %s", (text) => {
  expect(parseTraceParent(text)).toBeUndefined();
});
