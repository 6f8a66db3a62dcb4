import { newId } from "@tapedeck/core";
import { sql } from "kysely";
import type { Selectable } from "kysely";
import type { Db, Tx } from "../db.ts";
import type { Outbox } from "../notifications/contract.ts";
import type { AlertRule, AlertTrigger } from "./contract.ts";
import type { AlertState } from "./domain.ts";
import type { AlertsTables } from "./tables.ts";

export type AlertRow = Omit<Selectable<AlertsTables["alerts"]>, "rule" | "channelIds"> & {
  rule: AlertRule;
  channelIds: readonly string[] | null;
};

/** Changed rows of one read. */
const pageRows = 1_000;

const nextChange = sql<number>`nextval('alerts_change')`;

export async function insertAlert(db: Db | Tx, row: Omit<AlertRow, "change">): Promise<void> {
  await db
    .insertInto("alerts")
    .values({
      ...row,
      rule: JSON.stringify(row.rule),
      channelIds: row.channelIds === null ? null : JSON.stringify(row.channelIds),
    })
    .execute();
}

export async function countAlerts(tx: Tx, tenantId: string): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`alerts ${tenantId}`}, 0))`.execute(tx);
  const { count } = await tx
    .selectFrom("alerts")
    .select((eb) => eb.fn.countAll<string>().as("count"))
    .where("tenantId", "=", tenantId)
    .where("deletedMs", "is", null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** Those of a tenant that are not deleted, newest first, before the alert of the cursor. */
export async function loadAlerts(
  db: Db,
  query: { tenantId: string; instrumentId?: string | undefined; before?: string | undefined; limit: number },
): Promise<AlertRow[]> {
  let rows = db
    .selectFrom("alerts")
    .selectAll()
    .where("tenantId", "=", query.tenantId)
    .where("deletedMs", "is", null)
    .orderBy("id", "desc")
    .limit(query.limit);
  if (query.instrumentId !== undefined) rows = rows.where("instrumentId", "=", query.instrumentId);
  if (query.before !== undefined) rows = rows.where("id", "<", query.before);
  return (await rows.execute()) as AlertRow[];
}

export async function loadAlert(db: Db | Tx, tenantId: string, id: string): Promise<AlertRow | undefined> {
  const row = await db
    .selectFrom("alerts")
    .selectAll()
    .where("id", "=", id)
    .where("tenantId", "=", tenantId)
    .where("deletedMs", "is", null)
    .executeTakeFirst();
  return row as AlertRow | undefined;
}

/** Alerts of any tenant that changed after a change, deleted ones too, in the order of their change. */
export async function loadChangedAlerts(db: Db, afterChange: number): Promise<AlertRow[]> {
  const rows = await db
    .selectFrom("alerts")
    .selectAll()
    .where("change", ">", afterChange)
    .orderBy("change")
    .limit(pageRows)
    .execute();
  return rows as AlertRow[];
}

/** Mutes, or marks as deleted; whoever evaluates it sees the change. False: there is none. */
export async function changeAlert(
  db: Db,
  tenantId: string,
  id: string,
  set: { muted: boolean } | { deletedMs: number },
): Promise<boolean> {
  const result = await db
    .updateTable("alerts")
    .set({ ...set, change: nextChange })
    .where("id", "=", id)
    .where("tenantId", "=", tenantId)
    .where("deletedMs", "is", null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

/** Keeps alerts' states, one of each; an older one never replaces a newer one. */
export async function saveStates(db: Db | Tx, states: ReadonlyMap<string, AlertState>): Promise<void> {
  if (states.size === 0) return;
  const column = (name: keyof AlertState) => [...states.values()].map((state) => state[name]);
  await sql`
    update alerts a set armed = s.armed, state_ms = s.state_ms, fired_ms = s.fired_ms
    from unnest(${[...states.keys()]}::uuid[], ${column("armed")}::bool[], ${column("stateMs")}::int8[],
      ${column("firedMs")}::int8[]) as s (id, armed, state_ms, fired_ms)
    where a.id = s.id and a.state_ms <= s.state_ms`.execute(db);
}

export interface NewTrigger {
  alertId: string;
  tenantId: string;
  name: string;
  instrumentId: string;
  edgeMs: number;
  value: number | null;
  message: string;
  test: boolean;
  /** Kept, and sent to nobody. */
  muted: boolean;
  callbackUrl: string | null;
  /** Null: every channel of the tenant. */
  channelIds: readonly string[] | null;
}

/**
 * One row per alert and edge, whoever sees it and how often; its messages go into the outbox with it. Gives those that were
 * not there.
 */
export async function insertTriggers(
  tx: Tx,
  triggers: readonly NewTrigger[],
  outbox: Outbox,
  nowMs: number,
): Promise<AlertTrigger[]> {
  if (triggers.length === 0) return [];
  const rows = triggers.map((trigger) => ({ id: newId(nowMs), trigger }));
  const inserted = await tx
    .insertInto("alertTriggers")
    .values(
      rows.map(({ id, trigger: { alertId, tenantId, edgeMs, value, message, test } }) => {
        return { id, alertId, tenantId, edgeMs, value, message, test, createdMs: nowMs };
      }),
    )
    .onConflict((on) => on.columns(["alertId", "edgeMs"]).where("test", "=", false).doNothing())
    .returning(["id", "seq"])
    .execute();
  const seqs = new Map(inserted.map(({ id, seq }) => [id, seq]));
  const shown: AlertTrigger[] = [];
  for (const { id, trigger } of rows) {
    const seq = seqs.get(id);
    if (seq === undefined) continue;
    const { alertId, name, instrumentId, edgeMs, value, message, test } = trigger;
    if (!trigger.muted) await send(tx, id, trigger, outbox, nowMs);
    shown.push({ id, seq, alertId, name, instrumentId, edgeMs, value, message, test, createdMs: nowMs });
  }
  return shown;
}

async function send(
  tx: Tx,
  triggerId: string,
  trigger: NewTrigger,
  outbox: Outbox,
  nowMs: number,
): Promise<void> {
  const { tenantId, callbackUrl, channelIds, alertId, name, instrumentId, edgeMs, value, test } = trigger;
  const body = { event: "alert.triggered", text: trigger.message, triggerId, alertId, name };
  await outbox(
    tx,
    {
      tenantId,
      dedupeKey: `alert ${triggerId}`,
      url: callbackUrl,
      channelIds,
      body: { ...body, instrumentId, edgeMs, value, test },
    },
    nowMs,
  );
}

/** Triggers of a tenant: newest first before a number, or oldest first after one. */
export async function loadTriggers(
  db: Db,
  query: {
    tenantId: string;
    alertId?: string | undefined;
    limit: number;
    before?: number | undefined;
    after?: number;
    /** Kept by then. */
    untilMs?: number;
  },
): Promise<AlertTrigger[]> {
  let rows = db
    .selectFrom("alertTriggers")
    .innerJoin("alerts", "alerts.id", "alertTriggers.alertId")
    .select([
      "alertTriggers.id",
      "alertTriggers.seq",
      "alertTriggers.alertId",
      "alerts.name",
      "alerts.instrumentId",
      "alertTriggers.edgeMs",
      "alertTriggers.value",
      "alertTriggers.message",
      "alertTriggers.test",
      "alertTriggers.createdMs",
    ])
    .where("alertTriggers.tenantId", "=", query.tenantId)
    .where("alerts.deletedMs", "is", null)
    .orderBy("alertTriggers.seq", query.after === undefined ? "desc" : "asc")
    .limit(query.limit);
  if (query.alertId !== undefined) rows = rows.where("alertTriggers.alertId", "=", query.alertId);
  if (query.before !== undefined) rows = rows.where("alertTriggers.seq", "<", query.before);
  if (query.after !== undefined) rows = rows.where("alertTriggers.seq", ">", query.after);
  if (query.untilMs !== undefined) rows = rows.where("alertTriggers.createdMs", "<=", query.untilMs);
  return rows.execute();
}

/** Alerts of any tenant on news of the instruments. */
export async function loadNewsAlerts(
  tx: Tx,
  kind: "event" | "sentiment",
  instrumentIds: readonly string[],
): Promise<AlertRow[]> {
  if (instrumentIds.length === 0) return [];
  const rows = await tx
    .selectFrom("alerts")
    .selectAll()
    .where("instrumentId", "in", [...new Set(instrumentIds)])
    .where("deletedMs", "is", null)
    .where(sql<boolean>`rule ->> 'kind' = ${kind}`)
    .orderBy("id")
    .execute();
  return rows as AlertRow[];
}

/** Where a look at a source goes on, held until the transaction ends; undefined while another process holds it. */
export async function takeNewsPlace(tx: Tx, source: "events" | "sentiment"): Promise<number | undefined> {
  const row = await tx
    .selectFrom("alertPlaces")
    .select("seq")
    .where("source", "=", source)
    .forUpdate()
    .skipLocked()
    .executeTakeFirst();
  return row?.seq;
}

export async function writeNewsPlace(tx: Tx, source: "events" | "sentiment", seq: number): Promise<void> {
  await tx.updateTable("alertPlaces").set({ seq }).where("source", "=", source).execute();
}

/** Those of the instruments whose ticks a stream takes now. */
export async function loadTaken(db: Db | Tx, instrumentIds: readonly string[]): Promise<Set<string>> {
  if (instrumentIds.length === 0) return new Set();
  const rows = await db
    .selectFrom("streamPlaces")
    .select("instrumentId")
    .where("instrumentId", "in", [...new Set(instrumentIds)])
    .where("untilMs", ">", sql<number>`(extract(epoch from clock_timestamp()) * 1000)::int8`)
    .execute();
  return new Set(rows.map(({ instrumentId }) => instrumentId));
}
