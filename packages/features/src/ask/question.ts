import { editDistance } from "@tapedeck/core";
import type { Instrument } from "../series/contract.ts";
import { readDates } from "./dates.ts";
import type { DateReading, Period } from "./dates.ts";
import { allowedErrors, findMentions, guessMention, wellKnownNames } from "./names.ts";
import type { Mention } from "./names.ts";

/** Words of one meaning. A question is matched by meanings, so that paraphrases cost nothing. */
const concepts = {
  when: ["when", "date", "day did"],
  last: ["last", "latest", "most recent", "most recently", "recently"],
  first: ["first", "earliest", "initially"],
  now: [
    "now",
    "current",
    "currently",
    "today",
    "at the moment",
    "right now",
    "at present",
    "still",
    "latest",
  ],
  howMany: [
    "what percentage",
    "what share",
    "what fraction",
    "what proportion",
    "percentage of",
    "share of",
    "how many",
    "how often",
    "number of",
    "count",
    "how many times",
  ],
  list: ["list", "show", "which dates", "what dates", "all the", "every"],
  below: [
    "below",
    "under",
    "beneath",
    "less than",
    "lower than",
    "fell through",
    "broke below",
    "dropped below",
    "fall below",
    "fell below",
    "smaller than",
  ],
  above: [
    "above",
    "over",
    "exceed",
    "exceeded",
    "more than",
    "greater than",
    "higher than",
    "broke above",
    "at least",
    "topped",
    "surpass",
    "surpassed",
  ],
  cross: ["cross", "crossed", "crosses", "crossing", "crossover", "crossovers", "crossunder"],
  golden: ["golden cross", "golden crosses"],
  death: ["death cross", "death crosses", "dead cross"],
  average: ["average", "averages", "moving average", "moving averages", "mean", "ma", "sma", "dma"],
  drawdown: [
    "recover",
    "recovered",
    "recovery",
    "drawdown",
    "drawdowns",
    "fall from the peak",
    "decline from the peak",
    "down from its peak",
    "below its peak",
    "off its high",
    "from its peak",
    "from the peak",
    "from its high",
    "from its all-time high",
    "peak to trough",
    "peak-to-trough",
    "below its high",
  ],
  max: ["max", "maximum", "largest", "biggest", "worst", "deepest", "greatest", "most severe"],
  return: [
    "crash",
    "crashed",
    "rally",
    "rallied",
    "soar",
    "soared",
    "plunge",
    "plunged",
    "return",
    "returns",
    "returned",
    "perform",
    "performed",
    "performance",
    "gain",
    "gained",
    "gains",
    "lose",
    "lost",
    "loss",
    "rise",
    "rose",
    "risen",
    "fall",
    "fell",
    "fallen",
    "grow",
    "grew",
    "change",
    "changed",
    "up or down",
    "do",
    "cagr",
    "growth",
    "make",
    "made",
    "earned",
    "appreciate",
    "appreciated",
    "increase",
    "increased",
    "decrease",
    "decreased",
    "drop",
    "dropped",
    "decline",
    "declined",
  ],
  annual: [
    "cagr",
    "annualised",
    "annualized",
    "annual return",
    "per year",
    "a year",
    "compound",
    "compounded",
  ],
  high: [
    "high",
    "highs",
    "highest",
    "peak",
    "peaked",
    "top",
    "ath",
    "all-time high",
    "maximum",
    "largest",
    "record",
  ],
  low: ["low", "lows", "lowest", "bottom", "bottomed", "trough", "minimum", "smallest", "cheapest"],
  best: ["best", "strongest", "largest gain", "biggest gain", "top"],
  worst: [
    "worst",
    "weakest",
    "largest loss",
    "biggest loss",
    "largest fall",
    "biggest drop",
    "largest drop",
    "biggest fall",
    "crash",
  ],
  best2: ["better", "outperform", "outperformed", "beat", "more"],
  compare: [
    "compare",
    "compared",
    "comparison",
    "versus",
    "vs",
    "against",
    "better",
    "worse",
    "outperform",
    "outperformed",
    "beat",
    "relative to",
    "difference in return",
  ],
  volatility: [
    "volatility",
    "volatile",
    "standard deviation",
    "vol",
    "realised volatility",
    "realized volatility",
  ],
  correlation: ["correlation", "correlated", "correlate"],
  price: [
    "price",
    "prices",
    "close",
    "closed",
    "closing",
    "quote",
    "trade",
    "trading",
    "level",
    "worth",
    "cost",
    "value",
    "stand",
    "stood",
  ],
  open: ["open", "opened", "opening"],
  volume: ["volume", "volumes", "turnover", "shares traded"],
  days: ["day", "days", "session", "sessions", "trading day", "trading days", "daily"],
  weeks: ["week", "weeks", "weekly"],
  months: ["month", "months", "monthly"],
  years: ["year", "years", "yearly", "annual", "annually"],
  upDays: [
    "up days",
    "positive days",
    "rising days",
    "up day",
    "green days",
    "days up",
    "higher close",
    "rose on",
  ],
  downDays: ["down days", "negative days", "falling days", "red days", "days down", "losing days"],
  backtest: ["backtest", "backtests", "back-test", "backtested", "strategy", "simulation", "run", "the test"],
  job: ["job", "analysis", "ingest", "import", "result"],
  trades: ["trades", "trade count", "round trips", "fills"],
  sharpe: ["sharpe", "sharpe ratio"],
  sortino: ["sortino", "sortino ratio"],
  calmar: ["calmar", "calmar ratio"],
  winRate: ["win rate", "hit rate", "winning trades", "win ratio", "percent profitable"],
  profitFactor: ["profit factor"],
  exposure: ["exposure", "time in the market", "time in market"],
  fees: ["fees", "costs", "commission", "commissions", "slippage", "cost"],
  buyHold: ["buy and hold", "buy-and-hold", "buy & hold", "holding", "benchmark"],
  define: [
    "what is",
    "what are",
    "what's",
    "define",
    "definition",
    "explain",
    "meaning",
    "mean",
    "how does",
    "how do",
    "how is",
    "how are",
    "why is",
    "why do",
    "why are",
    "describe",
    "tell me about",
    "difference between",
    "formula for",
    "interpret",
    "calculated",
    "computed",
    "used for",
    "what does",
  ],
  coverage: [
    "what data",
    "which data",
    "which instruments",
    "what instruments",
    "what symbols",
    "which symbols",
    "what markets",
    "data do you have",
    "available data",
    "data is available",
    "coverage",
    "what stocks",
    "which stocks",
    "how much data",
    "how many bars",
    "what do you know",
    "data available",
    "history do you have",
    "how far back",
    "date range",
  ],
  portfolio: [
    "portfolio",
    "my positions",
    "my position",
    "positions",
    "holdings",
    "my account",
    "account",
    "my cash",
    "buying power",
    "my equity",
    "do i own",
    "do i hold",
    "am i holding",
    "my p&l",
    "my profit",
  ],
  forecast: [
    "will",
    "forecast",
    "predict",
    "prediction",
    "going to",
    "tomorrow",
    "next week",
    "next month",
    "next year",
    "should i",
    "price target",
    "expect",
    "outlook",
    "recommend",
    "good time to",
    "worth buying",
  ],
  order: [
    "buy me",
    "sell my",
    "place an order",
    "place order",
    "submit an order",
    "execute",
    "short it",
    "buy for me",
  ],
  why: ["why", "what caused", "reason", "because of what"],
  fundamental: [
    "earnings",
    "revenue",
    "revenues",
    "eps",
    "p/e",
    "pe ratio",
    "price to earnings",
    "dividend yield",
    "dividend",
    "dividends",
    "market cap",
    "market capitalisation",
    "market capitalization",
    "balance sheet",
    "cash flow",
    "ebitda",
    "profit margin",
    "guidance",
    "headcount",
    "ceo",
    "news",
    "interest rate",
    "inflation",
    "gdp",
    "unemployment",
  ],
} as const;

