import { AppError } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import type { Db, Tx } from "../../db.ts";
import type { ImportedDocument } from "./contract.ts";

const longestItem = 300;

/** PostgreSQL's text holds no zero character. */
const stored = (text: string | null) => text?.replaceAll("\0", "�") ?? null;

/** What became of a document. The first word on it stands: an attempt that was cut off may have said it. */
export async function saveImported(
  tx: Tx,
  place: { jobId: string; tenantId: string; source: number; item: string },
  { source, ...document }: ImportedDocument,
): Promise<void> {
  await tx
    .insertInto("documentIngestItems")
    .values({
      ...place,
      ...document,
      // Names of entries may be longer than an index takes.
      item: place.item.length > longestItem ? sha256(place.item) : stored(place.item)!,
      sourceLabel: stored(source)!,
      title: stored(document.title),
      message: stored(document.message),
      guesses: JSON.stringify(document.guesses),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function listImported(
  db: Db,
  tenantId: string,
  jobId: string,
  page: { limit: number; cursor?: string | undefined; status?: ImportedDocument["status"] | undefined },
): Promise<{ items: ImportedDocument[]; nextCursor: string | null }> {
  const after = page.cursor === undefined ? 0 : Number(page.cursor);
  if (!Number.isSafeInteger(after)) {
    throw new AppError("payload.invalid", "The cursor is not one that this list gave.");
  }
  let query = db
    .selectFrom("documentIngestItems")
    .select([
      "seq",
      "sourceLabel as source",
      "status",
      "title",
      "documentId",
      "version",
      "duplicateOf",
      "message",
      "guesses",
    ])
    .where("tenantId", "=", tenantId)
    .where("jobId", "=", jobId)
    .where("seq", ">", after)
    .orderBy("seq")
    .limit(page.limit + 1);
  if (page.status !== undefined) query = query.where("status", "=", page.status);
  const rows = await query.execute();
  const items = rows.slice(0, page.limit);
  return {
    items: items.map(({ seq: _, ...item }) => item),
    nextCursor: rows.length > page.limit ? String(items.at(-1)!.seq) : null,
  };
}

export async function countImported(
  db: Db,
  jobId: string,
): Promise<Record<ImportedDocument["status"], number>> {
  const rows = await db
    .selectFrom("documentIngestItems")
    .select((eb) => ["status", eb.fn.countAll<number>().as("count")])
    .where("jobId", "=", jobId)
    .groupBy("status")
    .execute();
  const counts = { added: 0, changed: 0, unchanged: 0, duplicate: 0, refused: 0 };
  for (const { status, count } of rows) counts[status] = Number(count);
  return counts;
}

/** A source all of whose documents are dealt with is not read again. */
export async function loadDoneSources(db: Db, jobId: string): Promise<number> {
  const row = await db
    .selectFrom("ingestCheckpoints")
    .select("records")
    .where("jobId", "=", jobId)
    .executeTakeFirst();
  return row?.records ?? 0;
}

export async function saveDoneSources(
  tx: Tx,
  place: { jobId: string; tenantId: string },
  records: number,
): Promise<void> {
  await tx
    .insertInto("ingestCheckpoints")
    .values({ ...place, records, state: "{}" })
    .onConflict((conflict) => conflict.column("jobId").doUpdateSet({ records }))
    .execute();
}
