import { newId } from "@tapedeck/core";
import { newSecret, secretHash } from "@tapedeck/features/auth/secrets";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import { loadSymbols } from "@tapedeck/features/ticks/store";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handSource, openSocket, streamFixture } from "./fixture.ts";
import { createSimulatedSource } from "./simulated.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
let source: ReturnType<typeof handSource>;
let stream: Awaited<ReturnType<typeof fixture.start>>;

beforeAll(async () => {
  fixture = await streamFixture();
  source = handSource();
  stream = await fixture.start(source, { serverLimits: { clientsOfOne: 8, recheckMs: 100 } });
});
afterAll(() => fixture.close());

const ticksOfA = { channel: "ticks", instrumentId: "A.HAND" };

test("ticks come as a snapshot and numbered deltas, each naming its venue", async () => {
  source.send({ price: 10 });
  const client = await fixture.connect(stream.url);
  const hello = await client.next((frame) => frame.type === "hello");
  expect(hello).toMatchObject({ venue: "hand", simulated: true, instruments: ["A.HAND", "B.HAND"] });
  client.send({ op: "subscribe", ...ticksOfA });
  const snapshot = await client.next((frame) => frame.type === "snapshot");
  expect(snapshot).toMatchObject({ ...ticksOfA, epoch: hello.epoch, seq: 1 });
  expect(snapshot.data).toHaveLength(1);
  source.send({ price: 11, side: "sell", size: 3 });
  source.send({ price: 12 });
  source.send({ instrumentId: "B.HAND", price: 5 });
  const second = await client.next((frame) => frame.type === "delta" && frame.seq === 2);
  expect(second.data).toMatchObject({
    venue: "hand",
    instrumentId: "A.HAND",
    seq: 2,
    price: 11,
    side: "sell",
    size: 3,
  });
  expect(second.data.receivedMs).toBeGreaterThanOrEqual(second.data.eventMs);
  await client.next((frame) => frame.type === "delta" && frame.seq === 3);
  expect(client.frames.filter((frame) => frame.instrumentId === "B.HAND")).toEqual([]);
  client.send({ op: "unsubscribe", ...ticksOfA });
  await client.next((frame) => frame.type === "unsubscribed");
  source.send({});
  client.send({ op: "ping" });
  await client.next((frame) => frame.type === "pong");
  expect(client.frames.filter((frame) => frame.type === "delta")).toHaveLength(2);
  client.socket.close();
});

test("a client that comes back gets exactly what it missed; with another epoch, a snapshot", async () => {
  const first = await fixture.connect(stream.url);
  first.send({ op: "subscribe", ...ticksOfA });
  const { epoch, seq } = await first.next((frame) => frame.type === "snapshot");
  first.socket.terminate();
  for (let i = 0; i < 5; i++) source.send({ price: 20 + i });
  const again = await fixture.connect(stream.url);
  again.send({ op: "subscribe", ...ticksOfA, resume: { epoch, seq } });
  await again.next((frame) => frame.type === "resumed");
  await again.next((frame) => frame.seq === seq + 5);
  source.send({ price: 25 });
  await again.next((frame) => frame.seq === seq + 6);
  const deltas = again.frames.filter((frame) => frame.type === "delta");
  expect(deltas.map((frame) => [frame.seq, frame.data.price])).toEqual(
    [20, 21, 22, 23, 24, 25].map((price, index) => [seq + 1 + index, price]),
  );
  // More than is kept: a snapshot instead.
  for (let i = 0; i < 1_100; i++) source.send({ price: 30 });
  const late = await fixture.connect(stream.url);
  late.send({ op: "subscribe", ...ticksOfA, resume: { epoch, seq } });
  expect(await late.next((frame) => frame.type === "snapshot")).toMatchObject({ seq: seq + 1_106 });
  const restarted = await fixture.connect(stream.url);
  restarted.send({ op: "subscribe", ...ticksOfA, resume: { epoch: "of another run", seq } });
  await restarted.next((frame) => frame.type === "snapshot");
  for (const one of [again, late, restarted]) one.socket.close();
});

