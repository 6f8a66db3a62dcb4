import type { VenueBar } from "@tapedeck/core";
import type { Db, Tx } from "../db.ts";
import type { Mapping, QualityReport } from "./contract.ts";

/** Refused rows that are kept; the rest is counted only. */
export const maxQuarantined = 100_000;
const maxRowChars = 500;

export interface QuarantineRow {
  line: number;
  reason: string;
  message: string;
  row: string;
}

export interface SeriesCount {
  instrumentId: string;
  name: string;
  kind: "bars" | "trades" | "actions";
  timeframe: string;
  inserted: number;
  revised: number;
  unchanged: number;
}

/** What an import that was cut off goes on from; committed with the rows that it counts. */
export interface IngestState {
  /** Of the source as it was: another file under the same name is refused. */
  sourceBytes: number;
  mapping: Mapping | null;
  /** Times are remembered, since the source is not in order. */
  remember: boolean;
  rowsRead: number;
  quarantined: number;
  reasons: Record<string, number>;
  series: Record<string, SeriesCount>;
  /** Of a venue: where the next page starts. */
  nextMs: number | null;
}

export function freshState(sourceBytes: number, mapping: Mapping | null): IngestState {
  return {
    sourceBytes,
    mapping,
    remember: false,
    rowsRead: 0,
    quarantined: 0,
    reasons: {},
    series: {},
    nextMs: null,
  };
}

export async function loadCheckpoint(
  db: Db,
  jobId: string,
): Promise<{ records: number; state: IngestState } | undefined> {
  const row = await db
    .selectFrom("ingestCheckpoints")
    .select(["records", "state"])
    .where("jobId", "=", jobId)
    .executeTakeFirst();
  return row === undefined
    ? undefined
    : { records: row.records, state: JSON.parse(row.state) as IngestState };
}

export async function saveCheckpoint(
  tx: Tx,
  row: { jobId: string; tenantId: string; records: number; state: IngestState },
): Promise<void> {
  const state = JSON.stringify(row.state);
  await tx
    .insertInto("ingestCheckpoints")
    .values({ ...row, state })
    .onConflict((conflict) => conflict.column("jobId").doUpdateSet({ records: row.records, state }))
    .execute();
}

/** `before` rows are kept already. */
export async function saveQuarantine(
  tx: Tx,
  job: { jobId: string; tenantId: string },
  before: number,
  rows: readonly QuarantineRow[],
): Promise<void> {
  const kept = rows.slice(0, Math.max(0, maxQuarantined - before));
  for (let from = 0; from < kept.length; from += 1_000) {
    const values = kept.slice(from, from + 1_000).map((row, i) => ({
      jobId: job.jobId,
      tenantId: job.tenantId,
      seq: before + from + i,
      line: row.line,
      reason: row.reason,
      // A zero character has no place in PostgreSQL's text.
      message: row.message.replaceAll("\0", "�").slice(0, maxRowChars),
      row: row.row.replaceAll("\0", "�").slice(0, maxRowChars),
    }));
    await tx.insertInto("ingestQuarantine").values(values).execute();
  }
}

export async function loadQuarantine(
  db: Db,
  tenantId: string,
  jobId: string,
  afterSeq: number,
  limit: number,
): Promise<(QuarantineRow & { seq: number })[]> {
  return db
    .selectFrom("ingestQuarantine")
    .select(["seq", "line", "reason", "message", "row"])
    .where("tenantId", "=", tenantId)
    .where("jobId", "=", jobId)
    .where("seq", ">", afterSeq)
    .orderBy("seq")
    .limit(limit)
    .execute();
}

export async function saveQuality(
  tx: Tx,
  target: { space: string; jobId: string; nowMs: number },
  report: QualityReport,
): Promise<void> {
  const row = { jobId: target.jobId, createdMs: target.nowMs, report: JSON.stringify(report) };
  await tx
    .insertInto("qualityReports")
    .values({
      space: target.space,
      instrumentId: report.instrumentId,
      timeframe: report.timeframe,
      ...row,
    })
    .onConflict((conflict) => conflict.columns(["space", "instrumentId", "timeframe"]).doUpdateSet(row))
    .execute();
}

export async function loadQuality(
  db: Db,
  space: string,
  instrumentId: string,
): Promise<(QualityReport & { jobId: string; createdMs: number })[]> {
  const rows = await db
    .selectFrom("qualityReports")
    .select(["jobId", "createdMs", "report"])
    .where("space", "=", space)
    .where("instrumentId", "=", instrumentId)
    .orderBy("timeframe")
    .execute();
  return rows.map(({ jobId, createdMs, report }) => ({
    ...(JSON.parse(report) as QualityReport),
    jobId,
    createdMs,
  }));
}

export interface VenuePage {
  venue: string;
  symbol: string;
  timeframe: string;
  fromMs: number;
  toMs: number;
}

export async function loadVenuePage(db: Db, page: VenuePage): Promise<VenueBar[] | undefined> {
  const row = await db
    .selectFrom("venueBarPages")
    .select("bars")
    .where("venue", "=", page.venue)
    .where("symbol", "=", page.symbol)
    .where("timeframe", "=", page.timeframe)
    .where("fromMs", "=", page.fromMs)
    .where("toMs", "=", page.toMs)
    .executeTakeFirst();
  return row === undefined ? undefined : (JSON.parse(row.bars) as VenueBar[]);
}

/** The same answer kept twice is one. */
export async function saveVenuePage(
  tx: Tx,
  page: VenuePage & { fetchedMs: number },
  bars: readonly VenueBar[],
): Promise<void> {
  await tx
    .insertInto("venueBarPages")
    .values({ ...page, bars: JSON.stringify(bars) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Is it a job of this tenant that was such an import? */
export async function isImport(
  db: Db,
  type: "ingest" | "documentIngest",
  tenantId: string,
  jobId: string,
): Promise<boolean> {
  const row = await db
    .selectFrom("jobs")
    .select("id")
    .where("id", "=", jobId)
    .where("tenantId", "=", tenantId)
    .where("type", "=", type)
    .executeTakeFirst();
  return row !== undefined;
}
