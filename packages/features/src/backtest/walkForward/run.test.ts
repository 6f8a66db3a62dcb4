import { newId } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backtestFixture } from "../backtest.fixture.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { walkForward, WalkForwardPayload } from "./contract.ts";
import { runWalkForward } from "./run.ts";

const tenantId = newId(0);
const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
const opened: Array<() => Promise<void>> = [];
let context: (facts?: {
  jobId?: string;
  pickup?: number;
  signal?: AbortSignal;
}) => ReturnType<typeof fixtureContext<never>>;
let deps: Parameters<typeof runWalkForward>[0];

/** A wave whose period doubles half way: what was best before is not best after. */
const bars: FixtureBar[] = Array.from({ length: 600 }, (_, i) => {
  const close = 100 + 10 * Math.sin(i < 300 ? i / 4 : i / 12) + ((i * 7919) % 13) / 10;
  return [i * dayMs, close, close + 0.5, close - 0.5, close, 1_000] as const;
});

beforeAll(async () => {
  const fixture = await backtestFixture({ now });
  opened.push(fixture.close);
  const { db } = fixture;
  ({ deps } = fixture);
  context = (facts = {}) => fixtureContext<never>(db, { tenantId, now, ...facts });
  await putBars(db, { instrumentId: "WAVE.INDEX", assetClass: "index" }, "1d", bars);
});

afterAll(async () => {
  for (const close of opened) await close();
});

const request = {
  instrumentId: "WAVE.INDEX",
  strategy: {
    kind: "rules",
    entry: "crossover(close, sma(close, {n}))",
    exit: "crossunder(close, sma(close, {n}))",
  },
  parameters: { n: { values: [3, 6, 12, 24, 48] } },
  costs: { feeBps: 1, slippageBps: 0 },
};

async function run(folds: object, extra: object = {}, ctx = context()) {
  const payload = WalkForwardPayload.parse({ ...request, folds, ...extra });
  return walkForward.result.parse(await runWalkForward(deps, payload, ctx));
}

describe.each(["rolling", "anchored"] as const)("%s", (kind) => {
  test("chooses before it tests, stitches the tests, and never looks into a test to choose", async () => {
    const folds = { kind, trainBars: 150, testBars: 100 };
    const result = await run(folds);
    expect(result.folds).toHaveLength(5);
    expect(result.outOfSample.bars).toBe(450);
    for (const fold of result.folds) expect(fold.trainToMs).toBeLessThanOrEqual(fold.testFromMs);
    const stitched = result.folds.reduce((value, fold) => value * (1 + fold.testReturn), 1);
    expect(result.outOfSample.totalReturn).toBeCloseTo(stitched - 1, 10);
    expect(result.curve.at(-1)!.value).toBeCloseTo(stitched, 10);
    expect(result.assumptions.join(" ")).toContain("valued at its last close");
    // With the bars of the last tests away, the folds before choose and earn the same.
    const earlier = await run(folds, { toMs: 350 * dayMs });
    expect(earlier.folds).toEqual(result.folds.slice(0, 2));
  });
});

test("the training's choice is the best there: another combination alone has no higher ratio", async () => {
  const folds = { kind: "rolling", trainBars: 200, testBars: 400 };
  const [fold] = (await run(folds)).folds;
  const alone = await Promise.all(
    request.parameters.n.values.map(async (n) => {
      const result = await run(folds, { parameters: { n: { values: [n] } } });
      return { n, sharpe: result.folds[0]!.trainSharpe! };
    }),
  );
  const best = alone.reduce((a, b) => (b.sharpe > a.sharpe ? b : a));
  expect(fold).toMatchObject({ params: { n: best.n }, trainSharpe: best.sharpe });
});

test("purged folds test every bar once", async () => {
  const result = await run({ kind: "purgedKFold", groups: 4, purgeBars: 10, embargoBars: 2 });
  expect(result.folds.map((fold) => [fold.testFromMs / dayMs, fold.testToMs / dayMs])).toEqual([
    [0, 150],
    [150, 300],
    [300, 450],
    [450, 600],
  ]);
  expect(result.outOfSample.bars).toBe(600);
  expect(result.paths).toHaveLength(1);
  expect(result.assumptions).toEqual([expect.stringContaining("positions cross the borders")]);
});

