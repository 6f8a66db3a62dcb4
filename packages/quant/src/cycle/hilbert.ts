import type { Kernel, Param } from "../kernel.ts";
import { real } from "../kernel.ts";

/**
 * Ehlers' Hilbert transform of the price and what follows from it (Rocket Science for Traders, 2001), in the order
 * of operations that TA-Lib follows. Histories are rings indexed by the bar's number since the start.
 */
const A = 0.0962;
const B = 0.5769;
const DEGREES = 180 / Math.PI;
const RING = 16;
/** Smoothed prices kept for the phase: the longest cycle. */
const CYCLE = 64;

/** Places in the state. */
const SEEN = 0;
const PERIOD = 1;
const SMOOTH_PERIOD = 2;
const RE = 3;
const IM = 4;
const Q2 = 5;
const I2 = 6;
const PHASE = 7;
const MAMA = 8;
const FAMA = 9;
const DC_PHASE = 10;
const SINE = 11;
const LEAD = 12;
const TREND1 = 13;
const TREND2 = 14;
const TREND3 = 15;
const DAYS = 16;
const SMOOTHED = 17;
const DETRENDED = SMOOTHED + RING;
const QUADRATURE = DETRENDED + RING;
const PRICES = QUADRATURE + RING;
const WEIGHTED = PRICES + CYCLE;
const PLAIN = WEIGHTED + 1;
const LEAVING = PLAIN + 1;
const STATE = LEAVING + 1;
/** Bars after which the running sums are summed anew. */
const ANEW = 4096;

function ring(s: Float64Array, base: number, t: number): number {
  return s[base + (t & (RING - 1))]!;
}

function transform(s: Float64Array, base: number, t: number, gain: number): number {
  // in this order of additions the transform of a constant is exactly 0
  const ends = A * ring(s, base, t) - A * ring(s, base, t - 6);
  return (ends - B * ring(s, base, t - 4) + B * ring(s, base, t - 2)) * gain;
}

/**
 * Weighted mean of the last four prices, by running sums in TA-Lib's order of additions: the transform of a flat
 * price is what remains of them. Summed anew every 4,096 bars, counted from the first.
 */
function smoothed(s: Float64Array, x: Float64Array, i: number, t: number): number {
  if (t < 3) {
    s[PLAIN] = s[PLAIN]! + x[i]!;
    s[WEIGHTED] = s[WEIGHTED]! + x[i]! * (t + 1);
    return NaN;
  }
  if (t % ANEW === 0) {
    s[LEAVING] = x[i - 4]!;
    s[PLAIN] = x[i - 4]! + x[i - 3]! + x[i - 2]! + x[i - 1]!;
    s[WEIGHTED] = x[i - 3]! + 2 * x[i - 2]! + 3 * x[i - 1]!;
  }
  s[PLAIN] = s[PLAIN]! + x[i]! - s[LEAVING]!;
  const weighted = s[WEIGHTED]! + x[i]! * 4;
  s[LEAVING] = x[i - 3]!;
  s[WEIGHTED] = weighted - s[PLAIN]!;
  return weighted * 0.1;
}

/** In-phase part, quadrature and adaptive phase of one bar, and the dominant cycle's period. */
function cycle(s: Float64Array, t: number, price: number, parts: Float64Array): void {
  const gain = 0.075 * s[PERIOD]! + 0.54;
  const at = t & (RING - 1);
  s[SMOOTHED + at] = price;
  s[DETRENDED + at] = transform(s, SMOOTHED, t, gain);
  const q1 = transform(s, DETRENDED, t, gain);
  s[QUADRATURE + at] = q1;
  const i1 = ring(s, DETRENDED, t - 3);
  const ji = transform(s, DETRENDED, t - 3, gain);
  const jq = transform(s, QUADRATURE, t, gain);
  const q2 = 0.2 * (q1 + ji) + 0.8 * s[Q2]!;
  const i2 = 0.2 * (i1 - jq) + 0.8 * s[I2]!;
  parts[0] = i1;
  parts[1] = q1;
  const re = 0.2 * (i2 * s[I2]! + q2 * s[Q2]!) + 0.8 * s[RE]!;
  const im = 0.2 * (i2 * s[Q2]! - q2 * s[I2]!) + 0.8 * s[IM]!;
  const before = s[PERIOD]!;
  let period = before;
  if (im !== 0 && re !== 0) period = 360 / (Math.atan(im / re) * DEGREES);
  if (period > 1.5 * before) period = 1.5 * before;
  if (period < 0.67 * before) period = 0.67 * before;
  period = Math.min(50, Math.max(6, period));
  period = 0.2 * period + 0.8 * before;
  s[Q2] = flush(q2);
  s[I2] = flush(i2);
  s[RE] = flush(re);
  s[IM] = flush(im);
  s[PERIOD] = period;
  s[SMOOTH_PERIOD] = 0.33 * period + 0.67 * s[SMOOTH_PERIOD]!;
}

function flush(v: number): number {
  return v < 1e-200 && v > -1e-200 ? 0 : v;
}

