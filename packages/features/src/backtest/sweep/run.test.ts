import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { newId } from "@tapedeck/core";
import type { Caller } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Db } from "../../db.ts";
import { backtestFixture } from "../backtest.fixture.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import { putSweepJob } from "../parts/parts.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { BacktestPayload } from "../contract.ts";
import { toFormulaData } from "../run.ts";
import { openStrategy } from "../single.ts";
import { sweep, SweepPayload } from "./contract.ts";
import type { SweepResult } from "./contract.ts";
import { sweepRouteHandlers } from "./read.ts";
import { runSweep } from "./run.ts";

const tenantId = newId(0);
const now = () => Date.UTC(2026, 0, 2);
const csvPath = resolve(import.meta.dirname, "../../../../../node_modules/vega-datasets/data/sp500-2000.csv");
const caller: Caller = { principalId: "u", kind: "user", tenantId, role: "viewer", requestId: "r" };
const request = new Request("http://localhost/");

let db: Db;
let deps: Parameters<typeof runSweep>[0];
const opened: Array<() => Promise<void>> = [];

beforeAll(async () => {
  const fixture = await backtestFixture({ now });
  opened.push(fixture.close);
  ({ db, deps } = fixture);
  const bars = readFileSync(csvPath, "utf8")
    .trim()
    .split("\n")
    .slice(1, 1_501)
    .map((line) => {
      const [date, open, high, low, close, , volume] = line.split(",");
      return [Date.parse(date!), ...[open, high, low, close, volume].map(Number)] as unknown as FixtureBar;
    });
  await putBars(db, { instrumentId: "SPX.INDEX", assetClass: "index" }, "1d", bars);
  // The same days, each with the prices of 500 days before, the first ones last.
  const other = bars.map(([at], i) => [at, ...bars.at(i - 500)!.slice(1)] as unknown as FixtureBar);
  await putBars(db, { instrumentId: "NDX.INDEX", assetClass: "index" }, "1d", other);
});

afterAll(async () => {
  for (const close of opened) await close();
});

const grid = {
  instrumentId: "SPX.INDEX",
  strategy: { kind: "builtIn", name: "maCrossover" },
  parameters: { fast: { from: 5, to: 25, step: 5 }, slow: { from: 20, to: 60, step: 10 } },
};
const rules = {
  instrumentId: "SPX.INDEX",
  strategy: {
    kind: "rules",
    entry: "crossunder(rsi(close, {length}), {oversold})",
    exit: "rsi(close, {length}) > 55",
  },
  parameters: {
    length: { from: 3, to: 20, step: 1 },
    oversold: { from: 15, to: 45 },
    stopLoss: { values: [0.03, 0.1] },
  },
};

async function run(payload: object, facts: Partial<Parameters<typeof fixtureContext>[1]> = {}) {
  const ctx = fixtureContext<never>(db, { tenantId, now, ...facts });
  const result = await runSweep(deps, SweepPayload.parse(payload), ctx);
  return { result: sweep.result.parse(result) as SweepResult, ctx };
}

describe("a grid", () => {
  test("tries every combination, keeps each in the ledger, and judges the best", async () => {
    const { result, ctx } = await run(grid);
    // Fast 20 and 25 with slow 20 (and 25 with 20) are no crossovers.
    expect(result.honesty.trials).toBe(25);
    expect(result.failed).toBe(2);
    expect(result.warnings[0]).toContain("fast must be below slow");
    expect(result.top).toHaveLength(23);
    const ratios = result.top.map((trial) => trial.figures!.sharpe!);
    expect(ratios).toEqual(ratios.toSorted((a, b) => b - a));
    expect(result.best).toEqual(result.top[0]);
    const { honesty } = result;
    expect(honesty.deflatedSharpe!).toBeLessThan(honesty.probabilisticSharpe!);
    expect(honesty.overfitting!).toBeGreaterThanOrEqual(0);
    expect(honesty.overfitting!).toBeLessThanOrEqual(1);
    expect(honesty.overfittingTrials).toBe(23);
    const map = result.heatMap!;
    expect([map.x.values, map.y.values]).toEqual([
      [5, 10, 15, 20, 25],
      [20, 30, 40, 50, 60],
    ]);
    const cell = map.cells[map.y.values.indexOf(result.best!.params["slow"]!)]!;
    expect(cell[map.x.values.indexOf(result.best!.params["fast"]!)]).toBe(result.best!.figures!.sharpe);
    expect(map.cells[0]![4]).toBeNull();
    expect(ctx.progressed.at(-1)).toMatchObject({ trialsDone: 25, trialsTotal: 25, best: result.best });
    const counted = await sweepRouteHandlers.getTrialLedger(
      { db },
      { params: { datasetHash: result.datasetHash }, query: undefined, body: undefined, request },
      caller,
    );
    expect(counted).toEqual({ trials: 25, searches: 1 });
  });
});

