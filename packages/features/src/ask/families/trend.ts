import { dayMs } from "@tapedeck/core";
import { drawdownAt } from "@tapedeck/quant/measure";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Answer, Draft } from "../answer.ts";
import type { Bars, Stretch } from "../bars.ts";
import { coverageNote } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import type { Question } from "../question.ts";
import { defineFamily, say, subject, windowTimeframe } from "./family.ts";

interface AverageArgs extends Record<string, unknown> {
  instrument: Instrument;
  kind: "sma" | "ema";
  window: number;
  side: "below" | "above";
  pick: "last" | "first" | "count";
  period: Period | undefined;
  timeframe: string | undefined;
  drawdown: boolean;
}

export function averageKind(question: Question): "sma" | "ema" {
  return question.matches(/ (?:exponential|ema) /) ? "ema" : "sma";
}

const averageNames = { sma: "simple moving average", ema: "exponential moving average" } as const;

/** `200-day`, `12-month`: the window in the bars' own unit. */
export function windowName(bars: Bars, window: number): string {
  const names: Record<string, string> = {
    "1d": "day",
    "1w": "week",
    "1mo": "month",
    "1h": "hour",
    "1m": "minute",
  };
  return `${window}-${names[bars.dataset.timeframe] ?? "bar"}`;
}

/** Where the stretch meets a condition, by the picks of the question. */
function pickIndex(holds: (i: number) => boolean, stretch: Stretch, pick: "last" | "first"): number {
  if (pick === "first") {
    for (let i = stretch.from; i < stretch.to; i++) if (holds(i)) return i;
  } else {
    for (let i = stretch.to - 1; i >= stretch.from; i--) if (holds(i)) return i;
  }
  return -1;
}

/** The drawdown at a bar, and at the newest one, each from the highest close up to then. */
export function drawdownSentences(bars: Bars, at: number): Draft[] {
  const { close } = bars.dataset.columns;
  const drafts: Draft[] = [];
  const tell = (index: number, lead: string) => {
    const { peakIndex, drawdown } = drawdownAt(close, 0, index);
    const peak = bars.value(
      "max(close) from the first bar up to this one",
      peakIndex,
      close[peakIndex]!,
      bars.unit,
    );
    const now = bars.value("close", index, close[index]!, bars.unit);
    const depth = bars.value(
      "1 - close / max(close) from the first bar up to this one",
      index,
      drawdown,
      "fraction",
    );
    drafts.push(
      drawdown === 0
        ? say(
            bars,
            `${lead} it closed at ${bars.price(close[index]!)}, its highest close up to then, so the drawdown was ${formatPercent(0)}.`,
            peak,
            depth,
          )
        : say(
            bars,
            `${lead} the drawdown from the peak, the highest close of ${bars.price(close[peakIndex]!)} ${bars.at(peakIndex)}, was ${formatPercent(drawdown)} (1 − ${formatNumber(close[index]!)} / ${formatNumber(close[peakIndex]!)}).`,
            now,
            peak,
            depth,
          ),
    );
  };
  tell(at, `At that close`);
  if (at !== bars.last) tell(bars.last, `At the last close in the data, ${bars.at(bars.last)},`);
  return drafts;
}

/** When, or how often, the close was below or above its moving average. */
export const closeAgainstAverage = defineFamily<AverageArgs>({
  name: "closeAgainstAverage",
  takes: ["windows"],
  about:
    "When an instrument last or first closed below or above its moving average, how often, and the drawdown then",
  examples: [
    "When did the S&P 500 last close below its 200-day average, and what was the drawdown from the peak?",
    "What was the first day in 2008 that the S&P 500 closed under its 50-day moving average?",
    "How many days did the S&P 500 close above its 200-day SMA in 2019?",
    "Is the S&P 500 above its 200 day moving average?",
  ],
  understand(q, hint) {
    if (!q.any("average") || q.windows.length === 0 || !q.any("below", "above")) return undefined;
    if (q.any("cross", "golden", "death") && q.windows.length > 1) return undefined;
    const state = !q.any("when", "howMany", "first", "last") || q.matches(/^ (?:is|are|was|were) /);
    return {
      instrument: subject(q, hint),
      kind: averageKind(q),
      window: q.windows[0]!,
      side: q.any("below") ? "below" : "above",
      pick: q.any("howMany") ? "count" : q.any("first") ? "first" : "last",
      state: state && !q.any("howMany", "when"),
      period: q.period,
      timeframe: windowTimeframe(q),
      drawdown: q.any("drawdown"),
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument, args.timeframe);
    const formula = `${args.kind}(close, ${args.window})`;
    const [average] = await tools.evaluateFormula(bars, [formula]);
    const stretch = bars.stretch(args.period);
    const label = `${windowName(bars, args.window)} ${averageNames[args.kind]}`;
    if (args["state"] === true) return { drafts: stateSentences(bars, stretch, average!, formula, label) };
    return conditionAnswer(bars, stretch, args, average!, formula, label);
  },
});

