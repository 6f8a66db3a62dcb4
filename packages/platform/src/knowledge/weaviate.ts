import { createHash, randomUUID } from "node:crypto";
import { AppError } from "@tapedeck/core";
import type { Chunk, ChunkQuery, Embeddings, KnowledgeIndex } from "@tapedeck/core";
import weaviate, { ApiKey, configure, dataType, Filters, tokenization } from "weaviate-client";
import type { Collection, FilterValue, WeaviateClient, WeaviateNonGenericObject } from "weaviate-client";
import type { Candidate } from "./rank.ts";
import { indexedText, never, termsOfAll, toChunk } from "./rows.ts";
import type { ChunkRow } from "./rows.ts";
import { searchPassages } from "./search.ts";

export interface WeaviateOptions {
  /** Of the HTTP side: http://host:port. */
  url: string;
  /** Same host; default 50051, or 443 behind https. */
  grpcPort?: number;
  apiKey?: string;
  /** Start of the names of its collections, so that several deployments can share a server. Default "Tapedeck". */
  prefix?: string;
  embeddings?: Embeddings;
}

/** Ours beside a passage's fields. */
type Row = ChunkRow & { written_in: string };

/** Raised when the passages' fields or terms change: an index of another format is built anew under a name of its own. */
const format = 3;
const insertRows = 200;
const pageRows = 1_000;
/** Deletions are limited by the server to this many a call. */
const deleteRounds = 1_000;

/**
 * The knowledge index on a Weaviate server. Ranks as the LanceDB one does: BM25 over own terms, vectors beside it where
 * embeddings are given, then re-ranking. Readers go through an alias, which a rebuild points to a new collection.
 *
 * Replacing a document adds its new passages before it deletes the old ones, so a search in between may see both.
 */
