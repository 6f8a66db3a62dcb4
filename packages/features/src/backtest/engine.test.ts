import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { sp500Bars } from "@tapedeck/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backtestFixture } from "./backtest.fixture.ts";
import { fixtureContext, putBars } from "./books.fixture.ts";
import { backtest, BacktestPayload } from "./contract.ts";
import type { BacktestResult } from "./contract.ts";
import { createStrategyModules } from "./modules/folder.ts";
import { backtestRouteHandlers } from "./read.ts";
import { warningsOf } from "./report/documents/run.ts";
import { runBacktest } from "./run.ts";

/** Backtests that go through the engine with an order book. */
const tenantId = newId(0);
const now = () => Date.UTC(2026, 0, 2);
const hourMs = 3_600_000;
const caller: Caller = { principalId: "u", kind: "user", tenantId, role: "viewer", requestId: "r" };
const request = new Request("http://localhost/");
const opened: Array<() => Promise<void>> = [];
const dir = mkdtempSync(join(tmpdir(), "strategies-"));
let deps: Parameters<typeof runBacktest>[0] & { db: Parameters<typeof putBars>[0] };

beforeAll(async () => {
  const fixture = await backtestFixture({ now });
  opened.push(fixture.close);
  const { db } = fixture;
  ({ deps } = fixture);
  const rows = (await sp500Bars()).slice(0, 1_500);
  const bars = rows.map((bar) => [bar.openMs, bar.open, bar.high, bar.low, bar.close, bar.volume] as const);
  await putBars(db, { instrumentId: "SPX.INDEX", assetClass: "index" }, "1d", bars);
  // Each day as two halves: to its low first on even days, to its high first on odd ones.
  await putBars(
    db,
    { instrumentId: "SPX.INDEX" },
    "12h",
    bars.flatMap(([openMs, open, high, low, close, volume], i) => {
      const middle = (open + close) / 2;
      const early =
        i % 2 === 0 ? { high: Math.max(open, middle), low } : { high, low: Math.min(open, middle) };
      const late =
        i % 2 === 0 ? { high, low: Math.min(close, middle) } : { high: Math.max(close, middle), low };
      return [
        [openMs, open, early.high, early.low, middle, volume / 2] as const,
        [openMs + 12 * hourMs, middle, late.high, late.low, close, volume / 2] as const,
      ];
    }),
  );
});

afterAll(async () => {
  for (const close of opened) await close();
});

async function run(given: object, jobId = newId(now()), using = deps): Promise<BacktestResult> {
  const payload = BacktestPayload.parse({ instrumentId: "SPX.INDEX", ...given });
  return backtest.result.parse(
    await runBacktest(using, payload, fixtureContext(deps.db, { tenantId, jobId, now })),
  );
}

async function tradesOf(id: string) {
  const query = { limit: 200 };
  const input = { params: { id }, query, body: undefined, request };
  return (await backtestRouteHandlers.listBacktestTrades(deps, input, caller)).items;
}

async function ordersOf(id: string) {
  const query = { limit: 200 };
  const input = { params: { id }, query, body: undefined, request };
  return (await backtestRouteHandlers.listBacktestOrders(deps, input, caller)).items;
}

const crossover = {
  strategy: {
    kind: "rules",
    entry: "crossover(close, sma(close, 20))",
    exit: "crossunder(close, sma(close, 20))",
  },
};
const bracketed = { ...crossover, protection: { stopLoss: 0.005, takeProfit: 0.006 } };

describe("one strategy through both engines", () => {
  test.each([
    ["rules alone", crossover],
    ["with stop, target and age", { ...bracketed, protection: { ...bracketed.protection, maxBars: 12 } }],
    [
      "with lots and a fixed sum",
      { ...crossover, sizing: { kind: "fixedCash", amount: "50000" }, lotSize: "1" },
    ],
  ])("%s: the same trades", async (_name, payload) => {
    const fast = await run(payload);
    // A chandelier that is never reached: only the engine knows it.
    const wide = { chandelier: { length: 20, multiple: 100 } };
    const protection = "protection" in payload ? { ...payload.protection, ...wide } : wide;
    const event = await run({ ...payload, protection });
    expect([fast.engine, event.engine]).toEqual(["fast", "event"]);
    expect(fast.tradeCount).toBeGreaterThan(30);
    const [quick, full] = await Promise.all([tradesOf(fast.runId), tradesOf(event.runId)]);
    // The engine waits until the range has a value.
    const later = quick.filter((trade) => trade.entryMs >= full[0]!.entryMs);
    expect(later.length).toBeGreaterThan(quick.length - 3);
    const shape = (trade: (typeof quick)[number]) => [
      trade.entryMs,
      trade.exitMs,
      trade.exitReason,
      trade.entryPrice,
      trade.exitPrice,
    ];
    expect(full.map(shape)).toEqual(later.map(shape));
  });
});

