import { checkFormula, FormulaError } from "@tapedeck/formula";
import type { Instrument } from "../../series/contract.ts";
import { coverageNote } from "../bars.ts";
import type { Bars } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber } from "../format.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import { pickIndex, tooShort } from "./averages.ts";
import { defineFamily, say, subject, valueIndex, windowTimeframe } from "./family.ts";
import { averaging, beyond, newest } from "./vocabulary.ts";

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

export interface Known {
  pattern: RegExp;
  label: string;
  unit: "price" | "index";
  /** The formula, with the question's window where it names one. */
  formula(window: number | undefined): string;
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
    formula: () => "macd(close, 12, 26, 9).hist",
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

/** The indicator that a question names by what people call it. */
export function indicatorIn(q: Question): Known | undefined {
  return known.find((one) => q.matches(one.pattern));
}

/** Throws RangeError for a label that no indicator has. */
export function indicatorNamed(label: string): Known {
  const entry = known.find((one) => one.label === label);
  if (entry === undefined) throw new RangeError(`no indicator is called ${label}`);
  return entry;
}

/** Bars of a timeframe in which a formula has values by the end of its warm-up. */
export async function barsFor(
  instrument: Instrument,
  formula: string,
  timeframe: string | undefined,
  tools: Tools,
): Promise<Bars> {
  return tools.readBars(instrument, timeframe, { bars: warmupOf(formula) + 1 });
}

/** Bars before the first value; 0 for a formula that is not valid, which its evaluation will say. */
function warmupOf(formula: string): number {
  try {
    return checkFormula(formula).warmup;
  } catch (error) {
    if (error instanceof FormulaError) return 0;
    throw error;
  }
}

/** Value of an indicator now or on a date, and when it was beyond a level. */
export const indicator = defineFamily<IndicatorArgs>({
  name: "indicator",
  takes: ["numbers", "windows"],
  words: `rsi relative strength overbought oversold macd signal line histogram atr true range adx directional cci commodity channel mfi money flow stochastic formula value reading level stand close day week month session bar default first earliest last latest most recent recently when date often times count where go went fall fell drop dropped rise rose reach ${newest} ${beyond} ${averaging} lower higher`,
  about:
    "An indicator's value now or on a date, or when and how often it was beyond a level; any formula between backticks",
  examples: [
    "What is the 14-day RSI of the S&P 500?",
    "What was the MACD of the S&P 500 on 16 March 2020?",
    "When was the last time the RSI of the S&P 500 was below 30?",
    "What is `zscore(close, 60)` of the S&P 500 on 2018-12-24?",
  ],
  understand(q, hint) {
    const entry = indicatorIn(q);
    const formula = q.formula ?? entry?.formula(q.windows[0]);
    if (formula === undefined) return undefined;
    // "RSI below 30 and above its 200-day average" are two conditions, with the window of the other.
    if (entry?.unit === "index" && entry.label !== "ADX" && q.windows.length > 0 && q.any("average"))
      return undefined;
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
    const bars = await barsFor(args.instrument, args.formula, args.timeframe, tools);
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