export function createWeaviateIndex(options: WeaviateOptions): KnowledgeIndex {
  const { embeddings } = options;
  const prefix = options.prefix ?? "Tapedeck";
  // Vectors of two models do not mix: each model has its own alias, which is missing until it is built.
  const model =
    embeddings === undefined ? "Text" : `V${sha(embeddings.name + embeddings.dimensions).slice(0, 8)}`;
  const alias = `${prefix}Passages${format}${model}`;
  let connected: Promise<WeaviateClient> | undefined;

  async function connect(): Promise<WeaviateClient> {
    const url = new URL(options.url);
    const secure = url.protocol === "https:";
    return weaviate.connectToCustom({
      httpHost: url.hostname,
      httpPort: Number(url.port) || (secure ? 443 : 80),
      httpSecure: secure,
      grpcHost: url.hostname,
      grpcPort: options.grpcPort ?? (secure ? 443 : 50_051),
      grpcSecure: secure,
      timeout: { init: 5, query: 15, insert: 60 },
      ...(options.apiKey === undefined ? {} : { authCredentials: new ApiKey(options.apiKey) }),
    });
  }

  /** Runs `work`; what the server or the network says against it becomes `knowledge.unavailable`. */
  async function using<T>(work: (client: WeaviateClient) => Promise<T>): Promise<T> {
    connected ??= connect();
    try {
      return await work(await connected);
    } catch (error) {
      if (error instanceof AppError) throw error;
      // A client that could not connect never will; one that lost its server recovers by itself.
      await connected.catch(() => (connected = undefined));
      throw unavailable("The Weaviate server does not answer as it should; see WEAVIATE_URL.", error);
    }
  }

  /** The collection behind the alias; undefined when none was ever built. */
  async function target(client: WeaviateClient): Promise<string | undefined> {
    const all = (await client.alias.listAll()) ?? [];
    return all.find((one) => one.alias === alias)?.collection;
  }

  async function create(client: WeaviateClient): Promise<string> {
    const text = (name: keyof Row, searched: "field" | "whitespace" | "not") => ({
      name,
      dataType: dataType.TEXT,
      tokenization: searched === "whitespace" ? tokenization.WHITESPACE : tokenization.FIELD,
      indexFilterable: searched === "field",
      indexSearchable: searched === "whitespace",
    });
    const number = (name: keyof Row, filtered: boolean) => ({
      name,
      dataType: dataType.NUMBER,
      indexFilterable: filtered,
      indexRangeFilters: filtered,
    });
    const name = `${alias}_${randomUUID().replaceAll("-", "")}`;
    await client.collections.create({
      name,
      description: "Passages of documents; built and owned by Tapedeck",
      properties: [
        ...(["id_text", "document_id", "space", "kind", "company", "written_in"] as const).map((field) =>
          text(field as keyof Row, "field"),
        ),
        text("terms", "whitespace"),
        ...(["title", "section", "topic", "period", "text"] as const).map((field) => text(field, "not")),
        ...(["published_ms", "superseded_ms"] as const).map((field) => number(field, true)),
        ...(["version", "span_start", "span_end"] as const).map((field) => number(field, false)),
      ],
      invertedIndex: configure.invertedIndex({ stopwordsPreset: "none" }),
      vectorizers: configure.vectors.selfProvided({
        vectorIndexConfig: configure.vectorIndex.hnsw({ distanceMetric: "cosine" }),
      }),
    });
    return name;
  }

  async function insert(collection: Collection, chunks: readonly Chunk[], writtenIn: string): Promise<void> {
    const terms = termsOfAll(chunks);
    for (let start = 0; start < chunks.length; start += insertRows) {
      const part = chunks.slice(start, start + insertRows);
      const vectors = await embeddings?.embed(part.map((chunk) => indexedText(chunk)));
      const result = await collection.data.insertMany(
        part.map((chunk, i) => ({
          id: objectId(chunk.id),
          properties: properties(chunk, terms[start + i]!, writtenIn),
          ...(vectors === undefined ? {} : { vectors: Array.from(vectors[i]!) }),
        })),
      );
      if (result.hasErrors) {
        const [first] = Object.values(result.errors);
        throw unavailable("The Weaviate server refused passages.", new Error(first?.message));
      }
    }
  }

  async function deleteWhere(collection: Collection, where: FilterValue): Promise<void> {
    for (let round = 0; round < deleteRounds; round++) {
      const { matches, failed } = await collection.data.deleteMany(where);
      if (failed > 0) throw unavailable("The Weaviate server could not delete passages.");
      if (matches === 0) return;
    }
  }

  async function build(client: WeaviateClient, chunks: AsyncIterable<readonly Chunk[]>): Promise<void> {
    const before = await target(client);
    const name = await create(client);
    const collection = client.collections.use(name);
    try {
      let expected = 0;
      for await (const batch of chunks) {
        await insert(collection, batch, "rebuild");
        expected += batch.length;
      }
      await verify(client, collection, expected, embeddings);
    } catch (error) {
      await client.collections.delete(name).catch(() => undefined);
      throw error;
    }
    if (before === undefined) await client.alias.create({ alias, collection: name });
    else await client.alias.update({ alias, newTargetCollection: name });
    // The one before, and what rebuilds that were killed left.
    for (const { name: other } of await client.collections.listAll()) {
      if (other.startsWith(`${alias}_`) && other !== name) await client.collections.delete(other);
    }
  }

  function found(objects: readonly WeaviateNonGenericObject[]): Candidate[] {
    return objects.map(({ properties: row, metadata }) => {
      const { id_text: id, ...rest } = row as unknown as Row & { id_text: string };
      return {
        chunk: toChunk({ ...rest, id }),
        terms: rest.terms.split(" "),
        score: metadata?.score ?? -(metadata?.distance ?? 0),
      };
    });
  }

  return {
    backend: "weaviate",

    put: (chunks) =>
      using(async (client) => {
        if (chunks.length === 0) return;
        if ((await target(client)) === undefined) await build(client, (async function* () {})());
        const collection = client.collections.use(alias);
        const documents = [...new Set(chunks.map((chunk) => chunk.documentId))];
        const writtenIn = randomUUID();
        await insert(collection, chunks, writtenIn);
        const { filter } = collection;
        await deleteWhere(
          collection,
          Filters.and(
            filter.byProperty("document_id").containsAny(documents),
            filter.byProperty("written_in").notEqual(writtenIn),
          ),
        );
      }),

    removeDocument: (documentId) =>
      using(async (client) => {
        if ((await target(client)) === undefined) return;
        const collection = client.collections.use(alias);
        await deleteWhere(collection, collection.filter.byProperty("document_id").equal(documentId));
      }),

    search: (query) =>
      searchPassages(
        query,
        {
          byTerms: (terms, asked, limit) =>
            using(async (client) => {
              const collection = client.collections.use(alias);
              const filters = filterOf(collection, asked);
              const { objects } = await collection.query
                .bm25(terms.join(" "), {
                  limit,
                  filters,
                  queryProperties: ["terms"],
                  returnMetadata: ["score"],
                })
                .catch(async (error: unknown) => {
                  if ((await target(client)) !== undefined) throw error;
                  throw unavailable(
                    "The knowledge index is not built yet; it is built at start, or by a rebuild.",
                    error,
                  );
                });
              return found(objects);
            }),
          byVector: (vector, asked, limit) =>
            using(async (client) => {
              const collection = client.collections.use(alias);
              const { objects } = await collection.query.nearVector(Array.from(vector), {
                limit,
                filters: filterOf(collection, asked),
                returnMetadata: ["distance"],
              });
              return found(objects);
            }),
        },
        embeddings,
      ),

    count: () =>
      using(async (client) =>
        (await target(client)) === undefined ? 0 : client.collections.use(alias).length(),
      ),

    check: (expectedIds) =>
      using(async (client) => {
        const there = new Set<string>();
        if ((await target(client)) !== undefined) {
          for await (const object of allObjects(client.collections.use(alias), false)) {
            there.add(object.properties["id_text"] as string);
          }
        }
        const expected = new Set(expectedIds);
        return {
          missing: [...expected].filter((id) => !there.has(id)),
          unexpected: [...there].filter((id) => !expected.has(id)),
        };
      }),

    findLost: () =>
      using(async (client) => {
        const lost: string[] = [];
        if (embeddings === undefined || (await target(client)) === undefined) return lost;
        const collection = client.collections.use(alias);
        for await (const { uuid, vectors, properties: row } of allObjects(collection, true)) {
          if (!(await findsItself(collection, uuid, vectors["default"]))) lost.push(row["id_text"] as string);
        }
        return lost;
      }),

    // What breaks in the source of the passages is the caller's, not the server's.
    async rebuild(chunks) {
      let broken: { error: unknown } | undefined;
      async function* watched(): AsyncGenerator<readonly Chunk[]> {
        try {
          yield* chunks;
        } catch (error) {
          broken = { error };
          throw error;
        }
      }
      await using((client) => build(client, watched())).catch((error: unknown) => {
        throw broken === undefined ? error : broken.error;
      });
    },

    async close() {
      const client = await connected?.catch(() => undefined);
      connected = undefined;
      await client?.close();
    },
  };
}

