import { newId } from "@tapedeck/core";
import { isSameStory, storyMs } from "@tapedeck/text/events/index";
import type { NamedInstrument } from "@tapedeck/text/names";
import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db, Tx } from "../db.ts";
import { FilingDescription } from "../knowledge/contract.ts";
import type { EventQuery, MarketEvent } from "./contract.ts";
import type { EventDraft, ReadableDocument } from "./domain.ts";
import type { EventsTables } from "./tables.ts";

/** "events" in numbers: one writer at a time, so that rows become visible in the order of seq. */
const writerLock = 383_687;

export const spacesOf = (tenantId: string): string[] => ["shared", tenantId];

/** A document's version and what reading takes of it. */
export interface UnreadVersion extends ReadableDocument {
  documentId: string;
  version: number;
  space: string;
}

const versionColumns = [
  "documents.id as documentId",
  "documents.space",
  "documents.duplicateOf",
  "v.version",
  "v.kind",
  "v.title",
  "v.text",
  "v.language",
  "v.company",
  "v.filing",
  "v.publishedMs",
] as const;

function versionsIn(db: Db, spaces: readonly string[]) {
  return db
    .selectFrom("documents")
    .innerJoin("documentVersions as v", "v.documentId", "documents.id")
    .leftJoin("documentReadings as r", (join) =>
      join.onRef("r.documentId", "=", "v.documentId").onRef("r.version", "=", "v.version"),
    )
    .where("documents.space", "in", spaces)
    .where("v.kind", "!=", "reference");
}

function readable(
  row: Omit<UnreadVersion, "filing" | "isDuplicate"> & { filing: string | null; duplicateOf: string | null },
): UnreadVersion {
  const { filing, duplicateOf, ...rest } = row;
  return {
    ...rest,
    filing: filing === null ? null : FilingDescription.parse(JSON.parse(filing)),
    isDuplicate: duplicateOf !== null,
  };
}

/** Versions that have not been read, the earliest first. */
export async function loadUnread(
  db: Db,
  spaces: readonly string[],
  which: { documentIds: readonly string[] | undefined; limit: number },
): Promise<UnreadVersion[]> {
  let query = versionsIn(db, spaces)
    .select(versionColumns)
    .where("r.readMs", "is", null)
    .orderBy("v.publishedMs")
    .orderBy("documents.id")
    .orderBy("v.version")
    .limit(which.limit);
  if (which.documentIds !== undefined) query = query.where("documents.id", "in", which.documentIds);
  return (await query.execute()).map(readable);
}

export async function countUnread(
  db: Db,
  spaces: readonly string[],
  documentIds: readonly string[] | undefined,
): Promise<number> {
  let query = versionsIn(db, spaces)
    .select((eb) => eb.fn.countAll<string>().as("count"))
    .where("r.readMs", "is", null);
  if (documentIds !== undefined) query = query.where("documents.id", "in", documentIds);
  return Number((await query.executeTakeFirstOrThrow()).count);
}

/** Versions read before that hold one of these words, in small letters. */
export async function loadReadWith(
  db: Db,
  spaces: readonly string[],
  words: readonly string[],
  after: { documentId: string; version: number },
  limit: number,
): Promise<UnreadVersion[]> {
  const rows = await versionsIn(db, spaces)
    .select(versionColumns)
    .where("r.readMs", "is not", null)
    .where(
      sql<boolean>`exists (select from unnest(${words}::text[]) as word
        where position(word in lower(v.title || ' ' || v.text)) > 0)`,
    )
    .where(sql<boolean>`(documents.id, v.version) > (${after.documentId}, ${after.version})`)
    .orderBy("documents.id")
    .orderBy("v.version")
    .limit(limit)
    .execute();
  return rows.map(readable);
}

/** Instruments that a document of the space may be about: for shared documents those of every space, shown to whom they are visible. */
export async function loadNamed(db: Db, space: string): Promise<NamedInstrument[]> {
  let query = db
    .selectFrom("instruments")
    .select(["instrumentId", "symbol", "name"])
    .distinct()
    .orderBy("instrumentId");
  if (space !== "shared") query = query.where("space", "in", spacesOf(space));
  return query.execute();
}

