/** A fault in a formula's text, with the place it is at. */
export class FormulaError extends Error {
  /** First character at fault, counted from 1. */
  readonly column: number;
  /** Number of characters at fault. */
  readonly length: number;
  /** The nearest known name, where a name is unknown. */
  readonly suggestion?: string;

  constructor(message: string, column: number, length = 1, suggestion?: string) {
    super(suggestion === undefined ? message : `${message}; did you mean ${suggestion}?`);
    this.name = "FormulaError";
    this.column = column;
    this.length = Math.max(1, length);
    if (suggestion !== undefined) this.suggestion = suggestion;
  }
}

/** Edit distance with transpositions, for names of a few dozen letters. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let d = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        d = Math.min(d, before[j - 2]! + 1);
      row.push(d);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The known name nearest to a wrong one, or undefined when none is near. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const k of known) {
    const d = k.toLowerCase() === wanted ? 0 : distance(wanted, k.toLowerCase());
    if (d < least) {
      least = d;
      best = k;
    }
  }
  return best;
}
