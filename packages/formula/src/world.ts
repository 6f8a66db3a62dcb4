import type { Pool } from "@tapedeck/quant";
import { CHUNK } from "@tapedeck/quant";
import { createGraph } from "./build.ts";
import type { NodeGraph } from "./build.ts";
import type { Clock } from "./clock.ts";
import { clockOf, closeEnded, resample } from "./clock.ts";
import type { Dataset } from "./dataset.ts";

/** A resolver's failure: the formula names an instrument that the data does not hold. */
export class MissingInstrumentError extends Error {
  readonly symbol: string;
  constructor(symbol: string) {
    super(`no data for the instrument ${symbol}`);
    this.name = "MissingInstrumentError";
    this.symbol = symbol;
  }
}

/** The clocks that formulas run on, and their nodes. */
export interface World {
  readonly base: Clock;
  readonly others: Map<string, Clock>;
  readonly graph: NodeGraph;
}

export function createWorld(base: Clock, clockFor: (symbol: string) => Clock, pool?: Pool): World {
  const others = new Map<string, Clock>();
  const graph = createGraph({
    base,
    clockOf(symbol) {
      const known = others.get(symbol) ?? clockFor(symbol);
      others.set(symbol, known);
      return known;
    },
    takeColumn: (length) => pool?.take(length) ?? new Float64Array(length),
    giveColumn: (column) => pool?.give(column),
  });
  return { base, others, graph };
}

export function datasetWorld(data: Dataset, pool?: Pool): World {
  return createWorld(
    clockOf(data),
    (symbol) => {
      const other = data.resolve?.(symbol);
      if (!other) throw new MissingInstrumentError(symbol);
      return clockOf(other);
    },
    pool,
  );
}

/**
 * Computes all nodes of a clock up to its last bar, in chunks: each chunk passes through every node while it is warm. Of
 * higher timeframes, buckets that ended by `untilMs` are closed.
 */
export function advance(clock: Clock, chunk = CHUNK, untilMs = -Infinity, whole = clock.whole): void {
  for (const r of clock.coarser.values()) {
    resample(r, clock);
    closeEnded(r, untilMs);
    advance(r.clock, chunk, untilMs, whole);
  }
  let from = clock.length;
  for (const n of clock.nodes) from = Math.min(from, n.done);
  for (let at = from; at < clock.length; at += chunk) {
    const to = Math.min(clock.length, at + chunk);
    for (const n of clock.nodes) {
      if (n.done >= to) continue;
      n.step(n.done, to);
      n.done = to;
    }
  }
  // No bar follows: what is done is done.
  if (whole) clock.nodes.length = 0;
}

export function advanceAll(world: World, chunk = CHUNK): void {
  const { base } = world;
  const untilMs = base.length > 0 ? base.bars.closeMs[base.length - 1]! : -Infinity;
  for (const other of world.others.values()) if (other !== base) advance(other, chunk, untilMs);
  advance(base, chunk);
}
