import { pageBreak } from "./contract.ts";

/** A passage: `text.slice(start, end)`. */
export interface Passage {
  section: string;
  start: number;
  end: number;
}

/** Passages aim at this many characters at most: enough for a definition with its formula, little enough to cite. */
export const passageLength = 1_200;

/**
 * Cuts a document into passages, section by section (`#`, `##`, `###` lines start one), at paragraphs, then sentences,
 * then words. Headings are not part of passages. What stands before the first heading is section "". Where form feeds
 * stand between pages, each page is a section ("Page 1"). Deterministic.
 */
export function passagesOf(text: string, most: number = passageLength): Passage[] {
  const passages: Passage[] = [];
  const sections = text.includes(pageBreak) ? pagesOf(text) : sectionsOf(text);
  for (const { section, start, end } of sections) {
    let open: Passage | undefined;
    for (const [from, to] of pieces(text, start, end, most)) {
      if (open !== undefined && to - open.start <= most) {
        open.end = to;
      } else {
        open = { section, start: from, end: to };
        passages.push(open);
      }
    }
  }
  return passages;
}

function pagesOf(text: string): Passage[] {
  let start = 0;
  return text.split(pageBreak).map((page, at) => {
    const passage = { section: `Page ${at + 1}`, start, end: start + page.length };
    start = passage.end + pageBreak.length;
    return passage;
  });
}

function sectionsOf(text: string): Passage[] {
  const sections: Passage[] = [];
  let section = "";
  let start = 0;
  // Headings inside code fences are code.
  for (const match of text.matchAll(/^(```|~~~)[\s\S]*?^\1[^\n]*$|^#{1,3}[ \t]+(.+?)[ \t#]*$/gm)) {
    if (match[2] === undefined) continue;
    sections.push({ section, start, end: match.index });
    section = match[2].replaceAll(/[*_`]/g, "").trim();
    start = match.index + match[0].length;
  }
  sections.push({ section, start, end: text.length });
  return sections;
}

/** Spans without the white space around them, none longer than `most` (unless one word is). */
function* pieces(text: string, start: number, end: number, most: number): Generator<[number, number]> {
  for (const [from, to] of split(text, start, end, /\n[ \t]*\n\s*/g)) {
    if (to - from <= most) {
      yield [from, to];
      continue;
    }
    for (const [first, last] of split(text, from, to, /(?<=[.!?]["')\]]?)\s+(?=["'([]?[\p{Lu}\p{N}])/gu)) {
      if (last - first <= most) yield [first, last];
      else yield* words(text, first, last, most);
    }
  }
}

function* split(text: string, start: number, end: number, at: RegExp): Generator<[number, number]> {
  const part = text.slice(start, end);
  let from = 0;
  for (const match of part.matchAll(at)) {
    yield* trimmed(text, start + from, start + match.index);
    from = match.index + match[0].length;
  }
  yield* trimmed(text, start + from, end);
}

function* trimmed(text: string, start: number, end: number): Generator<[number, number]> {
  const part = text.slice(start, end);
  const from = start + (part.length - part.trimStart().length);
  const to = end - (part.length - part.trimEnd().length);
  if (to > from) yield [from, to];
}

function* words(text: string, start: number, end: number, most: number): Generator<[number, number]> {
  let from = start;
  let to = start;
  for (const match of text.slice(start, end).matchAll(/\S+/g)) {
    const last = start + match.index + match[0].length;
    if (last - from > most && to > from) {
      yield [from, to];
      from = start + match.index;
    }
    to = last;
  }
  if (to > from) yield [from, to];
}
