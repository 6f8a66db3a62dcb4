/** An inverted index over the terms of n texts, on typed arrays: built once, then read. */
export interface TermIndex {
  /** Texts in it. */
  readonly size: number;
  /**
   * Adds weight × BM25 of a term to `scores` ([size]) at each text that holds it.
   * A term that no text holds adds nothing.
   */
  add(term: string, weight: number, scores: Float64Array): void;
}

/** BM25's saturation and length normalisation, at the values most collections are searched with. */
const k1 = 1.2;
const b = 0.75;

interface Postings {
  texts: Int32Array;
  /** idf × the term's saturated count, ready to be weighted. */
  values: Float64Array;
}

/**
 * BM25 (Robertson, Zaragoza: The Probabilistic Relevance Framework, 2009) with the idf that is never negative:
 * ln(1 + (n − df + 0.5) / (df + 0.5)).
 */
export function createTermIndex(texts: Iterable<readonly string[]>): TermIndex {
  const counts = new Map<string, Map<number, number>>();
  const lengths: number[] = [];
  for (const terms of texts) {
    const text = lengths.length;
    lengths.push(terms.length);
    for (const term of terms) {
      let list = counts.get(term);
      if (list === undefined) {
        list = new Map();
        counts.set(term, list);
      }
      list.set(text, (list.get(text) ?? 0) + 1);
    }
  }
  const size = lengths.length;
  const mean = lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, size) || 1;
  const postings = new Map<string, Postings>();
  for (const [term, list] of counts) {
    const idf = Math.log(1 + (size - list.size + 0.5) / (list.size + 0.5)) * (k1 + 1);
    const values = Float64Array.from(
      list,
      ([text, count]) => (idf * count) / (count + k1 * (1 - b + (b * lengths[text]!) / mean)),
    );
    postings.set(term, { texts: Int32Array.from(list.keys()), values });
  }
  return {
    size,
    add(term, weight, scores) {
      const found = postings.get(term);
      if (found === undefined) return;
      const { texts: at, values } = found;
      for (let i = 0; i < at.length; i++) scores[at[i]!]! += weight * values[i]!;
    },
  };
}
