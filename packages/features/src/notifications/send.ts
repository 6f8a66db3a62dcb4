import { createHmac } from "node:crypto";
import type { Log, Mailer } from "@tapedeck/core";
import { createLoop } from "@tapedeck/core/loop";
import type { Loop } from "@tapedeck/core/loop";
import type { Db } from "../db.ts";
import { deliver, receiverOf } from "./channels.ts";
import type { ChannelDeps, Delivery } from "./channels.ts";
import { signatureHeader } from "./contract.ts";
import { createPost } from "./post.ts";
import { createReceivers, guardedMail, guardedPost, isFull } from "./receivers.ts";
import type { Receiver } from "./receivers.ts";
import { claimDue, deleteChannel, loadChannel, loadPushKeys, loadSecret, putBack } from "./store.ts";
import type { ChannelRow, DueNotification } from "./store.ts";

/** Sends what is in the outbox: each entry until its receiver took it, at most `maxAttempts` times. */
export interface Notifier extends Loop {
  /** One round now, until all of it was answered; gives how many messages were tried. */
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

const perClaim = 20;
/** Messages on their way to all receivers together. */
const maxUnderWay = 100;
const failure = "notifications could not be sent";
const channelGone = "the channel is gone";
const maxBackoffMs = 3_600_000;

/** A message, and who is to get it. */
interface Addressed {
  entry: DueNotification;
  /** Undefined where it goes to an address that a caller named. */
  channel: ChannelRow | undefined;
  receiver: Receiver;
}

/** What `claimDue` knows a message's target by. */
const targetKey = ({ channelId, url }: DueNotification) => channelId ?? url!;

export function sign(secret: string, atSeconds: number, body: string): string {
  const mac = createHmac("sha256", secret).update(`${atSeconds}.${body}`).digest("hex");
  return `t=${atSeconds},v1=${mac}`;
}

export function createNotifier(options: NotifierOptions): Notifier {
  const { db, now, log } = options;
  const timeoutMs = options.timeoutMs ?? 10_000;
  const maxAttempts = options.maxAttempts ?? 10;

  const post = createPost({ allowPrivate: options.allowPrivate, timeoutMs });
  const receiverNamed = createReceivers(now);
  const underWay = new Map<string, { target: string; receiver: Receiver; sent: Promise<void> }>();

  async function signatureOf(tenantId: string, body: string): Promise<Record<string, string>> {
    const { secret } = await loadSecret(db, tenantId, now());
    return { [signatureHeader]: sign(secret, Math.floor(now() / 1_000), body) };
  }

  async function callBack({ entry, receiver }: Addressed, url: string): Promise<Delivery> {
    const { id, tenantId, body } = entry;
    const headers = {
      "content-type": "application/json",
      "tapedeck-notification": id,
      ...(await signatureOf(tenantId, body)),
    };
    const status = await guardedPost(receiver, post)(url, headers, Buffer.from(body));
    if (status >= 200 && status < 300) return "delivered";
    throw new Error(`the receiver answered ${status}`);
  }

  async function deliverToChannel({ entry, receiver }: Addressed, channel: ChannelRow): Promise<Delivery> {
    const deps: ChannelDeps = {
      post: guardedPost(receiver, post),
      mail: options.mail === undefined ? undefined : guardedMail(receiver, options.mail),
      sign: (body) => signatureOf(entry.tenantId, body),
      pushKeys: () => loadPushKeys(db, now()),
      pushContact: options.pushContact,
      now,
    };
    const delivery = await deliver(channel.settings, entry, deps);
    if (delivery === "gone") await deleteChannel(db, entry.tenantId, channel.id);
    return delivery;
  }

  async function address(entry: DueNotification): Promise<Addressed | undefined> {
    const { id, tenantId, url, channelId } = entry;
    if (url !== null) return { entry, channel: undefined, receiver: receiverNamed(new URL(url).host) };
    const channel = await loadChannel(db, tenantId, channelId!);
    if (channel !== undefined)
      return { entry, channel, receiver: receiverNamed(receiverOf(channel.settings)) };
    await note(id, { state: "failed", lastError: channelGone });
    return undefined;
  }

  async function note(
    id: string,
    set: { state: string; deliveredMs?: number; nextMs?: number; lastError: string | null },
  ): Promise<void> {
    await db.updateTable("notifications").set(set).where("id", "=", id).execute();
  }

  async function send(addressed: Addressed): Promise<void> {
    const { entry, channel } = addressed;
    const { id, url, attempts } = entry;
    let delivery: Delivery;
    try {
      delivery =
        channel === undefined ? await callBack(addressed, url!) : await deliverToChannel(addressed, channel);
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
    else await note(id, { state: "failed", lastError: channelGone });
  }

  function begin(addressed: Addressed): Promise<void> {
    const { entry, receiver } = addressed;
    receiver.underWay += 1;
    const sent = send(addressed).finally(() => {
      receiver.underWay -= 1;
      underWay.delete(entry.id);
    });
    underWay.set(entry.id, { target: targetKey(entry), receiver, sent });
    sent.catch((error: unknown) => log.warn({ err: error }, failure));
    return sent;
  }

  /** Begins what is due and has room, and does not wait for it: a receiver that is slow holds up its own messages alone. */
  async function round(): Promise<Promise<void>[]> {
    const begun: Promise<void>[] = [];
    const full = new Set<string>();
    for (const { target, receiver } of underWay.values()) if (isFull(receiver)) full.add(target);
    for (;;) {
      const room = Math.min(perClaim, maxUnderWay - underWay.size);
      if (room <= 0) return begun;
      const due = await claimDue(db, now(), timeoutMs + 20_000, room, [...full]);
      const kept: string[] = [];
      for (const addressed of await Promise.all(due.map(address))) {
        if (addressed === undefined) continue;
        const { entry, receiver } = addressed;
        if (isFull(receiver)) {
          kept.push(entry.id);
          full.add(targetKey(entry));
        } else begun.push(begin(addressed));
      }
      if (kept.length > 0) await putBack(db, kept, now());
      if (due.length < room) return begun;
    }
  }

  const runOnce = async () => {
    const begun = await round();
    await Promise.allSettled(begun);
    return begun.length;
  };

  const loop = createLoop({ work: round, everyMs: options.everyMs ?? 1_000, log, failure });
  return {
    start: loop.start,
    async stop() {
      await loop.stop();
      await Promise.allSettled([...underWay.values()].map(({ sent }) => sent));
    },
    runOnce,
  };
}