function stateSentences(
  bars: Bars,
  stretch: Stretch,
  average: Float64Array,
  formula: string,
  label: string,
): Draft[] {
  const { close } = bars.dataset.columns;
  const at = stretch.to - 1;
  const value = average[at]!;
  if (Number.isNaN(value)) throw tooShort(bars, label);
  const gap = close[at]! / value - 1;
  const word = gap > 0 ? "above" : gap < 0 ? "below" : "at";
  return [
    say(
      bars,
      `${bars.title} closed at ${bars.price(close[at]!)} ${bars.at(at)}, ${formatPercent(Math.abs(gap))} ${word} its ${label} of ${bars.price(value)}.`,
      bars.value("close", at, close[at]!, bars.unit),
      bars.value(formula, at, value, bars.unit),
      bars.value(`close / ${formula} - 1`, at, gap, "fraction"),
    ),
  ];
}

function tooShort(bars: Bars, label: string): Declined {
  return new Declined(
    `The data of ${bars.name} (${formatCount(bars.dataset.length)} bars of ${bars.dataset.timeframe}) is too short for its ${label} there.`,
  );
}

function conditionAnswer(
  bars: Bars,
  stretch: Stretch,
  args: AverageArgs,
  average: Float64Array,
  formula: string,
  label: string,
): Answer {
  const { close } = bars.dataset.columns;
  const holds = (i: number) => (args.side === "below" ? close[i]! < average[i]! : close[i]! > average[i]!);
  const note = coverageNote(bars, stretch);
  const condition = `close ${args.side === "below" ? "<" : ">"} ${formula}`;
  const span = stretch.period === undefined ? "" : ` ${stretch.period.label}`;
  const rows = bars.rows(stretch.from, stretch.to);
  if (args.pick === "count") {
    let count = 0;
    let known = 0;
    for (let i = stretch.from; i < stretch.to; i++) {
      if (!Number.isNaN(average[i]!)) known++;
      if (holds(i)) count++;
    }
    if (known === 0) throw tooShort(bars, label);
    const counted = bars.value(`count of ${condition}`, null, count, "count");
    const all = bars.value(`count of bars with ${formula}`, null, known, "count");
    const share = bars.value(`share of bars with ${condition}`, null, count / known, "fraction");
    const text = `${bars.title} closed ${args.side} its ${label} on ${formatCount(count)} of ${formatCount(known)} bars${span}, or ${formatPercent(count / known)}.`;
    return { drafts: [say(bars, text, counted, all, share, rows), ...(note === undefined ? [] : [note])] };
  }
  const at = pickIndex(holds, stretch, args.pick);
  if (at < 0) {
    const zero = bars.value(`count of ${condition}`, null, 0, "count");
    const text = `${bars.title} did not close ${args.side} its ${label} at all${span}, from ${bars.when(stretch.from)} to ${bars.when(stretch.to - 1)}.`;
    return {
      drafts: [
        say(bars, text, zero, bars.value(formula, stretch.to - 1, average[stretch.to - 1]!, bars.unit), rows),
      ],
    };
  }
  const drafts = [
    say(
      bars,
      `${bars.title} ${args.pick === "last" ? "last" : "first"} closed ${args.side} its ${label} ${bars.at(at)}${span === "" || stretch.period?.grain === "day" ? "" : `, looking${span}`}, at ${bars.price(close[at]!)} against an average of ${bars.price(average[at]!)}.`,
      bars.value("close", at, close[at]!, bars.unit),
      bars.value(formula, at, average[at]!, bars.unit),
      rows,
    ),
  ];
  if (args.drawdown) drafts.push(...drawdownSentences(bars, at));
  if (at === bars.last && args.pick === "last") {
    drafts.push(
      say(
        bars,
        `That is the newest bar in the data, so the close is still ${args.side} the average as far as the data goes.`,
        bars.rows(),
      ),
    );
  }
  if (note !== undefined) drafts.push(note);
  return { drafts };
}

