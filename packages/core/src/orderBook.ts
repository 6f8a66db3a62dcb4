/** A price and the size that rests there. */
export type BookLevel = [price: number, size: number];

export type BookSide = "bid" | "ask";

/** Sizes that rest at a venue, by price. */
export interface OrderBook {
  /** The size at a price from now on; 0: none. */
  set(side: BookSide, price: number, size: number): void;
  /** The best levels of a side, the best first, at most `count`. */
  best(side: BookSide, count: number): BookLevel[];
  /** Number of levels of a side. */
  depth(side: BookSide): number;
  /** Forgets what is worse than the best `count` levels of each side. */
  cut(count: number): void;
  /** Is the best bid at or above the best ask? False while a side is empty. */
  crossed(): boolean;
  clear(): void;
}

/** One side from the worst level to the best, so that what changes most is at the end. `sign` is 1 for bids, -1 for asks. */
function createSide(sign: 1 | -1) {
  let price = new Float64Array(64);
  let size = new Float64Array(64);
  let length = 0;

  /** The place of a price, or where it would be put in. */
  function find(wanted: number): number {
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sign * price[middle]! < sign * wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function grow(): void {
    const [prices, sizes] = [new Float64Array(2 * length), new Float64Array(2 * length)];
    prices.set(price);
    sizes.set(size);
    [price, size] = [prices, sizes];
  }

  return {
    set(wanted: number, amount: number): void {
      const at = find(wanted);
      const known = at < length && price[at] === wanted;
      if (amount === 0) {
        if (!known) return;
        price.copyWithin(at, at + 1, length);
        size.copyWithin(at, at + 1, length);
        length -= 1;
        return;
      }
      if (!known) {
        if (length === price.length) grow();
        price.copyWithin(at + 1, at, length);
        size.copyWithin(at + 1, at, length);
        price[at] = wanted;
        length += 1;
      }
      size[at] = amount;
    },
    best(count: number): BookLevel[] {
      const levels: BookLevel[] = [];
      for (let i = length - 1; i >= 0 && levels.length < count; i--) levels.push([price[i]!, size[i]!]);
      return levels;
    },
    cut(count: number): void {
      const extra = length - count;
      if (extra <= 0) return;
      price.copyWithin(0, extra, length);
      size.copyWithin(0, extra, length);
      length = count;
    },
    top: () => (length === 0 ? Number.NaN : price[length - 1]!),
    length: () => length,
    clear: () => {
      length = 0;
    },
  };
}

export function createOrderBook(): OrderBook {
  const sides = { bid: createSide(1), ask: createSide(-1) };
  return {
    set: (side, price, size) => sides[side].set(price, size),
    best: (side, count) => sides[side].best(count),
    depth: (side) => sides[side].length(),
    cut(count) {
      sides.bid.cut(count);
      sides.ask.cut(count);
    },
    crossed: () => sides.bid.top() >= sides.ask.top(),
    clear() {
      sides.bid.clear();
      sides.ask.clear();
    },
  };
}
