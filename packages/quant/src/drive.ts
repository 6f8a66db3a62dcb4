import type { Columns, Kernel, Params } from "./kernel.ts";
import { checkParams, defaultsOf } from "./kernel.ts";

/** Bars given to a kernel at a time: long calls are compiled on the stack and lose speed. */
export const CHUNK = 4096;

/** Output columns used again: a fresh megabyte column costs as much as the work that fills it. */
export interface Pool {
  take(length: number): Float64Array;
  give(column: Float64Array): void;
}

/** A pool that keeps at most `limit` free columns. */
export function createPool(limit = 32): Pool {
  const free: Float64Array[] = [];
  return {
    take(length) {
      const at = free.findIndex((c) => c.length === length);
      return at < 0 ? new Float64Array(length) : free.splice(at, 1)[0]!;
    },
    give(column) {
      if (free.length < limit) free.push(column);
    },
  };
}

/** First index in [from, to) at which the column is not a number; `to` when there is none. */
export function firstNaN(x: Float64Array, from: number, to: number): number {
  // a sum is NaN when one term is (or when infinities of both signs meet: the second loop decides)
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = from;
  for (; i + 8 <= to; i += 8) {
    a += x[i]! + x[i + 1]!;
    b += x[i + 2]! + x[i + 3]!;
    c += x[i + 4]! + x[i + 5]!;
    d += x[i + 6]! + x[i + 7]!;
  }
  for (; i < to; i++) a += x[i]!;
  const sum = a + b + (c + d);
  if (sum === sum) return to;
  for (let k = from; k < to; k++) if (x[k] !== x[k]) return k;
  return to;
}

/** A kernel with its parameters and state, to be advanced over bars in order. */
export interface KernelRun {
  readonly kernel: Kernel;
  readonly params: Params;
  /** Computes bars [from, to); the caller goes on where it stopped. Columns may be moved between calls as long as `lookback` bars before `from` move along. */
  advance(inputs: Columns, outputs: Columns, from: number, to: number): void;
  /** A copy of what the kernel remembers. */
  save(): Float64Array;
  /** Goes on from what `save` gave; the columns must be as they were then. */
  restore(saved: Float64Array): void;
}

/**
 * Starts a run. A NaN in any input gives NaN at that bar and restarts the kernel with the next bar, so that
 * neither a warm-up nor a gap can poison what follows. `clean` promises that no input holds a NaN: none is looked for.
 */
export function startKernel(
  kernel: Kernel,
  params: Params = defaultsOf(kernel),
  options: { readonly clean?: boolean } = {},
): KernelRun {
  checkParams(kernel, params);
  const state = new Float64Array(kernel.stateSize(params));
  let used = false;
  const clean = options.clean ?? false;
  const segment = (inputs: Columns, outputs: Columns, from: number, to: number): void => {
    let at = from;
    while (at < to) {
      let bad = to;
      for (let k = 0; k < inputs.length; k++) bad = firstNaN(inputs[k]!, at, bad);
      if (bad > at) {
        kernel.run(inputs, outputs, at, bad, params, state);
        used = true;
      }
      if (bad < to) {
        for (let k = 0; k < outputs.length; k++) outputs[k]![bad] = NaN;
        if (used) state.fill(0);
        used = false;
      }
      at = bad + 1;
    }
  };
  return {
    kernel,
    params,
    advance(inputs, outputs, from, to) {
      for (let at = from; at < to; at += CHUNK) {
        const end = Math.min(to, at + CHUNK);
        if (clean) kernel.run(inputs, outputs, at, end, params, state);
        else segment(inputs, outputs, at, end);
      }
    },
    save: () => state.slice(),
    restore(saved) {
      state.set(saved);
      used = true;
    },
  };
}

export interface RunOptions {
  readonly pool?: Pool;
  /** Promises that no input holds a NaN. */
  readonly clean?: boolean;
}

/** Runs a kernel over whole columns. Outputs are as long as the inputs; warm-up is NaN. */
export function runKernel(
  kernel: Kernel,
  inputs: Columns,
  params: Params = defaultsOf(kernel),
  options: RunOptions = {},
): Float64Array[] {
  if (inputs.length !== kernel.inputs.length) {
    throw new RangeError(
      `${kernel.name} takes ${kernel.inputs.length} input series (${kernel.inputs.join(", ")}), not ${inputs.length}`,
    );
  }
  const length = inputs[0]?.length ?? 0;
  for (const x of inputs) {
    if (x.length !== length) {
      throw new RangeError(
        `${kernel.name}: inputs differ in length (${inputs.map((y) => y.length).join(", ")})`,
      );
    }
  }
  const outputs = kernel.outputs.map(() => options.pool?.take(length) ?? new Float64Array(length));
  startKernel(kernel, params, options).advance(inputs, outputs, 0, length);
  return outputs;
}

/** A kernel fed one bar at a time; memory is bounded by its lookback. */
export interface LiveKernel {
  /** Takes one bar's inputs and returns the outputs (the array is used again). */
  push(bar: readonly number[]): Float64Array;
}

/** Wraps a kernel for live use: same code, same bits as the batch run. Refuses kernels that look ahead. */
export function createLiveKernel(kernel: Kernel, params: Params = defaultsOf(kernel)): LiveKernel {
  if (kernel.lookAhead) throw new RangeError(`${kernel.name} looks ahead: it has no live value`);
  const run = startKernel(kernel, params);
  const back = kernel.lookback(params);
  const capacity = back + Math.max(256, back);
  const inputs = kernel.inputs.map(() => new Float64Array(capacity));
  const outputs = kernel.outputs.map(() => new Float64Array(capacity));
  const last = new Float64Array(kernel.outputs.length);
  let at = 0;
  return {
    push(bar) {
      if (bar.length !== inputs.length) {
        throw new RangeError(`${kernel.name} takes ${inputs.length} values a bar, not ${bar.length}`);
      }
      if (at === capacity) {
        for (const x of inputs) x.copyWithin(0, at - back, at);
        at = back;
      }
      for (let k = 0; k < inputs.length; k++) inputs[k]![at] = bar[k]!;
      run.advance(inputs, outputs, at, at + 1);
      for (let k = 0; k < outputs.length; k++) last[k] = outputs[k]![at]!;
      at++;
      return last;
    },
  };
}
