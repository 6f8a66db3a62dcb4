import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "@tapedeck/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Db } from "../../db.ts";
import { backtestFixture } from "../backtest.fixture.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { biasAudit, BiasAuditPayload, portfolioAudit, PortfolioAuditPayload } from "./contract.ts";
import { runPortfolioAudit } from "./portfolio.ts";
import { runBiasAudit } from "./run.ts";

const tenantId = newId(0);
const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
const opened: Array<() => Promise<void>> = [];
const dir = mkdtempSync(join(tmpdir(), "strategies-"));
let db: Db;
let deps: Parameters<typeof runBiasAudit>[0];

/** A slow wave with a rise, so that averages cross. */
const bars: FixtureBar[] = Array.from({ length: 300 }, (_, i) => {
  const close = 100 + i / 10 + 10 * Math.sin(i / 9);
  return [i * dayMs, close - 0.2, close + 0.5, close - 0.5, close, 1_000] as const;
});

beforeAll(async () => {
  const fixture = await backtestFixture({ now, dir });
  opened.push(fixture.close);
  ({ db, deps } = fixture);
  await putBars(db, { instrumentId: "WAVE.INDEX", assetClass: "index" }, "1d", bars);
  await putBars(db, { instrumentId: "FIXED.TEST" }, "1d", bars);
  // Bar 150 was corrected long after its close: it had been stored ten higher.
  const { seriesId } = await db
    .selectFrom("series")
    .select("seriesId")
    .where("instrumentId", "=", "FIXED.TEST")
    .executeTakeFirstOrThrow();
  const row = await db
    .selectFrom("bars")
    .selectAll()
    .where("seriesId", "=", seriesId)
    .where("openMs", "=", 150 * dayMs)
    .executeTakeFirstOrThrow();
  const correctedMs = 290 * dayMs;
  await db
    .insertInto("bars")
    .values({
      ...row,
      revision: 2,
      close: row.close + 10,
      high: row.high + 10,
      visibleMs: correctedMs,
      recordedMs: correctedMs,
    })
    .execute();
  await db
    .updateTable("series")
    .set((eb) => ({ revised: true, maxVisibleMs: correctedMs, dataVersion: eb("dataVersion", "+", 1) }))
    .where("seriesId", "=", seriesId)
    .execute();
});

afterAll(async () => {
  for (const close of opened) await close();
});

async function audit(payload: object) {
  const ctx = fixtureContext<never>(db, { tenantId, now });
  return biasAudit.result.parse(await runBiasAudit(deps, BiasAuditPayload.parse(payload), ctx));
}

const crossover = (instrumentId: string) => ({
  instrumentId,
  strategy: {
    kind: "rules",
    entry: "crossover(close, sma(close, 5))",
    exit: "crossunder(close, sma(close, 5))",
  },
  cuts: 200,
});

test("clears a strategy of windows on data that was never revised, and says what delay and costs do", async () => {
  const result = await audit(crossover("WAVE.INDEX"));
  expect(result.passed).toBe(true);
  expect(Object.fromEntries(result.checks.map((check) => [check.name, check.outcome]))).toEqual({
    lookAhead: "pass",
    recursion: "pass",
    revisions: "pass",
    splits: "pass",
    survivorship: "pass",
    delay: "pass",
    costs: "pass",
  });
  expect(result.delayedReturn).toBeLessThan(result.totalReturn);
  expect(result.doubledCostsReturn).toBeLessThan(result.totalReturn);
});

test("finds that an average that never forgets depends on where it began", async () => {
  const result = await audit({
    instrumentId: "WAVE.INDEX",
    strategy: { kind: "rules", entry: "ema(close, 40) > sma(close, 40)" },
  });
  const recursion = result.checks.find((check) => check.name === "recursion")!;
  expect(recursion.outcome).toBe("fail");
  expect(recursion.firstMs).not.toBeNull();
  expect(result.passed).toBe(false);
});

