import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { deflatedSharpe } from "@tapedeck/quant/risk/index";
import { sp500Bars, testBlobs, testDatabase } from "@tapedeck/testkit";
import { parquetReadObjects } from "hyparquet";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Database, Db } from "../../db.ts";
import { createEvidenceStore } from "../../evidence/store.ts";
import { createFormulaLibrary } from "../../indicators/library.ts";
import { createSeriesReader } from "../../series/reader.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import { BacktestPayload, BacktestResult } from "../contract.ts";
import type { BacktestFill } from "../contract.ts";
import { backtestRouteHandlers } from "../read.ts";
import { runBacktest } from "../run.ts";
import { SweepPayload } from "../sweep/contract.ts";
import { runSweep } from "../sweep/run.ts";
import { BacktestReport } from "./contract.ts";
import { familyOf } from "./ledger.ts";
import { reportRouteHandlers } from "./read.ts";

const tenantId = newId(0);
const now = () => Date.UTC(2026, 0, 2);
const caller: Caller = { principalId: "u", kind: "user", tenantId, role: "viewer", requestId: "r" };
const instrumentId = "SPX.INDEX";
const bars = 1_000;

let db: Db;
let deps: Parameters<typeof runBacktest>[0] & Parameters<typeof reportRouteHandlers.getBacktestReport>[0];
const opened: Array<() => Promise<void>> = [];

beforeAll(async () => {
  const database = await testDatabase<Database>();
  const { blobs, close } = await testBlobs();
  opened.push(database.close, close);
  ({ db } = database);
  deps = {
    db,
    blobs,
    evidence: createEvidenceStore({ db, now }),
    formulas: createFormulaLibrary({ db }),
    series: createSeriesReader({ db, blobs, now }),
  };
  const rows = (await sp500Bars()).slice(0, bars);
  await putBars(
    db,
    { instrumentId, assetClass: "index" },
    "1d",
    rows.map((bar) => [bar.openMs, bar.open, bar.high, bar.low, bar.close, bar.volume] as const),
  );
});

afterAll(async () => {
  for (const close of opened) await close();
});

/** The row that the job service writes when a job is submitted. */
async function jobRow(
  id: string,
  type: string,
  payload: unknown,
  replayOf: string | null = null,
): Promise<void> {
  await sql`
    insert into jobs (id, tenant_id, type, queue, version, state, priority, rank, payload, submitted_by, seed,
      max_attempts, created_ms, replay_of)
    values (${id}, ${tenantId}, ${type}, 'backtest', 1, 'completed', 5, 5, ${JSON.stringify(payload)}, 'somebody', 0, 1,
      0, ${replayOf})`.execute(db);
}

async function backtestOf(payload: object, replayOf: string | null = null) {
  const jobId = newId(now());
  await jobRow(jobId, "backtest", payload, replayOf);
  const ctx = fixtureContext<never>(db, { tenantId, jobId, now });
  return BacktestResult.parse(await runBacktest(deps, BacktestPayload.parse(payload), ctx));
}

const input = (id: string) => ({
  params: { id },
  query: undefined,
  body: undefined,
  request: new Request("http://localhost/"),
});

async function reportOf(id: string): Promise<BacktestReport> {
  return BacktestReport.parse(await reportRouteHandlers.getBacktestReport(deps, input(id), caller));
}

const crossover = (fast: number, slow: number) => ({
  instrumentId,
  strategy: { kind: "builtIn", name: "maCrossover", params: { fast, slow } },
});

