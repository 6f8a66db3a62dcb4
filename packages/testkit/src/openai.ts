import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A tool call as the model is to write it; an object becomes JSON, text is sent as it is (so it may be malformed). */
export interface ScriptedToolCall {
  id?: string;
  name: string;
  arguments: string | Record<string, unknown>;
}

/** What the server does with one request. `delayMs` before anything is sent. */
export type ModelReply = { delayMs?: number } & (
  | {
      kind: "completion";
      content?: string;
      toolCalls?: ScriptedToolCall[];
      usage?: { inputTokens: number; outputTokens: number };
      finishReason?: "stop" | "tool_calls" | "length" | "content_filter";
      /** Between streamed pieces. */
      pieceDelayMs?: number;
      /** Characters of a streamed piece; default 7. */
      pieceLength?: number;
    }
  /** An error body in the provider's form. */
  | { kind: "error"; status: number; message?: string; code?: string; retryAfterSeconds?: number }
  /** 200 with a body that is not JSON, or an event whose data is not. */
  | { kind: "malformed" }
  /** The connection breaks after the first pieces of `content` (streaming), or inside the body. */
  | { kind: "cut"; content: string }
  /** Takes the request and never answers. */
  | { kind: "stall" }
);

export interface ChatRequest {
  model: string;
  stream: boolean;
  messages: {
    role: string;
    content: string | null;
    tool_call_id?: string;
    tool_calls?: { id: string; type: "function"; function: { name: string; arguments: string } }[];
  }[];
  tools: { type: "function"; function: { name: string; description: string; parameters: object } }[];
  maxTokens: number | undefined;
}

export interface OpenAiServer {
  /** With `/v1`: what OPENAI_BASE_URL takes. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Chat requests in order, failed ones too. */
  readonly requests: { chat: ChatRequest; headers: Record<string, string>; path: string }[];
  /** Texts of each embedding request. */
  readonly embedded: string[][];
  /** Adds replies to the end of the script. */
  script(...replies: ModelReply[]): void;
  /** Requests whose client went away before the answer ended. */
  readonly aborted: () => number;
  close(): Promise<void>;
}

/**
 * A language model provider on loopback that speaks OpenAI's HTTP protocol: chat completions (whole and streamed, tool
 * calls, usage), embeddings (a bag of hashed words, 64 dimensions), the model list. Replies come from a script, in order,
 * or from a function of the request; without one left it answers 500.
 */
export async function openAiServer(
  options: {
    apiKey?: string;
    replies?: readonly ModelReply[];
    reply?: (request: ChatRequest, index: number) => ModelReply;
  } = {},
): Promise<OpenAiServer> {
  const apiKey = options.apiKey ?? "sk-loopback-0123456789abcdef";
  const script: ModelReply[] = [...(options.replies ?? [])];
  const requests: OpenAiServer["requests"] = [];
  const embedded: string[][] = [];
  let aborted = 0;

  async function chat(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const body = (await readJson(request)) as Record<string, unknown>;
    const asked: ChatRequest = {
      model: String(body["model"]),
      stream: body["stream"] === true,
      messages: body["messages"] as ChatRequest["messages"],
      tools: (body["tools"] ?? []) as ChatRequest["tools"],
      maxTokens: (body["max_completion_tokens"] ?? body["max_tokens"]) as number | undefined,
    };
    requests.push({ chat: asked, headers: request.headers as Record<string, string>, path });
    response.on("close", () => {
      if (!response.writableEnded) aborted++;
    });
    const reply: ModelReply = options.reply?.(asked, requests.length - 1) ??
      script.shift() ?? { kind: "error", status: 500, message: "the script has no reply left" };
    if (reply.delayMs !== undefined) await sleep(reply.delayMs);
    await answer(response, asked, reply);
  }

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://loopback").pathname;
    const handle = async () => {
      if (request.headers.authorization !== `Bearer ${apiKey}`) {
        const sent = request.headers.authorization ?? "";
        // Providers repeat a part of the key in this message.
        sendError(response, 401, `Incorrect API key provided: ${sent.slice(7)}.`, "invalid_api_key");
      } else if (request.method === "POST" && path === "/v1/chat/completions") {
        await chat(request, response, path);
      } else if (request.method === "POST" && path === "/v1/embeddings") {
        const body = (await readJson(request)) as { input: string | string[]; model: string };
        const texts = typeof body.input === "string" ? [body.input] : body.input;
        embedded.push(texts);
        sendJson(response, 200, {
          object: "list",
          model: body.model,
          data: texts.map((text, index) => ({ object: "embedding", index, embedding: hashedWords(text) })),
          usage: { prompt_tokens: 1, total_tokens: 1 },
        });
      } else if (request.method === "GET" && path === "/v1/models") {
        sendJson(response, 200, { object: "list", data: [{ id: "loopback", object: "model" }] });
      } else {
        sendError(response, 404, `Unknown address ${path}`, "not_found");
      }
    };
    handle().catch((error: unknown) => {
      if (!response.headersSent) sendError(response, 500, String(error), "loopback");
      else response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    apiKey,
    requests,
    embedded,
    script: (...replies) => void script.push(...replies),
    aborted: () => aborted,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return JSON.parse(Buffer.concat(parts).toString("utf8"));
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  code: string,
  headers = {},
): void {
  sendJson(response, status, { error: { message, type: "error", param: null, code } }, headers);
}

async function answer(response: ServerResponse, asked: ChatRequest, reply: ModelReply): Promise<void> {
  if (reply.kind === "stall") return;
  if (reply.kind === "error") {
    const headers =
      reply.retryAfterSeconds === undefined ? {} : { "retry-after": String(reply.retryAfterSeconds) };
    sendError(response, reply.status, reply.message ?? "the provider failed", reply.code ?? "error", headers);
    return;
  }
  if (asked.stream) return stream(response, asked, reply);
  if (reply.kind === "malformed") {
    response.writeHead(200, { "content-type": "application/json" });
    response.end('{"choices": [{"message": ');
  } else if (reply.kind === "cut") {
    response.writeHead(200, { "content-type": "application/json", "content-length": "100000" });
    response.write('{"choices": [');
    response.destroy();
  } else {
    sendJson(response, 200, {
      ...head(asked, "chat.completion"),
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: reply.content ?? null,
            ...(reply.toolCalls === undefined ? {} : { tool_calls: reply.toolCalls.map(wireCall) }),
          },
          finish_reason: finishReason(reply),
        },
      ],
      usage: wireUsage(reply),
    });
  }
}

