import { newId } from "@tapedeck/core";
import { seedBars, sp500Bars, testBlobs, testDatabase } from "@tapedeck/testkit";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "./db.ts";
import { createSeriesReader } from "./series/reader.ts";
import { datasetKey } from "./series/columns.ts";
import { createStorageEraser, loadStorage } from "./storage.ts";
import { createUploadStore } from "./uploads/store.ts";

const dayMs = 86_400_000;
const tenantId = newId(1);
let database: Awaited<ReturnType<typeof testDatabase<Database>>>;
let folder: Awaited<ReturnType<typeof testBlobs>>;
/** Days that have passed since the test began. */
let days = 0;
const startMs = Date.now();
const now = () => startMs + days * dayMs;

beforeAll(async () => {
  database = await testDatabase<Database>();
  folder = await testBlobs();
});
afterAll(async () => {
  await Promise.all([database.close(), folder.close()]);
});

const limits = {
  uploadMs: 10 * dayMs,
  cacheMs: 5 * dayMs,
  auditMs: 100 * dayMs,
  streamMs: 50 * dayMs,
  simulatedRunMs: 60 * dayMs,
};
const eraser = (changed: Partial<typeof limits> = {}) =>
  createStorageEraser({ db: database.db, blobs: folder.blobs, now, limits: { ...limits, ...changed } });

test("uploads go after their time, file and row", async () => {
  days = 0;
  const uploads = createUploadStore({
    db: database.db,
    blobs: folder.blobs,
    now,
    maxBytes: 1_000,
    quotaBytes: 10_000,
  });
  async function* bytes() {
    yield new Uint8Array(100);
  }
  const old = await uploads.add(tenantId, { filename: "old.csv", data: bytes() });
  days = 8;
  const young = await uploads.add(tenantId, { filename: "young.csv", data: bytes() });
  const { blobKey } = await uploads.get(tenantId, old.id);
  days = 11;
  await eraser()();
  const { items } = await uploads.list(tenantId, { limit: 10 });
  expect(items.map(({ id }) => id)).toEqual([young.id]);
  expect(await folder.blobs.size(blobKey)).toBeUndefined();
  expect(await loadStorage(database.db)).toContainEqual({ kind: "uploads", bytes: 100 });
});

test("a dataset goes when nobody used it and no job's lineage names it, and is made anew when it is asked for", async () => {
  days = 0;
  const bars = await sp500Bars();
  await seedBars(database.db, { instrumentId: "SPX.INDEX", name: "S&P 500", assetClass: "index" }, bars);
  /** As a process of its own has it: without what another one keeps in memory. */
  const ask = (toMs: number) =>
    createSeriesReader({ db: database.db, blobs: folder.blobs, now }).dataset({
      tenantId,
      instrumentId: "SPX.INDEX",
      timeframe: "1d",
      adjustment: "raw",
      toMs,
    });
  const [idle, used, named] = [2005, 2010, 2015].map((year) => Date.UTC(year, 0));
  const hashes = new Map<number, string>();
  for (const toMs of [idle!, used!, named!]) hashes.set(toMs, (await ask(toMs)).hash);
  await database.db
    .insertInto("jobInputs")
    .values({ jobId: newId(1), kind: "dataset", ref: hashes.get(named!)!, label: "named", details: null })
    .execute();
  days = 4;
  await ask(used!);
  days = 6;
  await eraser()();
  const there = async (toMs: number) =>
    (await folder.blobs.size(datasetKey(hashes.get(toMs)!))) !== undefined;
  expect([await there(idle!), await there(used!), await there(named!)]).toEqual([false, true, true]);
  const left = await database.db.selectFrom("datasets").select("hash").execute();
  expect(new Set(left.map(({ hash }) => hash))).toEqual(new Set([hashes.get(used!), hashes.get(named!)]));
  const again = await ask(idle!);
  expect([again.hash, await there(idle!)]).toEqual([hashes.get(idle!), true]);
});

