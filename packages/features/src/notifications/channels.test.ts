import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { createSmtpMailer } from "@tapedeck/platform/mail/smtp";
import { testDatabase, testLog } from "@tapedeck/testkit";
import { sql } from "kysely";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Database } from "../db.ts";
import { deliver } from "./channels.ts";
import type { ChannelDeps } from "./channels.ts";
import { ChannelBody } from "./contract.ts";
import type { ChannelSettings } from "./contract.ts";
import { newPushKeys } from "./push.ts";
import { openPush } from "./push.fixture.ts";
import { notificationRouteHandlers as routes } from "./read.ts";
import { createNotifier } from "./send.ts";
import type { NotifierOptions } from "./send.ts";
import { claimDue, insertNotification, loadSecret } from "./store.ts";

interface Call {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
/** What the receivers got, and what they answer by path. */
let calls: Call[] = [];
let answers = new Map<string, number>();
let mails: { to: string[]; text: string }[] = [];
let refuseMail = false;
let receiverUrl: string;
let smtpPort: number;
const receiver = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const path = request.url!;
    calls.push({ path, headers: request.headers, body: Buffer.concat(parts) });
    response.writeHead(answers.get(path) ?? 201).end();
  });
});
const smtp = new SMTPServer({
  authOptional: false,
  disabledCommands: ["STARTTLS"],
  allowInsecureAuth: true,
  onAuth: ({ username, password }, _session, done) =>
    done(null, username === "desk" && password === "p@ss" ? { user: username } : undefined),
  onData(stream, session, done) {
    let text = "";
    stream.on("data", (part: Buffer) => (text += part.toString()));
    stream.on("end", () => {
      if (refuseMail) return done(new Error("mailbox is full"));
      mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text });
      done();
    });
  },
});

beforeAll(async () => {
  database = await testDatabase<Database>();
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => smtp.listen(0, "127.0.0.1", resolve));
  smtpPort = (smtp.server.address() as AddressInfo).port;
});
beforeEach(async () => {
  await database.db.deleteFrom("notifications").execute();
  calls = [];
  answers = new Map();
  mails = [];
  refuseMail = false;
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
  await database.close();
});

function someone(): Caller {
  const tenantId = newId(Date.now());
  return { principalId: newId(Date.now()), kind: "user", tenantId, role: "analyst", requestId: "test" };
}
const request = new Request("http://localhost/");
const input = (parts: object) =>
  ({ params: undefined, query: undefined, body: undefined, request, ...parts }) as never;
const deps = () => ({ db: database.db, now: Date.now });
const add = (caller: Caller, name: string, settings: object) =>
  routes.createChannel(deps(), input({ body: ChannelBody.parse({ name, settings }) }), caller) as Promise<{
    id: string;
    target: string;
  }>;
const notifier = (changed: Partial<NotifierOptions> = {}) =>
  createNotifier({
    db: database.db,
    now: Date.now,
    random: () => 0,
    log: testLog(),
    allowPrivate: true,
    mail: createSmtpMailer({
      url: `smtp://desk:p%40ss@127.0.0.1:${smtpPort}?ignoreTLS=true`,
      from: "Tapedeck <tape@example.com>",
    }),
    pushContact: "mailto:ops@example.com",
    backoffMs: 1,
    maxAttempts: 2,
    ...changed,
  });
const body = { event: "alert.triggered", text: "A.HAND moved up 2.10 %", triggerId: "0195-trigger" };
/** Puts one message for all channels of the caller's tenant into the outbox, and has it sent. */
async function tell(caller: Caller, rounds = 1) {
  const entry = {
    tenantId: caller.tenantId,
    dedupeKey: `alert ${newId(Date.now())}`,
    channelIds: null,
    body,
  };
  await insertNotification(database.db, entry, Date.now());
  // Put there again, it is sent once.
  await insertNotification(database.db, entry, Date.now());
  for (let i = 0; i < rounds; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    await notifier().runOnce();
  }
  const { items } = (await routes.listNotifications(deps(), input({ query: { limit: 50 } }), caller)) as {
    items: { state: string; attempts: number; lastError: string | null }[];
  };
  return items;
}