interface CrossArgs extends Record<string, unknown> {
  instrument: Instrument;
  kind: "sma" | "ema";
  fast: number;
  slow: number;
  side: "up" | "down" | "both";
  pick: "last" | "first" | "count" | "list";
  period: Period | undefined;
  timeframe: string | undefined;
}

const maxListed = 12;

/** Crossings of two moving averages: counted, listed, the last or first one. */
export const crossovers = defineFamily<CrossArgs>({
  name: "crossovers",
  takes: ["windows"],
  about: "Golden and death crosses, or crossings of any two moving averages: how many, when, the last one",
  examples: [
    "How many golden crosses did the S&P 500 have since 2000?",
    "When was the last death cross of the S&P 500?",
    "List the crossovers of the 20-day and 100-day averages of the S&P 500 in 2018",
  ],
  understand(q, hint) {
    const named = q.any("golden", "death");
    if (!named && !(q.any("cross") && q.windows.length >= 2)) return undefined;
    if (
      /^ (?:what is|what are|what's|define|explain)(?: an?| the)? (?:golden|death|dead) cross(?:es)? $/.test(
        q.text,
      )
    )
      return undefined;
    const [a, b] = q.windows.length >= 2 ? [q.windows[0]!, q.windows[1]!] : [50, 200];
    const down = q.any("death") || q.matches(/ cross(?:ed|es|ing)? (?:below|under) /);
    const up = q.any("golden") || q.matches(/ cross(?:ed|es|ing)? (?:above|over) /);
    return {
      instrument: subject(q, hint),
      kind: averageKind(q),
      fast: Math.min(a, b),
      slow: Math.max(a, b),
      side: up && !down ? "up" : down && !up ? "down" : "both",
      pick: q.any("howMany")
        ? "count"
        : q.any("list")
          ? "list"
          : q.any("first")
            ? "first"
            : q.any("last")
              ? "last"
              : "list",
      period: q.period,
      timeframe: windowTimeframe(q) ?? (named ? "1d" : undefined),
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument, args.timeframe);
    const fast = `${args.kind}(close, ${args.fast})`;
    const slow = `${args.kind}(close, ${args.slow})`;
    const up = `crossover(${fast}, ${slow})`;
    const down = `crossunder(${fast}, ${slow})`;
    const [ups, downs, fastValues, slowValues] = await tools.evaluateFormula(bars, [up, down, fast, slow]);
    const stretch = bars.stretch(args.period);
    const found: { at: number; up: boolean }[] = [];
    for (let i = stretch.from; i < stretch.to; i++) {
      if (args.side !== "down" && ups![i] === 1) found.push({ at: i, up: true });
      if (args.side !== "up" && downs![i] === 1) found.push({ at: i, up: false });
    }
    const what =
      args.side === "both"
        ? "crossings"
        : args.side === "up"
          ? "crossings from below to above"
          : "crossings from above to below";
    const pair = `its ${windowName(bars, args.fast)} ${averageNames[args.kind]} over or under its ${windowName(bars, args.slow)} one`;
    const formula = args.side === "both" ? `${up} or ${down}` : args.side === "up" ? up : down;
    const span =
      stretch.period === undefined
        ? ` from ${bars.when(stretch.from)} to ${bars.when(stretch.to - 1)}`
        : ` ${stretch.period.label}`;
    const rows = bars.rows(stretch.from, stretch.to);
    const count = bars.value(`count of ${formula}`, null, found.length, "count");
    const drafts: Draft[] = [
      say(bars, `${bars.title} had ${formatCount(found.length)} ${what} of ${pair}${span}.`, count, rows),
    ];
    const shown =
      args.pick === "last"
        ? found.slice(-1)
        : args.pick === "first"
          ? found.slice(0, 1)
          : found.slice(-maxListed);
    if (args.pick !== "count") {
      for (const { at, up: rising } of shown) {
        drafts.push(
          say(
            bars,
            `${args.pick === "last" ? "The last one was" : args.pick === "first" ? "The first one was" : "One was"} ${bars.at(at)}, ${rising ? "upward" : "downward"}: the averages stood at ${formatNumber(fastValues![at]!)} and ${formatNumber(slowValues![at]!)}.`,
            bars.value(fast, at, fastValues![at]!, bars.unit),
            bars.value(slow, at, slowValues![at]!, bars.unit),
            bars.value(rising ? up : down, at, 1, "condition"),
          ),
        );
      }
      if (args.pick === "list" && found.length > shown.length) {
        drafts.push(
          say(
            bars,
            `Only the newest ${formatCount(shown.length)} of ${formatCount(found.length)} are listed.`,
            count,
            bars.value("number of crossings listed", null, shown.length, "count"),
          ),
        );
      }
    } else if (found.length > 0) {
      const { at } = found.at(-1)!;
      drafts.push(
        say(
          bars,
          `The last of them was ${bars.at(at)}.`,
          bars.value(found.at(-1)!.up ? up : down, at, 1, "condition"),
        ),
      );
    }
    const note = coverageNote(bars, stretch);
    if (note !== undefined) drafts.push(note);
    return { drafts };
  },
});

