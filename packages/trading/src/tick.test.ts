import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toTick } from "./tick.ts";

test.each([
  [10.013, 0.01, true, 10.02],
  [10.013, 0.01, false, 10.01],
  [10.01, 0.01, true, 10.01],
  [10.01, 0.01, false, 10.01],
  [0.3, 0.1, false, 0.3],
  [7, 2.5, true, 7.5],
  [101, 5, false, 100],
  [1.2345, 0, true, 1.2345],
])("%d on ticks of %d, up %s, is %d", (price, tick, up, expected) => {
  expect(toTick(price, tick, up)).toBe(expected);
});

test("a price on the tick is the number that its decimal is, and rounding keeps to its side", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000_000 }),
      fc.constantFrom(0, 1, 2, 3, 4, 5),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      (ticks, places, part) => {
        const tick = Number(`1e-${places}`);
        const decimal = (count: number) => Number((count / 10 ** places).toFixed(places));
        expect(toTick(decimal(ticks), tick, true)).toBe(decimal(ticks));
        expect(toTick(decimal(ticks), tick, false)).toBe(decimal(ticks));
        const between = (ticks + part) * tick;
        expect(toTick(between, tick, true)).toBe(decimal(ticks + 1));
        expect(toTick(between, tick, false)).toBe(decimal(ticks));
      },
    ),
  );
});
