import type { AddressInfo } from "node:net";
import { testDatabase } from "@tapedeck/testkit";
import { startStack } from "@tapedeck/testkit/stack";
import type { Stack } from "@tapedeck/testkit/stack";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSocket } from "./fixture.ts";

/** Real processes: the stream and the workers find what alerts watch, a worker sends it to a real mail server. */
let database: Awaited<ReturnType<typeof testDatabase>>;
let stack: Stack;
const mails: string[] = [];
let refuse = true;
const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ["STARTTLS"],
  onData(stream, _session, done) {
    let text = "";
    stream.on("data", (part: Buffer) => (text += part.toString()));
    stream.on("end", () => {
      if (refuse) return done(new Error("try again later"));
      mails.push(text);
      done();
    });
  },
});

beforeAll(async () => {
  await new Promise<void>((resolve) => smtp.listen(0, "127.0.0.1", resolve));
  database = await testDatabase();
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
