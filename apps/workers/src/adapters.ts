import type { LanguageModel } from "@tapedeck/core";
import type { WorkerConfig } from "./config.ts";

/** Adapters that bring tens of megabytes along are loaded when they are first used, or not at all. */

/** One that is made at its first use; a failed start is tried again at the next. */
function lazy<T>(open: () => Promise<T>): { get: () => Promise<T> } {
  let made: Promise<T> | undefined;
  return {
    get() {
      made ??= open().catch((error: unknown) => {
        made = undefined;
        throw error;
      });
      return made;
    },
  };
}

/** Undefined where neither a key nor a server is configured. */
export function openModel(config: WorkerConfig): LanguageModel | undefined {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl, OPENAI_MODEL: name } = config.environment;
  if (apiKey === undefined && baseUrl === undefined) return undefined;
  const model = lazy(async () => {
    const { createLanguageModel } = await import("@tapedeck/platform/models/openai");
    return createLanguageModel({
      // Servers of one's own often take any key.
      apiKey: apiKey ?? "none",
      model: name,
      timeoutMs: 60_000,
      maxRetries: 2,
      ...(baseUrl === undefined ? {} : { baseUrl }),
    });
  });
  return { name, complete: async (request) => (await model.get()).complete(request) };
}
