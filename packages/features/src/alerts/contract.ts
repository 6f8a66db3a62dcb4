import { defineCommand, defineQuery, EpochMs, Id, InstrumentId, pageOf, PageQuery } from "@tapedeck/core";
import * as z from "zod";
import { EventDirection, EventKind } from "../events/contract.ts";
import { CallbackUrl } from "../jobs/contract.ts";
import { maxChannels } from "../notifications/contract.ts";
import { LiveTimeframe } from "../ticks/contract.ts";

/** Most alerts of a tenant. */
export const maxAlerts = 5_000;

const fraction = z.number().positive().max(10);

/** When an alert's condition holds. */
export const AlertRule = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("price"),
      direction: z.enum(["above", "below"]),
      level: z.number().positive(),
      /** Share of the level that the price must come back before the next alert. */
      hysteresis: z.number().min(0).max(0.5).default(0.001),
    })
    .meta({ title: "Price crosses a level" }),
  z
    .strictObject({
      kind: z.literal("move"),
      direction: z.enum(["up", "down", "either"]).default("either"),
      /** Of the lowest (up) or highest (down) print within the window. */
      fraction: fraction.default(0.02),
      windowMs: z.int().min(1_000).max(3_600_000).default(60_000),
    })
    .meta({ title: "Price moves by a share within a time" }),
  z
    .strictObject({
      kind: z.literal("formula"),
      timeframe: LiveTimeframe.default("1m"),
      /** A condition, looked at when a bar is final. */
      formula: z.string().trim().min(1).max(2_000),
      /** A condition that must hold before the next alert; absent: that the formula does not. */
      rearm: z.string().trim().min(1).max(2_000).optional(),
    })
    .meta({ title: "Formula over bars" }),
  z
    .strictObject({
      kind: z.literal("stale"),
      afterMs: z.int().min(1_000).max(86_400_000).default(30_000),
    })
    .meta({ title: "No print for a time" }),
  z
    .strictObject({
      kind: z.literal("event"),
      /** Absent: of any kind. */
      kinds: z.array(EventKind).min(1).optional(),
      /** For the instrument; absent: any. */
      direction: EventDirection.optional(),
      /** Leaves out what rarely moves prices. */
      importantOnly: z.boolean().default(true),
    })
    .meta({ title: "A document tells an event" }),
  z
    .strictObject({
      kind: z.literal("sentiment"),
      direction: z.enum(["above", "below"]),
      /** Of the decayed mean of scores, in [-1, 1]. */
      level: z.number().min(-1).max(1),
      /** How far it must come back before the next alert. */
      hysteresis: z.number().min(0).max(2).default(0.05),
    })
    .meta({ title: "Sentiment of documents crosses a level" }),
]);
export type AlertRule = z.output<typeof AlertRule>;

/** Rules for what people watch most; `{other}` stands for a second instrument. */
export const alertTemplates = [
  { name: "2 % in a minute", rule: { kind: "move", fraction: 0.02, windowMs: 60_000 } },
  {
    name: "Pair: z-score above 2",
    rule: {
      kind: "formula",
      formula: 'abs(zscore(log(close) - log(close["{other}"]), 60)) > 2',
      rearm: 'abs(zscore(log(close) - log(close["{other}"]), 60)) < 1',
    },
  },
  { name: "Volume spike", rule: { kind: "formula", formula: "volume > 3 * lag(sma(volume, 20), 1)" } },
  {
    name: "Volatility above its hour's twofold",
    rule: { kind: "formula", formula: "stddev(close, 20) > 2 * lag(sma(stddev(close, 20), 60), 1)" },
  },
  { name: "RSI falls below 30", rule: { kind: "formula", formula: "crossunder(rsi(close, 14), 30)" } },
  {
    name: "Average of 10 crosses that of 30",
    rule: { kind: "formula", formula: "crossover(sma(close, 10), sma(close, 30))" },
  },
  {
    name: "Anomaly: 4 deviations from the average",
    rule: { kind: "formula", formula: "abs(zscore(close, 60)) > 4" },
  },
  { name: "Stale feed: no print for 30 s", rule: { kind: "stale", afterMs: 30_000 } },
  { name: "News: an important event", rule: { kind: "event" } },
  { name: "News turns bad", rule: { kind: "sentiment", direction: "below", level: -0.3 } },
] as const satisfies readonly { name: string; rule: z.input<typeof AlertRule> }[];

