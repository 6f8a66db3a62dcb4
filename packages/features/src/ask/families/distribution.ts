import { historicalRisk } from "@tapedeck/quant/risk/historical";
import { mean, quantile, shapeOf, standardDeviation } from "@tapedeck/quant/statistics/moments";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import { defineFamily, notesOn, say, spanOf, subject, valueIndex } from "./family.ts";
import { returnsOf } from "./measure.ts";
import { falling, rising } from "./vocabulary.ts";

const leastReturns = 20;

interface TailArgs extends Record<string, unknown> {
  instrument: Instrument;
  /** In (0, 1). */
  level: number;
  period: Period | undefined;
}

/** The loss of one bar that is seldom exceeded. */
export const valueAtRisk = defineFamily<TailArgs>({
  name: "valueAtRisk",
  takes: ["numbers"],
  words:
    "value risk var expected shortfall cvar tail historical confidence level percent day daily one-day loss",
  about: "Historical value at risk and expected shortfall of an instrument over one bar",
  examples: [
    "What was the value at risk of the S&P 500 in 2008?",
    "99% VaR of the S&P 500 since 2010",
    "What is the expected shortfall of AAPL?",
  ],
  understand(q, hint) {
    if (!q.matches(/ (?:value[ -]at[ -]risk|var|expected shortfall|cvar|tail risk) /)) return undefined;
    if (q.instruments.length + q.unknownNames.length + hint.instruments.length === 0) return undefined;
    const [level, more] = q.numbers;
    if (more !== undefined) return undefined;
    const share =
      level === undefined ? 0.95 : level.percent || level.value > 1 ? level.value / 100 : level.value;
    if (!(share > 0.5 && share < 1)) return undefined;
    return { instrument: subject(q, hint), level: share, period: q.period };
  },
  async run({ instrument, level, period }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const returns = returnsOf(bars, stretch);
    if (returns.length < leastReturns)
      throw new Declined(
        `There are too few bars of ${bars.name} there for a tail: it takes ${leastReturns} returns.`,
      );
    const risk = historicalRisk(returns, level);
    const span = spanOf(bars, stretch);
    const share = formatPercent(level);
    const text = `At ${share} confidence, the historical value at risk of ${bars.title} over one bar of ${bars.dataset.timeframe} ${span} was ${formatPercent(risk.valueAtRisk)}, and the mean loss beyond it (expected shortfall) ${formatPercent(risk.expectedShortfall)}, from ${formatCount(returns.length)} returns.`;
    return {
      drafts: [
        say(
          bars,
          text,
          bars.value(`-quantile(returns, 1 - ${share}) ${span}`, null, risk.valueAtRisk, "fraction"),
          bars.value(
            `-mean of the returns below the quantile at 1 - ${share} ${span}`,
            null,
            risk.expectedShortfall,
            "fraction",
          ),
          bars.value(`confidence of ${share}`, null, level, "fraction"),
          bars.value(`count of returns ${span}`, null, returns.length, "count"),
          bars.rows(stretch.from, stretch.to),
        ),
        ...notesOn(bars, stretch),
      ],
    };
  },
});

interface PeriodArgs extends Record<string, unknown> {
  instrument: Instrument;
  period: Period | undefined;
}

