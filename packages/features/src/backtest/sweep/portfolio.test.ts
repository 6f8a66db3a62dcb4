import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PortfolioBacktestPayload, portfolioBacktest } from "../portfolio/contract.ts";
import { runPortfolioBacktest } from "../portfolio/run.ts";
import { honestyOf } from "../report/ledger.ts";
import { severalFixture } from "../several.fixture.ts";
import type { SeveralFixture } from "../several.fixture.ts";
import { loadAnyRun } from "../store.ts";
import { sweep, SweepPayload } from "./contract.ts";
import { runSweep } from "./run.ts";

let fixture: SeveralFixture;

beforeAll(async () => {
  fixture = await severalFixture();
});

afterAll(() => fixture.close());

type Facts = Parameters<SeveralFixture["context"]>[0];

async function run(payload: object, facts: Facts = {}, seed = 1) {
  const ctx = { ...fixture.context(facts), seed };
  const result = sweep.result.parse(await runSweep(fixture.deps, SweepPayload.parse(payload), ctx));
  return { result, ctx };
}

async function backtest(payload: object) {
  const ctx = fixture.context();
  const parsed = PortfolioBacktestPayload.parse(payload);
  return portfolioBacktest.result.parse(await runPortfolioBacktest(fixture.deps, parsed, ctx));
}

const rotation = {
  instruments: ["A.TEST", "B.TEST", "C.TEST"],
  strategy: { name: "momentumRotation", params: { every: 5 } },
  parameters: { window: { from: 5, to: 60, step: 1 }, hold: { values: [1, 2] } },
  costs: { takerBps: 5, spreadBps: 2 },
};
const few = { window: { values: [10, 40] }, hold: { values: [1, 2] } };

test("each combination has the figures of its backtest, and is in the ledger once", async () => {
  const { result, ctx } = await run({ ...rotation, parameters: few });
  expect(result).toMatchObject({
    instrumentId: "A.TEST and 2 more",
    instruments: ["A.TEST", "B.TEST", "C.TEST"],
    bars: 400,
    failed: 0,
  });
  expect(result.top).toHaveLength(4);
  expect(new Set(result.top.map(({ figures }) => figures!.totalReturn)).size).toBe(4);
  for (const { params, figures } of result.top) {
    const { parameters: _, ...payload } = rotation;
    const alone = await backtest({
      ...payload,
      strategy: { ...payload.strategy, params: { every: 5, ...params } },
    });
    expect(figures).toMatchObject({ totalReturn: alone.statistics.totalReturn, fills: alone.fillCount });
    expect(figures!.sharpe).toBeCloseTo(alone.statistics.sharpe!, 10);
    expect(figures!.maxDrawdown).toBeCloseTo(alone.statistics.maxDrawdown, 12);
  }
  expect(result.heatMap!.cells.flat()).toHaveLength(4);
  const rows = await fixture.db
    .selectFrom("backtestTrials")
    .selectAll()
    .where("jobId", "=", ctx.jobId)
    .orderBy("number")
    .execute();
  expect(rows.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
});

test("the order in which instruments are named changes nothing", async () => {
  const { result } = await run({ ...rotation, parameters: few });
  const turned = await run({ ...rotation, parameters: few, instruments: ["C.TEST", "A.TEST", "B.TEST"] });
  expect(JSON.stringify(turned.result)).toBe(JSON.stringify(result));
});

test("of one instrument it is the search of that instrument", async () => {
  const shared = {
    strategy: {
      kind: "rules",
      entry: "crossover(close, sma(close, {n}))",
      exit: "crossunder(close, sma(close, {n}))",
    },
    parameters: { n: { values: [3, 8, 20] }, stopLoss: { values: [0.02, 0.5] } },
    sizing: { kind: "fractionOfEquity", fraction: 1 },
  };
  const single = await run({
    ...shared,
    instrumentId: "A.TEST",
    costs: { feeBps: 10, slippageBps: 5 },
  });
  const several = await run({
    ...shared,
    instruments: ["A.TEST"],
    shortfall: "reject",
    costs: { takerBps: 10, makerBps: 10, slippage: { kind: "fixed", bps: 5 } },
  });
  expect(several.result.datasetHash).toBe(single.result.datasetHash);
  expect(several.result.top.map(({ params }) => params)).toEqual(
    single.result.top.map(({ params }) => params),
  );
  several.result.top.forEach(({ figures }, k) => {
    const other = single.result.top[k]!.figures!;
    expect(figures!.fills).toBe(other.fills);
    expect(figures!.totalReturn).toBeCloseTo(other.totalReturn, 10);
    expect(figures!.sharpe!).toBeCloseTo(other.sharpe!, 8);
  });
});

describe.each(["random", "sobol", "tpe", "cmaes", "nsga2"] as const)("%s", (method) => {
  test("goes on after a kill where it stopped, and ends with the same bytes", async () => {
    // Those that do not learn have a part of 261 combinations, the others one a generation.
    const trials = method === "random" || method === "sobol" ? 300 : 60;
    const payload = {
      ...rotation,
      search: { method, trials },
      objectives: method === "nsga2" ? ["sharpe", "maxDrawdown"] : ["sharpe"],
    };
    const whole = await run(payload);
    const controller = new AbortController();
    const killed = fixture.context({ signal: controller.signal });
    const { progress } = killed;
    killed.progress = (value: { trialsDone: number }) => {
      progress(value as never);
      if (value.trialsDone >= 20) controller.abort(new Error("killed"));
    };
    await expect(runSweep(fixture.deps, SweepPayload.parse(payload), killed)).rejects.toThrow("killed");
    const again = await run(payload, { jobId: killed.jobId, pickup: 2 });
    expect(JSON.stringify(again.result)).toBe(JSON.stringify(whole.result));
    const rows = await fixture.db
      .selectFrom("backtestTrials")
      .select("number")
      .where("jobId", "=", killed.jobId)
      .orderBy("number")
      .execute();
    expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: trials }, (_, k) => k + 1));
  });
});

