import type { Columns, Kernel, Params } from "./kernel.ts";

/**
 * Kernels made of kernels. `build` describes a small graph once per parameter set; the composed kernel runs it in
 * blocks through scratch columns and keeps each node's history and state in its own state, so that it is as
 * resumable as its parts. Each node starts at the first bar where all its inputs are valid.
 */
export interface Ref {
  readonly node: number;
}

export type Loop = (
  out: Float64Array,
  from: number,
  to: number,
  a: Float64Array,
  b: Float64Array,
  c: Float64Array,
  d: Float64Array,
  e: Float64Array,
) => void;

export interface Graph {
  /** An input column by name. */
  input(name: string): Ref;
  /** Several input columns by name. */
  inputs(names: readonly string[]): Ref[];
  /** All outputs of another kernel. */
  all(kernel: Kernel, inputs: readonly Ref[], p?: Params): Ref[];
  /** The first (or named) output of another kernel. */
  use(kernel: Kernel, inputs: readonly Ref[], p?: Params, output?: string): Ref;
  /** A loop over bars that reads only the same bar of up to five columns. */
  map(inputs: readonly Ref[], loop: Loop): Ref;
  /** As map, but the loop may also read `back` bars before: it starts `back` bars after its inputs. */
  mapBack(inputs: readonly Ref[], back: number, loop: Loop): Ref;
  lag(x: Ref, k: number): Ref;
  add(a: Ref, b: Ref): Ref;
  sub(a: Ref, b: Ref): Ref;
  mul(a: Ref, b: Ref): Ref;
  /** a / b; NaN where b is 0. */
  ratio(a: Ref, b: Ref): Ref;
  /** x * m + c */
  scale(x: Ref, m: number, c?: number): Ref;
  /** Blanks the first `bars` bars. */
  blank(x: Ref, bars: number): Ref;
  /** First valid bar of a node. */
  start(x: Ref): number;
}

interface Node {
  readonly kind: "input" | "kernel" | "loop" | "output";
  readonly inputs: readonly number[];
  readonly begin: number;
  readonly warm: number;
  readonly kernel?: Kernel;
  readonly p?: Params;
  readonly outputs?: readonly number[];
  readonly loop?: Loop;
  need: number;
  history: number;
  stateAt: number;
}

interface Plan {
  readonly nodes: readonly Node[];
  readonly results: readonly number[];
  readonly warm: readonly number[];
  readonly stateSize: number;
  readonly lookback: number;
  pad: number;
  scratch: Float64Array[] | undefined;
  inputsOf: Float64Array[][];
  outputsOf: Float64Array[][];
}

/** Bars computed at a time. */
const BLOCK = 2048;
/** Plans kept per kernel; the oldest is dropped beyond that. */
const PLANS = 64;
const NONE = new Float64Array(0);

export interface Composition extends Omit<Kernel, "warmup" | "lookback" | "stateSize" | "run"> {
  /** Returns the outputs in order. */
  build(g: Graph, p: Params): readonly Ref[];
}

/** Makes a kernel of a composition. */
export function compose(spec: Composition): Kernel {
  const plans = new Map<string, Plan>();
  const planOf = (p: Params): Plan => {
    const key = p.join(",");
    const known = plans.get(key);
    if (known) return known;
    if (plans.size >= PLANS) plans.delete(plans.keys().next().value!);
    const plan = makePlan(spec, p);
    plans.set(key, plan);
    return plan;
  };
  const { build: _build, ...about } = spec;
  return {
    ...about,
    warmup: (p, output = 0) => planOf(p).warm[output]!,
    lookback: (p) => planOf(p).lookback,
    stateSize: (p) => planOf(p).stateSize,
    run(inputs, outputs, from, to, p, state) {
      const plan = planOf(p);
      for (let at = from; at < to; at += BLOCK) {
        runBlock(plan, inputs, outputs, at, Math.min(at + BLOCK, to), state);
      }
    },
  };
}

