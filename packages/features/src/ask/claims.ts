import type { Draft } from "./answer.ts";
import { checkSentence } from "./guard.ts";

/** What no computation shows: only a text that is cited may say it. */
const claims: Record<string, RegExp> = {
  "gives advice":
    /\b(?:should|ought|recommend(?:s|ed|ation)?|advis(?:e|es|ed|able)|worth (?:buying|selling|holding)|(?:good|right|perfect|best) (?:time|moment)|time to (?:buy|sell)|go (?:long|short)|must[- ](?:buy|have|own|sell))\b|(?:^|[.:;,!]\s+|\b(?:please|now|so|to|and|investors|readers?) )(?:buy|sell|short|avoid)\b(?! and hold|ing)/i,
  "makes a forecast":
    /\b(?:will|won't|shall|going to|set to|bound to|about to|likely|poised|tomorrow|forecasts?|predict(?:s|ed|ion)?|outlook|price target|upside|(?:expect(?:s|ed)?|certain|sure) to)\b|'ll\b/i,
  "names a cause":
    /\b(?:because|since its|due to|owing to|thanks to|caus(?:e|es|ed)|result(?:s|ed)? (?:of|from)|led to|driven by|drove|triggered by|amid|reacted|in response|blamed?|sent the|explains?|why)\b/i,
  "passes a judgement":
    /\b(?:saf(?:e|er|ely)|safest|certain(?:ly|ty)?|sure(?:ly)?|definitely|guarantee[ds]?|risk-free(?! rate)|undoubtedly|fraud\w*|cheat\w*|under-?valued|overvalued|cheap|bargain)\b/i,
};
/** Shares of a sentence's words that its evidence must hold. */
const leastOfClaim = 0.8;
const leastOfPassage = 0.8;

/** Words that turn a value into a claim about others: a tool must have said them of the same evidence. */
const turning: Record<string, RegExp> = {
  "a negation": /\b(?:not|no|never|none|nor|neither|nothing|without|hardly|barely|failed|[a-z]+n['’]t)\b/gi,
  "a superlative":
    /\b(?:best|worst|most|least|highest|lowest|largest|smallest|biggest|greatest|steepest|deepest|longest|shortest|strongest|weakest|record|all-time|first|last|latest|newest|only|ever|always|every|unprecedented)\b/gi,
  "a comparison":
    /\b(?:more|less|than|better|worse|higher|lower|larger|smaller|above|below|beyond|ahead|behind|outperform\w*|underperform\w*|beat|beats|exceed\w*|compared|relative|against|versus|twice|similar|same|unlike)\b/gi,
  "a rate":
    /\b(?:daily|weekly|monthly|quarterly|yearly|annual\w*|compound\w*|average\w*|mean|median|typical\w*|(?:a|an|per|each) (?:day|week|month|quarter|year))\b/gi,
  "an order of time":
    /\b(?:since|until|after|afterwards|before|earlier|later|following|previous\w*|ago|recent\w*|now|today|yesterday|currently|again|still)\b/gi,
};
const rising =
  /\b(?:rose|risen|rises?|gain\w*|climb\w*|increas\w*|advanc\w*|grew|grown|up|jump\w*|soar\w*|rall(?:y|ied))\b/i;
const falling =
  /\b(?:fell|fallen|falls?|los[est]\w*|loss\w*|declin\w*|dropp?\w*|decreas\w*|down|plung\w*|crash\w*|slid|sank|shed)\b/i;
/** Words in which any value may be told; a direction is checked by its sign. */
const neutral = new Set(
  "the its it and that this these which who what was were are is been being had has have did does for from with into within over during through throughout between when where while then also there here about roughly nearly approximately around data shows show showed according reading read value values figure level levels price point points percent ratio per cent closed close closing closes ended finished stood reached traded came year whole entire period market index stock share instrument session bar told equal equals amounted number total both".split(
    " ",
  ),
);

/** What is known besides a sentence and its evidence. */
export interface Known {
  /** Sentences that tools wrote about some of the same evidence. */
  told: readonly string[];
  /** The ids of the instruments that a text names, in order. */
  mentions(text: string): readonly string[];
}

/** Why a sentence says more than the evidence that it cites, besides its numbers; undefined where it does not. */
export function overclaim(draft: Draft, known: Known): string | undefined {
  const { text, cite } = draft;
  const texts = cite.flatMap(toldBy);
  const said = contentWords(text);
  for (const [claim, pattern] of Object.entries(claims)) {
    if (!pattern.test(text)) continue;
    if (!texts.some((one) => pattern.test(one) && shareHeld(said, one) >= leastOfClaim))
      return `it ${claim} that no cited text holds`;
  }
  const data = cite.filter(({ kind }) => kind !== "passage");
  return data.length === 0 ? misquote(text, said, cite) : overstated(draft, data, known);
}

/** Why a sentence says more than these items of data do, besides its numbers. */
function overstated(draft: Draft, data: Draft["cite"], known: Known): string | undefined {
  const { text, cite, names } = draft;
  const { bound } = checkSentence(
    text,
    data.map((item) => ({ item, names })),
  );
  const named = data.flatMap(toldBy).some((value) => value !== "" && text.includes(value));
  // What stands in brackets says how a value was worked out, not what happened.
  const told = known.told.map((one) => one.replaceAll(/\([^()]*\)/g, ""));
  const held: Held = { ...known, told, values: valuesBeside(names) };
  if (bound === 0 && !named && !clausesOf(text).every((clause) => isTold(clause, held)))
    return "it tells no value of the data that it cites";
  const evidence = `${JSON.stringify(data)} ${[...names, ...cite.flatMap(toldBy), ...told].join(" ")}`;
  const strange = contentWords(text).filter(
    (word) =>
      !neutral.has(word) && !rising.test(word) && !falling.test(word) && shareHeld([word], evidence) < 1,
  );
  if (strange.length > 0) return `its data does not say "${strange[0]!}"`;
  return (
    misdirected(draft, told) ??
    reversed(draft, told) ??
    clausesOf(text)
      .map((clause) => unboundClause(clause, draft, held))
      .find((why) => why !== undefined)
  );
}

/** Of a sentence that rests on passages alone: its words are those of one of them, and it denies what that denies. */
function misquote(text: string, said: readonly string[], cite: Draft["cite"]): string | undefined {
  const negates = (one: string) => one.match(turning["a negation"]!) !== null;
  const held = cite.some(
    (item) =>
      item.kind === "passage" &&
      negates(item.text) === negates(text) &&
      shareHeld(said, `${item.text} ${item.title} ${item.section}`) >= leastOfPassage,
  );
  return held ? undefined : "its passages do not say it";
}

/** A rise or fall that neither the sign of a cited return nor a tool's sentence shows. */
function misdirected({ text, cite }: Draft, told: readonly string[]): string | undefined {
  const returns = cite.flatMap((item) =>
    "unit" in item && item.unit === "return" && item.value !== null ? [item.value] : [],
  );
  for (const [direction, sign] of [
    [rising, 1],
    [falling, -1],
  ] as const) {
    if (!direction.test(text)) continue;
    const shown =
      returns.some((value) => Math.sign(value) === sign) || told.some((one) => direction.test(one));
    if (!shown) return "its data shows no such direction";
  }
  return undefined;
}

/** The parts of a sentence that say one thing each; an id in brackets belongs to the name before it. */
function clausesOf(text: string): string[] {
  return text
    .replaceAll(/ \([\w./-]+\.[A-Z]+\)/g, "")
    .split(/[;:()]|,(?!\d)|\b(?:and|but|while|whereas|then|(?:from|to)(?= \d))\b/)
    .map((clause) => clause.trim())
    .filter((clause) => clause !== "");
}

const numbers = /\d[\d,.]*\d|\d/g;
const dates =
  /\b(?:\d{4}-\d\d-\d\d|(?:\d{1,2} )?(?:January|February|March|April|May|June|July|August|September|October|November|December)(?: \d{4})?|(?:18|19|20)\d\d)\b/g;

interface Held extends Known {
  /** The numbers of a text besides its dates and names. */
  values(text: string): readonly string[];
}

function valuesBeside(names: readonly string[]): Held["values"] {
  const own = names.filter((name) => /\d/.test(name) && name.match(dates) === null);
  return (text) =>
    own.reduce((rest, name) => rest.replaceAll(name, " "), text.replaceAll(dates, " ")).match(numbers) ?? [];
}

/** Did a tool say the same, word for word? */
function isTold(clause: string, known: Held): boolean {
  return known.told
    .flatMap(clausesOf)
    .some((told) => sameMatter(clause, told, known) && shareHeld(contentWords(clause), told) === 1);
}

/** Are the words of one list among those of another, in its order? */
function isWithin(some: readonly string[], all: readonly string[]): boolean {
  let at = 0;
  for (const one of all) if (one === some[at]) at++;
  return at === some.length;
}

/** Does a tool's clause say the same numbers in the same order, at the same times, of the same instruments? */
function sameMatter(clause: string, told: string, known: Held): boolean {
  return (
    isWithin(known.values(clause), known.values(told)) &&
    (clause.match(dates) ?? []).every((date) => told.includes(date)) &&
    known.mentions(clause).every((id, at) => known.mentions(told)[at] === id)
  );
}

/** Why the values, times, names and turning words of a clause do not belong together. */
function unboundClause(clause: string, { cite, names }: Draft, known: Held): string | undefined {
  const mentioned = known.mentions(clause);
  const values = known.values(clause);
  const times = clause.match(dates) ?? [];
  const tolds = known.told.flatMap(clausesOf).filter((told) => sameMatter(clause, told, known));
  if (values.length + times.length > 0) {
    const held = cite.some(
      (item) =>
        checkSentence(clause, [{ item, names }]).ok &&
        (mentioned.length === 0 || !("instrumentId" in item) || mentioned.includes(item.instrumentId)),
    );
    if (!held && tolds.length === 0) return "no single item of its evidence holds a clause of it";
  }
  // A value of one day lies in its month and year, but is not theirs.
  const isLoose = values.length > 0 && times.some((time) => !/^\d{1,2} |-/.test(time));
  if ((values.length > 1 || isLoose) && tolds.length === 0) return "no tool told these values together";
  for (const [claim, pattern] of Object.entries(turning)) {
    for (const [word] of clause.matchAll(pattern)) {
      const whole = new RegExp(`\\b${word}\\b`, "i");
      if (!tolds.some((told) => whole.test(told)))
        return `it makes ${claim}, "${word}", that no tool told of its evidence`;
    }
  }
  return undefined;
}

/** A value that it says something came from, or went to, where no tool told it that way. */
function reversed({ text }: Draft, told: readonly string[]): string | undefined {
  for (const [way] of text.matchAll(/\b(?:from|to) [\d,.]*\d/g)) {
    if (!told.some((one) => one.includes(way))) return `no tool told "${way}"`;
  }
  return undefined;
}

/** What an item says in words. */
function toldBy(item: Draft["cite"][number]): string[] {
  switch (item.kind) {
    case "passage":
      return [item.text];
    case "record":
      return Object.values(item.values).filter((value) => typeof value === "string");
    case "job":
    case "account":
      return typeof item.value === "string" ? [item.value] : [];
    default:
      return [];
  }
}

const contentWords = (text: string) => [...new Set(text.toLowerCase().match(/[a-z]{3,}/g) ?? [])];

/** Six letters tell whether a text speaks of the same; the humps of a pointer's name are words. */
function shareHeld(said: readonly string[], text: string): number {
  const stem = (word: string) => word.slice(0, 6);
  const held = new Set(contentWords(text.replaceAll(/([a-z])([A-Z])/g, "$1 $2")).map(stem));
  return said.filter((word) => held.has(stem(word))).length / Math.max(1, said.length);
}
