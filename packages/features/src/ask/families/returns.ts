import { dayMs } from "@tapedeck/core";
import {
  annualGrowth,
  correlation,
  drawdownAt,
  maxDrawdown,
  realisedVolatility,
} from "@tapedeck/quant/measure";
import type { EvidenceItem } from "../../evidence/contract.ts";
import type { Instrument } from "../../series/contract.ts";
import { clarify, Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Question } from "../question.ts";
import { coverageNote } from "../bars.ts";
import type { Bars, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatDate, formatMonth, formatNumber, formatPercent } from "../format.ts";
import { defineFamily, say, subject, subjects } from "./family.ts";
import { drawdownSentences, valueIndex } from "./trend.ts";

/** "How much did it gain" takes a gain for granted; "did it gain or lose" does not. */
function presumption(q: Question): "gain" | "fall" | undefined {
  const gain = q.matches(
    / (?:gain|gained|rise|rose|risen|grow|grew|increase|increased|appreciate|appreciated|make|made|earned) /,
  );
  const fall = q.matches(
    / (?:fall|fell|fallen|lose|lost|drop|dropped|decline|declined|decrease|decreased|crash|crashed|plunge|plunged) /,
  );
  return gain === fall ? undefined : gain ? "gain" : "fall";
}

export interface MeasuredReturn {
  base: number;
  end: number;
  value: number;
  item: EvidenceItem;
  cite: EvidenceItem[];
}

/** The first bar that a return over the stretch compares with: the close before a month or year, a named day's own close. */
function baseIndex(stretch: Stretch): number {
  const { period } = stretch;
  if (period === undefined || period.trailingDays !== undefined) return stretch.from;
  if (period.grain === "range" && period.startGrain === "day") return stretch.from;
  return Math.max(0, stretch.from - 1);
}