function makePlan(spec: Composition, p: Params): Plan {
  const nodes: Node[] = [];
  const put = (n: Omit<Node, "need" | "history" | "stateAt">): Ref => {
    nodes.push({ ...n, need: 0, history: 0, stateAt: 0 });
    return { node: nodes.length - 1 };
  };
  for (const _ of spec.inputs) put({ kind: "input", inputs: [], begin: 0, warm: 0 });
  const beginOf = (refs: readonly Ref[]): number => Math.max(0, ...refs.map((r) => nodes[r.node]!.warm));
  const needBack = (refs: readonly Ref[], back: number): void => {
    for (const r of refs) nodes[r.node]!.need = Math.max(nodes[r.node]!.need, back);
  };
  const g: Graph = {
    input(name) {
      const at = spec.inputs.indexOf(name);
      if (at < 0) throw new Error(`${spec.name} has no input ${name}`);
      return { node: at };
    },
    inputs: (names) => names.map((name) => g.input(name)),
    all(kernel, inputs, q = []) {
      const begin = beginOf(inputs);
      needBack(inputs, kernel.lookback(q));
      const first = nodes.length + 1;
      put({
        kind: "kernel",
        inputs: inputs.map((r) => r.node),
        begin,
        warm: begin,
        kernel,
        p: q,
        outputs: kernel.outputs.map((_, i) => first + i),
      });
      return kernel.outputs.map((_, i) =>
        put({ kind: "output", inputs: [], begin, warm: begin + kernel.warmup(q, i) }),
      );
    },
    use(kernel, inputs, q = [], output) {
      const at = output === undefined ? 0 : kernel.outputs.indexOf(output);
      if (at < 0) throw new Error(`${kernel.name} has no output ${output}`);
      return g.all(kernel, inputs, q)[at]!;
    },
    map: (inputs, loop) => g.mapBack(inputs, 0, loop),
    mapBack(inputs, back, loop) {
      const begin = beginOf(inputs) + back;
      needBack(inputs, back);
      return put({ kind: "loop", inputs: inputs.map((r) => r.node), begin, warm: begin, loop });
    },
    lag: (x, k) =>
      k === 0
        ? x
        : g.mapBack([x], k, (o, f, t, a) => {
            for (let i = f; i < t; i++) o[i] = a[i - k]!;
          }),
    add: (x, y) =>
      g.map([x, y], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = a[i]! + b[i]!;
      }),
    sub: (x, y) =>
      g.map([x, y], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = a[i]! - b[i]!;
      }),
    mul: (x, y) =>
      g.map([x, y], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = a[i]! * b[i]!;
      }),
    ratio: (x, y) =>
      g.map([x, y], (o, f, t, a, b) => {
        for (let i = f; i < t; i++) o[i] = b[i] === 0 ? NaN : a[i]! / b[i]!;
      }),
    scale: (x, m, c = 0) =>
      g.map([x], (o, f, t, a) => {
        for (let i = f; i < t; i++) o[i] = a[i]! * m + c;
      }),
    blank(x, bars) {
      const begin = Math.max(nodes[x.node]!.warm, bars);
      return put({
        kind: "loop",
        inputs: [x.node],
        begin,
        warm: begin,
        loop: (o, f, t, a) => {
          for (let i = f; i < t; i++) o[i] = a[i]!;
        },
      });
    },
    start: (x) => nodes[x.node]!.warm,
  };
  const results = spec.build(g, p).map((r) => r.node);
  return layOut(spec, nodes, results);
}

function layOut(spec: Composition, nodes: Node[], results: readonly number[]): Plan {
  let size = 1;
  let pad = 0;
  let lookback = 0;
  nodes.forEach((n, i) => {
    pad = Math.max(pad, n.need);
    n.stateAt = size;
    if (i < spec.inputs.length) {
      lookback = Math.max(lookback, n.need);
      return;
    }
    if (n.kind === "kernel") size += n.kernel!.stateSize(n.p!);
    else {
      n.history = n.need;
      size += n.need;
    }
  });
  return {
    nodes,
    results,
    warm: results.map((r) => nodes[r]!.warm),
    stateSize: size,
    lookback,
    pad,
    scratch: undefined,
    inputsOf: [],
    outputsOf: [],
  };
}

function scratchOf(plan: Plan): Float64Array[] {
  if (plan.scratch) return plan.scratch;
  const scratch = plan.nodes.map((n) => (n.kind === "kernel" ? NONE : new Float64Array(plan.pad + BLOCK)));
  plan.scratch = scratch;
  plan.inputsOf = plan.nodes.map((n) => n.inputs.map((k) => scratch[k]!));
  plan.outputsOf = plan.nodes.map((n) => (n.outputs ?? []).map((k) => scratch[k]!));
  return scratch;
}

function runBlock(
  plan: Plan,
  inputs: Columns,
  outputs: Columns,
  from: number,
  to: number,
  state: Float64Array,
): void {
  const scratch = scratchOf(plan);
  const at = state[0]!;
  const pad = plan.pad;
  const length = to - from;
  const end = pad + length;
  for (let k = 0; k < plan.nodes.length; k++) {
    const node = plan.nodes[k]!;
    const begin = Math.min(end, pad + Math.max(0, node.begin - at));
    const column = scratch[k]!;
    if (node.kind === "input") {
      const back = Math.min(node.need, at);
      column.set(inputs[k]!.subarray(from - back, to), pad - back);
      continue;
    }
    if (node.history > 0)
      column.set(state.subarray(node.stateAt, node.stateAt + node.history), pad - node.history);
    if (node.kind === "kernel") {
      const kernel = node.kernel!;
      const outs = plan.outputsOf[k]!;
      const size = kernel.stateSize(node.p!);
      // an output's history is restored before its kernel fills the block
      for (let j = 0; j < outs.length; j++) {
        const out = plan.nodes[node.outputs![j]!]!;
        if (out.history > 0) {
          outs[j]!.set(state.subarray(out.stateAt, out.stateAt + out.history), pad - out.history);
        }
        outs[j]!.fill(NaN, pad, begin);
      }
      if (begin < end) {
        kernel.run(
          plan.inputsOf[k]!,
          outs,
          begin,
          end,
          node.p!,
          state.subarray(node.stateAt, node.stateAt + size),
        );
      }
      continue;
    }
    if (node.kind === "loop") {
      column.fill(NaN, pad, begin);
      if (begin < end) {
        const xs = plan.inputsOf[k]!;
        node.loop!(column, begin, end, xs[0]!, xs[1] ?? NONE, xs[2] ?? NONE, xs[3] ?? NONE, xs[4] ?? NONE);
      }
    }
  }
  for (let k = 0; k < plan.nodes.length; k++) {
    const node = plan.nodes[k]!;
    if (node.history > 0) state.set(scratch[k]!.subarray(end - node.history, end), node.stateAt);
  }
  plan.results.forEach((r, j) => outputs[j]!.set(scratch[r]!.subarray(pad, end), from));
  state[0] = at + length;
}
