import { editDistance } from "@tapedeck/core";
import type { ChunkHit } from "@tapedeck/core";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import { allowedErrors } from "../names.ts";
import { passageOf } from "../passage.ts";
import { defineFamily } from "./family.ts";

const stop = new Set(
  "a an the what is are was were do does did how why when which who of for in on at to from by with and or it its this that as be been being can could would should will i you me my we our your explain define definition meaning mean describe tell about difference between formula interpret calculated computed used use work works vs versus compared compare into than then there their they them please give show exactly simple words term concept idea good bad one any some much many most more mathematically actually measure measured".split(
    " ",
  ),
);

/** Word stems, enough to match a plural with its singular and "sizing" with "size". */
function stem(word: string): string {
  const cut = singular(word);
  return cut.length > 3 && cut.endsWith("e") ? cut.slice(0, -1) : cut;
}

function singular(word: string): string {
  if (word.length > 4 && word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  if (word.length > 5 && word.endsWith("ing")) return word.slice(0, -3);
  if (word.length > 4 && /(?:ches|shes|xes|sses)$/.test(word)) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith("s") && !word.endsWith("ss")) return word.slice(0, -1);
  return word;
}

function terms(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[a-z]\/[a-z]|[a-z0-9&]+/g) ?? [])]
    .filter((word) => !stop.has(word) && word.length > 1)
    .map(stem);
}

interface Sentence {
  text: string;
  start: number;
  end: number;
}

