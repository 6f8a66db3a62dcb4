/**
 * Numbers of mean 0 and variance 1 that any language makes bit for bit: the sum of four uniforms of the linear congruential
 * generator s = 1664525 s + 1013904223 mod 2^32, less 2, times √3.
 */
export function normals(n: number, seed: number): Float64Array {
  let s = seed;
  return Float64Array.from({ length: n }, () => {
    let sum = 0;
    for (let i = 0; i < 4; i++) {
      s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
      sum += s / 4294967296;
    }
    return (sum - 2) * 1.7320508075688772;
  });
}