interface IndicatorArgs extends Record<string, unknown> {
  instrument: Instrument;
  formula: string;
  label: string;
  /** price: in the price's unit. */
  unit: "price" | "index";
  period: Period | undefined;
  timeframe: string | undefined;
  level: number | undefined;
  side: "below" | "above" | undefined;
  pick: "last" | "first" | "count" | "value";
}

interface Known {
  pattern: RegExp;
  label: string;
  unit: "price" | "index";
  /** The formula, with the question's window where it names one. */
  formula(window: number | undefined, q: Question): string;
}

/** Indicators by what people call them. A formula between backticks reaches every other. */
const known: Known[] = [
  {
    pattern: / rsi | relative strength (?:index )?| overbought | oversold /,
    label: "RSI",
    unit: "index",
    formula: (w) => `rsi(close, ${w ?? 14})`,
  },
  {
    pattern: / macd (?:signal|line signal)| signal line /,
    label: "MACD signal line",
    unit: "price",
    formula: () => "macd(close, 12, 26, 9).signal",
  },
  {
    pattern: / macd histogram /,
    label: "MACD histogram",
    unit: "price",
    formula: () => "macd(close, 12, 26, 9).histogram",
  },
  { pattern: / macd /, label: "MACD", unit: "price", formula: () => "macd(close, 12, 26, 9).macd" },
  {
    pattern: / atr | average true range /,
    label: "average true range",
    unit: "price",
    formula: (w) => `atr(${w ?? 14})`,
  },
  { pattern: / adx | average directional /, label: "ADX", unit: "index", formula: (w) => `adx(${w ?? 14})` },
  { pattern: / cci | commodity channel /, label: "CCI", unit: "index", formula: (w) => `cci(${w ?? 20})` },
  {
    pattern: / mfi | money flow /,
    label: "money flow index",
    unit: "index",
    formula: (w) => `mfi(${w ?? 14})`,
  },
  { pattern: / stochastic /, label: "stochastic %K", unit: "index", formula: () => "stoch().k" },
  {
    pattern: / ema | exponential (?:moving )?average /,
    label: "exponential moving average",
    unit: "price",
    formula: (w) => `ema(close, ${w ?? 20})`,
  },
  {
    pattern:
      / sma | ma | dma | moving average | day average | week average | month average | simple average /,
    label: "simple moving average",
    unit: "price",
    formula: (w) => `sma(close, ${w ?? 20})`,
  },
];

