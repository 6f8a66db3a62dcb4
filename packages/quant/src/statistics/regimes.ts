/** Regimes: Gaussian hidden Markov models and two-regime Markov switching. */
import { QuantError, requireSeries, requireWhole } from "../error.ts";
import { minimise } from "./minimise.ts";
import { mean, quantile, variance } from "./moments.ts";

export interface HiddenMarkov {
  /** [k], regimes ordered by variance, ascending. */
  readonly means: Float64Array;
  readonly variances: Float64Array;
  /** [k, k] row-major: from, to. */
  readonly transition: Float64Array;
  /** [k] distribution before the first value. */
  readonly start: Float64Array;
  readonly logLikelihood: number;
}

export interface RegimeProbabilities {
  /** [n, k] row-major: given the past and the value itself (usable live), and given the whole sample (look-ahead). */
  readonly filtered: Float64Array;
  readonly smoothed: Float64Array;
  readonly logLikelihood: number;
}

interface Pass extends RegimeProbabilities {
  /** [k, k]: expected numbers of transitions. */
  readonly moves: Float64Array;
}

/** Arrays that a fit uses again at every step, for n values and k regimes. */
interface Workspace {
  /** [n, k] densities, filtered and smoothed probabilities. */
  readonly density: Float64Array;
  readonly filtered: Float64Array;
  readonly smoothed: Float64Array;
  /** [n] sums of the forward recursion before they were brought to 1. */
  readonly scale: Float64Array;
}

function workspaceFor(n: number, k: number): Workspace {
  return {
    density: new Float64Array(n * k),
    filtered: new Float64Array(n * k),
    smoothed: new Float64Array(n * k),
    scale: new Float64Array(n),
  };
}

/** Densities of every value in every regime, scaled by the largest so that none underflows; the logarithm of all scales. */
function densities(x: Float64Array, { means, variances }: HiddenMarkov, out: Float64Array): number {
  const k = means.length;
  const constant = variances.map((v) => -0.5 * Math.log(2 * Math.PI * v));
  const half = variances.map((v) => -0.5 / v);
  let logScale = 0;
  for (let t = 0, at = 0; t < x.length; t++, at += k) {
    const value = x[t]!;
    let top = -Infinity;
    for (let i = 0; i < k; i++) {
      const d = value - means[i]!;
      const l = constant[i]! + half[i]! * d * d;
      out[at + i] = l;
      if (l > top) top = l;
    }
    for (let i = 0; i < k; i++) out[at + i] = Math.exp(out[at + i]! - top);
    logScale += top;
  }
  return logScale;
}

/** Forward and backward recursions; the arrays of the result are those of the workspace. */
function forwardBackward(x: Float64Array, model: HiddenMarkov, workspace: Workspace): Pass {
  const { filtered, smoothed } = workspace;
  const logLikelihood = densities(x, model, workspace.density) + forward(model, workspace);
  return { filtered, smoothed, logLikelihood, moves: backward(model, workspace) };
}

/** Fills `filtered` and `scale`; the sum of the logarithms of the scales. */
function forward({ start, transition }: HiddenMarkov, { density, filtered, scale }: Workspace): number {
  const k = start.length;
  let logLikelihood = 0;
  for (let t = 0, at = 0; t < scale.length; t++, at += k) {
    let sum = 0;
    for (let j = 0; j < k; j++) {
      let p = t === 0 ? start[j]! : 0;
      if (t > 0) for (let i = 0; i < k; i++) p += filtered[at - k + i]! * transition[i * k + j]!;
      p *= density[at + j]!;
      filtered[at + j] = p;
      sum += p;
    }
    const inverse = 1 / sum;
    for (let j = 0; j < k; j++) filtered[at + j] = filtered[at + j]! * inverse;
    scale[t] = sum;
    logLikelihood += Math.log(sum);
  }
  return logLikelihood;
}

