import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db, Tx } from "../db.ts";
import type { SentimentOrigin, SentimentScore } from "./contract.ts";
import type { SentimentTables } from "./tables.ts";

const spacesOf = (tenantId: string): string[] => ["shared", tenantId];

/** The newest transcript of the same company before a document that is one; undefined where none is, or it is no transcript. */
export async function loadPreviousCall(
  db: Db,
  tenantId: string,
  document: { id: string; company: string | null; publishedMs: number },
) {
  const { company, publishedMs } = document;
  if (company === null) return undefined;
  return db
    .selectFrom("documents")
    .innerJoin("documentVersions as v", "v.documentId", "documents.id")
    .select(["documents.id", "v.version", "v.title", "v.text", "v.company", "v.publishedMs"])
    .where("documents.space", "in", spacesOf(tenantId))
    .where("documents.id", "!=", document.id)
    .where("v.kind", "=", "transcript")
    .where("v.company", "=", company)
    .where("v.publishedMs", "<", publishedMs)
    .where((eb) => eb.or([eb("v.supersededMs", "is", null), eb("v.supersededMs", ">", publishedMs)]))
    .orderBy("v.publishedMs", "desc")
    .limit(1)
    .executeTakeFirst();
}

/** Stores a document's scores; of a document that has one for the instrument it stays as it is. Returns how many are new. */
export async function insertItems(
  tx: Tx,
  origin: SentimentOrigin,
  scores: readonly SentimentScore[],
): Promise<number> {
  if (scores.length === 0) return 0;
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto("sentimentItems")
    .values(
      scores.map(({ start, end, ...score }) => ({ ...origin, ...score, spanStart: start, spanEnd: end })),
    )
    .onConflict((conflict) => conflict.columns(["instrumentId", "documentId"]).doNothing())
    .executeTakeFirst();
  return Number(numInsertedOrUpdatedRows ?? 0);
}

/** Scores stored after a row, of every space, in the order in which they became visible. */
export async function loadSentimentAfter(
  db: Db,
  afterSeq: number,
  limit: number,
): Promise<Selectable<SentimentTables["sentimentItems"]>[]> {
  return db
    .selectFrom("sentimentItems")
    .selectAll()
    .where("seq", ">", afterSeq)
    .orderBy("seq")
    .limit(limit)
    .execute();
}

/** The last score that is stored; 0 without one. */
export async function lastSentimentSeq(db: Db): Promise<number> {
  const row = await db
    .selectFrom("sentimentItems")
    .select("seq")
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  return row?.seq ?? 0;
}

/** Newest first, after the place `before`. */
export async function loadItems(
  db: Db,
  tenantId: string,
  query: {
    instrumentId: string;
    fromMs?: number | undefined;
    toMs?: number | undefined;
    asOfMs: number;
    limit: number;
    before?: { publishedMs: number; seq: number } | undefined;
  },
) {
  let rows = db
    .selectFrom("sentimentItems as s")
    .innerJoin("documentVersions as v", (join) =>
      join.onRef("v.documentId", "=", "s.documentId").onRef("v.version", "=", "s.version"),
    )
    .select([
      "s.seq",
      "s.publishedMs",
      "s.score",
      "s.weight",
      "s.source",
      "s.mentions",
      "s.documentId",
      "s.version",
      "v.title",
      "v.publisher",
      "s.spanStart as start",
      "s.spanEnd as end",
    ])
    .where("s.instrumentId", "=", query.instrumentId)
    .where("s.space", "in", spacesOf(tenantId))
    .where("s.publishedMs", "<=", query.asOfMs)
    .orderBy("s.publishedMs", "desc")
    .orderBy("s.seq", "desc")
    .limit(query.limit);
  const { fromMs, toMs, before } = query;
  if (fromMs !== undefined) rows = rows.where("s.publishedMs", ">=", fromMs);
  if (toMs !== undefined) rows = rows.where("s.publishedMs", "<", toMs);
  if (before !== undefined)
    rows = rows.where(sql<boolean>`(s.published_ms, s.seq) < (${before.publishedMs}, ${before.seq})`);
  return rows.execute();
}

/** What was published up to a time, each moment once: its total weight and mean score by weight; oldest first. */
export async function loadPoints(
  db: Db,
  tenantId: string,
  instrumentId: string,
  untilMs: number,
): Promise<{ atMs: number; score: number; weight: number; items: number }[]> {
  return db
    .selectFrom("sentimentItems")
    .select([
      "publishedMs as atMs",
      sql<number>`sum(score * weight) / sum(weight)`.as("score"),
      sql<number>`sum(weight)`.as("weight"),
      sql<number>`count(*)::int`.as("items"),
    ])
    .where("instrumentId", "=", instrumentId)
    .where("space", "in", spacesOf(tenantId))
    .where("publishedMs", "<=", untilMs)
    .groupBy("publishedMs")
    .orderBy("publishedMs")
    .execute();
}
