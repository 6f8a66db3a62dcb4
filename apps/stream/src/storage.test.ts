import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { tcpProxy } from "@tapedeck/testkit";
import { trimSeries } from "@tapedeck/features/ticks/store";
import { afterEach, beforeEach, expect, test } from "vitest";
import { handSource, streamFixture } from "./fixture.ts";

let fixture: Awaited<ReturnType<typeof streamFixture>>;
beforeEach(async () => {
  fixture = await streamFixture();
});
afterEach(() => fixture.close());

const storedTicks = async (instrumentId = "A.HAND") =>
  fixture.db
    .selectFrom("trades")
    .innerJoin("series", "series.seriesId", "trades.seriesId")
    .select(["trades.eventMs", "trades.ordinal", "trades.revision", "trades.price", "trades.venue"])
    .where("series.instrumentId", "=", instrumentId)
    .orderBy("trades.eventMs")
    .orderBy("trades.ordinal")
    .execute();

const spillFile = () => path.join(fixture.dir, "stream-hand.spill");

/** Past ticks, so that their bars are final at once; all three bars hold all of them. */
const fiveMinutes = () => Math.floor(Date.now() / 300_000) * 300_000 - 300_000;

test("ticks are stored in batches, once each, in their order within a millisecond", async () => {
  const source = handSource();
  const stream = await fixture.start(source);
  const eventMs = fiveMinutes();
  for (let i = 0; i < 12_000; i++) source.send({ eventMs: eventMs + Math.floor(i / 1_000), price: 1 + i });
  await expect.poll(async () => (await storedTicks()).length).toBe(12_000);
  const rows = await storedTicks();
  expect(rows.every((row) => row.revision === 1 && row.venue === "hand")).toBe(true);
  expect(rows.map((row) => row.price)).toEqual(Array.from({ length: 12_000 }, (_, i) => 1 + i));
  expect(rows[1_500]).toMatchObject({ eventMs: eventMs + 1, ordinal: 500 });
  await expect.poll(() => stream.stats()).toMatchObject({ pending: 0, lost: 0, away: false });
});

test("with the database away, memory stays bounded, the oldest spill to a file, and all is stored afterwards", async () => {
  const proxy = await tcpProxy(Number(new URL(fixture.databaseUrl).port));
  const url = new URL(fixture.databaseUrl);
  url.port = String(proxy.port);
  const source = handSource();
  const stream = await fixture.start(source, {
    databaseUrl: url.href,
    recorder: { everyMs: 50, chunkRows: 100, maxRows: 500 },
  });
  const eventMs = fiveMinutes();
  source.send({ eventMs, price: 1 });
  await expect.poll(async () => (await storedTicks()).length).toBe(1);
  proxy.blackHole();
  const stats = () =>
    stream.stats() as { pending: number; spilled: number; away: boolean; lost: number; spillBytes: number };
  let sent = 1;
  let most = 0;
  // No attempt to store has failed when the first rows are spilled: none has had its time.
  while (stats().spilled <= 1_000) {
    source.send({ eventMs: eventMs + sent, price: ++sent });
    most = Math.max(most, stats().pending);
  }
  expect(most).toBeGreaterThan(400);
  expect(most).toBeLessThanOrEqual(500);
  expect(stats().away).toBe(false);
  expect((await stat(spillFile())).mode & 0o777).toBe(0o600);
  await expect.poll(() => stats().away, { timeout: 30_000 }).toBe(true);
  for (let i = 0; i < 200; i++) source.send({ eventMs: eventMs + sent, price: ++sent });
  expect(stats().pending).toBeLessThanOrEqual(500);
  proxy.heal();
  await expect.poll(async () => (await storedTicks()).length, { timeout: 40_000 }).toBe(sent);
  expect((await storedTicks()).map((row) => row.price)).toEqual(
    Array.from({ length: sent }, (_, i) => 1 + i),
  );
  expect((await storedTicks()).every((row) => row.revision === 1)).toBe(true);
  await expect.poll(stats).toMatchObject({ pending: 0, spillBytes: 0, lost: 0, away: false });
  await expect(stat(spillFile())).rejects.toMatchObject({ code: "ENOENT" });
  await stream.close(1_000);
  await proxy.close();
}, 120_000);

test("a full spill file loses ticks by count, and says so", async () => {
  const proxy = await tcpProxy(Number(new URL(fixture.databaseUrl).port));
  const url = new URL(fixture.databaseUrl);
  url.port = String(proxy.port);
  const source = handSource();
  const stream = await fixture.start(source, {
    databaseUrl: url.href,
    recorder: { everyMs: 50, chunkRows: 10, maxRows: 20 },
    maxSpillBytes: 3_000,
  });
  proxy.blackHole();
  const eventMs = fiveMinutes();
  for (let i = 0; i < 500; i++) source.send({ eventMs: eventMs + i });
  await expect
    .poll(() => (stream.stats() as { lost: number }).lost, { timeout: 30_000 })
    .toBeGreaterThan(100);
  expect((await stat(spillFile())).size).toBeLessThanOrEqual(3_000);
  expect(fixture.log.lines.some((line) => line.message.startsWith("ticks were lost"))).toBe(true);
  await stream.close(500);
  await proxy.close();
}, 60_000);