export function measureReturn(bars: Bars, stretch: Stretch): MeasuredReturn {
  const { close } = bars.dataset.columns;
  let base = baseIndex(stretch);
  // A day named as the start without a session: the last close before it.
  const { period } = stretch;
  if (period?.startGrain === "day" && Number.isFinite(period.fromMs)) {
    const at = bars.onOrBefore(period.fromMs + dayMs);
    if (at >= 0) base = at;
  }
  const end = stretch.to - 1;
  if (end <= base) {
    throw new Declined(
      `There are too few bars of ${bars.name} ${period?.label ?? ""} for a return.`.replaceAll("  ", " "),
    );
  }
  const value = close[end]! / close[base]! - 1;
  const item = bars.value(`close / close ${bars.at(base)} - 1`, end, value, "return");
  return {
    base,
    end,
    value,
    item,
    cite: [
      item,
      bars.value("close", base, close[base]!, bars.unit),
      bars.value("close", end, close[end]!, bars.unit),
    ],
  };
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
    if (!q.any("return", "annual") && !(bare && q.period?.grain !== "day")) return undefined;
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

function returnSentences(
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

interface CompareArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
}

/** Returns of several instruments over the same stretch. */
export const compareReturns = defineFamily<CompareArgs>({
  name: "compareReturns",
  takes: [],
  about: "Which of several instruments did better over a period",
  examples: [
    "Which did better from 2004 to 2009, AAPL or GOOG?",
    "Compare the returns of MSFT and IBM in 2005",
    "Did Amazon outperform Microsoft since 2005?",
  ],
  understand(q, hint) {
    const named = q.instruments.length + q.unknownNames.length;
    if (named < 2 || !q.any("return", "compare", "best", "worst", "best2")) return undefined;
    if (q.any("correlation", "volatility", "drawdown")) return undefined;
    return { instruments: subjects(q, hint), period: q.period };
  },
  async run(args, tools) {
    const all: Bars[] = [];
    const coverage = await Promise.all(args.instruments.map((one) => tools.coverage(one.instrumentId)));
    const shared = coverage[0]!
      .map((one) => one.timeframe)
      .find((tf) => coverage.every((list) => list.some((one) => one.timeframe === tf)));
    for (const one of args.instruments) all.push(await tools.readBars(one, shared));
    // The same days for all: from the latest first bar to the earliest last one.
    const start = Math.max(...all.map((bars) => bars.dataset.columns.closeMs[0]!));
    const finish = Math.min(...all.map((bars) => bars.dataset.columns.closeMs[bars.last]!));
    const asked: Period = args.period ?? {
      fromMs: Number.NEGATIVE_INFINITY,
      toMs: Number.POSITIVE_INFINITY,
      grain: "range",
      label: "over the time that they share",
    };
    const clipped =
      asked.trailingDays === undefined &&
      (asked.fromMs < start - dayMs * 31 || asked.toMs > finish + dayMs * 31);
    const measured = all.map((bars) => {
      const stretch = bars.stretch(asked);
      const { closeMs } = bars.dataset.columns;
      let { from, to } = stretch;
      while (from < to && closeMs[from]! < start) from++;
      while (to > from && closeMs[to - 1]! > finish) to--;
      const within =
        from === stretch.from
          ? stretch
          : {
              from,
              to,
              period: {
                ...asked,
                grain: "range" as const,
                startGrain: "day" as const,
                fromMs: start - dayMs,
              },
            };
      return { bars, measured: measureReturn(bars, { ...within, to }) };
    });
    measured.sort((a, b) => b.measured.value - a.measured.value);
    const [best, worst] = [measured[0]!, measured.at(-1)!];
    const gap = best.measured.value - worst.measured.value;
    const difference = best.bars.value(
      `return of ${best.bars.dataset.instrument.instrumentId} - return of ${worst.bars.dataset.instrument.instrumentId}`,
      null,
      gap,
      "fraction",
    );
    const drafts = [
      say(
        all,
        gap === 0
          ? `${measured.map((one) => one.bars.title).join(" and ")} did the same ${asked.label}.`
          : `${best.bars.title} did better than ${measured
              .slice(1)
              .map((one) => one.bars.title)
              .join(
                ", ",
              )} ${asked.label}: it was ahead of the last by ${formatPercent(gap)} (difference of returns).`,
        difference,
        ...measured.map((one) => one.measured.item),
      ),
      ...measured.map(({ bars, measured: one }) => {
        const { close } = bars.dataset.columns;
        return say(
          bars,
          `${bars.name} ${one.value < 0 ? "fell" : "rose"} ${formatPercent(Math.abs(one.value))}: from ${bars.price(close[one.base]!)} ${bars.at(one.base)} to ${bars.price(close[one.end]!)} ${bars.at(one.end)}.`,
          ...one.cite,
        );
      }),
    ];
    if (clipped) {
      const first = all.find((bars) => bars.dataset.columns.closeMs[0] === start)!;
      const last = all.find((bars) => bars.dataset.columns.closeMs[bars.last] === finish)!;
      drafts.push(
        say(
          all,
          `They are compared on the time that all of them have: the data of ${first.name} starts ${first.at(0)} and that of ${last.name} ends ${last.at(last.last)}.`,
          first.rows(),
          last.rows(),
        ),
      );
    }
    return { drafts };
  },
});

/** From the start of the first period named to the end of the last: "from its February high to the March low". */
function wholeSpan(q: Question): Period | undefined {
  const { periods } = q.dates;
  if (periods.length < 2) return q.period;
  const fromMs = Math.min(...periods.map((one) => one.fromMs));
  const toMs = Math.max(...periods.map((one) => one.toMs));
  return { fromMs, toMs, grain: "range", label: `from ${formatDate(fromMs)} to ${formatDate(toMs - dayMs)}` };
}

interface DrawdownArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
  pick: "worst" | "current";
}

/** Largest drawdown of a period, or the present one. */
export const drawdown = defineFamily<DrawdownArgs>({
  name: "drawdown",
  takes: ["periods"],
  about:
    "The largest drawdown of a period with its peak, trough and recovery, or the drawdown on a date or now",
  examples: [
    "What was the maximum drawdown of the S&P 500?",
    "What was the worst peak-to-trough decline of the S&P 500 between 2007 and 2010?",
    "How far is the S&P 500 below its peak?",
    "How long did the S&P 500 take to recover from its worst drawdown?",
    "How much did the S&P 500 drop from its February 2020 high to the March 2020 low?",
    "What was the drawdown of the S&P 500 on 23 March 2020?",
  ],
  understand(q, hint) {
    const fromHighToLow = q.dates.periods.length === 2 && q.any("high") && q.any("low");
    if (!q.any("drawdown") && !fromHighToLow) return undefined;
    const named =
      q.instruments.length > 0 ||
      hint.instruments.length > 0 ||
      q.unknownNames.length > 0 ||
      q.period !== undefined;
    if (!named && (q.any("define") || !q.any("max", "now"))) return undefined;
    const dated = q.period?.grain === "day";
    const worst =
      !dated &&
      (q.any("max") || q.matches(/ peak[ -]to[ -]trough | recover(?:ed|y)? /) || q.period !== undefined);
    return {
      instruments: subjects(q, hint),
      period: wholeSpan(q),
      pick: worst && !q.matches(/ (?:how far|currently|now|at present) /) ? "worst" : "current",
    };
  },
  async run(args, tools) {
    const drafts: Draft[] = [];
    for (const instrument of args.instruments.slice(0, 5)) {
      const bars = await tools.readBars(instrument);
      const stretch = bars.stretch(args.period);
      drafts.push(
        ...(args.pick === "current" ? currentDrawdown(bars, stretch) : worstDrawdown(bars, stretch)),
      );
    }
    return { drafts };
  },
});

