/** Standard normals by the polar method (Marsaglia and Bray 1964). */
export function createNormal(random: () => number): () => number {
  let spare = Number.NaN;
  return () => {
    if (!Number.isNaN(spare)) {
      const value = spare;
      spare = Number.NaN;
      return value;
    }
    for (;;) {
      const x = 2 * random() - 1;
      const y = 2 * random() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      spare = y * scale;
      return x * scale;
    }
  };
}

/** Into [0, 1), by folding at the edges. */
export function reflect(x: number): number {
  const folded = Math.abs(x) % 2;
  return Math.min(folded > 1 ? 2 - folded : folded, 1 - 2 ** -53);
}
