import type { EvidenceItem } from "../evidence/contract.ts";
import { monthNames } from "./format.ts";

/**
 * The check between an answer and its reader: every number and date of a sentence must be held by an evidence item
 * that the sentence cites. Rules:
 * - A number binds to a value when they differ by at most half a unit of its last written digit and by at most 1 %
 *   (rounding to fewer digits than that is refused). Scales (thousand, million, billion, k, M, bn) are applied.
 * - With % or "percent" it binds to a ratio × 100; without, to the value itself. bps bind to a ratio × 10,000.
 * - Unless it has its own minus sign, a number's size is compared; a rise or fall said just before it must agree with the sign of a return.
 * - A number followed by a currency or unit word binds to values of that unit only.
 * - A date binds to a date of an item (a value's time, the bounds of rows); a month or year alone to one within those.
 * - Digits inside an item's instrument name ("S&P 500") are names, not numbers. Numbers of a formula (a window of 200)
 *   and of a passage's text bind as written.
 * - A time of day binds to the time of an item, and a month without its year to a month of one.
 * - Numbers spelled as words count as numbers from two upward. Words that stand for a number (half, doubled, a dozen),
 *   digits of other scripts, fractions and superscripts are refused unless a passage says them: no value binds to them.
 * - A number that is part of a word (USD45, 45bn) is a number with its unit or scale; with letters of no known meaning
 *   it is refused. A formula's own numbers are parameters: they bind without a percent
 *   sign, and without a unit unless something is compared with them.
 */
export interface GuardResult {
  ok: boolean;
  /** What was not bound, as written. */
  unbound: string[];
  /** How many numbers and dates were bound to a value; 0 in a quote of a passage, which needs none. */
  bound: number;
}

export interface CitedItem {
  item: EvidenceItem;
  /** Names that may hold digits. */
  names: readonly string[];
}

interface Value {
  value: number;
  /** fraction, return, a currency, points, count …; null: as written. */
  unit: string | null;
}

interface Bindings {
  values: Value[];
  dates: Set<string>;
  /** Times of day as `14:30`. */
  times: Set<string>;
  /** Months as `2008-10`, years as `2008`. */
  months: Set<string>;
  years: Set<string>;
  spans: [number, number][];
  names: string[];
  passages: string[];
}

const numberPattern =
  /(?<!\d)(?:(?<![\p{L}_])[-−–+])?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?/gu;
const monthPart = monthNames.map((name) => name[0]!.toUpperCase() + name.slice(1)).join("|");
const datePatterns: [RegExp, (m: RegExpMatchArray) => string][] = [
  [/\b(\d{4})-(\d{2})-(\d{2})(?:T[\d:.]+Z)?\b/g, (m) => `${m[1]}-${m[2]}-${m[3]}`],
  [
    new RegExp(`\\b(\\d{1,2})(?:st|nd|rd|th)? (${monthPart}) (\\d{4})\\b`, "g"),
    (m) => isoOf(m[3]!, m[2]!, m[1]!),
  ],
  [
    new RegExp(`\\b(${monthPart}) (\\d{1,2})(?:st|nd|rd|th)?, (\\d{4})\\b`, "g"),
    (m) => isoOf(m[3]!, m[1]!, m[2]!),
  ],
];
const monthPattern = new RegExp(`\\b(${monthPart}) (\\d{4})\\b`, "g");
const timePattern = /\b(\d{1,2}:\d{2})(?::\d{2})?(?: UTC)?\b/g;
/** A calendar month that a formula is about. */
const monthName = new RegExp(`\\b(${monthPart})\\b(?! \\d)`, "g");
/** A month without a day or a year beside it; "May" and "March" only where they can be nothing else. */
const loneMonthPattern = new RegExp(
  `\\b(?:[Ii]n|[Ss]ince|[Uu]ntil|[Bb]y|[Dd]uring|[Ff]rom|to|of|[Ee]arly|[Ll]ate|[Mm]id)[ -](${monthPart})\\b(?! \\d)`,
  "g",
);
/** Numbers that are not written with 0 to 9: other scripts, fractions, superscripts, Roman numerals as single characters. */
const foreignNumber = /[\p{Nd}\p{Nl}\p{No}]/gu;
/** Words that say a number without naming it. */
const vagueNumber =
  /\b(?:half|halves|halved|halving|thirds?|quarters|fourths?|fifths?|tenths?|hundredths?|dozens?|twice|thrice|doubl(?:e|es|ed|ing)|tripl(?:e|es|ed|ing)|quadrupl(?:e|es|ed|ing)|(?:two|three|four|five|ten|hundred)fold|hundreds|thousands|millions|billions|trillions?)\b/gi;