function currentDrawdown(bars: Bars, stretch: Stretch): Draft[] {
  const { at, correction } = valueIndex(bars, stretch);
  const { close } = bars.dataset.columns;
  const item = bars.value("close", at, close[at]!, bars.unit);
  const { drawdown: depth } = drawdownAt(close, 0, at);
  const sentences = drawdownSentences(bars, at).slice(0, 1);
  const lead = say(bars, `${bars.title} closed at ${bars.price(close[at]!)} ${bars.at(at)}.`, item);
  return [...correction, lead, ...(Number.isNaN(depth) ? [] : sentences)];
}

function worstDrawdown(bars: Bars, stretch: Stretch): Draft[] {
  const { close } = bars.dataset.columns;
  const worst = maxDrawdown(close, stretch.from, stretch.to);
  const span =
    stretch.period === undefined
      ? `from ${bars.when(stretch.from)} to ${bars.when(stretch.to - 1)}`
      : stretch.period.label;
  const rows = bars.rows(stretch.from, stretch.to);
  const formula = `max(1 - close / running max(close)) ${span}`;
  const depth = bars.value(formula, worst.troughIndex, worst.depth, "fraction");
  if (worst.depth === 0)
    return [
      say(
        bars,
        `${bars.title} never closed below an earlier close ${span}, so the largest drawdown was ${formatPercent(0)}.`,
        depth,
        rows,
      ),
    ];
  const { peakIndex, troughIndex } = worst;
  // The peak may be reached again after the period.
  const after = close.subarray(troughIndex);
  const regained = after.findIndex((value) => value >= close[peakIndex]!);
  const recoveryIndex = regained < 0 ? -1 : troughIndex + regained;
  const drafts = [
    say(
      bars,
      `The largest drawdown of ${bars.title} ${span} was ${formatPercent(worst.depth)}: from ${bars.price(close[peakIndex]!)} ${bars.at(peakIndex)} to ${bars.price(close[troughIndex]!)} ${bars.at(troughIndex)} (1 − ${formatNumber(close[troughIndex]!)} / ${formatNumber(close[peakIndex]!)}, closes).`,
      depth,
      bars.value("close", peakIndex, close[peakIndex]!, bars.unit),
      bars.value("close", troughIndex, close[troughIndex]!, bars.unit),
      rows,
    ),
    recoveryIndex < 0
      ? say(
          bars,
          `The peak had not been reached again by ${bars.when(bars.last)}, the last bar in the data.`,
          bars.value(`max(close) after ${bars.when(troughIndex)}`, bars.last, Math.max(...after), bars.unit),
        )
      : say(
          bars,
          `The peak was reached again ${bars.at(recoveryIndex)}, at ${bars.price(close[recoveryIndex]!)}, ${formatCount(recoveryIndex - peakIndex)} bars after it.`,
          bars.value("close", recoveryIndex, close[recoveryIndex]!, bars.unit),
          bars.value(
            `count of bars from the peak ${bars.at(peakIndex)}`,
            recoveryIndex,
            recoveryIndex - peakIndex,
            "count",
          ),
        ),
  ];
  const note = coverageNote(bars, stretch);
  return note === undefined ? drafts : [...drafts, note];
}

interface VolatilityArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
}

