import { AppError } from "@tapedeck/core";
import { expect, test } from "vitest";
import { createLog } from "./index.ts";

function capture(level: "debug" | "info" | "silent" = "debug") {
  const lines: string[] = [];
  const log = createLog({
    level,
    name: "test",
    destination: { write: (line) => void lines.push(line) },
    traceId: () => "0af7651916cd43dd8448eb211c80319c",
  });
  return { log, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown>, lines };
}

test("a line has level, time, name, trace, fields and its constant message", () => {
  const { log, last } = capture();
  log.child({ jobId: "j1" }).info({ count: 3 }, "jobs were added");
  expect(last()).toMatchObject({
    level: "info",
    name: "test",
    jobId: "j1",
    count: 3,
    message: "jobs were added",
    traceId: "0af7651916cd43dd8448eb211c80319c",
  });
  expect(Date.parse(String(last()["time"]))).toBeGreaterThan(0);
});

test.each([
  ["a secret name", { authorization: "Bearer s3cr3tvalue" }],
  ["inside objects", { request: { headers: { "x-api-key": "s3cr3tvalue", Cookie: "s=s3cr3tvalue" } } }],
  [
    "a name that ends with it",
    { refreshToken: "s3cr3tvalue", jwtSecret: "s3cr3tvalue", openaiApiKey: "s3cr3tvalue" },
  ],
  ["an address with a password", { databaseUrl: "postgres://tape:s3cr3tvalue@db:5432/x" }],
  ["a redis address without a user", { at: "redis://:s3cr3tvalue@cache:6379" }],
  ["a bearer token in a text", { note: "sent Bearer s3cr3tvalue.abc-def" }],
  ["a query string", { url: "https://x.example/a?token=s3cr3tvalue&b=1" }],
  [
    "an error's message and cause",
    { err: new Error("no", { cause: new Error("postgres://a:s3cr3tvalue@h/d") }) },
  ],
  ["an error's details", { err: new AppError("internal", "no", { details: { password: "s3cr3tvalue" } }) }],
])("a secret does not get out: %s", (_name, fields) => {
  const { log, lines } = capture();
  log.error(fields, "it failed");
  log.child(fields).error({}, "it failed");
  expect(lines.join("")).not.toContain("s3cr3tvalue");
  expect(lines.join("")).toContain("[redacted]");
});

test("an error keeps its code, stack and cause; huge and circular fields are cut", () => {
  const { log, last } = capture();
  const circular: Record<string, unknown> = {
    text: "x".repeat(20_000),
    items: Array.from({ length: 500 }, () => 1),
  };
  circular["self"] = circular;
  log.warn(
    { err: new AppError("data.missing", "no bars", { cause: new Error("deep") }), circular },
    "it failed",
  );
  const line = last() as { err: Record<string, unknown>; circular: Record<string, unknown> };
  expect(line.err).toMatchObject({ type: "AppError", code: "data.missing", cause: { message: "deep" } });
  expect(String(line.err["stack"])).toContain("log.test.ts");
  expect(line.circular["self"]).toBe("[circular]");
  expect(String(line.circular["text"]).length).toBeLessThan(9_000);
  expect(line.circular["items"]).toHaveLength(101);
});

test("names that only look alike stay", () => {
  const { log, last } = capture();
  log.info({ tokens: 12, inputTokens: 5, secretary: "Ann", passed: true, hasPassword: true }, "counted");
  expect(last()).toMatchObject({
    tokens: 12,
    inputTokens: 5,
    secretary: "Ann",
    passed: true,
    hasPassword: true,
  });
});

test("levels below the set one are not written", () => {
  const { log, lines } = capture("info");
  log.debug({}, "quiet");
  expect(lines).toEqual([]);
});
