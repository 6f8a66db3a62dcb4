/** Reference values of indicators: every column of the folder against its kernel. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Kernel } from "@tapedeck/quant";
import { defaultsOf, registry, runKernel } from "@tapedeck/quant";
import type { GoldenEntry, GoldenFolder, GoldenResult } from "./golden.ts";
import { describeTolerance, readColumns, scaleOf } from "./golden.ts";
import type { GoldenBars } from "./inputs.ts";
import { readInputs } from "./inputs.ts";

interface Column {
  readonly column: string;
  readonly function: string;
  readonly library: string;
  readonly version: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
  readonly tolerance: { readonly rel: number; readonly abs: number };
  readonly toleranceIn?: Readonly<Record<string, number>>;
}

interface Counterpart {
  readonly kernel: Kernel;
  readonly p: readonly number[];
  readonly output: number;
}

/** TA-Lib's numbers for kinds of averages, in our words. */
const AVERAGES: Readonly<Record<number, string>> = {
  0: "sma",
  1: "ema",
  2: "wma",
  3: "dema",
  4: "tema",
  5: "trima",
  6: "kama",
  8: "t3",
  9: "hma",
  12: "zlema",
  13: "rma",
};

/** TA-Lib functions whose kernel has another name, takes other parameters, or names its outputs differently. */
const RENAMED: Readonly<Record<string, string>> = {
  KC: "keltnertypical",
  SAR: "psar",
  SAREXT: "psarext",
  TRANGE: "truerange",
  PLUS_DI: "plusdi",
  MINUS_DI: "minusdi",
  PLUS_DM: "plusdm",
  MINUS_DM: "minusdm",
  LINEARREG: "linreg",
  LINEARREG_SLOPE: "slope",
  LINEARREG_ANGLE: "angle",
  LINEARREG_INTERCEPT: "intercept",
  HT_TRENDLINE: "httrendline",
  HT_DCPERIOD: "htdcperiod",
  HT_DCPHASE: "htdcphase",
  HT_PHASOR: "htphasor",
  HT_SINE: "htsine",
  HT_TRENDMODE: "httrendmode",
  HA: "heikinashi",
};

/** Last word of a column's name, where it differs from the output's. */
const OUTPUTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  supertrend: { supertrend: "value" },
  smi: { smi: "smi", smisignal: "signal" },
  heikinashi: { haopen: "open", hahigh: "high", halow: "low", haclose: "close" },
  fractal: { swinghigh: "high", swinglow: "low" },
  eri: { bullpower: "bull", bearpower: "bear" },
  vortex: { plusvi: "plus", minusvi: "minus" },
};

