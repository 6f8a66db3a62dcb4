import { newId } from "@tapedeck/core";
import { testBlobs, testDatabase } from "@tapedeck/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database, Db } from "../../db.ts";
import { createFormulaLibrary } from "../../indicators/library.ts";
import { createSeriesReader } from "../../series/reader.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { biasAudit, BiasAuditPayload } from "./contract.ts";
import { runBiasAudit } from "./run.ts";

const tenantId = newId(0);
const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
const opened: Array<() => Promise<void>> = [];
let db: Db;
let deps: Parameters<typeof runBiasAudit>[0];

/** A slow wave with a rise, so that averages cross. */
const bars: FixtureBar[] = Array.from({ length: 300 }, (_, i) => {
  const close = 100 + i / 10 + 10 * Math.sin(i / 9);
  return [i * dayMs, close - 0.2, close + 0.5, close - 0.5, close, 1_000] as const;
});

beforeAll(async () => {
  const database = await testDatabase<Database>();
  const store = await testBlobs();
  opened.push(database.close, store.close);
  ({ db } = database);
  deps = {
    series: createSeriesReader({ db, blobs: store.blobs, now }),
    formulas: createFormulaLibrary({ db }),
  };
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

test("finds a decision that rests on a later correction, at its bar", async () => {
  const result = await audit({
    ...crossover("FIXED.TEST"),
    fromMs: 140 * dayMs,
    toMs: 160 * dayMs,
    strategy: { kind: "rules", entry: "close > lag(close, 1) + 5" },
  });
  const revisions = result.checks.find((check) => check.name === "revisions")!;
  expect(revisions).toMatchObject({ outcome: "fail", firstMs: 151 * dayMs });
  expect(result.checks.find((check) => check.name === "survivorship")!.outcome).toBe("warning");
});

test("refuses too few bars", async () => {
  await expect(audit({ ...crossover("WAVE.INDEX"), toMs: 8 * dayMs })).rejects.toMatchObject({
    code: "data.missing",
  });
});
