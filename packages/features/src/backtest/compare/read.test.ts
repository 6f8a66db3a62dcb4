import { newId } from "@tapedeck/core";
import { builtInStrategies } from "@tapedeck/trading";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DocumentTable } from "../report/documents/document.ts";
import { crossover, input, instrumentId, reportFixture } from "../report/report.fixture.ts";
import type { ReportFixture } from "../report/report.fixture.ts";
import { WalkForwardResult } from "../walkForward/contract.ts";
import { comparisonBlocks } from "./document.ts";
import { compareRoutes, Comparison } from "./contract.ts";
import { compareRouteHandlers } from "./read.ts";

let fixture: ReportFixture;
beforeAll(async () => {
  fixture = await reportFixture();
});
afterAll(() => fixture.close());

async function compare(ids: readonly string[], caller = fixture.caller): Promise<Comparison> {
  const [id, ...others] = ids;
  const given = { ...input(id!), query: { with: others } };
  return Comparison.parse(await compareRouteHandlers.compareBacktests(fixture.deps, given, caller));
}

const portfolio = {
  instruments: [instrumentId],
  strategy: { name: "volatilityTarget", params: { target: 0.1 } },
};

test("runs of one and of several instruments: growth, statistics, and the settings that differ", async () => {
  const first = await fixture.backtest(crossover(10, 40));
  const second = await fixture.backtest({ ...crossover(10, 60), initialCash: "50000" });
  const { jobId: third, result } = await fixture.run("portfolioBacktest", portfolio);
  const comparison = await compare([first.runId, second.runId, third]);
  expect(comparison.runs.map(({ id, kind }) => [id, kind])).toEqual([
    [first.runId, "single"],
    [second.runId, "single"],
    [third, "portfolio"],
  ]);
  const finals = [first, second, result as typeof first].map(({ statistics }) => statistics.totalReturn);
  comparison.runs.forEach(({ curve, statistics, relative, revision }, k) => {
    expect(curve.at(-1)!.value - 1).toBeCloseTo(finals[k]!, 12);
    expect(statistics.totalReturn).toBe(finals[k]);
    expect(relative!.beta).not.toBeNull();
    expect(revision.state).toBe("same");
  });
  const settings = Object.fromEntries(comparison.settings.map(({ name, values }) => [name, values]));
  expect(settings["strategy.params.slow"]).toEqual(["40", "60", ""]);
  expect(settings["initialCash"]).toEqual(["100000", "50000", "100000"]);
  expect(settings).not.toHaveProperty("timeframe");
  expect(comparison).toMatchObject({ datasets: [], warnings: [] });
  const [honest, figures, differs] = comparisonBlocks(comparison);
  expect([honest!.title, figures!.title, differs!.title]).toEqual([
    "Honest statistics",
    "Statistics",
    "What differs",
  ]);
});

test("parameters that a built-in was not given are shown as those that it has; what one lacks is a dash", async () => {
  const { params } = builtInStrategies.find(({ name }) => name === "maCrossover")!;
  const preset = Object.fromEntries(params.map((param) => [param.name, String(param.default)]));
  const given = await fixture.backtest(crossover(11, 41));
  const left = await fixture.backtest({
    instrumentId,
    strategy: { kind: "builtIn", name: "maCrossover" },
    protection: { stopLoss: 0.1 },
  });
  const { jobId: walk } = await fixture.run("walkForward", {
    instrumentId,
    strategy: { kind: "builtIn", name: "maCrossover" },
    parameters: { fast: { values: [5, 10] } },
    folds: { kind: "rolling", trainBars: 400, testBars: 200 },
  });
  const comparison = await compare([given.runId, left.runId, walk]);
  const settings = Object.fromEntries(comparison.settings.map(({ name, values }) => [name, values]));
  expect(settings["strategy.params.fast"]).toEqual(["11", preset["fast"], ""]);
  expect(settings["strategy.params.slow"]).toEqual(["41", preset["slow"], preset["slow"]]);
  const differs = comparisonBlocks(comparison).find(({ title }) => title === "What differs");
  expect((differs as { table: DocumentTable }).table.rows).toContainEqual([
    "protection.stopLoss",
    "–",
    "0.1",
    "–",
  ]);
});

test("a walk-forward beside the run that it would have chosen for", async () => {
  const { runId } = await fixture.backtest(crossover(10, 40));
  const { jobId, result } = await fixture.run("walkForward", {
    ...crossover(10, 40),
    parameters: { fast: { values: [5, 10, 20] } },
    folds: { kind: "rolling", trainBars: 400, testBars: 200 },
  });
  const { runs, settings, warnings } = await compare([jobId, runId]);
  const { run, honesty } = WalkForwardResult.parse(result);
  expect(runs[0]).toMatchObject({
    id: jobId,
    kind: "walkForward",
    title: "Walk-forward, rolling folds",
    honesty,
    statistics: run!.statistics,
    revision: { state: "same", datasets: [{ instrumentId }] },
  });
  expect(runs[0]!.curve.at(-1)!.value - 1).toBeCloseTo(run!.statistics.totalReturn, 10);
  expect(settings.map(({ name }) => name)).toContain("folds.trainBars");
  expect(warnings).toEqual([expect.stringContaining("do not cover the same closes")]);
});

test("runs over other times, or over bars that were revised between them, say so", async () => {
  const before = await fixture.backtest(crossover(12, 40));
  const short = await fixture.backtest({ ...crossover(12, 40), toMs: before.fromMs + 500 * 86_400_000 });
  const other = await compare([before.runId, short.runId]);
  expect(other.warnings).toEqual([expect.stringContaining("do not cover the same closes")]);
  expect(other.datasets).toEqual([{ instrumentId, hashes: [before.datasetHash, short.datasetHash] }]);
  await fixture.revise(700);
  const after = await fixture.backtest(crossover(12, 40));
  const revised = await compare([before.runId, after.runId]);
  expect(revised.warnings).toEqual([expect.stringContaining(`Bars of ${instrumentId} were revised`)]);
  expect(revised.runs.map(({ revision }) => revision.state)).toEqual(["revised", "same"]);
});

test("a run of another tenant, or none, is unknown; seven runs are too many", async () => {
  const { runId } = await fixture.backtest(crossover(13, 40));
  await expect(compare([runId, newId(1)])).rejects.toMatchObject({ code: "resource.unknown" });
  const stranger = { ...fixture.caller, tenantId: newId(1) };
  await expect(compare([runId, runId], stranger)).rejects.toMatchObject({ code: "resource.unknown" });
  const query = compareRoutes.compareBacktests.query!;
  expect(query.safeParse({ with: Array.from({ length: 6 }, () => runId).join(",") }).success).toBe(false);
  expect(query.safeParse({ with: "" }).success).toBe(false);
});
