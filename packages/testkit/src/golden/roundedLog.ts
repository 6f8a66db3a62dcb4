/** The natural logarithm, correctly rounded. */

const BITS = 120n;
const ONE = 1n << BITS;

/** 2 atanh(numerator / denominator) in units of 2^-120. */
function doubleAtanh(numerator: bigint, denominator: bigint): bigint {
  const z = (numerator << BITS) / denominator;
  const square = (z * z) / ONE;
  let power = z;
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += (2n * power) / k;
    power = (power * square) / ONE;
  }
  return sum;
}

const LN2 = doubleAtanh(1n, 3n);

/**
 * ln x for normal x > 0, rounded once. The logarithm of JavaScript may be off by a unit in the last place; where
 * returns tie exactly or not by that unit, ranks and with them rank correlations move in the eighth digit.
 */
export function roundedLog(x: number): number {
  let exponent = Math.floor(Math.log2(x));
  let m = x / 2 ** exponent;
  if (m >= 1.5) {
    m /= 2;
    exponent++;
  }
  const mantissa = BigInt(m * 2 ** 53) << (BITS - 53n);
  const value = doubleAtanh(mantissa - ONE, mantissa + ONE) + BigInt(exponent) * LN2;
  const size = value < 0n ? -value : value;
  const drop = size.toString(2).length - 54;
  if (drop <= 0) return Number(value) / 2 ** Number(BITS);
  const rounded = Number(((size >> BigInt(drop)) + 1n) >> 1n) * 2 ** (drop + 1 - Number(BITS));
  return value < 0n ? -rounded : rounded;
}
