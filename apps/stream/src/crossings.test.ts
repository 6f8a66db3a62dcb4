import fc from "fast-check";
import { expect, test } from "vitest";
import { createCrossings } from "./crossings.ts";
import type { Crossing } from "./crossings.ts";

test("a value takes out exactly those whose threshold it has crossed", () => {
  const crossing = fc.record({
    side: fc.constantFrom("above" as const, "below" as const),
    threshold: fc.integer({ min: 0, max: 20 }),
    touches: fc.boolean(),
  });
  const step = fc.oneof(
    fc.record({ add: crossing }),
    fc.record({ value: fc.integer({ min: -1, max: 21 }) }),
    fc.record({ remove: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const crossings = createCrossings<Crossing>((one) => one);
      const all = new Set<Crossing>();
      for (const one of steps) {
        if ("add" in one) {
          all.add(one.add);
          crossings.add(one.add);
        } else if ("remove" in one) {
          const item = [...all][one.remove % Math.max(1, all.size)];
          if (item === undefined) continue;
          all.delete(item);
          crossings.remove(item);
        } else {
          const { value } = one;
          const crossed = [...all].filter(({ side, threshold, touches }) =>
            side === "above"
              ? value > threshold || (touches && value === threshold)
              : value < threshold || (touches && value === threshold),
          );
          expect(new Set(crossings.take(value))).toEqual(new Set(crossed));
          for (const item of crossed) all.delete(item);
        }
        expect(crossings.size()).toBe(all.size);
      }
    }),
  );
});
