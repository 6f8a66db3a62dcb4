import { sentencesOf } from "./sentences.ts";
import type { Sentence } from "./sentences.ts";
import { termsOf } from "./terms.ts";

/** A sentence that speaks of a subject. */
export interface Mention extends Sentence {
  /** How much of the subject it and its neighbours hold, in (0, 1]. */
  score: number;
}

/** Words that speakers and writers use for the same; each line is one idea. */
const ideas: readonly (readonly string[])[] = [
  ["guidance", "outlook", "guide", "guided", "guiding", "forecast", "expect", "expects", "expected"],
  ["margin", "margins", "profitability"],
  ["capex", "capital expenditure", "capital expenditures", "capital spending"],
  ["buyback", "buybacks", "repurchase", "repurchases", "repurchased"],
  ["layoffs", "job cuts", "redundancies", "workforce reduction", "headcount reduction"],
  ["headcount", "employees", "hiring", "workforce", "staff"],
  ["revenue", "revenues", "sales", "top line"],
  ["profit", "profits", "earnings", "net income"],
  ["price", "prices", "pricing"],
  ["inventory", "inventories", "stock levels"],
  ["fx", "currency", "currencies", "foreign exchange"],
  ["ai", "artificial intelligence"],
  ["acquisition", "acquisitions", "acquired", "takeover", "merger", "mergers"],
  ["competition", "competitor", "competitors", "rival", "rivals"],
  ["debt", "borrowings", "leverage"],
  ["valuation", "valued", "multiple", "multiples", "overvalued", "undervalued"],
].map((line) => line.map((words) => termsOf(words).join(" ")));

/** A term, and the ways in which texts write the idea that it stands for. */
function waysOf(term: string): readonly string[] {
  return ideas.find((idea) => idea.includes(term)) ?? [term];
}

const holds = (terms: string, ways: readonly string[]) => ways.some((way) => terms.includes(` ${way} `));
const joined = (text: string) => ` ${termsOf(text).join(" ")} `;

/** Of three or more terms one may be missing near a sentence that speaks of the subject. */
const sureTerms = 2;

/**
 * The sentences of a text that speak of a subject, in their order: each holds at least half of its terms, and, together
 * with its neighbours and `context` (the question that it answers, a title), all of them, or all but one of three or
 * more. `terms` are those of `termsOf`; none: every sentence. A sentence that has no verb or end, such as a heading, is none.
 */
export function mentionsOf(text: string, terms: readonly string[], context = ""): Mention[] {
  const sentences = sentencesOf(text).filter(({ start, end }) =>
    /[.!?]["”’)]?$/.test(text.slice(start, end)),
  );
  const held = sentences.map(({ start, end }) => joined(text.slice(start, end)));
  const about = joined(context);
  const wanted = terms.map(waysOf);
  const least = wanted.length <= sureTerms ? wanted.length : wanted.length - 1;
  return sentences.flatMap((sentence, at): Mention[] => {
    const own = wanted.filter((ways) => holds(held[at]!, ways)).length;
    const near = [held[at - 1] ?? " ", held[at]!, held[at + 1] ?? " ", about];
    const around = wanted.filter((ways) => near.some((one) => holds(one, ways))).length;
    if (around < least || own < wanted.length / 2) return [];
    return [{ ...sentence, score: wanted.length === 0 ? 1 : (own + around) / (2 * wanted.length) }];
  });
}

/** Does a text hold all of the terms, in one of their ways each? */
export function speaksOf(text: string, terms: readonly string[]): boolean {
  const held = joined(text);
  return terms.every((term) => holds(held, waysOf(term)));
}
