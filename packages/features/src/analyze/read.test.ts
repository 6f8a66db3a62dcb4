import { setTimeout as sleep } from "node:timers/promises";
import type { Caller, ProgressOf } from "@tapedeck/core";
import { recordingContext } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askFixture, nowMs, tenantId } from "../ask/fixture.ts";
import type { AskFixture } from "../ask/fixture.ts";
import type { Tx } from "../db.ts";
import { Analytics } from "./analytics/contract.ts";
import { analyticsRouteHandlers } from "./analytics/read.ts";
import { AnalyzePayload, AnalyzeResult, AnalyzeSeries, Chart } from "./contract.ts";
import type { analyze } from "./contract.ts";
import { JobView } from "../jobs/contract.ts";
import type { StatisticsResult } from "./kinds/statistics/contract.ts";
import { OptimizeBody, PortfolioResult } from "./kinds/portfolio/contract.ts";
import { analyzeRouteHandlers, thin } from "./read.ts";
import { runAnalyze } from "./run.ts";

const caller: Caller = { principalId: tenantId, kind: "user", tenantId, role: "analyst", requestId: "r" };
const request = new Request("http://loopback/");
const stop = new AbortController();
let fixture: AskFixture;
let working: Promise<void>;

/** Runs waiting analyses as a worker would, without a queue. */
async function work(): Promise<void> {
  while (!stop.signal.aborted) {
    const waiting = await fixture.db
      .selectFrom("jobs")
      .selectAll()
      .where("type", "=", "analyze")
      .where("endedMs", "is", null)
      .execute();
    for (const job of waiting) {
      const ctx = recordingContext<ProgressOf<typeof analyze>, Tx>({ nowMs, tenantId, jobId: job.id });
      const payload = AnalyzePayload.parse(JSON.parse(job.payload));
      const end = await runAnalyze({ ...fixture.deps, blobs: fixture.blobs }, payload, ctx).then(
        (result) => ({ state: "completed", result: JSON.stringify(result) }),
        (error: { code: string; message: string }) => ({
          state: "failed",
          error: JSON.stringify({ code: error.code, message: error.message, retryable: false }),
        }),
      );
      await fixture.db
        .updateTable("jobs")
        .set({ ...end, endedMs: nowMs })
        .where("id", "=", job.id)
        .execute();
      fixture.bus.publish("job", job.id);
    }
    await sleep(20);
  }
}

beforeAll(async () => {
  fixture = await askFixture();
  fixture.deps.jobs.start();
  working = work();
});
afterAll(async () => {
  stop.abort();
  await working;
  await fixture.close();
});

const deps = () => ({ ...fixture.deps, blobs: fixture.blobs });
const chart = (query: Record<string, unknown>, instrumentId = "SPX") =>
  analyzeRouteHandlers.getChart(
    deps(),
    {
      params: { instrumentId },
      query: { timeframe: "1d", adjustment: "split", maxPoints: 5_000, ...query } as never,
      body: undefined,
      request,
    },
    caller,
  );

describe("a chart", () => {
  test("gives bars and columns on one axis, averages with their past", async () => {
    const shown = Chart.parse(
      await chart({
        fromMs: Date.UTC(2019, 0, 1),
        toMs: Date.UTC(2020, 0, 1),
        formulas: ["sma(close, 200)"],
      }),
    );
    const bars = fixture.bars.filter(
      (bar) => bar.openMs >= Date.UTC(2019, 0, 1) && bar.openMs < Date.UTC(2020, 0, 1),
    );
    expect(shown.close).toEqual(bars.map((bar) => bar.close));
    expect(shown.columns[0]!.values).toHaveLength(bars.length);
    const at = fixture.bars.indexOf(bars[0]!);
    const past = fixture.bars.slice(at - 199, at + 1).map((bar) => bar.close);
    expect(shown.columns[0]!.values[0]).toBeCloseTo(past.reduce((sum, close) => sum + close, 0) / 200, 8);
    expect(shown.step).toBe(1);
  });

  test("without formulas needs no job", async () => {
    const shown = Chart.parse(await chart({ maxPoints: 100 }));
    expect(shown.jobId).toBeNull();
    expect(shown.openMs.length).toBeLessThanOrEqual(100);
    expect(shown.close.at(-1)).toBe(fixture.bars.at(-1)!.close);
  });

  test("a formula that is wrong is the caller's error", async () => {
    await expect(chart({ formulas: ["smaa(close, 5)"] })).rejects.toMatchObject({ code: "formula.invalid" });
  });

  test("shows nothing known after asOf", async () => {
    const asOf = Date.UTC(2008, 8, 15);
    const shown = Chart.parse(await chart({ asOf, formulas: ["close"] }));
    expect(shown.closeMs.at(-1)).toBeLessThanOrEqual(asOf);
  });
});