export type Concept = keyof typeof concepts;

/** Words that the spelling correction knows besides the concepts. */
const glue =
  "the and for from with its it's was were has have had did does what which who where how many much between during after before until since that this these those there here than then have been being over under into about per each any ever time times times point points level percent stock stocks index share shares market fund coin window period signal line upper lower band bands histogram value exponential simple weighted relative strength true range bollinger stochastic momentum average directional trend standard reach reached trade traded closing close closed opened bar bars tell show give please could would can you me my our compare versus".split(
    " ",
  );
const vocabulary = new Set<string>([
  ...glue,
  ...Object.values(concepts).flatMap((phrases) => phrases.flatMap((phrase) => phrase.split(" "))),
]);
const longVocabulary = [...vocabulary].filter((word) => word.length >= 5);

export interface Question {
  original: string;
  /** Lower case, spelling corrected, names as `⟨1⟩`, dates cut out. */
  text: string;
  dates: DateReading;
  mentions: Mention[];
  /** The instruments named, once each, in order; ambiguous ones are in `ambiguous`. */
  instruments: Instrument[];
  ambiguous: Mention[];
  /** Capitalised or quoted words that are no known name, concept or date: what may be missing from the data. */
  unknownNames: string[];
  /** Windows such as 200 of "200-day average", in the order written. */
  windows: number[];
  /** Plain numbers left, in the order written: levels and thresholds. */
  numbers: { value: number; percent: boolean }[];
  /** A formula between backticks. */
  formula: string | undefined;
  has(...wanted: Concept[]): boolean;
  any(...wanted: Concept[]): boolean;
  matches(pattern: RegExp): boolean;
  period: Period | undefined;
}

