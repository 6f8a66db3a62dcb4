import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backtestFixture } from "../backtest.fixture.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { backtestRouteHandlers } from "../read.ts";
import { portfolioBacktest, PortfolioBacktestPayload } from "./contract.ts";
import { portfolioRouteHandlers } from "./read.ts";
import { runPortfolioBacktest } from "./run.ts";

const tenantId = newId(0);
const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
const opened: Array<() => Promise<void>> = [];
let deps: Parameters<typeof runPortfolioBacktest>[0];
let reads: typeof deps & { db: Parameters<typeof putBars>[0] };
const caller: Caller = { principalId: "u", kind: "user", tenantId, role: "viewer", requestId: "r" };
const request = new Request("http://localhost/");

/** A wave of its own period, so that leaders change. */
const wave = (period: number, level: number): FixtureBar[] =>
  Array.from({ length: 300 }, (_, i) => {
    const close = level * (1 + i / 1_000 + 0.1 * Math.sin(i / period));
    return [i * dayMs, close * 0.999, close * 1.01, close * 0.99, close, 10_000] as const;
  });

beforeAll(async () => {
  const fixture = await backtestFixture({ now });
  opened.push(fixture.close);
  const { db } = fixture;
  ({ deps } = fixture);
  reads = { ...deps, db };
  await putBars(db, { instrumentId: "A.TEST", lotSize: "1" }, "1d", wave(11, 100));
  await putBars(db, { instrumentId: "B.TEST" }, "1d", wave(17, 40));
  await putBars(db, { instrumentId: "D.TEST" }, "1d", wave(13, 60));
  await putBars(db, { instrumentId: "C.TEST", currency: "EUR" }, "1d", wave(23, 10));
  await putBars(
    db,
    { instrumentId: "EURUSD.TEST", assetClass: "fx" },
    "1d",
    wave(31, 1.1).map(([at, o, h, l, c, v]) => [at - dayMs, o, h, l, c, v] as const),
  );
});

afterAll(async () => {
  for (const close of opened) await close();
});

async function run(payload: object, signal?: AbortSignal, jobId?: string) {
  const ctx = fixtureContext<never>(reads.db, {
    tenantId,
    now,
    ...(signal === undefined ? {} : { signal }),
    ...(jobId === undefined ? {} : { jobId }),
  });
  const result = await runPortfolioBacktest(deps, PortfolioBacktestPayload.parse(payload), ctx);
  return { result: portfolioBacktest.result.parse(result), ctx };
}

const rotation = {
  instruments: ["A.TEST", "B.TEST", "C.TEST"],
  strategy: { name: "momentumRotation", params: { window: 20, hold: 1, every: 5 } },
  rates: { EUR: "EURUSD.TEST" },
  costs: { takerBps: 5, minFee: 1, spreadBps: 2, conversionBps: 3, debitRate: 0.05 },
};

test("rotates over three instruments in two currencies, and the books agree", async () => {
  const { result, ctx } = await run(rotation);
  expect(result.instruments.map((one) => one.instrumentId)).toEqual(["A.TEST", "B.TEST", "C.TEST"]);
  expect(result.roundTrips).toBeGreaterThan(10);
  expect(result.fillCount).toBeGreaterThanOrEqual(result.roundTrips);
  expect(Number(result.ledgerGap)).toBeLessThanOrEqual(result.ledgerBound);
  expect(result.ledgerBound).toBeLessThan(0.005);
  expect(result.statistics.finalEquity).toBe(result.curve.at(-1)!.equity);
  expect(result.statistics.feesPaid).toBeGreaterThan(result.fillCount * 0.9);
  expect(Number.isInteger(result.instruments[0]!.position)).toBe(true);
  expect(result.benchmark.trades).toBe(3);
  expect(ctx.inputs).toHaveLength(4);
});

test.each(["reduce", "reject"])(
  "the benchmark invests all cash, fees inside, where a short order is to %s",
  async (shortfall) => {
    const instruments = ["B.TEST", "D.TEST"];
    const strategy = { name: "twapEntry", params: { slices: 1 } };
    const { result } = await run({
      instruments,
      strategy,
      shortfall,
      costs: { takerBps: 100, makerBps: 100, slippage: { kind: "fixed", bps: 0 }, spreadBps: 0 },
    });
    // Half of the cash each, at the second open, with 1 % of fees inside; worth the last close.
    const grown = [wave(17, 40), wave(13, 60)].map((bars) => bars.at(-1)![4] / (bars[1]![1] * 1.01));
    const cash = 100_000;
    expect(result.curve[0]!.benchmark).toBe(cash);
    expect(result.benchmark.finalEquity).toBeCloseTo((cash / 2) * (grown[0]! + grown[1]!), 4);
  },
);

