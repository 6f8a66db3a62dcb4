import type { TradeHole, TradeMark, TradePlace } from "@tapedeck/core";

export type Arrival = { kind: "new" } | { kind: "duplicate" } | { kind: "gap"; hole: TradeHole };

/**
 * The trade ids of one symbol: which came, which did not yet. Ten ids in a row that are not above the last one, though
 * later than it, say that the last one was wrong, or that the venue counts anew: the sequence goes on from them.
 */
export interface Sequence {
  /** Notes a trade. `gap`: it is new, and those of the hole before it are missing. */
  take(mark: TradeMark): Arrival;
  /** What is missing, oldest first. */
  holes(): readonly TradeHole[];
  /** Undefined until a trade came. */
  place(): TradePlace | undefined;
  /** Gives up on a hole: the venue does not have its trades any more. */
  forget(hole: TradeHole): void;
  /** Holes that were given up since this was last asked: there were too many, or their ids are of an earlier count. */
  takeLost(): readonly TradeHole[];
}

/** Holes that are kept, as they are stored with each chunk of trades; beyond it the oldest is given up. */
const maxHoles = 500;
/** Later trades with lower ids that a new beginning is told from. */
const runLength = 10;

/** Later trades whose ids are not above the last one's, in the order in which they came. */
interface Run {
  first: TradeMark;
  lastId: number;
  count: number;
}

/** `place` is what is known from before; undefined: the first that comes is the beginning. */
export function createSequence(place: TradePlace | undefined): Sequence {
  let last = place?.last;
  let holes: TradeHole[] = [...(place?.holes ?? [])];
  let lost: TradeHole[] = [];
  let run: Run | undefined;
  giveUpOldest();

  function giveUpOldest(): void {
    if (holes.length > maxHoles) lost.push(...holes.splice(0, holes.length - maxHoles));
  }

  function fill({ tradeId, eventMs }: TradeMark): boolean {
    const at = holes.findIndex((hole) => tradeId >= hole.fromId && tradeId <= hole.toId);
    if (at === -1) return false;
    const { fromId, toId, sinceMs } = holes[at]!;
    const rest: TradeHole[] = [];
    if (fromId < tradeId) rest.push({ fromId, toId: tradeId - 1, sinceMs });
    if (tradeId < toId) rest.push({ fromId: tradeId + 1, toId, sinceMs: Math.max(sinceMs, eventMs) });
    holes.splice(at, 1, ...rest);
    giveUpOldest();
    return true;
  }

  function addHole(hole: TradeHole): Arrival {
    holes.push(hole);
    giveUpOldest();
    return { kind: "gap", hole };
  }

  /** Does the sequence go on from a run that ends with this trade, which is no new one of what is known? */
  function endsRun({ tradeId, eventMs }: TradeMark): boolean {
    if (eventMs <= last!.eventMs) return false;
    if (run === undefined || tradeId < run.first.tradeId)
      run = { first: { tradeId, eventMs }, lastId: tradeId, count: 1 };
    else if (tradeId > run.lastId) {
      run.lastId = tradeId;
      run.count += 1;
    }
    return run.count >= runLength;
  }

  /** The trades of the run were not handed on: the venue's history has them. */
  function beginAnew(next: TradeMark): Arrival {
    const { tradeId: fromId, eventMs: sinceMs } = run!.first;
    lost.push(...holes.filter((hole) => hole.toId >= fromId));
    holes = holes.filter((hole) => hole.toId < fromId);
    last = next;
    run = undefined;
    return addHole({ fromId, toId: next.tradeId - 1, sinceMs });
  }

  return {
    take(next) {
      if (last === undefined || next.tradeId === last.tradeId + 1) {
        last = next;
        run = undefined;
        return { kind: "new" };
      }
      if (next.tradeId <= last.tradeId) {
        if (fill(next)) return { kind: "new" };
        return endsRun(next) ? beginAnew(next) : { kind: "duplicate" };
      }
      const hole = { fromId: last.tradeId + 1, toId: next.tradeId - 1, sinceMs: last.eventMs };
      last = next;
      run = undefined;
      return addHole(hole);
    },
    holes: () => holes,
    place: () => (last === undefined ? undefined : { last, holes: [...holes] }),
    forget(hole) {
      holes = holes.filter((one) => one.fromId !== hole.fromId);
    },
    takeLost() {
      const taken = lost;
      lost = [];
      return taken;
    },
  };
}
