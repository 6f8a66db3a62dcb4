import { defineCommand, defineQuery, Id, pageOf, PageQuery } from "@tapedeck/core";
import * as z from "zod";
import type { Tx } from "../db.ts";

/** One event on its way to an address that a caller named. */
export const NotificationView = z
  .object({
    id: Id,
    url: z.string(),
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
  url: string;
  /** JSON; has a member `event`. */
  body: { event: string } & Record<string, unknown>;
}

/** Puts a notification into the outbox, in the caller's transaction. */
export type Outbox = (tx: Tx, entry: NewNotification, nowMs: number) => Promise<void>;

export const notificationRoutes = {
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
    params: z.object({ id: Id }),
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