describe("an analysis's series", () => {
  const series = async (query: Record<string, unknown>) => {
    const { job } = await fixture.deps.jobs.submit({
      caller,
      type: "analyze",
      payload: { instrumentId: "SPX", formulas: ["sma(close, 3)", "close > open"] },
    });
    await fixture.deps.jobs.waitForEnd(tenantId, job.id, 20_000);
    return analyzeRouteHandlers.getAnalysisSeries(
      deps(),
      { params: { id: job.id }, query: { format: "json", ...query } as never, body: undefined, request },
      caller,
    );
  };

  test("as JSON: null in the warm-up, conditions 1 and 0", async () => {
    const all = AnalyzeSeries.parse(await series({}));
    expect(all.columns[0]!.values.slice(0, 2)).toEqual([null, null]);
    expect(new Set(all.columns[1]!.values)).toEqual(new Set([0, 1]));
    expect(all.total).toBe(fixture.bars.length);
  });

  test("as CSV: a heading that is quoted where it must be, one line a bar", async () => {
    const response = (await series({ format: "csv", toMs: Date.UTC(2000, 0, 8) })) as Response;
    const lines = (await response.text()).trimEnd().split("\n");
    expect(lines[0]).toBe('openTime,closeTime,"sma(close, 3)",close > open');
    expect(lines).toHaveLength(1 + 5);
    expect(lines[1]).toBe(
      `2000-01-03T14:30:00.000Z,2000-01-03T21:00:00.000Z,,${Number(fixture.bars[0]!.close > fixture.bars[0]!.open)}`,
    );
  });

  test("of another kind of job there is none", async () => {
    const id = await fixture.finishBacktest();
    await expect(
      analyzeRouteHandlers.getAnalysisSeries(
        deps(),
        {
          params: { id },
          query: { format: "json", fromMs: undefined, toMs: undefined },
          body: undefined,
          request,
        },
        caller,
      ),
    ).rejects.toMatchObject({ code: "resource.unknown" });
  });
});

test("a portfolio is optimised by assets, weights and risk_tolerance; the same key is the same job", async () => {
  const optimise = async (body: Record<string, unknown>) => {
    const response = (await analyzeRouteHandlers.optimizePortfolio(
      deps(),
      {
        params: undefined,
        query: undefined,
        body: OptimizeBody.parse(body),
        request: new Request("http://loopback/", { method: "POST", headers: { "idempotency-key": "one" } }),
      },
      caller,
    )) as Response;
    return {
      status: response.status,
      location: response.headers.get("location"),
      job: JobView.parse(await response.json()),
    };
  };
  const body = {
    assets: ["MSFT", "AAPL", "IBM"],
    weights: [0.5, 0.25, 0.25],
    risk_tolerance: 0.3,
    timeframe: "1mo",
  };
  const { status, location, job } = await optimise(body);
  expect([status, location]).toEqual([202, `/api/jobs/${job.id}`]);
  expect((await optimise(body)).job.id).toBe(job.id);
  const ended = await fixture.deps.jobs.waitForEnd(tenantId, job.id, 20_000);
  const result = PortfolioResult.parse(ended.result);
  expect(result.assets.map((one) => one.present)).toEqual([0.5, 0.25, 0.25]);
  expect(result.assets.reduce((sum, one) => sum + one.weight, 0)).toBeCloseTo(1, 12);
});