describe("the report of a run", () => {
  test("counts what was tried with the same strategy on the same instrument, and deflates by it", async () => {
    const first = await backtestOf(crossover(10, 30));
    const alone = (await reportOf(first.runId)).honesty;
    expect(alone).toMatchObject({ trials: 1, runs: 1, searches: 0, deflatedSharpe: null, overfitting: null });

    const sweepPayload = SweepPayload.parse({
      instrumentId,
      strategy: { kind: "builtIn", name: "maCrossover" },
      parameters: { fast: { values: [5, 10, 20] }, slow: { values: [40, 80, 120] } },
    });
    const sweepId = newId(now());
    await jobRow(sweepId, "sweep", sweepPayload);
    await runSweep(deps, sweepPayload, fixtureContext<never>(db, { tenantId, jobId: sweepId, now }));
    const other = await backtestOf({
      instrumentId,
      strategy: { kind: "rules", entry: "close > sma(close, 20)", exit: "close < sma(close, 20)" },
    });
    await backtestOf(crossover(10, 30), first.runId);

    const { honesty } = await reportOf(first.runId);
    expect(honesty).toMatchObject({
      trials: 10,
      runs: 1,
      searches: 1,
      trialsOfAll: 11,
      overfittingTrials: 9,
    });
    expect(honesty.overfitting).toBeGreaterThanOrEqual(0);
    expect(honesty.overfitting).toBeLessThanOrEqual(1);
    // The ratios of all ten, read again one by one.
    const { statistics } = first;
    const own = statistics.sharpe! / Math.sqrt(statistics.barsPerYear);
    const tried = await sql<{ ratio: number }>`
      select (measure ->> 'sharpePerBar')::float8 as ratio from backtest_trials where job_id = ${sweepId}`.execute(
      db,
    );
    const ratios = [own, ...tried.rows.map((row) => row.ratio)];
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / 10;
    const variance = ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / 10;
    const sample = {
      sharpe: own,
      n: statistics.returns,
      skew: statistics.skewness!,
      kurtosis: statistics.kurtosis!,
    };
    expect(honesty.deflatedSharpe).toBeCloseTo(deflatedSharpe(sample, variance, 10), 9);
    expect(honesty.deflatedSharpe).toBeLessThan(honesty.probabilisticSharpe!);
    expect((await reportOf(other.runId)).honesty).toMatchObject({ trials: 1, trialsOfAll: 11 });
  });

  test("is stored with evidence for each figure, and agrees with the run", async () => {
    const result = await backtestOf(crossover(15, 50));
    const { report, honesty } = await reportOf(result.runId);
    const total = report!.years.reduce((wealth, row) => wealth * (1 + row.total), 1) - 1;
    expect(total).toBeCloseTo(result.statistics.totalReturn, 10);
    expect(report!.drawdowns[0]!.depth).toBeCloseTo(result.statistics.maxDrawdown, 12);
    expect(report!.capacity.cash).toBeGreaterThan(0);
    expect(honesty).toMatchObject({
      exposure: result.statistics.exposure,
      capacity: report!.capacity.cash,
      minimumTrackRecordBars: report!.inference.minimumTrackRecordBars,
    });
    const figures = (["inference", "relative", "capacity"] as const).flatMap((part) =>
      Object.entries(report![part]).map(([name, value]) => [`/${part}/${name}`, value] as const),
    );
    for (const [pointer, value] of figures) {
      if (value === null || /volumeShare|fills/.test(pointer)) continue;
      const { item } = await deps.evidence.get(tenantId, report!.evidence[pointer]!);
      expect([pointer, item]).toMatchObject([pointer, { kind: "computation", value }]);
    }
  });

  test("another tenant's run is unknown", async () => {
    const { runId } = await backtestOf(crossover(12, 60));
    const stranger = { ...caller, tenantId: newId(1) };
    for (const handler of [reportRouteHandlers.getBacktestReport, reportRouteHandlers.getBacktestRevision]) {
      await expect(handler(deps, input(runId), stranger)).rejects.toMatchObject({ code: "resource.unknown" });
    }
  });
});

test.each([
  [
    "numbers",
    { kind: "rules", entry: "rsi(close, 14) < 30" },
    { kind: "rules", entry: "rsi(close,2) < 5.5" },
    true,
  ],
  [
    "a parameter",
    { kind: "rules", entry: "rsi(close, {n}) < 30" },
    { kind: "rules", entry: "rsi(close, 9) < 30" },
    true,
  ],
  [
    "another kernel",
    { kind: "rules", entry: "rsi(close, 14) < 30" },
    { kind: "rules", entry: "cci(14) < 30" },
    false,
  ],
  [
    "a digit of a name",
    { kind: "rules", entry: "log10(close) > 3" },
    { kind: "rules", entry: "log2(close) > 3" },
    false,
  ],
  ["parameters", { kind: "builtIn", name: "a", params: { n: 1 } }, { kind: "builtIn", name: "a" }, true],
  ["another built-in", { kind: "builtIn", name: "a" }, { kind: "builtIn", name: "b" }, false],
])("of one family or not: %s", (_, one, other, same) => {
  expect(familyOf({ strategy: one }) === familyOf({ strategy: other })).toBe(same);
});

