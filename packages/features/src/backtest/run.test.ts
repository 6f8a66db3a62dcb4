import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backtestFixture } from "./backtest.fixture.ts";
import { fixtureContext, putBars } from "./books.fixture.ts";
import type { FixtureBar } from "./books.fixture.ts";
import { backtest, BacktestPayload } from "./contract.ts";
import type { BacktestResult } from "./contract.ts";
import { backtestRouteHandlers } from "./read.ts";
import { reportRouteHandlers } from "./report/read.ts";
import { runBacktest } from "./run.ts";

const tenantId = newId(0);
const now = () => Date.UTC(2026, 0, 2);
const csvPath = resolve(import.meta.dirname, "../../../../node_modules/vega-datasets/data/sp500-2000.csv");

const opened: Array<() => Promise<void>> = [];
let run: (payload: unknown, jobId?: string) => Promise<BacktestResult>;
let deps: Parameters<typeof runBacktest>[0] & { db: Parameters<typeof putBars>[0] };

function sp500(): FixtureBar[] {
  return readFileSync(csvPath, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [date, open, high, low, close, , volume] = line.split(",");
      return [Date.parse(date!), ...[open, high, low, close, volume].map(Number)] as unknown as FixtureBar;
    });
}

const caller: Caller = { principalId: "u", kind: "user", tenantId, role: "viewer", requestId: "r" };
const request = new Request("http://localhost/");

beforeAll(async () => {
  const fixture = await backtestFixture({ now });
  opened.push(fixture.close);
  const { db } = fixture;
  ({ deps } = fixture);
  await putBars(db, { instrumentId: "SPX.INDEX", name: "S&P 500", assetClass: "index" }, "1d", sp500());
  run = async (payload, jobId = newId(now())) => {
    const result = await runBacktest(
      deps,
      BacktestPayload.parse(payload),
      fixtureContext(db, { tenantId, jobId, now }),
    );
    return backtest.result.parse(result);
  };
});

afterAll(async () => {
  for (const close of opened) await close();
});

const crossover = {
  instrumentId: "SPX",
  strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 50, slow: 200 } },
  costs: { feeBps: 5, slippageBps: 2 },
};

