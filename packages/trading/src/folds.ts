/** A range of bars, half-open. */
export interface BarRange {
  readonly from: number;
  readonly to: number;
}

/** Bars to choose parameters on, and the bars after them to trade them on. */
export interface Fold {
  readonly train: BarRange;
  readonly test: BarRange;
}

/**
 * Walk-forward folds: each trains on `trainBars` (rolling) or on everything before (anchored, at least `trainBars`), leaves `gapBars`
 * out, and tests on the next `testBars`; the tests follow each other without a hole, the last may be shorter.
 */
export function walkForwardFolds(
  bars: number,
  options: { anchored: boolean; trainBars: number; testBars: number; gapBars: number },
): Fold[] {
  const { anchored, trainBars, testBars, gapBars } = options;
  const folds: Fold[] = [];
  for (let from = trainBars + gapBars; from + 1 < bars; from += testBars) {
    const trainTo = from - gapBars;
    folds.push({
      train: { from: anchored ? 0 : trainTo - trainBars, to: trainTo },
      test: { from, to: Math.min(bars, from + testBars) },
    });
  }
  return folds;
}

/** The bars cut into consecutive groups, as equal as can be. */
export function groupBars(bars: number, groups: number): BarRange[] {
  return Array.from({ length: groups }, (_, g) => ({
    from: Math.floor((bars * g) / groups),
    to: Math.floor((bars * (g + 1)) / groups),
  }));
}

/**
 * What of a training group may be used: `purgeBars` off both ends, since positions there reach into the neighbours, and after a
 * tested group `embargoBars` more at the start.
 */
export function trainingPart(group: BarRange, purgeBars: number, embargoBars: number): BarRange {
  const from = group.from + purgeBars + embargoBars;
  return { from, to: Math.max(from, group.to - purgeBars) };
}

/** All ways to choose `size` of `n` groups for testing, in lexicographic order. */
export function testSplits(n: number, size: number): number[][] {
  const splits: number[][] = [];
  const choose = (start: number, chosen: number[]): void => {
    if (chosen.length === size) {
      splits.push(chosen);
      return;
    }
    for (let g = start; g < n; g++) choose(g + 1, [...chosen, g]);
  };
  choose(0, []);
  return splits;
}

/**
 * Combinatorial paths: `paths[p][g]` is the split whose test of group g belongs to path p. Each group is tested in C(n-1, size-1) splits, so there are
 * as many paths; they take them in order. Source: López de Prado 2018, chapter 12.
 */
export function combinatorialPaths(n: number, splits: readonly number[][]): number[][] {
  const bySplit = Array.from({ length: n }, (_, g) =>
    splits.flatMap((split, s) => (split.includes(g) ? [s] : [])),
  );
  return Array.from({ length: bySplit[0]!.length }, (_, p) => bySplit.map((list) => list[p]!));
}