describe("tables of a run", () => {
  test("fills add up to the trades and to the fees, and page by page they are all of them", async () => {
    const result = await backtestOf(crossover(10, 40));
    const list = backtestRouteHandlers.listBacktestFills;
    const pages: BacktestFill[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await list(deps, { ...input(result.runId), query: { limit: 7, cursor } }, caller);
      pages.push(...page.items);
      if (page.nextCursor === null) break;
      cursor = page.nextCursor;
    }
    expect(pages).toHaveLength(result.fillCount);
    expect(pages.map((fill) => fill.number)).toEqual(pages.map((_, k) => k + 1));
    const sum = (of: (fill: BacktestFill) => number) => pages.reduce((total, fill) => total + of(fill), 0);
    expect(sum((fill) => fill.fee)).toBeCloseTo(result.statistics.feesPaid, 8);
    expect(sum((fill) => fill.slippage)).toBeCloseTo(result.statistics.slippagePaid, 8);
    const { items: trades } = await backtestRouteHandlers.listBacktestTrades(
      deps,
      { ...input(result.runId), query: { limit: 200 } },
      caller,
    );
    expect(pages.filter((fill) => fill.side === "buy").map(({ atMs, price }) => [atMs, price])).toEqual(
      trades.map(({ entryMs, entryPrice }) => [entryMs, entryPrice]),
    );
    expect(Math.max(...pages.map((fill) => fill.volumeShare!))).toBeLessThan(1);
  });

  test.each(["Trades", "Fills", "Equity"] as const)(
    "%s are the same as CSV, JSON and Parquet",
    async (table) => {
      const { runId } = await backtestOf(crossover(8, 35));
      const csv = await (
        await reportRouteHandlers[`downloadBacktest${table}`](deps, input(runId), caller)
      ).text();
      const [header, ...lines] = csv.trimEnd().split("\n");
      const json = (await (
        await reportRouteHandlers[`downloadBacktest${table}Json`](deps, input(runId), caller)
      ).json()) as Record<string, unknown>[];
      expect(header).toBe(Object.keys(json[0]!).join(","));
      expect(lines).toEqual(
        json.map((row) =>
          Object.values(row)
            .map((cell) => cell ?? "")
            .join(","),
        ),
      );
      const file = await (
        await reportRouteHandlers[`downloadBacktest${table}Parquet`](deps, input(runId), caller)
      ).arrayBuffer();
      const plain = (cell: unknown) =>
        cell instanceof Date ? cell.getTime() : typeof cell === "bigint" ? Number(cell) : cell;
      const read = (await parquetReadObjects({ file })) as Record<string, unknown>[];
      expect(
        read.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, plain(cell)]))),
      ).toEqual(json);
    },
  );

  test("a run from before fills were kept says so", async () => {
    const { runId } = await backtestOf(crossover(9, 35));
    await db
      .updateTable("backtestRuns")
      .set({ fillsBlob: null, fillCount: null, report: null })
      .where("id", "=", runId)
      .execute();
    await expect(reportRouteHandlers.downloadBacktestFills(deps, input(runId), caller)).rejects.toMatchObject(
      {
        code: "data.missing",
      },
    );
    expect((await reportOf(runId)).report).toBeNull();
  });
});

test("says whether the bars of a run have been revised since, and from which bar on", async () => {
  const result = await backtestOf(crossover(11, 45));
  const revision = () => reportRouteHandlers.getBacktestRevision(deps, input(result.runId), caller);
  expect(await revision()).toMatchObject({ state: "same", currentHash: result.datasetHash });
  const at = (await sp500Bars())[600]!.openMs;
  await sql`
    insert into bars (series_id, open_ms, revision, close_ms, open, high, low, close, volume, visible_ms, recorded_ms, job_id)
    select series_id, open_ms, 2, close_ms, open, high, low, close * 1.001, volume, ${now() - 1}, ${now() - 1}, job_id
    from bars where open_ms = ${at}`.execute(db);
  await sql`update series set revised = true, data_version = data_version + 1, max_visible_ms = ${now() - 1}`.execute(
    db,
  );
  expect(await revision()).toMatchObject({
    state: "revised",
    datasetHash: result.datasetHash,
    firstMs: at,
    detail: expect.stringContaining(new Date(at).toISOString().slice(0, 10)),
  });
});