describe.each(["random", "sobol", "tpe", "cmaes", "nsga2"] as const)("%s", (method) => {
  const payload = { ...rules, search: { method, trials: 90 } };
  test("goes on after a kill where it stopped, and ends as if it had never been killed", async () => {
    const whole = await run(payload);
    const jobId = newId(now());
    const controller = new AbortController();
    const killed = fixtureContext<never>(db, { tenantId, jobId, now, signal: controller.signal });
    const { progress } = killed;
    killed.progress = (value: { trialsDone: number }) => {
      progress(value as never);
      if (value.trialsDone >= 30) controller.abort(new Error("killed"));
    };
    const first = runSweep(deps, SweepPayload.parse(payload), killed);
    if (method === "random" || method === "sobol") await first;
    else await expect(first).rejects.toThrow("killed");
    const insert = await db.selectFrom("backtestTrials").selectAll().where("jobId", "=", jobId).execute();
    expect(insert.length).toBeGreaterThanOrEqual(30);
    const again = await run(payload, { jobId, pickup: 2 });
    expect(again.result).toEqual(whole.result);
    const rows = await db.selectFrom("backtestTrials").select("number").where("jobId", "=", jobId).execute();
    expect(rows.map((row) => row.number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 90 }, (_, k) => k + 1),
    );
  });
});

test("several objectives: none of the top beats another in all", async () => {
  const { result } = await run({
    ...rules,
    objectives: ["totalReturn", "maxDrawdown"],
    search: { method: "nsga2", trials: 120 },
  });
  const top = result.top.map((trial) => trial.figures!);
  for (const a of top) {
    for (const b of top) {
      expect(a.totalReturn > b.totalReturn && a.maxDrawdown < b.maxDrawdown).toBe(false);
    }
  }
});

test("a heat map of any two parameters and any metric, from the trials as they are stored", async () => {
  const { ctx } = await run({ ...rules, search: { method: "sobol", trials: 300 } });
  await putSweepJob(db, { id: ctx.jobId, tenantId, payload: SweepPayload.parse(rules) });
  const ask = (query: object) =>
    sweepRouteHandlers.getSweepHeatMap(
      { db },
      { params: { id: ctx.jobId }, query, body: undefined, request },
      caller,
    );
  const map = await ask({ x: "stopLoss", y: "length", metric: "maxDrawdown" });
  expect(map.x).toEqual({ name: "stopLoss", values: [0.03, 0.1] });
  expect(map.y.values).toEqual(Array.from({ length: 18 }, (_, k) => k + 3));
  const { items } = await sweepRouteHandlers.listSweepTrials(
    { db },
    { params: { id: ctx.jobId }, query: { limit: 1_000 }, body: undefined, request },
    caller,
  );
  const falls = items.flatMap(({ params, figures }) =>
    params["stopLoss"] === 0.1 && params["length"] === 7 ? [figures!.maxDrawdown] : [],
  );
  expect(falls.length).toBeGreaterThan(2);
  expect(map.cells[4]![1]).toBe(Math.min(...falls));
  expect((await ask({})).y.name).toBe("oversold");
  await expect(ask({ x: "nothing" })).rejects.toMatchObject({ code: "payload.invalid" });
});

test("formulas that the tenant saved, and a parameter inside a string", async () => {
  await db
    .insertInto("savedFormulas")
    .values({
      tenantId,
      name: "dip",
      params: JSON.stringify([{ name: "n", default: "5" }]),
      formula: "close - sma(close, n)",
      meaning: "How far the close is from its mean",
      savedBy: tenantId,
      createdMs: 0,
      updatedMs: 0,
    })
    .execute();
  const parameters = { n: { values: [5, 10] }, weeks: { values: [1, 2] } };
  const texts = (dip: string) => ({
    kind: "rules",
    entry: `${dip} < 0 and close > sma(close, 3, timeframe: "{weeks}w")`,
    exit: `${dip} > 1`,
  });
  const saved = await run({ ...grid, strategy: texts("dip({n})"), parameters });
  const written = await run({ ...grid, strategy: texts("(close - sma(close, {n}))"), parameters });
  expect(saved.result.top).toEqual(written.result.top);
  expect(new Set(saved.result.top.map(({ figures }) => figures!.totalReturn)).size).toBe(4);
});

