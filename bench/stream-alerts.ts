/**
 * 5,000 alerts at 10,000 ticks a second, one in a hundred of them late enough to correct bars: how much later a tick is done
 * with than without any alert. What fires is stored as the stream stores it.
 */
import { newId } from "@tapedeck/core";
import type { Log } from "@tapedeck/core";
import { AlertRule, alertTemplates } from "@tapedeck/features/alerts/contract";
import { insertAlert, loadChangedAlerts } from "@tapedeck/features/alerts/store";
import type { AlertRow } from "@tapedeck/features/alerts/store";
import { ensureFirstAdmin } from "@tapedeck/features/auth/bootstrap";
import { newSecret } from "@tapedeck/features/auth/secrets";
import type { Database } from "@tapedeck/features/db";
import { claimInstruments } from "@tapedeck/features/ticks/place-store";
import type { Bar } from "@tapedeck/formula";
import type { Tick } from "@tapedeck/features/ticks/contract";
import { createAlertEngine } from "../apps/stream/src/alerts.ts";
import { createAlertStore } from "../apps/stream/src/alertStore.ts";
import { createBarMaker } from "../apps/stream/src/bars.ts";
import { barsKey, createWatches } from "../apps/stream/src/watch.ts";
import { createDb } from "../packages/platform/src/postgres/index.ts";
import { calendarOf } from "../packages/trading/src/calendar/index.ts";
import { report } from "./figure.ts";
import { percentile } from "./load.ts";
import { benchDatabase } from "./server.ts";

const REPEATS = 3;
const ALERTS = 5_000;
const INSTRUMENTS = 100;
const TICKS_PER_SECOND = 10_000;
const SECONDS = 12;
/** One tick in so many is late, by up to so much. */
const LATE_EVERY = 100;
const LATE_MS = 20_000;
/** That formulas begin with. */
const HISTORY_BARS = 300;

const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent } as unknown as Log;
const database = await benchDatabase();
const db = createDb<Database>(database.url, { max: 4 });
const { tenantId } = await ensureFirstAdmin({ db, key: newSecret("key"), now: Date.now });
const ids = Array.from({ length: INSTRUMENTS }, (_, i) => `S${i}.BENCH`);
const formulas = alertTemplates.flatMap(({ rule }) =>
  rule.kind === "formula" && !rule.formula.includes("{other}") ? [rule.formula] : [],
);

/** Levels, moves and formulas in equal parts, each of its own threshold, over all instruments. */
function ruleOf(i: number): AlertRule {
  const part = i % 3;
  if (part === 0)
    return AlertRule.parse({
      kind: "price",
      direction: i % 2 === 0 ? "above" : "below",
      level: 95 + (i % 1_000) / 100,
    });
  if (part === 1)
    return AlertRule.parse({ kind: "move", fraction: 0.001 + (i % 500) / 10_000, windowMs: 60_000 });
  const lookback = 10 + (i % 50);
  return AlertRule.parse({
    kind: "formula",
    timeframe: "1s",
    formula:
      i % 2 === 0
        ? formulas[i % formulas.length]!
        : `close > ${1 + (i % 20) / 1_000} * sma(close, ${lookback})`,
  });
}

function rowOf(i: number, nowMs: number): Omit<AlertRow, "change"> {
  return {
    id: newId(nowMs),
    tenantId,
    name: `alert ${i}`,
    instrumentId: ids[i % INSTRUMENTS]!,
    rule: ruleOf(i),
    cooldownMs: 0,
    expiresMs: null,
    callbackUrl: null,
    channelIds: [],
    muted: false,
    createdBy: "bench",
    createdMs: nowMs,
    deletedMs: null,
    armed: true,
    stateMs: nowMs - 1,
    firedMs: null,
  };
}

interface Run {
  /** From when a tick was due until its bars and alerts were done, ms. */
  delaysMs: number[];
  /** CPU time of a second's ticks. */
  cpuMs: number;
  fired: number;
  corrected: number;
}

/** Bars of the seconds before `nowMs`, [n], at a price that does not move. */
function flatBars(n: number, nowMs: number): Bar[] {
  const endMs = Math.floor(nowMs / 1_000) * 1_000;
  const price = { open: 100, high: 100, low: 100, close: 100, volume: 100 };
  return Array.from({ length: n }, (_, i) => {
    const openMs = endMs - (n - i) * 1_000;
    return { openMs, closeMs: openMs + 1_000, ...price };
  });
}

