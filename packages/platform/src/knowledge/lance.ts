import { mkdir, open, readFile, rename } from "node:fs/promises";
import path from "node:path";
import { Index, MatchQuery, connect, makeArrowTable } from "@lancedb/lancedb";
import type { Connection, Table } from "@lancedb/lancedb";
import { AppError } from "@tapedeck/core";
import type { Chunk, ChunkQuery, Embeddings, KnowledgeIndex } from "@tapedeck/core";
import { Field, FixedSizeList, Float32, Float64, Int32, Schema, Utf8 } from "apache-arrow";
import type { Table as ArrowTable } from "apache-arrow";
import { indexedText, never, termsOfAll, toChunk } from "./rows.ts";
import type { ChunkRow } from "./rows.ts";
import type { Candidate } from "./rank.ts";
import { searchPassages } from "./search.ts";

/** Which table is in use. Replaced as a whole by rename, so that readers see the old one or the new one. */
interface Pointer {
  format: number;
  generation: number;
  /** Null: text alone. */
  embeddings: { name: string; dimensions: number } | null;
}

/** Raised when the table's columns or terms change: an index of another format is built anew. */
const format = 3;
const tableName = (generation: number) => `chunks_${generation}`;
const pointerName = "current.json";
/** Versions of a table older than this are removed; readers are done with them. */
const keepVersionsMs = 600_000;

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function filterOf(query: ChunkQuery): string {
  const parts = [`space IN (${query.spaces.map(quote).join(", ")})`];
  if (query.asOfMs === undefined) parts.push(`superseded_ms = ${never}`);
  else parts.push(`published_ms <= ${query.asOfMs}`, `superseded_ms > ${query.asOfMs}`);
  if (query.documentIds !== undefined) {
    parts.push(`document_id IN (${query.documentIds.map(quote).join(", ")})`);
  }
  if (query.kinds !== undefined) parts.push(`kind IN (${query.kinds.map(quote).join(", ")})`);
  if (query.company !== undefined) parts.push(`company = ${quote(query.company)}`);
  return parts.join(" AND ");
}

function schemaFor(embeddings: Embeddings | undefined): Schema {
  const text = (name: string) => new Field(name, new Utf8(), false);
  const whole = (name: string) => new Field(name, new Int32(), false);
  const fields: Field[] = [
    ...["id", "document_id", "space", "title", "section", "topic", "kind", "company", "period"].map(text),
    ...["text", "terms"].map(text),
    ...["version", "span_start", "span_end"].map(whole),
    new Field("published_ms", new Float64(), false),
    new Field("superseded_ms", new Float64(), false),
  ];
  if (embeddings !== undefined) {
    const item = new Field("item", new Float32(), true);
    fields.push(new Field("vector", new FixedSizeList(embeddings.dimensions, item), false));
  }
  return new Schema(fields);
}

/**
 * The knowledge index in a folder: LanceDB, BM25 over own terms (terms.ts), with vectors beside it where embeddings are
 * given, ordered as search.ts does.
 *
 * Several processes may read while one writes: each change is one commit, readers look for it at every search.
 * Writers are kept apart by the caller. A rebuild fills a new table and then swaps a pointer file.
 */