test("the order of the instruments changes nothing", async () => {
  const jobId = newId(now());
  const forward = await run(rotation, undefined, jobId);
  const instruments = rotation.instruments.toReversed();
  const backward = await run({ ...rotation, instruments, baseCurrency: "USD" }, undefined, jobId);
  expect({ ...backward.result, evidenceIds: [] }).toEqual({ ...forward.result, evidenceIds: [] });
});

test("ten units and a contract of ten are worth the same, and traded for the same", async () => {
  const terms = {
    instruments: ["B.TEST"],
    strategy: {
      kind: "rules",
      entry: "crossover(close, sma(close, 5))",
      exit: "crossunder(close, sma(close, 5))",
    },
    costs: { takerBps: 20, spreadBps: 4 },
  };
  const units = await run({ ...terms, sizing: { kind: "fixedQuantity", quantity: "250" } });
  const contracts = await run({
    ...terms,
    sizing: { kind: "fixedQuantity", quantity: "25" },
    multipliers: { "B.TEST": 10 },
  });
  expect(contracts.result.roundTrips).toBeGreaterThan(1);
  for (const figures of ["statistics", "benchmark"] as const) {
    const [mine, theirs] = [contracts.result[figures], units.result[figures]];
    for (const name of ["finalEquity", "turnover", "feesPaid", "slippagePaid", "expectancy"] as const) {
      expect(mine[name], name).toBeCloseTo(theirs[name]!, 6);
    }
  }
});

test("a job that is killed before its run is stored begins again, ends as it would have, and is one run", async () => {
  const jobId = newId(now());
  const killed = new AbortController();
  const ctx = fixtureContext<{ phase: string }>(reads.db, { tenantId, now, jobId, signal: killed.signal });
  const cut = {
    ...ctx,
    progress: (progress: { phase: string }) => {
      if (progress.phase === "report") killed.abort(new Error("killed"));
      ctx.progress(progress);
    },
  };
  const payload = PortfolioBacktestPayload.parse(rotation);
  await expect(runPortfolioBacktest(deps, payload, cut as never)).rejects.toThrow("killed");
  const again = await run(rotation, undefined, jobId);
  const whole = await run(rotation);
  expect(again.result.fillsHash).toBe(whole.result.fillsHash);
  expect(again.result.statistics).toEqual(whole.result.statistics);
  const stored = await reads.db.selectFrom("backtestRuns").select("id").where("jobId", "=", jobId).execute();
  expect(stored).toEqual([{ id: jobId }]);
});

test("a cap on volume leaves orders partly filled for later bars", async () => {
  const free = await run({ ...rotation, initialCash: "1000000" });
  const capped = await run({
    ...rotation,
    initialCash: "1000000",
    costs: { ...rotation.costs, volumeShare: 0.05 },
  });
  expect(capped.result.fillCount).toBeGreaterThan(free.result.fillCount);
});