async function* allObjects(
  collection: Collection,
  includeVector: boolean,
): AsyncGenerator<WeaviateNonGenericObject> {
  for (let after: string | undefined; ;) {
    const { objects } = await collection.query.fetchObjects({
      limit: pageRows,
      returnProperties: ["id_text"],
      includeVector,
      ...(after === undefined ? {} : { after }),
    });
    yield* objects;
    if (objects.length < pageRows) return;
    after = objects.at(-1)!.uuid;
  }
}

/** Equal vectors stand before each other in any order: one of them stands for all. */
const sameVector = 1e-6;

async function findsItself(collection: Collection, uuid: string, vector: unknown): Promise<boolean> {
  if (!Array.isArray(vector)) return false;
  const { objects } = await collection.query.nearVector(vector as number[], {
    limit: 5,
    returnProperties: ["id_text"],
    returnMetadata: ["distance"],
  });
  return (
    objects.some((one) => one.uuid === uuid) ||
    objects.every(({ metadata }) => metadata!.distance! < sameVector)
  );
}

/** Partial failures raise nothing by themselves: the count is read back, and one vector. */
async function verify(
  client: WeaviateClient,
  collection: Collection,
  expected: number,
  embeddings: Embeddings | undefined,
): Promise<void> {
  const count = await collection.length();
  if (count !== expected) throw unavailable(`The Weaviate server holds ${count} of ${expected} passages.`);
  if (embeddings === undefined || expected === 0) return;
  const { objects } = await collection.query.fetchObjects({ limit: 1, includeVector: true });
  const vector: unknown = objects[0]?.vectors["default"];
  if (!Array.isArray(vector) || vector.length !== embeddings.dimensions) {
    throw unavailable("The Weaviate server holds passages without their vectors.");
  }
  // Vectors are indexed after they are stored: searches would miss those that still wait.
  for (let waited = 0; ; waited += 100) {
    const nodes = await client.cluster.nodes({ collection: collection.name, output: "verbose" });
    const shards = nodes.flatMap((node) => node.shards ?? []);
    if (shards.every((shard) => shard.vectorQueueLength === 0)) return;
    if (waited >= 120_000) throw unavailable("The Weaviate server does not get its vectors indexed.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function filterOf(collection: Collection, query: ChunkQuery): FilterValue {
  const { filter } = collection;
  const parts: FilterValue[] = [filter.byProperty("space").containsAny([...query.spaces])];
  if (query.asOfMs === undefined) {
    parts.push(filter.byProperty("superseded_ms").equal(never));
  } else {
    parts.push(
      filter.byProperty("published_ms").lessOrEqual(query.asOfMs),
      filter.byProperty("superseded_ms").greaterThan(query.asOfMs),
    );
  }
  if (query.documentIds !== undefined) {
    parts.push(filter.byProperty("document_id").containsAny([...query.documentIds]));
  }
  if (query.kinds !== undefined) parts.push(filter.byProperty("kind").containsAny([...query.kinds]));
  if (query.company !== undefined) parts.push(filter.byProperty("company").equal(query.company));
  return Filters.and(...parts);
}

function properties(chunk: Chunk, terms: string, writtenIn: string): Record<string, string | number> {
  return {
    // `id` is the server's own word.
    id_text: chunk.id,
    document_id: chunk.documentId,
    space: chunk.space,
    written_in: writtenIn,
    terms,
    title: chunk.title,
    section: chunk.section,
    topic: chunk.topic,
    kind: chunk.kind,
    company: chunk.company ?? "",
    period: chunk.period ?? "",
    text: chunk.text,
    version: chunk.version,
    span_start: chunk.start,
    span_end: chunk.end,
    published_ms: chunk.publishedMs,
    superseded_ms: chunk.supersededMs ?? never,
  };
}

function sha(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The server's ids are UUIDs: one of version 8 from the passage's id, so that the same passage is the same object. */
function objectId(id: string): string {
  const hex = sha(id);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function unavailable(message: string, cause?: unknown): AppError {
  return new AppError("knowledge.unavailable", message, { retryable: true, cause });
}
