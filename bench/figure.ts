/** One line of a bench. */
export interface Figure {
  figure: string;
  unit: string;
  ours: number;
  peer: string;
  peerVersion: string | null;
  /** Null where the peer is absent. */
  theirs: number | null;
  /** Above 1: ours is better. */
  ratio: number | null;
  /** The ratio aimed at; null where none is stated. */
  aim: number | null;
  met: boolean | null;
  repeats: number;
  /** (max - min) / median of our repeats. */
  spread: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function spreadOf(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values);
}

/** Prints the line. `ours` and `theirs` are repeats; medians are compared. */
export function report(figure: {
  figure: string;
  unit: string;
  ours: readonly number[];
  peer: string;
  peerVersion?: string | undefined;
  theirs?: readonly number[] | undefined;
  aim?: number | undefined;
  smallerIsBetter?: boolean;
}): void {
  const ours = median(figure.ours);
  const theirs = figure.theirs === undefined || figure.theirs.length === 0 ? null : median(figure.theirs);
  const ratio = theirs === null ? null : figure.smallerIsBetter === true ? theirs / ours : ours / theirs;
  const aim = figure.aim ?? null;
  const line: Figure = {
    figure: figure.figure,
    unit: figure.unit,
    ours,
    peer: figure.peer,
    peerVersion: figure.peerVersion ?? null,
    theirs,
    ratio,
    aim,
    met: aim === null || ratio === null ? null : ratio >= aim,
    repeats: figure.ours.length,
    spread: spreadOf(figure.ours),
  };
  console.log(JSON.stringify(line));
}
