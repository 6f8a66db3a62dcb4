import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MonteCarloResult } from "../../monteCarlo/contract.ts";
import type { PortfolioBacktestResult } from "../../portfolio/contract.ts";
import { SweepResult } from "../../sweep/contract.ts";
import { WalkForwardResult } from "../../walkForward/contract.ts";
import { reportRouteHandlers } from "../read.ts";
import { input, instrumentId, reportFixture } from "../report.fixture.ts";
import type { ReportFixture } from "../report.fixture.ts";

let fixture: ReportFixture;
beforeAll(async () => {
  fixture = await reportFixture();
});
afterAll(() => fixture.close());

const single = { instrumentId, strategy: { kind: "builtIn", name: "maCrossover", params: { slow: 60 } } };
const several = { instruments: [instrumentId], strategy: { name: "volatilityTarget", params: {} } };
const protection = { takeProfit: 0.05, breakEven: { trigger: 0.02 } };

/** What the stored report of a run says, without its evidence. */
async function storedFigures(type: "backtest" | "portfolioBacktest", payload: object) {
  const { jobId, result } = await fixture.run(type, payload);
  const { report } = await reportRouteHandlers.getBacktestReport(fixture.deps, input(jobId), fixture.caller);
  const { evidence: _, ...parts } = report!;
  const { statistics, benchmark } = result as PortfolioBacktestResult;
  return { statistics, benchmark, report: parts };
}

const withParams = <P extends { strategy: { params: object } }>(payload: P, params: object) => ({
  ...payload,
  strategy: { ...payload.strategy, params: { ...payload.strategy.params, ...params } },
});

describe.each([
  ["one instrument, by the simulator", "backtest", single, { fast: { values: [5, 20] } }],
  ["one instrument, by the engine", "backtest", { ...single, protection }, { fast: { values: [5, 20] } }],
  ["several instruments", "portfolioBacktest", several, { target: { values: [0.05, 0.2] } }],
] as const)("%s", (_name, type, payload, parameters) => {
  test("the run of a search's best is the backtest of its parameters", async () => {
    const { result } = await fixture.run("sweep", { ...payload, parameters });
    const { run, best } = SweepResult.parse(result);
    expect(run).toEqual(await storedFigures(type, withParams(payload, best!.params)));
  });

  test("the run of a Monte Carlo is the backtest of its payload", async () => {
    const { result } = await fixture.run("monteCarlo", {
      ...payload,
      simulations: 100,
      pathSimulations: 0,
      jitter: { simulations: 0 },
    });
    expect(MonteCarloResult.parse(result).run).toEqual(await storedFigures(type, payload));
  });

  test.each([
    { kind: "rolling", trainBars: 300, testBars: 150 },
    { kind: "timeSeries", splits: 4 },
    { kind: "purgedKFold", groups: 5 },
    { kind: "combinatorial", groups: 5, testGroups: 2 },
  ])("the tests of $kind folds are one run, from fold to fold", async (folds) => {
    const { result } = await fixture.run("walkForward", { ...payload, parameters, folds });
    const { run, outOfSample, honesty, trials } = WalkForwardResult.parse(result);
    const { statistics, benchmark, report } = run!;
    expect(statistics.totalReturn).toBeCloseTo(outOfSample.totalReturn, 10);
    expect(statistics.maxDrawdown).toBeCloseTo(outOfSample.maxDrawdown, 10);
    expect(statistics.returns).toBe(outOfSample.bars - 1);
    expect(benchmark.returns).toBe(statistics.returns);
    expect(honesty).toMatchObject({ trials, overfittingTrials: 2, bars: outOfSample.bars });
    for (const probability of [honesty!.probabilisticSharpe, honesty!.deflatedSharpe, honesty!.overfitting]) {
      expect(probability).toBeGreaterThanOrEqual(0);
      expect(probability).toBeLessThanOrEqual(1);
    }
    expect(honesty!.deflatedSharpe).toBeLessThanOrEqual(honesty!.probabilisticSharpe!);
    expect(statistics.exposure).toBeGreaterThan(0);
    expect(statistics.turnover).toBeGreaterThan(0);
    expect(report.regimes).toHaveLength(4);
    expect(report.years.reduce((value, { total }) => value * (1 + total), 1) - 1).toBeCloseTo(
      statistics.totalReturn,
      10,
    );
    // Folds that begin flat lose no trade over a border: what was earned is the sum of the trades.
    if (folds.kind === "rolling" || folds.kind === "timeSeries") {
      expect(statistics.expectancy! * statistics.trades).toBeCloseTo(statistics.finalEquity - 100_000, 4);
    }
  });
});
