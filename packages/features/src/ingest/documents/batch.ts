import type { JobContext, ProgressOf } from "@tapedeck/core";
import type { Tx } from "../../db.ts";
import type { DocumentWriter, IncomingDocument } from "../../knowledge/contract.ts";
import type { documentIngest, ImportedDocument } from "./contract.ts";
import { saveDoneSources, saveImported } from "./store.ts";

/** Documents and characters of one transaction. */
const mostWaiting = 20;
const mostCharacters = 2_000_000;
/** Documents between two visits to the index, so that a long import is searched while it runs. */
const indexEvery = 500;

/** Where a document stands: the place of its source among the job's, and its name within it. */
export interface Place {
  source: number;
  item: string;
}

/** Documents that are read and not yet committed, in order, with what becomes of each. */
export interface DocumentBatch {
  counts(): { documents: number; refused: number };
  refuse(place: Place, outcome: ImportedDocument): Promise<void>;
  store(place: Place, label: string, document: IncomingDocument): Promise<void>;
  /** Commits what waits, and that so many sources are dealt with. */
  finish(doneSources: number): Promise<void>;
}

export function createDocumentBatch(options: {
  ctx: JobContext<ProgressOf<typeof documentIngest>, Tx>;
  writer: DocumentWriter;
  space: string;
}): DocumentBatch {
  const { ctx, writer, space } = options;
  const { jobId, tenantId } = ctx;
  let waiting: ((tx: Tx) => Promise<void>)[] = [];
  let characters = 0;
  let documents = 0;
  let refused = 0;
  let indexed = 0;

  async function commit(also: (tx: Tx) => Promise<void>): Promise<void> {
    const writes = waiting;
    waiting = [];
    characters = 0;
    await ctx.commit(async (tx) => {
      for (const write of writes) await write(tx);
      await also(tx);
    });
    if (documents - indexed < indexEvery) return;
    indexed = documents;
    await writer.index();
  }

  async function put(write: (tx: Tx) => Promise<void>, length: number): Promise<void> {
    waiting.push(write);
    characters += length;
    if (waiting.length >= mostWaiting || characters >= mostCharacters) await commit(async () => undefined);
  }

  return {
    counts: () => ({ documents, refused }),
    async refuse(place, outcome) {
      refused++;
      await put((tx) => saveImported(tx, { jobId, tenantId, ...place }, outcome), 0);
    },
    async store(place, label, document) {
      const { title, guesses } = document;
      documents++;
      await put(async (tx) => {
        const saved = await writer.save(tx, space, document, ctx.now());
        const { status, documentId, version, duplicateOf } = saved;
        await saveImported(
          tx,
          { jobId, tenantId, ...place },
          { source: label, status, title, documentId, version, duplicateOf, message: null, guesses },
        );
      }, document.text.length);
    },
    finish: (doneSources) => commit((tx) => saveDoneSources(tx, { jobId, tenantId }, doneSources)),
  };
}