/** Longest cycle, and room for the sines of all cycles up to it. */
const LONGEST = 50;
const ANGLES = (LONGEST * (LONGEST + 1)) / 2;
let table: { readonly sines: Float64Array; readonly cosines: Float64Array } | undefined;

/**
 * Sines and cosines of k/period turns, rounded correctly: on a flat price the phase is what remains of their sums.
 * Fixed point of 128 bits, made once.
 */
function circle(): { readonly sines: Float64Array; readonly cosines: Float64Array } {
  if (table) return table;
  const one = 1n << 128n;
  const sines = new Float64Array(ANGLES);
  const cosines = new Float64Array(ANGLES);
  for (let period = 1; period <= LONGEST; period++) {
    for (let k = 0; k < period; k++) {
      const angle = (k * 2 * Math.PI) / period;
      // a double below 8 is a whole number of 2^-60ths and smaller: 2^-1074 never occurs here
      const x = (BigInt(Math.round(angle * 2 ** 20)) << 108n) + rest(angle);
      let term = one;
      let [cosine, sine] = [0n, 0n];
      for (let n = 1n; term !== 0n; n++) {
        const sign = (n - 1n) % 4n < 2n ? 1n : -1n;
        if (n % 2n === 1n) cosine += sign * term;
        else sine += sign * term;
        term = (term * x) / one / n;
      }
      const at = (period * (period - 1)) / 2 + k;
      sines[at] = Number(sine) * 2 ** -128;
      cosines[at] = Number(cosine) * 2 ** -128;
    }
  }
  table = { sines, cosines };
  return table;
}

/** What an angle has beyond its multiple of 2^-20, in 2^-128ths. */
function rest(angle: number): bigint {
  const left = angle - Math.round(angle * 2 ** 20) / 2 ** 20;
  return BigInt(left * 2 ** 70) << 58n;
}

/** Phase of the dominant cycle in degrees, -45 to 315. */
function dominantPhase(s: Float64Array, t: number, price: number): number {
  s[PRICES + (t % CYCLE)] = price;
  const period = Math.trunc(s[SMOOTH_PERIOD]! + 0.5);
  let real1 = 0;
  let imaginary = 0;
  const { sines, cosines } = circle();
  const row = period * (period - 1) * 0.5;
  for (let k = 0; k < period; k++) {
    const p = s[PRICES + ((t - k + CYCLE) % CYCLE)]!;
    real1 += sines[row + k]! * p;
    imaginary += cosines[row + k]! * p;
  }
  let phase = s[DC_PHASE]!;
  if (Math.abs(imaginary) > 0) phase = Math.atan(real1 / imaginary) * DEGREES;
  else if (real1 < 0) phase -= 90;
  else if (real1 > 0) phase += 90;
  phase += 90;
  // one bar of lag of the weighted mean
  phase += 360 / s[SMOOTH_PERIOD]!;
  if (imaginary < 0) phase += 180;
  if (phase > 315) phase -= 360;
  s[DC_PHASE] = phase;
  return phase;
}

/** Price averaged over the dominant cycle, smoothed. */
function trendline(s: Float64Array, x: Float64Array, i: number): number {
  const period = Math.trunc(s[SMOOTH_PERIOD]! + 0.5);
  let total = 0;
  for (let k = 0; k < period; k++) total += x[i - k]!;
  const mean = period > 0 ? total / period : total;
  const value = (4 * mean + 3 * s[TREND1]! + 2 * s[TREND2]! + s[TREND3]!) / 10;
  s[TREND3] = s[TREND2]!;
  s[TREND2] = s[TREND1]!;
  s[TREND1] = mean;
  return value;
}

interface Spec {
  readonly name: string;
  readonly title: string;
  readonly meaning: string;
  readonly source: string;
  readonly group?: Kernel["group"];
  readonly params?: readonly Param[];
  readonly outputs?: readonly string[];
  /** Bars before the transform starts, and before the first value. */
  readonly begin: number;
  readonly warm: number;
  /** Writes the outputs of a bar into `value`. */
  bar(
    s: Float64Array,
    x: Float64Array,
    i: number,
    t: number,
    price: number,
    parts: Float64Array,
    p: readonly number[],
    value: Float64Array,
  ): void;
}

function hilbert(spec: Spec): Kernel {
  const { begin, warm, bar, group = "cycle", params = [], outputs = ["value"], ...about } = spec;
  const parts = new Float64Array(2);
  const value = new Float64Array(outputs.length);
  return {
    ...about,
    group,
    params,
    outputs,
    inputs: ["close"],
    warmup: () => warm,
    lookback: () => 50,
    stateSize: () => STATE,
    run(inputs, outs, from, to, p, s) {
      const x = inputs[0]!;
      let t = s[SEEN]!;
      for (let i = from; i < to; i++, t++) {
        const price = smoothed(s, x, i, t);
        if (t >= begin) {
          cycle(s, t, price, parts);
          bar(s, x, i, t, price, parts, p, value);
        }
        for (let k = 0; k < outputs.length; k++) outs[k]![i] = t >= warm ? value[k]! : NaN;
      }
      s[SEEN] = t;
    },
  };
}

