import { sha256 } from "@tapedeck/core/hash";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BacktestPayload } from "../contract.ts";
import { PortfolioBacktestPayload } from "../portfolio/contract.ts";
import { runPortfolioBacktest } from "../portfolio/run.ts";
import { runBacktest } from "../run.ts";
import { dayMs, severalFixture } from "../several.fixture.ts";
import type { SeveralFixture } from "../several.fixture.ts";
import { walkForward, WalkForwardPayload } from "./contract.ts";
import { runWalkForward } from "./run.ts";

let fixture: SeveralFixture;

beforeAll(async () => {
  fixture = await severalFixture();
});

afterAll(() => fixture.close());

async function run(payload: object, ctx = fixture.context()) {
  const result = await runWalkForward(fixture.deps, WalkForwardPayload.parse(payload), ctx);
  return walkForward.result.parse(result);
}

const rotation = {
  instruments: ["A.TEST", "B.TEST", "C.TEST"],
  strategy: { name: "momentumRotation", params: { every: 5 } },
  parameters: { window: { values: [5, 20, 40] }, hold: { values: [1, 2] } },
  costs: { takerBps: 5 },
  folds: { kind: "rolling", trainBars: 150, testBars: 100 },
};

const trialsOf = (jobId: string) =>
  fixture.db
    .selectFrom("backtestTrials")
    .select(["number", "params"])
    .where("jobId", "=", jobId)
    .orderBy("number")
    .execute();

/** Aborts once so many trials are done. */
function abortedAfter(trials: number, why: string) {
  const controller = new AbortController();
  const ctx = fixture.context({ signal: controller.signal });
  const { progress } = ctx;
  ctx.progress = (value: { trialsDone: number }) => {
    progress(value as never);
    if (value.trialsDone >= trials) controller.abort(new Error(why));
  };
  return ctx;
}

describe("one combination and one fold are the run of its test", () => {
  const folds = { kind: "rolling", trainBars: 200, testBars: 200 };
  const from200 = { fromMs: 200 * dayMs };
  const rules = { kind: "rules", entry: "close > {least}" };

  test("over several instruments", async () => {
    const payload = { ...rotation, strategy: { name: "equalWeight" } };
    const { folds: judged, outOfSample } = await run({
      ...payload,
      parameters: { every: { values: [7] } },
      folds,
    });
    const { parameters: _, folds: __, ...alone } = payload;
    const { statistics } = await runPortfolioBacktest(
      fixture.deps,
      PortfolioBacktestPayload.parse({
        ...alone,
        ...from200,
        strategy: { name: "equalWeight", params: { every: 7 } },
      }),
      fixture.context(),
    );
    expect(judged).toHaveLength(1);
    expect(judged[0]!.testReturn).toBe(statistics.totalReturn);
    expect(judged[0]!.testSharpe).toBeCloseTo(statistics.sharpe!, 10);
    expect(outOfSample.maxDrawdown).toBeCloseTo(statistics.maxDrawdown, 12);
    expect(statistics.trades).toBeGreaterThan(2);
  });

  test("over one", async () => {
    const { folds: judged } = await run({
      instrumentId: "A.TEST",
      strategy: rules,
      parameters: { least: { values: [0] } },
      folds,
    });
    const { statistics } = await runBacktest(
      fixture.deps,
      BacktestPayload.parse({
        instrumentId: "A.TEST",
        ...from200,
        strategy: { ...rules, entry: "close > 0" },
      }),
      fixture.context(),
    );
    expect(judged[0]!.testReturn).toBe(statistics.totalReturn);
  });
});

test("a test sees the bars before it: a window longer than the test trades in it", async () => {
  const result = await run({
    ...rotation,
    parameters: { window: { values: [80] } },
    folds: { kind: "rolling", trainBars: 200, testBars: 60 },
  });
  expect(result.folds.length).toBeGreaterThan(2);
  for (const fold of result.folds) expect(fold.testReturn).not.toBe(0);
});

test("an instrument that is not listed yet is absent from the folds before it", async () => {
  const payload = {
    ...rotation,
    parameters: { window: { values: [5] } },
    costs: { slippage: { kind: "squareRoot" } },
    folds: { kind: "rolling", trainBars: 31, testBars: 14 },
  };
  const [before] = (await run(payload)).folds;
  expect(before!.testToMs).toBeLessThan(60 * dayMs);
  expect(before!.testReturn).not.toBe(0);
  const [without] = (await run({ ...payload, instruments: ["A.TEST", "B.TEST"] })).folds;
  expect(without).toEqual(before);
});

test("tests follow each other, and the order of the instruments changes nothing", async () => {
  const result = await run(rotation);
  const stitched = result.folds.reduce((value, fold) => value * (1 + fold.testReturn), 1);
  expect(result.outOfSample).toMatchObject({ bars: 250 });
  expect(result.outOfSample.totalReturn).toBeCloseTo(stitched - 1, 10);
  expect(result.curve.at(-1)!.value).toBeCloseTo(stitched, 10);
  const turned = await run({ ...rotation, instruments: ["C.TEST", "B.TEST", "A.TEST"] });
  expect(sha256(JSON.stringify(turned))).toBe(sha256(JSON.stringify(result)));
});

test.each([
  ["purgedKFold", { kind: "purgedKFold", groups: 4, purgeBars: 10, embargoBars: 2 }, 4, 1],
  ["combinatorial", { kind: "combinatorial", groups: 4, testGroups: 2, purgeBars: 5, embargoBars: 0 }, 6, 3],
])("%s folds test every close once on each path", async (_name, folds, count, paths) => {
  const result = await run({ ...rotation, folds });
  expect(result.folds).toHaveLength(count);
  expect(result.paths.map(({ bars }) => bars)).toEqual(Array.from({ length: paths }, () => 400));
});

test("goes on after a kill with the same bytes, every combination in the ledger once", async () => {
  const whole = await run(rotation);
  const killed = abortedAfter(6, "killed");
  await expect(run(rotation, killed)).rejects.toThrow("killed");
  const again = await run(rotation, fixture.context({ jobId: killed.jobId, pickup: 2 }));
  expect(sha256(JSON.stringify(again))).toBe(sha256(JSON.stringify(whole)));
  expect((await trialsOf(killed.jobId)).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("what a cancelled walk-forward has tried is in the ledger", async () => {
  const listed = abortedAfter(6, "cancelled");
  await expect(run(rotation, listed)).rejects.toThrow("cancelled");
  expect(await trialsOf(listed.jobId)).toHaveLength(6);
  // A method that learns tries others in each fold.
  const learnt = abortedAfter(20, "cancelled");
  const search = { method: "tpe", trials: 20 };
  await expect(run({ ...rotation, search }, learnt)).rejects.toThrow("cancelled");
  expect((await trialsOf(learnt.jobId)).map(({ number }) => number)).toEqual(
    Array.from({ length: 20 }, (_, k) => k + 1),
  );
});
