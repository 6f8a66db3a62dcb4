import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { newId, timeframeMs } from "@tapedeck/core";
import { insertAlert } from "@tapedeck/features/alerts/store";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import type { LiveBar } from "@tapedeck/features/ticks/contract";
import { barsFromTicks } from "@tapedeck/quant";
import { calendarOf } from "@tapedeck/trading/calendar/index";
import { dataDir, leaveOutUnless } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createBarMaker } from "./bars.ts";
import { streamFixture } from "./fixture.ts";
import { createHub } from "./hub.ts";
import { createIntake } from "./intake.ts";
import { createPipeline } from "./pipeline.ts";
import { createQualityWatch } from "./quality.ts";
import { createRecordedSource, readRecording } from "./recorded.ts";
import type { Recording } from "./recorded.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "tapedeck-recorded-"));
});
afterAll(() => rm(dir, { recursive: true }));

const play = (recording: Recording, speed: number) =>
  createRecordedSource({ recording, speed, now: Date.now });

/** Final bars of a whole recording, by the pipeline that the stream has; the session's clock finishes them. */
async function playedBars(recording: Recording, speed: number): Promise<LiveBar[]> {
  const source = play(recording, speed);
  const { instrumentId, calendar } = source.instruments[0]!;
  const fromMs = () => source.now!() - 600_000;
  const bars = createBarMaker({ venue: source.venue, graceMs: 500, fromMs });
  const finals: LiveBar[] = [];
  const ignore = () => undefined;
  const pipeline = createPipeline({
    source,
    intake: createIntake({ venue: source.venue, fromMs }),
    bars,
    hub: createHub("test", 16),
    recorder: {
      tick: ignore,
      bar: ignore,
      stats: () => ({ stored: 0, pending: 0, spilled: 0, spillBytes: 0, lost: 0, setAside: 0, away: false }),
      flush: () => Promise.resolve(true),
      close: () => Promise.resolve(),
    },
    quality: createQualityWatch(ignore),
    onGap: ignore,
    onTick: ignore,
    onFinal: (ended) => finals.push(...ended),
    onMark: ignore,
    now: () => source.now!(),
    announceMs: 100,
    recentTicks: 100,
  });
  pipeline.start();
  pipeline.add(instrumentId);
  bars.open(instrumentId, calendarOf(calendar), []);
  source.follow(instrumentId, undefined);
  const endMs = recording.timeMs.at(-1)! + timeframeMs("1d") + 1_000;
  await expect.poll(() => source.now!(), { timeout: 60_000 }).toBeGreaterThan(endMs);
  pipeline.stop();
  return finals;
}

const file = path.join(dataDir, "equities", "SPY-trades-20131008.csv.gz");
leaveOutUnless(existsSync(file), "SPY-trades-20131008.csv.gz under DATA_DIR")("a day of SPY prints", () => {
  test("played through the stream, its bars are those of the batch resampler, bit for bit", async () => {
    const recording = await readRecording(file);
    expect(recording).toMatchObject({ symbol: "SPY" });
    expect(recording.timeMs).toHaveLength(451_545);
    const played = await playedBars(recording, 20_000);
    for (const timeframe of liveTimeframes) {
      const batch = barsFromTicks(recording, { kind: "time", everyMs: timeframeMs(timeframe) }, Infinity);
      const mine = played.filter((bar) => bar.timeframe === timeframe);
      expect(mine.every((bar) => bar.final && bar.revision === 1)).toBe(true);
      for (const name of ["openMs", "closeMs", "open", "high", "low", "close", "volume"] as const)
        expect(mine.map((bar) => bar[name])).toEqual([...batch[name]]);
    }
  }, 120_000);
});

const csv = "event_ms,price,size\n1000000,10,1\n1000400,10.5,2\n1000400,10.6,2\n1065000,11,1\n";

test("a session played twice is stored once, and an alert on it is told once", async () => {
  const fixture = await streamFixture();
  const nowMs = Date.now();
  await insertAlert(fixture.db, {
    id: newId(nowMs),
    tenantId: fixture.tenantId,
    name: "above",
    instrumentId: "ABC.RECORDED",
    rule: { kind: "price", direction: "above", level: 10.7, hysteresis: 0 },
    cooldownMs: 0,
    expiresMs: null,
    callbackUrl: null,
    channelIds: null,
    muted: false,
    createdBy: "test",
    createdMs: nowMs,
    deletedMs: null,
    armed: true,
    stateMs: nowMs,
    firedMs: null,
  });
  await writeFile(path.join(dir, "ABC-session.csv.gz"), gzipSync(csv));
  const recording = await readRecording(path.join(dir, "ABC-session.csv.gz"));
  const stored = () =>
    fixture.db
      .selectFrom("trades")
      .innerJoin("series", "series.seriesId", "trades.seriesId")
      .select(["trades.eventMs", "trades.price", "trades.revision"])
      .where("series.instrumentId", "=", "ABC.RECORDED")
      .orderBy("trades.eventMs")
      .orderBy("trades.ordinal")
      .execute();
  const bars = () =>
    fixture.db
      .selectFrom("bars")
      .innerJoin("series", "series.seriesId", "bars.seriesId")
      .select(["bars.openMs", "bars.revision", "bars.volume"])
      .where("series.timeframe", "=", "1m")
      .orderBy("bars.openMs")
      .execute();
  for (let plays = 0; plays < 2; plays++) {
    const stream = await fixture.start(play(recording, 200));
    await expect.poll(async () => (await bars()).length, { timeout: 10_000 }).toBe(2);
    await expect.poll(() => stream.stats()["taken"], { timeout: 10_000 }).toBe(4);
    await expect.poll(() => stream.stats()["pending"], { timeout: 10_000 }).toBe(0);
    await stream.close(1_000);
  }
  expect(await stored()).toEqual(
    [...recording.timeMs].map((eventMs, i) => ({ eventMs, price: recording.price[i], revision: 1 })),
  );
  expect(await bars()).toEqual([
    { openMs: 960_000, revision: 1, volume: 5 },
    { openMs: 1_020_000, revision: 1, volume: 1 },
  ]);
  const triggers = await fixture.db.selectFrom("alertTriggers").select(["edgeMs", "value"]).execute();
  expect(triggers).toEqual([{ edgeMs: 1_065_000, value: 11 }]);
  await fixture.close();
});

test.each([
  ["ABC-a.csv", "when,price,size\n1,2,3\n", /line 1: the header/],
  ["ABC-b.csv", "event_ms,price,size\n1,2,3\n1,x,3\n", /line 3: price and size/],
  ["ABC-c.csv", "event_ms,price,size\n2,2,3\n1,2,3\n", /line 3: the time is before/],
  ["ABC-d.csv", "event_ms,price,size\n", /there are no prints/],
  ["_.csv", csv, /begins with its symbol/],
])("%s is refused with its line", async (name, text, message) => {
  await writeFile(path.join(dir, name), text);
  await expect(readRecording(path.join(dir, name))).rejects.toThrow(message);
});

test("a file that is not there is named", async () => {
  await expect(readRecording(path.join(dir, "ABC-none.csv"))).rejects.toThrow(/cannot be read \(ENOENT\)/);
});