test.each([
  ["a currency without rates", { ...rotation, rates: {} }, "payload.invalid", "rates.EUR"],
  [
    "a multiplier of another instrument",
    { ...rotation, multipliers: { "X.TEST": 10 } },
    "payload.invalid",
    "multipliers: X.TEST",
  ],
  [
    "an unknown strategy",
    { ...rotation, strategy: { name: "magic" } },
    "payload.invalid",
    "there are equalWeight",
  ],
  [
    "an instrument that is not there",
    { ...rotation, instruments: ["A.TEST", "NOPE"] },
    "symbol.unknown",
    "NOPE",
  ],
  [
    "one instrument twice",
    { ...rotation, instruments: ["A.TEST", "A.TEST"] },
    "payload.invalid",
    "given twice",
  ],
  ["no cash", { ...rotation, initialCash: "0" }, "payload.invalid", "initialCash"],
])("refuses %s", async (_name, payload, code, text) => {
  await expect(run(payload)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
});

const listed = { limit: 200 };
const input = (id: string) => ({ params: { id }, query: listed, body: undefined, request });
const plainInput = (id: string) => ({ ...input(id), query: undefined });

describe("a run that is stored", () => {
  test("is read back with its equity, trades, fills, orders and evidence", async () => {
    const { result } = await run(rotation);
    const stored = await portfolioRouteHandlers.getPortfolioBacktest(reads, plainInput(result.runId), caller);
    expect(stored.result).toEqual(result);
    const equity = await backtestRouteHandlers.getBacktestEquity(
      reads,
      { ...input(result.runId), query: { points: 20_000 } },
      caller,
    );
    expect(equity.bars).toBe(result.instants);
    expect(equity.points.at(-1)!.equity).toBe(result.statistics.finalEquity);
    const { items: trades } = await backtestRouteHandlers.listBacktestTrades(
      reads,
      input(result.runId),
      caller,
    );
    expect(trades).toHaveLength(result.roundTrips);
    const byInstrument = result.instruments.map((one) =>
      trades.filter((trade) => trade.instrumentId === one.instrumentId).reduce((sum, t) => sum + t.profit, 0),
    );
    byInstrument.forEach((profit, k) => expect(profit).toBeCloseTo(result.instruments[k]!.profit, 8));
    const fills = await backtestRouteHandlers.listBacktestFills(reads, input(result.runId), caller);
    expect(fills.items).toHaveLength(Math.min(200, result.fillCount));
    const orders = await backtestRouteHandlers.listBacktestOrders(reads, input(result.runId), caller);
    expect(orders.items).toHaveLength(Math.min(200, result.orderCount));
    expect(new Set(orders.items.map((order) => order.instrumentId))).toEqual(
      new Set(["A.TEST", "B.TEST", "C.TEST"]),
    );
    const evidence = await deps.evidence.get(tenantId, result.evidence["/statistics/totalReturn"]!);
    expect(evidence.item).toMatchObject({ kind: "job", value: result.statistics.totalReturn });
    await expect(
      backtestRouteHandlers.getBacktest(reads, plainInput(result.runId), caller),
    ).rejects.toMatchObject({ code: "resource.unknown" });
    const page = await backtestRouteHandlers.listBacktests(
      reads,
      { ...input(""), params: undefined },
      caller,
    );
    expect(page.items[0]).toMatchObject({ kind: "portfolio", id: result.runId, trades: result.roundTrips });
  });

  test("a second attempt gives the same bytes and doubles nothing", async () => {
    const jobId = newId(now());
    const first = await run(rotation, undefined, jobId);
    const second = await run(rotation, undefined, jobId);
    expect(second.result).toEqual(first.result);
    const { items } = await backtestRouteHandlers.listBacktestTrades(reads, input(jobId), caller);
    expect(items).toHaveLength(first.result.roundTrips);
  });

  test("a cancelled one stores nothing", async () => {
    const jobId = newId(now());
    await expect(run(rotation, AbortSignal.abort(new Error("cancelled")), jobId)).rejects.toThrow(
      "cancelled",
    );
    await expect(
      portfolioRouteHandlers.getPortfolioBacktest(reads, plainInput(jobId), caller),
    ).rejects.toMatchObject({ code: "resource.unknown" });
  });
});

const dips = {
  instruments: ["A.TEST", "B.TEST"],
  strategy: {
    kind: "rules",
    entry: "crossunder(close, sma(close, 10))",
    exit: "crossover(close, sma(close, 10))",
  },
  sizing: { kind: "fractionOfEquity", fraction: 0.4 },
};

describe("rules over several instruments", () => {
  test("each instrument by itself, with exits and sizes of the catalogue", async () => {
    const { result } = await run({ ...dips, protection: { chandelier: { length: 5, multiple: 2 } } });
    expect(result.instruments.every((one) => one.roundTrips > 1)).toBe(true);
    expect(result.conditions.map(({ name }) => name)).toEqual(["entry", "exit"]);
    expect(result.conditions[0]!.trueBars).toBeGreaterThanOrEqual(result.roundTrips);
  });

  test("a single-instrument built-in works on each", async () => {
    const { result } = await run({
      ...dips,
      strategy: { name: "maCrossover", params: { fast: 3, slow: 8, average: "ema" } },
    });
    expect(result.title).toBe("EMA crossover 3/8");
    expect(result.roundTrips).toBeGreaterThan(5);
  });

  test("a universe lets in what ranks first, and nothing else", async () => {
    const rankBy = "close / lag(close, 5)";
    const { result } = await run({
      ...dips,
      instruments: ["A.TEST", "B.TEST"],
      strategy: { kind: "rules", entry: "close > 0", exit: "close > 0" },
      universe: { rankBy, top: 1 },
    });
    const { items } = await backtestRouteHandlers.listBacktestTrades(reads, input(result.runId), caller);
    const closes = { "A.TEST": wave(11, 100), "B.TEST": wave(17, 40) };
    const rise = (id: "A.TEST" | "B.TEST", i: number) => closes[id][i]![4] / closes[id][i - 5]![4];
    expect(items.length).toBeGreaterThan(100);
    for (const trade of items) {
      const decided = trade.entryMs / dayMs - 1;
      const [own, other] =
        trade.instrumentId === "A.TEST" ? (["A.TEST", "B.TEST"] as const) : (["B.TEST", "A.TEST"] as const);
      expect(rise(own, decided)).toBeGreaterThan(rise(other, decided));
    }
  });

  test.each([
    ["where", { where: "close" }, "formula.invalid"],
    ["rankBy", { rankBy: "close > 1", top: 2 }, "formula.invalid"],
  ])("refuses a universe whose %s is of another type", async (_name, universe, code) => {
    await expect(run({ ...dips, universe })).rejects.toMatchObject({ code });
  });

  test("refuses a universe for a strategy that trades all", async () => {
    const strategy = { name: "pairsZScore" };
    await expect(run({ ...dips, strategy, universe: { where: "close > 1" } })).rejects.toMatchObject({
      code: "payload.invalid",
      message: expect.stringContaining("a universe is for rules and equalWeight"),
    });
  });
});

test.each([
  [
    "a window longer than the data",
    { ...rotation, strategy: { name: "momentumRotation", params: { window: 1_000 } } },
    "never placed an order",
  ],
  [
    "a condition that is never true",
    { ...dips, strategy: { kind: "rules", entry: "close < 0" } },
    "entry (close < 0) was true at none of 600 closes",
  ],
  [
    "a part of a condition that is never true",
    { ...dips, strategy: { kind: "rules", entry: "close > 0 and log(0 - close) > 0" } },
    "its part log(0 - close) > 0 was true at none of 600 closes: log(0 - close) has no value (NaN) at any of them.",
  ],
  [
    "a universe without members",
    { ...dips, universe: { where: "close < 0" } },
    "the universe left the instrument out",
  ],
  ["cash that pays for no lot", { ...dips, instruments: ["A.TEST"], initialCash: "10" }, "none was filled"],
])("says why nothing was traded: %s", async (_name, payload, why) => {
  const { result } = await run(payload);
  expect(result.roundTrips).toBe(0);
  expect(result.neverTraded).toContain(why);
});

test("refuses data shorter than the warm-up", async () => {
  const strategy = { kind: "rules", entry: "close > sma(close, 400)" };
  await expect(run({ ...dips, strategy })).rejects.toMatchObject({
    code: "data.missing",
    message: expect.stringContaining("has 300 bars here; the strategy needs at least"),
  });
});

describe("what happens to instruments", () => {
  const flat = (price: number, bars: number): FixtureBar[] =>
    Array.from({ length: bars }, (_, i) => [i * dayMs, price, price, price, price, 1_000] as const);
  const hold = {
    strategy: { name: "twapEntry", params: { slices: 1, invested: 0.8 } },
    costs: { takerBps: 0, slippage: { kind: "fixed", bps: 0 } },
  };

  beforeAll(async () => {
    const { db } = reads;
    // A split of 4 for 1 on day 50, a dividend of 1 a share on day 80.
    const traded = flat(400, 100).map(([at, ...prices], i) => {
      const scale = i < 50 ? 1 : 0.25;
      const [o, h, l, c, v] = prices.map((price, k) => (k < 4 ? price * scale : price));
      return [at, o!, h!, l!, c!, v!] as const;
    });
    await putBars(db, { instrumentId: "SPLIT.TEST" }, "1d", traded);
    const facts = { space: "shared", instrumentId: "SPLIT.TEST", revision: 1, visibleMs: 0, recordedMs: 0 };
    const none = { ratio: null, amount: null, currency: null, priceRatio: null, splitRatio: null };
    await db
      .insertInto("corporateActions")
      .values([
        { ...facts, ...none, exMs: 50 * dayMs, kind: "split", ratio: 4, jobId: newId(0) },
        { ...facts, ...none, exMs: 80 * dayMs, kind: "dividend", amount: 1, jobId: newId(0) },
      ])
      .execute();
    await putBars(db, { instrumentId: "GONE.TEST" }, "1d", flat(10, 60));
    await putBars(db, { instrumentId: "STAYS.TEST" }, "1d", flat(10, 100));
    await putBars(db, { instrumentId: "PERP.TEST", assetClass: "perpetual" }, "1d", flat(10, 31));
  });

  test("prices as traded: a split moves units, a dividend cash, and signals see neither", async () => {
    const { result } = await run({ ...hold, instruments: ["SPLIT.TEST"], adjustment: "raw" });
    // 80,000 at 400 buys 200, which become 800 and receive 1 each.
    expect(result.instruments[0]).toMatchObject({ position: 800, events: 2 });
    expect(result.dividends).toBe(800);
    expect(result.statistics.finalEquity).toBeCloseTo(100_800, 6);
    const falls = {
      instruments: ["SPLIT.TEST"],
      strategy: { kind: "rules", entry: "close < lag(close, 1) * 0.9" },
      adjustment: "raw",
    };
    expect((await run(falls)).result.neverTraded).toContain("true at none of 100 closes");
    expect(result.warnings.join(" ")).not.toContain("split");
  });

  test("adjusted prices give the same without events", async () => {
    const { result } = await run({ ...hold, instruments: ["SPLIT.TEST"], adjustment: "total" });
    expect(result.instruments[0]!.events).toBe(0);
    // The dividend is in the prices: 100 before day 80 was 99.
    expect(result.statistics.finalEquity).toBeCloseTo(20_000 + (80_000 * 100) / 99, 4);
  });

  test.each([
    ["close", 0, "delisted"],
    ["hold", 4_000, null],
  ] as const)("an instrument that ends early: %s", async (delisted, position, reason) => {
    const { result } = await run({ ...hold, instruments: ["GONE.TEST", "STAYS.TEST"], delisted });
    const gone = result.instruments.find((one) => one.instrumentId === "GONE.TEST")!;
    expect(gone).toMatchObject({ position, endedMs: 60 * dayMs });
    expect(result.warnings.join(" ")).toContain("Bars end before the run does: GONE.TEST on 1970-03-");
    const { items } = await backtestRouteHandlers.listBacktestTrades(reads, input(result.runId), caller);
    expect(items.find((trade) => trade.instrumentId === "GONE.TEST")!.exitReason).toBe(reason);
  });

  test("shares that all survived are a warning", async () => {
    const { result } = await run(rotation);
    expect(result.warnings.join(" ")).toContain("survivorship bias");
  });

  test("funding is paid by longs of perpetuals", async () => {
    const { result } = await run({
      ...hold,
      instruments: ["PERP.TEST"],
      funding: { rate: 0.001, everyHours: 24 },
    });
    // 8,000 units bought at day 1's open, when its funding is over; then 29 days of 8,000 × 10 × 0.001.
    expect(result.funding).toBeCloseTo(-29 * 80, 8);
    expect(result.statistics.finalEquity).toBeCloseTo(100_000 - 29 * 80, 6);
  });

  test("a module of the operator over several instruments", async () => {
    const { result } = await run({
      instruments: ["A.TEST", "B.TEST"],
      strategy: { kind: "module", name: "turnOfMonth" },
    });
    expect(result.module).toMatchObject({ name: "turnOfMonth" });
    expect(result.roundTrips).toBeGreaterThan(10);
    const { items } = await backtestRouteHandlers.listBacktestTrades(reads, input(result.runId), caller);
    for (const trade of items.filter((one) => one.exitMs !== null)) {
      // The data begins on the first of a month.
      expect(trade.entryMs === dayMs || new Date(trade.entryMs).getUTCDate() > 24).toBe(true);
      expect(new Date(trade.exitMs!).getUTCDate()).toBe(4);
    }
  });
});
