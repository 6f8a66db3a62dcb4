import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { decimal } from "@tapedeck/core";
import type { Decimal } from "@tapedeck/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyFill, positionOf } from "./ledger.ts";
import type { Lot, LotMethod } from "./ledger.ts";

const root = resolve(import.meta.dirname, "../../..");
const golden = resolve(root, process.env["GOLDEN_DIR"] ?? "../shared/golden", "ledger/scenarios.json");

interface Scenario {
  name: string;
  kind: string;
  method: string;
  initialCash: string;
  washSales: boolean;
  events: Array<{
    type: string;
    date: string;
    quantity: string;
    price: string;
    fee: string;
    instrument?: string;
  }>;
  expected: {
    closed: Array<{ quantity: string; gain: string }>;
    lots: Array<{ instrument: string; side: string; quantity: string; basis: string }>;
    cash: string;
    realised: string;
    feesPaid: string;
  };
}

/** A finite decimal or `p/q`. */
function rational(text: string): Decimal {
  const [p, q] = text.split("/");
  return q === undefined ? decimal(p!) : decimal(p!).div(decimal(q));
}

function expectNear(actual: Decimal, text: string, what: string): void {
  const tolerance = text.includes("/") ? 1e-17 : 0;
  expect(
    actual.minus(rational(text)).abs().toNumber(),
    `${what}: ${actual.toFixed()} for ${text}`,
  ).toBeLessThanOrEqual(tolerance);
}

describe.skipIf(!existsSync(golden) && process.env["CI"] !== "true")(
  "exact scenarios (left out where the reference values are absent)",
  () => {
    test("fills by FIFO, LIFO and HIFO", () => {
      const known = new Set(["buy", "sell", "mark"]);
      const scenarios = (JSON.parse(readFileSync(golden, "utf8")) as Scenario[]).filter(
        (one) =>
          one.kind === "lots" &&
          !one.washSales &&
          ["FIFO", "LIFO", "HIFO"].includes(one.method) &&
          one.events.every((event) => known.has(event.type)),
      );
      expect(scenarios.length).toBeGreaterThanOrEqual(10);
      for (const { name, method, initialCash, events, expected } of scenarios) {
        const lots = new Map<string, Lot[]>();
        const closed: Array<{ quantity: Decimal; gain: Decimal }> = [];
        let cash = decimal(initialCash);
        let realised = decimal(0);
        events.forEach((event, k) => {
          if (event.type === "mark") return;
          const instrument = event.instrument ?? "X";
          const effect = applyFill(
            lots.get(instrument) ?? [],
            {
              id: String(k),
              side: event.type as "buy" | "sell",
              quantity: decimal(event.quantity),
              price: decimal(event.price),
              fee: decimal(event.fee),
              eventMs: Date.parse(event.date),
            },
            method.toLowerCase() as LotMethod,
          );
          lots.set(instrument, effect.lots);
          cash = cash.plus(effect.cash);
          realised = realised.plus(effect.realised);
          closed.push(
            ...effect.closed.map((part) => ({
              quantity: part.quantity,
              gain: part.proceeds.minus(part.cost),
            })),
          );
        });
        expectNear(cash, expected.cash, `${name} cash`);
        expectNear(realised, expected.realised, `${name} realised`);
        expect(closed, name).toHaveLength(expected.closed.length);
        expected.closed.forEach((part, k) => {
          expectNear(closed[k]!.quantity, part.quantity, `${name} closed ${k}`);
          expectNear(closed[k]!.gain, part.gain, `${name} gain ${k}`);
        });
        const open = [...lots.values()].flat();
        expect(open, name).toHaveLength(expected.lots.length);
        expected.lots.forEach((lot, k) => {
          expectNear(open[k]!.quantity.abs(), lot.quantity, `${name} lot ${k}`);
          expectNear(open[k]!.cost.abs(), lot.basis, `${name} basis ${k}`);
          expect(open[k]!.quantity.isNegative() ? "short" : "long").toBe(lot.side);
        });
      }
    });
  },
);

const money = (most: number) => fc.integer({ min: 1, max: most }).map((cents) => decimal(cents).div(100));
const fill = fc.record({
  side: fc.constantFrom("buy" as const, "sell" as const),
  quantity: fc.integer({ min: 1, max: 10_000_000 }).map((units) => decimal(units).div(1_000)),
  price: money(1_000_000),
  fee: money(10_000),
});

describe("any sequence of fills", () => {
  test.each(["fifo", "lifo", "hifo"] as const)(
    "%s: lots sum to the position, and cash + cost of lots = cash paid in + realised, exactly",
    (method) => {
      fc.assert(
        fc.property(fc.array(fill, { maxLength: 40 }), (fills) => {
          let lots: Lot[] = [];
          let cash = decimal(1_000_000);
          let realised = decimal(0);
          let position = decimal(0);
          fills.forEach((one, k) => {
            const effect = applyFill(lots, { ...one, id: String(k), eventMs: k }, method);
            lots = effect.lots;
            cash = cash.plus(effect.cash);
            realised = realised.plus(effect.realised);
            position = position.plus(one.side === "buy" ? one.quantity : one.quantity.neg());
          });
          const { quantity, cost } = positionOf(lots);
          expect(quantity.eq(position)).toBe(true);
          expect(cash.plus(cost).eq(decimal(1_000_000).plus(realised))).toBe(true);
          expect(new Set(lots.map((lot) => lot.quantity.isNegative())).size).toBeLessThanOrEqual(1);
        }),
        { numRuns: 200 },
      );
    },
  );

  test("equity at any price is cash in + realised + unrealised", () => {
    fc.assert(
      fc.property(fc.array(fill, { minLength: 1, maxLength: 30 }), money(1_000_000), (fills, mark) => {
        let lots: Lot[] = [];
        let cash = decimal(0);
        let realised = decimal(0);
        fills.forEach((one, k) => {
          const effect = applyFill(lots, { ...one, id: String(k), eventMs: k });
          lots = effect.lots;
          cash = cash.plus(effect.cash);
          realised = realised.plus(effect.realised);
        });
        const { quantity, cost } = positionOf(lots);
        const unrealised = quantity.mul(mark).minus(cost);
        expect(cash.plus(quantity.mul(mark)).eq(realised.plus(unrealised))).toBe(true);
      }),
    );
  });

  test("a fill without a quantity is refused", () => {
    const nothing = {
      id: "1",
      side: "buy" as const,
      quantity: decimal(0),
      price: decimal(1),
      fee: decimal(0),
      eventMs: 0,
    };
    expect(() => applyFill([], nothing)).toThrow(RangeError);
  });
});
