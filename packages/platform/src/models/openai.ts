import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from "@langchain/core/messages";
import type { AIMessageChunk, BaseMessage, UsageMetadata } from "@langchain/core/messages";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { AppError } from "@tapedeck/core";
import type { Embeddings, LanguageModel, ModelMessage, ModelToolCall } from "@tapedeck/core";

export interface ProviderOptions {
  apiKey: string;
  /** Any server of OpenAI's protocol; default the provider's own. */
  baseUrl?: string;
  model: string;
  /** For one attempt: from the request to the last streamed piece. */
  timeoutMs: number;
  /** Further attempts after an answer that may be tried again (429, 5xx, no connection, a cut stream). */
  maxRetries: number;
}

const firstRetryMs = 250;
const longestRetryMs = 10_000;

/**
 * A chat model over HTTP. Replies are streamed inside (so that a stalled server is noticed) and given whole.
 * Never longer than (maxRetries + 1) × timeoutMs plus the waits, which end at 10 s each; a `Retry-After` beyond that is
 * passed on instead of waited for. Messages of errors never repeat what the provider said, which may hold the key.
 */
export function createLanguageModel(options: ProviderOptions): LanguageModel {
  async function attempt(
    request: Parameters<LanguageModel["complete"]>[0],
    signal: AbortSignal,
  ): ReturnType<LanguageModel["complete"]> {
    const model = new ChatOpenAI({
      model: options.model,
      apiKey: options.apiKey,
      maxRetries: 0,
      maxTokens: request.maxTokens,
      streamUsage: true,
      configuration: clientOptions(options),
    });
    const stream = await model.stream(request.messages.map(toLangChain), {
      signal,
      tools: request.tools.map((tool) => ({
        type: "function" as const,
        function: { name: tool.name, description: tool.description, parameters: tool.parameters },
      })),
    });
    let whole: AIMessageChunk | undefined;
    for await (const chunk of stream) whole = whole === undefined ? chunk : whole.concat(chunk);
    signal.throwIfAborted();
    if (whole === undefined) throw new CutStream();
    const finish = whole.response_metadata["finish_reason"] as string | undefined;
    if (finish === undefined) throw new CutStream();
    const usage = whole.usage_metadata as UsageMetadata | undefined;
    return {
      content: textOf(whole),
      toolCalls: toolCallsOf(whole),
      usage: { inputTokens: usage?.input_tokens ?? 0, outputTokens: usage?.output_tokens ?? 0 },
    };
  }

  return {
    name: options.model,
    complete: (request) =>
      withRetries(options, request.signal, (signal) => attempt({ ...request, signal }, signal)),
  };
}

/** Embeddings of the same kind of provider. `dimensions` is asked for once, when made. */
export async function createEmbeddings(options: ProviderOptions, signal?: AbortSignal): Promise<Embeddings> {
  const model = new OpenAIEmbeddings({
    model: options.model,
    apiKey: options.apiKey,
    maxRetries: 0,
    timeout: options.timeoutMs,
    batchSize: 256,
    encodingFormat: "float",
    configuration: clientOptions(options),
  });
  const embed = async (texts: readonly string[], stop?: AbortSignal): Promise<Float32Array[]> => {
    if (texts.length === 0) return [];
    const vectors = await withRetries(options, stop ?? new AbortController().signal, () =>
      model.embedDocuments([...texts]),
    );
    if (vectors.length !== texts.length || vectors.some((vector) => vector.length === 0)) {
      throw unavailable("The embedding model answered with fewer vectors than texts.", false);
    }
    return vectors.map((vector) => Float32Array.from(vector));
  };
  const [probe] = await embed(["dimensions"], signal);
  return { name: options.model, dimensions: probe!.length, embed };
}

/** The client underneath prints nothing: what went wrong is in the error. */
function clientOptions(options: ProviderOptions): { logLevel: "off"; baseURL?: string } {
  return { logLevel: "off", ...(options.baseUrl === undefined ? {} : { baseURL: options.baseUrl }) };
}

/** A stream that ended without saying why: its text is not whole. */
class CutStream extends Error {}

async function withRetries<T>(
  options: ProviderOptions,
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (let tried = 0; ; tried++) {
    signal.throwIfAborted();
    const timeout = AbortSignal.timeout(options.timeoutMs);
    try {
      return await race(attempt(AbortSignal.any([signal, timeout])), timeout, signal);
    } catch (error) {
      // Cancelled by the caller: its own reason, not ours.
      signal.throwIfAborted();
      const { failure, waitMs } = judge(error, timeout.aborted, options);
      const backoffMs = waitMs ?? Math.min(firstRetryMs * 2 ** tried, longestRetryMs);
      if (!failure.retryable || tried >= options.maxRetries || backoffMs > longestRetryMs) throw failure;
      await pause(backoffMs, signal);
    }
  }
}

