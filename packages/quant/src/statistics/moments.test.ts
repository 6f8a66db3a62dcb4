import fc from "fast-check";
import { expect, test } from "vitest";
import { sortLowest } from "./moments.ts";

test.each([3, 1e9])("the lowest values come first, ascending, and none is lost (up to %d)", (most) => {
  const series = fc.array(fc.integer({ min: 0, max: most }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(series, fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const x = Float64Array.from(values);
      const count = Math.round(share * x.length);
      sortLowest(x, count);
      const ascending = Float64Array.from(values).sort();
      expect(x.slice(0, count)).toEqual(ascending.slice(0, count));
      expect(x.toSorted()).toEqual(ascending);
    }),
  );
});
