import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "@tapedeck/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backtestFixture } from "../backtest.fixture.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { walkForward, WalkForwardPayload } from "./contract.ts";
import { runWalkForward } from "./run.ts";

const tenantId = newId(0);
const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
let fixture: Awaited<ReturnType<typeof backtestFixture>>;

/** Holds while the close is above that of so many bars before, which it looks up itself. */
const lookingBack = `import { defineStrategy } from "@tapedeck/trading";
export default defineStrategy({
  title: "Above its past", meaning: "For tests", instruments: [1, 1],
  params: [{ name: "back", meaning: "Bars back", default: 120, min: 1, max: 200, integer: true }],
  create: (p: Readonly<Record<string, number>>) => ({
    name: "Above its past", features: [],
    decide(context) {
      context.target(context.close() > context.close(0, p.back) ? context.unitsFor(0.5) : 0);
    },
  }),
});
`;

/** Cannot be run with 3, nor with 2 where a run ends after a time. */
const breakingDown = `import { defineStrategy } from "@tapedeck/trading";
export default defineStrategy({
  title: "Breaks down", meaning: "For tests", instruments: [1, 1],
  params: [{ name: "kind", meaning: "When", default: 1, min: 1, max: 3, integer: true }],
  create: (p: Readonly<Record<string, number>>) => ({
    name: "Breaks down", features: [],
    decide(context) {
      if (p.kind === 3) throw new Error("never");
      if (p.kind === 2 && context.nowMs > ${200 * dayMs}) throw new Error("too late");
      context.target(context.close() > context.close(0, 1) ? context.unitsFor(0.5) : 0);
    },
  }),
});
`;

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), "strategies-"));
  writeFileSync(join(dir, "lookingBack.ts"), lookingBack);
  writeFileSync(join(dir, "breakingDown.ts"), breakingDown);
  fixture = await backtestFixture({ now, dir });
  const bars = Array.from({ length: 500 }, (_, i): FixtureBar => {
    const close = 100 + i / 5 + 8 * Math.sin(i / 9);
    return [i * dayMs, close, close + 0.5, close - 0.5, close, 1_000];
  });
  await putBars(fixture.db, { instrumentId: "WAVE.INDEX", assetClass: "index" }, "1d", bars);
});
afterAll(() => fixture.close());

const context = () => fixtureContext<never>(fixture.db, { tenantId, now });

async function run(asked: object, ctx = context()) {
  const payload = WalkForwardPayload.parse({
    strategy: { kind: "module", name: "lookingBack" },
    parameters: { back: { values: [120] } },
    folds: { kind: "rolling", trainBars: 150, testBars: 50 },
    ...asked,
  });
  return walkForward.result.parse(await runWalkForward(fixture.deps, payload, ctx));
}

test("a module sees the bars before a fold that is shorter than what it looks back", async () => {
  const single = await run({ instrumentId: "WAVE.INDEX", costs: { feeBps: 10, slippageBps: 0 } });
  expect(single.folds).toHaveLength(7);
  for (const fold of single.folds) expect(fold.testReturn).not.toBe(0);
  expect(single.run!.statistics.exposure).toBeGreaterThan(0.5);
  // Over one instrument it is what it is over several.
  const several = await run({
    instruments: ["WAVE.INDEX"],
    costs: { makerBps: 10, takerBps: 10, spreadBps: 0, slippage: { kind: "fixed", bps: 0 } },
  });
  expect(several.folds.map(({ testReturn }) => testReturn)).toEqual(
    single.folds.map(({ testReturn }) => testReturn),
  );
  expect(several.curve).toEqual(single.curve);
  // Bars after a fold change nothing in it.
  const earlier = await run({
    instrumentId: "WAVE.INDEX",
    costs: { feeBps: 10, slippageBps: 0 },
    toMs: 300 * dayMs,
  });
  expect(earlier.folds).toEqual(single.folds.slice(0, 3));
});

test.each([
  ["rolling", { kind: "rolling", trainBars: 150, testBars: 150 }, 2, 1],
  ["in groups", { kind: "purgedKFold", groups: 4, purgeBars: 5 }, 1, 2],
])("what cannot be run in some folds is tried where it can be: %s", async (_name, folds, trials, never) => {
  const ctx = context();
  const result = await run(
    {
      instrumentId: "WAVE.INDEX",
      strategy: { kind: "module", name: "breakingDown" },
      parameters: { kind: { values: [1, 2, 3] } },
      folds,
    },
    ctx,
  );
  expect(result.trials).toBe(trials);
  expect(result.warnings.map((warning) => warning.replace(/[;,].*/, ""))).toEqual([
    `${never} of 3 combinations cannot be run`,
    ...(never === 1 ? ["1 of 3 combinations cannot be run in some folds"] : []),
  ]);
  const rows = await fixture.db
    .selectFrom("backtestTrials")
    .select(["params", "measure", "failure"])
    .where("jobId", "=", ctx.jobId)
    .orderBy("number")
    .execute();
  expect(rows.map(({ params, measure }) => [params["kind"], measure !== null])).toEqual([
    [1, true],
    [2, false],
    [3, false],
  ]);
  expect(rows.map(({ failure }) => failure?.replace(/.*: /, "") ?? null)).toEqual([
    null,
    "too late.",
    "never.",
  ]);
});
