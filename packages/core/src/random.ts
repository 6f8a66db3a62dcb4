/**
 * Seeded uniforms in [0, 1): xoshiro128** (Blackman and Vigna), its state filled from `seed` and `stream`
 * by a 32-bit FNV-1a hash and splitmix32. The same pair gives the same numbers on every machine.
 */
export function seededRandom(seed: number, stream: string): () => number {
  let hash = 0x811c9dc5 ^ (seed | 0);
  hash = Math.imul(hash ^ Math.trunc(seed / 0x100000000), 0x01000193);
  for (let i = 0; i < stream.length; i++) hash = Math.imul(hash ^ stream.charCodeAt(i), 0x01000193);
  const next = () => {
    hash = (hash + 0x9e3779b9) | 0;
    let t = hash ^ (hash >>> 16);
    t = Math.imul(t, 0x21f0aaad);
    t ^= t >>> 15;
    t = Math.imul(t, 0x735a2d97);
    return (t ^ (t >>> 15)) >>> 0;
  };
  let a = next();
  let b = next();
  let c = next();
  let d = next() | 1;
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result / 0x100000000;
  };
}
