import type { JobHandler } from "@tapedeck/core";
import { createNameFinder, searchWords } from "@tapedeck/text/names";
import type { NameFinder } from "@tapedeck/text/names";
import type { Db, Tx } from "../db.ts";
import type { SentimentWriter } from "../sentiment/contract.ts";
import type { extract } from "./contract.ts";
import { readDocument } from "./domain.ts";
import {
  beginReading,
  countUnread,
  insertEvents,
  loadNamed,
  loadReadWith,
  loadUnread,
  loadUnswept,
  lockEvents,
  markSwept,
  spacesOf,
} from "./store.ts";
import type { UnreadVersion } from "./store.ts";

export interface ExtractDeps {
  db: Db;
  sentimentWriter: SentimentWriter;
}

/** Documents held at once: each may be some megabytes. */
const documentsAtOnce = 20;
/** New instruments searched for at once. */
const sweptAtOnce = 50;

/**
 * Reads documents one after the other, each in a transaction of its own with the note that it has been read: a run that is
 * cut off, doubled or repeated goes on with what is unread.
 */
export const runExtract: JobHandler<typeof extract, ExtractDeps, Tx> = async (deps, { documentIds }, ctx) => {
  const { db, sentimentWriter } = deps;
  const spaces = spacesOf(ctx.tenantId);
  const finders = new Map<string, NameFinder>();
  for (const space of spaces) finders.set(space, createNameFinder(await loadNamed(db, space)));
  const counts = { documents: 0, events: 0, stories: 0, scores: 0 };
  const total = await countUnread(db, spaces, documentIds);
  const turn = async () => {
    ctx.progress({ done: counts.documents, total: Math.max(total, counts.documents) });
    await new Promise((resolve) => setImmediate(resolve));
    ctx.signal.throwIfAborted();
  };

  /** Stores what a document tells, of these instruments alone where they are named. */
  async function store(tx: Tx, document: UnreadVersion, only?: ReadonlySet<string>): Promise<void> {
    const reading = readDocument(document, finders.get(document.space)!);
    const isWanted = ({ instrumentId }: { instrumentId: string | null }) =>
      only === undefined || (instrumentId !== null && only.has(instrumentId));
    const stored = await insertEvents(tx, document, reading.events.filter(isWanted), ctx.now());
    counts.events += stored.events;
    counts.stories += stored.stories;
    const { documentId, version, space, kind, publishedMs } = document;
    counts.scores += await sentimentWriter.write(
      tx,
      { documentId, version, space, source: kind, publishedMs, recordedMs: ctx.now() },
      reading.scores.filter(isWanted),
    );
  }

  await sweep();
  for (;;) {
    const documents = await loadUnread(db, spaces, { documentIds, limit: documentsAtOnce });
    if (documents.length === 0) break;
    for (const document of documents) {
      await turn();
      const { documentId, version, title } = document;
      ctx.input({
        kind: "document",
        ref: documentId,
        label: `${title}, version ${version}`,
        details: { version },
      });
      await ctx.commit(async (tx) => {
        if (await beginReading(tx, document, ctx.jobId, ctx.now())) await store(tx, document);
      });
      counts.documents++;
    }
  }
  await turn();
  return counts;

  /** Looks for instruments that came later in what has been read already. */
  async function sweep(): Promise<void> {
    const unswept = await loadUnswept(db, spaces);
    for (let i = 0; i < unswept.length; i += sweptAtOnce) {
      const group = unswept.slice(i, i + sweptAtOnce);
      const wanted = new Set(group.map(({ instrumentId }) => instrumentId));
      const words = [...new Set(group.flatMap(searchWords))];
      for (let after = { documentId: "", version: 0 }; ;) {
        const documents = await loadReadWith(db, spaces, words, after, documentsAtOnce);
        if (documents.length === 0) break;
        for (const document of documents) {
          await turn();
          await ctx.commit(async (tx) => {
            await lockEvents(tx);
            await store(tx, document, wanted);
          });
        }
        after = documents.at(-1)!;
      }
      await ctx.commit((tx) => markSwept(tx, group, ctx.now()));
    }
  }
};
