import { createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Log } from "@tapedeck/core";
import type { Db } from "../db.ts";
import { signatureHeader } from "./contract.ts";
import { assertPublicHost, publicLookup } from "./guard.ts";
import { claimDue, loadSecret } from "./store.ts";
import type { DueNotification } from "./store.ts";

/** Sends what is in the outbox: each entry until somebody answered 2xx, at most `maxAttempts` times. */
export interface Notifier {
  start(): void;
  stop(): Promise<void>;
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
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> | undefined;

  const deliver = async (entry: DueNotification) => {
    const { secret } = await loadSecret(db, entry.tenantId, now());
    const fault = await post(entry, secret).then(
      (status) => (status >= 200 && status < 300 ? undefined : `the receiver answered ${status}`),
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (fault === undefined) {
      await db
        .updateTable("notifications")
        .set({ state: "delivered", deliveredMs: now(), lastError: null })
        .where("id", "=", entry.id)
        .execute();
      return;
    }
    const last = entry.attempts >= maxAttempts;
    const pause = Math.min(maxBackoffMs, (options.backoffMs ?? 5_000) * 2 ** (entry.attempts - 1));
    await db
      .updateTable("notifications")
      .set({
        state: last ? "failed" : "pending",
        nextMs: Math.round(now() + pause * (0.5 + 0.5 * options.random())),
        lastError: fault.slice(0, 500),
      })
      .where("id", "=", entry.id)
      .execute();
    if (last) log.warn({ notificationId: entry.id, attempts: entry.attempts }, "callback is given up");
  };

  const post = (entry: DueNotification, secret: string) =>
    new Promise<number>((resolve, reject) => {
      const url = new URL(entry.url);
      if (!options.allowPrivate) assertPublicHost(url.hostname);
      const body = Buffer.from(entry.body);
      const call = (url.protocol === "https:" ? httpsRequest : httpRequest)(
        url,
        {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "content-length": body.length,
            "user-agent": "tapedeck",
            "tapedeck-notification": entry.id,
            [signatureHeader]: sign(secret, Math.floor(now() / 1_000), entry.body),
          },
          ...(options.allowPrivate ? {} : { lookup: publicLookup }),
          signal: AbortSignal.timeout(timeoutMs),
          agent: false,
        },
        (response) => {
          resolve(response.statusCode ?? 0);
          // Nothing of the answer but its status matters.
          response.destroy();
        },
      );
      call.on("error", reject);
      call.end(body);
    });

  const runOnce = async () => {
    const due = await claimDue(db, now(), timeoutMs + 20_000, perRound);
    const outcomes = await Promise.allSettled(due.map(deliver));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return due.length;
  };

  let failing = false;
  const tick = () => {
    running ??= runOnce()
      .then(
        () => {
          failing = false;
        },
        (error: unknown) => {
          if (!failing) log.warn({ err: error }, "callbacks could not be sent");
          failing = true;
        },
      )
      .finally(() => {
        running = undefined;
      });
  };

  return {
    start() {
      timer ??= setInterval(tick, options.everyMs ?? 1_000);
      timer.unref();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await running;
    },
    runOnce,
  };
}