export const volatility = defineFamily<VolatilityArgs>({
  name: "volatility",
  takes: [],
  about: "Realised volatility a year over a period",
  examples: [
    "How volatile was the S&P 500 in 2008?",
    "What was the annualised volatility of the S&P 500 in March 2020?",
    "Which was more volatile in 2005, AAPL or MSFT?",
  ],
  understand(q, hint) {
    if (!q.any("volatility")) return undefined;
    const named =
      q.instruments.length > 0 ||
      hint.instruments.length > 0 ||
      q.unknownNames.length > 0 ||
      q.period !== undefined;
    return named ? { instruments: subjects(q, hint), period: q.period } : undefined;
  },
  async run(args, tools) {
    const measured: { bars: Bars; stretch: Stretch; value: number; item: EvidenceItem }[] = [];
    for (const instrument of args.instruments.slice(0, 5)) {
      const bars = await tools.readBars(instrument);
      const stretch = bars.stretch(args.period);
      const from = Math.max(0, stretch.from - 1);
      const value = realisedVolatility(bars.dataset.columns.close, from, stretch.to, bars.perYear);
      if (!Number.isFinite(value))
        throw new Declined(`There are too few bars of ${bars.name} there for a volatility.`);
      const span = stretch.period === undefined ? "" : ` ${stretch.period.label}`;
      const item = bars.value(
        `stddev(log(close / lag(close, 1)), ddof 1) * sqrt(${bars.perYear})${span}`,
        null,
        value,
        "fraction",
      );
      measured.push({ bars, stretch, value, item });
    }
    measured.sort((a, b) => b.value - a.value);
    const drafts = measured.map(({ bars, stretch, value, item }) => {
      const span =
        stretch.period === undefined
          ? `from ${bars.when(0)} to ${bars.when(bars.last)}`
          : stretch.period.label;
      const text = `The realised volatility of ${bars.title} ${span} was ${formatPercent(value)} a year (standard deviation of the log returns of ${formatCount(stretch.to - stretch.from)} bars, times the square root of ${formatCount(bars.perYear)}).`;
      return say(bars, text, item, bars.rows(stretch.from, stretch.to));
    });
    if (measured.length > 1) {
      const [most, least] = [measured[0]!, measured.at(-1)!];
      drafts.unshift(
        say(
          [most.bars, least.bars],
          `${most.bars.title} was more volatile than ${least.bars.title}: ${formatPercent(most.value)} against ${formatPercent(least.value)} a year.`,
          most.item,
          least.item,
        ),
      );
    }
    for (const { bars, stretch } of measured) {
      const note = coverageNote(bars, stretch);
      if (note !== undefined) drafts.push(note);
    }
    return { drafts };
  },
});

interface CorrelationArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
}

export const correlationOf = defineFamily<CorrelationArgs>({
  name: "correlation",
  takes: [],
  about: "Correlation of the returns of two instruments over a period",
  examples: [
    "What is the correlation between AAPL and MSFT since 2005?",
    "How correlated were IBM and Amazon from 2004 to 2008?",
  ],
  understand(q, hint) {
    if (!q.any("correlation")) return undefined;
    if (q.instruments.length + q.unknownNames.length + hint.instruments.length === 0 && q.any("define"))
      return undefined;
    const instruments = subjects(q, hint);
    if (instruments.length < 2) {
      throw clarify(
        "With which other instrument?",
        hint.all
          .filter((one) => one.instrumentId !== instruments[0]!.instrumentId)
          .slice(0, 6)
          .map(
            (one) =>
              `What is the correlation between ${instruments[0]!.instrumentId} and ${one.instrumentId}?`,
          ),
      );
    }
    return { instruments: instruments.slice(0, 2), period: q.period };
  },
  async run(args, tools) {
    const [first, second] = args.instruments as [Instrument, Instrument];
    const coverage = await tools.coverage(second.instrumentId);
    const own = await tools.coverage(first.instrumentId);
    const timeframe = own
      .map((one) => one.timeframe)
      .find((tf) => coverage.some((one) => one.timeframe === tf));
    if (timeframe === undefined)
      throw new Declined(`${first.instrumentId} and ${second.instrumentId} have no bars of one length.`);
    const a = await tools.readBars(first, timeframe);
    const b = await tools.readBars(second, timeframe);
    const { returnsA, returnsB, from, to } = paired(a, b, args.period);
    const r = correlation(returnsA, returnsB);
    if (!Number.isFinite(r))
      throw new Declined(
        `There are too few bars that ${a.name} and ${b.name} share there for a correlation.`,
      );
    const span = args.period === undefined ? `from ${a.when(from)} to ${a.when(to)}` : args.period.label;
    const item = a.value(
      `correl(log returns, log returns of ${second.instrumentId}) ${span}`,
      null,
      r,
      "number",
    );
    const pairs = a.value(
      `count of bars shared with ${second.instrumentId} ${span}`,
      null,
      returnsA.length,
      "count",
    );
    const text = `The correlation of the log returns of ${a.title} and ${b.title} ${span} was ${formatNumber(r)}, over ${formatCount(returnsA.length)} ${timeframe} bars that both have.`;
    return {
      drafts: [
        {
          text,
          cite: [item, pairs, a.rows(from, to + 1), b.rows()],
          names: [...a.names, ...b.names, timeframe, span],
        },
      ],
    };
  },
});

