import { editDistance } from "@tapedeck/core";
import { companySuffix, nicknames } from "@tapedeck/text/names";
import { meant } from "../series/contract.ts";
import type { Instrument } from "../series/contract.ts";

/** Typing errors allowed in a word of this length. */
export function allowedErrors(length: number): number {
  return length < 4 ? 0 : length < 8 ? 1 : 2;
}

/** Symbols that are English words or words of this field are read only in capitals. */
const wordLike = new Set([
  "all",
  "my",
  "the",
  "what",
  "a",
  "it",
  "are",
  "can",
  "day",
  "for",
  "now",
  "on",
  "or",
  "so",
  "see",
  "key",
  "low",
  "high",
  "open",
  "main",
  "fast",
  "cost",
  "cash",
  "gain",
  "peak",
  "rsi",
  "sma",
  "ema",
  "atr",
  "adx",
  "cci",
]);

export interface Name {
  text: string;
  /** Only as written: capitals count. */
  exact: boolean;
}

/** All names of an instrument. */
export function namesOf(instrument: Instrument): Name[] {
  const base = instrument.symbol.split(/[-/]/)[0]!;
  const name = instrument.name.toLowerCase();
  const texts = new Set([
    instrument.instrumentId.toLowerCase(),
    name,
    name.replace(companySuffix, ""),
    ...(nicknames[instrument.symbol] ?? []),
    ...(base === instrument.symbol ? [] : (nicknames[base] ?? [])),
  ]);
  // A name that only repeats the symbol is read as the symbol is: "my" is no mention of MY.
  texts.delete(instrument.symbol.toLowerCase());
  texts.delete(base.toLowerCase());
  const names: Name[] = [...texts].filter((text) => text.length > 1).map((text) => ({ text, exact: false }));
  for (const symbol of new Set([instrument.symbol, base])) {
    const exact = symbol.length < 3 || wordLike.has(symbol.toLowerCase());
    names.push({ text: exact ? symbol : symbol.toLowerCase(), exact });
  }
  return names;
}

/** Symbol of a well-known name, for things that are not in the data: what to ingest. */
export function wellKnownSymbol(text: string): string | undefined {
  const wanted = text.toLowerCase();
  for (const [symbol, names] of Object.entries(nicknames)) {
    if (symbol.toLowerCase() === wanted || names.includes(wanted)) return symbol;
  }
  return undefined;
}

export const wellKnownNames: readonly string[] = Object.values(nicknames).flat();

export interface Mention {
  start: number;
  end: number;
  written: string;
  /** Several: the mention is ambiguous. */
  instruments: Instrument[];
  /** Read with a typing error. */
  guessed: boolean;
}

const boundary = /[A-Za-z0-9&]/;

function occurrences(haystack: string, needle: string): number[] {
  const at: number[] = [];
  for (let i = haystack.indexOf(needle); i >= 0; i = haystack.indexOf(needle, i + 1)) {
    const before = haystack[i - 1];
    const after = haystack[i + needle.length];
    const free = (char: string | undefined) => char === undefined || !boundary.test(char);
    if (free(before) && free(after)) at.push(i);
  }
  return at;
}

/** "An apple": is what is written there a thing, not the company that is called like it? */
export function isThing(question: string, start: number): boolean {
  return /^[a-z]/.test(question.slice(start)) && /\b(?:an?|some) $/i.test(question.slice(0, start));
}

/**
 * Finds instruments in a question as it was written. Longer names win; a full id or an exact symbol beats a nickname;
 * the same name for several instruments is kept as ambiguous, but for simulated ones beside others.
 */
export function findMentions(question: string, instruments: readonly Instrument[]): Mention[] {
  const lower = question.toLowerCase();
  const candidates: Mention[] = [];
  for (const instrument of instruments) {
    for (const name of namesOf(instrument)) {
      for (const start of occurrences(name.exact ? question : lower, name.text)) {
        if (isThing(question, start)) continue;
        const end = start + name.text.length;
        candidates.push({
          start,
          end,
          written: question.slice(start, end),
          instruments: [instrument],
          guessed: false,
        });
      }
    }
  }
  candidates.sort((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start);
  const mentions: Mention[] = [];
  for (const one of candidates) {
    const same = mentions.find((other) => other.start === one.start && other.end === one.end);
    if (same !== undefined) {
      if (!same.instruments.includes(one.instruments[0]!)) same.instruments.push(...one.instruments);
    } else if (mentions.every((other) => one.end <= other.start || one.start >= other.end)) {
      mentions.push(one);
    }
  }
  return mentions
    .map((mention) => ({ ...mention, instruments: [...meant(mention.instruments)] }))
    .sort((a, b) => a.start - b.start);
}

/** The instrument whose one-word name is nearest to a misspelt word, when exactly one is near enough. */
export function guessMention(word: string, instruments: readonly Instrument[]): Instrument[] {
  const wanted = word.toLowerCase();
  let least = allowedErrors(wanted.length) + 1;
  let best: Instrument[] = [];
  for (const instrument of instruments) {
    for (const name of namesOf(instrument)) {
      if (name.exact || name.text.length < 5 || name.text.includes(".")) continue;
      const d = editDistance(wanted, name.text);
      if (d < least) {
        least = d;
        best = [instrument];
      } else if (d === least && d > 0 && best.length > 0 && !best.includes(instrument)) best.push(instrument);
    }
  }
  return best;
}
