import { dayMs } from "@tapedeck/core";
import { indexAtOrAfter, indexAtOrBefore } from "@tapedeck/quant/measure";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import type { Question } from "../question.ts";
import { defineFamily, notesOn, say, spanOf, subject } from "./family.ts";
import { moves, returnsOf } from "./measure.ts";
import { falling, rising } from "./vocabulary.ts";

interface PeriodArgs extends Record<string, unknown> {
  instrument: Instrument;
  period: Period | undefined;
}

const unitDays = { day: 1, week: 7, month: 30.4375, year: 365.25 } as const;
type Unit = keyof typeof unitDays;

/** A length of time such as "5-year": its count, unit and days. */
function lengthIn(q: Question): { count: number; unit: Unit; days: number } | undefined {
  const unit = / (day|week|month|year)s? /.exec(q.text)?.[1] as Unit | undefined;
  // A count of one is read as none is: "1-year" and "a year".
  const count = q.windows[0] ?? (q.matches(/ rolling /) ? 1 : undefined);
  if (unit === undefined || count === undefined) return undefined;
  return { count, unit, days: Math.round(count * unitDays[unit]) };
}

interface RollingArgs extends PeriodArgs {
  days: number;
  label: string;
  side: "best" | "worst" | "both";
}

/** Best and worst outcome of holding for a given time. */
export const rollingReturn = defineFamily<RollingArgs>({
  name: "rollingReturn",
  takes: ["windows"],
  words:
    "rolling hold held holding return performance best worst highest lowest day week month year often any period loss lost gain positive",
  reads: ["both"],
  about:
    "The best and worst return of holding for a given time, whenever one began, and how often it was a gain",
  examples: [
    "What was the worst 5-year return of the S&P 500?",
    "What were the best and worst 12-month returns of the S&P 500 since 2005?",
    "How often was a 10-year holding of the S&P 500 a gain?",
  ],
  understand(q, hint) {
    const length = lengthIn(q);
    if (length === undefined || q.windows.length > 1) return undefined;
    const holding = q.matches(/ (?:holding|rolling|held) /);
    const extreme = q.matches(
      / (?:best|worst|highest|lowest) .*(?:day|week|month|year) (?:returns?|period|stretch|holding|performance) /,
    );
    if (!holding && !extreme) return undefined;
    if (q.any("correlation", "average", "volatility")) return undefined;
    const [best, worst] = [q.matches(/ (?:best|highest) /), q.matches(/ (?:worst|lowest) /)];
    return {
      instrument: subject(q, hint),
      period: q.period,
      days: length.days,
      label: `${length.count}-${length.unit}`,
      side: best === worst ? "both" : best ? "best" : "worst",
    };
  },
  async run({ instrument, period, days, label, side }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const { close, closeMs } = bars.dataset.columns;
    let [best, worst, gains, count] = [-1, -1, 0, 0];
    const starts: number[] = [];
    const value = (end: number) => close[end]! / close[starts[end - stretch.from]!]! - 1;
    for (let end = stretch.from; end < stretch.to; end++) {
      const start = indexAtOrBefore(closeMs, closeMs[end]! - days * dayMs);
      starts.push(start);
      if (start < stretch.from) continue;
      count++;
      if (value(end) > 0) gains++;
      if (best < 0 || value(end) > value(best)) best = end;
      if (worst < 0 || value(end) < value(worst)) worst = end;
    }
    const span = spanOf(bars, stretch);
    if (count === 0)
      throw new Declined(`The data of ${bars.name} ${span} is shorter than ${label.replace("-", " ")}s.`);
    const names = [...bars.names, label];
    const tell = (end: number, word: string): Draft => {
      const start = starts[end - stretch.from]!;
      const move = value(end);
      return {
        text: `The ${word} ${label} return of ${bars.title} ${span} was ${formatPercent(move)}: from ${bars.price(close[start]!)} ${bars.at(start)} to ${bars.price(close[end]!)} ${bars.at(end)} (${formatNumber(close[end]!)} / ${formatNumber(close[start]!)} − 1).`,
        cite: [
          bars.value(`close / close ${bars.at(start)} - 1`, end, move, "return"),
          bars.value("close", start, close[start]!, bars.unit),
          bars.value("close", end, close[end]!, bars.unit),
          bars.rows(stretch.from, stretch.to),
        ],
        names,
      };
    };
    return {
      drafts: [
        ...(side === "worst" ? [] : [tell(best, "best")]),
        ...(side === "best" ? [] : [tell(worst, "worst")]),
        {
          text: `${formatCount(gains)} of the ${formatCount(count)} ${label} holdings that ended ${span} were a gain, or ${formatPercent(gains / count)}.`,
          cite: [
            bars.value(`count of ${label} returns > 0 ${span}`, null, gains, "count"),
            bars.value(`count of ${label} returns ${span}`, null, count, "count"),
            bars.value(`share of ${label} returns > 0 ${span}`, null, gains / count, "fraction"),
          ],
          names,
        },
        ...notesOn(bars, stretch),
      ],
    };
  },
});

