import { termsOf } from "./terms.ts";

/** A passage that a search found for a question. */
export interface FoundPassage {
  title: string;
  text: string;
}

export interface Answerable {
  /** none: nothing was found; thin: what was found hardly shares its words; unclear: it fits several subjects alike. */
  verdict: "answerable" | "none" | "thin" | "unclear";
  /** In [0, 1]: how much speaks for an answer; comparable between questions. */
  confidence: number;
}

/** Share of the question's words under which the passages found are about something else. */
const leastCoverage = 0.2;
/** From so many subjects on, a question that names none of them could mean any. */
const manySubjects = 3;
const pointing = /\b(the|this|that|these|those|my)\s+(?:\p{L}+['’]?\p{L}*\s+){0,2}\p{L}+/iu;

function subjectsOf(passages: readonly FoundPassage[]): string[] {
  const bare = passages.map(({ title }) =>
    title
      .replaceAll(/\(.*?\)|\|.*$/g, " ")
      .replaceAll(/\s+/g, " ")
      .trim()
      .toLowerCase(),
  );
  return [...new Set(bare)].filter((title) => title !== "");
}

/**
 * Can a question be answered from the passages that were found for it? `earlier` is what was said before it in the
 * conversation: a subject named there is named.
 */
export function judgeAnswerable(
  question: string,
  earlier: readonly string[],
  passages: readonly FoundPassage[],
): Answerable {
  if (passages.length === 0) return { verdict: "none", confidence: 0 };
  const asked = [...new Set(termsOf(question))];
  const held = new Set(passages.flatMap(({ title, text }) => termsOf(`${title} ${text}`)));
  const coverage = asked.length === 0 ? 1 : asked.filter((term) => held.has(term)).length / asked.length;
  const subjects = subjectsOf(passages);
  const said = new Set(termsOf([question, ...earlier.slice(-4)].join(" ")));
  const named = subjects.filter((subject) => termsOf(subject).some((term) => said.has(term))).length;
  const openSubjects = pointing.test(question) ? subjects.length : 0;
  const confidence = (0.3 + 0.7 * coverage) / (1 + Math.max(0, openSubjects - 1) * 0.25);
  if (coverage < leastCoverage) return { verdict: "thin", confidence };
  const several = openSubjects >= manySubjects && named !== 1;
  return { verdict: several ? "unclear" : "answerable", confidence };
}