/** Columns written from a definition: pattern of the name, kernel, its parameters from the pattern's groups, output. */
type Rule = readonly [
  RegExp,
  string,
  (m: readonly string[]) => readonly number[],
  ((m: readonly string[]) => string)?,
];
const num = (m: readonly string[]): number[] => m.slice(1).map(Number);
const DEFINITIONS: readonly Rule[] = [
  [/^vwap_session_(day|month)$/, "vwapsession", (m) => [m[1] === "day" ? 0 : 2]],
  [/^vwap_anchored_(\d+)$/, "vwapanchored", num],
  [/^vwap_rolling_(\d+)$/, "vwaprolling", num],
  [/^alma_([\d.]+)_([\d.]+)_([\d.]+)$/, "alma", num],
  [/^mcginley_(\d+)(?:_([\d.]+))?$/, "mcginley", (m) => [Number(m[1]), Number(m[2] ?? 1)]],
  [/^ichimoku_(\d+)_(\d+)_(\d+)_chikou$/, "chikou", (m) => [Number(m[2])]],
  [
    /^ichimoku_(\d+)_(\d+)_(\d+)_(\w+)$/,
    "ichimoku",
    (m) => [Number(m[1]), Number(m[2]), Number(m[3]), 26],
    (m) =>
      ({ senkou_a: "senkouA", senkou_b: "senkouB", senkou_a_raw: "rawA", senkou_b_raw: "rawB" })[m[4]!] ??
      m[4]!,
  ],
  [/^chandelier_(\d+)_([\d.]+)_(\w+)$/, "chandelier", (m) => [Number(m[1]), Number(m[2])], (m) => m[3]!],
  [
    /^keltner_original_(\d+)_([\d.]+)_(\w+)$/,
    "keltneroriginal",
    (m) => [Number(m[1]), Number(m[2])],
    (m) => m[3]!,
  ],
  [
    /^keltner_close_(\d+)_(\d+)_([\d.]+)_(\w+)$/,
    "keltner",
    (m) => [Number(m[1]), Number(m[2]), Number(m[3])],
    (m) => m[4]!,
  ],
  [/^donchian_prev_(\d+)_(\w+)$/, "donchianprev", (m) => [Number(m[1])], (m) => m[2]!],
  [/^force_1$/, "force", () => []],
  [/^eom_(\d+)$/, "eom", (m) => [Number(m[1]), 1e8]],
  [
    /^kvo_(\d+)_(\d+)_(\d+)(_outer)?(_signal)?$/,
    "kvo",
    (m) => [Number(m[1]), Number(m[2]), Number(m[3]), m[4] ? 1 : 0],
    (m) => (m[5] ? "signal" : "value"),
  ],
  [/^kst(?:_signal_(\d+))?$/, "kst", (m) => [Number(m[1] ?? 9)], (m) => (m[1] ? "signal" : "value")],
  [/^connors_streak$/, "streak", () => []],
  [/^connors_percentrank_(\d+)$/, "connorsrank", num],
  [/^connors_rsi_(\d+)_(\d+)_(\d+)$/, "connorsrsi", num],
  [/^fisher_(\d+)(_signal)?$/, "fisher", (m) => [Number(m[1])], (m) => (m[2] ? "signal" : "value")],
  [/^squeeze_(\d+)_([\d.]+)_([\d.]+)_on$/, "squeeze", num, () => "on"],
  [/^squeeze_(\d+)_momentum$/, "squeeze", (m) => [Number(m[1]), 2, 1.5], () => "momentum"],
  [/^chop_(\d+)$/, "chop", num],
  [/^ulcer_(\d+)$/, "ulcer", num],
  [/^rvi_vigor_(\d+)(_signal)?$/, "vigor", (m) => [Number(m[1])], (m) => (m[2] ? "signal" : "value")],
  [/^rvi_dorsey_(\d+)_(\d+)$/, "rvidorsey", num],
  [/^rvi_dorsey_revised_(\d+)_(\d+)$/, "rvirevised", num],
  [/^stc_(\d+)_(\d+)_(\d+)$/, "stc", (m) => [Number(m[1]), Number(m[2]), Number(m[3]), 0.5]],
  [/^ppo_(\d+)_(\d+)_(\d+)_(line|signal|hist)$/, "pposignal", (m) => num(m).slice(0, 3), (m) => m[4]!],
  [
    /^macd_unaligned_(\d+)_(\d+)_(\d+)(_signal)?$/,
    "macdunaligned",
    (m) => num(m).slice(0, 3),
    (m) => (m[4] ? "signal" : "macd"),
  ],
  [/^vol_(close|parkinson|garman_klass|rogers_satchell|yang_zhang)_(\d+)$/, "vol", (m) => [Number(m[2])]],
  [/^ewma_vol_([\d.]+)$/, "volewma", num],
  [/^zigzag_([\d.]+)_pivot$/, "zigzagpivot", num],
  [/^zigzag_([\d.]+)_confirmed$/, "zigzag", num],
  [/^pivot_(classic|fibonacci|camarilla|woodie|demark)_(\w+)$/, "pivot", () => [], (m) => m[2]!],
  [/^zscore_(\d+)_ddof(\d)$/, "zscore", num],
  [/^zscore_prev_(\d+)_ddof(\d)$/, "zscoreprev", num],
  [/^rank_(\d+)_average$/, "rank", num],
  [/^percentile_rank_(\d+)$/, "percentilerank", num],
  [/^quantile_(\d+)_(\d+)$/, "quantile", (m) => [Number(m[1]), Number(m[2]) / 100]],
  [/^skew_(\d+)$/, "skewreturns", num],
  [/^kurt_(\d+)$/, "kurtreturns", num],
  [/^hurst_(\d+)_(\d+)_(\d+)$/, "hurst", num],
  [/^entropy_(\d+)$/, "entropy", num],
  [/^permutation_entropy_(\d+)_(\d)$/, "permutationentropy", num],
];

function named(name: string, p: readonly number[], output?: string): Counterpart | undefined {
  const kernel = registry.get(name);
  if (!kernel) return undefined;
  const at = output === undefined ? 0 : kernel.outputs.indexOf(output);
  if (at < 0) throw new Error(`${name} has no output ${output}`);
  return { kernel, p: defaultsOf(kernel).map((d, i) => p[i] ?? d), output: at };
}

function counterpartOf(c: Column): Counterpart | undefined {
  if (c.library !== "TA-Lib") {
    for (const [pattern, name, p, output] of DEFINITIONS) {
      const m = pattern.exec(c.column);
      if (!m) continue;
      const suffixed = name === "vol" || name === "pivot" ? name + m[1]!.replaceAll("_", "") : name;
      return named(suffixed, p(m), output?.(m));
    }
    return undefined;
  }
  const name = RENAMED[c.function] ?? c.function.toLowerCase();
  const kernel = registry.get(name);
  if (!kernel) return undefined;
  const choices = kernel.params.find((q) => q.choices)?.choices;
  const p = Object.entries(c.parameters)
    .filter(([key]) => choices !== undefined || !key.includes("matype"))
    .map(([key, v]) => (key.includes("matype") ? choices!.indexOf(AVERAGES[Number(v)]!) : Number(v)));
  if (c.function === "VAR") p.length = 1;
  if (kernel.outputs.length === 1) return named(name, p);
  const word = c.column.slice(c.column.lastIndexOf("_") + 1);
  const wanted = OUTPUTS[name]?.[word] ?? word;
  return named(name, p, kernel.outputs.includes(wanted) ? wanted : kernel.outputs[0]);
}