function isoOf(year: string, month: string, day: string): string {
  const index = monthNames.indexOf(month.toLowerCase()) + 1;
  return `${year}-${String(index).padStart(2, "0")}-${day.padStart(2, "0")}`;
}

/** Session date of a bar's close: a bar that closes at midnight belongs to the day before. */
function dateOf(closeMs: number): string {
  return new Date(closeMs - 1).toISOString().slice(0, 10);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16);
}

function addTime(bindings: Bindings, ms: number): void {
  bindings.times.add(timeOf(ms));
  // The end of a day is also the beginning of the next.
  if (timeOf(ms) === "00:00") bindings.times.add("24:00");
}

function numbersIn(text: string): number[] {
  return [...text.matchAll(numberPattern)].map((match) => toNumber(match[0]));
}

function toNumber(written: string): number {
  return Number(written.replaceAll(",", "").replace(/^[−–]/, "-").replace(/^\+/, ""));
}

function addDate(bindings: Bindings, iso: string): void {
  bindings.dates.add(iso);
  bindings.months.add(iso.slice(0, 7));
  bindings.years.add(iso.slice(0, 4));
}

function addRecorded(bindings: Bindings, name: string, value: number | string | null): void {
  if (value === null) return;
  if (typeof value === "number" && name.endsWith("Ms")) {
    addDate(bindings, new Date(value).toISOString().slice(0, 10));
    addTime(bindings, value);
    return;
  }
  for (const one of typeof value === "number" ? [value] : numbersIn(value))
    bindings.values.push({ value: one, unit: "number" });
}

function collect(cited: readonly CitedItem[]): Bindings {
  const bindings: Bindings = {
    values: [],
    dates: new Set(),
    times: new Set(),
    months: new Set(),
    years: new Set(),
    spans: [],
    names: [],
    passages: [],
  };
  for (const { item, names } of cited) {
    bindings.names.push(...names);
    if (item.kind === "computation") {
      if (item.value !== null) bindings.values.push({ value: item.value, unit: item.unit });
      for (const match of item.formula.matchAll(numberPattern)) {
        // A percent sign with nothing behind it is no remainder.
        const percent = /^ ?%\s*(?:$|[,)])/.test(item.formula.slice(match.index + match[0].length));
        bindings.values.push({
          value: Math.abs(toNumber(match[0])) / (percent ? 100 : 1),
          unit: percent
            ? "fraction"
            : /[<>]=? ?$/.test(item.formula.slice(0, match.index))
              ? "level"
              : "parameter",
        });
      }
      for (const [pattern, read] of datePatterns) {
        for (const match of item.formula.matchAll(pattern)) addDate(bindings, read(match));
      }
      for (const match of item.formula.matchAll(monthName))
        bindings.months.add(isoOf("0000", match[1]!, "1").slice(0, 7));
      for (const match of item.formula.matchAll(timePattern)) bindings.times.add(match[1]!);
      if (item.atMs !== null) {
        addDate(bindings, dateOf(item.atMs));
        addTime(bindings, item.atMs);
      }
    } else if (item.kind === "rows") {
      bindings.values.push({ value: item.bars, unit: "count" });
      addDate(bindings, new Date(item.fromMs).toISOString().slice(0, 10));
      addDate(bindings, dateOf(item.toMs));
      addTime(bindings, item.fromMs);
      addTime(bindings, item.toMs);
      bindings.spans.push([item.fromMs, item.toMs]);
    } else if (item.kind === "passage") {
      bindings.passages.push(item.text);
    } else if (item.kind === "request") {
      if (item.value !== null) bindings.values.push({ value: item.value, unit: item.unit });
      for (const value of numbersIn(item.formula)) {
        bindings.values.push({ value: Math.abs(value), unit: "parameter" });
      }
    } else if (item.kind === "account") {
      if (typeof item.value === "number") bindings.values.push({ value: item.value, unit: "number" });
    } else if (item.kind === "record") {
      for (const [name, value] of Object.entries(item.values)) addRecorded(bindings, name, value);
    } else if (typeof item.value === "number") {
      bindings.values.push({ value: item.value, unit: unitOfPointer(item.pointer) });
      if (item.pointer.endsWith("Ms")) {
        addDate(bindings, dateOf(item.value));
        addTime(bindings, item.value);
      }
    } else if (typeof item.value === "string") {
      for (const value of numbersIn(item.value)) bindings.values.push({ value: Math.abs(value), unit: null });
    }
  }
  return bindings;
}

