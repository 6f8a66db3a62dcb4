import type { BookLevel, OrderBook } from "@tapedeck/core";

/** Levels of each side that clients see. */
export const shownLevels = 20;

export interface ShownLevels {
  bids: BookLevel[];
  asks: BookLevel[];
}

/** The best levels of a book as they are now. */
export function shownOf(book: OrderBook): ShownLevels {
  return { bids: book.best("bid", shownLevels), asks: book.best("ask", shownLevels) };
}

/** What changed: levels with their new size, those that are no longer among the best with 0. */
function changesOf(before: readonly BookLevel[], after: readonly BookLevel[]): BookLevel[] {
  const left = new Map(before);
  const changes: BookLevel[] = [];
  for (const level of after) {
    const [price, size] = level;
    if (left.get(price) !== size) changes.push(level);
    left.delete(price);
  }
  for (const price of left.keys()) changes.push([price, 0]);
  return changes;
}

export function bookChanges(before: ShownLevels, after: ShownLevels): ShownLevels {
  return { bids: changesOf(before.bids, after.bids), asks: changesOf(before.asks, after.asks) };
}