/** How returns spread. */
export const distribution = defineFamily<PeriodArgs>({
  name: "distribution",
  takes: [],
  words:
    "average mean median typical return move change distribution distributed skew skewed skewness kurtosis fat tail quantile percentile daily day monthly month shape",
  reads: ["median", "meanOfReturns"],
  about: "How an instrument's returns spread: mean, median, deviation, quantiles, skew and excess kurtosis",
  examples: [
    "How are the daily returns of the S&P 500 distributed?",
    "What is the skew of the returns of the S&P 500 since 2010?",
    "What was the average daily return of the S&P 500 in 2019?",
    "What is the median return of AAPL?",
  ],
  understand(q, hint) {
    const shape = q.matches(
      / (?:distribution|distributed|skew|skewed|skewness|kurtosis|fat tails?|quantiles?|percentiles?) /,
    );
    const typical = q.matches(
      / (?:average|mean|median|typical) (?:daily |day |weekly |week |monthly |month )?(?:returns?|move|change) /,
    );
    if (!shape && !typical) return undefined;
    if (q.instruments.length + q.unknownNames.length + hint.instruments.length === 0) return undefined;
    return { instrument: subject(q, hint), period: q.period };
  },
  async run({ instrument, period }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const returns = returnsOf(bars, stretch);
    if (returns.length < leastReturns)
      throw new Declined(`There are too few bars of ${bars.name} there to tell how its returns spread.`);
    const span = spanOf(bars, stretch);
    const shape = shapeOf(returns);
    const value = (formula: string, one: number, unit: string) =>
      bars.value(`${formula} ${span}`, null, one, unit);
    const [average, middle, deviation] = [mean(returns), quantile(returns, 0.5), standardDeviation(returns)];
    const [low, high] = [quantile(returns, 0.05), quantile(returns, 0.95)];
    const { timeframe } = bars.dataset;
    return {
      drafts: [
        say(
          bars,
          `The returns of ${bars.title} from one ${timeframe} bar to the next ${span} had a mean of ${formatPercent(average)}, a median of ${formatPercent(middle)} and a standard deviation of ${formatPercent(deviation)}, over ${formatCount(returns.length)} returns.`,
          value("mean(returns)", average, "fraction"),
          value("median(returns)", middle, "fraction"),
          value("stddev(returns, ddof 1)", deviation, "fraction"),
          value("count of returns", returns.length, "count"),
          bars.rows(stretch.from, stretch.to),
        ),
        say(
          bars,
          `One in twenty was below ${formatPercent(low)}, and one in twenty above ${formatPercent(high)}.`,
          value("quantile(returns, 5 %), one in 20", low, "fraction"),
          value("quantile(returns, 95 %), one in 20", high, "fraction"),
        ),
        say(
          bars,
          `Their skew was ${formatNumber(shape.skew)} and their excess kurtosis ${formatNumber(shape.excessKurtosis)} (zero for the normal distribution).`,
          value("skew(returns)", shape.skew, "number"),
          value("kurtosis(returns) - 3", shape.excessKurtosis, "number"),
        ),
        ...notesOn(bars, stretch),
      ],
    };
  },
});

/** How rare one day's move was. */
export const howUnusual = defineFamily<PeriodArgs>({
  name: "howUnusual",
  takes: [],
  words: `unusual rare extreme exceptional abnormal normal common sigma standard deviation move return day daily day's change compare ${rising} ${falling}`,
  about: "How unusual a move was: in standard deviations of the year before, and its rank among all",
  examples: [
    "How unusual was the move of the S&P 500 on 16 March 2020?",
    "How rare was the S&P 500's fall on 2008-10-15?",
  ],
  understand(q, hint) {
    if (!q.matches(/ (?:unusual|rare|extreme|exceptional|abnormal|normal|sigma|standard deviations) /))
      return undefined;
    if (q.period?.grain !== "day") return undefined;
    return { instrument: subject(q, hint), period: q.period };
  },
  async run({ instrument, period }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const { at, correction } = valueIndex(bars, stretch);
    const before = Math.max(0, at - Math.round(bars.perYear));
    const usual = returnsOf(bars, { from: before, to: at, period: undefined });
    if (usual.length < leastReturns)
      throw new Declined(`There are too few bars of ${bars.name} before ${bars.when(at)} to judge it by.`);
    const { close } = bars.dataset.columns;
    const move = close[at]! / close[at - 1]! - 1;
    const deviations = (move - mean(usual)) / standardDeviation(usual);
    const all = returnsOf(bars, { from: 0, to: at + 1, period: undefined });
    const larger = all.filter((one) => (move < 0 ? one <= move : one >= move)).length;
    const side = move < 0 ? "fell" : "rose";
    return {
      drafts: [
        ...correction,
        say(
          bars,
          `${bars.title} ${side} ${formatPercent(Math.abs(move))} ${bars.at(at)} (${formatNumber(close[at]!)} / ${formatNumber(close[at - 1]!)} − 1), ${formatNumber(Math.abs(deviations))} standard deviations of the ${formatCount(usual.length)} returns before it ${deviations < 0 ? "below" : "above"} their mean.`,
          bars.value("close / lag(close, 1) - 1", at, move, "return"),
          bars.value("close", at, close[at]!, bars.unit),
          bars.value("close", at - 1, close[at - 1]!, bars.unit),
          bars.value(
            `(return - mean) / stddev of the returns from ${bars.when(before)} to ${bars.when(at - 1)}`,
            at,
            deviations,
            "number",
          ),
          bars.value(
            `count of returns from ${bars.when(before)} to ${bars.when(at - 1)}`,
            null,
            usual.length,
            "count",
          ),
        ),
        say(
          bars,
          `${formatCount(larger)} of the ${formatCount(all.length)} moves up to then, itself included, were at least as large on that side.`,
          bars.value(`count of returns ${move < 0 ? "<=" : ">="} this one up to it`, at, larger, "count"),
          bars.value("count of returns up to this one", at, all.length, "count"),
          bars.rows(0, at + 1),
        ),
      ],
    };
  },
});