/** Fills `smoothed`; the expected numbers of transitions [k, k]. */
function backward({ start, transition }: HiddenMarkov, workspace: Workspace): Float64Array {
  const { density, filtered, smoothed, scale } = workspace;
  const k = start.length;
  const moves = new Float64Array(k * k);
  const ahead = new Float64Array(k).fill(1);
  const seen = new Float64Array(k);
  for (let t = scale.length - 1, at = t * k; t >= 0; t--, at -= k) {
    for (let i = 0; i < k; i++) smoothed[at + i] = filtered[at + i]! * ahead[i]!;
    if (t === 0) break;
    const inverse = 1 / scale[t]!;
    for (let j = 0; j < k; j++) seen[j] = density[at + j]! * ahead[j]! * inverse;
    for (let i = 0; i < k; i++) {
      const before = filtered[at - k + i]!;
      let sum = 0;
      for (let j = 0; j < k; j++) {
        const w = transition[i * k + j]! * seen[j]!;
        moves[i * k + j] = moves[i * k + j]! + before * w;
        sum += w;
      }
      ahead[i] = sum;
    }
  }
  return moves;
}

/** Regime probabilities of a fitted model over a series. */
export function regimeProbabilities(x: Float64Array, model: HiddenMarkov): RegimeProbabilities {
  requireSeries(x, "series", 1);
  const { filtered, smoothed, logLikelihood } = forwardBackward(
    x,
    model,
    workspaceFor(x.length, model.means.length),
  );
  return { filtered, smoothed, logLikelihood };
}

/** The most probable path of regimes [n] (Viterbi). */
export function regimePath(x: Float64Array, model: HiddenMarkov): Int32Array {
  requireSeries(x, "series", 1);
  const n = x.length;
  const k = model.means.length;
  const from = new Int32Array(n * k);
  let score = new Float64Array(k);
  const density = (t: number, i: number): number =>
    -0.5 *
    (Math.log(2 * Math.PI * model.variances[i]!) + (x[t]! - model.means[i]!) ** 2 / model.variances[i]!);
  for (let i = 0; i < k; i++) score[i] = Math.log(model.start[i]!) + density(0, i);
  for (let t = 1; t < n; t++) {
    const next = new Float64Array(k);
    for (let j = 0; j < k; j++) {
      let best = -Infinity;
      for (let i = 0; i < k; i++) {
        const v = score[i]! + Math.log(model.transition[i * k + j]!);
        if (v > best) {
          best = v;
          from[t * k + j] = i;
        }
      }
      next[j] = best + density(t, j);
    }
    score = next;
  }
  const path = new Int32Array(n);
  path[n - 1] = score.reduce((b, v, i) => (v > score[b]! ? i : b), 0);
  for (let t = n - 1; t > 0; t--) path[t - 1] = from[t * k + path[t]!]!;
  return path;
}

/** Regimes sorted by variance. */
function ordered(model: HiddenMarkov): HiddenMarkov {
  const k = model.means.length;
  const o = Array.from({ length: k }, (_, i) => i).sort((a, b) => model.variances[a]! - model.variances[b]!);
  return {
    means: Float64Array.from(o, (i) => model.means[i]!),
    variances: Float64Array.from(o, (i) => model.variances[i]!),
    transition: Float64Array.from({ length: k * k }, (_, i) => {
      return model.transition[o[Math.floor(i / k)]! * k + o[i % k]!]!;
    }),
    start: Float64Array.from(o, (i) => model.start[i]!),
    logLikelihood: model.logLikelihood,
  };
}

