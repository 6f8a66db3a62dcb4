import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "@tapedeck/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backtestFixture } from "../backtest.fixture.ts";
import { fixtureContext, putBars } from "../books.fixture.ts";
import type { FixtureBar } from "../books.fixture.ts";
import { monteCarlo, MonteCarloPayload } from "./contract.ts";
import { runMonteCarlo } from "./run.ts";

const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);
let fixture: Awaited<ReturnType<typeof backtestFixture>>;

const choosy = `import { defineStrategy } from "@tapedeck/trading";
export default defineStrategy({
  title: "Choosy", meaning: "For tests", instruments: [1, 1],
  params: [{ name: "level", meaning: "Decides whether it can be run", default: 10, min: 1, max: 20 }],
  create: (p: Readonly<Record<string, number>>) => ({
    name: "Choosy", features: [],
    decide(context) {
      if (p.level > 11) throw new Error("too high");
      context.target(context.close() > context.close(0, 1) ? context.unitsFor(0.5) : 0);
    },
  }),
});
`;

beforeAll(async () => {
  const dir = mkdtempSync(join(tmpdir(), "strategies-"));
  writeFileSync(join(dir, "choosy.ts"), choosy);
  fixture = await backtestFixture({ now, dir });
  const bars = Array.from({ length: 120 }, (_, i): FixtureBar => {
    const close = 100 + 8 * Math.sin(i / 5);
    return [i * dayMs, close, close + 0.5, close - 0.5, close, 1_000];
  });
  await putBars(fixture.db, { instrumentId: "WAVE.INDEX", assetClass: "index" }, "1d", bars);
});
afterAll(() => fixture.close());

test("numbers with which a module breaks down are counted, as those that make no strategy are", async () => {
  const payload = MonteCarloPayload.parse({
    instrumentId: "WAVE.INDEX",
    strategy: { kind: "module", name: "choosy" },
    simulations: 100,
    pathSimulations: 0,
    jitter: { simulations: 20 },
  });
  const ctx = fixtureContext<never>(fixture.db, { tenantId: newId(0), now });
  const { jitter } = monteCarlo.result.parse(await runMonteCarlo(fixture.deps, payload, ctx));
  expect(jitter!.failed).toBeGreaterThan(0);
  expect(jitter!.simulations).toBeGreaterThan(0);
  expect(jitter!.failed + jitter!.simulations).toBe(20);
});
