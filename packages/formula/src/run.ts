import type { Kernel, Pool } from "@tapedeck/quant";
import { CHUNK } from "@tapedeck/quant";
import type { Ast } from "./ast.ts";
import type { Binding, BindOptions } from "./bind.ts";
import { bindFormula } from "./bind.ts";
import type { Node } from "./clock.ts";
import { emptyClock, pushBar, restoreClock, saveClock, savedBytes } from "./clock.ts";
import type { SavedClock } from "./clock.ts";
import type { Bar, BucketRule, Dataset } from "./dataset.ts";
import { parseFormula } from "./parse.ts";
import { advance, advanceAll, createWorld, datasetWorld, MissingInstrumentError } from "./world.ts";
import type { World } from "./world.ts";

export interface EvaluateOptions {
  readonly allowLookAhead?: boolean;
  /** Keeps computed columns of a dataset between calls. */
  readonly cache?: FormulaCache;
  /** Where columns come from, and where those that are not returned go back to, when they are not cached. */
  readonly pool?: Pool;
  /** Kernels by name; the registry where none are given. */
  readonly kernels?: ReadonlyMap<string, Kernel>;
}

/** Computed columns of datasets, kept between calls; the least recently used are dropped beyond `maxBytes`. */
export interface FormulaCache {
  readonly bytes: number;
  clear(): void;
  /** Used by evaluateFormulas. */
  readonly worlds: WeakMap<Dataset, World>;
  touch(data: Dataset, world: World): void;
}

export function createFormulaCache(maxBytes = 512 * 1024 * 1024): FormulaCache {
  let worlds = new WeakMap<Dataset, World>();
  // datasets in the order of their last use, with the bytes of their computed columns
  let sizes = new Map<Dataset, number>();
  return {
    get bytes() {
      return [...sizes.values()].reduce((a, b) => a + b, 0);
    },
    get worlds() {
      return worlds;
    },
    clear() {
      worlds = new WeakMap();
      sizes = new Map();
    },
    touch(data, world) {
      sizes.delete(data);
      sizes.set(data, world.graph.bytes);
      let total = [...sizes.values()].reduce((a, b) => a + b, 0);
      for (const [old, size] of sizes) {
        if (total <= maxBytes) break;
        // dropping the current dataset too keeps the bound: the columns just returned stay with the caller
        worlds.delete(old);
        sizes.delete(old);
        total -= size;
      }
    },
  };
}

/** A condition's column for the outside, written to `out`: undefined counts as false. */
function settle(column: Uint8Array, out: Uint8Array): Uint8Array {
  for (let i = 0; i < out.length; i++) out[i] = column[i]! & 1;
  return out;
}

function bindAll(texts: readonly (string | Ast)[], options: BindOptions): Binding[] {
  return texts.map((t) => bindFormula(typeof t === "string" ? parseFormula(t) : t, options));
}

/**
 * Evaluates formulas over a dataset: a Float64Array for a series (NaN where undefined), a Uint8Array of 0 and 1 for a
 * condition (0 where undefined), in the order of the texts. Common sub-expressions are computed once. The arrays may
 * be shared with the cache and with each other: read only. Throws FormulaError, or MissingInstrumentError.
 */
export function evaluateFormulas(
  texts: readonly (string | Ast)[],
  data: Dataset,
  options: EvaluateOptions = {},
): Array<Float64Array | Uint8Array> {
  const bound = bindAll(texts, {
    allowLookAhead: options.allowLookAhead ?? false,
    timeframeMs: data.timeframeMs,
    ...(options.kernels ? { kernels: options.kernels } : {}),
  });
  const { cache } = options;
  const world = cache?.worlds.get(data) ?? datasetWorld(data, cache ? undefined : options.pool);
  const nodes = bound.map((b) => world.graph.node(b.root));
  // a kernel that looks ahead fills earlier bars late: its readers wait for the whole column
  advanceAll(world, bound.some((b) => b.lookAhead) ? Math.max(1, data.length) : CHUNK);
  if (cache) {
    cache.worlds.set(data, world);
    cache.touch(data, world);
  } else world.graph.release(nodes);
  return nodes.map(({ column }) => {
    if (!(column instanceof Uint8Array)) return column.subarray(0, data.length);
    // What is kept for later calls keeps its undefined bars.
    return settle(column, cache ? new Uint8Array(data.length) : column.subarray(0, data.length));
  });
}

/** Formulas that take bars one at a time: the same nodes as a batch, the same bits. */
export interface FormulaRun {
  /** Takes a bar of the base instrument and returns one value a formula: a number (NaN), or 0 and 1 (array used again). */
  push(bar: Bar): Float64Array;
  /** Takes a bar of another instrument; give it before the base bar that closes at the same time or later. */
  pushOther(symbol: string, bar: Bar): void;
  readonly instruments: readonly string[];
  /** A copy of the run as it is now. */
  save(): SavedRun;
  /** Goes on from what this run's `save` gave, as if nothing had been pushed since. */
  restore(saved: SavedRun): void;
}

/** A run at one time; only the run that made it reads it. */
export interface SavedRun {
  readonly bytes: number;
  readonly state: unknown;
}

export interface FormulaRunOptions {
  readonly timeframeMs: number;
  /** Bar length of the other instruments, where it differs. */
  readonly otherTimeframeMs?: Readonly<Record<string, number>>;
  /** How bars join to higher timeframes; half-open UTC buckets where it is absent. */
  readonly bucketOf?: BucketRule;
  /** The same of other instruments, where it differs. */
  readonly otherBucketOf?: Readonly<Record<string, BucketRule>>;
}

/** Starts formulas for live use. Memory is bounded by what the formulas read back. Look-ahead kernels are refused. */
export function createFormulaRun(texts: readonly (string | Ast)[], options: FormulaRunOptions): FormulaRun {
  const { timeframeMs } = options;
  const bound = bindAll(texts, { timeframeMs });
  // a first build measures how far the nodes read back; the second gets columns of that size
  const measure = (capacity: number): { world: World; nodes: Node[]; need: number } => {
    const world = createWorld(emptyClock(timeframeMs, capacity, options.bucketOf), (symbol) =>
      emptyClock(
        options.otherTimeframeMs?.[symbol] ?? timeframeMs,
        capacity,
        options.otherBucketOf?.[symbol] ?? options.bucketOf,
      ),
    );
    const nodes = bound.map((b) => world.graph.node(b.root));
    let need = 1;
    for (const n of world.graph.nodes) need = Math.max(need, n.need);
    return { world, nodes, need };
  };
  const need = measure(1).need;
  const { world, nodes } = measure(2 * need + 256);
  const instruments = [...new Set(bound.flatMap((b) => b.instruments))];
  const clocks = [world.base, ...world.others.values()];
  const values = new Float64Array(nodes.length);
  return {
    instruments,
    push(bar) {
      pushBar(world.base, bar);
      advanceAll(world);
      const at = world.base.length - 1;
      nodes.forEach((n, i) => {
        const v = n.column[at]!;
        values[i] = n.column instanceof Uint8Array ? +(v === 1) : v;
      });
      return values;
    },
    pushOther(symbol, bar) {
      const clock = world.others.get(symbol);
      if (!clock) throw new MissingInstrumentError(symbol);
      pushBar(clock, bar);
      advance(clock);
    },
    save() {
      const state = clocks.map(saveClock);
      return { bytes: state.reduce((bytes, clock) => bytes + savedBytes(clock), 0), state };
    },
    restore({ state }) {
      for (const [i, clock] of clocks.entries()) restoreClock(clock, (state as SavedClock[])[i]!);
    },
  };
}