interface MissedArgs extends PeriodArgs {
  count: number;
  side: "best" | "worst";
}

/** What was left without the best, or the worst, days. */
export const missedDays = defineFamily<MissedArgs>({
  name: "missedDays",
  takes: ["numbers", "windows"],
  words: `if best worst day trading miss missed without avoid exclude return make ${rising} ${falling}`,
  reads: ["omission"],
  about: "What a holding would have returned without its best, or worst, days",
  examples: [
    "What if I had missed the 10 best days of the S&P 500 since 2010?",
    "What would the S&P 500 have returned without its 20 worst days?",
  ],
  understand(q, hint) {
    if (!q.matches(/ (?:miss|missed|missing|without|avoided|avoiding|excluding) /) || !q.any("best", "worst"))
      return undefined;
    if (!q.any("days")) return undefined;
    const count = q.numbers[0]?.value ?? q.windows[0] ?? 10;
    if (q.numbers.length + q.windows.length > 1 || !Number.isInteger(count) || count < 1) return undefined;
    return { instrument: subject(q, hint), period: q.period, count, side: q.any("worst") ? "worst" : "best" };
  },
  async run({ instrument, period, count, side }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const returns = returnsOf(bars, stretch);
    if (returns.length <= count) throw new Declined(`There are too few bars of ${bars.name} there.`);
    const total = (list: Iterable<number>) => {
      let wealth = 1;
      for (const one of list) wealth *= 1 + one;
      return wealth - 1;
    };
    const ascending = returns.toSorted();
    const kept = side === "best" ? ascending.subarray(0, -count) : ascending.subarray(count);
    const [whole, rest] = [total(returns), total(kept)];
    const span = spanOf(bars, stretch);
    const word = (value: number) =>
      `${value < 0 ? "a loss of " : "a gain of "}${formatPercent(Math.abs(value))}`;
    return {
      drafts: [
        say(
          bars,
          `Without its ${formatCount(count)} ${side} bars of ${bars.dataset.timeframe}, ${bars.title} ${span} would have made ${word(rest)} instead of ${word(whole)}, before costs.`,
          bars.value(`product(1 + returns) - 1 ${span} without the ${count} ${side}`, null, rest, "return"),
          bars.value(`product(1 + returns) - 1 ${span}`, null, whole, "return"),
          bars.rows(stretch.from, stretch.to),
        ),
        ...notesOn(bars, stretch),
      ],
    };
  },
});

interface RegularArgs extends PeriodArgs {
  amount: number;
  grain: "month" | "year";
}

/** The same amount put in again and again. */
export const regularInvesting = defineFamily<RegularArgs>({
  name: "regularInvesting",
  takes: ["numbers"],
  words: `if when invest put save saved buy bought each every month monthly year yearly regularly saving plan worth become became amount value return dollar usd end start now today ${rising}`,
  reads: ["everyTime"],
  about: "What the same amount invested every month or year would have become",
  examples: [
    "What if I had invested 100 every month in the S&P 500 since 2010?",
    "How much would 1,000 a year put into AAPL since 2002 be worth?",
  ],
  understand(q, hint) {
    const [amount, more] = q.numbers;
    if (amount === undefined || amount.percent || more !== undefined || amount.value <= 0) return undefined;
    if (!q.matches(/ (?:every|each|per|a) (?:month|year) | monthly | yearly /)) return undefined;
    if (!q.matches(/ (?:invested|invest|investing|put|saved|save|bought|buying) /)) return undefined;
    return {
      instrument: subject(q, hint),
      period: q.period,
      amount: amount.value,
      grain: q.any("months") ? "month" : "year",
    };
  },
  async run({ instrument, period, amount, grain }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const { close } = bars.dataset.columns;
    const buys = moves(bars, stretch, grain).map(({ end }) => end);
    if (buys.length < 2)
      throw new Declined(`There are too few bars of ${bars.name} there to invest every ${grain}.`);
    const last = stretch.to - 1;
    const units = buys.reduce((sum, at) => sum + amount / close[at]!, 0);
    const [paid, worth] = [amount * buys.length, units * close[last]!];
    const span = spanOf(bars, stretch);
    const gain = worth / paid - 1;
    return {
      drafts: [
        say(
          bars,
          `${formatNumber(amount)} put into ${bars.title} at the last close of every ${grain} ${span} comes to ${formatNumber(paid)} in ${formatCount(buys.length)} payments, worth ${formatNumber(worth)} ${bars.at(last)}, by price alone and before costs.`,
          bars.value(`payments of ${amount}, one a ${grain} ${span}`, null, paid, "number"),
          bars.value(`count of ${grain}s ${span}`, null, buys.length, "count"),
          bars.value(`sum(${amount} / close) * last close ${span}`, last, worth, "number"),
          bars.rows(stretch.from, stretch.to),
        ),
        say(
          bars,
          `That is ${gain < 0 ? "a loss" : "a gain"} of ${formatPercent(Math.abs(gain))} on what was paid in (${formatNumber(worth)} / ${formatNumber(paid)} − 1).`,
          bars.value(`worth / paid - 1 ${span}`, last, gain, "return"),
          bars.value(`sum(${amount} / close) * last close ${span}`, last, worth, "number"),
          bars.value(`payments of ${amount}, one a ${grain} ${span}`, null, paid, "number"),
        ),
        ...notesOn(bars, stretch),
      ],
    };
  },
});