test("a bar becomes final once; a late tick corrects it and it is announced and stored again", async () => {
  const client = await fixture.connect(stream.url);
  const bars = { channel: "bars", instrumentId: "B.HAND", timeframe: "1s" };
  client.send({ op: "subscribe", ...bars });
  await client.next((frame) => frame.type === "snapshot");
  const openMs = Math.floor(Date.now() / 1_000) * 1_000 - 20_000;
  source.send({ instrumentId: "B.HAND", eventMs: openMs + 500, price: 5, size: 2 });
  source.send({ instrumentId: "B.HAND", eventMs: openMs + 999, price: 7, size: 1 });
  // The end is not in the bar: the next second has its own.
  source.send({ instrumentId: "B.HAND", eventMs: openMs + 1_000, price: 100, size: 1 });
  const isBar = (frame: { data?: { openMs?: number; revision?: number } }, revision: number) =>
    frame.data?.openMs === openMs && frame.data.revision === revision;
  const final = await client.next((frame) => isBar(frame, 1));
  expect(final.data).toMatchObject({
    open: 5,
    high: 7,
    low: 5,
    close: 7,
    volume: 3,
    trades: 2,
    final: true,
    closeMs: openMs + 1_000,
    venue: "hand",
  });
  const stored = () =>
    fixture.db
      .selectFrom("bars")
      .innerJoin("series", "series.seriesId", "bars.seriesId")
      .select(["bars.revision", "bars.open", "bars.volume", "bars.visibleMs", "bars.jobId"])
      .where("series.instrumentId", "=", "B.HAND")
      .where("series.timeframe", "=", "1s")
      .where("bars.openMs", "=", openMs)
      .orderBy("bars.revision")
      .execute();
  await expect.poll(stored).toMatchObject([{ revision: 1, open: 5, volume: 3, visibleMs: openMs + 1_000 }]);
  source.send({ instrumentId: "B.HAND", eventMs: openMs, price: 4, size: 1 });
  const corrected = await client.next((frame) => isBar(frame, 2));
  expect(corrected.data).toMatchObject({
    open: 4,
    low: 4,
    close: 7,
    high: 7,
    volume: 4,
    trades: 3,
    final: true,
  });
  await expect.poll(stored).toMatchObject([{ revision: 1 }, { revision: 2, open: 4, volume: 4 }]);
  const [row] = await stored();
  const run = await fixture.db
    .selectFrom("streamRuns")
    .selectAll()
    .where("id", "=", row!.jobId)
    .executeTakeFirstOrThrow();
  expect(run).toMatchObject({ venue: "hand", simulated: true, codeVersion: "test", stoppedMs: null });
  expect(client.frames.filter((frame) => isBar(frame, 1))).toHaveLength(1);
  client.socket.close();
});

test("ticks that are no prints, too old or from the future are refused and counted", async () => {
  const before = stream.stats() as Record<"malformed" | "tooLate" | "tooEarly" | "taken", number>;
  source.send({ price: Number.NaN });
  source.send({ price: -1 });
  source.send({ instrumentId: "C.HAND" });
  source.send({ eventMs: Date.now() - 3_600_000 });
  source.send({ eventMs: Date.now() + 3_600_000 });
  expect(stream.stats()).toMatchObject({
    malformed: before.malformed + 3,
    tooLate: before.tooLate + 1,
    tooEarly: before.tooEarly + 1,
    taken: before.taken,
  });
  await expect
    .poll(() => fixture.db.selectFrom("streamFindings").select(["instrumentId", "kind"]).execute())
    .toContainEqual({ instrumentId: "A.HAND", kind: "outlier" });
});

