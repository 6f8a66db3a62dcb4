import { dayMs } from "@tapedeck/core";
import { annualGrowth } from "@tapedeck/quant/measure";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import { coverageNote } from "../bars.ts";
import type { Bars, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatNumber, formatPercent } from "../format.ts";
import type { Question } from "../question.ts";
import { defineFamily, say, subject, valueIndex } from "./family.ts";
import { measureReturn } from "./measure.ts";
import { falling, rising } from "./vocabulary.ts";

/** "How much did it gain" takes a gain for granted; "did it gain or lose" does not. */
export function presumption(q: Question): "gain" | "fall" | undefined {
  const gain = q.matches(
    / (?:gain|gained|rise|rose|risen|grow|grew|increase|increased|appreciate|appreciated|make|made|earned) /,
  );
  const fall = q.matches(
    / (?:fall|fell|fallen|lose|lost|drop|dropped|decline|declined|decrease|decreased|crash|crashed|plunge|plunged) /,
  );
  return gain === fall ? undefined : gain ? "gain" : "fall";
}

interface ReturnArgs extends Record<string, unknown> {
  instrument: Instrument;
  /** Each is answered; none: all there is. */
  periods: Period[];
  annual: boolean;
  /** What the question takes for granted. */
  presumed: "gain" | "fall" | undefined;
}

const small = new Set("what was were is the of how about in on for and tell me show".split(" "));

/** Price return over a period, with the arithmetic. */
export const returnOver = defineFamily<ReturnArgs>({
  name: "returnOver",
  takes: ["periods"],
  words: `well far fare go went value shares strong weak return perform performance change changed growth cagr annual annualised annualized compound compounded rate move moved make made earn earned percent percentage ${rising} ${falling}`,
  about: "Price return over a day, month, year or any stretch of time, also a year",
  examples: [
    "What was the return of the S&P 500 in 2008?",
    "How much did the S&P 500 gain from March 9, 2009 to the end of 2019?",
    "How did MSFT perform between 2004 and 2009?",
    "How much did the S&P 500 fall in October 2008?",
    "What was the compound annual return of the S&P 500 since 2010?",
    "How did the S&P 500 do over the past 5 years?",
    "What was the return of the S&P 500 in 2008 and 2009?",
  ],
  understand(q, hint) {
    // "The S&P 500 in 2008": nothing is asked but the instrument and the time.
    const left = q.text.split(" ").filter((word) => /^[a-z]/.test(word) && !small.has(word));
    const bare = q.instruments.length === 1 && q.period !== undefined && left.length === 0;
    const moved =
      q.any("return", "annual") || q.matches(/ (?<!(?:end|ended) )(?:up|down|fare|fared|strong|weak) /);
    if (!moved && !(bare && q.period?.grain !== "day")) return undefined;
    if (
      q.period === undefined &&
      !q.matches(
        / (?:return|returns|returned|performance|perform|performed|gain|gained|cagr|change|changed|growth) /,
      )
    )
      return undefined;
    return {
      instrument: subject(q, hint),
      periods: q.period === undefined ? [] : q.dates.periods.length > 1 ? q.dates.periods : [q.period],
      annual: q.any("annual"),
      presumed: presumption(q),
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument);
    const drafts: Draft[] = [];
    for (const period of args.periods.length === 0 ? [undefined] : args.periods.slice(0, 10)) {
      const stretch = bars.stretch(period);
      if (stretch.to > stretch.from) {
        const note = coverageNote(bars, stretch);
        drafts.push(...returnSentences(bars, stretch, args), ...(note === undefined ? [] : [note]));
        continue;
      }
      const { at, correction } = valueIndex(bars, stretch);
      if (at < 1)
        throw new Declined(`There is no close of ${bars.name} before ${bars.when(0)} to compare with.`);
      drafts.push(...correction, ...returnSentences(bars, { ...stretch, from: at, to: at + 1 }, args));
    }
    return { drafts };
  },
});

/** The return over a stretch with its arithmetic; what the question took for granted is put right first. */
export function returnSentences(
  bars: Bars,
  stretch: Stretch,
  args: Pick<ReturnArgs, "annual" | "presumed">,
): Draft[] {
  const { close, closeMs } = bars.dataset.columns;
  const measured = measureReturn(bars, stretch);
  const { base, end, value, cite } = measured;
  const word = value > 0 ? "rose" : value < 0 ? "fell" : "did not change:";
  const amount = value === 0 ? formatPercent(0) : formatPercent(Math.abs(value));
  const span =
    stretch.period === undefined || stretch.period.grain === "day" ? "" : ` ${stretch.period.label}`;
  const wrong = (args.presumed === "gain" && value <= 0) || (args.presumed === "fall" && value >= 0);
  const correction = wrong
    ? [
        say(
          bars,
          `${bars.name} did not ${args.presumed}${span}: ${value < 0 ? "it fell" : value > 0 ? "it rose" : "it did not change"}.`,
          measured.item,
        ),
      ]
    : [];
  const drafts = [
    ...correction,
    say(
      bars,
      `${bars.title} ${word} ${amount}${span}: from ${bars.price(close[base]!)} ${bars.at(base)} to ${bars.price(close[end]!)} ${bars.at(end)} (${formatNumber(close[end]!)} / ${formatNumber(close[base]!)} − 1; closes, without dividends).`,
      ...cite,
    ),
  ];
  if (args.annual) {
    const growth = annualGrowth(close[base]!, close[end]!, closeMs[end]! - closeMs[base]!);
    if (Number.isFinite(growth)) {
      const years = (closeMs[end]! - closeMs[base]!) / (365.25 * dayMs);
      drafts.push(
        say(
          bars,
          `That is ${growth < 0 ? "a loss of " : ""}${formatPercent(Math.abs(growth))} a year, compounded over ${formatNumber(years)} years.`,
          bars.value(`(close / close ${bars.at(base)}) ^ (1 / years) - 1`, end, growth, "return"),
          bars.value(`years from ${bars.when(base)} to ${bars.when(end)}`, end, years, "years"),
        ),
      );
    }
  }
  return drafts;
}
