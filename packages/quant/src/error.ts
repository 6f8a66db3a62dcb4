/** What a numeric function refuses, as a word that callers can branch on. */
export type QuantErrorCode =
  | "tooFew"
  | "notFinite"
  | "unequalLengths"
  | "outOfRange"
  | "singular"
  | "infeasible"
  | "noConvergence"
  | "undefined";

/** Refusal of a numeric function: which input was wrong and what to do about it. */
export class QuantError extends RangeError {
  readonly code: QuantErrorCode;
  constructor(code: QuantErrorCode, message: string) {
    super(message);
    this.name = "QuantError";
    this.code = code;
  }
}

/** Refuses a series that is shorter than `least` or holds a value that is not finite. */
export function requireSeries(x: Float64Array, name: string, least: number): void {
  if (x.length < least) {
    throw new QuantError("tooFew", `${name} has ${x.length} values; at least ${least} are needed`);
  }
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i]!)) {
      throw new QuantError("notFinite", `${name}[${i}] is ${x[i]}; remove or fill it first`);
    }
  }
}

/** Refuses a series whose values are all equal. */
export function requireVariation(x: Float64Array, name: string): void {
  if (x.every((v) => v === x[0])) {
    throw new QuantError("undefined", `${name} does not vary: all ${x.length} values are ${x[0]}`);
  }
}

/** Refuses two series of different length. */
export function requireSameLength(x: ArrayLike<number>, y: ArrayLike<number>, names: string): void {
  if (x.length !== y.length) {
    throw new QuantError(
      "unequalLengths",
      `${names} have ${x.length} and ${y.length} values; align them first`,
    );
  }
}

/** Refuses a number outside [least, most], or outside (least, most) where `open`. */
export function requireRange(v: number, name: string, least: number, most: number, open = false): void {
  const inside = open ? v > least && v < most : v >= least && v <= most;
  if (!inside) {
    const where = open ? `strictly between ${least} and ${most}` : `from ${least} to ${most}`;
    throw new QuantError("outOfRange", `${name} must be ${where}, not ${v}`);
  }
}

/** Refuses a number that is not whole, or outside [least, most]. */
export function requireWhole(v: number, name: string, least: number, most = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isInteger(v)) throw new QuantError("outOfRange", `${name} must be a whole number, not ${v}`);
  requireRange(v, name, least, most);
}