test("a webhook is called with the whole message, signed", async () => {
  const caller = someone();
  const { target } = await add(caller, "hook", {
    kind: "webhook",
    webhookUrl: `${receiverUrl}/hook?key=secret`,
  });
  expect(target).toBe(`${receiverUrl}/…`);
  expect(await tell(caller)).toMatchObject([{ state: "delivered", attempts: 1 }]);
  expect(calls).toHaveLength(1);
  const [call] = calls;
  expect(call!.path).toBe("/hook?key=secret");
  expect(JSON.parse(call!.body.toString())).toEqual(body);
  const { secret } = await loadSecret(database.db, caller.tenantId, Date.now());
  const [, t, v1] = /^t=(\d+),v1=(.+)$/.exec(String(call!.headers["tapedeck-signature"]))!;
  expect(createHmac("sha256", secret).update(`${t}.${call!.body.toString()}`).digest("hex")).toBe(v1);
});

test.each([
  [
    "slack",
    () => ({ kind: "slack", webhookUrl: `${receiverUrl}/services/T0/B0/xyz` }),
    "/services/T0/B0/xyz",
    {},
  ],
  [
    "telegram",
    () => ({ kind: "telegram", botToken: "12345:AAbbCCddEEff", chatId: "-100777", apiUrl: receiverUrl }),
    "/bot12345:AAbbCCddEEff/sendMessage",
    { chat_id: "-100777" },
  ],
])("%s gets the text with the trigger's id", async (name, settings, path, more) => {
  const caller = someone();
  const channel = await add(caller, name, settings());
  expect(JSON.stringify(channel)).not.toMatch(/xyz|AAbb/);
  expect(await tell(caller)).toMatchObject([{ state: "delivered" }]);
  expect(calls.map((call) => [call.path, JSON.parse(call.body.toString())])).toEqual([
    [path, { ...more, text: "A.HAND moved up 2.10 %\n(0195-trigger)" }],
  ]);
});

/** Takes what is posted, and nothing else. */
const taking = (sent: unknown[]): ChannelDeps => ({
  post: (_url, _headers, written) => {
    sent.push(JSON.parse(written.toString()));
    return Promise.resolve(200);
  },
  mail: undefined,
  sign: () => Promise.resolve({}),
  pushKeys: () => Promise.reject(new Error("no push in this test")),
  pushContact: "",
  now: Date.now,
});

test("Slack gets mentions and links of a text as text", async () => {
  const sent: unknown[] = [];
  const message = { event: "standing.changed", text: "<!channel> AT&T: <https://evil.example|see here>" };
  await deliver(
    { kind: "slack", webhookUrl: `${receiverUrl}/slack` },
    { id: "1", body: JSON.stringify(message) },
    taking(sent),
  );
  expect(sent).toEqual([{ text: "&lt;!channel&gt; AT&amp;T: &lt;https://evil.example|see here&gt;" }]);
});

test("Telegram gets the beginning of a text that is too long for it, and the whole id", async () => {
  const sent: { text: string }[] = [];
  const message = { ...body, text: "💶".repeat(3_000) };
  await deliver(
    { kind: "telegram", botToken: "12345:AAbbCCddEEff", chatId: "1", apiUrl: receiverUrl },
    { id: "1", body: JSON.stringify(message) },
    taking(sent),
  );
  expect(sent[0]!.text).toMatch(/^(💶)+\uFFFD?\n\(0195-trigger\)$/u);
  expect(sent[0]!.text).toHaveLength(4_096);
});

test("an e-mail goes to a mail server; one that is refused is tried again, then given up with its words", async () => {
  const caller = someone();
  await add(caller, "desk", { kind: "email", to: "desk@example.com" });
  expect(await tell(caller)).toMatchObject([{ state: "delivered" }]);
  expect(mails).toHaveLength(1);
  expect(mails[0]!.to).toEqual(["desk@example.com"]);
  expect(mails[0]!.text).toMatch(/^Subject: A\.HAND moved up 2\.10 %\r$/m);
  expect(mails[0]!.text).toMatch(/^Message-ID: <[\w-]+@tapedeck>\r$/m);
  expect(mails[0]!.text).toContain("(0195-trigger)");
  refuseMail = true;
  const [refused] = await tell(caller, 2);
  expect(refused).toMatchObject({ state: "failed", attempts: 2 });
  expect(refused!.lastError).toMatch(/mailbox is full/);
});

