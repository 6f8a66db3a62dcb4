/** Whether an indicator keeps its promises: warm-up, no look at later bars, the same bits however bars arrive, gaps. */
import type { Kernel, Params } from "@tapedeck/quant";
import { checkParams, defaultsOf, runKernel, startKernel } from "@tapedeck/quant";
import { checkFormula } from "./check.ts";
import { COLUMNS } from "./dataset.ts";
import type { Bar, Dataset } from "./dataset.ts";
import { createFormulaRun, evaluateFormulas } from "./run.ts";

export type Check = "warm-up" | "look-ahead" | "resumability" | "gaps" | "inputs" | "finite";

/** One check and its outcome. */
export interface Finding {
  readonly check: Check;
  readonly passed: boolean;
  /** What holds; else which output fails at which bar, and how. */
  readonly message: string;
}

/** What is examined, whatever it is made of. */
interface Subject {
  readonly outputs: readonly string[];
  /** Stated leading bars without a value, an output each. */
  readonly warmup: readonly number[];
  /** Whether a first value may come before or after the stated bar. */
  readonly mayBe: { readonly early: boolean; readonly late: boolean };
  /** Says of itself that later bars change its values. */
  readonly lookAhead: boolean;
  /** One array an output, NaN where undefined. */
  whole(data: Dataset): Float64Array[];
  /** The same, bars given in portions that end at these bars. */
  inPortions(data: Dataset, ends: readonly number[]): Float64Array[];
}

/** Bars at which later ones are cut, and portions end. */
const CUTS = [1, 2, 3, 5, 8, 21, 55, 100, 144, 150, 233, 377, 420, 610, 987];

/**
 * Examines a formula over bars. Its warm-up is derived from its parts: a quotient by 0 may delay the first value, a
 * higher timeframe may bring it sooner. Throws FormulaError where the formula cannot be computed at all.
 */
export function examineFormula(formula: string, data: Dataset): Finding[] {
  const checked = checkFormula(formula, { timeframeMs: data.timeframeMs, allowLookAhead: true });
  const { lookAhead, warmup } = checked;
  // a condition that is undefined is 0 in its own column: as a series it shows what it is
  const text = checked.type === "condition" ? `if(${checked.text}, 1, 0)` : checked.text;
  const isFramed = text.includes("timeframe:");
  return examine(
    {
      outputs: ["value"],
      warmup: [warmup],
      mayBe: { early: isFramed, late: !isFramed },
      lookAhead,
      whole: (d) => evaluateFormulas([text], d, { allowLookAhead: true }).map((x) => x as Float64Array),
      inPortions: (d) => [lookAhead ? new Float64Array(d.length).fill(NaN) : barByBar(text, d)],
    },
    data,
  );
}

function barByBar(text: string, data: Dataset): Float64Array {
  const { timeframeMs, bucketOf } = data;
  const run = createFormulaRun([text], { timeframeMs, ...(bucketOf ? { bucketOf } : {}) });
  return Float64Array.from({ length: data.length }, (_, i) => {
    const bar = Object.fromEntries(COLUMNS.map((name) => [name, data[name][i]!])) as unknown as Bar;
    return run.push(bar)[0]!;
  });
}

/** Examines a kernel at its parameters over bars. Throws RangeError where an input is no column of bars. */
export function examineKernel(kernel: Kernel, data: Dataset, params: Params = defaultsOf(kernel)): Finding[] {
  checkParams(kernel, params);
  const inputsOf = (d: Dataset): Float64Array[] =>
    kernel.inputs.map((name) => {
      const column = (COLUMNS as readonly string[]).includes(name) ? d[name as keyof Dataset] : d.close;
      return (column as Float64Array).subarray(0, d.length);
    });
  return examine(
    {
      outputs: kernel.outputs,
      warmup: kernel.outputs.map((_, k) => kernel.warmup(params, k)),
      mayBe: { early: false, late: false },
      lookAhead: kernel.lookAhead ?? false,
      whole: (d) => runKernel(kernel, inputsOf(d), params),
      inPortions(d, ends) {
        const inputs = inputsOf(d);
        const outputs = kernel.outputs.map(() => new Float64Array(d.length));
        const run = startKernel(kernel, params);
        let from = 0;
        for (const end of [...ends, d.length]) {
          run.advance(inputs, outputs, from, end);
          from = end;
        }
        return outputs;
      },
    },
    data,
  );
}

function examine(given: Subject, data: Dataset): Finding[] {
  const changed = faultOfInputs(given, data);
  // an indicator that writes into its bars fails that check alone
  const subject: Subject = {
    ...given,
    whole: (d) => given.whole(copyOf(d)),
    inPortions: (d, ends) => given.inPortions(copyOf(d), ends),
  };
  const whole = subject.whole(data);
  const told = (check: Check, fault: string | undefined, holds: string): Finding => ({
    check,
    passed: fault === undefined,
    message: fault ?? holds,
  });
  const cuts = faultOfCuts(subject, data, whole);
  return [
    told("warm-up", faultOfWarmup(subject, whole), `values from bar ${subject.warmup.join(", ")} on`),
    subject.lookAhead
      ? told("look-ahead", cuts ?? "it says that it looks ahead, but no later bar changed a value", "")
      : told("look-ahead", cuts, "no value changes when later bars are cut"),
    told("resumability", faultOfPortions(subject, data, whole), "bars in any portions give the same bits"),
    told("gaps", faultOfGap(subject, data, whole), "values come back after a bar without numbers"),
    told("inputs", changed, "the bars given are left as they were"),
    told("finite", faultOfFlat(subject, data), "flat prices without volume give no infinite value"),
  ];
}