/** Log returns on the bars that both have, one after the other in both. */
function paired(a: Bars, b: Bars, period: Period | undefined) {
  const stretch = a.stretch(period);
  b.stretch(period);
  const other = new Map<number, number>();
  const { closeMs: timesB, close: closesB } = b.dataset.columns;
  for (let i = 0; i < timesB.length; i++) other.set(Math.floor((timesB[i]! - 1) / dayMs), closesB[i]!);
  const { closeMs, close } = a.dataset.columns;
  const intraday = a.dataset.timeframeMs < dayMs;
  if (intraday) {
    other.clear();
    for (let i = 0; i < timesB.length; i++) other.set(timesB[i]!, closesB[i]!);
  }
  const returnsA: number[] = [];
  const returnsB: number[] = [];
  let before: [number, number] | undefined;
  let from = -1;
  let to = -1;
  for (let i = Math.max(0, stretch.from - 1); i < stretch.to; i++) {
    const match = other.get(intraday ? closeMs[i]! : Math.floor((closeMs[i]! - 1) / dayMs));
    if (match === undefined) continue;
    if (before !== undefined) {
      returnsA.push(Math.log(close[i]! / before[0]));
      returnsB.push(Math.log(match / before[1]));
      if (from < 0) from = i;
      to = i;
    }
    before = [close[i]!, match];
  }
  return {
    returnsA: Float64Array.from(returnsA),
    returnsB: Float64Array.from(returnsB),
    from: Math.max(0, from),
    to: Math.max(0, to),
  };
}

interface BestArgs extends Record<string, unknown> {
  instrument: Instrument;
  side: "best" | "worst";
  grain: "day" | "month" | "year";
  /** How many of them. */
  count: number;
  period: Period | undefined;
}

/** Best or worst day, month or year. */
export const bestWorst = defineFamily<BestArgs>({
  name: "bestWorst",
  takes: ["numbers"],
  about: "The best or worst days, months or years by return",
  examples: [
    "What was the best day of the S&P 500 in 2008?",
    "Worst month for the S&P 500?",
    "What was the worst year of the S&P 500 since 2000?",
    "What was the biggest one-day drop of the S&P 500?",
    "What were the 5 worst days of the S&P 500?",
    "On which day did the S&P 500 fall the most?",
  ],
  understand(q, hint) {
    const most = q.matches(/ (?:rise|rose|gain|gained|fall|fell|lose|lost|drop|dropped) (?:the )?most /);
    const biggest = q.matches(/ (?:biggest|largest) .*(?:gain|loss|rise|fall|drop|decline)/);
    if (!q.any("best", "worst") && !most && !biggest) return undefined;
    if (q.any("drawdown") || q.numbers.some((one) => one.percent) || q.numbers.length > 1) return undefined;
    const grain = q.any("years") ? "year" : q.any("months") ? "month" : q.any("days") ? "day" : undefined;
    if (grain === undefined) return undefined;
    const worst = q.any("worst") || q.matches(/ (?:loss|fall|fell|drop|dropped|decline|losing|lose|lost) /);
    const count = Math.min(20, Math.max(1, q.numbers[0]?.value ?? 1));
    return { instrument: subject(q, hint), side: worst ? "worst" : "best", grain, count, period: q.period };
  },
  async run(args, tools) {
    const first = await tools.readBars(args.instrument);
    const tooCoarse = args.grain === "day" && first.dataset.timeframeMs > dayMs;
    const bars = tooCoarse ? await tools.readBars(args.instrument, "1d") : first;
    const stretch = bars.stretch(args.period);
    const { close, closeMs } = bars.dataset.columns;
    const found = moves(bars, stretch, args.grain);
    if (found.length === 0) throw new Declined(`There are too few bars of ${bars.name} there.`);
    found.sort((a, b) => (args.side === "best" ? b.value - a.value : a.value - b.value));
    const span =
      stretch.period === undefined ? `from ${bars.when(0)} to ${bars.when(bars.last)}` : stretch.period.label;
    const which = (end: number) => {
      const at = closeMs[end]! - 1;
      if (args.grain === "day") return formatDate(at);
      return args.grain === "month" ? formatMonth(at) : String(new Date(at).getUTCFullYear());
    };
    const drafts = found.slice(0, args.count).map(({ base, end, value }, i) => {
      const lead =
        i === 0
          ? `The ${args.side} ${args.grain} of ${bars.title} ${span} was ${which(end)}, when it`
          : `Next was ${which(end)}: it`;
      const text = `${lead} ${value < 0 ? "fell" : "rose"} ${formatPercent(Math.abs(value))}: from ${bars.price(close[base]!)} ${bars.at(base)} to ${bars.price(close[end]!)} ${bars.at(end)}.`;
      return say(
        bars,
        text,
        bars.value(
          `close / close of the ${args.grain} before - 1, ${args.side} ${span}`,
          end,
          value,
          "return",
        ),
        bars.value("close", base, close[base]!, bars.unit),
        bars.value("close", end, close[end]!, bars.unit),
        bars.rows(stretch.from, stretch.to),
      );
    });
    const note = coverageNote(bars, stretch);
    return { drafts: note === undefined ? drafts : [...drafts, note] };
  },
});