test("stops early without progress", async () => {
  const { result } = await run({ ...rotation, search: { method: "tpe", trials: 400, patience: 20 } });
  expect(result.stoppedEarly).toBe(true);
  expect(result.honesty.trials).toBeLessThan(400);
});

test.each([
  ["pairsZScore", ["A.TEST", "B.TEST"], { window: { values: [20, 40] } }],
  ["riskParity", ["A.TEST", "B.TEST"], { window: { values: [30, 60] } }],
  ["maCrossover", ["A.TEST", "B.TEST"], { fast: { values: [3, 90] }, slow: { values: [10] } }],
])("%s is searched over %s", async (name, instruments, parameters) => {
  const { result } = await run({ instruments, strategy: { name }, parameters });
  expect(result.honesty.trials).toBe(2);
  expect(result.failed).toBe(name === "maCrossover" ? 1 : 0);
  expect(result.best!.figures!.fills).toBeGreaterThan(0);
});

test.each([{ instrumentId: "A.TEST" }, { instruments: ["A.TEST", "C.TEST"] }])(
  "a module's chances follow the seed of the job: %o",
  async (of) => {
    const payload = {
      ...of,
      strategy: { kind: "module", name: "coin" },
      parameters: { chance: { values: [0.3, 0.6] } },
    };
    const { result } = await run(payload);
    expect((await run(payload)).result).toEqual(result);
    expect((await run(payload, {}, 2)).result.best!.figures).not.toEqual(result.best!.figures);
  },
);

test("exits of the payload are no parameters of a strategy that has its own", async () => {
  const stray = run({ ...rotation, parameters: { stopLoss: { values: [0.1] } } });
  await expect(stray).rejects.toThrow("has no parameter stopLoss");
});

test("a run's trials are those of its own set of instruments, however many others begin alike", async () => {
  const { parameters: _, ...payload } = rotation;
  const over = async (instruments: string[]) => {
    const { runId } = await backtest({ ...payload, instruments });
    return honestyOf(fixture.db, await loadAnyRun(fixture.db, fixture.tenantId, runId));
  };
  await run({ ...rotation, instruments: ["B.TEST", "A.TEST"], parameters: few });
  expect((await over(["A.TEST", "C.TEST"])).trials).toBe(1);
  expect((await over(["A.TEST", "B.TEST"])).trialsOfAll).toBeGreaterThanOrEqual(5);
});