test("a job's events reach its own tenant's subscriber, resumable by number", async () => {
  const id = newId(Date.now());
  const nowMs = Date.now();
  await fixture.db
    .insertInto("jobs")
    .values({
      id,
      tenantId: fixture.tenantId,
      type: "analyze",
      queue: "analyze",
      version: 1,
      state: "running",
      priority: 0,
      rank: 0,
      held: false,
      payload: "{}",
      progress: '{"barsDone":1}',
      submittedBy: "test",
      seed: 1,
      maxAttempts: 1,
      failures: 0,
      attempt: 1,
      pickups: 1,
      unended: 0,
      eventSeq: 1,
      createdMs: nowMs,
    } as never)
    .execute();
  const event = (seq: number) =>
    fixture.db
      .insertInto("jobEvents")
      .values({ jobId: id, seq, event: "progress", atMs: nowMs, data: JSON.stringify({ seq }) })
      .execute();
  await event(1);
  const client = await fixture.connect(stream.url);
  const topic = { channel: "jobs", jobId: id };
  client.send({ op: "subscribe", ...topic });
  expect(await client.next((frame) => frame.type === "snapshot")).toMatchObject({
    seq: 1,
    data: { state: "running", progress: { barsDone: 1 } },
  });
  await event(2);
  expect(await client.next((frame) => frame.type === "delta")).toMatchObject({
    ...topic,
    seq: 2,
    data: { event: "progress", data: { seq: 2 } },
  });
  const again = await fixture.connect(stream.url);
  again.send({ op: "subscribe", ...topic, resume: { epoch: "whichever", seq: 0 } });
  await again.next((frame) => frame.seq === 2);
  expect(again.frames.filter((frame) => frame.type === "delta").map((frame) => frame.seq)).toEqual([1, 2]);
  // A job of another tenant is as unknown as one that is not.
  await fixture.db
    .updateTable("jobs")
    .set({ tenantId: newId(nowMs) })
    .where("id", "=", id)
    .execute();
  const other = await fixture.connect(stream.url);
  other.send({ op: "subscribe", ...topic });
  expect(await other.next((frame) => frame.type === "error")).toMatchObject({ code: "job.unknown" });
  for (const one of [client, again, other]) one.socket.close();
});

test("an unknown instrument, a second subscription and one too many are refused by name", async () => {
  const client = await fixture.connect(stream.url);
  client.send({ op: "subscribe", channel: "ticks", instrumentId: "NONE.HAND" });
  await client.next((frame) => frame.code === "symbol.unknown");
  client.send({ op: "subscribe", ...ticksOfA });
  client.send({ op: "subscribe", ...ticksOfA });
  await client.next((frame) => frame.code === "resource.conflict");
  for (const instrumentId of ["A.HAND", "B.HAND"])
    for (const timeframe of liveTimeframes)
      client.send({ op: "subscribe", channel: "bars", instrumentId, timeframe });
  await expect
    .poll(() => client.frames.filter((frame) => frame.type === "snapshot"))
    .toHaveLength(1 + 2 * liveTimeframes.length);
  client.socket.close();
});

test("malformed frames are answered; the twentieth closes the connection", async () => {
  const client = await fixture.connect(stream.url);
  const bad = ["{", '"text"', "[]", "null", '{"op":"subscribe"}', '{"op":"drop tables"}'];
  for (let i = 0; i < 19; i++) client.send(bad[i % bad.length]!);
  await expect.poll(() => client.frames.filter((frame) => frame.type === "error")).toHaveLength(19);
  expect(client.frames.at(-1)).toMatchObject({ code: "request.malformed" });
  client.socket.send(Buffer.from([1, 2, 3]));
  expect(await client.closed).toMatchObject({ code: 1008, reason: "too many malformed frames" });
});

test("a frame of more than 4 KiB ends the connection with 1009, a flood of frames with 1008", async () => {
  const large = await fixture.connect(stream.url);
  large.send({ op: "ping", padding: "x".repeat(5_000) });
  expect(await large.closed).toMatchObject({ code: 1009 });
  const flood = await fixture.connect(stream.url);
  for (let i = 0; i < 400; i++) flood.send({ op: "ping" });
  expect(await flood.closed).toMatchObject({ code: 1008, reason: "too many frames" });
});

