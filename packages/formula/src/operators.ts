/** Conditions are 0 false, 1 true, 2 undefined (a value was NaN). Undefined never triggers, nor does its negation. */
type F = Float64Array;
type C = Uint8Array;

export const AND = Uint8Array.of(0, 0, 0, 0, 1, 2, 0, 2, 2);
export const OR = Uint8Array.of(0, 1, 2, 1, 1, 1, 2, 1, 2);
const NOT = Uint8Array.of(1, 0, 2);

export type Fill2 = (o: F, a: F, b: F, from: number, to: number) => void;
export type Fill1 = (o: F, a: F, from: number, to: number) => void;
export type FillScalar = (o: F, a: F, k: number, from: number, to: number) => void;
export type Compare2 = (o: C, a: F, b: F, from: number, to: number) => void;
export type CompareScalar = (o: C, a: F, k: number, from: number, to: number) => void;

export const arithmetic: Readonly<Record<string, Fill2>> = {
  "+": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i]! + b[i]!;
  },
  "-": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i]! - b[i]!;
  },
  "*": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i]! * b[i]!;
  },
  // a division by 0 is undefined, not infinite
  "/": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) o[i] = b[i] === 0 ? NaN : a[i]! / b[i]!;
  },
  "%": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i]! % b[i]!;
  },
  "^": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i]! ** b[i]!;
  },
  min: (o, a, b, f, t) => {
    for (let i = f; i < t; i++) o[i] = Math.min(a[i]!, b[i]!);
  },
  max: (o, a, b, f, t) => {
    for (let i = f; i < t; i++) o[i] = Math.max(a[i]!, b[i]!);
  },
  coalesce: (o, a, b, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i] === a[i] ? a[i]! : b[i]!;
  },
};

export const withScalar: Readonly<Record<string, FillScalar>> = {
  "+": (o, a, k, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i]! + k;
  },
  "-": (o, a, k, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i]! - k;
  },
  "*": (o, a, k, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i]! * k;
  },
  "/": (o, a, k, f, t) => {
    if (k === 0) o.fill(NaN, f, t);
    else for (let i = f; i < t; i++) o[i] = a[i]! / k;
  },
};

export const elementwise: Readonly<Record<string, Fill1>> = {
  neg: (o, a, f, t) => {
    for (let i = f; i < t; i++) o[i] = -a[i]!;
  },
  abs: (o, a, f, t) => {
    for (let i = f; i < t; i++) o[i] = Math.abs(a[i]!);
  },
  log: (o, a, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i]! > 0 ? Math.log(a[i]!) : NaN;
  },
  exp: (o, a, f, t) => {
    for (let i = f; i < t; i++) o[i] = Math.exp(a[i]!);
  },
  sqrt: (o, a, f, t) => {
    for (let i = f; i < t; i++) o[i] = Math.sqrt(a[i]!);
  },
  sign: (o, a, f, t) => {
    for (let i = f; i < t; i++) o[i] = Math.sign(a[i]!);
  },
  floor: (o, a, f, t) => {
    for (let i = f; i < t; i++) o[i] = Math.floor(a[i]!);
  },
  ceil: (o, a, f, t) => {
    for (let i = f; i < t; i++) o[i] = Math.ceil(a[i]!);
  },
  round: (o, a, f, t) => {
    for (let i = f; i < t; i++) o[i] = Math.sign(a[i]!) * Math.round(Math.abs(a[i]!));
  },
};

export const comparison: Readonly<Record<string, Compare2>> = {
  ">": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) {
      const d = a[i]! - b[i]!;
      o[i] = +(a[i]! > b[i]!) + 2 * +(d !== d && (a[i] !== a[i] || b[i] !== b[i]));
    }
  },
  ">=": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) {
      const d = a[i]! - b[i]!;
      o[i] = +(a[i]! >= b[i]!) + 2 * +(d !== d && (a[i] !== a[i] || b[i] !== b[i]));
    }
  },
  "==": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) {
      const d = a[i]! - b[i]!;
      o[i] = +(a[i]! === b[i]!) + 2 * +(d !== d && (a[i] !== a[i] || b[i] !== b[i]));
    }
  },
  "!=": (o, a, b, f, t) => {
    for (let i = f; i < t; i++) {
      const d = a[i]! - b[i]!;
      const unknown = d !== d && (a[i] !== a[i] || b[i] !== b[i]);
      o[i] = unknown ? 2 : +(a[i]! !== b[i]!);
    }
  },
};