test("finds a decision that rests on a later correction at its bar, however few the cuts", async () => {
  const result = await audit({
    ...crossover("FIXED.TEST"),
    cuts: 5,
    strategy: { kind: "rules", entry: "close > lag(close, 1) + 5" },
  });
  const revisions = result.checks.find((check) => check.name === "revisions")!;
  expect(revisions).toMatchObject({ outcome: "fail", firstMs: 151 * dayMs });
  expect(result.checks.find((check) => check.name === "survivorship")!.outcome).toBe("warning");
});

/** A module that holds one unit of each instrument while its formula is above the close. */
function writeModule(name: string, formula: string, decide?: string): void {
  writeFileSync(
    join(dir, `${name}.ts`),
    `import { defineStrategy } from "@tapedeck/trading";
export default defineStrategy({
  title: "T", meaning: "", params: [], instruments: [1, 9],
  create: () => ({
    name: "T", features: [${JSON.stringify(formula)}],
    decide(context) {
      for (let k = 0; k < context.instruments.length; k++) {
        ${decide ?? "context.target(context.value(0, k) > context.close(k) ? 1 : 0, k);"}
      }
    },
  }),
});
`,
  );
}

const outcomes = (checks: ReadonlyArray<{ name: string; outcome: string }>) =>
  Object.fromEntries(checks.map(({ name, outcome }) => [name, outcome]));

describe("strategy modules", () => {
  test("one of windows is cleared", async () => {
    writeModule("honest", "sma(close, 5)");
    const result = await audit({
      instrumentId: "WAVE.INDEX",
      strategy: { kind: "module", name: "honest" },
      cuts: 10,
    });
    expect(result.passed).toBe(true);
    expect(result.delayedReturn).not.toBe(result.totalReturn);
    expect(result.doubledCostsReturn).toBeLessThan(result.totalReturn);
  });

  test("one whose formula never forgets fails, with the first bar", async () => {
    writeModule("forgetful", "ema(close, 40)");
    const result = await audit({
      instrumentId: "WAVE.INDEX",
      strategy: { kind: "module", name: "forgetful" },
      cuts: 5,
    });
    expect(result.checks.find((check) => check.name === "recursion")).toMatchObject({ outcome: "fail" });
  });

  test("bars before the range show what a range alone is too short to show", async () => {
    writeModule("slow", "ema(close, 20)");
    writeModule("window", "sma(close, 20)");
    const range = { instrumentId: "WAVE.INDEX", fromMs: 100 * dayMs, toMs: 131 * dayMs, cuts: 5 };
    const recursionOf = async (name: string) => {
      const result = await audit({ ...range, strategy: { kind: "module", name } });
      return result.checks.find((check) => check.name === "recursion")!;
    };
    const slow = await recursionOf("slow");
    expect(slow.outcome).toBe("fail");
    // The first of the range that has 19 bars before it.
    expect(slow.firstMs).toBe(120 * dayMs);
    expect((await recursionOf("window")).outcome).not.toBe("fail");
  });

  test("orders that rest on a later correction are found at their bar", async () => {
    writeModule(
      "jump",
      "lag(close, 1) + 5",
      "if (context.close(k) > context.value(0, k)) context.target(1, k);",
    );
    const result = await audit({
      instrumentId: "FIXED.TEST",
      strategy: { kind: "module", name: "jump" },
      cuts: 5,
    });
    const revisions = result.checks.find((check) => check.name === "revisions")!;
    expect(revisions).toMatchObject({ outcome: "fail", firstMs: 151 * dayMs });
  });
});

async function auditAll(payload: object) {
  const ctx = fixtureContext<never>(db, { tenantId, now });
  return portfolioAudit.result.parse(
    await runPortfolioAudit(deps, PortfolioAuditPayload.parse(payload), ctx),
  );
}