test("a browser's push service gets what that browser alone reads; when it is gone, so is the channel", async () => {
  const caller = someone();
  const browser = { ...newPushKeys(), auth: "BTBZMqHH6r4Tts7J_aSIgg" };
  const settings: ChannelSettings = {
    kind: "push",
    endpoint: `${receiverUrl}/push/1`,
    keys: { p256dh: browser.publicKey, auth: browser.auth },
  };
  await add(caller, "this browser", settings);
  expect(await tell(caller)).toMatchObject([{ state: "delivered" }]);
  const [call] = calls;
  expect(JSON.parse(openPush(call!.body, browser))).toEqual({
    title: "Tapedeck",
    text: body.text,
    triggerId: body.triggerId,
  });
  const { publicKey } = (await routes.getPushKey(deps(), input({}), caller)) as { publicKey: string };
  expect(call!.headers["authorization"]).toContain(`k=${publicKey}`);
  expect(call!.headers).toMatchObject({ "content-encoding": "aes128gcm", ttl: "86400" });
  answers.set("/push/1", 410);
  expect((await tell(caller))[0]).toMatchObject({ state: "failed", lastError: "the channel is gone" });
  expect(await routes.listChannels(deps(), input({}), caller)).toEqual({ items: [] });
});

test("channels are the tenant's own: listed without secrets, tested, deleted; what waits for one is given up", async () => {
  const [caller, other] = [someone(), someone()];
  const { id } = await add(caller, "hook", { kind: "webhook", webhookUrl: `${receiverUrl}/mine` });
  await expect(
    add(caller, "hook", { kind: "webhook", webhookUrl: `${receiverUrl}/again` }),
  ).rejects.toMatchObject({
    code: "resource.conflict",
  });
  const byId = input({ params: { id } });
  await expect(routes.testChannel(deps(), byId, other)).rejects.toMatchObject({ code: "resource.unknown" });
  await expect(routes.deleteChannel(deps(), byId, other)).rejects.toMatchObject({ code: "resource.unknown" });
  expect(await routes.listChannels(deps(), input({}), other)).toEqual({ items: [] });
  expect(await routes.testChannel(deps(), byId, caller)).toMatchObject({
    state: "pending",
    channelId: id,
    url: null,
  });
  await notifier().runOnce();
  expect(calls.map(({ body }) => JSON.parse(body.toString()))).toEqual([
    { event: "channel.test", text: "Test of the channel hook" },
  ]);
  await routes.testChannel(deps(), byId, caller);
  await routes.deleteChannel(deps(), byId, caller);
  await notifier().runOnce();
  expect(calls).toHaveLength(1);
});

test("a receiver that never answers holds up no other's messages, of any tenant", async () => {
  const [caller, other] = [someone(), someone()];
  let held = 0;
  const dead = createServer(() => (held += 1));
  await new Promise<void>((resolve) => dead.listen(0, "127.0.0.1", resolve));
  const deadUrl = `http://127.0.0.1:${(dead.address() as AddressInfo).port}/`;
  await add(caller, "dead", { kind: "webhook", webhookUrl: deadUrl });
  await add(other, "live", { kind: "webhook", webhookUrl: `${receiverUrl}/live` });
  const put = (tenantId: string, n: number, atMs: number) =>
    insertNotification(database.db, { tenantId, dedupeKey: `n ${n}`, channelIds: null, body }, atMs);
  const atMs = Date.now();
  for (let n = 0; n < 60; n++) await put(caller.tenantId, n, atMs - 1_000);
  for (let n = 0; n < 60; n++) await put(other.tenantId, n, atMs);
  const loop = notifier({ everyMs: 10, timeoutMs: 600_000 });
  loop.start();
  try {
    await vi.waitFor(() => expect(calls).toHaveLength(60), { timeout: 20_000 });
    await vi.waitFor(() => expect(held).toBe(4), { timeout: 20_000 });
    const rows = await database.db
      .selectFrom("notifications")
      .select("attempts")
      .where("tenantId", "=", caller.tenantId)
      .where("attempts", ">", 0)
      .execute();
    // At most a claim that is being put back besides.
    expect(rows.length).toBeLessThanOrEqual(4 + 20);
  } finally {
    dead.closeAllConnections();
    dead.close();
    await loop.stop();
  }
});