test("stopped while the database is away, it spills the rest; the next start stores it", async () => {
  const proxy = await tcpProxy(Number(new URL(fixture.databaseUrl).port));
  const url = new URL(fixture.databaseUrl);
  url.port = String(proxy.port);
  const source = handSource();
  const first = await fixture.start(source, { databaseUrl: url.href });
  proxy.blackHole();
  const eventMs = fiveMinutes();
  for (let i = 0; i < 50; i++) source.send({ eventMs: eventMs + i });
  await first.close(300);
  expect(await readFile(spillFile(), "utf8")).toContain("A.HAND");
  // The crash of a third process cut the last line off.
  await writeFile(spillFile(), '{"runId":"', { flag: "a" });
  // Its run could not be closed: the next one takes the venue when it has been silent.
  const second = await fixture.start(handSource());
  expect(await storedTicks()).toHaveLength(50);
  await expect(stat(spillFile())).rejects.toMatchObject({ code: "ENOENT" });
  expect(second.stats()).toMatchObject({ lost: 0, setAside: 1 });
  await proxy.close();
}, 60_000);

test("lines of another version and rows that the database refuses are set aside, and keep nothing up", async () => {
  const openMs = fiveMinutes();
  const first = await fixture.start(handSource());
  const runs = await fixture.db.selectFrom("streamRuns").select("id").execute();
  await first.close(1_000);
  const chunk = (eventMs: number, price: number, more: object = {}) => ({
    runId: runs[0]!.id,
    rows: 1,
    instruments: {
      "A.HAND": {
        ticks: { eventMs: [eventMs], ordinal: [0], price: [price], size: [1], venue: ["hand"], ...more },
        bars: {},
        kept: { place: null, bars: [] },
      },
    },
  });
  const { kept: _kept, ...older } = chunk(openMs + 1, 2).instruments["A.HAND"];
  const lines = [
    chunk(openMs, 1),
    { ...chunk(openMs + 1, 2), instruments: { "A.HAND": older } },
    chunk(openMs + 2, 3, { flags: [1] }),
    // No millisecond of an int8.
    chunk(1e300, 4),
    chunk(openMs + 3, 5),
  ].map((line) => JSON.stringify(line));
  await writeFile(spillFile(), `${lines.join("\n")}\n`);
  const second = await fixture.start(handSource());
  expect((await storedTicks()).map(({ price }) => price)).toEqual([1, 5]);
  expect(second.stats()).toMatchObject({ setAside: 3, lost: 0, spillBytes: 0 });
  const aside = (await readFile(`${spillFile()}.aside`, "utf8")).trim().split("\n");
  expect(aside).toEqual([lines[1], lines[2], lines[3]]);
  expect((await stat(`${spillFile()}.aside`)).mode & 0o777).toBe(0o600);
  const told = fixture.log.lines.filter(({ message }) => message.startsWith("rows that cannot be stored"));
  expect(told.map(({ fields }) => fields["file"])).toEqual(Array(3).fill(`${spillFile()}.aside`));
});

test("a restart goes on with the bars that were being made, and none is stored twice", async () => {
  const one = handSource();
  const first = await fixture.start(one);
  const openMs = fiveMinutes();
  one.send({ eventMs: openMs + 1_000, price: 10, size: 0.1 });
  one.send({ eventMs: openMs + 2_000, price: 12, size: 0.2 });
  await expect.poll(async () => (await storedTicks()).length).toBe(2);
  await first.close(2_000);
  const two = handSource();
  const second = await fixture.start(two);
  const client = await fixture.connect(second.url);
  client.send({ op: "subscribe", channel: "bars", instrumentId: "A.HAND", timeframe: "5m" });
  const snapshot = await client.next((frame) => frame.type === "snapshot");
  expect(snapshot.data).toMatchObject([{ openMs, open: 10, high: 12, close: 12, trades: 2, final: true }]);
  two.send({ eventMs: openMs + 1_000, price: 9, size: 0.3 });
  const corrected = await client.next((frame) => frame.data?.revision === 2);
  // The later of one millisecond does not open the bar.
  expect(corrected.data).toMatchObject({ open: 10, low: 9, close: 12, trades: 3 });
  expect(corrected.data.volume).toBeCloseTo(0.6, 12);
  const bars = () =>
    fixture.db
      .selectFrom("bars")
      .innerJoin("series", "series.seriesId", "bars.seriesId")
      .select(["bars.revision", "bars.low"])
      .where("series.timeframe", "=", "5m")
      .orderBy("bars.revision")
      .execute();
  await expect.poll(bars).toEqual([
    { revision: 1, low: 10 },
    { revision: 2, low: 9 },
  ]);
  expect((await storedTicks()).map((row) => [row.eventMs - openMs, row.ordinal, row.revision])).toEqual([
    [1_000, 0, 1],
    [1_000, 1, 1],
    [2_000, 0, 1],
  ]);
  const runs = await fixture.db.selectFrom("streamRuns").selectAll().orderBy("startedMs").execute();
  expect(runs[0]!.stoppedMs).not.toBeNull();
  expect(runs[1]!.stoppedMs).toBeNull();
  client.socket.close();
});

test("old rows of a venue are erased, newer and others' ones stay", async () => {
  const source = handSource();
  await fixture.start(source);
  const eventMs = fiveMinutes();
  for (let i = 0; i < 10; i++) source.send({ eventMs: eventMs + i * 1_000 });
  await expect.poll(async () => (await storedTicks()).length).toBe(10);
  const series = () =>
    fixture.db
      .selectFrom("series")
      .select(["rows", "fromMs"])
      .where("instrumentId", "=", "A.HAND")
      .where("timeframe", "in", ["tick", "1s"])
      .orderBy("timeframe")
      .execute();
  await expect.poll(series).toMatchObject([{ rows: 10 }, { rows: 10 }]);
  expect(await trimSeries(fixture.db, "OTHER", eventMs + 4_000)).toBe(0);
  await trimSeries(fixture.db, "HAND", eventMs + 4_000);
  expect((await storedTicks()).map((row) => (row.eventMs - eventMs) / 1_000)).toEqual([4, 5, 6, 7, 8, 9]);
  const left = { rows: 6, fromMs: eventMs + 4_000 };
  expect(await series()).toEqual([left, left]);
});