/** Value of an indicator now or on a date, and when it was beyond a level. */
export const indicator = defineFamily<IndicatorArgs>({
  name: "indicator",
  takes: ["numbers", "windows"],
  about:
    "An indicator's value now or on a date, or when and how often it was beyond a level; any formula between backticks",
  examples: [
    "What is the 14-day RSI of the S&P 500?",
    "What was the MACD of the S&P 500 on 16 March 2020?",
    "When was the last time the RSI of the S&P 500 was below 30?",
    "What is `zscore(close, 60)` of the S&P 500 on 2018-12-24?",
  ],
  understand(q, hint) {
    const entry = known.find((one) => q.matches(one.pattern));
    const formula = q.formula ?? entry?.formula(q.windows[0], q);
    if (formula === undefined) return undefined;
    const askedFor =
      q.instruments.length > 0 ||
      hint.instruments.length > 0 ||
      q.formula !== undefined ||
      q.period !== undefined ||
      q.any("now") ||
      q.unknownNames.length > 0;
    if (!askedFor) return undefined;
    const level = q.numbers[0]?.value;
    const side =
      level === undefined ? undefined : q.any("below") ? "below" : q.any("above") ? "above" : undefined;
    return {
      instrument: subject(q, hint),
      formula,
      label: q.formula === undefined ? entry!.label : "value of the formula",
      unit: q.formula === undefined ? entry!.unit : "index",
      period: q.period,
      timeframe: windowTimeframe(q),
      level,
      side,
      pick: side === undefined ? "value" : q.any("howMany") ? "count" : q.any("first") ? "first" : "last",
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument, args.timeframe);
    const [values] = await tools.evaluateFormula(bars, [args.formula]);
    const unit = args.unit === "price" ? bars.unit : "index";
    const show = (value: number) => (args.unit === "price" ? bars.price(value) : formatNumber(value));
    const stretch = bars.stretch(args.period);
    const rows = bars.rows(stretch.from, Math.max(stretch.to, stretch.from + 1));
    const note = coverageNote(bars, stretch);
    const notes = note === undefined ? [] : [note];
    const span = stretch.period === undefined ? "" : ` ${stretch.period.label}`;
    const { label, formula } = args;
    if (args.pick === "value") {
      const { at, correction } = valueIndex(bars, stretch);
      const value = values![at]!;
      if (Number.isNaN(value)) throw tooShort(bars, label);
      const text = `The ${label} (${formula}) of ${bars.title} was ${show(value)} at the close ${bars.at(at)}.`;
      return { drafts: [say(bars, text, bars.value(formula, at, value, unit)), ...correction, ...notes] };
    }
    const level = args.level!;
    const holds = (i: number) => (args.side === "below" ? values![i]! < level : values![i]! > level);
    const condition = `${formula} ${args.side === "below" ? "<" : ">"} ${level}`;
    if (args.pick === "count") {
      let count = 0;
      for (let i = stretch.from; i < stretch.to; i++) if (holds(i)) count++;
      const text = `The ${label} (${formula}) of ${bars.title} was ${args.side} ${level} on ${formatCount(count)} of ${formatCount(stretch.to - stretch.from)} bars${span}.`;
      return {
        drafts: [say(bars, text, bars.value(`count of ${condition}`, null, count, "count"), rows), ...notes],
      };
    }
    const at = pickIndex(holds, stretch, args.pick);
    if (at < 0) {
      const zero = bars.value(`count of ${condition}`, null, 0, "count");
      return {
        drafts: [
          say(
            bars,
            `The ${label} (${formula}) of ${bars.title} was never ${args.side} ${level}${span}.`,
            zero,
            rows,
          ),
          ...notes,
        ],
      };
    }
    const text = `The ${label} (${formula}) of ${bars.title} was ${args.pick === "last" ? "last" : "first"} ${args.side} ${level} ${bars.at(at)}, at ${show(values![at]!)}.`;
    return {
      drafts: [
        say(
          bars,
          text,
          bars.value(formula, at, values![at]!, unit),
          bars.value(condition, at, 1, "condition"),
          rows,
        ),
        ...notes,
      ],
    };
  },
});

/** The bar that a date means: itself, or the last one before it with a word on why. */
export function valueIndex(bars: Bars, stretch: Stretch): { at: number; correction: Draft[] } {
  if (stretch.to > stretch.from) return { at: stretch.to - 1, correction: [] };
  const at = bars.onOrBefore(stretch.period!.toMs);
  const why =
    bars.dataset.timeframeMs > dayMs
      ? `its bars are of ${bars.dataset.timeframe}, so the value is that of the last one closed by then`
      : "the market had no session, so the value is that of the last bar before";
  const text = `There is no bar of ${bars.name} that closed ${stretch.period!.label}: ${why}, ${bars.at(at)}.`;
  const none = bars.value(`count of bars ${stretch.period!.label}`, null, 0, "count");
  return { at, correction: [say(bars, text, none, bars.rows(at, Math.min(at + 2, bars.dataset.length)))] };
}
