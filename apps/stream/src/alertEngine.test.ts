import { testLog } from "@tapedeck/testkit";
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
/** What a read of alerts waits for. */
let answer: () => Promise<void>;

beforeEach(() => {
  rows = [];
  saved = [];
  has = false;
  atMs = Date.UTC(2026, 0, 5);
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

const print = (): Tick => ({
  venue: "hand",
  instrumentId,
  seq: 1,
  eventMs: atMs,
  receivedMs: atMs,
  price: 10,
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
