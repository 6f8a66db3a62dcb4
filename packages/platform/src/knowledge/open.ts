import path from "node:path";
import type { Embeddings, KnowledgeIndex } from "@tapedeck/core";
import type { Environment } from "../config/index.ts";

export interface KnowledgeTarget {
  /** Folder of LanceDB; used where no Weaviate is given. */
  dir: string;
  weaviateUrl?: string | undefined;
  /** Its port is taken; the host is that of `weaviateUrl`. Default: port 50051. */
  weaviateGrpcUrl?: string | undefined;
  weaviateApiKey?: string | undefined;
  /** A provider's model for vectors; absent: the index uses words alone. */
  embeddings?: { model: string; apiKey: string | undefined; baseUrl: string | undefined } | undefined;
  now(): number;
}

type KnowledgeEnvironment = Environment<
  | "WEAVIATE_URL"
  | "WEAVIATE_GRPC_URL"
  | "WEAVIATE_API_KEY"
  | "OPENAI_EMBEDDING_MODEL"
  | "OPENAI_API_KEY"
  | "OPENAI_BASE_URL"
>;

/** What the environment says of the index; `dir` is the folder of the installation. */
export function knowledgeTarget(
  dir: string,
  environment: KnowledgeEnvironment,
): Omit<KnowledgeTarget, "now"> {
  const { OPENAI_EMBEDDING_MODEL: model } = environment;
  return {
    dir: path.join(dir, "knowledge"),
    weaviateUrl: environment.WEAVIATE_URL,
    weaviateGrpcUrl: environment.WEAVIATE_GRPC_URL,
    weaviateApiKey: environment.WEAVIATE_API_KEY,
    embeddings:
      model === undefined
        ? undefined
        : { model, apiKey: environment.OPENAI_API_KEY, baseUrl: environment.OPENAI_BASE_URL },
  };
}

async function openEmbeddings({ embeddings }: KnowledgeTarget): Promise<{ embeddings?: Embeddings }> {
  if (embeddings === undefined) return {};
  const { createEmbeddings } = await import("../models/openai.ts");
  const { model, apiKey, baseUrl } = embeddings;
  const made = await createEmbeddings({
    // Servers of one's own often take any key.
    apiKey: apiKey ?? "none",
    model,
    timeoutMs: 30_000,
    maxRetries: 2,
    ...(baseUrl === undefined ? {} : { baseUrl }),
  });
  return { embeddings: made };
}

async function open(target: KnowledgeTarget): Promise<KnowledgeIndex> {
  const vectors = await openEmbeddings(target);
  if (target.weaviateUrl === undefined) {
    const { createLanceIndex } = await import("./lance.ts");
    return createLanceIndex({ dir: target.dir, now: target.now, ...vectors });
  }
  const { createWeaviateIndex } = await import("./weaviate.ts");
  const grpcPort = target.weaviateGrpcUrl === undefined ? "" : new URL(target.weaviateGrpcUrl).port;
  return createWeaviateIndex({
    url: target.weaviateUrl,
    ...vectors,
    ...(grpcPort === "" ? {} : { grpcPort: Number(grpcPort) }),
    ...(target.weaviateApiKey === undefined ? {} : { apiKey: target.weaviateApiKey }),
  });
}

/**
 * The configured knowledge index, opened when it is first asked: many processes never ask, and its library brings
 * tens of megabytes along. A failed start is tried again at the next call.
 */
export function openKnowledge(target: KnowledgeTarget): KnowledgeIndex {
  let opened: Promise<KnowledgeIndex> | undefined;
  const index = () => {
    opened ??= open(target).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    backend: target.weaviateUrl === undefined ? "lancedb" : "weaviate",
    put: async (chunks) => (await index()).put(chunks),
    removeDocument: async (documentId) => (await index()).removeDocument(documentId),
    search: async (query) => (await index()).search(query),
    count: async () => (await index()).count(),
    check: async (expectedIds) => (await index()).check(expectedIds),
    findLost: async () => (await index()).findLost(),
    rebuild: async (chunks) => (await index()).rebuild(chunks),
    close: async () => (await opened)?.close(),
  };
}