type Completion = Extract<ModelReply, { kind: "completion" }>;

function head(asked: ChatRequest, object: string): Record<string, unknown> {
  return { id: "chatcmpl-loopback", object, created: 1_767_225_600, model: asked.model };
}

function finishReason(reply: Completion): string {
  return reply.finishReason ?? (reply.toolCalls === undefined ? "stop" : "tool_calls");
}

function wireUsage(reply: Completion): Record<string, number> {
  const { inputTokens, outputTokens } = reply.usage ?? { inputTokens: 10, outputTokens: 5 };
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

function wireCall(call: ScriptedToolCall, index: number) {
  const text = typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments);
  return {
    id: call.id ?? `call_${index}`,
    type: "function",
    function: { name: call.name, arguments: text },
  };
}

function pieces(text: string, length: number): string[] {
  const out: string[] = [];
  for (let at = 0; at < text.length; at += length) out.push(text.slice(at, at + length));
  return out;
}

async function stream(
  response: ServerResponse,
  asked: ChatRequest,
  reply: Extract<ModelReply, { kind: "completion" | "malformed" | "cut" }>,
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (delta: object, finish: string | null = null) =>
    response.write(
      `data: ${JSON.stringify({
        ...head(asked, "chat.completion.chunk"),
        choices: [{ index: 0, delta, finish_reason: finish }],
      })}\n\n`,
    );
  send({ role: "assistant", content: "" });
  if (reply.kind === "malformed") {
    response.write('data: {"choices": [{"delta": \n\n');
    response.end("data: [DONE]\n\n");
    return;
  }
  if (reply.kind === "cut") {
    for (const piece of pieces(reply.content, 7)) send({ content: piece });
    // After the pieces are out: a reset may discard what was not read yet, which is the point.
    setTimeout(() => response.destroy(), 20);
    return;
  }
  const length = reply.pieceLength ?? 7;
  for (const piece of pieces(reply.content ?? "", length)) {
    if (response.destroyed) return;
    send({ content: piece });
    if (reply.pieceDelayMs !== undefined) await sleep(reply.pieceDelayMs);
  }
  for (const [index, call] of (reply.toolCalls ?? []).map(wireCall).entries()) {
    send({ tool_calls: [{ index, ...call, function: { name: call.function.name, arguments: "" } }] });
    for (const piece of pieces(call.function.arguments, length)) {
      send({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
  }
  send({}, finishReason(reply));
  response.write(
    `data: ${JSON.stringify({ ...head(asked, "chat.completion.chunk"), choices: [], usage: wireUsage(reply) })}\n\n`,
  );
  response.end("data: [DONE]\n\n");
}

/** Words counted into 64 places, length 1. */
function hashedWords(text: string): number[] {
  const vector = Array.from({ length: 64 }, () => 0);
  vector[0] = 0.01;
  for (const word of text.toLowerCase().match(/[a-z0-9]+/g) ?? []) {
    let hash = 7;
    for (const char of word) hash = (hash * 31 + char.charCodeAt(0)) % 63;
    vector[hash + 1]! += 1;
  }
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}
