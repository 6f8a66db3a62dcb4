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

/** `a` above `b`, and not on the bar before: true, false, or undefined where a value of either bar is. No branch: crossings are random. */
export function cross(o: C, a: F, b: F, from: number, to: number): void {
  const before = from > 0 ? a[from - 1]! - b[from - 1]! : NaN;
  let notAbove = +(before <= 0);
  let unknown = +(before !== before);
  for (let i = from; i < to; i++) {
    const d = a[i]! - b[i]!;
    const above = +(d > 0);
    const nan = +(d !== d);
    o[i] = (above & notAbove) | ((nan | unknown) << 1);
    notAbove = 1 - above - nan;
    unknown = nan;
  }
}