/** Instruments that came after documents were read, and that those have not been searched for. */
export async function loadUnswept(
  db: Db,
  spaces: readonly string[],
): Promise<(NamedInstrument & { space: string })[]> {
  return db
    .selectFrom("instruments as i")
    .leftJoin("sweptInstruments as s", (join) =>
      join.onRef("s.space", "=", "i.space").onRef("s.instrumentId", "=", "i.instrumentId"),
    )
    .select(["i.space", "i.instrumentId", "i.symbol", "i.name"])
    .where("i.space", "in", spaces)
    .where("s.sweptMs", "is", null)
    .orderBy("i.instrumentId")
    .execute();
}

export async function markSwept(
  tx: Tx,
  instruments: readonly { space: string; instrumentId: string }[],
  nowMs: number,
): Promise<void> {
  if (instruments.length === 0) return;
  await tx
    .insertInto("sweptInstruments")
    .values(instruments.map(({ space, instrumentId }) => ({ space, instrumentId, sweptMs: nowMs })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** False: it has been read meanwhile. Rows of one transaction after another become visible in the order of seq. */
export async function beginReading(
  tx: Tx,
  { documentId, version }: UnreadVersion,
  jobId: string,
  nowMs: number,
): Promise<boolean> {
  await lockEvents(tx);
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("documentReadings")
    .values({ documentId, version, readMs: nowMs, jobId })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

export async function lockEvents(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${writerLock})`.execute(tx);
}

/** The story that an event belongs to: that of the nearest telling of the same; undefined where it is new. */
async function storyOf(tx: Tx, draft: EventDraft, document: UnreadVersion): Promise<string | undefined> {
  const { publishedMs, space } = document;
  const near = await tx
    .selectFrom("events")
    .select(["id", "storyId", "kind", "direction", "instrumentId", "publishedMs", "text"])
    .where("instrumentId", draft.instrumentId === null ? "is" : "=", draft.instrumentId)
    .where("kind", "=", draft.kind)
    // A tenant's own report may join a shared story; what is shared never joins a tenant's.
    .where("space", "in", space === "shared" ? ["shared"] : spacesOf(space))
    .where("publishedMs", ">=", publishedMs - storyMs)
    .where("publishedMs", "<=", publishedMs + storyMs)
    .whereRef("id", "=", "storyId")
    .orderBy(sql`abs(published_ms - ${publishedMs})`)
    .orderBy("seq")
    .limit(200)
    .execute();
  return near.find((one) => isSameStory(one, { ...draft, publishedMs }))?.storyId;
}

/** Stores what a document reports, each as a part of its story; what an earlier version of it told is left out. */
export async function insertEvents(
  tx: Tx,
  document: UnreadVersion,
  drafts: readonly EventDraft[],
  nowMs: number,
): Promise<{ events: number; stories: number }> {
  const counts = { events: 0, stories: 0 };
  const { documentId, version, space, publishedMs } = document;
  const told = await tx
    .selectFrom("events")
    .select(["kind", "instrumentId", "text"])
    .where("documentId", "=", documentId)
    .execute();
  const keyOf = (one: { kind: string; instrumentId: string | null; text: string }) =>
    JSON.stringify([one.kind, one.instrumentId, one.text]);
  const known = new Set(told.map(keyOf));
  for (const draft of drafts) {
    if (known.has(keyOf(draft))) continue;
    known.add(keyOf(draft));
    const { start, end, ...columns } = draft;
    const id = newId(nowMs);
    const storyId = await storyOf(tx, draft, document);
    await tx
      .insertInto("events")
      .values({
        ...columns,
        id,
        storyId: storyId ?? id,
        space,
        documentId,
        version,
        spanStart: start,
        spanEnd: end,
        publishedMs,
        recordedMs: nowMs,
      })
      .execute();
    counts.events++;
    if (storyId === undefined) counts.stories++;
  }
  return counts;
}

/** Reports stored after a row, of every space, in the order in which they became visible; `id === storyId` tells a new story. */
export async function loadEventsAfter(
  db: Db,
  afterSeq: number,
  limit: number,
): Promise<Selectable<EventsTables["events"]>[]> {
  return db
    .selectFrom("events")
    .selectAll()
    .where("seq", ">", afterSeq)
    .orderBy("seq")
    .limit(limit)
    .execute();
}

interface Scope {
  tenantId: string;
  asOfMs: number;
}

/** Reports that a tenant could read then, of instruments that it sees. */
function visible(db: Db, { tenantId, asOfMs }: Scope) {
  const spaces = spacesOf(tenantId);
  return db
    .selectFrom("events as e")
    .innerJoin("documentVersions as v", (join) =>
      join.onRef("v.documentId", "=", "e.documentId").onRef("v.version", "=", "e.version"),
    )
    .where("e.space", "in", spaces)
    .where("e.publishedMs", "<=", asOfMs)
    .where((eb) =>
      eb.or([
        eb("e.instrumentId", "is", null),
        eb.exists(
          eb
            .selectFrom("instruments as i")
            .select("i.instrumentId")
            .whereRef("i.instrumentId", "=", "e.instrumentId")
            .where("i.space", "in", spaces),
        ),
      ]),
    );
}

const eventColumns = [
  "e.id",
  "e.seq",
  "e.storyId",
  "e.kind",
  "e.instrumentId",
  "e.direction",
  "e.score",
  "e.important",
  "e.expected",
  "e.text",
  "e.publishedMs",
  "e.atMs",
  "e.documentId",
  "e.version",
  "v.title",
  "e.spanStart as start",
  "e.spanEnd as end",
] as const;

export type EventRow = MarketEvent & { seq: number; storyId: string };

/** Each story's first report that was there then, newest first, after the place `before`. */
export async function loadStories(
  db: Db,
  scope: Scope,
  query: Omit<EventQuery, "cursor" | "asOfMs"> & {
    before?: { publishedMs: number; seq: number } | undefined;
  },
): Promise<EventRow[]> {
  const spaces = spacesOf(scope.tenantId);
  let rows = visible(db, scope)
    .select(eventColumns)
    .select(
      sql<number>`(select count(distinct r.document_id)::int from events r
        where r.story_id = e.story_id and r.space = any(${spaces}) and r.published_ms <= ${scope.asOfMs})`.as(
        "reports",
      ),
    )
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom("events as p")
            .select("p.id")
            .whereRef("p.storyId", "=", "e.storyId")
            .where("p.space", "in", spaces)
            .where(sql<boolean>`(p.published_ms, p.seq) < (e.published_ms, e.seq)`),
        ),
      ),
    )
    .orderBy("e.publishedMs", "desc")
    .orderBy("e.seq", "desc")
    .limit(query.limit);
  const { instrumentIds, kinds, important, fromMs, toMs, before } = query;
  if (instrumentIds !== undefined) rows = rows.where("e.instrumentId", "in", instrumentIds);
  if (kinds !== undefined) rows = rows.where("e.kind", "in", kinds);
  if (important !== undefined) rows = rows.where("e.important", "=", important);
  if (fromMs !== undefined) rows = rows.where("e.publishedMs", ">=", fromMs);
  if (toMs !== undefined) rows = rows.where("e.publishedMs", "<", toMs);
  if (before !== undefined)
    rows = rows.where(sql<boolean>`(e.published_ms, e.seq) < (${before.publishedMs}, ${before.seq})`);
  return rows.execute();
}

/** Every report of the story that an event belongs to, the first first; none where the tenant may not read it. */
export async function loadStory(db: Db, scope: Scope, id: string): Promise<Omit<EventRow, "reports">[]> {
  return visible(db, scope)
    .select(eventColumns)
    .where("e.storyId", "in", (eb) => eb.selectFrom("events").select("storyId").where("id", "=", id))
    .orderBy("e.publishedMs")
    .orderBy("e.seq")
    .execute();
}
