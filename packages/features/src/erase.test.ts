import { newId } from "@tapedeck/core";
import type { BlobStore } from "@tapedeck/core";
import { createBus } from "@tapedeck/platform/bus/index";
import { createQueue } from "@tapedeck/platform/queue/index";
import { testBlobs, testDatabase, testLog } from "@tapedeck/testkit";
import type { TestDatabase } from "@tapedeck/testkit";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "./db.ts";
import { createEraser } from "./erase.ts";
import { createEvidenceStore } from "./evidence/store.ts";
import { createJobService } from "./jobs/service.ts";

const dayMs = 86_400_000;
const nowMs = Date.parse("2026-01-31T00:00:00Z");
const tenantId = newId(1);
let database: TestDatabase<Database>;
let blobs: BlobStore;
let close: () => Promise<void>;

beforeAll(async () => {
  database = await testDatabase<Database>();
  const folder = await testBlobs();
  ({ blobs } = folder);
  const log = testLog();
  const queue = createQueue({ databaseUrl: database.url }, { log });
  const bus = createBus({ databaseUrl: database.url }, { log });
  reconcile = createJobService({
    db: database.db,
    queue,
    bus,
    now: () => nowMs,
    contracts: {},
    log,
    limits: { retentionMs: 10 * dayMs },
    eraseKept: createEraser({ db: database.db, blobs }),
  }).reconcile;
  close = async () => {
    await Promise.all([queue.close(), bus.close()]);
    await Promise.all([database.close(), folder.close()]);
  };
});
afterAll(() => close());

let reconcile: () => Promise<void>;

/** A job that ended so many days ago, with an event and an input. */
async function job(
  type: string,
  daysAgo: number,
  more: { state?: string; result?: unknown; reusedFrom?: string } = {},
): Promise<string> {
  const id = newId(nowMs - daysAgo * dayMs);
  const endedMs = nowMs - daysAgo * dayMs;
  await sql`
    insert into jobs (id, tenant_id, type, queue, version, state, priority, rank, payload, result, submitted_by, seed,
      max_attempts, created_ms, ended_ms, reused_from)
    values (${id}, ${tenantId}, ${type}, ${type}, 1, ${more.state ?? "completed"}, 5, 5, '{}',
      ${JSON.stringify(more.result ?? {})}, 'somebody', 0, 1, ${endedMs}, ${endedMs}, ${more.reusedFrom ?? null})`.execute(
    database.db,
  );
  await sql`insert into job_events (job_id, seq, event, at_ms, data) values (${id}, 1, 'end', 0, '{}')`.execute(
    database.db,
  );
  await sql`insert into job_inputs (job_id, kind, ref, label) values (${id}, 'file', 'a', 'a')`.execute(
    database.db,
  );
  return id;
}

async function run(jobId: string, equityBlob: string): Promise<void> {
  await sql`
    insert into backtest_runs (id, job_id, tenant_id, created_ms, instrument_id, instruments_hash, timeframe, title,
      dataset_hash, bars, equity_blob, payload, result)
    values (${jobId}, ${jobId}, ${tenantId}, 0, 'A.B', 'i', '1d', 't', 'h', 1, ${equityBlob}, '{}', '{}')`.execute(
    database.db,
  );
  await sql`
    insert into backtest_trades (run_id, number, side, quantity, entry_ms, entry_price, bars_held, fees, profit, profit_return)
    values (${jobId}, 1, 'long', 1, 0, 1, 1, 0, 0, 0)`.execute(database.db);
  await blobs.put(equityBlob, new Uint8Array([1]));
}

async function columns(key: string): Promise<{ seriesRef: string }> {
  await blobs.put(key, new Uint8Array([1]));
  return { seriesRef: key };
}

/** In how many rows of every table that names jobs these ids are. */
async function traces(ids: readonly string[]): Promise<Record<string, number>> {
  const tables = await sql<{ tableName: string; columnName: string }>`
    select table_name, column_name from information_schema.columns
    where table_schema = 'public' and column_name in ('job_id', 'run_id', 'last_job_id')`.execute(
    database.db,
  );
  const found: Record<string, number> = {};
  for (const { tableName, columnName } of [...tables.rows, { tableName: "jobs", columnName: "id" }]) {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from ${sql.table(tableName)}
      where ${sql.ref(columnName)} = any(${[...ids]}::uuid[])`.execute(database.db);
    if (rows[0]!.n > 0) found[`${tableName}.${columnName}`] = rows[0]!.n;
  }
  return found;
}

test("a job whose time is over goes with its events, evidence, run, columns and quarantine; what others need stays", async () => {
  const evidence = createEvidenceStore({ db: database.db, now: () => nowMs });
  const item = (value: number) =>
    ({ kind: "job", jobId: tenantId, type: "backtest", pointer: "/a", value }) as const;

  const oldBacktest = await job("backtest", 20);
  await run(oldBacktest, "backtests/own.f64");
  const sharing = await job("backtest", 20);
  await run(sharing, "backtests/shared.f64");
  const youngBacktest = await job("backtest", 5);
  await run(youngBacktest, "backtests/shared.f64");

  const oldAnalysis = await job("analyze", 20, { result: await columns("analyses/own.columns") });
  const otherAnalysis = await job("analyze", 20, { result: await columns("analyses/shared.columns") });
  await job("analyze", 5, { result: await columns("analyses/shared.columns") });
  const taken = await job("analyze", 20, { result: await columns("analyses/taken.columns") });
  await job("analyze", 5, { result: { seriesRef: "analyses/taken.columns" }, reusedFrom: taken });

  const question = await job("ask", 20, { state: "failed" });
  const [alone, cited] = await evidence.addAll(tenantId, question, [item(1), item(2)]);
  const youngQuestion = await job("ask", 5);
  await evidence.add(tenantId, youngQuestion, item(2));
  await sql`insert into ask_completions values (${question}, ${tenantId}, 0, 'h', 'm', '{}', 0)`.execute(
    database.db,
  );
  await sql`insert into ask_turns values (${tenantId}, 'c', ${question}, 0, '[]')`.execute(database.db);

  const failedIngest = await job("ingest", 20, { state: "failed" });
  await sql`insert into ingest_checkpoints values (${failedIngest}, ${tenantId}, 1, '{}')`.execute(
    database.db,
  );
  await sql`insert into ingest_quarantine values (${failedIngest}, 0, ${tenantId}, 1, 'r', 'm', 'x')`.execute(
    database.db,
  );
  const ingest = await job("ingest", 12);

  const gone = [oldBacktest, sharing, oldAnalysis, otherAnalysis, question, failedIngest];
  expect(Object.keys(await traces(gone)).length).toBeGreaterThan(8);
  await reconcile();

  // The item that a younger question cites too still says who added it first.
  expect(await traces(gone)).toEqual({ "evidence.job_id": 1 });
  await expect(evidence.get(tenantId, alone!)).rejects.toMatchObject({ code: "resource.unknown" });
  expect((await evidence.get(tenantId, cited!)).item).toEqual(item(2));
  const has = async (key: string) => (await blobs.size(key)) !== undefined;
  expect(await has("backtests/own.f64")).toBe(false);
  expect(await has("backtests/shared.f64")).toBe(true);
  expect(await has("analyses/own.columns")).toBe(false);
  expect(await has("analyses/shared.columns")).toBe(true);
  expect(await has("analyses/taken.columns")).toBe(true);
  expect(await traces([taken])).toMatchObject({ "jobs.id": 1 });
  expect(await traces([ingest])).toEqual({ "job_inputs.job_id": 1, "jobs.id": 1 });
});
