import { termsOf } from "./terms.ts";

/** A sentence of a text: text.slice(start, end). */
export interface Sentence {
  start: number;
  end: number;
}

const ending =
  /[.!?]["”’)]?(?<!\b(?:Inc|Corp|Ltd|Co|No|U\.S|approx|vs|e\.g|i\.e|Mr|Ms|Dr)\.)\s+(?=[\p{Lu}("“])/gu;

/** Between paragraphs, and after a short line that ends like a heading. */
const breaks = /(\n\s*\n|(?<=(?:^|\n)[^\n]{1,60}[^\n.,;:!?])\n(?=\p{Lu}))/u;

/** Sentences of a text in order; an abbreviation or a figure ends none. A blank line and a heading do. */
export function sentencesOf(text: string): Sentence[] {
  const sentences: Sentence[] = [];
  let paragraph = 0;
  for (const block of text.split(breaks)) {
    let from = paragraph;
    for (const match of block.matchAll(ending)) {
      const to = paragraph + match.index + match[0].length;
      add(from, to);
      from = to;
    }
    add(from, paragraph + block.length);
    paragraph += block.length;
  }
  return sentences;

  function add(from: number, to: number): void {
    const part = text.slice(from, to);
    const start = from + (part.length - part.trimStart().length);
    const end = start + part.trim().length;
    if (end > start) sentences.push({ start, end });
  }
}

export interface RankedSentence extends Sentence {
  /** Share of the question's words that it holds, in [0, 1]. */
  share: number;
}

/** A sentence that holds less of the question is about something else. */
const leastShare = 0.5;
/** Shorter ones are headings, longer ones tables that were cut out as text. */
const shortest = 30;
const longest = 700;

/** Sentences that hold at least half of a question's words, `known` names aside; most of it first, then by place. */
export function bestSentences(question: string, text: string, known: readonly string[]): RankedSentence[] {
  const names = new Set(known.flatMap((name) => termsOf(name)));
  const asked = [...new Set(termsOf(question))].filter(
    (term) => !names.has(term) && !/^(fy)?(19|20)\d\d$/.test(term),
  );
  if (asked.length === 0) return [];
  return sentencesOf(text)
    .filter(
      ({ start, end }) =>
        end - start >= shortest && end - start <= longest && /[.!?]["”’)]?$/.test(text.slice(start, end)),
    )
    .map(({ start, end }) => {
      const held = new Set(termsOf(text.slice(start, end)));
      return { start, end, share: asked.filter((term) => held.has(term)).length / asked.length };
    })
    .filter(({ share }) => share >= leastShare)
    .toSorted((one, other) => other.share - one.share);
}
