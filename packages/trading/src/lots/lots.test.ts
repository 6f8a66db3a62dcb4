import { existsSync } from "node:fs";
import { join } from "node:path";
import { decimal } from "@tapedeck/core";
import { goldenDir } from "@tapedeck/testkit";
import { ledger } from "@tapedeck/testkit/golden/ledger";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { childQuantities } from "../routing/schedule.ts";
import { routeOrder } from "../routing/route.ts";
import { applyLotEvent, createLotBook, positionIn, totalsOf } from "./book.ts";
import type { BasisMethod } from "./book.ts";
import { isLongTerm } from "./dates.ts";

const folder = join(goldenDir, "ledger");
describe.skipIf(!existsSync(folder) && process.env["CI"] !== "true")(
  `exact scenarios (left out where ${folder} is absent)`,
  () => {
    test.each(["lots", "fx", "schedule", "routing"])("%s", (kind) => {
      const result = ledger.entries(folder, "").find((entry) => entry.id === `ledger/${kind}`)!.compare!();
      expect(result.fault).toBeUndefined();
      expect(result.values).toBeGreaterThan(10);
      expect(result.worst).toBeLessThanOrEqual(1);
    });
  },
);

const tradeArbitrary = fc.record({
  type: fc.constantFrom("buy" as const, "sell" as const),
  day: fc.integer({ min: 0, max: 20 }),
  quantity: fc.integer({ min: 1, max: 50 }).map((units) => decimal(units).div(4)),
  price: fc.integer({ min: 1, max: 9_999 }).map((cents) => decimal(cents).div(100)),
  fee: fc.integer({ min: 0, max: 99 }).map((cents) => decimal(cents).div(100)),
});

test.each<BasisMethod>(["FIFO", "LIFO", "HIFO", "AVERAGE"])(
  "%s: lots sum to the position, and equity is cash in + realised + unrealised + income, to the last digit",
  (method) => {
    fc.assert(
      fc.property(fc.array(tradeArbitrary, { minLength: 1, maxLength: 25 }), fc.boolean(), (trades, wash) => {
        const book = createLotBook(method, decimal(1_000), wash);
        let position = decimal(0);
        let day = 0;
        for (const { type, day: later, ...trade } of trades) {
          day += later;
          const date = new Date(Date.UTC(2020, 0, 1 + day)).toISOString().slice(0, 10);
          applyLotEvent(book, { type, date, instrument: "X", ...trade });
          position = type === "buy" ? position.plus(trade.quantity) : position.minus(trade.quantity);
          expect(positionIn(book, "X").eq(position)).toBe(true);
          const totals = totalsOf(book);
          const identity = decimal(1_000).plus(book.realised).plus(totals.unrealised).plus(book.income);
          expect(totals.equity.minus(identity).abs().toNumber()).toBe(0);
          expect(new Set(book.lots.map((lot) => lot.side)).size).toBeLessThanOrEqual(1);
          const terms = totals.shortTermGain.plus(totals.longTermGain);
          expect(terms.eq(book.realised)).toBe(true);
        }
      }),
      { numRuns: 80 },
    );
  },
);

test("more than a year: the anniversary itself is short term, 29 February's is 28 February", () => {
  expect(isLongTerm("2019-03-01", "2020-03-01")).toBe(false);
  expect(isLongTerm("2019-03-01", "2020-03-02")).toBe(true);
  expect(isLongTerm("2020-02-29", "2021-02-28")).toBe(false);
  expect(isLongTerm("2020-02-29", "2021-03-01")).toBe(true);
});

test("a schedule and a route say what they cannot do", () => {
  expect(() => childQuantities(decimal("1.5"), decimal(1), [decimal(1)])).toThrow("whole number of lots");
  expect(() => childQuantities(decimal(3), decimal(1), [decimal(0)])).toThrow("all weights are zero");
  const venue = {
    venue: "A",
    feeBps: decimal(0),
    fixedFee: decimal(0),
    minQuantity: decimal(0),
    levels: [{ price: decimal(1), quantity: decimal(5) }],
  };
  expect(() => routeOrder("buy", decimal(6), [venue])).toThrow("depth");
});
