import { sha256 } from "@tapedeck/core/hash";
import { afterAll, beforeAll, expect, test } from "vitest";
import { severalFixture } from "../several.fixture.ts";
import type { SeveralFixture } from "../several.fixture.ts";
import { monteCarlo, MonteCarloPayload } from "./contract.ts";
import { runMonteCarlo } from "./run.ts";

let fixture: SeveralFixture;

beforeAll(async () => {
  fixture = await severalFixture();
});

afterAll(() => fixture.close());

async function run(payload: object, ctx = fixture.context()) {
  const result = await runMonteCarlo(fixture.deps, MonteCarloPayload.parse(payload), ctx);
  return monteCarlo.result.parse(result);
}

const bytesOf = (result: unknown) => sha256(JSON.stringify(result));

const rotation = {
  instruments: ["A.TEST", "B.TEST", "C.TEST"],
  strategy: { name: "momentumRotation", params: { window: 20, hold: 1, every: 5 } },
  costs: { takerBps: 5 },
  simulations: 1_200,
  pathSimulations: 12,
  jitter: { simulations: 12 },
};

test("a run over several instruments: bands, other prices of all together, other numbers, stresses", async () => {
  const result = await run(rotation);
  expect(result).toMatchObject({
    instruments: ["A.TEST", "B.TEST", "C.TEST"],
    bars: 400,
    simulations: 1_200,
  });
  const { bootstrap, pathResampling, jitter } = result;
  expect(bootstrap.totalReturn.p5).toBeLessThan(result.totalReturn);
  expect(bootstrap.totalReturn.p95).toBeGreaterThan(result.totalReturn);
  expect(result.shuffledDrawdown!.p5).toBeLessThan(result.shuffledDrawdown!.p95);
  expect(pathResampling).toMatchObject({ simulations: 12, failed: 0 });
  expect(pathResampling!.totalReturn.p5).toBeLessThan(pathResampling!.totalReturn.p95);
  expect(jitter!.totalReturn.p5).toBeLessThan(jitter!.totalReturn.p95);
  expect(result.costStress[1]!.totalReturn).toBe(result.totalReturn);
  expect(result.delayStress[0]!.totalReturn).toBe(result.totalReturn);
  const costs = result.costStress.map(({ totalReturn }) => totalReturn);
  expect(costs).toEqual(costs.toSorted((a, b) => b - a));
  const turned = await run({ ...rotation, instruments: ["C.TEST", "B.TEST", "A.TEST"] });
  expect(bytesOf(turned)).toBe(bytesOf(result));
});

test("of one instrument it is that of the instrument", async () => {
  const shared = {
    strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 3, slow: 12 } },
    sizing: { kind: "fractionOfEquity", fraction: 1 },
    simulations: 200,
    pathSimulations: 10,
    jitter: { simulations: 10 },
  };
  const single = await run({ ...shared, instrumentId: "A.TEST", costs: { feeBps: 10, slippageBps: 5 } });
  const several = await run({
    ...shared,
    instruments: ["A.TEST"],
    shortfall: "reject",
    costs: { takerBps: 10, makerBps: 10, slippage: { kind: "fixed", bps: 5 } },
  });
  const figures = (of: typeof single) =>
    [
      of.bootstrap.totalReturn,
      of.shuffledDrawdown!,
      of.pathResampling!.totalReturn,
      of.jitter!.maxDrawdown,
    ].flatMap(({ p5, p50, p95 }) => [p5, p50, p95]);
  figures(several).forEach((value, k) => expect(value).toBeCloseTo(figures(single)[k]!, 9));
  expect(several.delayStress[2]!.totalReturn).toBeCloseTo(single.delayStress[2]!.totalReturn, 9);
});

test("goes on after a kill with the parts that are done, to the same bytes", async () => {
  const whole = await run(rotation);
  const controller = new AbortController();
  const killed = fixture.context({ signal: controller.signal });
  const { progress } = killed;
  killed.progress = (value: { simulationsDone: number }) => {
    progress(value as never);
    if (value.simulationsDone > 0) controller.abort(new Error("killed"));
  };
  await expect(run(rotation, killed)).rejects.toThrow("killed");
  const again = fixture.context({ jobId: killed.jobId, pickup: 2 });
  expect(bytesOf(await run(rotation, again))).toBe(bytesOf(whole));
  // Its first report tells of what the killed one had stored.
  expect(again.progressed[1]).toMatchObject({ simulationsDone: 512 });
});