/** Ticks at their rate in real time, through bars and alerts. */
async function run(alerts: number): Promise<Run> {
  const bars = createBarMaker({ venue: "bench", graceMs: 500, fromMs: () => 0 });
  for (const id of ids) bars.open(id, calendarOf("24x7"), []);
  const history = flatBars(HISTORY_BARS, Date.now());
  const readies: Promise<void>[] = [];
  const watches = createWatches({
    seriesOf: (name, { timeframe }) => ({
      key: barsKey(name, timeframe),
      history: () => Promise.resolve(history),
      follow: () => silent,
      isLate: () => false,
    }),
    log,
    retryMs: 1_000,
    patienceMs: 1_000,
  });
  let fired = 0;
  let corrected = 0;
  const runId = newId(Date.now());
  await db.deleteFrom("alerts").execute();
  await db.deleteFrom("streamPlaces").execute();
  await claimInstruments(db, { venue: "bench", runId, instrumentIds: ids, most: ids.length, ttlMs: 1e9 });
  for (let i = 0; i < alerts; i++) await insertAlert(db, rowOf(i, Date.now()));
  const triggered = () => void (fired += 1);
  const engine = createAlertEngine({
    has: () => true,
    loadChanged: (after) => loadChangedAlerts(db, after),
    save: createAlertStore({ db, venue: "bench", runId, now: Date.now, triggered, log }),
    watches: {
      ...watches,
      open(request, onValues) {
        const opened = watches.open(request, onValues);
        readies.push(opened.ready);
        return opened;
      },
    },
    loadPrints: () => Promise.resolve([]),
    now: Date.now,
    beginsAnew: false,
    log,
    everyMs: 500,
  });
  await engine.start();
  await Promise.all(readies);
  const prices = ids.map(() => 100);
  const delaysMs: number[] = [];
  const startMs = performance.now();
  const cpu = process.cpuUsage();
  let sent = 0;
  let announcedMs = startMs;
  const total = TICKS_PER_SECOND * SECONDS;
  while (sent < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) / 1_000) * TICKS_PER_SECOND));
    for (; sent < due; sent++) {
      const at = sent % INSTRUMENTS;
      // A walk that turns back at ±5 %.
      prices[at] =
        prices[at]! * (1 + ((sent * 2_654_435_761) % 1_000 < (100 - prices[at]!) * 50 + 500 ? 4e-4 : -4e-4));
      const receivedMs = Date.now();
      // By a step that shares no factor with the number of instruments, so that all have some.
      const lateMs = sent % (LATE_EVERY + 1) === 0 ? 1_000 + (sent % LATE_MS) : 0;
      const print = { instrumentId: ids[at]!, eventMs: receivedMs - lateMs, price: prices[at]!, size: 1 };
      const tick: Tick = { venue: "bench", ...print, seq: sent, receivedMs, side: "buy" };
      const changed = bars.add({ ...print, ordinal: sent });
      engine.tick(tick);
      if (changed.length > 0) watches.take(changed);
      corrected += changed.length;
      delaysMs.push(performance.now() - startMs - (sent / TICKS_PER_SECOND) * 1_000);
    }
    if (performance.now() - announcedMs >= 100) {
      announcedMs = performance.now();
      watches.take(bars.finish(Date.now()));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const { user, system } = process.cpuUsage(cpu);
  await engine.stop();
  // The first seconds compile.
  const cpuMs = (user + system) / 1_000 / SECONDS;
  return { delaysMs: delaysMs.slice(2 * TICKS_PER_SECOND), cpuMs, fired, corrected };
}

const runs: Record<"with" | "without", Run[]> = { with: [], without: [] };
for (let i = 0; i < REPEATS; i++) {
  runs.without.push(await run(0));
  runs.with.push(await run(ALERTS));
}
console.error(
  `alerts fired and stored: ${runs.with.map(({ fired }) => fired).join(", ")}; bars corrected: ${runs.with.map((one) => one.corrected).join(", ")}`,
);
for (const share of [0.5, 0.99, 0.999])
  report({
    figure: `tick due to done, ${ALERTS} alerts, p${share * 100}`,
    unit: "ms",
    ours: runs.with.map(({ delaysMs }) => percentile(delaysMs, share)),
    peer: "the same without alerts",
    theirs: runs.without.map(({ delaysMs }) => percentile(delaysMs, share)),
    smallerIsBetter: true,
  });
report({
  figure: `CPU of ${TICKS_PER_SECOND} ticks, ${ALERTS} alerts`,
  unit: "ms",
  ours: runs.with.map(({ cpuMs }) => cpuMs),
  peer: "the same without alerts",
  theirs: runs.without.map(({ cpuMs }) => cpuMs),
  smallerIsBetter: true,
});
await db.destroy();
await database.close();
process.exit(0);