function correct(word: string): string {
  if (word.length < 5 || vocabulary.has(word) || /\d/.test(word)) return word;
  let least = allowedErrors(word.length) + 1;
  let best = word;
  for (const known of longVocabulary) {
    if (Math.abs(known.length - word.length) >= least) continue;
    const d = editDistance(word, known);
    if (d < least) {
      least = d;
      best = known;
    }
  }
  return best;
}

const sentenceWords = new Set(
  "I A An The What When Which Who Where Why How Is Are Was Were Did Does Do Has Have Had Can Could Would Should Will Tell Show Give List Compare Define Explain Describe On In At Over Since From Between During Of And Or For To By With As If My Me Please Find Count Name Let How's What's Ok Hi Hello Yes No RSI MACD ATR SMA EMA ADX CCI VWAP OBV ROC MFI WMA DEMA TEMA KAMA HMA MA DMA CAGR YTD ATH USD EUR UTC OHLC P&L PnL ETF VaR API CSV DMI PSAR TRIX PPO CMO NATR January February March April May June July August September October November December Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Q1 Q2 Q3 Q4 Sharpe Sortino Calmar Bollinger Donchian Keltner Aroon Ichimoku Williams Wilder Fibonacci Monday Tuesday Wednesday Thursday Friday".split(
    " ",
  ),
);