/** One Baum-Welch step; null where a regime shrinks onto single values. */
function improve(
  x: Float64Array,
  model: HiddenMarkov,
  floor: number,
  workspace: Workspace,
): HiddenMarkov | null {
  const k = model.means.length;
  const { smoothed, moves, logLikelihood } = forwardBackward(x, model, workspace);
  const weight = new Float64Array(k);
  const means = new Float64Array(k);
  const variances = new Float64Array(k);
  for (let t = 0; t < x.length; t++) {
    for (let i = 0; i < k; i++) {
      weight[i]! += smoothed[t * k + i]!;
      means[i]! += smoothed[t * k + i]! * x[t]!;
    }
  }
  for (let i = 0; i < k; i++) means[i]! /= weight[i]!;
  for (let t = 0; t < x.length; t++) {
    for (let i = 0; i < k; i++) variances[i]! += smoothed[t * k + i]! * (x[t]! - means[i]!) ** 2;
  }
  for (let i = 0; i < k; i++) variances[i]! /= weight[i]!;
  if (variances.some((v) => !(v > floor)) || weight.some((w) => !(w > 2))) return null;
  const transition = Float64Array.from(moves, (m, i) => {
    const row = Math.floor(i / k);
    return m / moves.subarray(row * k, row * k + k).reduce((a, v) => a + v, 0);
  });
  const start = smoothed.slice(0, k);
  return { means, variances, transition, start, logLikelihood };
}

/** Starts whose regimes differ in spread, in mean, and in how long they last. */
function* startsOf(x: Float64Array, k: number): Generator<HiddenMarkov> {
  const m = mean(x);
  const v = variance(x, 0);
  for (const stay of [0.98, 0.9, 0.6]) {
    const transition = Float64Array.from({ length: k * k }, (_, i) =>
      Math.floor(i / k) === i % k ? stay : (1 - stay) / (k - 1),
    );
    for (const width of [2, 4, 8]) {
      for (const apart of [0, 1]) {
        yield {
          means: Float64Array.from({ length: k }, (_, i) => (apart ? quantile(x, (i + 0.5) / k) : m)),
          variances: Float64Array.from({ length: k }, (_, i) => v * width ** (i - (k - 1) / 2)),
          transition,
          start: new Float64Array(k).fill(1 / k),
          logLikelihood: -Infinity,
        };
      }
    }
  }
}

/**
 * Gaussian hidden Markov model by maximum likelihood (Baum-Welch from eighteen fixed starts; the best is kept). Runs in
 * which a regime shrinks onto few values, where the likelihood has no bound, are given up.
 * @throws QuantError tooFew below 30 values a regime, noConvergence where every start degenerates.
 */
export function fitHiddenMarkov(x: Float64Array, regimes: number): HiddenMarkov {
  requireWhole(regimes, "regimes", 2, 8);
  requireSeries(x, "series", 30 * regimes);
  const floor = 1e-4 * variance(x, 0);
  if (!(floor > 0)) throw new QuantError("undefined", "the series does not vary: there are no regimes");
  const workspace = workspaceFor(x.length, regimes);
  let best: HiddenMarkov | null = null;
  for (const start of startsOf(x, regimes)) {
    const model = climb(x, start, floor, best?.logLikelihood ?? -Infinity, workspace);
    if (model !== null && (best === null || model.logLikelihood > best.logLikelihood)) best = model;
  }
  if (best === null) {
    throw new QuantError(
      "noConvergence",
      "every start shrank onto single values; clean or shorten the series",
    );
  }
  return ordered({ ...best, logLikelihood: forwardBackward(x, best, workspace).logLikelihood });
}

/** Steps before a start is judged, and how many times its expected gain it is granted. */
const PATIENCE = 60;
const CREDIT = 5;

/**
 * Baum-Welch from a start until a step gains less than 1e-8 of the likelihood. Given up (null) where a regime shrinks onto
 * few values, and where the likelihood `beaten` is out of reach of the gain that Aitken's extrapolation of the steps expects.
 */
