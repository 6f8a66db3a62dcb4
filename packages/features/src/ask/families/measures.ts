import { maxDrawdown, realisedVolatility } from "@tapedeck/quant/measure";
import { historicalRisk } from "@tapedeck/quant/risk/historical";
import { performanceOf } from "@tapedeck/quant/risk/performance";
import type { EvidenceItem } from "../../evidence/contract.ts";
import { Declined } from "../answer.ts";
import type { Bars, Stretch } from "../bars.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import type { Question } from "../question.ts";
import { spanOf } from "./family.ts";
import { measureReturn, returnsOf } from "./measure.ts";

/** One number that tells an instrument over a stretch of time. */
export interface Measure {
  name: string;
  label: string;
  said: RegExp;
  form: "percent" | "number" | "count";
  unit: string;
  /** Do people mean the small values by "best"? */
  lowIsGood: boolean;
  formula(bars: Bars): string;
  /** NaN where it is undefined. */
  compute(bars: Bars, stretch: Stretch): number;
}

const leastReturns = 20;

function performance(bars: Bars, stretch: Stretch) {
  const returns = returnsOf(bars, stretch);
  return returns.length < leastReturns ? undefined : performanceOf(returns, bars.perYear);
}

/** The most particular words first: "return to drawdown" is no return. */
export const measures: readonly Measure[] = [
  {
    name: "sharpe",
    label: "Sharpe ratio",
    said: / sharpe(?: ratios?)? | risk[ -]adjusted /,
    form: "number",
    unit: "number",
    lowIsGood: false,
    formula: (bars) => `mean(returns) / stddev(returns, ddof 1) * sqrt(${bars.perYear}), risk-free rate 0`,
    compute: (bars, stretch) => performance(bars, stretch)?.sharpe ?? Number.NaN,
  },
  {
    name: "sortino",
    label: "Sortino ratio",
    said: / sortino(?: ratios?)? /,
    form: "number",
    unit: "number",
    lowIsGood: false,
    formula: (bars) => `mean(returns) / sqrt(mean(min(returns, 0)^2)) * sqrt(${bars.perYear})`,
    compute: (bars, stretch) => performance(bars, stretch)?.sortino ?? Number.NaN,
  },
  {
    name: "calmar",
    label: "Calmar ratio",
    said: / calmar(?: ratios?)? /,
    form: "number",
    unit: "number",
    lowIsGood: false,
    formula: () => "compound annual growth / largest drawdown of the closes",
    compute: (bars, stretch) => performance(bars, stretch)?.calmar ?? Number.NaN,
  },
  {
    name: "valueAtRisk",
    label: "historical value at risk of one bar at 95 %",
    said: / value[ -]at[ -]risk | var /,
    form: "percent",
    unit: "fraction",
    lowIsGood: true,
    formula: () => "-quantile(returns, 5 %)",
    compute: (bars, stretch) => {
      const returns = returnsOf(bars, stretch);
      return returns.length < leastReturns ? Number.NaN : historicalRisk(returns, 0.95).valueAtRisk;
    },
  },
  {
    name: "drawdown",
    label: "drawdown",
    said: / (?:max(?:imum)? )?drawdowns? /,
    form: "percent",
    unit: "fraction",
    lowIsGood: true,
    formula: () => "max(1 - close / running max(close))",
    compute: (bars, stretch) => maxDrawdown(bars.dataset.columns.close, stretch.from, stretch.to).depth,
  },
  {
    name: "volatility",
    label: "realised volatility a year",
    said: / volatility | volatile | vol | riskier | riskiest | risky /,
    form: "percent",
    unit: "fraction",
    lowIsGood: true,
    formula: (bars) => `stddev(log(close / lag(close, 1)), ddof 1) * sqrt(${bars.perYear})`,
    compute: (bars, stretch) =>
      realisedVolatility(bars.dataset.columns.close, Math.max(0, stretch.from - 1), stretch.to, bars.perYear),
  },
  {
    name: "volume",
    label: "average volume a bar",
    said: / volumes? | most traded | traded most | liquid /,
    form: "count",
    unit: "count",
    lowIsGood: false,
    formula: () => "round(mean(volume))",
    compute: (bars, stretch) => Math.round(meanVolume(bars, stretch.from, stretch.to)),
  },
  {
    name: "return",
    label: "return",
    said: / (?:returns?|returned|performance|performers?|performing|performed|gain|gains|gained|gainers?|rose|risen|fell|fallen|lost|losers?|did best|did worst|grew|growth|winners?) /,
    form: "percent",
    unit: "return",
    lowIsGood: false,
    formula: () => "close / first close - 1",
    compute: (bars, stretch) => measureReturn(bars, stretch).value,
  },
];

/** Mean volume a bar over [from, to); NaN where none is known. */
export function meanVolume(bars: Bars, from: number, to: number): number {
  const { volume } = bars.dataset.columns;
  let sum = 0;
  for (let i = from; i < to; i++) sum += volume[i]!;
  return sum / (to - from);
}

/** The measure that a question names. */
export function measureIn(q: Question): Measure | undefined {
  // "Volatility-adjusted return": neither of the two.
  if (q.matches(/(?:^| )\S+[ -]adjusted /) && !q.matches(/ risk[ -]adjusted /)) return undefined;
  return measures.find((one) => q.matches(one.said));
}

export interface Measured {
  bars: Bars;
  stretch: Stretch;
  value: number;
  item: EvidenceItem;
}

/** Computes a measure over a period; declines where it is not defined. */
export function measured(measure: Measure, bars: Bars, stretch: Stretch): Measured {
  const value = measure.compute(bars, stretch);
  const span = spanOf(bars, stretch);
  if (!Number.isFinite(value))
    throw new Declined(
      `The ${measure.label} of ${bars.name} is not defined ${span}: there are too few bars, or none with that column.`,
    );
  const item = bars.value(`${measure.formula(bars)} ${span}`, null, value, measure.unit);
  return { bars, stretch, value, item };
}

export function showMeasure({ form }: Measure, value: number): string {
  if (form === "percent") return formatPercent(value);
  return form === "count" ? formatCount(value) : formatNumber(value);
}
