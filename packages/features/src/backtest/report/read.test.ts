import { newId } from "@tapedeck/core";
import { deflatedSharpe } from "@tapedeck/quant/risk/index";
import { parquetReadObjects } from "hyparquet";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BacktestFill } from "../contract.ts";
import { backtestRouteHandlers } from "../read.ts";
import { BacktestReport } from "./contract.ts";
import { familyOf } from "./ledger.ts";
import { sweepRouteHandlers } from "../sweep/read.ts";
import { reportRouteHandlers } from "./read.ts";
import { crossover, input, instrumentId, reportFixture } from "./report.fixture.ts";
import type { ReportFixture } from "./report.fixture.ts";

let fixture: ReportFixture;
beforeAll(async () => {
  fixture = await reportFixture();
});
afterAll(() => fixture.close());

async function reportOf(id: string): Promise<BacktestReport> {
  return BacktestReport.parse(
    await reportRouteHandlers.getBacktestReport(fixture.deps, input(id), fixture.caller),
  );
}

describe("the report of a run", () => {
  test("counts what was tried with the same strategy on the same instrument, and deflates by it", async () => {
    const first = await fixture.backtest(crossover(10, 30));
    const alone = (await reportOf(first.runId)).honesty;
    expect(alone).toMatchObject({ trials: 1, runs: 1, searches: 0, deflatedSharpe: null, overfitting: null });

    const { jobId: sweepId } = await fixture.run("sweep", {
      instrumentId,
      strategy: { kind: "builtIn", name: "maCrossover" },
      parameters: { fast: { values: [5, 10, 20] }, slow: { values: [40, 80, 120] } },
    });
    const { jobId: walkId } = await fixture.run("walkForward", {
      instrumentId,
      strategy: { kind: "builtIn", name: "maCrossover" },
      parameters: { fast: { values: [5, 10] }, slow: { values: [40, 80] } },
      folds: { kind: "rolling", trainBars: 400, testBars: 200 },
    });
    const other = await fixture.backtest({
      instrumentId,
      strategy: { kind: "rules", entry: "close > sma(close, 20)", exit: "close < sma(close, 20)" },
    });
    await fixture.backtest(crossover(10, 30), first.runId);

    const { honesty } = await reportOf(first.runId);
    expect(honesty).toMatchObject({
      trials: 14,
      runs: 1,
      searches: 2,
      trialsOfAll: 15,
      overfittingTrials: 13,
    });
    expect(honesty.overfitting).toBeGreaterThanOrEqual(0);
    expect(honesty.overfitting).toBeLessThanOrEqual(1);
    // The ratios of all fourteen, read again one by one.
    const { statistics } = first;
    const own = statistics.sharpe! / Math.sqrt(statistics.barsPerYear);
    const tried = await sql<{ ratio: number }>`
      select (measure ->> 'sharpePerBar')::float8 as ratio from backtest_trials
      where job_id in (${sweepId}, ${walkId})`.execute(fixture.db);
    const ratios = [own, ...tried.rows.map((row) => row.ratio)];
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / 14;
    const variance = ratios.reduce((sum, ratio) => sum + (ratio - mean) ** 2, 0) / 14;
    const sample = {
      sharpe: own,
      n: statistics.returns,
      skew: statistics.skewness!,
      kurtosis: statistics.kurtosis!,
    };
    expect(honesty.deflatedSharpe).toBeCloseTo(deflatedSharpe(sample, variance, 14), 9);
    expect(honesty.deflatedSharpe).toBeLessThan(honesty.probabilisticSharpe!);
    expect((await reportOf(other.runId)).honesty).toMatchObject({ trials: 1, trialsOfAll: 15 });
  });

  test("counts what walk-forwards tried as what a search tried, and no replay of either", async () => {
    const searched = {
      instrumentId,
      strategy: { kind: "builtIn", name: "donchianBreakout" },
      parameters: { entryLength: { values: [10, 20, 40] } },
    };
    const measuresOf = async (jobId: string) => {
      const { rows } = await sql<{ measure: { blocks: number[] } | null }>`
        select measure from backtest_trials where job_id = ${jobId} order by number`.execute(fixture.db);
      return rows.map(({ measure }) => measure);
    };
    const listOf = async (id: string) =>
      await sweepRouteHandlers.listSweepTrials(
        fixture.deps,
        { ...input(id), query: { limit: 100 } },
        fixture.caller,
      );
    const sweep = await fixture.run("sweep", searched);
    const measures = await measuresOf(sweep.jobId);
    expect(measures.map((measure) => measure!.blocks.length)).toEqual([20, 20, 20]);
    const walks = [
      { kind: "rolling", trainBars: 400, testBars: 200 },
      { kind: "purgedKFold", groups: 4 },
    ];
    for (const folds of walks) {
      const walk = await fixture.run("walkForward", { ...searched, folds });
      expect(await measuresOf(walk.jobId)).toEqual(measures);
      expect(await listOf(walk.jobId)).toEqual(await listOf(sweep.jobId));
      await fixture.run("walkForward", { ...searched, folds }, walk.jobId);
    }
    await fixture.run("sweep", searched, sweep.jobId);

    const strategy = { kind: "builtIn", name: "donchianBreakout", params: { entryLength: 15 } };
    const run = await fixture.backtest({ instrumentId, strategy });
    const { honesty } = await reportOf(run.runId);
    expect(honesty).toMatchObject({ trials: 10, runs: 1, searches: 3, overfittingTrials: 9 });
    expect(honesty.deflatedSharpe).toBeLessThan(honesty.probabilisticSharpe!);
    const { datasetHash } = run;
    const ledger = await sweepRouteHandlers.getTrialLedger(
      fixture.deps,
      { ...input(""), params: { datasetHash } },
      fixture.caller,
    );
    // Of the families before, too.
    expect(ledger).toEqual({ trials: 22, searches: 5 });
  });

  test("is stored with evidence for each figure, and agrees with the run", async () => {
    const result = await fixture.backtest(crossover(15, 50));
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
      const { item } = await fixture.deps.evidence.get(fixture.tenantId, report!.evidence[pointer]!);
      expect([pointer, item]).toMatchObject([pointer, { kind: "computation", value }]);
    }
  });

  test("of a run over several instruments is of the same parts", async () => {
    const { jobId } = await fixture.run("portfolioBacktest", {
      instruments: [instrumentId],
      strategy: { name: "volatilityTarget", params: { target: 0.1 } },
    });
    const { kind, honesty, report } = await reportOf(jobId);
    expect(kind).toBe("portfolio");
    expect(honesty).toMatchObject({ trials: 1, runs: 1 });
    expect(report!.years.map((row) => row.year)).toEqual([2000, 2001, 2002, 2003]);
    const revision = await reportRouteHandlers.getBacktestRevision(
      fixture.deps,
      input(jobId),
      fixture.caller,
    );
    expect(revision).toMatchObject({ state: "same", datasets: [{ instrumentId }] });
  });

  test("another tenant's run is unknown", async () => {
    const { runId } = await fixture.backtest(crossover(12, 60));
    const stranger = { ...fixture.caller, tenantId: newId(1) };
    for (const handler of [reportRouteHandlers.getBacktestReport, reportRouteHandlers.getBacktestRevision]) {
      await expect(handler(fixture.deps, input(runId), stranger)).rejects.toMatchObject({
        code: "resource.unknown",
      });
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
    const result = await fixture.backtest(crossover(10, 40));
    const list = backtestRouteHandlers.listBacktestFills;
    const pages: BacktestFill[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await list(
        fixture.deps,
        { ...input(result.runId), query: { limit: 7, cursor } },
        fixture.caller,
      );
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
      fixture.deps,
      { ...input(result.runId), query: { limit: 200 } },
      fixture.caller,
    );
    expect(pages.filter((fill) => fill.side === "buy").map(({ atMs, price }) => [atMs, price])).toEqual(
      trades.map(({ entryMs, entryPrice }) => [entryMs, entryPrice]),
    );
    expect(Math.max(...pages.map((fill) => fill.volumeShare!))).toBeLessThan(1);
  });

  test.each(["Trades", "Fills", "Equity"] as const)(
    "%s are the same as CSV, JSON and Parquet",
    async (table) => {
      const { runId } = await fixture.backtest(crossover(8, 35));
      const csv = await (
        await reportRouteHandlers[`downloadBacktest${table}`](fixture.deps, input(runId), fixture.caller)
      ).text();
      const [header, ...lines] = csv.trimEnd().split("\n");
      const json = (await (
        await reportRouteHandlers[`downloadBacktest${table}Json`](fixture.deps, input(runId), fixture.caller)
      ).json()) as Record<string, string | number | null>[];
      expect(header).toBe(Object.keys(json[0]!).join(","));
      expect(lines).toEqual(
        json.map((row) =>
          Object.values(row)
            .map((cell) => cell ?? "")
            .join(","),
        ),
      );
      const file = await (
        await reportRouteHandlers[`downloadBacktest${table}Parquet`](
          fixture.deps,
          input(runId),
          fixture.caller,
        )
      ).arrayBuffer();
      const plain = (cell: unknown) =>
        cell instanceof Date ? cell.getTime() : typeof cell === "bigint" ? Number(cell) : cell;
      const read = (await parquetReadObjects({ file })) as Record<string, unknown>[];
      expect(
        read.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, plain(cell)]))),
      ).toEqual(json);
    },
  );

  test("orders are kept where the engine places them, and said to be absent elsewhere", async () => {
    const { runId } = await fixture.backtest({
      ...crossover(10, 40),
      protection: { takeProfit: 0.02, breakEven: { trigger: 0.01 } },
    });
    const csv = await (
      await reportRouteHandlers.downloadBacktestOrders(fixture.deps, input(runId), fixture.caller)
    ).text();
    const [header, ...lines] = csv.trimEnd().split("\n");
    expect(header).toMatch(/^number,instrumentId,placedMs,side,type,/);
    const placed = await backtestRouteHandlers.listBacktestOrders(
      fixture.deps,
      { ...input(runId), query: { limit: 200 } },
      fixture.caller,
    );
    expect(lines).toHaveLength(placed.items.length);
    expect(lines.length).toBeGreaterThan(10);
    const fast = await fixture.backtest(crossover(10, 41));
    await expect(
      reportRouteHandlers.downloadBacktestOrders(fixture.deps, input(fast.runId), fixture.caller),
    ).rejects.toMatchObject({ code: "data.missing" });
  });

  test("a run from before fills were kept says so", async () => {
    const { runId } = await fixture.backtest(crossover(9, 35));
    await fixture.db
      .updateTable("backtestRuns")
      .set({ fillsBlob: null, fillCount: null, report: null })
      .where("id", "=", runId)
      .execute();
    await expect(
      reportRouteHandlers.downloadBacktestFills(fixture.deps, input(runId), fixture.caller),
    ).rejects.toMatchObject({
      code: "data.missing",
    });
    expect((await reportOf(runId)).report).toBeNull();
  });
});