interface TimeArgs extends PeriodArgs {
  /** As a multiple of the first close. */
  multiple: number;
}

/** How long until a price was reached again, or a multiple of it. */
export const timeToGain = defineFamily<TimeArgs>({
  name: "timeToGain",
  takes: ["numbers"],
  words: `double triple long take took takes until till need needed when did many day month year reach after since ${rising} %`,
  about: "How long an instrument took from a date to double, or to gain a percentage",
  examples: [
    "How long did the S&P 500 take to double from 2009-03-09?",
    "How long did it take the S&P 500 to gain 50% since 23 October 2002?",
  ],
  understand(q, hint) {
    if (!q.matches(/ (?:how long|how many (?:days|months|years) .*(?:take|took|until|till)|when did) /))
      return undefined;
    const [gain, more] = q.numbers;
    if (more !== undefined) return undefined;
    const multiple = q.matches(/ (?:double|doubled|doubling) /)
      ? 2
      : q.matches(/ (?:triple|tripled) /)
        ? 3
        : gain?.percent === true && q.matches(/ (?:gain|rise|grow|make|climb) /)
          ? 1 + gain.value / 100
          : undefined;
    if (multiple === undefined || q.period === undefined || !Number.isFinite(q.period.fromMs))
      return undefined;
    return { instrument: subject(q, hint), period: q.period, multiple };
  },
  async run({ instrument, period, multiple }, tools) {
    const bars = await tools.readBars(instrument);
    const { close, closeMs } = bars.dataset.columns;
    const start = indexAtOrAfter(closeMs, period!.fromMs + 1);
    if (start > bars.last)
      throw new Declined(`The data of ${bars.name} ends ${bars.at(bars.last)}, before that.`);
    const goal = close[start]! * multiple;
    const gain = formatPercent(multiple - 1);
    let end = start;
    while (end <= bars.last && close[end]! < goal) end++;
    const from = `${bars.price(close[start]!)} ${bars.at(start)}`;
    const items = [
      bars.value("close", start, close[start]!, bars.unit),
      bars.value(`gain asked for: ${gain}`, null, multiple - 1, "fraction"),
      bars.value(`close ${bars.at(start)} * ${multiple}`, null, goal, bars.unit),
      bars.rows(start, bars.last + 1),
    ];
    if (end > bars.last) {
      return {
        drafts: [
          say(
            bars,
            `From ${from}, ${bars.title} had not gained ${gain} (a close of ${bars.price(goal)}) by ${bars.when(bars.last)}, the last bar in the data.`,
            ...items,
          ),
        ],
      };
    }
    const days = Math.round((closeMs[end]! - closeMs[start]!) / dayMs);
    return {
      drafts: [
        say(
          bars,
          `From ${from}, ${bars.title} took ${formatCount(days)} days, or ${formatNumber(days / 365.25)} years, to gain ${gain}: it first closed at or above ${bars.price(goal)} ${bars.at(end)}, at ${bars.price(close[end]!)}.`,
          ...items,
          bars.value("close", end, close[end]!, bars.unit),
          bars.value(`days from ${bars.when(start)} to ${bars.when(end)}`, end, days, "count"),
          bars.value(`years from ${bars.when(start)} to ${bars.when(end)}`, end, days / 365.25, "years"),
        ),
      ],
    };
  },
});
