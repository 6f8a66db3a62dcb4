/** What is waited for: a value above a threshold, or below it; `touches`: at it too. */
export interface Crossing {
  side: "above" | "below";
  threshold: number;
  touches: boolean;
}

/** Things that wait for a value to cross a threshold, each its own: a value that crosses none costs two comparisons. */
export interface Crossings<T> {
  /** What it waits for is asked once, when it is added. */
  add(item: T): void;
  remove(item: T): void;
  /** Takes out those whose threshold the value has crossed; add them again with what they wait for next. */
  take(value: number): T[];
  size(): number;
}

interface Entry<T> {
  item: T;
  crossing: Crossing;
}

const hasCrossed = ({ side, threshold, touches }: Crossing, value: number) =>
  value === threshold ? touches : side === "above" ? value > threshold : value < threshold;

export function createCrossings<T>(crossingOf: (item: T) => Crossing): Crossings<T> {
  /** The nearest threshold is last in both: the lowest of those above, the highest of those below. */
  const waiting: Record<Crossing["side"], Entry<T>[]> = { above: [], below: [] };
  const entries = new Map<T, Entry<T>>();
  const rank = ({ side, threshold }: Crossing) => (side === "above" ? -threshold : threshold);

  /** Where an entry of this rank begins in the list. */
  function placeOf(list: readonly Entry<T>[], wanted: number): number {
    let [low, high] = [0, list.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rank(list[middle]!.crossing) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function add(item: T): void {
    const entry = { item, crossing: crossingOf(item) };
    const list = waiting[entry.crossing.side];
    list.splice(placeOf(list, rank(entry.crossing)), 0, entry);
    entries.set(item, entry);
  }

  function remove(item: T): void {
    const entry = entries.get(item);
    if (entry === undefined) return;
    const list = waiting[entry.crossing.side];
    list.splice(list.indexOf(entry, placeOf(list, rank(entry.crossing))), 1);
    entries.delete(item);
  }

  return {
    add,
    remove,
    take(value) {
      const crossed: T[] = [];
      for (const list of [waiting.above, waiting.below]) {
        // Of entries at the value itself, some cross by touching it, and stand among others that do not.
        for (let i = list.length - 1; i >= 0; i--) {
          const { item, crossing } = list[i]!;
          if (hasCrossed(crossing, value)) {
            list.splice(i, 1);
            entries.delete(item);
            crossed.push(item);
          } else if (crossing.threshold !== value) break;
        }
      }
      return crossed;
    },
    size: () => entries.size,
  };
}
