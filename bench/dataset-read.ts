/** A dataset of 1,000,000 bars from the series store against the same bars by SQL, and what its first making costs. */
import { createSeriesReader } from "../packages/features/src/series/reader.ts";
import { createSeriesWriter } from "../packages/features/src/series/writer.ts";
import type { Database } from "../packages/features/src/db.ts";
import { newId } from "../packages/core/src/index.ts";
import { testBlobs, testDatabase } from "../packages/testkit/src/index.ts";
import { sql } from "kysely";
import { report } from "./figure.ts";

const bars = 1_000_000;
const repeats = 7;
const chunk = 20_000;
const startMs = Date.parse("2020-01-01T00:00:00Z");
const tenantId = newId(Date.now());
const now = (): number => Date.now();

const { db, close: closeDb } = await testDatabase<Database>();
const { blobs, close: closeBlobs } = await testBlobs();
const writer = createSeriesWriter({ db });

const instrument = {
  instrumentId: "BENCH.LOCAL",
  symbol: "BENCH",
  venue: "LOCAL",
  name: "Bench",
  assetClass: "crypto" as const,
  currency: "USD",
  calendar: "24x7" as const,
  tickSize: null,
  lotSize: null,
  minNotional: null,
  space: tenantId,
};
const jobId = newId(now());
const target = { space: tenantId, instrumentId: "BENCH.LOCAL", timeframe: "1m", jobId, recordedMs: now() };

const writeStart = performance.now();
await db.transaction().execute((tx) => writer.ensureInstrument(tx, instrument, jobId, now()));
for (let from = 0; from < bars; from += chunk) {
  const index = Array.from({ length: chunk }, (_, i) => from + i);
  const rows = {
    openMs: index.map((i) => startMs + i * 60_000),
    closeMs: index.map((i) => startMs + (i + 1) * 60_000),
    open: index.map((i) => 100 + (i % 97) / 10),
    high: index.map((i) => 101 + (i % 97) / 10),
    low: index.map((i) => 99 + (i % 97) / 10),
    close: index.map((i) => 100.5 + (i % 89) / 10),
    volume: index,
  };
  await db.transaction().execute((tx) => writer.writeBars(tx, target, rows));
}
const writeMs = performance.now() - writeStart;
await sql`vacuum analyze bars`.execute(db);

const request = { tenantId, instrumentId: "BENCH.LOCAL", timeframe: "1m", adjustment: "raw" } as const;

async function timed(work: () => Promise<number>): Promise<number> {
  const start = performance.now();
  const read = await work();
  if (read !== bars) throw new Error(`read ${read} bars`);
  return performance.now() - start;
}

const first = await timed(async () => (await createSeriesReader({ db, blobs, now }).dataset(request)).length);

/** As a repository would: rows of numbers, then columns. */
async function bySql(): Promise<number> {
  const { rows } = await sql<{
    openMs: number;
    closeMs: number;
    open: number;
    high: number;
    low: number;
    close: number;
    volume: number;
  }>`
    select open_ms, close_ms, open, high, low, close, volume from bars
    where series_id = (select series_id from series where space = ${tenantId} and instrument_id = 'BENCH.LOCAL')
    order by open_ms`.execute(db);
  const columns = Array.from({ length: 7 }, () => new Float64Array(rows.length));
  rows.forEach((row, i) => {
    columns[0]![i] = row.openMs;
    columns[1]![i] = row.closeMs;
    columns[2]![i] = row.open;
    columns[3]![i] = row.high;
    columns[4]![i] = row.low;
    columns[5]![i] = row.close;
    columns[6]![i] = row.volume;
  });
  return columns[0]!.length;
}

const ours: number[] = [];
const cached: number[] = [];
const theirs: number[] = [];
for (let i = 0; i < repeats; i++) {
  // A reader of its own each time: nothing is in the process's cache.
  const reader = createSeriesReader({ db, blobs, now });
  ours.push(await timed(async () => (await reader.dataset(request)).length));
  cached.push(await timed(async () => (await reader.dataset(request)).length));
  if (i < 3) theirs.push(await timed(bySql));
}
const version = (await sql<{ version: string }>`show server_version`.execute(db)).rows[0]!;
const peer = { peer: "SQL (pg, kysely)", peerVersion: Object.values(version)[0] };
report({ figure: "dataset-read-1m-bars", unit: "ms", ours, ...peer, theirs, aim: 10, smallerIsBetter: true });
report({
  figure: "dataset-read-1m-bars-cached",
  unit: "ms",
  ours: cached,
  ...peer,
  theirs,
  aim: 100,
  smallerIsBetter: true,
});
report({
  figure: "dataset-first-read-1m-bars",
  unit: "ms",
  ours: [first],
  ...peer,
  theirs,
  aim: 1,
  smallerIsBetter: true,
});
report({ figure: "bars-written", unit: "bars/s", ours: [bars / (writeMs / 1_000)], peer: "none" });

await closeDb();
await closeBlobs();
