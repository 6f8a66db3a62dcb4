import type { NameFinder, NameMention } from "../names.ts";
import { sentencesOf } from "../sentences.ts";
import { scoreText } from "../sentiment/score.ts";
import { marketMoving } from "./kinds.ts";
import type { EventDirection, EventKind } from "./kinds.ts";
import { eventRules } from "./rules.ts";
import type { EventRule } from "./rules.ts";
import { dayTold, isHistory } from "./when.ts";

/** Part of a text: text.slice(start, end). */
export interface Span {
  start: number;
  end: number;
}

/** What a sentence tells of one or several instruments. */
export interface TextEvent {
  kind: EventKind;
  direction: EventDirection;
  /** In [-1, 1], of the direction's sign; 0 where it is neutral. */
  score: number;
  /** It may move prices: by its kind, or by how strongly it is told. */
  important: boolean;
  /** Announced for later, planned or talked about; false: it has happened. */
  expected: boolean;
  /** The sentence: text.slice(start, end). */
  start: number;
  end: number;
  /** The words that gave it away. */
  trigger: Span;
  /** Whom it happens to; none where it is of the economy as a whole. */
  instrumentIds: readonly string[];
  /** The day on which it happens (midnight UTC), where the sentence names one. */
  atMs: number | null;
}

export interface ExtractOptions {
  finder: NameFinder;
  /** When the text became public: what "May 2" and "Tuesday" are counted from. */
  publishedMs: number;
  /** Whom the text is about where a sentence names nobody: a filing's company. */
  about?: readonly string[];
}