function findUnknownNames(text: string): string[] {
  const names: string[] = [];
  const pattern = /(?:\$?[A-Z][A-Za-z0-9&.'-]*|"[^"]{2,40}")(?: (?:[A-Z][A-Za-z0-9&.'-]*))*/g;
  for (const match of text.matchAll(pattern)) {
    const words = match[0].split(" ").map((word) =>
      word
        .replace(/['’]s$/, "")
        .replace(/[.?!,'"]+$/, "")
        .replace(/^[$"]/, ""),
    );
    while (words.length > 0 && (sentenceWords.has(words[0]!) || vocabulary.has(words[0]!.toLowerCase())))
      words.shift();
    while (
      words.length > 0 &&
      (sentenceWords.has(words.at(-1)!) || vocabulary.has(words.at(-1)!.toLowerCase()))
    )
      words.pop();
    if (words.length > 0 && words[0]!.length > 1) names.push(words.join(" "));
  }
  const lower = text.toLowerCase();
  for (const name of wellKnownNames) {
    const at = lower.search(
      new RegExp(`(?<![a-z0-9&])${name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![a-z0-9&])`),
    );
    if (at >= 0 && !names.some((known) => known.toLowerCase().includes(name)))
      names.push(text.slice(at, at + name.length));
  }
  return [...new Set(names)];
}

/** Reads a question: names, dates, windows, numbers and meanings. Pure. */
export function readQuestion(
  original: string,
  instruments: readonly Instrument[],
  todayMs: number,
): Question {
  const formula = /`([^`]+)`/.exec(original)?.[1];
  let shown = original
    .replaceAll(/`[^`]+`/g, " ⟨formula⟩ ")
    .replaceAll(/[‘’]/g, "'")
    .replaceAll(/[“”]/g, '"');
  const mentions = findMentions(shown, instruments);
  const mask = (mention: Mention) => {
    shown = `${shown.slice(0, mention.start)}${"⟨".padEnd(mention.end - mention.start - 1, "·")}⟩${shown.slice(mention.end)}`;
  };
  mentions.forEach(mask);
  const unknownNames: string[] = [];
  for (const name of findUnknownNames(shown)) {
    const guess = name.includes(" ") ? [] : guessMention(name, instruments);
    const start = shown.indexOf(name);
    if (guess.length > 0 && start >= 0) {
      const mention = { start, end: start + name.length, written: name, instruments: guess, guessed: true };
      mentions.push(mention);
      mask(mention);
    } else unknownNames.push(name);
  }
  // A misspelt name in small letters: a word that is near no known word but near one name.
  for (const match of shown.matchAll(/[a-z]{5,}/g)) {
    if (vocabulary.has(match[0]) || correct(match[0]) !== match[0]) continue;
    const guess = guessMention(match[0], instruments);
    if (guess.length === 0) continue;
    const mention = {
      start: match.index,
      end: match.index + match[0].length,
      written: match[0],
      instruments: guess,
      guessed: true,
    };
    mentions.push(mention);
    mask(mention);
  }
  mentions.sort((a, b) => a.start - b.start);
  const dates = readDates(shown.toLowerCase(), todayMs);
  let text = dates.rest.replaceAll(/⟨·*⟩/g, " ⟨⟩ ").replaceAll(/[?!]/g, " ");
  text = text.replaceAll(/\b(?:one|single|1)[- ](day|week|month|year)\b/g, "$1");
  const windows: number[] = [];
  text = text.replaceAll(
    /(\d+)\s?\/\s?(\d+)(?=[ -]?(?:day|d\b|bar|week|month|moving|cross|sma|ema|ma\b))/g,
    (_whole, a: string, b: string) => {
      windows.push(Number(a), Number(b));
      return " ";
    },
  );
  text = text.replaceAll(
    /(\d+)[ -]?(?:and|,|&)[ -]?(?=\d+[ -]?(?:day|d|bar|week|month|period)s?[ -])/g,
    (_whole, a: string) => {
      windows.push(Number(a));
      return " ";
    },
  );
  text = text.replaceAll(
    /\b(\d+)[ -]?(day|d|bar|week|month|year|period|session|hour|minute)s?\b['’]?(?=[ -]|$)/g,
    (whole, count: string, unit: string) => {
      windows.push(Number(count));
      return ` ${unit === "d" ? "day" : unit} ${whole.endsWith("s") ? "" : ""}`;
    },
  );
  text = text.replaceAll(/\b(\d+)[ -]?(sma|ema|ma|dma)\b/g, (_whole, count: string, name: string) => {
    windows.push(Number(count));
    return name;
  });
  text = text.replaceAll(
    /\b(sma|ema|rsi|atr|adx|cci|wma|ma|dma|roc|mfi|stddev)\s?[( ]?(\d+)\)?/g,
    (_whole, name: string, count: string) => {
      windows.push(Number(count));
      return `${name} `;
    },
  );
  const numbers: { value: number; percent: boolean }[] = [];
  text = text.replaceAll(
    /(?<![\w.])[$€£]?(-?\d[\d,]*(?:\.\d+)?)\s?(%|percent|per cent|k\b)?/g,
    (_whole, digits: string, suffix: string | undefined) => {
      const value = Number(digits.replaceAll(",", "")) * (suffix === "k" ? 1_000 : 1);
      numbers.push({ value, percent: suffix !== undefined && suffix !== "k" });
      return " # ";
    },
  );
  text = ` ${text
    .split(/[^a-z0-9⟨⟩#&'/-]+/)
    .filter((word) => word !== "")
    .map((word) => correct(word.replace(/^['-]+|['-]+$/g, "")))
    .join(" ")} `;
  const has = (concept: Concept) => concepts[concept].some((phrase) => text.includes(` ${phrase} `));
  const sure = mentions
    .filter((mention) => mention.instruments.length === 1)
    .map((mention) => mention.instruments[0]!);
  return {
    original,
    text,
    dates,
    mentions,
    instruments: [...new Map(sure.map((one) => [one.instrumentId, one])).values()],
    ambiguous: mentions.filter((mention) => mention.instruments.length > 1),
    unknownNames,
    windows,
    numbers,
    formula,
    has: (...wanted) => wanted.every(has),
    any: (...wanted) => wanted.some(has),
    matches: (pattern) => pattern.test(text),
    period: dates.period,
  };
}