describe("a backtest job", () => {
  test("runs a 50/200 crossover on the S&P 500 and stores what it found", async () => {
    const result = await run(crossover);
    expect(result.instrumentId).toBe("SPX.INDEX");
    expect(result.tradeCount).toBeGreaterThan(5);
    expect(result.neverTraded).toBeNull();
    // Money in = money out: every trade's profit and nothing else moved the equity.
    const { items } = await backtestRouteHandlers.listBacktestTrades(
      deps,
      { params: { id: result.runId }, query: { limit: 200 }, body: undefined, request },
      caller,
    );
    expect(items).toHaveLength(result.tradeCount);
    const profit = items.reduce((sum, trade) => sum + trade.profit, 0);
    expect(result.statistics.finalEquity).toBeCloseTo(100_000 + profit, 6);
  });

  test("the stored run: statistics, equity curve, trades and evidence agree with each other", async () => {
    const result = await run(crossover);
    const params = { id: result.runId };
    const stored = await backtestRouteHandlers.getBacktest(
      deps,
      { params, query: undefined, body: undefined, request },
      caller,
    );
    expect(stored.result).toEqual(result);
    const all = await backtestRouteHandlers.getBacktestEquity(
      deps,
      { params, query: { points: 20_000 }, body: undefined, request },
      caller,
    );
    expect(all).toMatchObject({ bars: result.bars, downsampled: false });
    expect(all.points.at(-1)!.equity).toBe(result.statistics.finalEquity);
    expect(all.points.at(-1)!.benchmark).toBe(result.benchmark.finalEquity);
    expect(Math.max(...all.points.map((point) => point.drawdown))).toBe(result.statistics.maxDrawdown);
    const few = await backtestRouteHandlers.getBacktestEquity(
      deps,
      { params, query: { points: 300 }, body: undefined, request },
      caller,
    );
    expect(few.points.length).toBeLessThanOrEqual(300);
    expect(few.downsampled).toBe(true);
    const most = (points: Array<{ equity: number }>) => Math.max(...points.map((point) => point.equity));
    expect(most(few.points)).toBe(most(all.points));
    const sharpe = await deps.evidence.get(tenantId, result.evidence["/statistics/sharpe"]!);
    expect(sharpe.item).toMatchObject({
      kind: "job",
      pointer: "/statistics/sharpe",
      value: result.statistics.sharpe,
    });
    expect(result.evidenceIds).toHaveLength(new Set(result.evidenceIds).size);
  });

  test("the benchmark is buy and hold to the cent", async () => {
    const result = await run(crossover);
    const bars = sp500();
    const price = bars[1]![1] * 1.0002;
    const units = 100_000 / (price * 1.0005);
    expect(result.benchmark.finalEquity).toBeCloseTo(units * bars.at(-1)![4], 6);
    const held = await run({ ...crossover, strategy: { kind: "builtIn", name: "buyAndHold" } });
    expect(held.statistics).toEqual(result.benchmark);
  });

  test("the same job again gives the same bytes and doubles nothing", async () => {
    const jobId = newId(now());
    const first = await run(crossover, jobId);
    const second = await run(crossover, jobId);
    expect(second).toEqual(first);
    const rows = await deps.db
      .selectFrom("backtestTrades")
      .select("number")
      .where("runId", "=", jobId)
      .execute();
    expect(rows).toHaveLength(first.tradeCount);
  });

  test("the content address: the same for the same data under another name, another for any other setting", async () => {
    const scope = { tenantId, nowMs: now(), signal: new AbortController().signal };
    const resolve = (payload: object) =>
      runBacktest.resolveInputs(deps, BacktestPayload.parse(payload), scope);
    const first = await resolve(crossover);
    expect(await resolve({ ...crossover, instrumentId: "SPX.INDEX" })).toEqual(first);
    expect(first.hashes).toEqual([(await run(crossover)).datasetHash]);
    expect((await resolve({ ...crossover, costs: { feeBps: 6, slippageBps: 2 } })).payload).not.toEqual(
      first.payload,
    );
    expect((await resolve({ ...crossover, toMs: "2019-01-01" })).hashes).not.toEqual(first.hashes);
  });

  test("trades and equity as CSV", async () => {
    const result = await run(crossover);
    const input = { params: { id: result.runId }, query: undefined, body: undefined, request };
    const trades = await (await reportRouteHandlers.downloadBacktestTrades(deps, input, caller)).text();
    expect(trades.trim().split("\n")).toHaveLength(result.tradeCount + 1);
    expect(trades).toMatch(/^number,side,quantity,entryMs,/);
    const equity = await (await reportRouteHandlers.downloadBacktestEquity(deps, input, caller)).text();
    const lines = equity.trim().split("\n");
    expect(lines).toHaveLength(result.bars + 1);
    expect(Number(lines.at(-1)!.split(",")[1])).toBe(result.statistics.finalEquity);
  });

  test("lists runs page by page, and not another tenant's", async () => {
    const page = await backtestRouteHandlers.listBacktests(
      deps,
      { params: undefined, query: { limit: 2 }, body: undefined, request },
      caller,
    );
    expect(page.items).toHaveLength(2);
    const next = await backtestRouteHandlers.listBacktests(
      deps,
      { params: undefined, query: { limit: 2, cursor: page.nextCursor! }, body: undefined, request },
      caller,
    );
    expect(next.items[0]!.id < page.items[1]!.id).toBe(true);
    const stranger = { ...caller, tenantId: newId(0) };
    const theirs = await backtestRouteHandlers.listBacktests(
      deps,
      { params: undefined, query: { limit: 2 }, body: undefined, request },
      stranger,
    );
    expect(theirs).toEqual({ items: [], nextCursor: null });
    const params = { id: page.items[0]!.id };
    await expect(
      backtestRouteHandlers.getBacktest(
        deps,
        { params, query: undefined, body: undefined, request },
        stranger,
      ),
    ).rejects.toMatchObject({ code: "resource.unknown" });
  });

  test("a cancelled job stops and stores nothing", async () => {
    const jobId = newId(now());
    const controller = new AbortController();
    const ctx = fixtureContext<never>(deps.db, { tenantId, jobId, now, signal: controller.signal });
    const progress = ctx.progress;
    ctx.progress = (value) => {
      progress(value);
      controller.abort(new Error("cancelled"));
    };
    await expect(runBacktest(deps, BacktestPayload.parse(crossover), ctx)).rejects.toThrow("cancelled");
    expect(await deps.db.selectFrom("backtestRuns").select("id").where("id", "=", jobId).execute()).toEqual(
      [],
    );
  });
});

