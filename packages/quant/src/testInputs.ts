/** Seeded inputs of tests, and what a function refuses. */
import { QuantError } from "./error.ts";
import type { QuantErrorCode } from "./error.ts";
import { createNormals } from "./statistics/normals.ts";

/** Numbers in (0, 1) that repeat for a seed: a linear congruential generator mod 2^32. */
export function uniform(seed: number): () => number {
  let x = seed;
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return (x + 0.5) / 2 ** 32;
  };
}

/** Independent standard normals. */
export function noise(n: number, seed: number): Float64Array {
  const out = new Float64Array(n);
  createNormals(uniform(seed))(out);
  return out;
}

/** A random walk from 100 by steps of deviation 1. */
export function walk(n: number, seed: number): Float64Array {
  let level = 100;
  return noise(n, seed).map((z) => (level += z));
}

/** The code with which a computation is refused; "accepted" where it is not. */
export function codeOf(compute: () => unknown): QuantErrorCode | "accepted" {
  try {
    compute();
  } catch (error) {
    if (error instanceof QuantError) return error.code;
    throw error;
  }
  return "accepted";
}
