/** Turning points of a series: a swing is over once the value has come back by a given amount. */

export interface Pivot {
  readonly index: number;
  readonly value: number;
  /** 1 of a high, -1 of a low. */
  readonly sign: number;
}

export interface Swings {
  /** Pivots known so far, oldest first; only the last `keep` of them. */
  readonly pivots: readonly Pivot[];
  /** Takes the next value. True when a pivot was added. */
  push(index: number, value: number): boolean;
}

/**
 * Follows the swings of at least `threshold` (same unit as the values). A pivot is known only at the bar that
 * completes the way back, never before. The first pivot is the extreme from which the first such move began.
 */
export function createSwings(threshold: number, keep: number): Swings {
  const pivots: Pivot[] = [];
  let direction = 0;
  let high: Pivot | undefined;
  let low: Pivot | undefined;
  const add = (pivot: Pivot): void => {
    pivots.push(pivot);
    if (pivots.length > keep) pivots.shift();
  };
  return {
    pivots,
    push(index, value) {
      if (!high || value > high.value) high = { index, value, sign: 1 };
      if (!low || value < low.value) low = { index, value, sign: -1 };
      if (direction >= 0 && high.value - value >= threshold) {
        if (direction === 0 && low.index < high.index) add(low);
        add(high);
        direction = -1;
        low = { index, value, sign: -1 };
        return true;
      }
      if (direction <= 0 && value - low.value >= threshold) {
        if (direction === 0 && high.index < low.index) add(high);
        add(low);
        direction = 1;
        high = { index, value, sign: 1 };
        return true;
      }
      return false;
    },
  };
}