function inputOf(name: string, bars: GoldenBars): Float64Array {
  if (name === "periods") return bars.close.map((_, i) => 2 + (i % 29));
  return bars[name as keyof GoldenBars];
}

function inputsOf(kernel: Kernel, c: Column, bars: GoldenBars): Float64Array[] {
  const byName = kernel.inputs.every((n) => n in bars) && c.inputs.length > 1;
  return (byName ? kernel.inputs : c.inputs).map((n) => inputOf(n, bars));
}

/**
 * Size below which a value is rounding alone. The skewness of a window with one rise and the equal fall is 0; the
 * references print 7e-16 there, another number on another processor.
 */
const FLOOR: Readonly<Record<string, number>> = { skewreturns: 1e-14 };

/** Compares one column of one file; `worst` is in shares of the tolerance. */
export function compareColumn(
  got: Float64Array,
  ref: Float64Array,
  rel: number,
  abs: number,
  floor: number,
): { worst: number; deviation: number; fault?: string } {
  const scale = scaleOf(ref);
  let worst = 0;
  let deviation = 0;
  let fault: string | undefined;
  for (let i = 0; i < ref.length; i++) {
    const [a, b] = [got[i]!, ref[i]!];
    if (a === b || (a !== a && b !== b)) continue;
    // TA-Lib gives an infinity where a quotient by 0 is undefined
    if (a !== a && Math.abs(b) === Infinity) continue;
    const size = Math.abs(b) + scale;
    const off = Math.abs(a - b);
    if (Math.abs(a) <= floor && Math.abs(b) <= floor) continue;
    const limit = rel * Math.abs(b) + abs * scale;
    const share = Number.isFinite(off) && limit > 0 ? off / limit : Infinity;
    if (share > 1 && fault === undefined) fault = `row ${i}: ${a} instead of ${b}`;
    worst = Math.max(worst, share);
    deviation = Math.max(deviation, size > 0 && Number.isFinite(off) ? off / size : off);
  }
  return fault === undefined ? { worst, deviation } : { worst, deviation, fault };
}

/** The tolerance is absolute in shares of the column's median; wider ones of single files are named. */
function toleranceOf(c: Column): string {
  const usual = describeTolerance(c.tolerance.rel, c.tolerance.abs).replace("absolute", "of the median");
  const special = Object.entries(c.toleranceIn ?? {}).map(
    ([file, size]) => `${size.toExponential()} in ${file}`,
  );
  return [usual, ...special].join("; ");
}

export const indicators: GoldenFolder = {
  name: "indicators",
  entries(folder, dataDir) {
    const columns = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Column[];
    const inputs = readInputs(folder, dataDir);
    const values = new Map<string, Map<string, Float64Array>>();
    const valuesOf = (file: string): Map<string, Float64Array> => {
      const known = values.get(file) ?? readColumns(join(folder, `${file}.csv.gz`));
      values.set(file, known);
      return known;
    };
    return columns.map((c): GoldenEntry => {
      const id = `indicators/${c.column}`;
      const found = counterpartOf(c);
      if (!found) return { id };
      return {
        id,
        compare(): GoldenResult {
          const { kernel, p, output } = found;
          let count = 0;
          let worst = 0;
          let deviation = 0;
          let fault: string | undefined;
          for (const [file, bars] of inputs) {
            const all = valuesOf(file);
            const ref = all.get(`${c.column}__exact`) ?? all.get(c.column);
            if (!ref) continue;
            const got = runKernel(kernel, inputsOf(kernel, c, bars), p)[output]!;
            const special = c.toleranceIn?.[file];
            const [rel, abs] = [special ?? c.tolerance.rel, special ?? c.tolerance.abs];
            const r = compareColumn(got, ref, rel, abs, FLOOR[kernel.name] ?? 0);
            count += ref.length;
            worst = Math.max(worst, r.worst);
            deviation = Math.max(deviation, r.deviation);
            if (r.fault !== undefined) fault ??= `${file} ${r.fault}`;
          }
          const counterpart = `${kernel.name}(${p.join(", ")}).${kernel.outputs[output]}`;
          const reference = c.library === "TA-Lib" ? `TA-Lib ${c.version}` : "definition";
          const tolerance = toleranceOf(c);
          const result = { values: count, worst, deviation, tolerance, counterpart, reference };
          return fault === undefined ? result : { ...result, fault };
        },
      };
    });
  },
};
