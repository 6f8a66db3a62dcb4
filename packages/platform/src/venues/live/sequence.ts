import type { TradeHole, TradeMark, TradePlace } from "@tapedeck/core";

export type Arrival = { kind: "new" } | { kind: "duplicate" } | { kind: "gap"; hole: TradeHole };

/** The trade ids of one symbol: which came, which did not yet. */
export interface Sequence {
  /** Notes a trade. `gap`: it is new, and those of the hole before it are missing. */
  take(mark: TradeMark): Arrival;
  /** What is missing, oldest first. */
  holes(): readonly TradeHole[];
  /** Undefined until a trade came. */
  place(): TradePlace | undefined;
  /** Gives up on a hole: the venue does not have its trades any more. */
  forget(hole: TradeHole): void;
}

/** `place` is what is known from before; undefined: the first that comes is the beginning. */
export function createSequence(place: TradePlace | undefined): Sequence {
  let last = place?.last;
  let holes: TradeHole[] = [...(place?.holes ?? [])];

  function fill({ tradeId, eventMs }: TradeMark): boolean {
    const at = holes.findIndex((hole) => tradeId >= hole.fromId && tradeId <= hole.toId);
    if (at === -1) return false;
    const { fromId, toId, sinceMs } = holes[at]!;
    const rest: TradeHole[] = [];
    if (fromId < tradeId) rest.push({ fromId, toId: tradeId - 1, sinceMs });
    if (tradeId < toId) rest.push({ fromId: tradeId + 1, toId, sinceMs: Math.max(sinceMs, eventMs) });
    holes.splice(at, 1, ...rest);
    return true;
  }

  return {
    take(next) {
      if (last === undefined || next.tradeId === last.tradeId + 1) {
        last = next;
        return { kind: "new" };
      }
      if (next.tradeId <= last.tradeId) return { kind: fill(next) ? "new" : "duplicate" };
      const hole = { fromId: last.tradeId + 1, toId: next.tradeId - 1, sinceMs: last.eventMs };
      last = next;
      holes.push(hole);
      return { kind: "gap", hole };
    },
    holes: () => holes,
    place: () => (last === undefined ? undefined : { last, holes: [...holes] }),
    forget(hole) {
      holes = holes.filter((one) => one.fromId !== hole.fromId);
    },
  };
}
