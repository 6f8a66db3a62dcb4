import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createEngine, noCosts, plainInstrument } from "./index.ts";
import type { EngineSettings, EngineStrategy, MarketEvent, OrderRequest } from "./index.ts";

const price = fc.integer({ min: 80, max: 120 });
const bar = fc
  .tuple(price, price, fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }))
  .map(([open, close, up, down]) => [open, Math.max(open, close) + up, Math.min(open, close) - down, close]);
const order: fc.Arbitrary<OrderRequest> = fc.oneof(
  fc.record({ side: fc.constantFrom("buy", "sell"), quantity: fc.integer({ min: 1, max: 20 }) }),
  fc.record({
    side: fc.constantFrom("buy", "sell"),
    type: fc.constant("limit"),
    quantity: fc.integer({ min: 1, max: 20 }),
    limitPrice: price,
  }),
  fc.record({
    side: fc.constantFrom("buy", "sell"),
    cashFraction: fc.constantFrom(0.3, 1),
    bracket: fc.record({ stopFraction: fc.constantFrom(0.02, 0.1), targetFraction: fc.constant(0.05) }),
  }),
);

test("a run on one instrument is the same in the steps made for it and in the general ones", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(bar, fc.option(order)), { minLength: 2, maxLength: 60 }),
      fc.constantFrom(0, 0.2),
      fc.constantFrom(0, 0.3),
      (given, maintenanceMargin, volumeShare) => {
        const column = (k: number) => Float64Array.from(given, ([prices]) => prices[k]!);
        const openMs = Float64Array.from(given, (_, i) => i * 60_000);
        const bars = {
          openMs,
          closeMs: openMs.map((ms) => ms + 60_000),
          open: column(0),
          high: column(1),
          low: column(2),
          close: column(3),
          volume: openMs.map(() => 30),
        };
        const seen: unknown[] = [];
        const strategy: EngineStrategy = {
          name: "any",
          features: ["feature"],
          decide(context) {
            const t = context.bars() - 1;
            seen.push(
              [
                context.nowMs,
                context.equity,
                context.cash(),
                context.position(),
                context.closed(),
                context.barsHeld(),
              ],
              [
                context.value(0),
                context.value(0, 0, 2),
                context.close(0, 1),
                context.high(),
                context.low(),
                context.open(),
              ],
              [context.volume(), context.openOrders(), context.averagePrice(), context.unitsFor(0.5)],
            );
            const asked = given[t]![1];
            if (asked !== null) context.submit(asked);
          },
        };
        const settings: EngineSettings = {
          baseCurrency: "USD",
          initialCash: 2_000,
          costs: { ...noCosts, volumeShare, fees: { ...noCosts.fees, takerRate: 0.001 } },
          innerPath: "pessimistic",
          shortfall: "reduce",
          rates: {},
        };
        const run = (events: readonly MarketEvent[]) => {
          seen.length = 0;
          const engine = createEngine(
            [{ ...plainInstrument("X", bars), maintenanceMargin, events }],
            strategy,
            settings,
            () => ({ closeMs: bars.closeMs, values: bars.close }),
          );
          while (!engine.advance(7));
          const { postings, orderLog, rejected } = engine.state;
          const { equity, gross, net } = engine;
          return structuredClone({ postings, orderLog, rejected, equity, gross, net, seen });
        };
        // An event that never comes: what the steps for one instrument do not know.
        expect(run([])).toEqual(run([{ kind: "dividend", atMs: Infinity, perUnit: 1 }]));
      },
    ),
    { numRuns: 150 },
  );
});
