/** One figure of an evaluation, as printed by `--json`. */
export interface Measure {
  set: string;
  metric: string;
  value: number;
  /** How many cases it is measured on. */
  n: number;
  /** For shares: the cases that count, and the aim. */
  count?: number;
  aim?: string;
}

/** A set of labelled cases. */
export interface EvalSet {
  name: string;
  /** What it reads: folder and file name. It is left out by name where one is missing. */
  files: readonly (readonly [folder: string, name: RegExp])[];
  /** Environment variables that it cannot run without: a server's address. It is left out by name where one is missing. */
  needs?: readonly string[];
  /** `files`: those found, in order. */
  run(files: readonly string[]): Promise<Measure[]>;
}

/** Wilson's interval of a share at 95 %: [low, high]. */
export function wilson(count: number, n: number): [number, number] {
  if (n === 0) return [0, 1];
  const z = 1.959963984540054;
  const share = count / n;
  const spread = 1 + (z * z) / n;
  const middle = (share + (z * z) / (2 * n)) / spread;
  const half = (z / spread) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** Mean over the classes of 2PR/(P+R); a class that is neither said nor true counts 0. */
export function macroF1<T extends string>(
  classes: readonly T[],
  pairs: readonly (readonly [T, T])[],
): number {
  const scores = classes.map((one) => {
    const hit = pairs.filter(([truth, said]) => truth === one && said === one).length;
    const said = pairs.filter((pair) => pair[1] === one).length;
    const truth = pairs.filter((pair) => pair[0] === one).length;
    return said + truth === 0 ? 0 : (2 * hit) / (said + truth);
  });
  return scores.reduce((sum, score) => sum + score, 0) / classes.length;
}

/** The chance that a case of the first kind has a larger score than one of the second; ties count half. */
export function auroc(positive: readonly number[], negative: readonly number[]): number {
  let above = 0;
  for (const p of positive) for (const n of negative) above += p > n ? 1 : p === n ? 0.5 : 0;
  return above / Math.max(1, positive.length * negative.length);
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