test("kept pages of venues and the oldest audit entries go; no younger entry can", async () => {
  days = 0;
  const page = { venue: "binance", symbol: "BTC/USDT", timeframe: "1h", fromMs: 0, bars: "[]" };
  await database.db
    .insertInto("venueBarPages")
    .values([
      { ...page, toMs: 1, fetchedMs: now() - 6 * dayMs },
      { ...page, toMs: 2, fetchedMs: now() - 4 * dayMs },
    ])
    .execute();
  const entry = (daysAgo: number) => ({
    id: newId(now() - daysAgo * dayMs),
    tenantId,
    atMs: now() - daysAgo * dayMs,
    principalId: "p",
    principalKind: "user" as const,
    action: "createUser",
    target: `${daysAgo} days ago`,
    status: 201,
    requestId: "r",
    address: null,
    details: null,
  });
  await database.db.insertInto("auditLog").values([101, 99, 80].map(entry)).execute();
  await eraser()();
  const pages = await database.db.selectFrom("venueBarPages").select("toMs").execute();
  expect(pages).toEqual([{ toMs: 2 }]);
  const entries = () => database.db.selectFrom("auditLog").select("target").orderBy("atMs").execute();
  expect(await entries()).toEqual([{ target: "99 days ago" }, { target: "80 days ago" }]);
  await expect(eraser({ auditMs: 50 * dayMs })()).rejects.toThrow(/append-only/);
  await expect(sql`update audit_log set status = 1`.execute(database.db)).rejects.toThrow(/append-only/);
  expect(await entries()).toHaveLength(2);
});

test("what streams noted goes after its time; open gaps, live alerts and runs that rows may name stay", async () => {
  days = 0;
  const { db } = database;
  const ago = (daysAgo: number) => now() - daysAgo * dayMs;
  const of = { venue: "binance", instrumentId: "A.BINANCE" };
  await db
    .insertInto("streamFindings")
    .values([51, 49].map((n) => ({ ...of, kind: "outlier", fromMs: ago(n), toMs: null, detail: `${n}` })))
    .execute();
  const gap = (fromId: number, state: "open" | "healed", foundMs: number) => ({
    ...of,
    fromId,
    toId: fromId,
    state,
    foundMs,
    closedMs: null,
  });
  await db
    .insertInto("streamGaps")
    .values([gap(1, "healed", ago(51)), gap(2, "open", ago(51)), gap(3, "healed", ago(49))])
    .execute();

  const run = (name: string, simulated: boolean, daysAgo: number) => ({
    id: newId(ago(daysAgo)),
    venue: simulated ? "simulated" : "binance",
    simulated,
    seed: null,
    codeVersion: name,
    startedMs: ago(daysAgo),
    heartbeatMs: ago(daysAgo),
    stoppedMs: null,
    feed: null,
  });
  const held = run("holds a place", true, 61);
  await db
    .insertInto("streamRuns")
    .values([run("old", true, 61), held, run("of a venue", false, 61), run("young", true, 59)])
    .execute();
  await db
    .insertInto("streamPlaces")
    .values({ ...of, place: null, bars: "[]", runId: held.id, untilMs: 0 })
    .execute();

  const alert = (name: string, deletedMs: number | null) => ({
    id: newId(ago(80)),
    tenantId,
    name,
    instrumentId: "A.BINANCE",
    rule: "{}",
    cooldownMs: 0,
    expiresMs: null,
    callbackUrl: null,
    channelIds: null,
    muted: false,
    createdBy: "p",
    createdMs: ago(80),
    deletedMs,
    armed: true,
    stateMs: 0,
    firedMs: null,
  });
  const live = alert("live", null);
  await db
    .insertInto("alerts")
    .values([live, alert("gone", ago(51)), alert("just gone", ago(49))])
    .execute();
  // More than one statement erases.
  const trigger = (edgeMs: number, createdMs: number) => ({
    id: newId(now()),
    alertId: live.id,
    tenantId,
    edgeMs,
    value: null,
    message: "m",
    test: false,
    createdMs,
  });
  await db
    .insertInto("alertTriggers")
    .values(Array.from({ length: 1_500 }, (_, i) => trigger(i, ago(51))))
    .execute();
  await db
    .insertInto("alertTriggers")
    .values(trigger(1_500, ago(49)))
    .execute();

  await eraser()();
  const column = async <T>(rows: Promise<T[]>, name: keyof T) => (await rows).map((row) => row[name]);
  expect(await column(db.selectFrom("streamFindings").select("detail").execute(), "detail")).toEqual(["49"]);
  expect(
    await column(db.selectFrom("streamGaps").select("fromId").orderBy("fromId").execute(), "fromId"),
  ).toEqual([2, 3]);
  expect(
    new Set(await column(db.selectFrom("streamRuns").select("codeVersion").execute(), "codeVersion")),
  ).toEqual(new Set(["holds a place", "of a venue", "young"]));
  expect(new Set(await column(db.selectFrom("alerts").select("name").execute(), "name"))).toEqual(
    new Set(["live", "just gone"]),
  );
  expect(await column(db.selectFrom("alertTriggers").select("edgeMs").execute(), "edgeMs")).toEqual([1_500]);
});
