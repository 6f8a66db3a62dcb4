import { openAiServer } from "@tapedeck/testkit";
import type { ModelReply, OpenAiServer } from "@tapedeck/testkit";
import type { AppError, ModelMessage } from "@tapedeck/core";
import { afterEach, describe, expect, test } from "vitest";
import { createEmbeddings, createLanguageModel } from "./openai.ts";
import type { ProviderOptions } from "./openai.ts";

let server: OpenAiServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function provider(...replies: ModelReply[]): Promise<OpenAiServer> {
  server = await openAiServer({ replies });
  return server;
}

function modelOf(at: OpenAiServer, more: Partial<ProviderOptions> = {}) {
  return createLanguageModel({
    apiKey: at.apiKey,
    baseUrl: at.baseUrl,
    model: "loopback",
    timeoutMs: 5_000,
    maxRetries: 0,
    ...more,
  });
}

const messages: ModelMessage[] = [
  { role: "system", content: "Be exact." },
  { role: "user", content: "What is beta?" },
];
const tools = [
  {
    name: "search",
    description: "Searches.",
    parameters: { type: "object", properties: { q: { type: "string" } }, required: ["q"] },
  },
];
const request = (signal = new AbortController().signal) => ({ messages, tools, signal, maxTokens: 321 });

async function failureOf(work: Promise<unknown>): Promise<AppError> {
  return work.then(
    () => expect.fail("it did not fail"),
    (error: unknown) => error as AppError,
  );
}

