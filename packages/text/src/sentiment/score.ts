import { badThings, goodThings, hedges, negators, phrases, unchanged, words } from "./words.ts";

/** A word, phrase or number that moved the score. `text.slice(start, end) === text` of it. */
export interface Finding {
  text: string;
  start: number;
  end: number;
  /** Above zero: good news. */
  weight: number;
  why: string;
}

export interface Scored {
  /** In [-1, 1]. */
  score: number;
  label: "positive" | "negative" | "neutral";
}

export interface SentenceScore extends Scored {
  start: number;
  end: number;
}

export interface EntityScore extends Scored {
  entity: string;
  mentions: number;
}

export interface TextScore extends Scored {
  words: Finding[];
  sentences: SentenceScore[];
  entities: EntityScore[];
}

interface Token {
  text: string;
  lower: string;
  start: number;
  end: number;
  /** Clause number: commas do not end one, semicolons and contrasts do. */
  clause: number;
  /** A comma stands before it. */
  comma: boolean;
  /** Inside a phrase that was judged as a whole. */
  taken: boolean;
}

/** At this distance from zero a text stops being neutral. */
export const neutralBelow = 0.25;

/** A score in [-1, 1] in a word. */
export function labelOf(score: number): Scored["label"] {
  return score >= neutralBelow ? "positive" : score <= -neutralBelow ? "negative" : "neutral";
}

function labelled(sum: number): Scored {
  const score = Math.tanh(sum / 1.6);
  return { score, label: labelOf(score) };
}

const clauseEnds = new Set(
  "but while although though however whereas yet even after despite as on amid over with".split(" "),
);

/** Clauses that give a reason or a background rather than the news. */
const background = new Set("despite after as on amid over with".split(" "));