function faultOfWarmup(subject: Subject, whole: readonly Float64Array[]): string | undefined {
  return first(subject.outputs, (name, k) => {
    const column = whole[k]!;
    const stated = subject.warmup[k]!;
    const found = column.findIndex((v) => !Number.isNaN(v));
    const at = found < 0 ? column.length : found;
    if (at < stated ? subject.mayBe.early : subject.mayBe.late) return undefined;
    if (at === Math.min(stated, column.length)) return undefined;
    return at < stated
      ? `${name} has a value at bar ${at}, before its stated warm-up of ${stated}`
      : `${name} has its first value at bar ${at}, after its stated warm-up of ${stated}`;
  });
}

function faultOfCuts(subject: Subject, data: Dataset, whole: readonly Float64Array[]): string | undefined {
  return first(
    CUTS.filter((cut) => cut < data.length),
    (cut) => {
      const part = subject.whole(firstBars(data, cut));
      const odd = difference(subject.outputs, part, whole, cut);
      return odd && `${odd.what} with the ${cut} bars up to then, ${odd.other} with later ones`;
    },
  );
}

function faultOfPortions(
  subject: Subject,
  data: Dataset,
  whole: readonly Float64Array[],
): string | undefined {
  const every = Array.from({ length: data.length }, (_, i) => i);
  return first([every, CUTS.filter((cut) => cut < data.length)], (ends) => {
    const odd = difference(subject.outputs, subject.inPortions(data, ends), whole, data.length);
    const how = ends === every ? "bar by bar" : "in portions";
    return odd && `${odd.what} with bars given ${how}, ${odd.other} at once`;
  });
}

/** A gap in the middle: the bars of one day have no numbers. */
function faultOfGap(subject: Subject, data: Dataset, whole: readonly Float64Array[]): string | undefined {
  const at = data.length >> 1;
  const holed = mapColumns(data, (x, name) =>
    name.endsWith("Ms") ? x : x.slice(0, data.length).fill(NaN, at, at + 1),
  );
  const got = subject.whole(holed);
  const odd = difference(subject.outputs, got, whole, at);
  if (odd) return `${odd.what} before a gap at bar ${at}, ${odd.other} without the gap`;
  return first(subject.outputs, (name, k) => {
    const after = got[k]!.subarray(at + 1);
    const had = whole[k]!.subarray(at + 1).some((v) => !Number.isNaN(v));
    return had && after.length > subject.warmup[k]! && after.every(Number.isNaN)
      ? `${name} has no value any more after a gap at bar ${at}`
      : undefined;
  });
}

function faultOfInputs(subject: Subject, data: Dataset): string | undefined {
  const copy = copyOf(data);
  subject.whole(copy);
  return first(COLUMNS, (name) => {
    const at = copy[name].findIndex((v, i) => !Object.is(v, data[name][i]));
    return at < 0 ? undefined : `${name} was changed at bar ${at}`;
  });
}

function faultOfFlat(subject: Subject, data: Dataset): string | undefined {
  const flat = mapColumns(data, (x, name) =>
    name.endsWith("Ms") ? x : x.slice(0, data.length).fill(name === "volume" ? 0 : 50, data.length >> 1),
  );
  const got = subject.whole(flat);
  return first(subject.outputs, (name, k) => {
    const at = got[k]!.findIndex((v) => Math.abs(v) === Infinity);
    return at < 0 ? undefined : `${name} is ${got[k]![at]} at bar ${at}`;
  });
}

/** First bar before `to` at which two results differ in their bits. */
function difference(
  outputs: readonly string[],
  got: readonly Float64Array[],
  want: readonly Float64Array[],
  to: number,
): { what: string; other: string } | undefined {
  for (let k = 0; k < outputs.length; k++) {
    for (let i = 0; i < to; i++) {
      const [a, b] = [got[k]![i]!, want[k]![i]!];
      if (!Object.is(a, b)) return { what: `${outputs[k]} at bar ${i} is ${a}`, other: String(b) };
    }
  }
  return undefined;
}

function first<T>(
  items: readonly T[],
  faultOf: (item: T, at: number) => string | undefined,
): string | undefined {
  for (const [at, item] of items.entries()) {
    const fault = faultOf(item, at);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function mapColumns(
  data: Dataset,
  change: (x: Float64Array, name: (typeof COLUMNS)[number]) => Float64Array,
): Dataset {
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, change(data[name], name)]));
  return { ...data, ...columns };
}

function copyOf(data: Dataset): Dataset {
  return mapColumns(data, (x) => x.slice(0, data.length));
}

function firstBars(data: Dataset, length: number): Dataset {
  return { ...mapColumns(data, (x) => x.slice(0, length)), length };
}

/** A seeded walk of daily bars with jumps and quiet stretches, to examine indicators where no bars are given. */
export function sampleBars(length = 1_500): Dataset {
  let s = 20;
  const next = (): number => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
  const day = 86_400_000;
  const make = (): Float64Array => new Float64Array(length);
  const bars = {
    openMs: make(),
    closeMs: make(),
    open: make(),
    high: make(),
    low: make(),
    close: make(),
    volume: make(),
  };
  let price = 100;
  for (let i = 0; i < length; i++) {
    const open = price;
    const size = i % 400 > 300 ? 0.002 : 0.02;
    price *= 1 + (next() + next() - 1) * size + (next() < 0.005 ? 0.08 : 0);
    bars.openMs[i] = Date.UTC(2020, 0, 1) + i * day;
    bars.closeMs[i] = bars.openMs[i]! + day;
    bars.open[i] = open;
    bars.close[i] = price;
    bars.high[i] = Math.max(open, price) * (1 + next() * size * 0.5);
    bars.low[i] = Math.min(open, price) * (1 - next() * size * 0.5);
    bars.volume[i] = 1 + Math.floor(next() * 1_000);
  }
  return { ...bars, length, timeframeMs: day };
}