export function createLanceIndex(options: {
  dir: string;
  now(): number;
  embeddings?: Embeddings;
}): KnowledgeIndex {
  const { dir, embeddings } = options;
  const schema = schemaFor(embeddings);
  const columns = schema.fields.map((field) => field.name).filter((name) => name !== "vector");
  let connection: Promise<Connection> | undefined;
  let opened: { generation: number; table: Table } | undefined;

  async function database(): Promise<Connection> {
    connection ??= mkdir(dir, { recursive: true }).then(() => connect(dir, { readConsistencyInterval: 0 }));
    return connection.catch((error: unknown) => {
      connection = undefined;
      throw unavailable(`The knowledge index in ${dir} cannot be opened.`, error);
    });
  }

  async function pointer(): Promise<Pointer | undefined> {
    try {
      return JSON.parse(await readFile(path.join(dir, pointerName), "utf8")) as Pointer;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw unavailable("The knowledge index cannot be read; rebuild it.", error);
    }
  }

  async function point(generation: number): Promise<void> {
    const value: Pointer = {
      format,
      generation,
      embeddings:
        embeddings === undefined ? null : { name: embeddings.name, dimensions: embeddings.dimensions },
    };
    const draft = path.join(dir, `${pointerName}.new`);
    const file = await open(draft, "w");
    try {
      await file.writeFile(JSON.stringify(value));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path.join(dir, pointerName));
  }

  /** The table in use; undefined when none was ever built here. */
  async function current(): Promise<Table | undefined> {
    const at = await pointer();
    if (at === undefined) return undefined;
    if (at.format !== format) {
      throw unavailable("The knowledge index was built by another version of Tapedeck; rebuild it.");
    }
    const wanted = embeddings?.name ?? null;
    if ((at.embeddings?.name ?? null) !== wanted) {
      throw unavailable(
        `The knowledge index was built with ${at.embeddings?.name ?? "no"} embeddings, and ${wanted ?? "none"} are set now; rebuild it.`,
      );
    }
    if (opened?.generation !== at.generation) {
      opened?.table.close();
      opened = {
        generation: at.generation,
        table: await (await database()).openTable(tableName(at.generation)),
      };
    }
    return opened.table;
  }

  /** Runs `read`; once more when the table was replaced under it. */
  async function reading<T>(read: (table: Table | undefined) => Promise<T>): Promise<T> {
    const before = opened?.generation;
    try {
      return await read(await current());
    } catch (error) {
      if (error instanceof AppError) throw error;
      opened = undefined;
      const at = await pointer();
      if (at !== undefined && at.generation !== before) return read(await current());
      throw unavailable("The knowledge index cannot be read; rebuild it.", error);
    }
  }

  async function rowsOf(chunks: readonly Chunk[]): Promise<Record<string, unknown>[]> {
    const vectors = await embeddings?.embed(chunks.map((chunk) => indexedText(chunk)));
    const terms = termsOfAll(chunks);
    return chunks.map((chunk, i) => ({
      id: chunk.id,
      document_id: chunk.documentId,
      space: chunk.space,
      title: chunk.title,
      section: chunk.section,
      topic: chunk.topic,
      kind: chunk.kind,
      company: chunk.company ?? "",
      period: chunk.period ?? "",
      text: chunk.text,
      terms: terms[i]!,
      version: chunk.version,
      span_start: chunk.start,
      span_end: chunk.end,
      published_ms: chunk.publishedMs,
      superseded_ms: chunk.supersededMs ?? never,
      ...(vectors === undefined ? {} : { vector: Array.from(vectors[i]!) }),
    }));
  }

  async function build(chunks: AsyncIterable<readonly Chunk[]>): Promise<void> {
    const db = await database();
    const before = (await pointer())?.generation ?? 0;
    const generation = before + 1;
    const keep = new Set([tableName(before)]);
    // What a rebuild that was killed left behind, and tables that no reader has open any more.
    for (const name of await db.tableNames()) if (!keep.has(name)) await db.dropTable(name);
    const table = await db.createEmptyTable(tableName(generation), schema);
    for await (const batch of chunks) {
      if (batch.length > 0) await table.add(makeArrowTable(await rowsOf(batch), { schema }));
    }
    await table.createIndex("terms", {
      config: Index.fts({
        baseTokenizer: "whitespace",
        stem: false,
        removeStopWords: false,
        lowercase: false,
        asciiFolding: false,
        withPosition: false,
      }),
    });
    // What every search filters by.
    await table.createIndex("space", { config: Index.bitmap() });
    await table.createIndex("company", { config: Index.bitmap() });
    await table.createIndex("superseded_ms", { config: Index.btree() });
    await table.optimize();
    table.close();
    await point(generation);
  }

  /** Read column by column: a row of Arrow looks up each of its cells anew, which took most of a search's time. */
  function candidatesOf(found: ArrowTable, scoreColumn: "_score" | "_distance"): Candidate[] {
    // Nothing found has no columns.
    if (found.numRows === 0) return [];
    const cells = columns.map((name) => [name, found.getChild(name)!.toArray()] as const);
    const scores: Float32Array = found.getChild(scoreColumn)!.toArray();
    return Array.from(scores, (score, at) => {
      const cellsOfRow: Record<string, unknown> = {};
      for (const [name, column] of cells) cellsOfRow[name] = column[at];
      const row = cellsOfRow as unknown as ChunkRow;
      return {
        chunk: toChunk(row),
        terms: row.terms.split(" "),
        score: scoreColumn === "_score" ? score : -score,
      };
    });
  }

  return {
    backend: "lancedb",

    async put(chunks) {
      if (chunks.length === 0) return;
      let table = await current();
      if (table === undefined) {
        await build((async function* () {})());
        table = (await current())!;
      }
      const documents = [...new Set(chunks.map((chunk) => chunk.documentId))];
      await table
        .mergeInsert("id")
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .whenNotMatchedBySourceDelete({ where: `document_id IN (${documents.map(quote).join(", ")})` })
        .execute(makeArrowTable(await rowsOf(chunks), { schema }));
      await table.optimize({ cleanupOlderThan: new Date(options.now() - keepVersionsMs) });
    },

    async removeDocument(documentId) {
      const table = await current();
      if (table === undefined) return;
      await table.delete(`document_id = ${quote(documentId)}`);
    },

    search: (query) =>
      searchPassages(
        query,
        {
          byTerms: (terms, asked, limit) =>
            reading(async (table) =>
              candidatesOf(
                await built(table)
                  .query()
                  .fullTextSearch(new MatchQuery(terms.join(" "), "terms"))
                  .where(filterOf(asked))
                  .select([...columns, "_score"])
                  .limit(limit)
                  .toArrow(),
                "_score",
              ),
            ),
          byVector: (vector, asked, limit) =>
            reading(async (table) =>
              candidatesOf(
                await built(table)
                  .query()
                  .nearestTo(vector)
                  .distanceType("cosine")
                  .where(filterOf(asked))
                  .select([...columns, "_distance"])
                  .limit(limit)
                  .toArrow(),
                "_distance",
              ),
            ),
        },
        embeddings,
      ),

    count: () => reading(async (table) => (table === undefined ? 0 : table.countRows())),

    async check(expectedIds) {
      const rows = await reading(async (table) =>
        table === undefined ? [] : ((await table.query().select(["id"]).toArray()) as { id: string }[]),
      );
      const there = new Set(rows.map((row) => row.id));
      const expected = new Set(expectedIds);
      return {
        missing: [...expected].filter((id) => !there.has(id)),
        unexpected: [...there].filter((id) => !expected.has(id)),
      };
    },

    // Vectors are searched as they are stored, row by row: none can be there and not be found.
    findLost: async () => [],

    rebuild: build,

    async close() {
      opened?.table.close();
      opened = undefined;
      (await connection)?.close();
      connection = undefined;
    },
  };
}

function built(table: Table | undefined): Table {
  if (table !== undefined) return table;
  throw unavailable("The knowledge index is not built yet; it is built at start, or by a rebuild.");
}

function unavailable(message: string, cause?: unknown): AppError {
  return new AppError("knowledge.unavailable", message, { retryable: true, cause });
}
