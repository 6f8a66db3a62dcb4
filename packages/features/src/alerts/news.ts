import type { Log } from "@tapedeck/core";
import { createLoop } from "@tapedeck/core/loop";
import type { Loop } from "@tapedeck/core/loop";
import type { Db, Tx } from "../db.ts";
import type { EventDirection, EventKind } from "../events/contract.ts";
import type { Outbox } from "../notifications/contract.ts";
import type * as z from "zod";
import { messageOf, stepAlert } from "./domain.ts";
import type { Observation } from "./domain.ts";
import type { AlertRule } from "./contract.ts";
import { insertTriggers, loadNewsAlerts, saveStates, takeNewsPlace, writeNewsPlace } from "./store.ts";
import type { AlertRow } from "./store.ts";

/** One report of an event, of any tenant's documents or of those that all see. */
export interface NewsEvent {
  /** Rises with each. */
  seq: number;
  id: string;
  /** Of the report that told the event first. */
  storyId: string;
  /** `shared`, or a tenant's. */
  space: string;
  kind: EventKind;
  instrumentId: string | null;
  direction: z.output<typeof EventDirection>;
  important: boolean;
  text: string;
  publishedMs: number;
  recordedMs: number;
}

/** One document's score for an instrument. */
export interface NewsScore {
  seq: number;
  space: string;
  instrumentId: string;
  publishedMs: number;
  recordedMs: number;
}

export interface NewsAlertsOptions {
  db: Db;
  loadEvents(afterSeq: number, limit: number): Promise<NewsEvent[]>;
  loadScores(afterSeq: number, limit: number): Promise<NewsScore[]>;
  /** Sentiment of an instrument at a time, as formulas have it; undefined before any news. */
  sentimentAt(tenantId: string, instrumentId: string, atMs: number): Promise<number | undefined>;
  outbox: Outbox;
  now(): number;
  log: Log;
  everyMs?: number;
}

/** Tells alerts of what documents say, in one process at a time. */
export interface NewsAlerts extends Loop {
  /** Looks at everything that is new; gives how many alerts fired. */
  runOnce(): Promise<number>;
}

/** Rows of one look, and so of one transaction. */
const pageRows = 500;

type EventRule = Extract<AlertRule, { kind: "event" }>;
type SentimentRule = Extract<AlertRule, { kind: "sentiment" }>;

const mayRead = (alert: AlertRow, news: { space: string; recordedMs: number }) =>
  (news.space === "shared" || news.space === alert.tenantId) && news.recordedMs >= alert.createdMs;

function isMeant({ kinds, direction, importantOnly }: EventRule, event: NewsEvent): boolean {
  return (
    // Later reports of what was told already are not news.
    event.id === event.storyId &&
    (kinds === undefined || kinds.includes(event.kind)) &&
    (direction === undefined || event.direction === direction) &&
    (event.important || !importantOnly)
  );
}

/** Whether the sentiment holds, or has come back far enough to arm again. */
export function observeSentiment(rule: SentimentRule, value: number, atMs: number): Observation {
  const { direction, level, hysteresis } = rule;
  const distance = direction === "above" ? value - level : level - value;
  return { atMs, met: distance > 0, clear: distance <= -hysteresis };
}

export function createNewsAlerts(options: NewsAlertsOptions): NewsAlerts {
  const { db, now, log } = options;

  /** Steps an alert and stores what comes of it; true: it fired. */
  async function observe(
    tx: Tx,
    alert: AlertRow,
    seen: Observation,
    told: { value: number; message: string },
  ): Promise<boolean> {
    const before = { armed: alert.armed, stateMs: alert.stateMs, firedMs: alert.firedMs };
    const { state, fired } = stepAlert(before, seen, alert);
    if (state === before) return false;
    // An event ends as it happens: the next one is an edge again.
    Object.assign(alert, state, alert.rule.kind === "event" ? { armed: true } : {});
    if (fired) {
      const { id: alertId, tenantId, name, instrumentId, muted, callbackUrl, channelIds } = alert;
      const trigger = { alertId, tenantId, name, instrumentId, muted, callbackUrl, channelIds };
      const seenTrigger = { ...trigger, ...told, edgeMs: seen.atMs, test: false };
      await insertTriggers(tx, [seenTrigger], options.outbox, now());
    }
    const { armed, stateMs, firedMs } = alert;
    await saveStates(tx, new Map([[alert.id, { armed, stateMs, firedMs }]]));
    return fired;
  }

  async function tellEvents(tx: Tx, events: readonly NewsEvent[]): Promise<number> {
    const ids = events.flatMap(({ instrumentId }) => instrumentId ?? []);
    const alerts = await loadNewsAlerts(tx, "event", ids);
    let fired = 0;
    for (const event of events)
      for (const alert of alerts) {
        const rule = alert.rule as EventRule;
        const isOf = alert.instrumentId === event.instrumentId && mayRead(alert, event);
        if (!isOf || !isMeant(rule, event)) continue;
        // What was published before the last change is told late.
        const atMs = Math.max(event.publishedMs, alert.stateMs + 1);
        const message = `${event.instrumentId}, ${event.kind}: ${event.text}`.slice(0, 1_000);
        if (await observe(tx, alert, { atMs, met: true, clear: false }, { value: 1, message })) fired += 1;
      }
    return fired;
  }

  async function tellScores(tx: Tx, scores: readonly NewsScore[]): Promise<number> {
    const alerts = await loadNewsAlerts(
      tx,
      "sentiment",
      scores.map(({ instrumentId }) => instrumentId),
    );
    let fired = 0;
    for (const alert of alerts) {
      const mine = scores.filter((one) => one.instrumentId === alert.instrumentId && mayRead(alert, one));
      const atMs = Math.max(...mine.map(({ publishedMs }) => publishedMs));
      const value =
        mine.length === 0 ? undefined : await options.sentimentAt(alert.tenantId, alert.instrumentId, atMs);
      if (value === undefined) continue;
      const seen = observeSentiment(alert.rule as SentimentRule, value, atMs);
      const message = `${messageOf(alert)}, at ${value.toFixed(2)}`;
      if (await observe(tx, alert, seen, { value, message })) fired += 1;
    }
    return fired;
  }

  /** One page of a source; undefined: nothing is new, or another process looks at it. */
  async function page<Row extends { seq: number }>(
    source: "events" | "sentiment",
    load: (afterSeq: number, limit: number) => Promise<Row[]>,
    tell: (tx: Tx, rows: readonly Row[]) => Promise<number>,
  ): Promise<number | undefined> {
    return db.transaction().execute(async (tx) => {
      const after = await takeNewsPlace(tx, source);
      if (after === undefined) return undefined;
      const rows = await load(after, pageRows);
      if (rows.length === 0) return undefined;
      const fired = await tell(tx, rows);
      await writeNewsPlace(tx, source, rows.at(-1)!.seq);
      return fired;
    });
  }

  async function runOnce(): Promise<number> {
    let fired = 0;
    for (;;) {
      const events = await page("events", options.loadEvents, tellEvents);
      const scores = await page("sentiment", options.loadScores, tellScores);
      if (events === undefined && scores === undefined) return fired;
      fired += (events ?? 0) + (scores ?? 0);
    }
  }

  const loop = createLoop({
    work: runOnce,
    everyMs: options.everyMs ?? 1_000,
    log,
    failure: "alerts on news were not looked at",
  });
  return { ...loop, runOnce };
}