/** Ends with the signals, also when the client underneath does not heed them. */
function race<T>(work: Promise<T>, ...signals: AbortSignal[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (event: Event) => reject((event.target as AbortSignal).reason as Error);
    for (const signal of signals) signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => {
      for (const signal of signals) signal.removeEventListener("abort", stop);
    });
  });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    signal.addEventListener("abort", stop, { once: true });
  });
}

function unavailable(
  message: string,
  retryable: boolean,
  cause?: unknown,
  details?: Record<string, unknown>,
): AppError {
  return new AppError("model.unavailable", message, {
    retryable,
    ...(cause === undefined ? {} : { cause }),
    ...(details === undefined ? {} : { details }),
  });
}

function judge(
  error: unknown,
  timedOut: boolean,
  options: ProviderOptions,
): { failure: AppError; waitMs?: number } {
  if (error instanceof AppError) return { failure: error };
  const cause = scrubbed(error, options.apiKey);
  if (timedOut) {
    const seconds = options.timeoutMs / 1000;
    return { failure: unavailable(`The language model did not answer within ${seconds} s.`, true, cause) };
  }
  if (error instanceof CutStream) {
    return { failure: unavailable("The language model's answer broke off.", true, cause) };
  }
  const status = (error as { status?: unknown }).status;
  if (typeof status !== "number") {
    const parsing = error instanceof SyntaxError;
    const message = parsing
      ? "The language model's answer is not in its protocol."
      : "The language model cannot be reached, or its answer broke off.";
    return { failure: unavailable(message, true, cause) };
  }
  if (status === 401 || status === 403) {
    return {
      failure: unavailable("The language model refused the key; set OPENAI_API_KEY anew.", false, cause, {
        status,
      }),
    };
  }
  if (status === 404) {
    return {
      failure: unavailable(
        "The provider does not know the model or the address; check OPENAI_MODEL and OPENAI_BASE_URL.",
        false,
        cause,
        { status },
      ),
    };
  }
  const waitMs = retryAfterMs((error as { headers?: unknown }).headers);
  const busy = status === 429;
  const retryable = busy || status === 408 || status === 409 || status >= 500;
  const failure = unavailable(
    busy
      ? "The language model's provider limits the rate."
      : `The language model answered with status ${status}.`,
    // A quota that is used up comes as 429 too, and waiting does not help.
    retryable && (error as { code?: unknown }).code !== "insufficient_quota",
    cause,
    { status, ...(waitMs === undefined ? {} : { retryAfterSeconds: Math.ceil(waitMs / 1000) }) },
  );
  return waitMs === undefined ? { failure } : { failure, waitMs };
}

/** Seconds, or a date, which is left to the backoff. */
function retryAfterMs(headers: unknown): number | undefined {
  const value = headers instanceof Headers ? headers.get("retry-after") : undefined;
  const seconds = value === null || value === undefined || value === "" ? Number.NaN : Number(value);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** For logs: what was thrown, without headers and without the key. */
function scrubbed(error: unknown, apiKey: string): Error {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new Error(text.replaceAll(apiKey, "[key]").slice(0, 2_000));
}

function toLangChain(message: ModelMessage): BaseMessage {
  switch (message.role) {
    case "system":
      return new SystemMessage(message.content);
    case "user":
      return new HumanMessage(message.content);
    case "tool":
      return new ToolMessage({ content: message.content, tool_call_id: message.toolCallId });
    case "assistant": {
      const calls = message.toolCalls ?? [];
      const sent = new AIMessage(message.content);
      if (calls.length > 0) {
        // The written form: the parsed one leaves out calls whose arguments are malformed.
        sent.additional_kwargs.tool_calls = calls.map((call) => ({
          id: call.id,
          type: "function" as const,
          function: { name: call.name, arguments: call.arguments },
        }));
      }
      return sent;
    }
  }
}

function textOf(message: AIMessageChunk): string {
  if (typeof message.content === "string") return message.content;
  return message.content.map((part) => (part.type === "text" ? (part["text"] as string) : "")).join("");
}

function toolCallsOf(message: AIMessageChunk): ModelToolCall[] {
  return (message.tool_call_chunks ?? []).map((call, i) => ({
    id: call.id ?? `call_${i}`,
    name: call.name ?? "",
    arguments: call.args ?? "",
  }));
}