test("time-series folds: tests of one length up to the end, each after everything before it", async () => {
  const result = await run({ kind: "timeSeries", splits: 5, gapBars: 3 });
  expect(
    result.folds.map((fold) => [fold.trainFromMs, fold.trainToMs, fold.testFromMs, fold.testToMs]),
  ).toEqual(
    [100, 200, 300, 400, 500].map((from) => [0, (from - 3) * dayMs, from * dayMs, (from + 100) * dayMs]),
  );
});

test("a method that learns searches each fold anew, and finds the best of a small space", async () => {
  const folds = { kind: "rolling", trainBars: 200, testBars: 200 };
  const listed = await run(folds);
  const ctx = context();
  const learnt = await run(folds, { search: { method: "tpe", trials: 60 } }, ctx);
  expect(learnt.folds).toEqual(listed.folds);
  expect(learnt.trials).toBe(120);
  const kept = await deps.db
    .selectFrom("backtestTrials")
    .select("number")
    .where("jobId", "=", ctx.jobId)
    .execute();
  expect(kept).toHaveLength(120);
  await expect(run({ kind: "purgedKFold" }, { search: { method: "tpe" } })).rejects.toMatchObject({
    code: "payload.invalid",
  });
});

test("goes on after a kill with the folds that were done, and every combination is in the ledger once", async () => {
  const folds = { kind: "anchored", trainBars: 100, testBars: 50 };
  const whole = await run(folds);
  const controller = new AbortController();
  const killed = context({ signal: controller.signal });
  const { progress } = killed;
  killed.progress = (value: { trialsDone: number }) => {
    progress(value as never);
    if (value.trialsDone >= 20) controller.abort(new Error("killed"));
  };
  await expect(run(folds, {}, killed)).rejects.toThrow("killed");
  const done = await deps.db
    .selectFrom("backtestParts")
    .select("number")
    .where("jobId", "=", killed.jobId)
    .where("done", "=", true)
    .execute();
  expect(done).toHaveLength(4);
  const again = context({ jobId: killed.jobId, pickup: 2 });
  expect(await run(folds, {}, again)).toEqual(whole);
  expect(again.progressed).toContainEqual({ trialsDone: 20, trialsTotal: 55 });
  const rows = await deps.db
    .selectFrom("backtestTrials")
    .select("params")
    .where("jobId", "=", killed.jobId)
    .orderBy("number")
    .execute();
  expect(rows.map(({ params }) => params["n"])).toEqual(request.parameters.n.values);
});

test("combinatorial folds give a path for every way round, and report the median one", async () => {
  const result = await run({ kind: "combinatorial", groups: 6, testGroups: 2, purgeBars: 5, embargoBars: 0 });
  expect(result.folds).toHaveLength(15);
  expect(result.paths).toHaveLength(5);
  const ratios = result.paths.map((path) => path.sharpe!).sort((a, b) => a - b);
  expect(result.outOfSample.sharpe).toBe(ratios[2]);
});

test.each([
  ["folds longer than the data", { kind: "rolling", trainBars: 700, testBars: 50 }, {}, "data.missing"],
  [
    "groups that purging leaves nothing of",
    { kind: "purgedKFold", groups: 20, purgeBars: 20 },
    {},
    "data.missing",
  ],
  [
    "combinations that can never be run",
    { kind: "purgedKFold" },
    { strategy: { kind: "builtIn", name: "maCrossover" }, parameters: { fast: { values: [300] } } },
    "payload.invalid",
  ],
])("refuses %s", async (_name, folds, extra, code) => {
  await expect(run(folds, extra)).rejects.toMatchObject({ code });
});

test("a module of the operator: the same strategy object, chosen in training, tested after it", async () => {
  const folds = { kind: "rolling", trainBars: 250, testBars: 200 };
  const module = {
    strategy: { kind: "module", name: "volatilityBreakout", params: { invested: 0.5 } },
    parameters: { length: { values: [5, 15] }, hold: { values: [4] } },
  };
  const result = await run(folds, module);
  expect(result.folds).toHaveLength(2);
  for (const fold of result.folds) expect([5, 15]).toContain(fold.params!["length"]);
  expect(result.folds.some((fold) => fold.testReturn !== 0)).toBe(true);
  expect(result.trials).toBe(2);
  expect(await run(folds, module)).toEqual(result);
});