function tokenize(text: string, start: number, end: number): Token[] {
  const tokens: Token[] = [];
  let clause = 0;
  for (const match of text
    .slice(start, end)
    .matchAll(/[$€£₹]?[A-Za-z]+(?:['’][A-Za-z]+)?|[-+]?[$€£₹]?\d[\d,]*(?:\.\d+)?%?|[;:]| - |[–—]/g)) {
    const at = start + match.index;
    const lower = match[0].toLowerCase().replace("’", "'");
    if (/^([;:]| - |[–—])$/.test(match[0])) {
      clause++;
      continue;
    }
    if (clauseEnds.has(lower) && tokens.length > 0) clause++;
    tokens.push({
      text: match[0],
      lower,
      start: at,
      end: at + match[0].length,
      clause,
      comma: /,\s*$/.test(text.slice(Math.max(start, at - 3), at)),
      taken: false,
    });
  }
  return tokens;
}

/** What the direction applies to: +1 where its rise is good, -1 where it is bad. */
function thingOf(tokens: readonly Token[], at: number, transitive: boolean): { sign: 1 | -1; text: string } {
  const { clause } = tokens[at]!;
  const look = (from: number, to: number, step: 1 | -1) => {
    for (let i = from; i !== to && i >= 0 && i < tokens.length; i += step) {
      const token = tokens[i]!;
      if (token.clause !== clause || (step > 0 && token.lower === "and")) return undefined;
      // A comma between a thing and what moves: two statements.
      if (step > 0 ? token.comma : tokens[i + 1]!.comma) return undefined;
      if (badThings.has(token.lower)) return { sign: -1 as const, text: token.text };
      if (goodThings.has(token.lower)) return { sign: 1 as const, text: token.text };
    }
    return undefined;
  };
  const after = () => look(at + 1, at + 5, 1);
  const before = () => look(at - 1, at - 6, -1);
  const found = transitive ? (after() ?? before()) : (before() ?? look(at + 1, at + 4, 1));
  return found ?? { sign: 1, text: "" };
}

/** Is it turned around by a word before it? */
function negatorBefore(tokens: readonly Token[], at: number): Token | undefined {
  for (let i = at - 1; i >= 0 && i >= at - 3; i--) {
    if (tokens[i]!.clause !== tokens[at]!.clause) return undefined;
    if (!tokens[i]!.taken && negators.has(tokens[i]!.lower)) return tokens[i];
  }
  return undefined;
}

function numberOf(text: string): number | undefined {
  const value = Number(text.replaceAll(/[$€£₹,%+]/g, ""));
  return Number.isFinite(value) ? value : undefined;
}

const amount = String.raw`(-?[$€£₹]?\s?\d[\d,]*(?:\.\d+)?)\s*(?:%|pc|per cent|crore|cr|million|mln|mn|m|billion|bln|bn|b|lakh|cents?|points?)?`;
const comparisons: readonly { pattern: RegExp; now: 1 | 2 }[] = [
  {
    pattern: new RegExp(
      String.raw`\bto (?:Rs\.? ?)?${amount} (?:[a-z]+ ){0,4}?from (?:Rs\.? ?)?${amount}`,
      "gi",
    ),
    now: 1,
  },
  {
    pattern: new RegExp(
      String.raw`\bfrom (?:Rs\.? ?)?${amount} (?:[a-z]+ ){0,4}?to (?:Rs\.? ?)?${amount}`,
      "gi",
    ),
    now: 2,
  },
  {
    pattern: new RegExp(
      String.raw`(?:Rs\.? ?|EUR ?)?${amount},? (?:[a-z]+ ){0,4}?(?:compared (?:to|with)|vs\.?|versus|against|as against|up from|down from) (?:a |an |the |Rs\.? ?|EUR ?)*(?:[a-z]+ ){0,4}?(?:Rs\.? ?|EUR ?)?${amount}`,
      "gi",
    ),
    now: 1,
  },
];

/** Numbers that are compared: "to 5 from 3". */
function compared(text: string, start: number, end: number): Finding[] {
  const findings: Finding[] = [];
  const part = text.slice(start, end);
  for (const { pattern, now } of comparisons) {
    for (const match of part.matchAll(pattern)) {
      const first = numberOf(match[1]!.replaceAll(/\s/g, ""));
      const second = numberOf(match[2]!.replaceAll(/\s/g, ""));
      if (first === undefined || second === undefined || first === second) continue;
      const rose = (now === 1 ? first : second) > (now === 1 ? second : first);
      const before = part.slice(Math.max(0, match.index - 60), match.index).toLowerCase();
      const bad = (before.match(/[a-z]+/g) ?? []).some((word) => badThings.has(word));
      const from = start + match.index;
      findings.push({
        text: match[0],
        start: from,
        end: from + match[0].length,
        weight: (rose ? 1 : -1) * (bad ? -1 : 1),
        why: `${rose ? "more" : "less"} than before${bad ? ", of something whose rise is bad" : ""}`,
      });
    }
  }
  return findings;
}

const ratings: readonly { pattern: RegExp; weight: number; why: string }[] = [
  { pattern: /^\W*(?:buy|accumulate|go long)\b(?! now\?)/i, weight: 1.2, why: "a recommendation to buy" },
  {
    pattern: /^\W*(?:sell|short|exit|avoid|reduce)\b(?! now\?)/i,
    weight: -1.2,
    why: "a recommendation to sell",
  },
  {
    pattern:
      /\b(?:maintains?|maintained|reiterates?|reiterated|retains?|retained|initiates?d?|initiated|coverage|starts?|started|assumed?|resumed?|recommends?|rated?|rating|says|gives?|at|as|a) (?:\w+ )?['"‘“]?(?:buy|outperform|overweight|accumulate|add)\b/i,
    weight: 1.1,
    why: "a recommendation to buy",
  },
  {
    pattern:
      /\b(?:maintains?|maintained|reiterates?|reiterated|retains?|retained|initiates?d?|initiated|coverage|starts?|started|assumed?|resumed?|recommends?|rated?|rating|says|gives?|at|as|a) (?:\w+ )?['"‘“]?(?:sell|underperform|underweight|reduce)\b/i,
    weight: -1.1,
    why: "a recommendation to sell",
  },
];

/** Name a rating: which one is better is said by the up- or downgrade beside them. */
const ratingWords = new Set(
  "overweight underweight outperform underperform accumulate positive negative strong".split(" "),
);

function sentenceFindings(
  text: string,
  start: number,
  end: number,
): { findings: Finding[]; tokens: Token[] } {
  const tokens = tokenize(text, start, end);
  const findings: Finding[] = [];
  const take = (from: number, to: number) => {
    for (const token of tokens) if (token.start < to && token.end > from) token.taken = true;
  };
  const free = (from: number, to: number) =>
    !tokens.some((token) => token.taken && token.start < to && token.end > from);
  const part = text.slice(start, end);
  const phrase = (pattern: RegExp, weight: number, why: string) => {
    for (const match of part.matchAll(pattern.global ? pattern : new RegExp(pattern, `${pattern.flags}g`))) {
      const from = start + match.index;
      const to = from + match[0].length;
      if (!free(from, to)) continue;
      const first = tokens.findIndex((token) => token.start >= from);
      const turned = weight !== 0 && first > 0 ? negatorBefore(tokens, first) : undefined;
      take(from, to);
      if (weight === 0 && why !== unchanged) continue;
      findings.push({
        text: match[0],
        start: from,
        end: to,
        weight: turned === undefined ? weight : -0.7 * weight,
        why: turned === undefined ? why : `${why}, turned by “${turned.text}”`,
      });
    }
  };
  for (const { pattern, weight, why } of phrases) phrase(pattern, weight, why);
  const rated = /\b(?:up|down)grad/i.test(part);
  if (!rated) for (const { pattern, weight, why } of ratings) phrase(pattern, weight, why);

  const comparisonsFound = compared(text, start, end);
  for (const finding of comparisonsFound) {
    findings.push(finding);
    take(finding.start, finding.end);
  }

  for (const [i, token] of tokens.entries()) {
    if (token.taken) continue;
    const signed = /^([-+])\$?\d/.exec(token.text);
    if (
      signed !== null &&
      // "15-20%" is a range.
      !/\w|%/.test(text.charAt(token.start - 1)) &&
      (token.text.endsWith("%") || /\beps\b/i.test(part.slice(0, token.start - start)))
    ) {
      const sign = signed[1] === "+" ? 1 : -1;
      findings.push({ ...span(token), weight: 1.1 * sign, why: sign > 0 ? "a rise" : "a fall" });
      continue;
    }
    const word = words.get(token.lower);
    if (word === undefined || (rated && ratingWords.has(token.lower))) continue;
    let weight = word.sign * word.weight;
    let why = word.sign > 0 ? "good news" : "bad news";
    let behind = false;
    if (word.kind === "direction") {
      const thing = thingOf(tokens, i, word.transitive);
      weight *= thing.sign;
      // Where the price went is the market's own verdict.
      if (/^(shares?|stocks?)$/i.test(thing.text)) weight *= 1.5;
      const moves = word.sign > 0 ? "rises" : "falls";
      why = thing.text === "" ? `something ${moves}` : `“${thing.text}” ${moves}`;
      if (thing.sign < 0) why += ", whose rise is bad";
    } else if (badThings.has(token.lower) && movedNearby(tokens, i)) {
      // "losses narrow": the direction speaks for both.
      continue;
    } else if (goodThings.has(token.lower) && movedNearby(tokens, i)) {
      continue;
    }
    const turned = negatorBefore(tokens, i);
    if (turned !== undefined) {
      weight *= -0.7;
      why += `, turned by “${turned.text}”`;
    }
    const opener = tokens.find((one) => one.clause === token.clause);
    if (opener !== undefined && background.has(opener.lower) && opener.clause > 0) {
      weight *= backgroundWeight;
      why += ", in the background";
      behind = true;
    }
    if (
      tokens.slice(Math.max(0, i - 4), i).some((one) => hedges.has(one.lower) && one.clause === token.clause)
    ) {
      weight *= 0.8;
      why += ", hedged";
    }
    const finding = { ...span(token), weight, why };
    findings.push(finding);
    if (behind) inBackground.add(finding);
  }
  return { findings, tokens };
}

function span(token: Token): { text: string; start: number; end: number } {
  return { text: token.text, start: token.start, end: token.end };
}

/** Is there a direction in the same clause that takes this token as its thing? */
function movedNearby(tokens: readonly Token[], at: number): boolean {
  for (let i = Math.max(0, at - 4); i < Math.min(tokens.length, at + 6); i++) {
    const token = tokens[i]!;
    if (i === at || token.taken || token.clause !== tokens[at]!.clause) continue;
    const word = words.get(token.lower);
    if (word?.kind !== "direction") continue;
    if (thingOf(tokens, i, word.transitive).text === tokens[at]!.text) return true;
  }
  return false;
}

const backgroundWeight = 0.4;
/** For the thing that the background is about it is the news. */
const inBackground = new WeakSet<Finding>();

/** A question, or a title that announces an explanation: it asks rather than tells. */
function asks(sentence: string): boolean {
  return (
    /\?["'”’)]?(?:\s|$)/.test(sentence) ||
    /^\W*(?:why|how|what|when|where|which|who|should|is|are|will|can|does|do|here's (?:what|why|how)|here is)\b/i.test(
      sentence,
    )
  );
}

function sentencesOf(text: string): [number, number][] {
  const spans: [number, number][] = [];
  let from = 0;
  for (const match of text.matchAll(/(?<=[.!?]["'”’)]?)\s+(?=["'“‘(]?[A-Z$0-9])|\n+/g)) {
    if (
      /\b(?:vs|rs|inc|corp|ltd|no|mr|mrs|ms|dr|st|co|approx|est|adj|[a-z])\.$/i.test(
        text.slice(from, match.index),
      )
    )
      continue;
    spans.push([from, match.index]);
    from = match.index + match[0].length;
  }
  spans.push([from, text.length]);
  return spans
    .flatMap(([start, end]) => [...shorter(text, start, end)])
    .map(([start, end]): [number, number] => {
      const part = text.slice(start, end);
      return [start + part.length - part.trimStart().length, start + part.trimEnd().length];
    })
    .filter(([start, end]) => end > start);
}

/** What has no end of a sentence for so long is a table or no prose: cut, so that time stays in proportion to length. */
const longestSentence = 2_000;

function* shorter(text: string, start: number, end: number): Generator<[number, number]> {
  let from = start;
  while (end - from > longestSentence) {
    const space = text.lastIndexOf(" ", from + longestSentence);
    const to = space > from ? space : from + longestSentence;
    yield [from, to];
    from = to;
  }
  yield [from, end];
}

const askedWeight = 0.4;

/**
 * Scores a text by rules: what rose or fell and whether that is good, what is judged, numbers that are compared,
 * negation and hedges. English. `entities` are names whose own score is wanted.
 */
export function scoreText(text: string, entities: readonly string[] = []): TextScore {
  const found: Finding[] = [];
  const sentences: SentenceScore[] = [];
  const perEntity = new Map(entities.map((entity) => [entity, { sum: 0, mentions: 0 }]));
  for (const tag of text.matchAll(/\$[A-Z][A-Z.]{0,6}\b/g)) perEntity.set(tag[0], { sum: 0, mentions: 0 });
  let sum = 0;
  for (const [start, end] of sentencesOf(text)) {
    const { findings, tokens } = sentenceFindings(text, start, end);
    const factor = asks(text.slice(start, end)) ? askedWeight : 1;
    for (const finding of findings) {
      finding.weight = Math.round(finding.weight * factor * 1_000) / 1_000;
      if (factor !== 1) finding.why += ", asked rather than told";
    }
    const own = findings.reduce((total, finding) => total + finding.weight, 0);
    sum += own;
    sentences.push({ start, end, ...labelled(own) });
    found.push(...findings);
    const about = aboutMentions(text, start, findings, tokens);
    for (const [entity, state] of perEntity) {
      for (const at of mentionsOf(text, entity, start, end)) {
        state.mentions++;
        state.sum += about(at);
      }
    }
  }
  // A long text says more words for the same news.
  const damped = sum / Math.max(1, Math.sqrt(sentences.length / 2));
  return {
    ...labelled(damped),
    words: found.toSorted((a, b) => a.start - b.start),
    sentences,
    entities: [...perEntity]
      .filter(([, state]) => state.mentions > 0)
      .map(([entity, state]) => ({
        entity,
        mentions: state.mentions,
        ...labelled(state.sum / Math.sqrt(state.mentions)),
      })),
  };
}

function* mentionsOf(text: string, entity: string, start: number, end: number): Generator<number> {
  const lower = text.slice(start, end).toLowerCase();
  const wanted = entity.toLowerCase();
  if (wanted === "") return;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length))
    yield start + at;
}

/** Names the one who says it: "…: Acme Securities", "…, says Acme". */
const attribution =
  /(?::\s*|\b(?:says?|said|according to|by|sees|tells?|told|at)\s+)(?:[\w.&'’-]+,?\s+){0,3}$/i;

/** What is said of a mention: findings of its own clause in full, else half of all; nothing of one who only says it. */
function aboutMentions(
  text: string,
  start: number,
  findings: readonly Finding[],
  tokens: readonly Token[],
): (at: number) => number {
  // Clauses begin in the tokens' order: found by halving, since a text may hold thousands of mentions.
  const begins: number[] = [];
  for (const token of tokens) if (begins[token.clause] === undefined) begins[token.clause] = token.start;
  const clauseAt = (place: number) => {
    let low = 0;
    let high = begins.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      // A clause without words has no beginning of its own: that of the next one.
      const begin = begins.slice(middle, middle + 20).find((one) => one !== undefined) ?? Infinity;
      if (begin <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const sums = new Map<number, number>();
  for (const finding of findings) {
    const clause = clauseAt(finding.start);
    const weight = finding.weight * (inBackground.has(finding) ? 1 / backgroundWeight : 1);
    sums.set(clause, (sums.get(clause) ?? 0) + weight);
  }
  const whole = findings.reduce((sum, finding) => sum + finding.weight, 0);
  const lastStart = Math.max(-1, ...findings.map((finding) => finding.start));
  return (at) => {
    const says = attribution.test(text.slice(Math.max(start, at - 120), at));
    if (lastStart >= 0 && lastStart <= at && says) return 0;
    return sums.get(clauseAt(at)) ?? 0.5 * whole;
  };
}