const rules = (entry: string, extra: object = {}) => ({
  instrumentId: "SPX.INDEX",
  strategy: { kind: "rules", entry, ...extra },
});

describe("rules", () => {
  test("side both is the long run and the short run in one position", async () => {
    const both = await run(
      rules("crossover(sma(close, 20), sma(close, 50))", {
        exit: "crossunder(sma(close, 20), sma(close, 50))",
        side: "both",
      }),
    );
    const { items } = await backtestRouteHandlers.listBacktestTrades(
      deps,
      { params: { id: both.runId }, query: { limit: 200 }, body: undefined, request },
      caller,
    );
    const sides = items.map((trade) => trade.side);
    expect(new Set(sides)).toEqual(new Set(["long", "short"]));
    for (let k = 1; k < items.length; k++) {
      expect(sides[k]).not.toBe(sides[k - 1]);
      expect(items[k]!.entryMs).toBe(items[k - 1]!.exitMs);
    }
  });

  test("puts the tenant's saved formulas into its rules, and shows them whole", async () => {
    await deps.db
      .insertInto("savedFormulas")
      .values({
        tenantId,
        name: "above",
        params: JSON.stringify([{ name: "n", default: "200" }]),
        formula: "close > sma(close, n)",
        meaning: "",
        savedBy: tenantId,
        createdMs: 0,
        updatedMs: 0,
      })
      .execute();
    const named = await run(rules("above(50)"));
    expect(named.strategy.formulas).toMatchObject({ entry: "close > sma(close, 50)" });
    const whole = await run(rules("close > sma(close, 50)"));
    expect(named.tradeCount).toBeGreaterThan(0);
    expect(named.tradeCount).toBe(whole.tradeCount);
  });

  test("reads another instrument and a higher timeframe", async () => {
    await putBars(
      deps.db,
      { instrumentId: "FLAT.TEST" },
      "1d",
      sp500().map(([openMs]) => [openMs, 5, 5, 5, 5, 1] as const),
    );
    const result = await run(rules('close["FLAT.TEST"] > 4 and close > sma(close, 10, timeframe: "1w")'));
    expect(result.tradeCount).toBeGreaterThan(0);
  });

  test.each([
    [
      "names the part that was never true",
      rules("rsi(close, 14) < 1 and close > 0"),
      "its part rsi(close, 14) < 1 was true at none",
    ],
    ["says that the whole was never true", rules("close < 0"), "entry (close < 0) was true at none of"],
    [
      "names what has no value",
      rules("log(0 - close) > 0 and close > 0"),
      "closes: log(0 - close) has no value (NaN) at any of them.",
    ],
    [
      "says that the parts never met",
      rules("close > 3000 and close < 1000"),
      "but never all at the same close",
    ],
    [
      "says that the cash did not pay",
      { ...rules("close > 0"), sizing: { kind: "fixedQuantity", quantity: "1000000" } },
      "because the cash did not pay",
    ],
    [
      "says that the lots were too large",
      { ...rules("close > 0"), lotSize: "1000" },
      "rounds down to zero lots",
    ],
    [
      "says that the last bar has no next",
      rules("close > 0", { side: "long" }),
      "after which there is no open to fill at",
    ],
  ])("a run without a trade %s", async (name, payload, why) => {
    const last = name.includes("last bar");
    const bars = sp500();
    const result = await run(
      last
        ? {
            ...payload,
            strategy: { ...payload.strategy, entry: `close == ${bars[9]![4]}` },
            fromMs: bars[0]![0],
            toMs: bars[10]![0],
          }
        : payload,
    );
    expect(result.tradeCount).toBe(0);
    expect(result.neverTraded).toContain(why);
    expect(result.statistics).toMatchObject({ totalReturn: 0, exposure: 0, winRate: null });
  });

  test.each([
    ["an unknown name", rules("smaa(close, 3) > 1"), "formula.invalid", "did you mean sma"],
    ["a series for a condition", rules("sma(close, 3)"), "formula.invalid", "expected a condition"],
    ["the future", rules("lag(close, -1) > close"), "formula.invalid", "column"],
    [
      "data shorter than the warm-up",
      { ...rules("close > sma(close, 200)"), toMs: "2000-03-01" },
      "data.missing",
      "needs at least",
    ],
    [
      "an instrument that is not there",
      { ...rules("close > 0"), instrumentId: "NOPE" },
      "symbol.unknown",
      "NOPE",
    ],
    [
      "an unknown built-in",
      { instrumentId: "SPX", strategy: { kind: "builtIn", name: "magic" } },
      "payload.invalid",
      "there are buyAndHold",
    ],
    [
      "a built-in's parameter out of range",
      { instrumentId: "SPX", strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 300 } } },
      "payload.invalid",
      "fast must be below slow",
    ],
    [
      "a short condition on a long strategy",
      rules("close > 0", { shortEntry: "close < 0" }),
      "payload.invalid",
      "side",
    ],
    ["no cash", { ...rules("close > 0"), initialCash: "0" }, "payload.invalid", "initialCash"],
  ])("refuses %s in one line", async (_name, payload, code, text) => {
    const error: unknown = await run(payload).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(text);
  });

  test.each([
    ["raw", true],
    ["split", false],
  ])("a split in prices %s is told: %s", async (adjustment, told) => {
    const instrumentId = `SPLIT${adjustment.toUpperCase()}.TEST`;
    // Two for one on the twentieth day.
    const level = (i: number) => (i < 20 ? 100 : 50);
    const split = Array.from({ length: 60 }, (_, i): FixtureBar => {
      const price = level(i) + (i % 5);
      return [i * 86_400_000, price, price + 1, price - 1, price, 1_000];
    });
    await putBars(deps.db, { instrumentId }, "1d", split);
    const result = await run({ ...rules("close > sma(close, 3)"), instrumentId, adjustment });
    const warning = result.warnings.find((text) => text.includes("split"));
    expect(warning !== undefined).toBe(told);
    if (told) expect(warning).toContain("1 close is about half or twice the one before, on 1970-01-22");
    expect(result.assumptions.join(" ")).toContain("rounded to no tick");
  });

  test("adding later bars changes no earlier fill", async () => {
    const early = await run({ ...crossover, toMs: "2012-01-01" });
    const late = await run(crossover);
    const trades = async (id: string) =>
      (
        await backtestRouteHandlers.listBacktestTrades(
          deps,
          { params: { id }, query: { limit: 200 }, body: undefined, request },
          caller,
        )
      ).items;
    const before = (await trades(early.runId)).filter((trade) => trade.exitMs !== null);
    expect((await trades(late.runId)).slice(0, before.length)).toEqual(before);
    expect(before.length).toBeGreaterThan(2);
  });
});
