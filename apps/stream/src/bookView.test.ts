import { createOrderBook } from "@tapedeck/core";
import type { BookLevel } from "@tapedeck/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bookChanges, shownLevels, shownOf } from "./bookView.ts";

const updates = fc.array(
  fc.record({
    side: fc.constantFrom("bid" as const, "ask" as const),
    price: fc.integer({ min: 1, max: 80 }),
    size: fc.integer({ min: 0, max: 3 }),
  }),
  { maxLength: 300 },
);

/** Levels after changes, as a client has them. */
function applied(levels: readonly BookLevel[], changes: readonly BookLevel[], sign: 1 | -1): BookLevel[] {
  const known = new Map(levels);
  for (const [price, size] of changes)
    if (size === 0) known.delete(price);
    else known.set(price, size);
  return [...known].toSorted(([a], [b]) => sign * (a - b));
}

test("a snapshot with the changes that follow is always the best levels of the book", () => {
  fc.assert(
    fc.property(updates, updates, (before, after) => {
      const book = createOrderBook();
      for (const { side, price, size } of before) book.set(side, price, size);
      const shown = shownOf(book);
      for (const { side, price, size } of after) book.set(side, price, size);
      const changes = bookChanges(shown, shownOf(book));
      expect(applied(shown.bids, changes.bids, -1)).toEqual(book.best("bid", shownLevels));
      expect(applied(shown.asks, changes.asks, 1)).toEqual(book.best("ask", shownLevels));
    }),
  );
});