const ratioFields = /(return|drawdown|cagr|volatility|rate|exposure|share|turnover|skew)/i;

/** Ratios in results are fractions; what a field holds shows in its name. */
function unitOfPointer(pointer: string): string {
  const field = pointer.slice(pointer.lastIndexOf("/") + 1);
  if (/^(totalReturn|cagr|bestBarReturn|worstBarReturn)$/.test(field)) return "return";
  return ratioFields.test(field) && !/^(returns|trades)$/.test(field) ? "fraction" : "number";
}

const scales: Record<string, number> = {
  thousand: 1e3,
  k: 1e3,
  million: 1e6,
  m: 1e6,
  mn: 1e6,
  billion: 1e9,
  bn: 1e9,
  trillion: 1e12,
  tn: 1e12,
};
const currencies = "USDT|USDC|USD|EUR|GBP|JPY|CHF|BTC|ETH";
const unitWord = new RegExp(`^ ?(${currencies}|points?)\\b`);
const unitBefore = new RegExp(`(?:^|[^\\p{L}])(${currencies}) ?$`, "u");
const unitSigns: Record<string, string> = { $: "USD", "€": "EUR", "£": "GBP", "¥": "JPY" };
/** What may follow a number without a space: an ordinal, a scale, a multiple, a timeframe, a unit. */
const knownSuffix = new RegExp(
  `^(?:st|nd|rd|th|k|K|M|mn|bn|B|tn|T|x|m|h|d|w|mo|bps|${currencies})(?![\\p{L}\\d])`,
  "u",
);
const rises = /\b(rose|risen|rise|gain(?:s|ed)?|up|increas(?:e|ed)|grew|climb(?:s|ed)?|advanced|higher)\b/gi;
const falls = /\b(fell|fall(?:s|en)?|lost|loss|down|declin(?:e|ed)|dropp?(?:ed|s)?|shed|lower)\b/gi;

function lastIndexOf(pattern: RegExp, text: string): number {
  let at = -1;
  for (const match of text.matchAll(pattern)) at = match.index;
  return at;
}

interface Written {
  text: string;
  value: number;
  signed: boolean;
  decimals: number;
  scale: number;
  percent: boolean;
  bps: boolean;
  unit: string | undefined;
  /** 1: said to rise, −1: to fall. */
  direction: number;
  /** Part of a word of no known meaning. */
  odd: boolean;
}