test("says whether the bars of a run have been revised since, and from which bar on", async () => {
  const result = await fixture.backtest(crossover(11, 45));
  const revision = () =>
    reportRouteHandlers.getBacktestRevision(fixture.deps, input(result.runId), fixture.caller);
  expect(await revision()).toMatchObject({
    state: "same",
    datasets: [{ instrumentId, currentHash: result.datasetHash, firstMs: null }],
  });
  const search = await fixture.run("sweep", {
    ...crossover(10, 40),
    parameters: { fast: { values: [5, 10] } },
  });
  const ofSearch = () =>
    reportRouteHandlers.getJobRevision(fixture.deps, input(search.jobId), fixture.caller);
  expect(await ofSearch()).toMatchObject({ state: "same" });
  const at = await fixture.revise(600);
  expect(await revision()).toMatchObject({
    state: "revised",
    datasets: [{ datasetHash: result.datasetHash, firstMs: at }],
    detail: expect.stringContaining(new Date(at).toISOString().slice(0, 10)),
  });
  expect(await ofSearch()).toMatchObject({ state: "revised", datasets: [{ instrumentId, firstMs: at }] });
  const stranger = { ...fixture.caller, tenantId: newId(1) };
  await expect(
    reportRouteHandlers.getJobRevision(fixture.deps, input(search.jobId), stranger),
  ).rejects.toMatchObject({ code: "job.unknown" });
});
