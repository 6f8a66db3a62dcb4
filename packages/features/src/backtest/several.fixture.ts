import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "@tapedeck/core";
import { backtestFixture } from "./backtest.fixture.ts";
import { fixtureContext, putBars } from "./books.fixture.ts";
import type { FixtureBar } from "./books.fixture.ts";

export const dayMs = 86_400_000;
const now = () => Date.UTC(2026, 0, 2);

/** Days [from, 400) of a wave of its own period, so that leaders change. */
const wave = (period: number, level: number, from = 0): FixtureBar[] =>
  Array.from({ length: 400 - from }, (_, k) => {
    const i = from + k;
    const close = level * (1 + i / 1_500 + 0.1 * Math.sin(i / period) + ((i * 7919) % 13) / 900);
    return [i * dayMs, close * 0.999, close * 1.01, close * 0.99, close, 10_000] as const;
  });

/** Tosses a coin for each instrument at each close. */
const coin = `import { defineStrategy } from "@tapedeck/trading";
export default defineStrategy({
  title: "Coin", meaning: "For tests", instruments: [1, 9],
  params: [{ name: "chance", meaning: "Of holding", default: 0.5, min: 0, max: 1 }],
  create: (p: Readonly<Record<string, number>>) => ({
    name: "Coin", features: [],
    decide(context) {
      for (let k = 0; k < context.instruments.length; k++) {
        const held = context.bars(k) > 0 && Math.random() < p.chance!;
        context.target(held ? context.unitsFor(0.3, k) : 0, k);
      }
    },
  }),
});
`;

/** A database with three instruments, of which C is listed later, and a strategy module that tosses coins. */
export async function severalFixture() {
  const dir = mkdtempSync(join(tmpdir(), "strategies-"));
  writeFileSync(join(dir, "coin.ts"), coin);
  const { db, deps, close } = await backtestFixture({ now, dir });
  const tenantId = newId(0);
  await putBars(db, { instrumentId: "A.TEST" }, "1d", wave(11, 100));
  await putBars(db, { instrumentId: "B.TEST" }, "1d", wave(17, 40));
  await putBars(db, { instrumentId: "C.TEST" }, "1d", wave(23, 10, 60));
  return {
    db,
    deps,
    tenantId,
    context: (facts: Partial<Parameters<typeof fixtureContext>[1]> = {}) =>
      fixtureContext<never>(db, { tenantId, now, ...facts }),
    close,
  };
}

export type SeveralFixture = Awaited<ReturnType<typeof severalFixture>>;