const EHLERS = "Ehlers 2001";
const short = { begin: 12, warm: 32 } as const;
const long = { begin: 37, warm: 63 } as const;

export const mama = hilbert({
  ...short,
  name: "mama",
  title: "MESA adaptive moving average",
  meaning: "Average that adapts to the rate at which the phase changes, and the slower one that follows it.",
  source: `${EHLERS}; equal to TA-Lib MAMA.`,
  group: "overlap",
  params: [
    real("fast", 0.5, 0.01, 0.99, "largest weight"),
    real("slow", 0.05, 0.01, 0.99, "smallest weight"),
  ],
  outputs: ["mama", "fama"],
  bar(s, x, i, _t, _price, parts, p, value) {
    const phase = parts[0] === 0 ? 0 : Math.atan(parts[1]! / parts[0]!) * DEGREES;
    const change = Math.max(1, s[PHASE]! - phase);
    s[PHASE] = phase;
    const weight = change > 1 ? Math.max(p[1]!, p[0]! / change) : p[0]!;
    s[MAMA] = weight * x[i]! + (1 - weight) * s[MAMA]!;
    s[FAMA] = (weight / 2) * s[MAMA]! + (1 - weight / 2) * s[FAMA]!;
    value[0] = s[MAMA]!;
    value[1] = s[FAMA]!;
  },
});

export const htDcPeriod = hilbert({
  ...short,
  name: "htdcperiod",
  title: "Dominant cycle period",
  meaning: "Length in bars of the dominant cycle, 6 to 50.",
  source: `${EHLERS}; equal to TA-Lib HT_DCPERIOD.`,
  bar(s, _x, _i, _t, _price, _parts, _p, value) {
    value[0] = s[SMOOTH_PERIOD]!;
  },
});

export const htPhasor = hilbert({
  ...short,
  name: "htphasor",
  title: "Phasor components",
  meaning: "In-phase and quadrature parts of the detrended price.",
  source: `${EHLERS}; equal to TA-Lib HT_PHASOR.`,
  outputs: ["inphase", "quadrature"],
  bar(_s, _x, _i, _t, _price, parts, _p, value) {
    value[0] = parts[0]!;
    value[1] = parts[1]!;
  },
});

export const htDcPhase = hilbert({
  ...long,
  name: "htdcphase",
  title: "Dominant cycle phase",
  meaning: "Phase of the dominant cycle in degrees.",
  source: `${EHLERS}; equal to TA-Lib HT_DCPHASE.`,
  bar(s, _x, _i, t, price, _parts, _p, value) {
    value[0] = dominantPhase(s, t, price);
  },
});

export const htSine = hilbert({
  ...long,
  name: "htsine",
  title: "Sine wave",
  meaning: "Sine of the dominant cycle's phase, and the same 45 degrees ahead: they cross at turning points.",
  source: `${EHLERS}; equal to TA-Lib HT_SINE.`,
  outputs: ["sine", "leadsine"],
  bar(s, _x, _i, t, price, _parts, _p, value) {
    const phase = dominantPhase(s, t, price);
    value[0] = Math.sin(phase / DEGREES);
    value[1] = Math.sin((phase + 45) / DEGREES);
  },
});

export const htTrendline = hilbert({
  ...long,
  name: "httrendline",
  title: "Instantaneous trendline",
  meaning: "Price averaged over the dominant cycle.",
  source: `${EHLERS}; equal to TA-Lib HT_TRENDLINE.`,
  group: "overlap",
  bar(s, x, i, _t, _price, _parts, _p, value) {
    value[0] = trendline(s, x, i);
  },
});

export const htTrendMode = hilbert({
  ...long,
  name: "httrendmode",
  title: "Trend or cycle mode",
  meaning: "1 in a trend, 0 in a cycle.",
  source: `${EHLERS}; equal to TA-Lib HT_TRENDMODE. A threshold decision: may flip on a last digit.`,
  bar(s, x, i, t, price, _parts, _p, value) {
    const before = s[DC_PHASE]!;
    const [sineBefore, leadBefore] = [s[SINE]!, s[LEAD]!];
    const phase = dominantPhase(s, t, price);
    const sine = Math.sin(phase / DEGREES);
    const lead = Math.sin((phase + 45) / DEGREES);
    s[SINE] = sine;
    s[LEAD] = lead;
    const line = trendline(s, x, i);
    let trend = 1;
    if ((sine > lead && sineBefore <= leadBefore) || (sine < lead && sineBefore >= leadBefore)) {
      s[DAYS] = 0;
      trend = 0;
    }
    s[DAYS] = s[DAYS]! + 1;
    const period = s[SMOOTH_PERIOD]!;
    if (s[DAYS]! < 0.5 * period) trend = 0;
    const change = phase - before;
    if (period !== 0 && change > (0.67 * 360) / period && change < (1.5 * 360) / period) trend = 0;
    if (line !== 0 && Math.abs((price - line) / line) >= 0.015) trend = 1;
    value[0] = trend;
  },
});
