import type { Kernel, Params } from "./kernel.ts";

export interface Pointwise extends Omit<Kernel, "warmup" | "lookback" | "stateSize" | "run"> {
  /** Bars before the current one that are read; they are also the warm-up. */
  back?(p: Params): number;
  /** Fills [from, to); bars from - back on may be read. */
  fill(
    out: readonly Float64Array[],
    from: number,
    to: number,
    p: Params,
    a: Float64Array,
    b: Float64Array,
    c: Float64Array,
    d: Float64Array,
  ): void;
}

const NONE = new Float64Array(0);

/** A kernel without memory: each bar is a function of a fixed number of bars. */
export function pointwise(spec: Pointwise): Kernel {
  const { back = () => 0, fill, ...about } = spec;
  return {
    ...about,
    warmup: (p) => back(p),
    lookback: (p) => back(p),
    stateSize: () => 1,
    run(x, out, from, to, p, state) {
      const seen = state[0]!;
      const begin = Math.min(to, from + Math.max(0, back(p) - seen));
      for (let k = 0; k < out.length; k++) out[k]!.fill(NaN, from, begin);
      if (begin < to) fill(out, begin, to, p, x[0]!, x[1] ?? NONE, x[2] ?? NONE, x[3] ?? NONE);
      state[0] = seen + to - from;
    },
  };
}