describe("several instruments", () => {
  const rules = {
    kind: "rules",
    entry: "crossover(close, sma(close, 5))",
    exit: "crossunder(close, sma(close, 5))",
  };
  const both = {
    instruments: ["WAVE.INDEX", "FIXED.TEST"],
    sizing: { kind: "fixedQuantity", quantity: "10" },
    cuts: 8,
  };

  test("rules of windows: cleared but for the correction and for shares that survived", async () => {
    const result = await auditAll({ ...both, strategy: rules, toMs: 140 * dayMs });
    expect(outcomes(result.checks)).toEqual({
      lookAhead: "pass",
      recursion: "pass",
      revisions: "pass",
      permutation: "pass",
      splits: "pass",
      survivorship: "warning",
      delay: "pass",
      costs: "pass",
    });
    expect(result.passed).toBe(true);
    expect(result.delayedReturn).toBeLessThan(result.totalReturn);
  });

  test("a correction is found at its close", async () => {
    const result = await auditAll({
      ...both,
      strategy: { kind: "rules", entry: "close > lag(close, 1) + 5" },
    });
    expect(result.checks.find((check) => check.name === "revisions")).toMatchObject({
      outcome: "fail",
      firstMs: 151 * dayMs,
    });
  });

  test("a strategy that prefers the first of its instruments is told", async () => {
    writeModule(
      "first",
      "sma(close, 5)",
      "if (k === 0) context.target(context.bars() % 20 < 10 ? 1 : 0, k);",
    );
    const result = await auditAll({
      ...both,
      strategy: { kind: "module", name: "first" },
      toMs: 140 * dayMs,
    });
    expect(outcomes(result.checks)).toMatchObject({ lookAhead: "pass", permutation: "warning" });
  });

  test.each([
    ["momentumRotation", { window: 20, hold: 1, every: 21 }, "warning"],
    ["equalWeight", { every: 7 }, "warning"],
    ["equalWeight", { every: 1 }, "pass"],
    ["twapEntry", { slices: 3 }, "notJudged"],
  ])("the schedule of %s, %o, begun later: %s", async (name, params, outcome) => {
    const result = await auditAll({ ...both, strategy: { name, params }, toMs: 140 * dayMs });
    const recursion = result.checks.find((check) => check.name === "recursion")!;
    expect(recursion.outcome).toBe(outcome);
    expect(recursion.firstMs !== null).toBe(outcome === "warning");
    expect(result.passed).toBe(true);
  });

  test("a module that counts its own bars is told, and one whose orders follow the bars is not", async () => {
    writeModule("counter", "sma(close, 5)", "context.target(context.bars(k) % 10 < 5 ? 1 : 0, k);");
    writeModule("follower", "sma(close, 5)");
    for (const [name, outcome] of [
      ["counter", "warning"],
      ["follower", "pass"],
    ] as const) {
      const single = await audit({ instrumentId: "WAVE.INDEX", strategy: { kind: "module", name }, cuts: 5 });
      expect(outcomes(single.checks)["recursion"]).toBe(outcome);
      const several = await auditAll({ ...both, strategy: { kind: "module", name }, toMs: 140 * dayMs });
      expect(outcomes(several.checks)["recursion"]).toBe(outcome);
    }
  });

  test.each([
    "momentumRotation",
    "riskParity",
    "volatilityTarget",
    "pairsZScore",
    "crossVenueArbitrage",
    "equalWeight",
    "twapEntry",
  ])("the built-in %s does not look ahead", async (name) => {
    const params = ["pairsZScore", "crossVenueArbitrage", "twapEntry"].includes(name) ? {} : { every: 3 };
    const window = name.startsWith("m") || name.startsWith("r") ? { window: 20 } : {};
    const strategy = { name, params: { ...params, ...window } };
    const result = await auditAll({ ...both, strategy, toMs: 120 * dayMs, cuts: 12 });
    expect(result.checks.find((check) => check.name === "lookAhead")).toMatchObject({ outcome: "pass" });
  });
});

test("refuses too few bars", async () => {
  await expect(audit({ ...crossover("WAVE.INDEX"), toMs: 8 * dayMs })).rejects.toMatchObject({
    code: "data.missing",
  });
});