test.each([
  [0, 10, 10, 1],
  [0, 10, 4, 3],
  [5, 6, 2, 1],
  [0, 0, 5, 1],
])("thinning %i..%i to %i keeps the newest bar", (from, to, maxPoints, step) => {
  const thinned = thin(from, to, maxPoints);
  expect(thinned.step).toBe(step);
  expect(thinned.indices.length).toBeLessThanOrEqual(maxPoints);
  if (to > from) expect(thinned.indices.at(-1)).toBe(to - 1);
});

describe("analytics", () => {
  const range = { timeframe: "1d", adjustment: "split" } as const;
  const pair = { ...range, timeframe: "1mo", prices: "log", hedge: "ols", zWindow: 24 } as const;
  const numbers = (answer: unknown) => {
    const view = Analytics.parse(answer);
    return Object.fromEntries(Object.entries(view.figures).map(([name, { value }]) => [name, value]));
  };

  test("figures of an instrument are those of its analysis, with what leads back to the data", async () => {
    const input = { params: { symbol: "SPX" }, query: range, body: undefined, request };
    const basic = Analytics.parse(
      await analyticsRouteHandlers.getBasicAnalytics(fixture.deps, input, caller),
    );
    expect(basic.instruments).toEqual(["SPX.INDEX"]);
    expect(Object.keys(basic.figures).length).toBeGreaterThan(10);
    const { adf, adfP, ...others } = numbers(
      await analyticsRouteHandlers.getAdf(fixture.deps, input, caller),
    );
    const job = await fixture.deps.jobs.submit({
      caller,
      type: "analyze",
      payload: { kind: "statistics", instrumentId: "SPX.INDEX" },
    });
    const ended = await fixture.deps.jobs.waitForEnd(tenantId, job.job.id, 60_000);
    const { figures } = AnalyzeResult.parse(ended.result) as StatisticsResult;
    expect([adf, adfP]).toEqual([figures.adf.value, figures.adfP.value]);
    expect(Object.keys(others)).toEqual(
      expect.arrayContaining(["kpss", "kpssP", "phillipsPerron", "phillipsPerronP"]),
    );
    expect(others).not.toHaveProperty("volatilityNow");
    const volatility = numbers(await analyticsRouteHandlers.getVolatility(fixture.deps, input, caller));
    expect(volatility["volatilityNow"]).toBe(figures.volatilityNow.value);
  }, 60_000);

  test("figures of a pair come in parts of one analysis", async () => {
    const input = { params: undefined, query: { ...pair, y: "MSFT", x: "AAPL" }, body: undefined, request };
    const answers = await Promise.all(
      (["getHedgeRatio", "getSpread", "getPairCorrelation", "getSpreadAdf"] as const).map((name) =>
        analyticsRouteHandlers[name](fixture.deps, input, caller),
      ),
    );
    const views = answers.map((answer) => Analytics.parse(answer));
    expect(views.map(({ instruments }) => instruments)).toEqual(
      Array.from({ length: 4 }, () => ["MSFT.XNAS", "AAPL.XNAS"]),
    );
    const [ratio, spread, correlation, adf] = answers.map(numbers);
    expect(ratio!["hedgeRatio"]).toBe(spread!["hedgeRatio"]);
    expect(Math.abs(correlation!["returnCorrelation"]!)).toBeLessThanOrEqual(1);
    expect(adf!["engleGrangerP"]).toBeGreaterThanOrEqual(0);
  }, 60_000);

  test("an instrument that there is not is refused before anything is submitted", async () => {
    const input = { params: { symbol: "NOPE" }, query: range, body: undefined, request };
    await expect(analyticsRouteHandlers.getAdf(fixture.deps, input, caller)).rejects.toMatchObject({
      code: "symbol.unknown",
    });
  });
});