describe.each([
  ["the simulator", {}],
  ["the engine", { protection: { chandelier: { length: 20, multiple: 3 } } }],
])("combinations that cannot be run in %s fail alone", (_name, terms) => {
  test("one that names an instrument without bars", async () => {
    const entry = 'close["{other}"] > sma(close["{other}"], {n})';
    const parameters = { other: { values: ["NONE.INDEX", "NDX.INDEX", "SPX.INDEX"] }, n: { values: [20] } };
    const strategy = { kind: "rules", entry, exit: 'close["{other}"] < sma(close["{other}"], {n})' };
    const { result, ctx } = await run({ ...grid, ...terms, strategy, parameters });
    expect(result.failed).toBe(1);
    expect(result.warnings[0]).toContain("NONE.INDEX");
    expect(new Set(result.top.map(({ params }) => params["other"]))).toEqual(
      new Set(["NDX.INDEX", "SPX.INDEX"]),
    );
    expect(result.top[0]!.figures!.totalReturn).not.toBe(result.top[1]!.figures!.totalReturn);
    expect(ctx.inputs.map(({ label }) => label)).toContainEqual(expect.stringContaining("NDX.INDEX"));
  });

  test("the first, whose formula is wrong", async () => {
    const strategy = { kind: "rules", entry: "close > sma(close, {n})", exit: "close < sma(close, {n})" };
    const { result } = await run({ ...grid, ...terms, strategy, parameters: { n: { values: [0, 20] } } });
    expect(result.failed).toBe(1);
    expect(result.best!.params).toEqual({ n: 20 });
  });
});

test("stops early without progress, and says so", async () => {
  const { result } = await run({ ...rules, search: { method: "tpe", trials: 2_000, patience: 40 } });
  expect(result.stoppedEarly).toBe(true);
  expect(result.honesty.trials).toBeLessThan(2_000);
});

test.each([
  [
    "a parameter that nothing takes",
    { ...rules, parameters: { window: { from: 1, to: 2 } } },
    "in no formula",
  ],
  ["a grid without steps", { ...rules, search: { method: "grid" } }, "needs a step"],
  [
    "combinations that can never be run",
    { ...grid, parameters: { fast: { values: [60, 70] }, slow: { values: [50] } } },
    "None of 2 combinations",
  ],
  [
    "a parameter that the built-in lacks",
    { ...grid, parameters: { window: { values: [3] } } },
    "no parameter window",
  ],
])("refuses %s", async (_name, payload, text) => {
  await expect(run(payload)).rejects.toMatchObject({
    code: "payload.invalid",
    message: expect.stringContaining(text),
  });
});

test("another tenant does not see the trials", async () => {
  const { ctx } = await run(grid);
  const stranger = { ...caller, tenantId: newId(0) };
  await expect(
    sweepRouteHandlers.listSweepTrials(
      { db },
      { params: { id: ctx.jobId }, query: { limit: 5 }, body: undefined, request },
      stranger,
    ),
  ).rejects.toMatchObject({ code: "resource.unknown" });
});

describe("what only the engine runs", () => {
  const chandelier = { protection: { chandelier: { length: 20, multiple: 3 } } };

  test("a combination's figures are those of a backtest of it", async () => {
    const { result } = await run({
      ...rules,
      ...chandelier,
      parameters: { length: { values: [5, 10] }, oversold: { values: [35] }, stopLoss: { values: [0.02] } },
    });
    expect(result.top).toHaveLength(2);
    for (const trial of result.top) {
      const { length } = trial.params;
      const strategy = await openStrategy(
        deps,
        BacktestPayload.parse({
          instrumentId: "SPX.INDEX",
          strategy: {
            kind: "rules",
            entry: `crossunder(rsi(close, ${length}), 35)`,
            exit: `rsi(close, ${length}) > 55`,
          },
          protection: { ...chandelier.protection, stopLoss: 0.02 },
        }),
      );
      const dataset = await deps.series.dataset({
        tenantId,
        instrumentId: "SPX.INDEX",
        timeframe: "1d",
        adjustment: "split",
      });
      const outcome = await strategy.run(
        { data: toFormulaData(dataset), instrument: dataset.instrument, finer: undefined },
        { signal: new AbortController().signal, seed: 1 },
      );
      expect(trial.figures!.totalReturn).toBe(outcome.equity.at(-1)! / 100_000 - 1);
      expect(trial.figures!.fills).toBe(outcome.fills.count);
      expect(outcome.fills.count).toBeGreaterThan(10);
    }
  });

  test("combinations that are no strategy are stored with the reason", async () => {
    const { result } = await run({
      ...grid,
      ...chandelier,
      parameters: { fast: { values: [10, 90] }, slow: { values: [40] } },
    });
    expect(result.failed).toBe(1);
    expect(result.warnings[0]).toContain("fast must be below slow");
  });

  test("a module of the operator, whose parameters it checks itself", async () => {
    const module = {
      instrumentId: "SPX.INDEX",
      strategy: { kind: "module", name: "volatilityBreakout" },
      parameters: { length: { values: [10, 20, 1_000] }, stop: { values: [2] } },
    };
    const { result, ctx } = await run(module);
    expect(result.honesty.trials).toBe(3);
    expect(result.failed).toBe(1);
    expect(result.warnings[0]).toContain("length is a whole number from 2 to 500");
    expect(result.best!.figures!.fills).toBeGreaterThan(20);
    expect(ctx.inputs.map((input) => input.label)).toContain("strategies/volatilityBreakout.ts");
    const stray = run({ ...module, parameters: { width: { values: [1] } } });
    await expect(stray).rejects.toThrow("has no parameter width");
  });
});