/** The returns of the days, months or years of a stretch, each from the close before it. */
function moves(
  bars: Bars,
  stretch: Stretch,
  grain: "day" | "month" | "year",
): { base: number; end: number; value: number }[] {
  const { close, closeMs } = bars.dataset.columns;
  const bucket = (i: number) => {
    const date = new Date(closeMs[i]! - 1);
    if (grain === "year") return date.getUTCFullYear();
    if (grain === "month") return date.getUTCFullYear() * 12 + date.getUTCMonth();
    return Math.floor((closeMs[i]! - 1) / dayMs);
  };
  const found: { base: number; end: number; value: number }[] = [];
  for (let i = stretch.from; i < stretch.to;) {
    let end = i;
    while (end + 1 < stretch.to && bucket(end + 1) === bucket(i)) end++;
    if (i > 0) found.push({ base: i - 1, end, value: close[end]! / close[i - 1]! - 1 });
    i = end + 1;
  }
  return found;
}

interface GrowthArgs extends Record<string, unknown> {
  instrument: Instrument;
  amount: number;
  period: Period | undefined;
}

/** What an amount would have become. */
export const growthOf = defineFamily<GrowthArgs>({
  name: "growthOf",
  takes: ["numbers", "periods"],
  about: "What an amount invested over a period would have become, by price alone",
  examples: [
    "How much would 10,000 invested in AAPL in January 2005 be worth at the end of 2009?",
    "What would 1000 dollars put into the S&P 500 since 2010 have become?",
  ],
  understand(q, hint) {
    const [amount, more] = q.numbers;
    if (amount === undefined || amount.percent || more !== undefined) return undefined;
    if (!q.matches(/ (?:invested|invest|investing|investment|put into|put in|become|grown) /))
      return undefined;
    const { periods } = q.dates;
    if (periods.length > 2) return undefined;
    const [start, end] = periods;
    const period: Period | undefined =
      end === undefined || start === undefined
        ? start === undefined || start.grain === "range"
          ? start
          : {
              ...start,
              grain: "range",
              startGrain: start.grain,
              toMs: Number.POSITIVE_INFINITY,
              label: `since ${formatDate(start.fromMs)}`,
            }
        : {
            fromMs: start.fromMs,
            toMs: end.toMs,
            grain: "range",
            startGrain: start.grain,
            label: `from ${formatDate(start.fromMs)} to ${formatDate(end.toMs - dayMs)}`,
          };
    return { instrument: subject(q, hint), amount: amount.value, period };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument);
    const stretch = bars.stretch(args.period);
    const { base, end, cite } = measureReturn(bars, stretch);
    const { close } = bars.dataset.columns;
    const value = (args.amount * close[end]!) / close[base]!;
    const span = stretch.period === undefined ? "" : ` ${stretch.period.label}`;
    const text = `${formatNumber(args.amount)} in ${bars.title}${span} would have become ${formatNumber(value)}, by price alone and before costs: ${formatNumber(args.amount)} × ${formatNumber(close[end]!)} / ${formatNumber(close[base]!)}, the closes ${bars.at(end)} and ${bars.at(base)}.`;
    const item = bars.value(`${args.amount} * close / close ${bars.at(base)}`, end, value, "number");
    const note = coverageNote(bars, stretch);
    return { drafts: [say(bars, text, item, ...cite), ...(note === undefined ? [] : [note])] };
  },
});

