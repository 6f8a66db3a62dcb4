import * as fc from "fast-check";
import { expect, test } from "vitest";
import { noCosts } from "./costs.ts";
import { createEngine } from "./engine.ts";
import { fillRows } from "./fills.ts";
import { plainInstrument } from "./market.ts";
import type { PriceSeries } from "./market.ts";
import type { OrderRequest } from "./orders.ts";

/** Every order type and time in force against a plain reading of the rules, one order at a time. */

const hourMs = 3_600_000;
const barsADay = 24;

interface Bar {
  open: number;
  high: number;
  low: number;
  close: number;
}

interface Wanted extends OrderRequest {
  side: "buy" | "sell";
}

/** Bar and price of the fill of an order placed at the close of bar `from`; undefined: none. */
function plainFill(
  order: Wanted,
  bars: readonly Bar[],
  from: number,
): [bar: number, price: number] | undefined {
  const up = order.side === "buy" ? 1 : -1;
  const worst = (bar: Bar) => (up > 0 ? bar.low : bar.high);
  const best = (bar: Bar) => (up > 0 ? bar.high : bar.low);
  let { type = "market", stopPrice: stop = Number.NaN } = order;
  const limit = order.limitPrice ?? Number.NaN;
  let extreme = bars[from]!.close;
  for (let i = from + 1; i < bars.length; i++) {
    const bar = bars[i]!;
    const day = Math.floor(i / barsADay);
    if (order.timeInForce === "day" && day > Math.floor((from + 1) / barsADay)) return undefined;
    if (order.timeInForce === "gtd" && i * hourMs >= order.expiresMs!) return undefined;
    const whole = order.timeInForce !== "gtd" || (i + 1) * hourMs <= order.expiresMs!;
    const rests = order.timeInForce !== "ioc" && order.timeInForce !== "fok" && whole;
    if (type === "market") return [i, bar.open];
    if (type === "onOpen" && i % barsADay === 0) return [i, bar.open];
    if (type === "onClose" && (i % barsADay === barsADay - 1 || i === bars.length - 1)) return [i, bar.close];
    if (type === "trailingStop") stop = extreme + up * order.trailBy!;
    let guessed = false;
    if (type === "stop" || type === "trailingStop" || type === "stopLimit") {
      const opensBeyond = up * (bar.open - stop) >= 0;
      const reaches = up * (best(bar) - stop) >= 0;
      if (type !== "stopLimit") {
        if (opensBeyond) return [i, bar.open];
        if (reaches && rests) return [i, stop];
      } else if (opensBeyond) type = "limit";
      else if (reaches && rests) {
        if (up * (limit - stop) > 0) return [i, stop];
        type = "limit";
        // It comes back to its limit after the stop for certain only where the bar closes beyond it.
        guessed = up * (limit - bar.close) <= 0;
        if (!guessed && up * (limit - worst(bar)) > 0) return [i, limit];
        guessed = true;
      }
    }
    if ((type === "limit" || type === "takeProfit") && !guessed) {
      if (up * (limit - bar.open) > 0) return [i, bar.open];
      if (rests && up * (limit - worst(bar)) > 0) return [i, limit];
    }
    if (order.timeInForce === "ioc" || order.timeInForce === "fok") return undefined;
    const reached = worst(bar);
    if (up * (extreme - reached) > 0) extreme = reached;
  }
  return undefined;
}

const price = fc.integer({ min: 90, max: 110 });
const bar: fc.Arbitrary<Bar> = fc
  .tuple(price, price, fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }))
  .map(([open, close, more, less]) => ({
    open,
    close,
    high: Math.max(open, close) + more,
    low: Math.min(open, close) - less,
  }));
const side = fc.constantFrom("buy" as const, "sell" as const);
const lasting = fc.oneof(
  fc.constantFrom<Pick<OrderRequest, "timeInForce" | "expiresMs">>(
    {},
    { timeInForce: "day" },
    { timeInForce: "ioc" },
    { timeInForce: "fok" },
  ),
  fc
    .integer({ min: 1, max: 60 })
    .map((half) => ({ timeInForce: "gtd" as const, expiresMs: (half * hourMs) / 2 })),
);
const quantity = fc.constant(1);
const orders: fc.Arbitrary<Wanted> = fc
  .tuple(
    lasting,
    fc.oneof(
      fc.record({
        side,
        quantity,
        type: fc.constantFrom("market" as const, "onOpen" as const, "onClose" as const),
      }),
      fc.record({
        side,
        quantity,
        type: fc.constantFrom("limit" as const, "takeProfit" as const),
        limitPrice: price,
      }),
      fc.record({ side, quantity, type: fc.constant("stop" as const), stopPrice: price }),
      fc.record({
        side,
        quantity,
        type: fc.constant("stopLimit" as const),
        stopPrice: price,
        limitPrice: price,
      }),
      fc.record({
        side,
        quantity,
        type: fc.constant("trailingStop" as const),
        trailBy: fc.integer({ min: 1, max: 9 }),
      }),
    ),
  )
  .map(([terms, order]) => ({ ...order, ...terms }));

test("an order fills in the bar and at the price of a plain reading of its rules", () => {
  fc.assert(
    fc.property(fc.array(bar, { minLength: 4, maxLength: 40 }), orders, fc.nat(20), (bars, order, place) => {
      const from = place % (bars.length - 1);
      const column = (of: (one: Bar, i: number) => number) => Float64Array.from(bars, of);
      const series: PriceSeries = {
        openMs: column((_, i) => i * hourMs),
        closeMs: column((_, i) => (i + 1) * hourMs),
        open: column((one) => one.open),
        high: column((one) => one.high),
        low: column((one) => one.low),
        close: column((one) => one.close),
        volume: column(() => 1_000),
      };
      const engine = createEngine(
        [{ ...plainInstrument("X", series), initialMargin: 0.01 }],
        {
          name: "one order",
          features: [],
          decide: (context) => void (context.bars() === from + 1 && context.submit(order)),
        },
        {
          baseCurrency: "USD",
          initialCash: 1e6,
          costs: noCosts,
          innerPath: "pessimistic",
          shortfall: "reject",
          rates: {},
        },
        () => {
          throw new Error("no formulas here");
        },
      );
      while (!engine.advance(100));
      const { postings } = engine.state;
      const got = [...fillRows(postings)].map((row) => [postings.bar[row], postings.price[row]]);
      const expected = plainFill(order, bars, from);
      expect(got).toEqual(expected === undefined ? [] : [expected]);
    }),
    { numRuns: 3_000 },
  );
});
