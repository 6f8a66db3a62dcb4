import type { AddressInfo } from "node:net";
import type { Database } from "@tapedeck/features/db";
import { testDatabase } from "@tapedeck/testkit";
import { startStack } from "@tapedeck/testkit/stack";
import type { Stack } from "@tapedeck/testkit/stack";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSocket } from "./fixture.ts";

/** Real processes: the stream and the workers find what alerts watch, a worker sends it to a real mail server. */
let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
let stack: Stack;
const mails: string[] = [];
let refuse = true;
/** Called with a mail that came, before the server says that it took it. */
let onMail = () => undefined as void;
const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ["STARTTLS"],
  onData(stream, _session, done) {
    let text = "";
    stream.on("data", (part: Buffer) => (text += part.toString()));
    stream.on("end", () => {
      if (refuse) return done(new Error("try again later"));
      mails.push(text);
      onMail();
      done();
    });
  },
});

beforeAll(async () => {
  await new Promise<void>((resolve) => smtp.listen(0, "127.0.0.1", resolve));
  database = await testDatabase<Database>();
  const { port } = smtp.server.address() as AddressInfo;
  stack = await startStack({
    databaseUrl: database.url,
    stream: true,
    env: { SMTP_URL: `smtp://127.0.0.1:${port}` },
  });
  const { client } = stack;
  await client.run("ingest", { source: { kind: "bundled", name: "stocks" } });
  await client.call("createChannel", {
    body: { name: "desk", settings: { kind: "email", to: "desk@example.com" } },
  });
}, 120_000);
afterAll(async () => {
  await stack?.close();
  await database?.close();
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
});

const subjects = () =>
  mails.map((text) => /^Subject: ((?:.*)(?:\r\n[ \t].*)*)/m.exec(text)![1]!.replaceAll(/\r\n\s/g, " "));

test("an alert on prices and one on news reach a mailbox, each once, though the mail server refused at first", async () => {
  const { client } = stack;
  const watch = (body: object) => client.call("createAlert", { body: body as never });
  await watch({
    instrumentId: "SYN-A.SIMULATED",
    cooldownMs: 604_800_000,
    rule: { kind: "move", fraction: 0.0001 },
  });
  await watch({
    instrumentId: "AAPL.XNAS",
    rule: { kind: "event", kinds: ["earnings"], importantOnly: false },
  });
  await client.call("postDocument", {
    body: { title: "Apple", text: "Apple reported quarterly earnings above estimates." },
  });
  const tries = async () => {
    const { items } = await client.call("listNotifications", { query: {} });
    return items.filter(({ lastError }) => /try again later/.test(lastError ?? "")).length;
  };
  await expect.poll(tries, { timeout: 60_000 }).toBe(2);
  refuse = false;
  await expect.poll(() => mails.length, { timeout: 60_000 }).toBe(2);
  expect(subjects().toSorted()).toEqual([
    "AAPL.XNAS, earnings: Apple reported quarterly earnings above estimates.",
    expect.stringMatching(/^SYN-A\.SIMULATED moved (up|down) [\d.]+ % within 60 s, to [\d.]+$/),
  ]);
}, 150_000);

test("an alert whose worker is killed when the mail is there, and not marked, comes again with the same trigger", async () => {
  const { client } = stack;
  const { items } = await client.call("listAlerts", { query: { instrumentId: "AAPL.XNAS" } });
  mails.length = 0;
  onMail = () => {
    onMail = () => undefined;
    stack.worker.kill("SIGKILL");
  };
  const trigger = await client.call("testAlert", { params: { id: items[0]!.id } });
  await stack.worker.ended;
  expect(mails).toHaveLength(1);
  await stack.startWorker();
  // The killed worker's claim would run out in half a minute.
  await database.db.updateTable("notifications").set({ nextMs: 0 }).where("state", "=", "pending").execute();
  await expect.poll(() => mails.length, { timeout: 60_000 }).toBe(2);
  for (const mail of mails) expect(mail).toContain(trigger.id);
  const pending = async () => {
    const { items: sent } = await client.call("listNotifications", { query: {} });
    return sent.filter(({ state }) => state === "pending");
  };
  await expect.poll(pending).toEqual([]);
}, 150_000);

test("a ticker's prices come through the API's address", async () => {
  const url = `${stack.apiUrl.replace("http", "ws")}/ws/stocks/syn-b`;
  const client = await openSocket(url, { authorization: `Bearer ${stack.key}` });
  expect(await client.next(({ price }) => price > 0)).toMatchObject({
    ticker: "SYN-B",
    instrumentId: "SYN-B.SIMULATED",
    venue: "simulated",
  });
  client.socket.close();
});