export const compareScalar: Readonly<Record<string, CompareScalar>> = {
  ">": (o, a, k, f, t) => {
    for (let i = f; i < t; i++) o[i] = +(a[i]! > k) + 2 * +(a[i] !== a[i]);
  },
  ">=": (o, a, k, f, t) => {
    for (let i = f; i < t; i++) o[i] = +(a[i]! >= k) + 2 * +(a[i] !== a[i]);
  },
  "<": (o, a, k, f, t) => {
    for (let i = f; i < t; i++) o[i] = +(a[i]! < k) + 2 * +(a[i] !== a[i]);
  },
  "<=": (o, a, k, f, t) => {
    for (let i = f; i < t; i++) o[i] = +(a[i]! <= k) + 2 * +(a[i] !== a[i]);
  },
  "==": (o, a, k, f, t) => {
    for (let i = f; i < t; i++) o[i] = +(a[i]! === k) + 2 * +(a[i] !== a[i]);
  },
  "!=": (o, a, k, f, t) => {
    for (let i = f; i < t; i++) o[i] = a[i] === a[i] ? +(a[i]! !== k) : 2;
  },
};

/** The comparison seen from the other side. */
export const MIRROR: Readonly<Record<string, string>> = {
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  "==": "==",
  "!=": "!=",
};

export function combine(table: C, o: C, a: C, b: C, from: number, to: number): void {
  for (let i = from; i < to; i++) o[i] = table[a[i]! * 3 + b[i]!]!;
}

export function negate(o: C, a: C, from: number, to: number): void {
  for (let i = from; i < to; i++) o[i] = NOT[a[i]!]!;
}

/** The lowest bit of each byte of a word. */
const ONES = 0x01010101;

/**
 * Both crossings of two series: over, `a` above `b` and not on the bar before; under, below. Undefined where a value of either bar is.
 * Four bars a word, the first in the lowest byte, as on every machine that Node runs on; the columns are whole words.
 */
export function fillCrossings(over: C, under: C, a: F, b: F, from: number, to: number): void {
  const first = Math.min(to, (from + 3) & ~3);
  const last = Math.max(first, to & ~3);
  crossBars(over, under, a, b, from, first);
  crossWords(wordsOf(over), wordsOf(under), a, b, first, last);
  crossBars(over, under, a, b, last, to);
}

function wordsOf(column: C): Int32Array {
  return new Int32Array(column.buffer, column.byteOffset, column.length >> 2);
}

function crossBars(over: C, under: C, a: F, b: F, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const wasLow = i > 0 && a[i - 1]! <= b[i - 1]!;
    const wasHigh = i > 0 && a[i - 1]! >= b[i - 1]!;
    const unknown = !(a[i]! <= b[i]! || a[i]! >= b[i]!) || !(wasLow || wasHigh);
    over[i] = unknown ? 2 : +(wasLow && a[i]! > b[i]!);
    under[i] = unknown ? 2 : +(wasHigh && a[i]! < b[i]!);
  }
}

function crossWords(over: Int32Array, under: Int32Array, a: F, b: F, from: number, to: number): void {
  let wasLow = from > 0 ? +(a[from - 1]! <= b[from - 1]!) : 0;
  let wasHigh = from > 0 ? +(a[from - 1]! >= b[from - 1]!) : 0;
  for (let i = from; i < to; i += 4) {
    const a0 = a[i]!;
    const a1 = a[i + 1]!;
    const a2 = a[i + 2]!;
    const a3 = a[i + 3]!;
    const b0 = b[i]!;
    const b1 = b[i + 1]!;
    const b2 = b[i + 2]!;
    const b3 = b[i + 3]!;
    const low = +(a0 <= b0) | (+(a1 <= b1) << 8) | (+(a2 <= b2) << 16) | (+(a3 <= b3) << 24);
    const high = +(a0 >= b0) | (+(a1 >= b1) << 8) | (+(a2 >= b2) << 16) | (+(a3 >= b3) << 24);
    const lowBefore = (low << 8) | wasLow;
    const highBefore = (high << 8) | wasHigh;
    const unknown = (~((low | high) & (lowBefore | highBefore)) & ONES) << 1;
    over[i >> 2] = (high & ~low & lowBefore) | unknown;
    under[i >> 2] = (low & ~high & highBefore) | unknown;
    wasLow = low >>> 24;
    wasHigh = high >>> 24;
  }
}