function readWritten(sentence: string, match: RegExpMatchArray): Written {
  const text = match[0];
  const at = match.index!;
  const after = sentence.slice(at + text.length);
  // Between digits a dash is a range ("2007–2009") or a subtraction, not a sign.
  const signed = /^[-−–]/.test(text) && !/\d\s?$/.test(sentence.slice(0, at));
  const value = Math.abs(toNumber(text)) * (signed ? -1 : 1);
  const scaleMatch = /^ ?(thousand|million|billion|trillion|k|K|bn|mn|tn|M|B|T)\b/.exec(after);
  const scale =
    scaleMatch === null ? 1 : scales[{ B: "bn", T: "tn" }[scaleMatch[1]!] ?? scaleMatch[1]!.toLowerCase()]!;
  const before = sentence.slice(0, at);
  const unit =
    unitWord.exec(after.slice(scaleMatch?.[0].length ?? 0))?.[1] ??
    unitSigns[before.at(-1) ?? ""] ??
    unitBefore.exec(before)?.[1];
  // Letters that touch the number and mean nothing here may change what it says.
  const odd =
    (/\p{L}$/u.test(before) && !unitBefore.test(before)) ||
    (/^\p{L}/u.test(after) && !knownSuffix.test(after));
  const clause = sentence
    .slice(Math.max(0, at - 60), at)
    .split(/[,;:(]/)
    .at(-1)!;
  const up = lastIndexOf(rises, clause);
  const down = lastIndexOf(falls, clause);
  return {
    text: text + (/^ ?%/.test(after) ? "%" : ""),
    value,
    signed,
    decimals: /\.(\d+)/.exec(text)?.[1]?.length ?? 0,
    scale,
    percent: /^ ?(?:%|percent|per cent)/.test(after),
    bps: /^ ?(?:bps|basis points?)\b/.test(after),
    unit: unit === undefined ? undefined : unit.startsWith("point") ? "points" : unit,
    direction: up === down ? 0 : up > down ? 1 : -1,
    odd,
  };
}

function close(written: Written, value: number, factor: number): boolean {
  const want = value * factor;
  const have = written.value * written.scale;
  const [a, b] = written.signed ? [have, want] : [Math.abs(have), Math.abs(want)];
  const half = 0.5 * 10 ** -written.decimals * written.scale * (1 + 1e-9);
  const gap = Math.abs(a - b);
  return gap <= half + 1e-12 && gap <= Math.max(1e-9, Math.abs(want) * 0.01);
}

function binds(written: Written, { value, unit }: Value): boolean {
  const ratio =
    unit === "fraction" ||
    unit === "return" ||
    unit === "fraction a year" ||
    unit === null ||
    unit === "number";
  if (written.odd) return false;
  if (unit === "parameter" || unit === "level") {
    // A level that closes are compared with has the unit of prices; a window has none.
    const fits = unit === "level" || written.unit === undefined;
    return fits && !written.percent && !written.bps && close(written, value, 1);
  }
  if (written.bps) return close(written, value, 10_000) || (unit === null && close(written, value, 1));
  if (written.percent) {
    if (!ratio) return false;
    if (!close(written, value, 100) && !(unit === null && close(written, value, 1))) return false;
  } else if (!close(written, value, 1)) return false;
  if (written.unit !== undefined && unit !== null && unit !== "number" && unit !== written.unit) return false;
  if (unit === "return" && written.direction !== 0 && !written.signed && value !== 0) {
    return Math.sign(value) === written.direction;
  }
  return true;
}

const blank = (text: string) => "\u0001".repeat(text.length);

/** A name where it stands by itself: "5" is no part of "15". */
function wholeName(name: string): RegExp {
  const [first, last] = [/^[\p{L}\d]/u.test(name), /[\p{L}\d]$/u.test(name)];
  return new RegExp(
    `${first ? "(?<![\\p{L}\\d])" : ""}${name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}${last ? "(?![\\p{L}\\d])" : ""}`,
    "gu",
  );
}

const numberWords: Record<string, number> = {
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  thirteen: 13,
  fourteen: 14,
  fifteen: 15,
  sixteen: 16,
  seventeen: 17,
  eighteen: 18,
  nineteen: 19,
  twenty: 20,
  thirty: 30,
  forty: 40,
  fifty: 50,
  sixty: 60,
  seventy: 70,
  eighty: 80,
  ninety: 90,
  hundred: 100,
  thousand: 1_000,
  million: 1e6,
  billion: 1e9,
};
const wordPattern = new RegExp(`\\b(?:(?:${Object.keys(numberWords).join("|")})[ -]?)+\\b`, "gi");

/** `twenty-five thousand` → 25000. */
function spelled(text: string): number {
  let total = 0;
  let part = 0;
  for (const word of text.toLowerCase().split(/[ -]/).filter(Boolean)) {
    const value = numberWords[word]!;
    if (value === 100) part = Math.max(1, part) * 100;
    else if (value >= 1_000) {
      total += Math.max(1, part) * value;
      part = 0;
    } else part += value;
  }
  return total + part;
}

/** Shorter words may stand in a sentence by chance. */
const leastQuote = 20;

/** Checks one sentence, without its citation markers, against the items it cites. */
export function checkSentence(sentence: string, cited: readonly CitedItem[]): GuardResult {
  const unbound: string[] = [];
  let bound = 0;
  if (cited.length === 0) return { ok: false, unbound: ["no evidence"], bound };
  const bindings = collect(cited);
  let text = sentence;
  // A sentence taken from a passage as it stands says what its source says.
  const squeezed = (value: string) => value.replaceAll(/\s+/g, " ").trim();
  if (bindings.passages.some((passage) => squeezed(passage).includes(squeezed(sentence))))
    return { ok: true, unbound, bound };
  // The words of a passage inside a sentence say what their source says, too.
  for (const passage of bindings.passages) {
    if (passage.length >= leastQuote) text = text.replaceAll(passage, blank(passage));
  }
  for (const name of [...bindings.names].sort((a, b) => b.length - a.length)) {
    if (name.length > 0) text = text.replaceAll(wholeName(name), blank(name));
  }
  for (const [pattern, read] of datePatterns) {
    text = text.replaceAll(pattern, (...parts) => {
      const match = parts as unknown as RegExpMatchArray;
      const iso = read(match);
      const inPassage = bindings.passages.some((passage) => passage.includes(match[0]));
      if (bindings.dates.has(iso) || inPassage) bound++;
      else unbound.push(match[0]);
      return blank(match[0]);
    });
  }
  text = text.replaceAll(monthPattern, (whole, month: string, year: string) => {
    const iso = isoOf(year, month, "1").slice(0, 7);
    const inPassage = bindings.passages.some((passage) => passage.includes(whole));
    if (bindings.months.has(iso) || inPassage) bound++;
    else unbound.push(whole);
    return blank(whole);
  });
  text = text.replaceAll(loneMonthPattern, (whole, month: string) => {
    const ending = isoOf("0000", month, "1").slice(4, 7);
    const inPassage = bindings.passages.some((passage) => passage.includes(month));
    if (![...bindings.months].some((one) => one.endsWith(ending)) && !inPassage) unbound.push(month);
    return whole;
  });
  text = text.replaceAll(timePattern, (whole, time: string) => {
    const inPassage = bindings.passages.some((passage) => passage.includes(time));
    if (!bindings.times.has(time.padStart(5, "0")) && !inPassage) unbound.push(whole);
    return blank(whole);
  });
  for (const pattern of [foreignNumber, vagueNumber]) {
    for (const [whole] of text.matchAll(pattern)) {
      if (/^[0-9]$/.test(whole)) continue;
      if (!bindings.passages.some((passage) => passage.toLowerCase().includes(whole.toLowerCase())))
        unbound.push(whole);
    }
  }
  const passageValues: Value[] = bindings.passages.flatMap((passage) =>
    numbersIn(passage).map((value) => ({ value: Math.abs(value), unit: null })),
  );
  const values = [...bindings.values, ...passageValues];
  for (const match of text.matchAll(numberPattern)) {
    const written = readWritten(text, match);
    if (values.some((value) => binds(written, value))) {
      bound++;
      continue;
    }
    const year = match[0].replace(/^[-−–]/, "");
    if (/^\d{4}$/.test(year) && bindings.years.has(year) && !written.percent && written.unit === undefined)
      bound++;
    else unbound.push(written.text);
  }
  for (const match of text.matchAll(wordPattern)) {
    // "2.4 thousand" was read with its number.
    if (/^(?:thousand|million|billion)\b/i.test(match[0]) && /\d ?$/.test(text.slice(0, match.index)))
      continue;
    const value = spelled(match[0]);
    const after = text.slice(match.index + match[0].length);
    const percent = /^ ?(?:%|percent|per cent)/.test(after);
    const written: Written = {
      text: match[0].trim(),
      value,
      signed: false,
      decimals: 0,
      scale: 1,
      percent,
      bps: false,
      unit: undefined,
      direction: 0,
      odd: false,
    };
    if (values.some((one) => binds(written, one))) bound++;
    else unbound.push(match[0].trim());
  }
  return { ok: unbound.length === 0, unbound, bound };
}