export const AlertBody = z
  .strictObject({
    name: z.string().trim().max(100).optional(),
    instrumentId: InstrumentId,
    rule: AlertRule,
    /** Event time after an alert in which edges are passed over. */
    cooldownMs: z.int().min(0).max(604_800_000).default(60_000),
    /** No alert after this time. */
    expiresMs: EpochMs.optional(),
    /** Called for each alert, signed and repeated until it answers 2xx. */
    callbackUrl: CallbackUrl.optional(),
    /** Channels of /notifications/channels that it goes to; absent: all that there are when it fires. */
    channelIds: z.array(Id).max(maxChannels).optional(),
  })
  .meta({
    id: "AlertBody",
    examples: [{ instrumentId: "SYN-A.SIMULATED", rule: { kind: "move", fraction: 0.02, windowMs: 60_000 } }],
  });

export const AlertView = z
  .object({
    id: Id,
    name: z.string(),
    instrumentId: InstrumentId,
    rule: AlertRule,
    cooldownMs: z.int(),
    expiresMs: z.int().nullable(),
    /** Without its query, which may hold a secret. */
    callbackUrl: z.string().nullable(),
    /** Null: every channel of the tenant. */
    channelIds: z.array(Id).nullable(),
    /** Alerts are kept and shown, and nobody is called. */
    muted: z.boolean(),
    /** False between an alert and the end of its condition. */
    armed: z.boolean(),
    firedMs: z.int().nullable(),
    /** Why it cannot fire now, and what to do; null where it can. */
    waits: z.string().nullable(),
    createdBy: z.string(),
    createdMs: z.int(),
  })
  .meta({ id: "Alert" });
export type AlertView = z.output<typeof AlertView>;

export const AlertTrigger = z
  .object({
    id: Id,
    /** Rises with each trigger; where a live subscription goes on. */
    seq: z.int(),
    alertId: Id,
    name: z.string(),
    instrumentId: InstrumentId,
    /** Event time: the print's, or the end of the bar. */
    edgeMs: z.int(),
    /** What was compared: the price, the move as a fraction, the silence in ms; null for a formula. */
    value: z.number().nullable(),
    message: z.string(),
    /** Asked for by the test button. */
    test: z.boolean(),
    createdMs: z.int(),
  })
  .meta({ id: "AlertTrigger" });
export type AlertTrigger = z.output<typeof AlertTrigger>;

const ById = z.object({ id: Id });

/** How other features read what alerts told. */
export interface AlertReader {
  /** Known by a time, newest first. */
  triggers(tenantId: string, untilMs: number, limit: number): Promise<AlertTrigger[]>;
}

export const alertRoutes = {
  listAlerts: defineQuery({
    name: "listAlerts",
    path: "/alerts",
    tag: "Alerts",
    summary: "The tenant's alerts, newest first",
    role: "viewer",
    query: PageQuery.extend({ instrumentId: InstrumentId.optional() }),
    response: pageOf(AlertView),
  }),
  // Before /alerts/{id}, which would take its path.
  listAlertTriggers: defineQuery({
    name: "listAlertTriggers",
    path: "/alerts/triggers",
    tag: "Alerts",
    summary: "What alerts told, newest first",
    role: "viewer",
    query: PageQuery.extend({ alertId: Id.optional() }),
    response: pageOf(AlertTrigger),
  }),
  getAlert: defineQuery({
    name: "getAlert",
    path: "/alerts/{id}",
    tag: "Alerts",
    summary: "One alert",
    role: "viewer",
    params: ById,
    response: AlertView,
  }),
  createAlert: defineCommand({
    name: "createAlert",
    method: "POST",
    path: "/alerts",
    tag: "Alerts",
    summary: "Watch an instrument of the live stream",
    role: "analyst",
    body: AlertBody,
    response: AlertView,
    status: 201,
  }),
  muteAlert: defineCommand({
    name: "muteAlert",
    method: "PUT",
    path: "/alerts/{id}/muted",
    tag: "Alerts",
    summary: "Keep an alert's triggers and call nobody, or call again",
    role: "analyst",
    params: ById,
    body: z.strictObject({ muted: z.boolean() }),
    response: AlertView,
  }),
  testAlert: defineCommand({
    name: "testAlert",
    method: "POST",
    path: "/alerts/{id}/test",
    tag: "Alerts",
    summary: "Send a trigger marked as a test on every way that the alert has",
    role: "analyst",
    params: ById,
    response: AlertTrigger,
    status: 201,
  }),
  deleteAlert: defineCommand({
    name: "deleteAlert",
    method: "DELETE",
    path: "/alerts/{id}",
    tag: "Alerts",
    summary: "Delete an alert and its triggers",
    role: "analyst",
    params: ById,
  }),
};
