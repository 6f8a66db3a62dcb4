import fc from "fast-check";
import { expect, test } from "vitest";
import { createOrderBook } from "./orderBook.ts";

const updates = fc.array(
  fc.record({
    side: fc.constantFrom("bid" as const, "ask" as const),
    price: fc.integer({ min: 1, max: 60 }).map((cents) => cents / 100),
    size: fc.integer({ min: 0, max: 3 }),
  }),
  { maxLength: 400 },
);

test("a book is the last size of each price, in the order of prices, whatever came when", () => {
  fc.assert(
    fc.property(updates, fc.integer({ min: 1, max: 70 }), (rows, count) => {
      const book = createOrderBook();
      const plain = { bid: new Map<number, number>(), ask: new Map<number, number>() };
      for (const { side, price, size } of rows) {
        book.set(side, price, size);
        if (size === 0) plain[side].delete(price);
        else plain[side].set(price, size);
      }
      const bids = [...plain.bid].toSorted(([a], [b]) => b - a);
      const asks = [...plain.ask].toSorted(([a], [b]) => a - b);
      expect(book.best("bid", count)).toEqual(bids.slice(0, count));
      expect(book.best("ask", count)).toEqual(asks.slice(0, count));
      expect(book.crossed()).toBe(bids.length > 0 && asks.length > 0 && bids[0]![0] >= asks[0]![0]);
      book.cut(count);
      expect(book.best("bid", 100)).toEqual(bids.slice(0, count));
      expect(book.depth("ask")).toBe(Math.min(count, asks.length));
    }),
  );
});