describe("what comes first inside a bar", () => {
  test("is said, and counted, and decided by finer bars where there are some", async () => {
    const pessimistic = await run(bracketed);
    const optimistic = await run({ ...bracketed, innerPath: "optimistic" });
    const finer = await run({ ...bracketed, innerPath: { timeframe: "12h" } });
    expect(pessimistic.innerPath).toMatchObject({ rule: "pessimistic", timeframe: null, assumedBars: 0 });
    expect(pessimistic.innerPath!.pathDependent).toBeGreaterThan(3);
    expect(optimistic.innerPath!.pathDependent).toBe(pessimistic.innerPath!.pathDependent);
    expect(finer.innerPath).toMatchObject({ rule: "finer", timeframe: "12h", assumedBars: 0 });
    expect(finer.innerPath!.pathDependent).toBeLessThan(pessimistic.innerPath!.pathDependent);
    const [low, middle, high] = [pessimistic, finer, optimistic].map((one) => one.statistics.finalEquity);
    expect(low).toBeLessThan(middle!);
    expect(middle).toBeLessThan(high!);
    expect(pessimistic.warnings.join(" ")).toContain("depends on what is assumed to come first");
    expect(finer.assumptions.join(" ")).toContain("the bars of 12h decide what came first");
  });

  test.each([
    ["1w", "payload.invalid", "name a shorter timeframe"],
    ["1h", "data.missing", "There are no 1h bars"],
  ])("by bars of %s is refused", async (timeframe, code, text) => {
    await expect(run({ ...bracketed, innerPath: { timeframe } })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
  });
});

describe("sizes and exits", () => {
  test("a fraction at risk loses that fraction at its stop", async () => {
    const result = await run({
      ...crossover,
      sizing: { kind: "fixedFractional", fraction: 0.01 },
      protection: { stopLoss: 0.02 },
      costs: { feeBps: 0, slippageBps: 0 },
    });
    const stopped = (await tradesOf(result.runId)).filter((trade) => trade.exitReason === "stop");
    expect(stopped.length).toBeGreaterThan(3);
    // The open differs from the close at which it was sized.
    for (const trade of stopped) expect(trade.profit / 100_000).toBeLessThan(-0.007);
    for (const trade of stopped) expect(trade.profit / 100_000).toBeGreaterThan(-0.013);
  });

  test("refuses a fraction at risk without a stop", async () => {
    await expect(
      run({ ...crossover, sizing: { kind: "fixedFractional", fraction: 0.01 } }),
    ).rejects.toMatchObject({
      code: "payload.invalid",
      message: expect.stringContaining("give the protection a stop"),
    });
  });

  test("the formulas of exits count for the warm-up", async () => {
    const result = await run({ ...crossover, protection: { atrStop: { length: 300, multiple: 3 } } });
    expect(result.warmupBars).toBeGreaterThanOrEqual(300);
  });

  test("the orders of a run: entries decided, stops by the engine, each with its end", async () => {
    const result = await run({ ...crossover, protection: { chandelier: { length: 10, multiple: 3 } } });
    const orders = await ordersOf(result.runId);
    expect(orders[0]).toMatchObject({
      number: 1,
      type: "market",
      side: "buy",
      status: "filled",
      decided: true,
    });
    expect(orders[1]).toMatchObject({ type: "stop", side: "sell", decided: false });
    expect(new Set(orders.map((order) => order.status))).toEqual(new Set(["filled", "cancelled"]));
    const fast = await run(crossover);
    await expect(ordersOf(fast.runId)).rejects.toMatchObject({ code: "data.missing" });
  });
});

describe("strategy modules", () => {
  const module = {
    strategy: { kind: "module", name: "volatilityBreakout" },
    costs: { feeBps: 5, slippageBps: 2 },
  };

  test("run like any strategy; the file's hash decides about reuse", async () => {
    const result = await run(module);
    expect(result.engine).toBe("event");
    expect(result.tradeCount).toBeGreaterThan(20);
    expect(result.strategy.formulas).toEqual({ "value(0)": "atr(20)", "value(1)": "sma(close, 20)" });
    const trades = await tradesOf(result.runId);
    expect(new Set(trades.map((trade) => trade.exitReason))).toContain("stop");
    const profit = trades.reduce((sum, trade) => sum + trade.profit, 0);
    expect(result.statistics.finalEquity).toBeCloseTo(100_000 + profit, 6);
    expect(Number(result.ledgerGap)).toBeLessThan(0.005);
    const scope = { tenantId, signal: new AbortController().signal, nowMs: now() };
    const payload = BacktestPayload.parse({ instrumentId: "SPX.INDEX", ...module });
    const inputs = await runBacktest.resolveInputs(deps, payload, scope);
    expect(inputs.hashes).toEqual([result.datasetHash, result.module!.hash]);
  });

  test("are listed with the built-ins, those that cannot be used with the reason", async () => {
    writeFileSync(join(dir, "broken.ts"), "export default 1;");
    const { items } = await backtestRouteHandlers.listStrategies(deps);
    expect(items.filter((one) => one.kind === "module").map((one) => one.name)).toEqual([
      "turnOfMonth",
      "volatilityBreakout",
    ]);
    expect(items.map((one) => one.kind)).toContain("portfolio");
    const other = { ...deps, strategies: createStrategyModules({ dir }) };
    const { broken } = await backtestRouteHandlers.listStrategies(other);
    expect(broken).toMatchObject([{ name: "broken", reason: expect.stringContaining("default export") }]);
  });

  test("that fails ends the job with an error, and what it had done can be read", async () => {
    writeFileSync(
      join(dir, "late.ts"),
      `import { defineStrategy } from "@tapedeck/trading";
export default defineStrategy({
  title: "Late", meaning: "", params: [], instruments: [1, 1],
  create: () => ({
    name: "Late", features: [],
    decide(context) {
      if (context.bars() % 50 === 0) context.target(context.position() > 0 ? 0 : 10);
      if (context.bars() === 777) throw new Error("out of ideas");
    },
  }),
});
`,
    );
    const jobId = newId(now());
    const using = { ...deps, strategies: createStrategyModules({ dir }) };
    const failed = run({ strategy: { kind: "module", name: "late" } }, jobId, using);
    await expect(failed).rejects.toMatchObject({
      code: "strategy.failed",
      details: { runId: jobId, module: "late" },
      message: expect.stringMatching(
        /^strategies\/late\.ts at the close of 2003-02-\d\dT.*: out of ideas\. What it had done/,
      ),
    });
    const input = { params: { id: jobId }, query: undefined, body: undefined, request };
    const { result } = await backtestRouteHandlers.getBacktest(deps, input, caller);
    expect(result.failure!.message).toContain("out of ideas");
    expect(result.bars).toBe(777);
    const stopped = warningsOf(result).filter((warning) => warning.includes("out of ideas"));
    expect(stopped).toEqual([expect.stringMatching(/^The strategy was stopped at .*: out of ideas\. What/)]);
    expect(await tradesOf(jobId)).toHaveLength(8);
  });

  test.each([
    ["nothing", {}, "never placed an order"],
    [
      "an order that is never reached",
      { order: "{ side: 'buy', type: 'limit', limitPrice: 1, quantity: 1 }" },
      "1 order was placed and none was filled: 1 still waiting at the end",
    ],
    [
      "an order below one lot",
      { order: "{ side: 'buy', quantity: 0.1 }", lotSize: "1" },
      "1 order was placed and none was filled: 1 below one lot",
    ],
  ] as Array<[string, { order?: string; lotSize?: string }, string]>)(
    "that places %s says why nothing was traded",
    async (name, { order, lotSize }, why) => {
      const file = `idle${name.replaceAll(/[^a-z]/g, "")}`;
      writeFileSync(
        join(dir, `${file}.ts`),
        `import { defineStrategy } from "@tapedeck/trading";
export default defineStrategy({
  title: "Idle", meaning: "", params: [], instruments: [1, 1],
  create: () => ({
    name: "Idle", features: [],
    decide(context) { ${order === undefined ? "" : `if (context.bars() === 5) context.submit(${order});`} },
  }),
});
`,
      );
      const using = { ...deps, strategies: createStrategyModules({ dir }) };
      const payload = {
        strategy: { kind: "module", name: file },
        ...(lotSize === undefined ? {} : { lotSize }),
      };
      expect((await run(payload, newId(now()), using)).neverTraded).toContain(why);
    },
  );

  test("with a formula that does not exist are refused with its text", async () => {
    writeFileSync(
      join(dir, "wrong.ts"),
      `import { defineStrategy } from "@tapedeck/trading";
export default defineStrategy({
  title: "Wrong", meaning: "", params: [], instruments: [1, 1],
  create: () => ({ name: "Wrong", features: ["smaa(close, 3)"], decide() {} }),
});
`,
    );
    const using = { ...deps, strategies: createStrategyModules({ dir }) };
    await expect(
      run({ strategy: { kind: "module", name: "wrong" } }, newId(now()), using),
    ).rejects.toMatchObject({
      code: "formula.invalid",
      message: expect.stringContaining("did you mean sma"),
    });
  });
});
