import type { Kernel } from "@tapedeck/quant";
import { firstNaN, startKernel } from "@tapedeck/quant";
import type { Bound } from "./bind.ts";
import type { Clock, Column, Memory, Node } from "./clock.ts";
import { resamplerOf } from "./clock.ts";
import {
  AND,
  arithmetic,
  combine,
  compareScalar,
  comparison,
  elementwise,
  fillCrossings,
  MIRROR,
  negate,
  OR,
  withScalar,
} from "./operators.ts";
import { sentimentDecay, sentimentMean } from "./sentiment.ts";
import type { Timeframe } from "./timeframe.ts";

type F = Float64Array;

/** Most columns of conditions kept to be written again. */
const mostSpare = 16;

/** Where a graph finds its clocks and columns. */
export interface Source {
  readonly base: Clock;
  /** The clock of another instrument; throws when there is none. */
  clockOf(symbol: string): Clock;
  takeColumn(length: number): Float64Array;
  /** Takes back a column that no node writes to any more. */
  giveColumn(column: Float64Array): void;
}

/**
 * Nodes of one dataset, hash-consed: an operator with the same arguments and constants on the same clock exists once,
 * whatever formula, output or call asked for it.
 */
export interface NodeGraph {
  /** The node of a bound expression on the base clock; made on first use. */
  node(b: Bound): Node;
  /** Nodes that are kept, in the order they were made. */
  readonly nodes: ReadonlySet<Node>;
  /** Bytes of the columns that were computed. */
  readonly bytes: number;
  /** Calls of `node` so far. */
  readonly calls: number;
  /** Forgets the conditions that none of the calls after so many has asked for; their columns are written again by later nodes. All must be done. */
  forgetConditions(calls: number): void;
  /** Forgets nodes until at most so many bytes are left, those first that were asked for longest ago. All must be done. */
  shrink(maxBytes: number): void;
  /** Gives back the columns of all nodes but these. The graph is of no use afterwards. */
  release(kept: readonly Node[]): void;
}