interface CountArgs extends Record<string, unknown> {
  instrument: Instrument;
  side: "up" | "down" | "either";
  grain: "day" | "month" | "year";
  /** A fraction. */
  least: number;
  period: Period | undefined;
}

/** Days up or down, or by more than so many percent. */
export const countMoves = defineFamily<CountArgs>({
  name: "countMoves",
  takes: ["numbers"],
  about: "How many days, months or years rose or fell, or by more than a percentage",
  examples: [
    "How many days did the S&P 500 fall more than 3% in 2008?",
    "How many up days did the S&P 500 have in 2019?",
    "How often did the S&P 500 rise more than 5% in a day?",
    "How many months did the S&P 500 fall in 2008?",
    "What percentage of days in 2017 did the S&P 500 close higher?",
  ],
  understand(q, hint) {
    if (!q.any("howMany")) return undefined;
    const percent = q.numbers.find((one) => one.percent);
    const up =
      q.any("upDays") ||
      q.matches(/ (?:rise|rose|risen|gain|gained|climb|climbed|jump|jumped|up|higher|increase|increased) /);
    const down =
      q.any("downDays") ||
      q.matches(/ (?:fall|fell|fallen|lose|lost|drop|dropped|decline|declined|down|lower) /);
    const move = q.matches(/ (?:move|moved|moves|swing|change|changed) /);
    if (!up && !down && !(move && percent !== undefined)) return undefined;
    const grain = q.any("months") ? "month" : q.any("years") ? "year" : "day";
    if (!q.any("days", "months", "years") && percent === undefined) return undefined;
    if (q.numbers.length > 1 || (q.numbers.length === 1 && percent === undefined)) return undefined;
    return {
      instrument: subject(q, hint),
      side: up === down ? "either" : up ? "up" : "down",
      grain,
      least: (percent?.value ?? 0) / 100,
      period: q.period,
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument);
    const stretch = bars.stretch(args.period);
    const found = moves(bars, stretch, args.grain);
    const all = found.length;
    const count = found.filter(({ value }) => {
      const size = args.side === "down" ? -value : args.side === "up" ? value : Math.abs(value);
      return size > args.least;
    }).length;
    if (all === 0) throw new Declined(`There are too few bars of ${bars.name} there.`);
    const percent = args.least * 100;
    const change = args.side === "down" ? "fell" : args.side === "up" ? "rose" : "moved";
    const threshold = args.least === 0 ? "" : ` more than ${percent}%`;
    const span =
      stretch.period === undefined
        ? ` from ${bars.when(0)} to ${bars.when(bars.last)}`
        : ` ${stretch.period.label}`;
    const formula =
      args.side === "either"
        ? `count of ${args.grain}s with abs(close / close of the ${args.grain} before - 1) > ${percent} %`
        : `count of ${args.grain}s with close / close of the ${args.grain} before - 1 ${args.side === "down" ? "< -" : "> "}${percent} %`;
    const text = `${bars.title} ${change}${threshold} ${args.grain === "day" ? "from one close to the next on" : "in"} ${formatCount(count)} of ${formatCount(all)} ${args.grain === "day" ? "bars" : `${args.grain}s`}${span}, or ${formatPercent(count / all)} of them.`;
    const note = coverageNote(bars, stretch);
    return {
      drafts: [
        say(
          bars,
          text,
          bars.value(formula, null, count, "count"),
          bars.value(`count of ${args.grain}s with a close before`, null, all, "count"),
          bars.value(`share: ${formula}`, null, count / all, "fraction"),
          bars.rows(stretch.from, stretch.to),
        ),
        ...(note === undefined ? [] : [note]),
      ],
    };
  },
});
