import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { noCosts } from "./costs.ts";
import { createEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { createCashReconciliation } from "./exact.ts";
import { fillRows } from "./fills.ts";
import { plainInstrument } from "./market.ts";
import type { MarketInstrument, PriceSeries } from "./market.ts";
import type { EngineSettings } from "./state.ts";
import type { EngineStrategy, StrategyContext } from "./strategy.ts";

/** A strategy that sees longer bars than its orders meet. */

const minuteMs = 60_000;
const settings: EngineSettings = {
  baseCurrency: "USD",
  initialCash: 10_000,
  costs: noCosts,
  innerPath: "pessimistic",
  shortfall: "reject",
  rates: {},
};

type Row = readonly [openMs: number, closeMs: number, open: number, high: number, low: number, close: number];

function seriesOf(rows: readonly Row[], volume = 100): PriceSeries {
  const column = (k: number) => Float64Array.from(rows, (row) => row[k]!);
  return {
    openMs: column(0),
    closeMs: column(1),
    open: column(2),
    high: column(3),
    low: column(4),
    close: column(5),
    volume: new Float64Array(rows.length).fill(volume),
  };
}

const prints = (rows: ReadonlyArray<readonly [atMs: number, price: number]>, size = 10) =>
  seriesOf(
    rows.map(([at, price]): Row => [at, at, price, price, price, price]),
    size,
  );

/** Bars of `every` ms over prints, empty ones left out; half-open. */
function barsOf(trades: PriceSeries, every: number): PriceSeries {
  const rows: Row[] = [];
  trades.openMs.forEach((at, i) => {
    const price = trades.close[i]!;
    const openMs = Math.floor(at / every) * every;
    const last = rows.at(-1);
    if (last?.[0] !== openMs) rows.push([openMs, openMs + every, price, price, price, price]);
    else
      rows[rows.length - 1] = [
        openMs,
        last[1],
        last[2],
        Math.max(last[3], price),
        Math.min(last[4], price),
        price,
      ];
  });
  return seriesOf(rows);
}

function finish(
  instruments: readonly MarketInstrument[],
  decide: (context: StrategyContext) => void,
  extra: Partial<EngineSettings> = {},
): Engine {
  const strategy: EngineStrategy = { name: "n", features: [], decide };
  const engine = createEngine(instruments, strategy, { ...settings, ...extra }, () => {
    throw new Error("no formulas here");
  });
  while (!engine.advance(3));
  return engine;
}

const fillsOf = ({ state: { postings } }: Engine) =>
  [...fillRows(postings)].map((row) => [
    postings.timeMs[row],
    postings.quantity[row],
    postings.price[row],
    postings.instrument[row],
  ]);

const trades = prints([
  [10_000, 100],
  [59_000, 102],
  // The minute that ends here does not hold this print, and nothing decided at its end meets it.
  [60_000, 103],
  [61_000, 104],
  [61_000, 99],
  [61_000, 98],
  [119_999, 97],
  [125_000, 105],
]);
const minutes = barsOf(trades, minuteMs);
const onTrades = { ...plainInstrument("X", trades), signalBars: minutes };

test("decisions at the closes of minutes, fills at the prints after them, one by one", () => {
  const seen: unknown[] = [];
  const engine = finish([onTrades], (context) => {
    seen.push([context.nowMs, context.bars(), context.close(), context.high(), context.mark()]);
    if (context.bars() !== 1) return;
    context.submit({ side: "buy", quantity: 3 });
    context.submit({ side: "buy", quantity: 2, type: "limit", limitPrice: 98.5 });
    context.submit({ side: "sell", quantity: 4, type: "stop", stopPrice: 97.5 });
  });
  expect(seen).toEqual([
    [60_000, 1, 102, 102, 103],
    [120_000, 2, 97, 104, 97],
    [180_000, 3, 105, 105, 105],
  ]);
  expect(fillsOf(engine)).toEqual([
    [61_000, 3, 104, 0],
    [61_000, 2, 98.5, 0],
    [119_999, -4, 97, 0],
  ]);
  const cash = 10_000 - 3 * 104 - 2 * 98.5 + 4 * 97;
  expect([...engine.equity]).toEqual([10_000, cash + 97, cash + 105]);
  const exact = createCashReconciliation(engine.state);
  exact.advance(0, engine.state.postings.count);
  expect(exact.result().gap.toNumber()).toBe(0);
});

test("a cap on the volume fills an order over several prints of one millisecond", () => {
  const engine = finish(
    [onTrades],
    (context) => {
      if (context.bars() === 1) context.submit({ side: "buy", quantity: 12 });
    },
    { costs: { ...noCosts, volumeShare: 0.5 } },
  );
  expect(fillsOf(engine)).toEqual([
    [61_000, 5, 104, 0],
    [61_000, 5, 99, 0],
    [61_000, 2, 98, 0],
  ]);
});

test("the age of a position counts the bars that the strategy sees", () => {
  const held: number[] = [];
  const engine = finish([onTrades], (context) => {
    if (context.bars() === 1) context.submit({ side: "buy", quantity: 1 });
    held.push(context.barsHeld());
  });
  expect(held).toEqual([-1, 0, 1]);
  expect(engine.state.entryBar[0]).toBe(1);
});

test("one bar later is a bar of those that the strategy sees", () => {
  const buy = (context: StrategyContext) => {
    if (context.bars() === 1) context.submit({ side: "buy", quantity: 1 });
  };
  expect(fillsOf(finish([onTrades], buy, { delayBars: 1 }))).toEqual([[125_000, 1, 105, 0]]);
});

test("instruments of other timeframes on one clock: each is seen at its own closes, and not before", () => {
  const quarter = 15 * minuteMs;
  const rows = (every: number, count: number) =>
    seriesOf(
      Array.from({ length: count }, (_, i): Row => {
        const price = 100 + i;
        return [i * every, (i + 1) * every, price, price + 0.5, price - 0.5, price];
      }),
    );
  const minutely = rows(minuteMs, 60);
  const asked: unknown[] = [];
  const engine = finish(
    [
      { ...plainInstrument("A", minutely), signalBars: rows(30 * minuteMs, 2) },
      { ...plainInstrument("B", minutely), signalBars: rows(quarter, 4) },
    ],
    (context) => {
      asked.push([context.nowMs / minuteMs, context.closed(0), context.bars(0), context.bars(1)]);
      if (context.bars(1) === 1) context.submit({ instrument: 0, side: "buy", quantity: 1 });
    },
  );
  expect(asked).toEqual([
    [15, false, 0, 1],
    [30, true, 1, 2],
    [45, false, 1, 3],
    [60, true, 2, 4],
  ]);
  // Decided after the quarter, at the open of the sixteenth minute.
  expect(fillsOf(engine)).toEqual([[16 * minuteMs, 1, 115, 0]]);
});

test("a margin call comes between two decisions", () => {
  const falling = prints([
    [1_000, 100],
    [61_000, 100],
    [70_000, 60],
    [71_000, 58],
    [110_000, 90],
    [121_000, 91],
  ]);
  const engine = finish(
    [
      {
        ...plainInstrument("X", falling),
        signalBars: barsOf(falling, minuteMs),
        initialMargin: 0.5,
        maintenanceMargin: 0.25,
      },
    ],
    (context) => {
      if (context.bars() === 1) context.submit({ side: "buy", quantity: 190 });
    },
  );
  // At 60 the equity of 2,400 is below a quarter of 11,400.
  expect(fillsOf(engine)).toEqual([
    [61_000, 190, 100, 0],
    [71_000, -190, 58, 0],
  ]);
});

test("two prints cannot change places in time", () => {
  const turned = prints([
    [2_000, 1],
    [1_000, 1],
  ]);
  expect(() =>
    finish(
      [{ ...plainInstrument("X", turned), signalBars: barsOf(prints([[1_000, 1]]), minuteMs) }],
      () => undefined,
    ),
  ).toThrow("time order");
});

describe("on random prints", () => {
  const randomPrints = fc
    .array(
      fc.record({ gap: fc.constantFrom(0, 0, 1, 7_000, 31_000), ticks: fc.integer({ min: 90, max: 110 }) }),
      {
        minLength: 2,
        maxLength: 60,
      },
    )
    .map((steps) => {
      let at = 500;
      return prints(steps.map(({ gap, ticks }) => [(at += gap), ticks] as const));
    });

  test("a market order takes the first print after its decision, a stop the first at its level, a limit its own price", () => {
    fc.assert(
      fc.property(
        randomPrints,
        fc.record({
          type: fc.constantFrom("market" as const, "limit" as const, "stop" as const),
          side: fc.constantFrom("buy" as const, "sell" as const),
          level: fc.integer({ min: 90, max: 110 }),
          bar: fc.nat(3),
        }),
        (ticks, { type, side, level, bar }) => {
          const signalBars = barsOf(ticks, minuteMs);
          const engine = finish(
            [{ ...plainInstrument("X", ticks), signalBars, initialMargin: 0.01 }],
            (context) => {
              if (context.bars() !== bar + 1) return;
              const price =
                type === "limit" ? { limitPrice: level } : type === "stop" ? { stopPrice: level } : {};
              context.submit({ side, type, quantity: 1, ...price });
            },
          );
          const decidedMs = signalBars.closeMs[bar] ?? Infinity;
          const endMs = signalBars.closeMs.at(-1)!;
          const after = [...ticks.close].flatMap((price, i) =>
            ticks.openMs[i]! > decidedMs && ticks.openMs[i]! <= endMs
              ? [{ price, atMs: ticks.openMs[i]! }]
              : [],
          );
          const up = side === "buy" ? 1 : -1;
          const at = after.findIndex(({ price }) => {
            if (type === "market") return true;
            return type === "limit" ? up * (level - price) > 0 : up * (price - level) >= 0;
          });
          const first = after[at];
          // A limit that has rested through a print takes its own price; at its first print that print's.
          const paid = first === undefined ? 0 : type === "limit" && at > 0 ? level : first.price;
          expect(fillsOf(engine)).toEqual(first === undefined ? [] : [[first.atMs, up, paid, 0]]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("what comes later changes nothing before", () => {
    fc.assert(
      fc.property(randomPrints, fc.nat(59), (ticks, cut) => {
        const cutAt = (series: PriceSeries, untilMs: number): PriceSeries => {
          const count = series.closeMs.filter((ms) => ms <= untilMs).length;
          const part = (column: Float64Array) => column.slice(0, count);
          return {
            openMs: part(series.openMs),
            closeMs: part(series.closeMs),
            open: part(series.open),
            high: part(series.high),
            low: part(series.low),
            close: part(series.close),
            volume: part(series.volume),
          };
        };
        const decide = (context: StrategyContext) =>
          context.target(context.close() > context.close(0, 1) ? 5 : -5);
        const signalBars = barsOf(ticks, minuteMs);
        const whole = finish([{ ...plainInstrument("X", ticks), signalBars }], decide);
        const untilMs = signalBars.closeMs[cut % signalBars.closeMs.length]!;
        const part = finish(
          [{ ...plainInstrument("X", cutAt(ticks, untilMs)), signalBars: cutAt(signalBars, untilMs) }],
          decide,
        );
        expect(fillsOf(part)).toEqual(fillsOf(whole).filter(([ms]) => ms! <= untilMs));
        expect([...part.equity]).toEqual([...whole.equity.subarray(0, part.equity.length)]);
      }),
      { numRuns: 200 },
    );
  });
});
