/** Why a portfolio's return differs from its benchmark's: Brinson attribution, and its linking over periods. */
import { QuantError, requireSameLength, requireSeries } from "../error.ts";

/** One period of a portfolio and its benchmark by sector; arrays of one value a sector, weights summing to 1. */
export interface AttributionPeriod {
  readonly portfolioWeights: Float64Array;
  readonly benchmarkWeights: Float64Array;
  readonly portfolioReturns: Float64Array;
  readonly benchmarkReturns: Float64Array;
}

/** Effects of each sector; together they sum to the active return. */
export interface Effects {
  readonly allocation: Float64Array;
  readonly selection: Float64Array;
  readonly interaction: Float64Array;
}

export interface Attribution extends Effects {
  readonly portfolioReturn: number;
  readonly benchmarkReturn: number;
  readonly active: number;
  /** Allocation by Brinson, Hood and Beebower: (wp - wb) rb, of the same total. */
  readonly allocationHoodBeebower: Float64Array;
}

/** A number exactly as the decimal that it prints as: digits x 10^-scale. */
interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

function decimalOf(value: number): Decimal {
  const [mantissa, exponent = "0"] = value.toExponential().split("e");
  const [whole, part = ""] = mantissa!.split(".");
  const scale = part.length - Number(exponent);
  const digits = BigInt(whole! + part);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function add(a: Decimal, b: Decimal, sign = 1n): Decimal {
  const scale = Math.max(a.scale, b.scale);
  const raised = (d: Decimal) => d.digits * 10n ** BigInt(scale - d.scale);
  return { digits: raised(a) + sign * raised(b), scale };
}

const subtract = (a: Decimal, b: Decimal): Decimal => add(a, b, -1n);
const times = (a: Decimal, b: Decimal): Decimal => ({
  digits: a.digits * b.digits,
  scale: a.scale + b.scale,
});
const numberOf = ({ digits, scale }: Decimal): number => Number(`${digits}e${-scale}`);
const ZERO: Decimal = { digits: 0n, scale: 0 };

/**
 * Brinson-Fachler attribution of one period: allocation (wp - wb)(rb - Rb), selection wb (rp - rb), interaction
 * (wp - wb)(rp - rb). Computed exactly on the decimals that the inputs print as, then rounded once.
 * Sources: Brinson and Fachler (1985); Brinson, Hood and Beebower (1986).
 * @throws QuantError outOfRange where the weights of either do not sum to 1.
 */
export function attribute(period: AttributionPeriod): Attribution {
  const names = ["portfolioWeights", "benchmarkWeights", "portfolioReturns", "benchmarkReturns"] as const;
  const [wp, wb, rp, rb] = names.map((name) => {
    requireSeries(period[name], name, 1);
    requireSameLength(period.portfolioWeights, period[name], `portfolioWeights and ${name}`);
    return Array.from(period[name], decimalOf);
  }) as [Decimal[], Decimal[], Decimal[], Decimal[]];
  requireWhole(wp, "portfolioWeights");
  requireWhole(wb, "benchmarkWeights");
  const total = (w: Decimal[], r: Decimal[]) => w.reduce((s, x, i) => add(s, times(x, r[i]!)), ZERO);
  const portfolio = total(wp, rp);
  const benchmark = total(wb, rb);
  const each = (value: (i: number) => Decimal) => Float64Array.from(wp, (_, i) => numberOf(value(i)));
  const tilt = (i: number) => subtract(wp[i]!, wb[i]!);
  const skill = (i: number) => subtract(rp[i]!, rb[i]!);
  return {
    portfolioReturn: numberOf(portfolio),
    benchmarkReturn: numberOf(benchmark),
    active: numberOf(subtract(portfolio, benchmark)),
    allocation: each((i) => times(tilt(i), subtract(rb[i]!, benchmark))),
    allocationHoodBeebower: each((i) => times(tilt(i), rb[i]!)),
    selection: each((i) => times(wb[i]!, skill(i))),
    interaction: each((i) => times(tilt(i), skill(i))),
  };
}

function requireWhole(weights: readonly Decimal[], name: string): void {
  const sum = numberOf(weights.reduce((s, w) => add(s, w), ZERO));
  if (Math.abs(sum - 1) > 1e-9) {
    throw new QuantError(
      "outOfRange",
      `${name} sum to ${sum}; they must sum to 1: add what is missing as cash`,
    );
  }
}

export interface LinkedAttribution extends Effects {
  /** Compounded over the periods. */
  readonly portfolioReturn: number;
  readonly benchmarkReturn: number;
  readonly active: number;
  /** What the effects of each period were multiplied by. */
  readonly factors: Float64Array;
}

function compound(periods: readonly Attribution[], side: "portfolioReturn" | "benchmarkReturn"): number {
  const one: Decimal = { digits: 1n, scale: 0 };
  const growth = periods.reduce((g, p) => times(g, add(one, decimalOf(p[side]))), one);
  return numberOf(subtract(growth, one));
}

function linked(
  periods: readonly Attribution[],
  factorsOf: (p: number, b: number) => Float64Array,
): LinkedAttribution {
  if (periods.length === 0) throw new QuantError("tooFew", "there is no period to link");
  const sectors = periods[0]!.allocation.length;
  for (const p of periods) requireSameLength(periods[0]!.allocation, p.allocation, "sectors of two periods");
  const portfolioReturn = compound(periods, "portfolioReturn");
  const benchmarkReturn = compound(periods, "benchmarkReturn");
  const factors = factorsOf(portfolioReturn, benchmarkReturn);
  const sum = (effect: keyof Effects) =>
    Float64Array.from({ length: sectors }, (_, i) =>
      periods.reduce((s, p, t) => s + factors[t]! * p[effect][i]!, 0),
    );
  return {
    portfolioReturn,
    benchmarkReturn,
    active: portfolioReturn - benchmarkReturn,
    factors,
    allocation: sum("allocation"),
    selection: sum("selection"),
    interaction: sum("interaction"),
  };
}

/** (ln(1 + p) - ln(1 + b)) / (p - b), and its limit 1 / (1 + p) where they are equal. */
function logSlope(p: number, b: number): number {
  const x = (p - b) / (1 + b);
  return x === 0 ? 1 / (1 + p) : Math.log1p(x) / x / (1 + b);
}

/** Effects over several periods that sum to the compounded active return. Source: Carino (1999). */
export function linkCarino(periods: readonly Attribution[]): LinkedAttribution {
  return linked(periods, (portfolio, benchmark) => {
    const whole = logSlope(portfolio, benchmark);
    return Float64Array.from(periods, (p) => logSlope(p.portfolioReturn, p.benchmarkReturn) / whole);
  });
}

/** The same with factors that stay nearest to each other. Source: Menchero (2000). */
export function linkMenchero(periods: readonly Attribution[]): LinkedAttribution {
  return linked(periods, (portfolio, benchmark) => {
    const count = periods.length;
    const active = portfolio - benchmark;
    const perPeriod = (r: number) => Math.expm1(Math.log1p(r) / count);
    const slope = perPeriod(portfolio) - perPeriod(benchmark);
    const common = slope === 0 ? (1 + portfolio) ** ((count - 1) / count) : active / count / slope;
    const sum = periods.reduce((s, p) => s + p.active, 0);
    const squares = periods.reduce((s, p) => s + p.active ** 2, 0);
    const rest = squares > 0 ? (active - common * sum) / squares : 0;
    return Float64Array.from(periods, (p) => common + rest * p.active);
  });
}
