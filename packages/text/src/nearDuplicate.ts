import { termsOf } from "./terms.ts";

/** Terms in a row that make a shingle. */
const shingleTerms = 4;
const permutations = 64;
/** Rows of a band: texts that share this many least values in a row are compared; with 16 bands, most pairs alike by a half. */
const bandRows = 4;

/** Whole numbers below 2^32, well mixed (the finaliser of MurmurHash3, public domain). */
function mixed(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function hashOf(text: string): number {
  // FNV-1a.
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mixed(h);
}

/** Hashes of all runs of four terms; of a shorter text, of all of its terms. */
export function shinglesOf(text: string): Set<number> {
  const terms = termsOf(text);
  const shingles = new Set<number>();
  for (let at = 0; at + shingleTerms <= terms.length; at++) {
    shingles.add(hashOf(terms.slice(at, at + shingleTerms).join(" ")));
  }
  if (shingles.size === 0 && terms.length > 0) shingles.add(hashOf(terms.join(" ")));
  return shingles;
}

/**
 * Keys of a text: two texts of which most shingles agree share one almost surely, others hardly ever (MinHash with
 * bands: Broder 1997; Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4). 16 keys; none for a text without terms.
 */
export function nearKeysOf(shingles: ReadonlySet<number>): string[] {
  if (shingles.size === 0) return [];
  const least = new Uint32Array(permutations).fill(0xffffffff);
  const salts = Uint32Array.from({ length: permutations }, (_, i) => mixed(i + 1));
  for (const shingle of shingles) {
    for (let i = 0; i < permutations; i++) {
      const value = mixed(shingle ^ salts[i]!);
      if (value < least[i]!) least[i] = value;
    }
  }
  return Array.from({ length: permutations / bandRows }, (_, band) => {
    const rows = least.subarray(band * bandRows, (band + 1) * bandRows);
    return `${band}:${hashOf(rows.join(" ")).toString(36)}`;
  });
}

/** Jaccard similarity: shared shingles over all, in [0, 1]; 0 where both are empty. */
export function similarityOf(one: ReadonlySet<number>, other: ReadonlySet<number>): number {
  let shared = 0;
  for (const shingle of one) if (other.has(shingle)) shared++;
  const all = one.size + other.size - shared;
  return all === 0 ? 0 : shared / all;
}