test("without valid credentials there is no connection; a cookie only from a page of this server", async () => {
  const status = (headers: Record<string, string>) =>
    openSocket(stream.url, headers).then(
      (opened) => {
        opened.socket.close();
        return 101;
      },
      (error: { status: number }) => error.status,
    );
  expect(await status({})).toBe(401);
  expect(await status({ authorization: `Bearer ${newSecret("key")}` })).toBe(401);
  expect(await status({ authorization: "Basic eDp5" })).toBe(401);
  await expect(openSocket(stream.url, {})).rejects.toMatchObject({ problem: { code: "auth.required" } });

  const secret = newSecret("cookie");
  const [key] = await fixture.db.selectFrom("apiKeys").select(["id", "tenantId"]).execute();
  const session = {
    id: newId(Date.now()),
    tenantId: key!.tenantId,
    keyId: key!.id,
    userId: null,
    kind: "cookie",
    secretHash: secretHash(secret),
    userAgent: null,
    address: null,
    createdMs: Date.now(),
    expiresMs: Date.now() + 60_000,
  };
  await fixture.db
    .insertInto("sessions")
    .values(session as never)
    .execute();
  const cookie = `other=1; tapedeck_session=${secret}`;
  expect(await status({ cookie })).toBe(403);
  expect(await status({ cookie, origin: "https://elsewhere.example" })).toBe(403);
  expect(await status({ cookie, origin: `http://127.0.0.1:${stream.port}` })).toBe(101);

  // A session that is revoked loses its connections.
  const client = await openSocket(stream.url, { cookie, origin: `http://127.0.0.1:${stream.port}` });
  await fixture.db
    .updateTable("sessions")
    .set({ revokedMs: Date.now() })
    .where("id", "=", session.id)
    .execute();
  expect(await client.closed).toMatchObject({ code: 4401 });
}, 30_000);

test("what the stream says of itself is there for Prometheus", async () => {
  const { socket } = await fixture.connect(stream.url);
  const read = async () => (await fetch(`http://127.0.0.1:${stream.port}/metrics`)).text();
  await expect.poll(read).toMatch(/^tapedeck_stream_clients [1-9]\d*$/m);
  const text = await read();
  expect(text).toMatch(/^tapedeck_stream_lost 0$/m);
  expect(text).toMatch(/^tapedeck_stream_simulated [01]$/m);
  expect(text).toMatch(/^tapedeck_process_cpu_seconds_total /m);
  socket.close();
});

test("one caller has at most so many connections", async () => {
  const opened = await Promise.all(Array.from({ length: 8 }, () => fixture.connect(stream.url)));
  await expect(fixture.connect(stream.url)).rejects.toMatchObject({
    status: 429,
    problem: { code: "rate.limited" },
  });
  for (const { socket } of opened) socket.close();
  await expect
    .poll(() =>
      fixture.connect(stream.url).then(
        ({ socket }) => (socket.close(), true),
        () => false,
      ),
    )
    .toBe(true);
});

test("a symbol that the simulated venue does not have yet is made by asking for it, and is there after a restart", async () => {
  const own = await streamFixture();
  const options = { seed: 1, ticksPerSecond: 200, now: Date.now, log: own.log };
  const simulated = await own.start(createSimulatedSource({ ...options, symbols: ["SYN-A"] }));
  const client = await own.connect(simulated.url);
  const topic = { channel: "ticks", instrumentId: "AAPL.SIMULATED" };
  client.send({ op: "subscribe", ...topic });
  await client.next((frame) => frame.type === "snapshot");
  expect(await client.next((frame) => frame.type === "delta")).toMatchObject({
    ...topic,
    data: { venue: "simulated" },
  });
  for (const instrumentId of ["aapl.SIMULATED", "AAPL.XNAS", "A B.SIMULATED"])
    client.send({ op: "subscribe", channel: "ticks", instrumentId });
  await expect
    .poll(() => client.frames.filter((frame) => frame.type === "error").map((frame) => frame.code))
    .toEqual(["request.malformed", "request.malformed", "symbol.unknown"]);
  expect(await loadSymbols(own.db, "SIMULATED", 10)).toEqual(["AAPL", "SYN-A"]);
  client.socket.close();
  await own.close();
});
