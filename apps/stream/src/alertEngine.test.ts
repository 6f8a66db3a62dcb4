import { testLog } from "@tapedeck/testkit";
import type { Print } from "@tapedeck/features/alerts/domain";
import type { AlertRow } from "@tapedeck/features/alerts/store";
import type { Tick } from "@tapedeck/features/ticks/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createAlertEngine } from "./alerts.ts";
import type { AlertChange, AlertEngine } from "./alerts.ts";
import { seriesHere } from "./fixture.ts";
import { createWatches } from "./watch.ts";

const instrumentId = "A.HAND";
let engine: AlertEngine;
let rows: AlertRow[];
let saved: AlertChange[];
let has: boolean;
let atMs: number;
let stored: () => Promise<readonly Print[]>;
/** What a read of alerts waits for. */
let answer: () => Promise<void>;

beforeEach(() => {
  rows = [];
  saved = [];
  has = false;
  atMs = Date.UTC(2026, 0, 5);
  stored = () => Promise.resolve([]);
  answer = () => Promise.resolve();
  engine = createAlertEngine({
    has: () => has,
    async loadChanged(after) {
      const page = rows.filter(({ change }) => change > after).slice(0, 1_000);
      await answer();
      return page;
    },
    save(changes) {
      saved.push(...changes);
      return Promise.resolve();
    },
    watches: createWatches({
      seriesOf: seriesHere(() => Promise.resolve([])),
      log: testLog(),
      retryMs: 1_000,
      patienceMs: 1_000,
    }),
    loadPrints: () => stored(),
    now: () => atMs,
    beginsAnew: false,
    log: testLog(),
    everyMs: 20,
  });
});
afterEach(() => engine.stop());

const rowOf = (change: number, rule: AlertRow["rule"]): AlertRow => ({
  id: String(change),
  tenantId: "tenant",
  name: "watched",
  instrumentId,
  rule,
  cooldownMs: 0,
  expiresMs: null,
  callbackUrl: null,
  channelIds: null,
  muted: false,
  createdBy: "test",
  createdMs: 0,
  deletedMs: null,
  armed: true,
  stateMs: 0,
  firedMs: null,
  change,
});

const print = (price = 10): Tick => ({
  venue: "hand",
  instrumentId,
  seq: 1,
  eventMs: atMs,
  receivedMs: atMs,
  price,
  size: 1,
  side: "buy",
});

/** Some looks at what is silent. */
const looks = () => new Promise((resolve) => setTimeout(resolve, 100));
const edges = () => saved.flatMap(({ trigger }) => (trigger === undefined ? [] : [trigger.edgeMs]));

test("silence counts from when this process took the instrument, not from prints before another one had it", async () => {
  rows = [rowOf(1, { kind: "stale", afterMs: 30_000 })];
  await engine.start();
  for (const heldMs of [0, 5_000]) {
    atMs += 3_600_000;
    has = true;
    engine.instrumentsChanged();
    await expect.poll(() => engine.stats().alerts).toBe(1);
    atMs += heldMs;
    engine.tick(print());
    has = false;
    engine.instrumentsChanged();
  }
  atMs += 3_600_000;
  has = true;
  engine.instrumentsChanged();
  const takenMs = atMs;
  await looks();
  atMs = takenMs + 29_999;
  await looks();
  expect(edges()).toEqual([]);
  atMs = takenMs + 30_000;
  await expect.poll(edges).toEqual([takenMs + 30_000]);
});

test("an instrument that is taken while alerts are read has all of its alerts", async () => {
  rows = Array.from({ length: 3_000 }, (_, i) =>
    rowOf(i + 1, { kind: "price", direction: "above", level: 100, hysteresis: 0 }),
  );
  await engine.start();
  let asked = 0;
  let go: (() => void) | undefined;
  answer = () => {
    asked += 1;
    return asked === 1 ? new Promise((resolve) => (go = resolve)) : Promise.resolve();
  };
  await expect.poll(() => asked).toBe(1);
  has = true;
  engine.instrumentsChanged();
  go?.();
  await expect.poll(() => engine.stats().alerts).toBe(3_000);
});

test("a move is counted from prints of before this process had the instrument, and from late ones, once each", async () => {
  has = true;
  const startMs = atMs;
  let reads = 0;
  stored = () => {
    reads += 1;
    return reads === 1
      ? Promise.reject(new Error("the database is away"))
      : Promise.resolve([{ atMs: startMs - 50_000, price: 100 }]);
  };
  rows = [rowOf(1, { kind: "move", fraction: 0.02, windowMs: 60_000, direction: "either" })];
  await engine.start();
  atMs = startMs + 1;
  engine.tick(print(102));
  // It is told of the newest print as soon as what is stored was read.
  await expect.poll(edges).toEqual([startMs + 1]);
  expect(saved.at(-1)!.trigger).toMatchObject({ value: expect.closeTo(0.02, 10) });
  atMs = startMs + 30_000;
  engine.tick(print(102));
  expect(edges()).toEqual([startMs + 1]);
  // Late prints of the minute before the newest one count, others do not.
  engine.tick({ ...print(50), eventMs: startMs - 40_000 });
  engine.tick({ ...print(101), eventMs: startMs + 20_000 });
  atMs = startMs + 40_000;
  engine.tick(print(103.1));
  await looks();
  expect(edges()).toEqual([startMs + 1, startMs + 40_000]);
  expect(saved.at(-1)!.trigger).toMatchObject({ value: expect.closeTo(103.1 / 101 - 1, 10) });
});

test("stored prints are read no more than twice for all alerts on moves of an instrument, as far as each goes back", async () => {
  has = true;
  const startMs = atMs;
  let reads = 0;
  stored = () => {
    reads += 1;
    return Promise.resolve([
      { atMs: startMs - 90_500, price: 100 },
      { atMs: startMs - 500, price: 101.5 },
    ]);
  };
  rows = Array.from({ length: 120 }, (_, i) =>
    rowOf(i + 1, { kind: "move", fraction: 0.02, windowMs: (i + 1) * 1_000, direction: "up" }),
  );
  await engine.start();
  engine.tick(print(102.5));
  await looks();
  expect(reads).toBeLessThanOrEqual(2);
  expect(saved.flatMap(({ trigger }) => (trigger === undefined ? [] : [Number(trigger.alertId)]))).toEqual(
    Array.from({ length: 30 }, (_, i) => 91 + i),
  );
});