export function createGraph(source: Source): NodeGraph {
  const nodes = new Set<Node>();
  const conditions = new Set<Node>();
  /** Columns of conditions that were forgotten. */
  const spareBytes: Uint8Array[] = [];
  const clockIds = new Map<Clock, number>();
  let ids = 0;
  let bytes = 0;
  let calls = 0;

  function clockId(clock: Clock): number {
    const found = clockIds.get(clock);
    if (found !== undefined) return found;
    clockIds.set(clock, clockIds.size);
    return clockIds.size - 1;
  }

  /** Bytes that a node's column takes beside the data. */
  const sizeOf = ({ clock, key, column }: Node): number =>
    column instanceof Float64Array && column === clock.bars[key as keyof Clock["bars"]]
      ? 0
      : column.byteLength;

  function put(
    clock: Clock,
    key: string,
    column: Column,
    step: Node["step"],
    kept: Pick<Node, "moved" | "memory"> = {},
  ): Node {
    const node: Node = {
      id: ids++,
      key,
      clock,
      column,
      done: 0,
      need: 0,
      used: calls,
      step,
      ...kept,
    };
    const replaced = clock.byKey.get(key);
    if (replaced !== undefined) remove(replaced);
    clock.nodes.push(node);
    clock.byKey.set(key, node);
    nodes.add(node);
    if (column instanceof Uint8Array) conditions.add(node);
    bytes += sizeOf(node);
    return node;
  }

  function remove(node: Node): void {
    nodes.delete(node);
    conditions.delete(node);
    node.clock.byKey.delete(node.key);
    bytes -= sizeOf(node);
  }

  function forget(node: Node): void {
    remove(node);
    giveBack(node);
  }

  function giveBack(node: Node): void {
    if (sizeOf(node) === 0) return;
    if (node.column instanceof Float64Array) source.giveColumn(node.column);
    else if (spareBytes.length < mostSpare) spareBytes.push(node.column);
  }

  const searched = new WeakMap<Column, boolean>();

  /** Whether a column is one of the bars' own and has no NaN. */
  function isWhole(clock: Clock, column: Column): boolean {
    const found = searched.get(column);
    if (found !== undefined) return found;
    const own = Object.values(clock.bars).find((x) => x === column);
    const clean = own instanceof Float64Array && firstNaN(own, 0, clock.length) === clock.length;
    searched.set(column, clean);
    return clean;
  }

  function known(clock: Clock, key: string): Node | undefined {
    const found = clock.byKey.get(key);
    if (found !== undefined) found.used = calls;
    return found;
  }

  function series(clock: Clock, key: string, make: (out: F) => Node["step"], memory?: Memory): Node {
    const found = known(clock, key);
    if (found) return found;
    const out = source.takeColumn(clock.capacity);
    return put(clock, key, out, make(out), memory && { memory });
  }

  function condition(
    clock: Clock,
    key: string,
    make: (out: Uint8Array) => Node["step"],
    memory?: Memory,
  ): Node {
    const found = known(clock, key);
    if (found) return found;
    const out = takeBytes(clock);
    return put(clock, key, out, make(out), memory && { memory });
  }

  /** Whole words: four bars can be written and read at a time. */
  function takeBytes(clock: Clock): Uint8Array {
    const length = (clock.capacity + 3) & ~3;
    const at = spareBytes.findIndex((column) => column.length === length);
    return at < 0 ? new Uint8Array(length) : spareBytes.splice(at, 1)[0]!;
  }

  function back(node: Node, bars: number): void {
    node.need = Math.max(node.need, bars);
  }

  function build(b: Bound, clock: Clock, frame: Timeframe | undefined): Node {
    switch (b.op) {
      case "constant":
        return series(clock, `#${Object.is(b.value, -0) ? "-0" : b.value}`, (out) => (from, to) => {
          out.fill(b.value, from, to);
        });
      case "truth":
        return condition(clock, `#${b.value}`, (out) => (from, to) => {
          out.fill(b.value ? 1 : 0, from, to);
        });
      case "field":
        return field(b, clock, frame);
      case "sentiment":
        return sentimentNode(b, clock);
      case "kernel":
        return kernelNode(b, clock, frame);
      case "apply":
        return applyNode(b, clock, frame);
      case "timeframe":
        return framed(b, clock);
    }
  }

  function field(b: Extract<Bound, { op: "field" }>, clock: Clock, frame: Timeframe | undefined): Node {
    if (b.symbol !== undefined) {
      const other = source.clockOf(b.symbol);
      const theirs = frame && frame.ms !== other.timeframeMs ? resamplerOf(other, frame).clock : other;
      return joined(clock, theirs, fieldOf(b.field, theirs), Math.max(clock.timeframeMs, theirs.timeframeMs));
    }
    return fieldOf(b.field, clock);
  }

  function fieldOf(name: Extract<Bound, { op: "field" }>["field"], clock: Clock): Node {
    const { open, high, low, close } = clock.bars;
    switch (name) {
      case "hl2":
        return series(clock, name, (out) => (from, to) => {
          for (let i = from; i < to; i++) out[i] = (high[i]! + low[i]!) / 2;
        });
      case "hlc3":
        return series(clock, name, (out) => (from, to) => {
          for (let i = from; i < to; i++) out[i] = (high[i]! + low[i]! + close[i]!) / 3;
        });
      case "ohlc4":
        return series(clock, name, (out) => (from, to) => {
          for (let i = from; i < to; i++) out[i] = (open[i]! + high[i]! + low[i]! + close[i]!) / 4;
        });
      default:
        return known(clock, name) ?? put(clock, name, clock.bars[name], () => {});
    }
  }

  /** The last value of another clock known at each bar's close; NaN when its bar closed more than `stale` ms before. */
  function joined(clock: Clock, other: Clock, node: Node, stale: number): Node {
    back(node, 1);
    const values = node.column as F;
    return asOfClose(clock, other, `join(${clockId(other)}:${node.id})`, (row, ageMs) =>
      ageMs > stale ? NaN : values[row]!,
    );
  }

  /** What `valueOf` makes of the last row of another clock closed by each bar's close, and of its age then; NaN without one. */
  function asOfClose(
    clock: Clock,
    other: Clock,
    key: string,
    valueOf: (row: number, ageMs: number) => number,
  ): Node {
    const found = known(clock, key);
    if (found) return found;
    const out = source.takeColumn(clock.capacity);
    let next = 0;
    let droppedBefore = other.dropped;
    const memory: Memory = {
      save: () => Float64Array.of(next, droppedBefore),
      restore: (saved) => void ([next, droppedBefore] = saved as unknown as [number, number]),
    };
    const step: Node["step"] = (from, to) => {
      const mine = clock.bars.closeMs;
      const theirs = other.bars.closeMs;
      next = Math.max(0, next - (other.dropped - droppedBefore));
      droppedBefore = other.dropped;
      for (let i = from; i < to; i++) {
        while (next < other.length && theirs[next]! <= mine[i]!) next++;
        if (next === 0 && other.dropped > 0) {
          throw new RangeError("another instrument's bars ran ahead: give bars in the order of their close");
        }
        out[i] = next === 0 ? NaN : valueOf(next - 1, mine[i]! - theirs[next - 1]!);
      }
    };
    return put(clock, key, out, step, { memory });
  }

  /** Sum over the rows of news so far of what each adds, decayed to the last row's time. */
  function decayedSum(other: Clock, name: string, halfLife: number, added: (row: number) => number): Node {
    return series(other, `${name}(${halfLife})`, (out) => (from, to) => {
      const { closeMs } = other.bars;
      for (let i = from; i < to; i++) {
        const before = i > 0 ? out[i - 1]! * sentimentDecay(closeMs[i]! - closeMs[i - 1]!, halfLife) : 0;
        out[i] = before + added(i);
      }
    });
  }

  /** The mean of the news known at each bar's close; NaN before the first. */
  function sentimentNode(b: Extract<Bound, { op: "sentiment" }>, clock: Clock): Node {
    const other = source.clockOf(b.series);
    const { close, volume } = other.bars;
    const sums = decayedSum(other, "scores", b.halfLife, (row) => close[row]! * volume[row]!);
    const weights = decayedSum(other, "weights", b.halfLife, (row) => volume[row]!);
    back(sums, 1);
    back(weights, 1);
    return asOfClose(clock, other, `sentiment(${clockId(other)};${b.halfLife})`, (row, ageMs) =>
      sentimentMean(sums.column[row]!, weights.column[row]!, sentimentDecay(ageMs, b.halfLife)),
    );
  }

  function framed(b: Extract<Bound, { op: "timeframe" }>, clock: Clock): Node {
    if (b.frame.ms === clock.timeframeMs) return build(b.of, clock, undefined);
    if (b.frame.ms < clock.timeframeMs)
      throw new RangeError(`the timeframe ${b.frame.text} is finer than the data's bars`);
    const r = resamplerOf(clock, b.frame);
    const node = build(b.of, r.clock, b.frame);
    back(node, 1);
    const key = `frame(${b.frame.text}:${node.id})`;
    const values = node.column;
    const step =
      (out: Column, none: number): Node["step"] =>
      (from, to) => {
        for (let i = from; i < to; i++) {
          const at = r.visible[i]! - r.clock.dropped - 1;
          out[i] = at < 0 ? none : values[at]!;
        }
      };
    return b.of.type === "condition"
      ? condition(clock, key, (out) => step(out, 2))
      : series(clock, key, (out) => step(out, NaN));
  }

  function kernelNode(b: Extract<Bound, { op: "kernel" }>, clock: Clock, frame: Timeframe | undefined): Node {
    const inputs = b.inputs.map((x) => build(x, clock, frame));
    const head = kernelKey(b.kernel, b.p, inputs);
    const found = known(clock, `${head}.${b.output}`);
    if (found) return found;
    const lookback = b.kernel.lookback(b.p);
    for (const x of inputs) back(x, lookback);
    // a dataset's own columns are searched for gaps once, not by every kernel
    const clean = clock.whole && inputs.every((x) => isWhole(clock, x.column));
    const run = startKernel(b.kernel, b.p, { clean });
    const xs = inputs.map((x) => x.column as F);
    const outs = b.kernel.outputs.map(() => source.takeColumn(clock.capacity));
    let done = 0;
    // the first output asked for computes them all
    const step = (from: number, to: number): void => {
      if (to <= done) return;
      run.advance(xs, outs, from, to);
      done = to;
    };
    const kept: Pick<Node, "moved" | "memory"> = {
      moved(by) {
        done -= by;
      },
      memory: {
        save: () => run.save(),
        restore(saved) {
          run.restore(saved);
          done = clock.length;
        },
      },
    };
    const nodes = outs.map((out, i) => put(clock, `${head}.${i}`, out, step, i === 0 ? kept : {}));
    return nodes[b.output]!;
  }

  function applyNode(b: Extract<Bound, { op: "apply" }>, clock: Clock, frame: Timeframe | undefined): Node {
    const { name, args } = b;
    if (name in compareScalar && args.some((a) => a.op === "constant"))
      return comparedWithScalar(b, clock, frame);
    const second = args[1];
    if (name in withScalar && args.length === 2 && second?.op === "constant") {
      const a = build(args[0]!, clock, frame);
      const fill = withScalar[name]!;
      return series(clock, `${name}(${a.id},#${second.value})`, (out) => (from, to) => {
        fill(out, a.column as F, second.value, from, to);
      });
    }
    const nodes = args.map((a) => build(a, clock, frame));
    const key = `${name}(${nodes.map((n) => n.id).join(",")};${b.whole})`;
    const [x, y, z] = nodes;
    const one = elementwise[name];
    if (one) return series(clock, key, (out) => (from, to) => one(out, x!.column as F, from, to));
    const two = arithmetic[name];
    if (two) {
      return series(clock, key, (out) => (from, to) => {
        two(out, x!.column as F, y!.column as F, from, to);
        for (const more of nodes.slice(2)) two(out, out, more.column as F, from, to);
      });
    }
    const mirrored = name === "<" || name === "<=";
    const compare = comparison[mirrored ? MIRROR[name]! : name];
    if (compare) {
      const [left, right] = mirrored ? [y!, x!] : [x!, y!];
      return condition(clock, key, (out) => (from, to) => {
        compare(out, left.column as F, right.column as F, from, to);
      });
    }
    return special(b, clock, key, x!, y, z);
  }

  function comparedWithScalar(
    b: Extract<Bound, { op: "apply" }>,
    clock: Clock,
    frame: Timeframe | undefined,
  ): Node {
    const [left, right] = [b.args[0]!, b.args[1]!];
    const swap = left.op === "constant";
    const k = swap ? left : right;
    const value = k.op === "constant" ? k.value : NaN;
    const a = build(swap ? right : left, clock, frame);
    const name = swap ? MIRROR[b.name]! : b.name;
    const compare = compareScalar[name]!;
    return condition(clock, `${name}(${a.id},#${value})`, (out) => (from, to) => {
      compare(out, a.column as F, value, from, to);
    });
  }

  function special(
    b: Extract<Bound, { op: "apply" }>,
    clock: Clock,
    key: string,
    x: Node,
    y: Node | undefined,
    z: Node | undefined,
  ): Node {
    const n = b.whole;
    const c = x.column as Uint8Array;
    const a = x.column as F;
    switch (b.name) {
      case "and":
      case "or": {
        const d = y!.column as Uint8Array;
        const table = b.name === "and" ? AND : OR;
        return condition(clock, key, (out) => (from, to) => combine(table, out, c, d, from, to));
      }
      case "not":
        return condition(clock, key, (out) => (from, to) => negate(out, c, from, to));
      case "isnan":
        return condition(clock, key, (out) => (from, to) => {
          for (let i = from; i < to; i++) out[i] = +(a[i] !== a[i]);
        });
      case "if": {
        const d = y!.column as F;
        const e = z!.column as F;
        return series(clock, key, (out) => (from, to) => {
          for (let i = from; i < to; i++) out[i] = c[i] === 1 ? d[i]! : c[i] === 0 ? e[i]! : NaN;
        });
      }
      case "lag":
        back(x, n);
        return series(clock, key, (out) => (from, to) => {
          for (let i = from; i < to; i++) out[i] = i >= n ? a[i - n]! : NaN;
        });
      case "was":
        back(x, n);
        return condition(clock, key, (out) => (from, to) => {
          for (let i = from; i < to; i++) out[i] = i >= n ? c[i - n]! : 2;
        });
      case "crossover":
      case "crossunder":
        return crossing(clock, x, y!, b.name === "crossover" ? 0 : 1);
      case "count":
      case "any":
      case "all":
        back(x, n);
        return windowed(b.name, clock, key, c, n);
      case "barssince": {
        let since = NaN;
        const fill = (out: F) => (from: number, to: number) => {
          for (let i = from; i < to; i++) out[i] = since = c[i] === 1 ? 0 : since + 1;
        };
        return series(clock, key, fill, {
          save: () => Float64Array.of(since),
          restore: (saved) => void (since = saved[0]!),
        });
      }
      case "valuewhen": {
        const d = y!.column as F;
        let value = NaN;
        const fill = (out: F) => (from: number, to: number) => {
          for (let i = from; i < to; i++) out[i] = c[i] === 1 ? (value = d[i]!) : value;
        };
        return series(clock, key, fill, {
          save: () => Float64Array.of(value),
          restore: (saved) => void (value = saved[0]!),
        });
      }
      default:
        throw new Error(`no rule for ${b.name}`);
    }
  }

  /** The first asked for computes both, up (0) and down (1): a strategy that buys at the one sells at the other. */
  function crossing(clock: Clock, x: Node, y: Node, output: 0 | 1): Node {
    const key = `cross(${x.id},${y.id})`;
    const found = known(clock, `${key}.${output}`);
    if (found) return found;
    back(x, 1);
    back(y, 1);
    const outs = [takeBytes(clock), takeBytes(clock)] as const;
    let done = 0;
    const step = (from: number, to: number): void => {
      if (to <= done) return;
      fillCrossings(...outs, x.column as F, y.column as F, from, to);
      done = to;
    };
    const kept: Pick<Node, "moved" | "memory"> = {
      moved(by) {
        done -= by;
      },
      memory: {
        save: () => new Float64Array(),
        restore() {
          done = clock.length;
        },
      },
    };
    const nodes = outs.map((out, i) => put(clock, `${key}.${i}`, out, step, i === 0 ? kept : {}));
    return nodes[output]!;
  }

  /** Counts of true and undefined bars in a window decide count, any and all. */
  function windowed(name: string, clock: Clock, key: string, c: Uint8Array, n: number): Node {
    let yes = 0;
    let unknown = 0;
    let seen = 0;
    const take = (i: number): void => {
      yes += +(c[i] === 1);
      unknown += +(c[i] === 2);
      if (seen >= n) {
        yes -= +(c[i - n] === 1);
        unknown -= +(c[i - n] === 2);
      }
      seen++;
    };
    const memory: Memory = {
      save: () => Float64Array.of(yes, unknown, seen),
      restore: (saved) => void ([yes, unknown, seen] = saved as unknown as [number, number, number]),
    };
    if (name === "count") {
      const counts = (out: F) => (from: number, to: number) => {
        for (let i = from; i < to; i++) {
          take(i);
          out[i] = seen < n || unknown > 0 ? NaN : yes;
        }
      };
      return series(clock, key, counts, memory);
    }
    const decide = (out: Uint8Array) => (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        take(i);
        const sure = name === "any" ? yes > 0 : yes + unknown < Math.min(seen, n);
        out[i] = sure ? +(name === "any") : unknown > 0 || seen < n ? 2 : +(name === "all");
      }
    };
    return condition(clock, key, decide, memory);
  }

  return {
    nodes,
    get bytes() {
      return bytes;
    },
    node(b) {
      calls++;
      return build(b, source.base, undefined);
    },
    get calls() {
      return calls;
    },
    forgetConditions(before) {
      for (const node of conditions) if (node.used <= before) forget(node);
    },
    shrink(maxBytes) {
      if (bytes <= maxBytes) return;
      // to half, so that the nodes are seldom sorted
      for (const node of [...nodes].sort((a, b) => a.used - b.used)) {
        if (bytes <= maxBytes / 2) break;
        forget(node);
      }
    },
    release(kept) {
      for (const node of nodes) if (!kept.includes(node)) giveBack(node);
    },
  };
}

function kernelKey(kernel: Kernel, p: readonly number[], inputs: readonly Node[]): string {
  return `${kernel.name}(${inputs.map((n) => n.id).join(",")};${p.join(",")})`;
}
