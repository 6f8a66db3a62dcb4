import type { Instrument } from "../series/contract.ts";
import { readDates } from "./dates.ts";
import type { DateReading, Period } from "./dates.ts";
import { concepts } from "./concepts.ts";
import type { Concept } from "./concepts.ts";
import { findMentions, guessMention, isThing, wellKnownNames } from "./names.ts";
import { correctWord, isKnownWord, isMisspeltOpener } from "./spelling.ts";
import type { Mention } from "./names.ts";

export interface Correction {
  written: string;
  read: string;
}

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
  /** Misspelt words of the question, names aside, and what they were read as. */
  corrections: readonly Correction[];
  has(...wanted: Concept[]): boolean;
  any(...wanted: Concept[]): boolean;
  matches(pattern: RegExp): boolean;
  period: Period | undefined;
}

const sentenceWords = new Set(
  "I A An The What When Which Who Where Why How Is Are Was Were Did Does Do Has Have Had Can Could Would Should Will Tell Show Give List Compare Define Explain Describe On In At Over Since From Between During Of And Or For To By With As If My Me Please Find Count Name Let How's What's Ok Hi Hello Yes No RSI MACD ATR SMA EMA ADX CCI VWAP OBV ROC MFI WMA DEMA TEMA KAMA HMA MA DMA CAGR YTD ATH USD EUR UTC OHLC P&L PnL ETF VaR API CSV DMI PSAR TRIX PPO CMO NATR January February March April May June July August September October November December Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Q1 Q2 Q3 Q4 Sharpe Sortino Calmar Bollinger Donchian Keltner Aroon Ichimoku Williams Wilder Fibonacci Monday Tuesday Wednesday Thursday Friday".split(
    " ",
  ),
);

function findUnknownNames(text: string): string[] {
  const names: string[] = [];
  const firstWord = text.search(/\S/);
  const pattern = /(?:\$?[A-Z][A-Za-z0-9&.'-]*|"[^"]{2,40}")(?: (?:[A-Z][A-Za-z0-9&.'-]*))*/g;
  for (const match of text.matchAll(pattern)) {
    const words = match[0].split(" ").map((word) =>
      word
        .replace(/['’]s$/, "")
        .replace(/[.?!,'"]+$/, "")
        .replace(/^[$"]/, ""),
    );
    if (match.index === firstWord && isMisspeltOpener(words[0]!)) words.shift();
    while (words.length > 0 && (sentenceWords.has(words[0]!) || isKnownWord(words[0]!.toLowerCase())))
      words.shift();
    while (words.length > 0 && (sentenceWords.has(words.at(-1)!) || isKnownWord(words.at(-1)!.toLowerCase())))
      words.pop();
    if (words.length > 0 && words[0]!.length > 1) names.push(words.join(" "));
  }
  const lower = text.toLowerCase();
  for (const name of wellKnownNames) {
    const at = lower.search(
      new RegExp(`(?<![a-z0-9&])${name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![a-z0-9&])`),
    );
    if (at >= 0 && !isThing(text, at) && !names.some((known) => known.toLowerCase().includes(name)))
      names.push(text.slice(at, at + name.length));
  }
  return [...new Set(names)];
}

const countOf = new Map(
  "two three four five six seven eight nine ten eleven twelve".split(" ").map((word, at) => [word, at + 2]),
);
/** Small numbers in words where something is counted: "three worst days", "two-year". */
const countWords = new RegExp(
  `\\b(?:${[...countOf.keys()].join("|")})(?=[ -](?:best|worst|biggest|largest|greatest|days?|weeks?|months?|years?|sessions?|bars?)\\b)`,
  "g",
);

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
    if (isThing(shown, match.index) || isKnownWord(match[0]) || correctWord(match[0]) !== match[0]) continue;
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
  const corrections: Correction[] = [];
  const spelled = shown.toLowerCase().replaceAll(/(?<![\w⟨'-])[a-z][a-z'-]*(?![\w⟩])/g, (written) => {
    const read = correctWord(written);
    if (read !== written) corrections.push({ written, read });
    return read;
  });
  const dates = readDates(spelled, todayMs);
  let text = dates.rest.replaceAll(/⟨·*⟩/g, " ⟨⟩ ").replaceAll(/[?!]/g, " ");
  text = text.replaceAll(/\b(?:one|single|1)[- ](day|week|month|year)\b/g, "$1");
  text = text.replaceAll(countWords, (word) => String(countOf.get(word)));
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
    .map((word) => word.replace(/^['-]+|['-]+$/g, ""))
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
    corrections,
    has: (...wanted) => wanted.every(has),
    any: (...wanted) => wanted.some(has),
    matches: (pattern) => pattern.test(text),
    period: dates.period,
  };
}
