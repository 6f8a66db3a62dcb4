import { indexOfHighest, indexOfLowest } from "@tapedeck/quant/measure";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import { coverageNote } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import { defineFamily, say, subject, valueIndex } from "./family.ts";
import { beyond, newest } from "./vocabulary.ts";

type Field = "open" | "high" | "low" | "close" | "volume";

interface PriceArgs extends Record<string, unknown> {
  instrument: Instrument;
  field: Field;
  period: Period | undefined;
  /** Of a time within a day. */
  intraday: boolean;
}

/** Price or volume of a date, or the newest. */
export const priceAt = defineFamily<PriceArgs>({
  name: "priceAt",
  takes: [],
  words: `share up close closed closing open opened opening high low quote trade traded trading level worth cost value stand stood finish finished end ended where volume shares turnover price day session dollar ${newest}`,
  about: "Open, high, low, close or volume on a date, or the newest",
  examples: [
    "What was the close of the S&P 500 on 16 March 2020?",
    "What is the last price of the S&P 500?",
    "S&P 500 volume on 2008-10-10",
    "What did the S&P 500 open at on March 9, 2009?",
    "Where did the S&P 500 stand at the end of 2007?",
  ],
  understand(q, hint) {
    const dated = q.period?.grain === "day";
    const field: Field | undefined = q.any("volume")
      ? "volume"
      : q.matches(/ open(?:s|ed|ing)? /)
        ? "open"
        : q.matches(/ high /) && dated
          ? "high"
          : q.matches(/ low /) && dated
            ? "low"
            : q.any("price") || q.matches(/^ where(?:'s)? /) || (dated && q.instruments.length > 0)
              ? "close"
              : undefined;
    if (field === undefined) return undefined;
    // "How many trading days were there": a count, not a price.
    if (field !== "volume" && q.matches(/ how many /)) return undefined;
    if (
      q.period === undefined &&
      q.instruments.length === 0 &&
      hint.instruments.length === 0 &&
      q.unknownNames.length === 0 &&
      !q.any("last", "now")
    )
      return undefined;
    const intraday = /\b(?:intraday|noon|midnight|\d{1,2}(?::\d\d)? ?(?:am|pm)|\d{1,2}:\d\d|o'clock)\b/i.test(
      q.original,
    );
    return { instrument: subject(q, hint), field, period: q.period, intraday };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument, undefined, { newest: args.period === undefined });
    if (args.intraday)
      throw new Declined(
        `Questions name days, not times of day; the bars of ${bars.name} at any time are at GET /api/bars/{id}.`,
      );
    const stretch = bars.stretch(args.period);
    const { at, correction } = valueIndex(bars, stretch);
    const value = bars.dataset.columns[args.field][at]!;
    if (Number.isNaN(value))
      throw new Declined(`The data of ${bars.name} has no ${args.field} ${bars.at(at)}.`);
    const shown = args.field === "volume" ? formatCount(value) : bars.price(value);
    const newest = args.period === undefined ? ", the newest bar in the data" : "";
    const verb =
      args.field === "close" ? "closed at" : `had ${args.field === "open" ? "an" : "a"} ${args.field} of`;
    const text = `${bars.title} ${verb} ${shown} ${bars.at(at)}${newest}.`;
    const item = bars.value(args.field, at, value, args.field === "volume" ? "count" : bars.unit);
    return { drafts: [...correction, say(bars, text, item)] };
  },
});

interface ExtremeArgs extends Record<string, unknown> {
  instrument: Instrument;
  side: "high" | "low";
  /** close: of closes; bar: of the bars' highs or lows. */
  of: "close" | "bar" | "volume";
  period: Period | undefined;
}

/** Highest and lowest of a period. */
export const extreme = defineFamily<ExtremeArgs>({
  name: "extreme",
  takes: ["windows"],
  words:
    "go went get got high highest low lowest peak peaked top topped bottom bottomed trough ath all-time maximum max minimum min largest smallest biggest record cheapest close closing closed price volume trading traded level value when date day week month hit reach reached set made turnover session heaviest",
  about: "The highest or lowest close, price or volume of a period, and when it was",
  examples: [
    "What was the highest close of the S&P 500 in 2007?",
    "What is the all-time high of the S&P 500?",
    "When did the S&P 500 bottom in 2009?",
    "What was the lowest price of the S&P 500 between 2007 and 2012?",
    "What was the 52-week low of the S&P 500 as of 2009-03-31?",
  ],
  understand(q, hint) {
    if (!q.any("high", "low") || q.any("drawdown")) return undefined;
    if (
      q.matches(
        / (?:highest|lowest|largest|smallest|biggest) (?:daily |monthly |yearly |annual )?(?:return|gain|loss|rise|fall|volatility)/,
      )
    )
      return undefined;
    if (q.period?.grain === "day") return undefined;
    const side = q.any("low") ? "low" : "high";
    const windowed = q.matches(/ (?:week|day|month|year) (?:high|low|peak|trough)/)
      ? q.windows[0]
      : undefined;
    const unit = / (week|day|month|year) (?:high|low|peak|trough)/.exec(q.text)?.[1];
    const days =
      windowed === undefined
        ? undefined
        : Math.round(windowed * { week: 7, day: 1, month: 30.4375, year: 365.25 }[unit as "week"]);
    const period: Period | undefined =
      days === undefined
        ? q.period
        : {
            fromMs: Number.NEGATIVE_INFINITY,
            toMs: Number.POSITIVE_INFINITY,
            grain: "range",
            label: `over the ${days} days to the last bar`,
            trailingDays: days,
          };
    const closes = q.matches(/ (?:close|closed|closing|closes) /);
    const bottomed = q.matches(/ (?:bottom|bottomed|trough|peak|peaked) /);
    return {
      instrument: subject(q, hint),
      side,
      of: q.any("volume") ? "volume" : closes || bottomed ? "close" : "bar",
      period,
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument);
    const stretch = bars.stretch(args.period);
    const { columns } = bars.dataset;
    const high = args.side === "high";
    const field: Field = args.of === "close" ? "close" : args.of === "volume" ? "volume" : args.side;
    const values = columns[field];
    const at = (high ? indexOfHighest : indexOfLowest)(values, stretch.from, stretch.to);
    if (at < 0) throw new Declined(`The data of ${bars.name} has no ${field} there.`);
    const span =
      stretch.period === undefined ? `from ${bars.when(0)} to ${bars.when(bars.last)}` : stretch.period.label;
    const word = high ? "highest" : "lowest";
    const what =
      field === "close"
        ? `${word} close`
        : field === "volume"
          ? `${word} volume`
          : `${word} price (the bars' ${field}s)`;
    const formula = `${high ? "max" : "min"}(${field}) ${span}`;
    const shown = field === "volume" ? formatCount(values[at]!) : bars.price(values[at]!);
    const unit = field === "volume" ? "count" : bars.unit;
    const drafts = [
      say(
        bars,
        `The ${what} of ${bars.title} ${span} was ${shown}, ${bars.at(at)}.`,
        bars.value(formula, at, values[at]!, unit),
        bars.rows(stretch.from, stretch.to),
      ),
    ];
    if (field !== "volume" && at !== bars.last) {
      const now = columns.close[bars.last]!;
      const gap = now / values[at]! - 1;
      drafts.push(
        say(
          bars,
          `The last close in the data, ${bars.price(now)} ${bars.at(bars.last)}, is ${formatPercent(Math.abs(gap))} ${gap < 0 ? "below" : "above"} that (${formatNumber(now)} / ${formatNumber(values[at]!)} − 1).`,
          bars.value("close", bars.last, now, bars.unit),
          bars.value(formula, at, values[at]!, unit),
          bars.value(`close / ${formula} - 1`, bars.last, gap, "fraction"),
        ),
      );
    }
    const note = coverageNote(bars, stretch);
    if (note !== undefined) drafts.push(note);
    return { drafts };
  },
});

interface LevelArgs extends Record<string, unknown> {
  instrument: Instrument;
  level: number;
  side: "below" | "above";
  pick: "last" | "first" | "count";
  period: Period | undefined;
}

/** When the close was first or last beyond a price. */
export const priceLevel = defineFamily<LevelArgs>({
  name: "priceLevel",
  takes: ["numbers"],
  words: `go went close closed closing when date first earliest last latest most recent recently often times count level mark point trade traded price exceed exceeded top topped surpass pass passed cross crossed break broke through reach reached hit fall fell drop dropped rise rose climb day session lower higher least ${beyond}`,
  about: "When a price level was first or last passed by a close, and how often",
  examples: [
    "When did the S&P 500 first close above 3000?",
    "When was the last time the S&P 500 closed below 1,000?",
    "How many days did the S&P 500 close above 3,300?",
  ],
  understand(q, hint) {
    const number = q.numbers.find((one) => !one.percent);
    if (
      number === undefined ||
      !q.any("below", "above") ||
      q.windows.length > 0 ||
      q.any("volatility", "correlation")
    )
      return undefined;
    if (!q.any("when", "howMany", "first", "last", "price")) return undefined;
    return {
      instrument: subject(q, hint),
      level: number.value,
      side: q.any("below") ? "below" : "above",
      pick: q.any("howMany") ? "count" : q.any("last") ? "last" : "first",
      period: q.period,
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument);
    const stretch = bars.stretch(args.period);
    const { close } = bars.dataset.columns;
    const holds = (i: number) => (args.side === "below" ? close[i]! < args.level : close[i]! > args.level);
    const condition = `close ${args.side === "below" ? "<" : ">"} ${args.level}`;
    const level = bars.price(args.level);
    const rows = bars.rows(stretch.from, stretch.to);
    const span = stretch.period === undefined ? "" : ` ${stretch.period.label}`;
    const note = coverageNote(bars, stretch);
    const notes = note === undefined ? [] : [note];
    let count = 0;
    let first = -1;
    let last = -1;
    for (let i = stretch.from; i < stretch.to; i++) {
      if (!holds(i)) continue;
      count++;
      if (first < 0) first = i;
      last = i;
    }
    const counted = bars.value(`count of ${condition}`, null, count, "count");
    if (args.pick === "count" || count === 0) {
      const text =
        count === 0
          ? `${bars.title} never closed ${args.side} ${level}${span}, from ${bars.when(stretch.from)} to ${bars.when(stretch.to - 1)}.`
          : `${bars.title} closed ${args.side} ${level} on ${formatCount(count)} of ${formatCount(stretch.to - stretch.from)} bars${span}.`;
      const drafts = [say(bars, text, counted, rows)];
      if (count === 0) {
        const at = (args.side === "above" ? indexOfHighest : indexOfLowest)(close, stretch.from, stretch.to);
        const word = args.side === "above" ? "highest" : "lowest";
        const item = bars.value(`${args.side === "above" ? "max" : "min"}(close)`, at, close[at]!, bars.unit);
        drafts.push(say(bars, `Its ${word} close then was ${bars.price(close[at]!)}, ${bars.at(at)}.`, item));
      }
      return { drafts: [...drafts, ...notes] };
    }
    const at = args.pick === "first" ? first : last;
    const text = `${bars.title} ${args.pick} closed ${args.side} ${level} ${bars.at(at)}, at ${bars.price(close[at]!)}.`;
    return {
      drafts: [
        say(
          bars,
          text,
          bars.value("close", at, close[at]!, bars.unit),
          bars.value(condition, at, 1, "condition"),
          rows,
        ),
        ...notes,
      ],
    };
  },
});

interface MeanArgs extends Record<string, unknown> {
  instrument: Instrument;
  field: "close" | "volume";
  period: Period | undefined;
}

/** Plain average over a period. */
export const meanOf = defineFamily<MeanArgs>({
  name: "meanOf",
  takes: [],
  words: "where average mean close closing closed volume trading traded turnover trade level value daily day",
  about: "The average close or volume over a period",
  examples: [
    "What was the average close of the S&P 500 in 2019?",
    "Average volume of the S&P 500 in March 2020",
  ],
  understand(q, hint) {
    if (!q.matches(/ (?:average|mean) /) || q.windows.length > 0 || q.period === undefined) return undefined;
    if (!q.any("price", "volume")) return undefined;
    return { instrument: subject(q, hint), field: q.any("volume") ? "volume" : "close", period: q.period };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument);
    const stretch = bars.stretch(args.period);
    const values = bars.dataset.columns[args.field].subarray(stretch.from, stretch.to);
    let sum = 0;
    for (const value of values) sum += value;
    const mean = sum / values.length;
    if (Number.isNaN(mean))
      throw new Declined(`The data of ${bars.name} has no ${args.field} for part of that period.`);
    const shown = args.field === "volume" ? formatCount(Math.round(mean)) : bars.price(mean);
    const text = `The average ${args.field} of ${bars.title} ${stretch.period!.label} was ${shown}, over ${formatCount(values.length)} bars.`;
    const item = bars.value(
      `mean(${args.field}) ${stretch.period!.label}`,
      null,
      args.field === "volume" ? Math.round(mean) : mean,
      args.field === "volume" ? "count" : bars.unit,
    );
    const note = coverageNote(bars, stretch);
    return {
      drafts: [
        say(bars, text, item, bars.rows(stretch.from, stretch.to)),
        ...(note === undefined ? [] : [note]),
      ],
    };
  },
});