/** Sentences of a passage with their places; headings, tables and list marks are left out. */
export function splitSentences(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  let offset = 0;
  for (const block of text.split(/(\n\s*\n|\n(?=[-*|#>]|\d+\. ))/)) {
    const start = offset;
    offset += block.length;
    if (/^\s*(?:[#|>]|```)/.test(block) || block.trim() === "") continue;
    for (const match of block.matchAll(/[^.!?]+(?:[.!?](?!\s|$)[^.!?]*)*[.!?]?/g)) {
      const lead = /^\s*(?:[-*]\s+|\d+\.\s+)?/.exec(match[0])![0].length;
      const body = match[0].slice(lead).trimEnd();
      if (body.length < 20 || !/[.!?)]$/.test(body)) continue;
      const from = start + match.index + lead;
      sentences.push({ text: body, start: from, end: from + body.length });
    }
  }
  return sentences;
}

interface Ranked {
  hit: ChunkHit;
  sentence: Sentence;
  score: number;
}

/** A term that no passage holds is read as the nearest word that one does, within the errors of typing. */
function spelled(wanted: readonly string[], hits: readonly ChunkHit[]): string[] {
  const words = new Set(terms(hits.map((hit) => `${hit.title} ${hit.section} ${hit.text}`).join(" ")));
  return wanted.map((term) => {
    if (words.has(term)) return term;
    let least = allowedErrors(term.length) + 1;
    let best = term;
    for (const word of words) {
      if (word.length < 5 || Math.abs(word.length - term.length) >= least) continue;
      const distance = editDistance(term, word);
      if (distance < least) [least, best] = [distance, word];
    }
    return best;
  });
}

/** Share of the question's terms that a text holds. */
function coverage(wanted: readonly string[], text: string): number {
  const words = new Set(terms(text));
  return wanted.filter((term) => words.has(term)).length / wanted.length;
}

/** The same, less where a heading names more than is asked for: "Stochastic RSI" is not "Relative strength index (RSI)". */
function headingMatch(wanted: readonly string[], heading: string): number {
  const matches = [heading, ...heading.split(/[()]/)].map((name) => {
    const named = terms(name);
    const asked = named.filter((term) => wanted.includes(term)).length;
    return (coverage(wanted, name) * (1 + asked / Math.max(1, named.length))) / 2;
  });
  return Math.max(...matches);
}

/** Parts of an article that a question can ask for by name. */
const sections = [
  {
    asked:
      /\b(?:pitfalls?|limitations?|limits|weakness(?:es)?|drawbacks?|dangers?|caveats?|shortcomings?|problems?)\b/,
    section: /pitfall/i,
  },
  { asked: /\b(?:formula|calculated|computed)\b/, section: /formula/i },
] as const;

/** The passages of the part that is asked for, in articles about the rest of the question; none where no part is. */
function askedSection(hits: readonly ChunkHit[], question: string): ChunkHit[] {
  const part = sections.find(({ asked }) => asked.test(question));
  if (part === undefined) return [];
  const about = spelled(terms(question.replaceAll(new RegExp(part.asked, "g"), " ")), hits);
  if (about.length === 0) return [];
  return hits.filter((hit) => part.section.test(hit.section) && coverage(about, hit.title) === 1);
}

function rank(hits: readonly ChunkHit[], wanted: readonly string[], question: string): Ranked[] {
  const wantsWhy = / (?:why|pitfalls?|risks?|limitations?|wrong|problems?|mislead\w*|drawbacks?) /.test(
    question,
  );
  const wantsFormula = / (?:formula|calculated|computed|calculate|compute|measured) /.test(question);
  const wantsReading = / (?:interpret|interpreted|read|reading|used?|using|tell|say|signal) /.test(question);
  const ranked: Ranked[] = [];
  hits.forEach((hit, order) => {
    const title = headingMatch(wanted, hit.title);
    const section = headingMatch(wanted, hit.section);
    splitSentences(hit.text).forEach((sentence, place) => {
      const own = coverage(wanted, sentence.text);
      const defines = /\b(?:is|are|means|measures|describes|refers to|compares|counts|equals|shows)\b/.test(
        sentence.text.slice(0, 120),
      );
      let score = own * 2 + title * 3 + section * 1.5 + 1 / (2 + order) - place * 0.08;
      if (defines && place === 0) score += 0.6;
      if (
        wantsFormula &&
        (/[=×÷/]|divided|minus|times/.test(sentence.text) || /formula|comput|calculat/i.test(hit.section))
      )
        score += 0.8;
      if (wantsReading && /reading|interpret|use/i.test(hit.section)) score += 2.5;
      if (
        wantsWhy &&
        /pitfall|limit|risk|caution|mislead|wrong|fail/i.test(`${hit.section} ${sentence.text}`)
      )
        score += 1;
      if (!wantsWhy && /pitfall|limit/i.test(hit.section)) score -= 0.5;
      ranked.push({ hit, sentence, score });
    });
  });
  return ranked.sort((a, b) => b.score - a.score);
}

const wantedSentences = 3;

/** "Its upward crossing is …" says nothing without the sentence before it. */
function leadIn(best: Ranked, ranked: readonly Ranked[]): number {
  const { start, text } = best.sentence;
  if (!/^(?:its?|they|their|this|these|those|such|he|she|both|equivalently|then|here)\b/i.test(text))
    return start;
  const before = ranked.filter((one) => one.hit.id === best.hit.id && one.sentence.start < start);
  return before.reduce((latest, one) => Math.max(latest, one.sentence.start), before.length > 0 ? 0 : start);
}

/** Definitions and explanations: sentences of the knowledge base as they stand. */
export const definition = defineFamily<{ query: string }>({
  name: "definition",
  takes: ["anything"],
  about:
    "What a term of markets, indicators, strategies or risk means, how it is computed, what its pitfalls are",
  examples: [
    "What is a drawdown?",
    "How is the RSI calculated?",
    "What is the difference between a simple and an exponential moving average?",
    "What are the pitfalls of the RSI?",
  ],
  understand(q) {
    if (!q.any("define", "compare", "why")) return undefined;
    const query = q.original.replaceAll(/[?!]/g, " ").trim();
    return terms(query).length > 0 ? { query } : undefined;
  },
  async run(args, tools) {
    const hits = await tools.searchKnowledge(args.query, 12);
    const wanted = spelled(terms(args.query), hits);
    const near = hits.filter((hit) => coverage(wanted, `${hit.title} ${hit.section} ${hit.text}`) >= 0.6);
    // Thin evidence: no passage holds the terms that the question is about.
    const told = near.filter(
      (hit) =>
        coverage(wanted, `${hit.title} ${hit.section} ${hit.topic}`) > 0 || coverage(wanted, hit.text) === 1,
    );
    if (told.length === 0) {
      throw new Declined(`The knowledge base holds nothing that answers this (${wanted.join(", ")}).`, {
        suggestions: [...new Set(hits.map((hit) => hit.title))]
          .slice(0, 3)
          .map((title) => `What is ${title}?`),
      });
    }
    const part = askedSection(hits, args.query.toLowerCase());
    const ranked = rank(part.length > 0 ? part : told, wanted, ` ${args.query.toLowerCase()} `);
    const best = ranked[0];
    if (best === undefined)
      throw new Declined("The knowledge base names this, but says nothing in sentences about it.");
    // From the best sentence on: it and those that follow in its passage, then the best of another passage.
    const lead = leadIn(best, ranked);
    const inPassage = ranked
      .filter((one) => one.hit.id === best.hit.id && one.sentence.start >= lead)
      .sort((a, b) => a.sentence.start - b.sentence.start);
    // An article about just what was asked is not mixed with others that name it.
    const whole = coverage(wanted, best.hit.title) === 1;
    const elsewhere =
      part.length > 0
        ? undefined
        : ranked.find(
            (one) =>
              one.hit.id !== best.hit.id &&
              (!whole || one.hit.documentId === best.hit.documentId) &&
              one.score > best.score * 0.6 &&
              coverage(wanted, `${one.hit.title} ${one.sentence.text}`) === 1,
          );
    const chosen = [...inPassage.slice(0, wantedSentences), ...(elsewhere === undefined ? [] : [elsewhere])];
    return { drafts: chosen.map(({ hit, sentence }) => passageDraft(hit, sentence)) };
  },
});

export function passageDraft(hit: ChunkHit, sentence: Sentence): Draft {
  return {
    text: sentence.text.replaceAll(/\s+/g, " "),
    cite: [passageOf(hit, sentence)],
    names: [],
  };
}
