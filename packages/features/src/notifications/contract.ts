import { defineCommand, defineQuery, Id, pageOf, PageQuery } from "@tapedeck/core";
import * as z from "zod";
import type { Tx } from "../db.ts";

/** Most channels of a tenant. */
export const maxChannels = 50;

const HttpAddress = z.url({ protocol: /^https?$/ }).max(2_000);
const bytesOf = (text: string) => (/^[\w-]+$/.test(text) ? Math.floor((text.length * 3) / 4) : 0);

/** Where alerts and changes of standing questions go besides the pages. What is secret in it is never shown again. */
export const ChannelSettings = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("email"), to: z.email().max(254) }).meta({ title: "E-mail" }),
  z
    .strictObject({ kind: z.literal("webhook"), webhookUrl: HttpAddress })
    .meta({ title: "Webhook, signed as callbacks are" }),
  /** An incoming webhook of Slack, or of anything that takes `{"text": …}` as Slack does. */
  z.strictObject({ kind: z.literal("slack"), webhookUrl: HttpAddress }).meta({ title: "Slack" }),
  z
    .strictObject({
      kind: z.literal("telegram"),
      botToken: z.string().regex(/^\d{1,20}:[\w-]{10,100}$/, "a bot's token, such as 123456:ABC-DEF"),
      chatId: z.string().regex(/^(-?\d{1,20}|@\w{5,40})$/, "a chat's number, or @ and a channel's name"),
      /** A bot API server of one's own. */
      apiUrl: HttpAddress.default("https://api.telegram.org"),
    })
    .meta({ title: "Telegram" }),
  /** What `PushManager.subscribe` gave a browser. */
  z
    .strictObject({
      kind: z.literal("push"),
      endpoint: HttpAddress,
      keys: z.strictObject({
        p256dh: z
          .string()
          .max(200)
          .refine((text) => bytesOf(text) === 65, "the browser's public key: 65 bytes, base64url"),
        auth: z
          .string()
          .max(100)
          .refine((text) => bytesOf(text) === 16, "the browser's secret: 16 bytes, base64url"),
      }),
    })
    .meta({ title: "Browser push" }),
]);
export type ChannelSettings = z.output<typeof ChannelSettings>;

export const ChannelBody = z
  .strictObject({ name: z.string().trim().min(1).max(80), settings: ChannelSettings })
  .meta({
    id: "NotificationChannelBody",
    examples: [{ name: "desk", settings: { kind: "email", to: "desk@example.com" } }],
  });

export const ChannelView = z
  .object({
    id: Id,
    name: z.string(),
    kind: z.enum(["email", "webhook", "slack", "telegram", "push"]),
    /** Where it goes, without what is secret. */
    target: z.string(),
    createdBy: z.string(),
    createdMs: z.int(),
    /** Messages of the last day that are not taken yet, and when it last took one. */
    waiting: z.int(),
    deliveredMs: z.int().nullable(),
    /** Why the newest message that was tried is not taken; null where it was. Says so while calls are held back. */
    lastError: z.string().nullable(),
  })
  .meta({ id: "NotificationChannel" });
export type ChannelView = z.output<typeof ChannelView>;

/** One event on its way to an address that a caller named, or to a channel. */
export const NotificationView = z
  .object({
    id: Id,
    /** Null where it goes to a channel. */
    url: z.string().nullable(),
    channelId: Id.nullable(),
    event: z.string(),
    state: z.enum(["pending", "delivered", "failed"]),
    attempts: z.int(),
    nextMs: z.int().nullable(),
    lastError: z.string().nullable(),
    createdMs: z.int(),
    deliveredMs: z.int().nullable(),
  })
  .meta({ id: "Notification" });

/**
 * What a receiver computes to check a call: hex HMAC-SHA256 of `<t>.<body>` with the secret, compared with `v1` of the
 * header `Tapedeck-Signature: t=<unix seconds>,v1=<hex>`; calls older than five minutes are to be refused.
 */
export const signatureHeader = "tapedeck-signature";

/** How other features put an event into the outbox, in their own transaction. */
export interface NewNotification {
  tenantId: string;
  /** The same key is sent once. */
  dedupeKey: string;
  /** A callback address; absent or null: none. */
  url?: string | null;
  /** Channels by id, those of other tenants and deleted ones passed over; null: all that the tenant has. Absent: none. */
  channelIds?: readonly string[] | null;
  /** JSON; has a member `event`, and for channels `text`. */
  body: { event: string } & Record<string, unknown>;
}

/** Puts a notification into the outbox, in the caller's transaction. */
export type Outbox = (tx: Tx, entry: NewNotification, nowMs: number) => Promise<void>;

const ById = z.object({ id: Id });

export const notificationRoutes = {
  listChannels: defineQuery({
    name: "listChannels",
    path: "/notifications/channels",
    tag: "Notifications",
    summary: "Where the tenant's alerts and changed answers go besides the pages",
    role: "analyst",
    response: z.object({ items: z.array(ChannelView) }),
  }),
  createChannel: defineCommand({
    name: "createChannel",
    method: "POST",
    path: "/notifications/channels",
    tag: "Notifications",
    summary: "Add an e-mail address, a webhook, Slack, Telegram or this browser",
    role: "analyst",
    body: ChannelBody,
    response: ChannelView,
    status: 201,
  }),
  deleteChannel: defineCommand({
    name: "deleteChannel",
    method: "DELETE",
    path: "/notifications/channels/{id}",
    tag: "Notifications",
    summary: "Take a channel away; what still waits for it is given up",
    role: "analyst",
    params: ById,
  }),
  testChannel: defineCommand({
    name: "testChannel",
    method: "POST",
    path: "/notifications/channels/{id}/test",
    tag: "Notifications",
    summary: "Send a test message; the answer is the notification to look at",
    role: "analyst",
    params: ById,
    response: NotificationView,
    status: 202,
  }),
  getPushKey: defineQuery({
    name: "getPushKey",
    path: "/notifications/push-key",
    tag: "Notifications",
    summary: "The public key that a browser subscribes to pushes with",
    role: "viewer",
    response: z.object({ publicKey: z.string() }),
  }),
  listNotifications: defineQuery({
    name: "listNotifications",
    path: "/notifications",
    tag: "Notifications",
    summary: "Calls to callback addresses, newest first",
    role: "analyst",
    query: PageQuery.extend({ state: z.enum(["pending", "delivered", "failed"]).optional() }),
    response: pageOf(NotificationView),
  }),
  retryNotification: defineCommand({
    name: "retryNotification",
    method: "POST",
    path: "/notifications/{id}/retry",
    tag: "Notifications",
    summary: "Send a failed call again",
    role: "analyst",
    params: ById,
    response: NotificationView,
    status: 202,
  }),
  getCallbackSecret: defineQuery({
    name: "getCallbackSecret",
    path: "/callback-secret",
    tag: "Notifications",
    summary: "The secret that signs the tenant's callbacks; made when first asked for",
    role: "admin",
    response: z.object({ secret: z.string(), createdMs: z.int() }),
  }),
  rotateCallbackSecret: defineCommand({
    name: "rotateCallbackSecret",
    method: "POST",
    path: "/callback-secret/rotate",
    tag: "Notifications",
    summary: "Replace the secret that signs the tenant's callbacks",
    role: "admin",
    response: z.object({ secret: z.string(), createdMs: z.int() }),
  }),
};
