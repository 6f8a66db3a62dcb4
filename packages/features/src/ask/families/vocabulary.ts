import type { Question } from "../question.ts";

/** Words of a question that change nothing in what is asked of a market. */
const idle = wordsOf(
  `a an the this that these those it its he she they them their theirs i me my mine we us our you your one ones
  is are was were be been being am do does did done has have had having can could may might would
  what what's whats which who whose how how's hows much many s i'd i've i'm
  of for in on at to from by with into as and or so then there here also per about
  please tell show give get let know like want see look find check hi hello ok okay thanks thank just overall actually simply quickly quick
  calculate compute figure number figures numbers data according
  stock index indices price prices security ticker asset instrument fund
  during over throughout within across whole entire full calendar year period span stretch time timeframe ever
  happen happened same again`,
);

/** Words of rising, and of falling, in the forms that strip to none of the others. */
export const rising =
  "rise rose risen gain grow grew grown climb increase advance appreciate jump rally rallied soar up higher positive green winning";
export const falling =
  "fall fell fallen lose lost loss losses losing drop dropped decline decrease crash plunge slide slid sink sank down lower negative red";
/** How far, and how often, beyond a level. */
export const beyond = "above over below under beneath than more";
/** Units of time that bars are counted or grouped in. */
export const units = "day daily week weekly month monthly session trading bar";
/** What averages are called. */
export const averaging = "average mean moving simple exponential sma ema ma dma";
export const newest =
  "right now current currently today latest last newest most recent recently still moment present";
/** What the measures of several instruments are called. */
export const measuring = `return performance perform performer gainer loser winner best worst volatility volatile vol risk risky riskier
  riskiest sharpe sortino calmar ratio adjusted drawdown max maximum volume traded liquid value var ${rising} ${falling}`;

function wordsOf(text: string): Set<string> {
  return new Set(text.split(/\s+/));
}

/** A word without an ending of number or tense. */
const endings = [/s$/, /es$/, /ed$/, /d$/, /ing$/, /(?<=(.))\1(?:ed|ing)$/];

function isAmong(words: ReadonlySet<string>, word: string): boolean {
  return (
    words.has(word) ||
    endings.some((ending) => words.has(word.replace(ending, ""))) ||
    words.has(word.replace(/ing$/, "e"))
  );
}

/**
 * The words of a question, in small letters, that neither are among those of its kind nor change nothing: what is asked
 * may be another thing. Names, dates, windows and numbers are no words.
 */
export function wordsLeft(q: Question, words: string): string[] {
  const known = wordsOf(words);
  const isKnown = (word: string) => isAmong(known, word) || isAmong(idle, word);
  return [
    ...new Set(
      q.text
        .split(" ")
        .filter((word) => /^[a-z]/.test(word))
        .filter((word) => !isKnown(word) && !word.split(/[-/&']/).every((part) => isKnown(part))),
    ),
  ];
}