function climb(
  x: Float64Array,
  start: HiddenMarkov,
  floor: number,
  beaten: number,
  workspace: Workspace,
): HiddenMarkov | null {
  let model = start;
  let gain = Infinity;
  for (let i = 0; i < 2000; i++) {
    const next = improve(x, model, floor, workspace);
    if (next === null) return null;
    const step = next.logLikelihood - model.logLikelihood;
    const rate = step / gain;
    if (step < 1e-8 * Math.abs(model.logLikelihood)) return next;
    if (i >= PATIENCE && rate < 1 && next.logLikelihood + (CREDIT * step) / (1 - rate) < beaten) return null;
    model = next;
    gain = step;
  }
  return model;
}

export interface MarkovSwitching extends HiddenMarkov {
  /** [k] probability of staying. */
  readonly stay: Float64Array;
}

function twoRegimes(u: Float64Array, centre: number, spread: number): HiddenMarkov {
  const p = 1 / (1 + Math.exp(-u[4]!));
  const q = 1 / (1 + Math.exp(-u[5]!));
  const low = (1 - q) / (2 - p - q);
  return {
    means: Float64Array.of(centre + spread * u[0]!, centre + spread * u[1]!),
    variances: Float64Array.of(spread * spread * Math.exp(u[2]!), spread * spread * Math.exp(u[3]!)),
    transition: Float64Array.of(p, 1 - p, 1 - q, q),
    start: Float64Array.of(low, 1 - low),
    logLikelihood: -Infinity,
  };
}

/**
 * Hamilton's (1989) Markov switching with two regimes of mean and variance, started from the chain's stationary
 * distribution, by maximum likelihood: BFGS from the hidden Markov fit, gradients by Fisher's identity.
 */
export function fitMarkovSwitching(x: Float64Array): MarkovSwitching {
  const hidden = fitHiddenMarkov(x, 2);
  const centre = mean(x);
  const spread = Math.sqrt(variance(x, 0));
  const n = x.length;
  const workspace = workspaceFor(n, 2);
  const objective = (u: Float64Array, g: Float64Array): number => {
    if (u.some((v) => Math.abs(v) > 40)) return Infinity;
    const model = twoRegimes(u, centre, spread);
    const { smoothed, moves, logLikelihood } = forwardBackward(x, model, workspace);
    g.fill(0);
    for (let t = 0; t < n; t++) {
      for (let i = 0; i < 2; i++) {
        const d = x[t]! - model.means[i]!;
        const w = smoothed[2 * t + i]! / model.variances[i]!;
        g[i]! -= (w * d * spread) / n;
        g[2 + i]! -= (0.5 * (w * d * d - smoothed[2 * t + i]!)) / n;
      }
    }
    const p = model.transition[0]!;
    const q = model.transition[3]!;
    const s = 2 - p - q;
    // The start depends on p and q: ln π0 = ln(1-q) - ln s, ln π1 = ln(1-p) - ln s.
    const startP = smoothed[0]! / s + smoothed[1]! * (1 / s - 1 / (1 - p));
    const startQ = smoothed[0]! * (1 / s - 1 / (1 - q)) + smoothed[1]! / s;
    g[4] = -(moves[0]! * (1 - p) - moves[1]! * p + startP * p * (1 - p)) / n;
    g[5] = -(moves[3]! * (1 - q) - moves[2]! * q + startQ * q * (1 - q)) / n;
    return -logLikelihood / n;
  };
  const logit = (v: number): number => Math.log(v / (1 - v));
  const start = Float64Array.of(
    (hidden.means[0]! - centre) / spread,
    (hidden.means[1]! - centre) / spread,
    Math.log(hidden.variances[0]! / (spread * spread)),
    Math.log(hidden.variances[1]! / (spread * spread)),
    Math.min(logit(hidden.transition[0]!), 30),
    Math.min(logit(hidden.transition[3]!), 30),
  );
  const found = minimise(objective, start, 1e-15);
  const model = ordered({ ...twoRegimes(found.x, centre, spread), logLikelihood: -found.value * n });
  return { ...model, stay: Float64Array.of(model.transition[0]!, model.transition[3]!) };
}
