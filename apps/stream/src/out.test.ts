import { decode, encode } from "@msgpack/msgpack";
import { newId } from "@tapedeck/core";
import { insertAccount } from "@tapedeck/features/orders/store";
import { parseTopic } from "@tapedeck/features/ticks/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { handSource, streamFixture } from "./fixture.ts";
import { computePair } from "./pairs.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
let source: ReturnType<typeof handSource>;
let stream: Awaited<ReturnType<typeof fixture.start>>;

beforeAll(async () => {
  fixture = await streamFixture();
  source = handSource();
  stream = await fixture.start(source);
});
afterAll(() => fixture.close());

// oxlint-disable-next-line typescript/no-explicit-any -- frames are looked into
type Frame = any;

interface EventReader {
  /** The first event, from now or from before, that passes. */
  next(
    test: (event: { id: string; event: string; data: Frame }) => boolean,
  ): Promise<{ id: string; data: Frame }>;
  status: number;
  close(): void;
}

/** Server-sent events of the topics, as a browser would read them. */
async function openEvents(topics: readonly string[], lastEventId?: string): Promise<EventReader> {
  const url = new URL(`http://127.0.0.1:${stream.port}/stream`);
  for (const topic of topics) url.searchParams.append("topic", topic);
  const ended = new AbortController();
  const answer = await fetch(url, {
    signal: ended.signal,
    headers: {
      authorization: `Bearer ${fixture.adminKey}`,
      ...(lastEventId === undefined ? {} : { "last-event-id": lastEventId }),
    },
  });
  const events: { id: string; event: string; data: Frame }[] = [];
  void (async () => {
    let text = "";
    for await (const chunk of answer.body!) {
      text += Buffer.from(chunk).toString();
      for (let at = text.indexOf("\n\n"); at !== -1; at = text.indexOf("\n\n")) {
        const lines = text.slice(0, at).split("\n");
        text = text.slice(at + 2);
        const member = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = member("data");
        if (data !== undefined)
          events.push({ id: member("id") ?? "", event: member("event") ?? "", data: JSON.parse(data) });
      }
    }
  })().catch(() => undefined);
  return {
    status: answer.status,
    close: () => ended.abort(),
    async next(test) {
      for (let tries = 0; tries < 1_000; tries++) {
        const found = events.find((event) => test(event));
        if (found !== undefined) return found;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      throw new Error(`no such event among ${JSON.stringify(events.slice(-10))}`);
    },
  };
}

test("frames are MessagePack, both ways, where the subprotocol says so", async () => {
  const socket = new WebSocket(stream.url, ["tapedeck.msgpack"], {
    headers: { authorization: `Bearer ${fixture.adminKey}` },
  });
  const frames: Frame[] = [];
  socket.on("message", (data, isBinary) => frames.push([isBinary, decode(data as Buffer)]));
  await new Promise((resolve) => socket.once("open", resolve));
  expect(socket.protocol).toBe("tapedeck.msgpack");
  socket.send(encode({ op: "subscribe", channel: "ticks", instrumentId: "A.HAND" }));
  await expect.poll(() => frames.map(([, frame]) => frame.type)).toEqual(["hello", "snapshot"]);
  source.send({ price: 10.25, size: 3 });
  await expect.poll(() => frames.length).toBe(3);
  expect(frames[2]).toMatchObject([true, { type: "delta", data: { price: 10.25, size: 3, venue: "hand" } }]);
  socket.send("{}");
  socket.send(new Uint8Array([0xc1]));
  await expect
    .poll(() => frames.slice(3).map(([, frame]) => frame.code))
    .toEqual(["request.malformed", "request.malformed"]);
  socket.close();
});

test("a ticker's address gives its last price, then each one, without a word from the client", async () => {
  source.send({ instrumentId: "B.HAND", price: 41 });
  const at = (path: string) => stream.url.replace(/\/ws$/, path);
  const client = await fixture.connect(at("/ws/stocks/b"));
  expect(await client.next(() => true)).toMatchObject({ ticker: "B", instrumentId: "B.HAND", price: 41 });
  source.send({ instrumentId: "B.HAND", price: 42, side: "sell" });
  expect(await client.next((frame) => frame.price === 42)).toMatchObject({ venue: "hand", side: "sell" });
  client.socket.close();
  await expect(fixture.connect(at("/ws/stocks/NONE"))).rejects.toMatchObject({
    status: 422,
    problem: { code: "symbol.unknown" },
  });
  await expect(fixture.connect(at("/ws/bonds/B"))).rejects.toMatchObject({ status: 404 });
});

test("events carry the same frames; Last-Event-ID resumes each topic where it was", async () => {
  const topics = ["ticks:A.HAND", "ticks:B.HAND", "alerts"];
  const first = await openEvents(topics);
  await first.next(({ data }) => data.type === "snapshot" && data.channel === "alerts");
  source.send({ price: 50 });
  const seen = await first.next(({ data }) => data.data?.price === 50);
  first.close();
  source.send({ price: 51 });
  source.send({ instrumentId: "B.HAND", price: 52 });
  const again = await openEvents(topics, seen.id);
  const missed = await again.next(({ data }) => data.data?.price === 51);
  expect(missed.data.seq).toBe(seen.data.seq + 1);
  await again.next(({ data }) => data.data?.price === 52);
  await again.next(({ event, data }) => event === "resumed" && data.channel === "ticks");
  again.close();
  const fresh = await openEvents(topics, "another-epoch/1/2/0");
  await fresh.next(({ event, data }) => event === "snapshot" && data.instrumentId === "A.HAND");
  fresh.close();
  expect((await openEvents(["ticks:nothing"])).status).toBe(422);
  expect((await openEvents([])).status).toBe(422);
});

test.each([
  ["bars:A.HAND:1m", { channel: "bars", instrumentId: "A.HAND", timeframe: "1m" }],
  [
    'formulas:A.HAND:1s:ema(close, 20, timeframe: "1m")',
    {
      channel: "formulas",
      instrumentId: "A.HAND",
      timeframe: "1s",
      formula: 'ema(close, 20, timeframe: "1m")',
    },
  ],
  [
    "pairs:A.HAND:B.HAND:1s",
    { channel: "pairs", y: "A.HAND", x: "B.HAND", timeframe: "1s", window: 120, zWindow: 60 },
  ],
  [
    "pairs:A.HAND:B.HAND:1s:90:30",
    { channel: "pairs", y: "A.HAND", x: "B.HAND", timeframe: "1s", window: 90, zWindow: 30 },
  ],
  ["portfolio", { channel: "portfolio" }],
])("the topic %s", (text, topic) => {
  expect(parseTopic(text)).toEqual(topic);
});

test("a pair's figures are those of an analysis of the same bars; bars without a partner are passed over", async () => {
  const pair = { channel: "pairs", y: "A.HAND", x: "B.HAND", timeframe: "1s", window: 60, zWindow: 20 };
  const client = await fixture.connect(stream.url);
  client.send({ op: "subscribe", ...pair });
  expect(await client.next((frame) => frame.type === "snapshot")).toMatchObject({ ...pair, data: [] });
  const startMs = Math.floor(Date.now() / 1_000) * 1_000 - 200_000;
  const y: number[] = [];
  const x: number[] = [];
  const bar = (i: number, b: number | undefined) => {
    const eventMs = startMs + i * 1_000;
    const a = 20 + Math.sin(i / 3) + i / 50;
    source.send({ eventMs, price: a });
    if (b === undefined) return;
    source.send({ instrumentId: "B.HAND", eventMs, price: b });
    y.push(Math.log(a));
    x.push(Math.log(b));
  };
  for (let i = 0; i < 70; i++) bar(i, i === 30 ? undefined : 10 + Math.cos(i / 5) + i / 70);
  const closeMs = startMs + 70_000;
  const last = await client.next((frame) => frame.type === "delta" && frame.data.closeMs === closeMs);
  const [hedgeRatio, intercept, spread, zScore, correlation, adf, adfP, halfLife] = computePair(
    Float64Array.from(y.slice(-60)),
    Float64Array.from(x.slice(-60)),
    20,
  );
  expect(last.data).toEqual({
    closeMs,
    hedgeRatio,
    intercept,
    spread,
    zScore,
    correlation,
    adf,
    adfP,
    halfLife: Number.isNaN(halfLife) ? null : halfLife,
  });
  // Prints of the tests before make bars of now.
  const told = client.frames
    .filter((frame) => frame.type === "delta" && frame.data.closeMs <= closeMs)
    .map((frame) => frame.data.closeMs);
  expect(told).not.toContain(startMs + 31_000);
  expect(told).toHaveLength(10);
  client.send({ op: "subscribe", ...pair, x: "A.HAND" });
  await client.next((frame) => frame.code === "request.malformed");
  client.socket.close();
});

test("a saved formula is subscribed to by its name, and a frame says the name", async () => {
  const nowMs = Date.now();
  await fixture.db
    .insertInto("savedFormulas")
    .values({
      tenantId: fixture.tenantId,
      name: "twice",
      params: JSON.stringify([{ name: "x", default: "close" }]),
      formula: "2 * x",
      meaning: "",
      savedBy: newId(nowMs),
      createdMs: nowMs,
      updatedMs: nowMs,
    })
    .execute();
  const topic = { channel: "formulas", instrumentId: "A.HAND", timeframe: "1s", formula: "twice(open)" };
  const client = await fixture.connect(stream.url);
  client.send({ op: "subscribe", ...topic });
  await client.next((frame) => frame.type === "snapshot" && frame.formula === "twice(open)");
  const eventMs = Math.floor(Date.now() / 1_000) * 1_000 - 5_000;
  source.send({ eventMs, price: 33 });
  expect(await client.next((frame) => frame.type === "delta")).toMatchObject({
    ...topic,
    data: { closeMs: eventMs + 1_000, value: 66 },
  });
  client.send({ op: "subscribe", ...topic, formula: "thrice(open)" });
  expect(await client.next((frame) => frame.code === "formula.invalid")).toMatchObject({
    topic: { formula: "thrice(open)" },
  });
  client.socket.close();
});

test("a tenant's accounts come with positions marked by the last print, again when it changes; of no other tenant", async () => {
  const client = await fixture.connect(stream.url);
  client.send({ op: "subscribe", channel: "portfolio" });
  const empty = await client.next((frame) => frame.type === "snapshot");
  expect(empty.data.accounts).toEqual([]);
  const account = (tenantId: string) => ({
    tenantId,
    name: "own",
    venue: "paper",
    simulated: true,
    currency: "USD",
    initialCash: "1000",
    feeBps: "0",
    slippageBps: "0",
  });
  const nowMs = Date.now();
  await insertAccount(fixture.db, account(newId(nowMs)) as never, nowMs);
  const { id } = (await insertAccount(fixture.db, account(fixture.tenantId) as never, nowMs))!;
  source.send({ price: 55 });
  await fixture.db
    .insertInto("positions")
    .values({ accountId: id, instrumentId: "A.HAND", quantity: "2", realised: "0", updatedMs: nowMs })
    .execute();
  const held = await client.next((frame) => frame.data?.accounts?.[0]?.positions[0]?.mark?.price === "55");
  expect(held).toMatchObject({ type: "delta", channel: "portfolio" });
  expect(held.data.accounts).toMatchObject([
    {
      accountId: id,
      equity: "1110",
      positions: [{ quantity: "2", mark: { source: "print of A.HAND", datasetHash: null } }],
    },
  ]);
  source.send({ price: 60 });
  const next = await client.next((frame) => frame.data?.accounts?.[0]?.equity === "1120");
  expect(next.seq).toBeGreaterThan(held.seq);
  client.socket.close();
});