const asked =
  /\?["”’)]?\s*$|^(?:should|what|why|how|is|are|could|will|can|here['’]?s (?:what|why|how)|here is (?:what|why|how))\b/i;
const ahead =
  /\b(?:will|would|to (?:report|buy|acquire|merge|split|carry|leave|list|join|pay|launch|step|cut|raise)|expects?|plans?|planned|set to|due to|in talks|considering|considers|mulls?|weighs?|eyes|may|might|could|proposes?|proposed|recommended)\b/i;
/** A subject that stands for whom the text is about. */
const backReference =
  /^(?:it|its|the (?:company|group|firm|bank|lender|carmaker|automaker|airline|chipmaker|drugmaker|retailer|maker|stock|token|network|exchange|board|protocol)|shares|revenue|net|operating|sales|profits?|earnings|diluted|quarterly|management|we|our)\b/i;
const clauseBreak =
  /;|\b(?:but|while|whereas|although|though|even as|despite)\b|\band (?=(?:said|named|cut|raised|lowered|announced|appointed|slashes|approved|authori[sz]\w+)\b)/gi;

/** Named only beside whom it is about: "former Meta executive", "Moderna's rival". */
const aside =
  /\b(?:former(?:ly)?|ex-|rivals?|like|such as|than|versus|unlike|including|alumni of|veteran|compared with|chip designer|backed by|former)\s*$/i;
const asideAfter = /^(?:['’]s)? (?:rivals?|competitors?|veteran|alumn\w+|executive|-backed)\b/i;
/** One who only says it. */
const speaker = /(?:\b(?:by|at|says?|said|according to|analysts? (?:at|from))\s+(?:analysts at )?|:\s*)$/i;
/** "Acme raises …": who is named right before such a verb is the one that rates. */
const rates =
  /^(?:upgrades|downgrades|raises|lifts|boosts|hikes|cuts|lowers|slashes|trims|increases|initiates|starts|resumes|reiterates|maintains)\b/i;

const agency = /^(?:Moody|Fitch|S&P(?: Global)?(?: Ratings)?$|CRISIL|CARE Ratings|ICRA|DBRS)/i;

/** Kinds that happen to what follows the verb ("the SEC sued Coinbase"); the others to what stands before. */
const passiveKinds: ReadonlySet<EventKind> = new Set(["rating", "litigation", "hack", "listing", "product"]);
/** Neutral news scores nothing, other news at least this much. */
const leastScore = 0.3;
const strong = 0.6;
/** No sentence of prose: a table or a list. */
const longestSentence = 1_000;

function overlaps(one: Span, other: Span): boolean {
  return one.start < other.end && one.end > other.start;
}

function sameClause(sentence: string, one: number, other: number): boolean {
  const between = sentence.slice(Math.min(one, other), Math.max(one, other));
  return between.search(clauseBreak) < 0;
}

/** The clauses of a sentence that a match begins in, and those up to its end, as one span. */
function clauseOf(sentence: string, from: number, to: number): Span {
  let start = 0;
  let end = sentence.length;
  for (const match of sentence.matchAll(clauseBreak)) {
    if (match.index <= from) start = match.index + match[0].length;
    else if (match.index >= to) {
      end = match.index;
      break;
    }
  }
  return { start: Math.min(start, from), end };
}

function matchOf(rule: EventRule, sentence: string): RegExpExecArray | undefined {
  if (rule.unless?.some((pattern) => pattern.test(sentence)) === true) return undefined;
  for (const pattern of rule.says) {
    const match = pattern.exec(sentence);
    if (match !== null) return match;
  }
  return undefined;
}

function directionOf(rule: EventRule, clause: string, whole: string): EventDirection {
  const found =
    rule.directions.find(([pattern]) => pattern.test(clause)) ??
    rule.directions.find(([pattern]) => pattern.test(whole));
  if (found !== undefined) return found[1];
  if (rule.otherwise !== "tone") return rule.otherwise;
  const { label } = scoreText(clause);
  return label === "positive" ? "good" : label === "negative" ? "bad" : "neutral";
}

/** "Pfizer sues …": who goes to court is not the one accused. */
function isPlaintiff(
  kind: EventKind,
  words: string,
  subject: NameMention | undefined,
  trigger: { start: number },
): boolean {
  return (
    kind === "litigation" &&
    /^su(?:es|ed|ing)\b/i.test(words) &&
    subject !== undefined &&
    subject.start < trigger.start
  );
}

function scoreOf(direction: EventDirection, clause: string): number {
  if (direction === "neutral") return 0;
  const sign = direction === "good" ? 1 : -1;
  return sign * Math.max(leastScore, sign * scoreText(clause).score);
}

/** Whom it happens to, of those named in the sentence; places relative to it. */
function subjectsOf(
  kind: EventKind,
  sentence: string,
  mentions: readonly NameMention[],
  trigger: Span,
  clause: Span,
): readonly NameMention[] {
  const fit = mentions.filter(
    ({ start, end }) => !aside.test(sentence.slice(0, start)) && !asideAfter.test(sentence.slice(end)),
  );
  const here = fit.filter(({ start }) => start >= clause.start && start < clause.end);
  const named = here.length > 0 ? here : fit;
  if (kind === "merger") return named;
  const before = named.filter(({ start }) => start < trigger.end);
  if (!passiveKinds.has(kind)) return before.slice(0, 1).concat(named.slice(0, before.length === 0 ? 1 : 0));
  const isRater = ({ start, end }: NameMention) =>
    kind === "rating" &&
    (agency.test(sentence.slice(start, end)) ||
      (trigger.start - end <= 2 && trigger.start >= end && rates.test(sentence.slice(trigger.start))));
  const told = named.filter((one) => !speaker.test(sentence.slice(0, one.start)) && !isRater(one));
  const after = told.filter(({ start }) => start >= trigger.start);
  const chosen = after[0] ?? told.at(-1);
  return chosen === undefined ? [] : [chosen];
}

/**
 * Events that a text tells of, in its order: rules over sentences (rules.ts), each tied to the instruments that it happens
 * to. Questions, history, near misses and sentences about nobody known give none. English.
 */
export function extractEvents(text: string, options: ExtractOptions): TextEvent[] {
  const { finder, publishedMs } = options;
  const events: TextEvent[] = [];
  let lately: readonly string[] = options.about ?? [];
  for (const { start, end } of sentencesOf(text)) {
    if (end - start > longestSentence) continue;
    const sentence = text.slice(start, end);
    const mentions = finder.find(sentence);
    const context = mentions.length === 0 && backReference.test(sentence) ? lately : [];
    if (mentions[0] !== undefined) lately = mentions[0].instrumentIds;
    if (asked.test(sentence) || isHistory(sentence, publishedMs)) continue;
    const taken: Span[] = [];
    for (const rule of eventRules) {
      const match = matchOf(rule, sentence);
      if (match === undefined) continue;
      const trigger = { start: match.index, end: match.index + match[0].length };
      // The same words tell one thing: the more telling kind comes first.
      if (taken.some((one) => overlaps(one, trigger) && sameClause(sentence, one.start, trigger.start)))
        continue;
      if (rule.kind === "macro" && mentions.some((one) => overlaps(one, trigger))) continue;
      const clause = clauseOf(sentence, trigger.start, trigger.end);
      const subjects = subjectsOf(rule.kind, sentence, mentions, trigger, clause);
      const ofEconomy = rule.kind === "macro";
      const instrumentIds = ofEconomy
        ? []
        : subjects.length > 0
          ? [...new Set(subjects.flatMap((one) => one.instrumentIds))]
          : context;
      if (!ofEconomy && instrumentIds.length === 0) continue;
      taken.push(trigger);
      const told = sentence.slice(clause.start, clause.end);
      const direction = isPlaintiff(rule.kind, match[0], subjects[0], trigger)
        ? "neutral"
        : directionOf(rule, told, sentence);
      const score = scoreOf(direction, told);
      const expected = ahead.test(told);
      events.push({
        kind: rule.kind,
        direction,
        score,
        important: marketMoving.has(rule.kind) || Math.abs(score) >= strong,
        expected,
        start,
        end,
        trigger: { start: start + trigger.start, end: start + trigger.end },
        instrumentIds,
        atMs: dayTold(sentence, publishedMs, expected),
      });
    }
  }
  return events;
}