test("a receiver that fails again and again is not called for a while, then once; its channel says so", async () => {
  const caller = someone();
  await add(caller, "hook", { kind: "webhook", webhookUrl: `${receiverUrl}/failing` });
  answers.set("/failing", 503);
  let passedMs = 0;
  const now = () => Date.now() + passedMs;
  const loop = notifier({ now, maxAttempts: 50 });
  for (let n = 0; n < 8; n++)
    await insertNotification(
      database.db,
      { tenantId: caller.tenantId, dedupeKey: `n ${n}`, channelIds: null, body },
      now(),
    );
  for (let i = 0; i < 3; i++) {
    await loop.runOnce();
    passedMs += 1_000;
  }
  // Five failures in a row open the breaker; what was on its way then may still come.
  const before = calls.length;
  expect(before).toBeGreaterThanOrEqual(5);
  expect(before).toBeLessThanOrEqual(8);
  for (let i = 0; i < 3; i++) {
    await loop.runOnce();
    passedMs += 1_000;
  }
  expect(calls).toHaveLength(before);
  const channel = async () =>
    ((await routes.listChannels(deps(), input({}), caller)) as { items: object[] }).items[0];
  expect(await channel()).toMatchObject({
    waiting: 8,
    deliveredMs: null,
    lastError: "Calls are held back: the receiver answered 503.",
  });
  // It answers again: one call finds that out.
  answers.delete("/failing");
  passedMs += 30_000;
  await loop.runOnce();
  expect(calls).toHaveLength(before + 1);
  for (let i = 0; i < 4; i++) {
    passedMs += 3_600_000;
    await loop.runOnce();
  }
  expect(calls).toHaveLength(before + 8);
  expect(await channel()).toMatchObject({ waiting: 0, lastError: null });
});

test("a receiver that refuses what one tenant sends is called for the others", async () => {
  const [caller, other] = [someone(), someone()];
  await add(caller, "wrong", { kind: "slack", webhookUrl: `${receiverUrl}/wrong` });
  answers.set("/wrong", 404);
  const loop = notifier({ maxAttempts: 1 });
  for (let n = 0; n < 12; n++)
    await insertNotification(
      database.db,
      { tenantId: caller.tenantId, dedupeKey: `n ${n}`, channelIds: null, body },
      Date.now(),
    );
  for (let i = 0; i < 3; i++) await loop.runOnce();
  expect(calls).toHaveLength(12);
  await add(other, "right", { kind: "slack", webhookUrl: `${receiverUrl}/right` });
  await insertNotification(
    database.db,
    { tenantId: other.tenantId, dedupeKey: "n", channelIds: null, body },
    Date.now(),
  );
  await loop.runOnce();
  expect(calls.at(-1)!.path).toBe("/right");
});

test.each([
  [{ kind: "email", to: "nobody" }],
  [{ kind: "telegram", botToken: "x", chatId: "1" }],
  [{ kind: "push", endpoint: "https://push.example/", keys: { p256dh: "AA", auth: "AA" } }],
  [{ kind: "webhook", webhookUrl: "ftp://example.com/" }],
  [{ kind: "pigeon", to: "the roof" }],
])("%j is no channel", (settings) => {
  expect(ChannelBody.safeParse({ name: "x", settings }).success).toBe(false);
});

test.each(["default", "hashjoin", "indexscan"])(
  "no more are taken than there is room for, whatever the server believes of the table (%s)",
  async (settings) => {
    const tenantId = newId(Date.now());
    const put = (i: number) =>
      insertNotification(database.db, { tenantId, dedupeKey: `${i}`, url: `${receiverUrl}/x`, body }, i);
    await put(0);
    await sql`analyze notifications`.execute(database.db);
    for (let i = 1; i < 40; i++) await put(i);
    const taken = await database.db.transaction().execute(async (tx) => {
      if (settings !== "default")
        await sql`select set_config(${`enable_${settings}`}, 'off', true)`.execute(tx);
      return claimDue(tx, 100, 1_000, 2, []);
    });
    expect(taken.map(({ body: text }) => JSON.parse(text))).toEqual([body, body]);
    const { rows } =
      await sql`select dedupe_key from notifications where attempts > 0 order by next_ms`.execute(
        database.db,
      );
    expect(rows).toEqual([{ dedupeKey: "0" }, { dedupeKey: "1" }]);
  },
);
