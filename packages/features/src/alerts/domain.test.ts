import fc from "fast-check";
import { expect, test } from "vitest";
import { createMoveWindow, stepAlert } from "./domain.ts";
import type { AlertState, Print } from "./domain.ts";

/** Event times at which it fires, of observations `[atMs, met, clear]`. */
function fires(
  seen: readonly (readonly [number, boolean, boolean])[],
  limits: { cooldownMs?: number; expiresMs?: number } = {},
  start: AlertState = { armed: true, stateMs: 0, firedMs: null },
): number[] {
  const { cooldownMs = 0, expiresMs = null } = limits;
  const times: number[] = [];
  let state = start;
  for (const [atMs, met, clear] of seen) {
    const step = stepAlert(state, { atMs, met, clear }, { cooldownMs, expiresMs });
    if (step.fired) times.push(atMs);
    state = step.state;
  }
  return times;
}

const on = (atMs: number) => [atMs, true, false] as const;
const off = (atMs: number) => [atMs, false, true] as const;
/** Neither met nor far enough away. */
const between = (atMs: number) => [atMs, false, false] as const;

test.each([
  ["a condition that holds fires once, until it has ended", [on(1), on(2), off(3), on(4), on(5)], {}, [1, 4]],
  ["within the hysteresis it does not arm again", [on(1), between(2), on(3), off(4), on(5)], {}, [1, 5]],
  [
    "an edge in the cooldown is passed over",
    [on(1), off(2), on(3), off(4), on(11)],
    { cooldownMs: 10 },
    [1, 11],
  ],
  ["after its expiry it does not fire", [off(1), on(11)], { expiresMs: 10 }, []],
  ["what is not later than the last change is passed over", [on(5), off(5), on(5), off(4)], {}, [5]],
])("%s", (_name, seen, limits, expected) => {
  expect(fires(seen, limits)).toEqual(expected);
});

test("begun again from any kept state, with what came since repeated, the edges are the same", () => {
  const observations = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(observations, fc.nat({ max: 20 }), fc.nat(), (flags, cooldownMs, cut) => {
      const seen = flags.map(([met, clear], i) => [i + 1, met, !met && clear] as const);
      const limits = { cooldownMs, expiresMs: null };
      let state: AlertState = { armed: true, stateMs: 0, firedMs: null };
      for (const [atMs, met, clear] of seen.slice(0, cut % (seen.length + 1)))
        state = stepAlert(state, { atMs, met, clear }, limits).state;
      // A restart repeats everything: what the state covers must not fire again.
      expect(fires(seen, { cooldownMs }, state)).toEqual(
        fires(seen, { cooldownMs }).filter((atMs) => atMs > state.stateMs),
      );
    }),
  );
});

test("moves within a window are those of all its prints, in whatever order they came", () => {
  const prints = fc.array(
    fc.record({ gapMs: fc.integer({ min: -60, max: 60 }), price: fc.integer({ min: 1, max: 500 }) }),
    { minLength: 1, maxLength: 100 },
  );
  fc.assert(
    fc.property(prints, fc.integer({ min: 1, max: 200 }), (rows, windowMs) => {
      const window = createMoveWindow(windowMs);
      const all: Print[] = [];
      let atMs = 0;
      for (const { gapMs, price } of rows) {
        atMs += gapMs;
        all.push({ atMs, price });
        window.take(atMs, price);
        const newestMs = Math.max(...all.map((one) => one.atMs));
        const newest = all.findLast((one) => one.atMs === newestMs)!;
        const inside = all.filter((one) => one.atMs >= newestMs - windowMs).map((one) => one.price);
        expect(window.moves()).toEqual({
          newest,
          up: newest.price / Math.min(...inside) - 1,
          down: 1 - newest.price / Math.max(...inside),
        });
      }
    }),
  );
});