describe("a chat model over HTTP", () => {
  test("gives a streamed answer whole, with its usage, and sends what it was asked", async () => {
    const at = await provider({
      kind: "completion",
      content: "Beta is a slope: naïve, 市場 “β”.",
      usage: { inputTokens: 123, outputTokens: 17 },
    });
    const model = modelOf(at);
    expect(model.name).toBe("loopback");
    expect(await model.complete(request())).toEqual({
      content: "Beta is a slope: naïve, 市場 “β”.",
      toolCalls: [],
      usage: { inputTokens: 123, outputTokens: 17 },
    });
    const { chat } = at.requests[0]!;
    expect(chat).toMatchObject({ model: "loopback", stream: true, maxTokens: 321 });
    expect(chat.messages).toEqual(messages);
    expect(chat.tools).toEqual([
      { type: "function", function: { ...tools[0], parameters: tools[0]!.parameters } },
    ]);
  });

  test("gives several tool calls as the model wrote them, malformed ones too", async () => {
    const at = await provider({
      kind: "completion",
      toolCalls: [
        { id: "a", name: "search", arguments: { q: "beta of SPY" } },
        { id: "b", name: "search", arguments: '{"q": "unclosed' },
      ],
    });
    const { toolCalls, content } = await modelOf(at).complete(request());
    expect(content).toBe("");
    expect(toolCalls).toEqual([
      { id: "a", name: "search", arguments: '{"q":"beta of SPY"}' },
      { id: "b", name: "search", arguments: '{"q": "unclosed' },
    ]);
  });

  test("sends tool calls and their results back as they were", async () => {
    const at = await provider({ kind: "completion", content: "Done." });
    const conversation: ModelMessage[] = [
      ...messages,
      {
        role: "assistant",
        content: "",
        toolCalls: [
          { id: "a", name: "search", arguments: '{"q":"beta"}' },
          { id: "b", name: "search", arguments: '{"q": "unclosed' },
        ],
      },
      { role: "tool", toolCallId: "a", content: "a slope" },
      { role: "tool", toolCallId: "b", content: "the arguments are not JSON" },
    ];
    await modelOf(at).complete({ ...request(), messages: conversation });
    const sent = at.requests[0]!.chat.messages;
    expect(sent[2]!.tool_calls).toEqual([
      { id: "a", type: "function", function: { name: "search", arguments: '{"q":"beta"}' } },
      { id: "b", type: "function", function: { name: "search", arguments: '{"q": "unclosed' } },
    ]);
    expect(sent.slice(3)).toEqual([
      { role: "tool", tool_call_id: "a", content: "a slope" },
      { role: "tool", tool_call_id: "b", content: "the arguments are not JSON" },
    ]);
  });

  test.each<[string, ModelReply, boolean, RegExp]>([
    ["a rate limit", { kind: "error", status: 429 }, true, /rate/],
    ["a used-up quota", { kind: "error", status: 429, code: "insufficient_quota" }, false, /rate/],
    ["a server's failure", { kind: "error", status: 500 }, true, /status 500/],
    ["a refused request", { kind: "error", status: 400 }, false, /status 400/],
    ["an unknown model", { kind: "error", status: 404 }, false, /OPENAI_MODEL/],
    ["an answer that is not JSON", { kind: "malformed" }, true, /protocol/],
    ["a stream that is cut", { kind: "cut", content: "Beta is the slope of" }, true, /broke off/],
  ])("says of %s whether trying again helps", async (_, reply, retryable, message) => {
    const at = await provider(reply);
    const failure = await failureOf(modelOf(at).complete(request()));
    expect(failure).toMatchObject({ code: "model.unavailable", retryable });
    expect(failure.message).toMatch(message);
    expect(at.requests).toHaveLength(1);
  });

  test("a wrong key is not tried again, and appears in no message and no cause", async () => {
    const at = await provider();
    const failure = await failureOf(
      modelOf(at, { apiKey: "sk-secret-that-nobody-may-see", maxRetries: 3 }).complete(request()),
    );
    expect(failure).toMatchObject({ code: "model.unavailable", retryable: false });
    expect(failure.message).toContain("OPENAI_API_KEY");
    const all = `${failure.message} ${JSON.stringify(failure.details)} ${String(failure.cause)} ${(failure.cause as Error).stack}`;
    expect(all).not.toContain("sk-secret-that-nobody-may-see");
  });

  test("tries again after what may pass, waiting as long as it is told", async () => {
    const at = await provider(
      { kind: "error", status: 503 },
      { kind: "error", status: 429, retryAfterSeconds: 1 },
      { kind: "cut", content: "Beta is the slope of" },
      { kind: "completion", content: "Beta." },
    );
    const started = performance.now();
    expect((await modelOf(at, { maxRetries: 3 }).complete(request())).content).toBe("Beta.");
    expect(performance.now() - started).toBeGreaterThan(1_000);
    expect(at.requests).toHaveLength(4);
  });

  test("passes a long Retry-After on instead of waiting", async () => {
    const at = await provider({ kind: "error", status: 429, retryAfterSeconds: 600 });
    const failure = await failureOf(modelOf(at, { maxRetries: 3 }).complete(request()));
    expect(failure).toMatchObject({ retryable: true, details: { status: 429, retryAfterSeconds: 600 } });
    expect(at.requests).toHaveLength(1);
  });

  test.each<[string, ModelReply]>([
    ["never answers", { kind: "stall" }],
    ["drips", { kind: "completion", content: "x".repeat(2_000), pieceLength: 1, pieceDelayMs: 20 }],
  ])("a server that %s is left after the time limit, and its connection closed", async (_, reply) => {
    const at = await provider(reply);
    const started = performance.now();
    const failure = await failureOf(modelOf(at, { timeoutMs: 300 }).complete(request()));
    expect(failure).toMatchObject({ code: "model.unavailable", retryable: true });
    expect(failure.message).toContain("0.3 s");
    expect(performance.now() - started).toBeLessThan(5_000);
    await expect.poll(at.aborted).toBe(1);
  });

  test("a cancelled call ends with the caller's reason, between attempts too", async () => {
    for (const reply of [{ kind: "stall" }, { kind: "error", status: 429, retryAfterSeconds: 8 }] as const) {
      const at = await provider(reply);
      const stop = new AbortController();
      const call = modelOf(at, { maxRetries: 2 }).complete(request(stop.signal));
      await expect.poll(() => at.requests.length).toBe(1);
      setTimeout(() => stop.abort(new Error("cancelled by the user")), 50);
      await expect(call).rejects.toThrow("cancelled by the user");
      await at.close();
    }
  });

  test("a server that is not there is said to be so", async () => {
    const at = await provider();
    await at.close();
    const failure = await failureOf(modelOf(at).complete(request()));
    expect(failure).toMatchObject({ code: "model.unavailable", retryable: true });
    expect(failure.message).toMatch(/cannot be reached/);
  });
});

test("embeddings come in order, with their dimensions", async () => {
  const at = await provider();
  const embeddings = await createEmbeddings({
    apiKey: at.apiKey,
    baseUrl: at.baseUrl,
    model: "loopback-embedding",
    timeoutMs: 5_000,
    maxRetries: 0,
  });
  expect(embeddings).toMatchObject({ name: "loopback-embedding", dimensions: 64 });
  const [a, b, c] = await embeddings.embed(["moving average", "drawdown", "average moving"]);
  expect(a).toEqual(c);
  expect(a).not.toEqual(b);
  expect(await embeddings.embed([])).toEqual([]);
});
