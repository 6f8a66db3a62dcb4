import { createHmac } from "node:crypto";
import type { Log, Mailer } from "@tapedeck/core";
import { createLoop } from "@tapedeck/core/loop";
import type { Loop } from "@tapedeck/core/loop";
import type { Db } from "../db.ts";
import { deliver } from "./channels.ts";
import type { ChannelDeps, Delivery } from "./channels.ts";
import { signatureHeader } from "./contract.ts";
import { createPost } from "./post.ts";
import { claimDue, deleteChannel, loadChannel, loadPushKeys, loadSecret } from "./store.ts";
import type { DueNotification } from "./store.ts";

/** Sends what is in the outbox: each entry until its receiver took it, at most `maxAttempts` times. */
export interface Notifier extends Loop {
  /** One round now; gives how many calls were made. */
  runOnce(): Promise<number>;
}

export interface NotifierOptions {
  db: Db;
  now: () => number;
  random: () => number;
  log: Log;
  /** May calls go to private addresses? For networks of one's own and for tests. */
  allowPrivate: boolean;
  /** Undefined: no mail server is set. */
  mail: Mailer | undefined;
  /** Whom push services turn to: mailto: or https:. */
  pushContact: string;
  everyMs?: number;
  timeoutMs?: number;
  /** First pause; doubles each time up to an hour. Default 5 s. */
  backoffMs?: number;
  maxAttempts?: number;
}

const perRound = 20;
const maxBackoffMs = 3_600_000;

export function sign(secret: string, atSeconds: number, body: string): string {
  const mac = createHmac("sha256", secret).update(`${atSeconds}.${body}`).digest("hex");
  return `t=${atSeconds},v1=${mac}`;
}

export function createNotifier(options: NotifierOptions): Notifier {
  const { db, now, log } = options;
  const timeoutMs = options.timeoutMs ?? 10_000;
  const maxAttempts = options.maxAttempts ?? 10;

  const post = createPost({ allowPrivate: options.allowPrivate, timeoutMs });

  async function signatureOf(tenantId: string, body: string): Promise<Record<string, string>> {
    const { secret } = await loadSecret(db, tenantId, now());
    return { [signatureHeader]: sign(secret, Math.floor(now() / 1_000), body) };
  }

  async function callBack({ id, tenantId, body }: DueNotification, url: string): Promise<Delivery> {
    const headers = {
      "content-type": "application/json",
      "tapedeck-notification": id,
      ...(await signatureOf(tenantId, body)),
    };
    const status = await post(url, headers, Buffer.from(body));
    if (status >= 200 && status < 300) return "delivered";
    throw new Error(`the receiver answered ${status}`);
  }

  async function deliverToChannel(entry: DueNotification, channelId: string): Promise<Delivery> {
    const channel = await loadChannel(db, entry.tenantId, channelId);
    if (channel === undefined) return "gone";
    const deps: ChannelDeps = {
      post,
      mail: options.mail,
      sign: (body) => signatureOf(entry.tenantId, body),
      pushKeys: () => loadPushKeys(db, now()),
      pushContact: options.pushContact,
      now,
    };
    const delivery = await deliver(channel.settings, entry, deps);
    if (delivery === "gone") await deleteChannel(db, entry.tenantId, channelId);
    return delivery;
  }

  async function note(
    id: string,
    set: { state: string; deliveredMs?: number; nextMs?: number; lastError: string | null },
  ): Promise<void> {
    await db.updateTable("notifications").set(set).where("id", "=", id).execute();
  }

  async function send(entry: DueNotification): Promise<void> {
    const { id, url, channelId, attempts } = entry;
    let delivery: Delivery;
    try {
      delivery = url === null ? await deliverToChannel(entry, channelId!) : await callBack(entry, url);
    } catch (error) {
      const last = attempts >= maxAttempts;
      const pause = Math.min(maxBackoffMs, (options.backoffMs ?? 5_000) * 2 ** (attempts - 1));
      await note(id, {
        state: last ? "failed" : "pending",
        nextMs: Math.round(now() + pause * (0.5 + 0.5 * options.random())),
        lastError: (error instanceof Error ? error.message : String(error)).slice(0, 500),
      });
      if (last) log.warn({ notificationId: id, attempts }, "a notification is given up");
      return;
    }
    if (delivery === "delivered") await note(id, { state: "delivered", deliveredMs: now(), lastError: null });
    else await note(id, { state: "failed", lastError: "the channel is gone" });
  }

  const runOnce = async () => {
    const due = await claimDue(db, now(), timeoutMs + 20_000, perRound);
    const outcomes = await Promise.allSettled(due.map(send));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return due.length;
  };

  const loop = createLoop({
    work: runOnce,
    everyMs: options.everyMs ?? 1_000,
    log,
    failure: "notifications could not be sent",
  });
  return { ...loop, runOnce };
}
