/**
 * The contract of a numeric kernel: a resumable, allocation-free function over columns.
 *
 * A kernel reads bars [from, to) of its inputs (and at most `lookback(p)` bars before `from`), fills the same
 * bars of its outputs, and keeps everything else it must remember in `state`. A zero-filled state is a fresh start.
 * Running [0, n) and then [n, m) therefore gives, bit for bit, what running [0, m) gives.
 *
 * A kernel may assume that its first bar and all later inputs are numbers: NaN handling belongs to the driver
 * (`drive.ts`): a NaN in any input gives NaN at that bar and restarts the kernel after it.
 */
export interface Kernel {
  /** Name in formulas and in the registry: lower case. */
  readonly name: string;
  readonly title: string;
  /** One line: what the value says. */
  readonly meaning: string;
  /** Where the definition comes from, and which one where references disagree. */
  readonly source: string;
  readonly group: KernelGroup;
  /** Input series in order. Names of a bar's columns (close, high ...) have that column as default. */
  readonly inputs: readonly string[];
  readonly params: readonly Param[];
  readonly outputs: readonly string[];
  /** Number of leading NaN of an output when every input is valid from bar 0. */
  warmup(p: Params, output?: number): number;
  /** How many bars before `from` are read. */
  lookback(p: Params): number;
  stateSize(p: Params): number;
  run(inputs: Columns, outputs: Columns, from: number, to: number, p: Params, state: Float64Array): void;
  /** Throws a RangeError where a combination of parameters makes no sense. */
  check?(p: Params): void;
  /** True when a value depends on later bars: for charts only, refused as a signal. */
  readonly lookAhead?: boolean;
}

export type Params = readonly number[];
export type Columns = readonly Float64Array[];

export type KernelGroup =
  | "overlap"
  | "momentum"
  | "volume"
  | "volatility"
  | "statistic"
  | "cycle"
  | "pattern"
  | "price"
  | "math";

export interface Param {
  readonly name: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  readonly meaning: string;
  /** Names of the values 0, 1, 2 ... where the parameter is a choice. */
  readonly choices?: readonly string[];
}

/** A whole-number parameter. */
export function int(name: string, value: number, min: number, max: number, meaning: string): Param {
  return { name, default: value, min, max, integer: true, meaning };
}

/** A real parameter. */
export function real(name: string, value: number, min: number, max: number, meaning: string): Param {
  return { name, default: value, min, max, integer: false, meaning };
}

/** Longest window a parameter may ask for. */
export const MAX_WINDOW = 100_000;

/** The usual window parameter. */
export function window(value: number, min = 2, meaning = "bars in the window"): Param {
  return int("n", value, min, MAX_WINDOW, meaning);
}

/** Defaults of a kernel, in order. */
export function defaultsOf(kernel: Kernel): number[] {
  return kernel.params.map((q) => q.default);
}

/** Checks number, range and kind of the parameters; a RangeError names the parameter and its limits. */
export function checkParams(kernel: Kernel, p: Params): void {
  if (p.length !== kernel.params.length) {
    throw new RangeError(`${kernel.name} takes ${kernel.params.length} parameters, not ${p.length}`);
  }
  kernel.params.forEach((q, i) => {
    const v = p[i]!;
    if (!(v >= q.min && v <= q.max)) {
      throw new RangeError(`${kernel.name}: ${q.name} must be from ${q.min} to ${q.max}, not ${v}`);
    }
    if (q.integer && !Number.isInteger(v)) {
      throw new RangeError(`${kernel.name}: ${q.name} must be a whole number, not ${v}`);
    }
  });
  kernel.check?.(p);
}
