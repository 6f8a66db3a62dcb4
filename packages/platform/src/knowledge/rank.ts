import type { Chunk, ChunkHit } from "@tapedeck/core";
import { queryTerms, termsOf } from "@tapedeck/text";
import { readPeriods } from "@tapedeck/text/filings/index";
import type { Periods } from "@tapedeck/text/filings/index";
import type { QueryTerms } from "@tapedeck/text";

/** A passage that the index found, with what the index gave it; larger is better. */
export interface Candidate {
  chunk: Chunk;
  /** Terms of its title, section and text, in order, as they were indexed. */
  terms: readonly string[];
  score: number;
}

/** How many the index is asked for, so that re-ranking has something to choose from. */
export function candidatesFor(limit: number): number {
  return Math.max(50, limit * 5);
}

/** Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009), k = 60: lists of ranked passages become one. */
export function fuse(lists: readonly (readonly Candidate[])[]): Candidate[] {
  const fused = new Map<string, Candidate>();
  for (const list of lists) {
    for (const [rank, { chunk, terms }] of list.entries()) {
      const entry = fused.get(chunk.id) ?? { chunk, terms, score: 0 };
      entry.score += 1 / (60 + rank + 1);
      fused.set(chunk.id, entry);
    }
  }
  return [...fused.values()].toSorted((a, b) => b.score - a.score);
}

/** What a question wants to know of its subject, and the sections that tell it. */
const facets: readonly { asks: RegExp; section: RegExp; defines: boolean }[] = [
  {
    asks: /\b(pitfalls?|limits?|limitations?|drawbacks?|problems?|weakness(es)?|shortcomings?|mislead\w*|wrong)\b/i,
    section: /pitfall|limit|caution/i,
    defines: false,
  },
  {
    asks: /\b(formulas?|calculat\w*|comput\w*|equation)\b|\bhow (is|are)\b.*\bmeasured\b/i,
    section: /formula|comput|measur/i,
    defines: false,
  },
  {
    asks: /^\s*(what\s+(is|are|does)|what['’]s|define|explain|describe|meaning of)\b/i,
    section: /^what\b/i,
    defines: true,
  },
];

/** Is the idea in the text? A spelled-out short form counts when all of its words are there. */
function holds(terms: { has(term: string): boolean }, idea: readonly string[]): boolean {
  return idea.some((form) => termsOfForm(form).every((term) => terms.has(term)));
}

/** One term, or those of a spelled-out short form. */
function termsOfForm(form: string): string[] {
  return form.startsWith("=") ? form.slice(1).split(" ") : [form];
}

/**
 * Harmonic mean of the share of the question that a heading holds and the share of the heading that was asked for. Passages share
 * headings: each is read once.
 */
function createHeadingMatch(query: QueryTerms): (heading: string) => number {
  const asked = new Set(query.all);
  const known = new Map<string, number>();
  const match = (heading: string): number => {
    const terms = new Set(termsOf(heading));
    if (terms.size === 0 || query.ideas.length === 0) return 0;
    const recall = query.ideas.filter((idea) => holds(terms, idea)).length / query.ideas.length;
    const precision = [...terms].filter((term) => asked.has(term)).length / terms.size;
    return recall + precision === 0 ? 0 : (2 * recall * precision) / (recall + precision);
  };
  return (heading) => {
    const value = known.get(heading) ?? match(heading);
    known.set(heading, value);
    return value;
  };
}

/** Where each of the terms that forms of the question's ideas are made of stands in a text. */
function placesOf(forms: ReadonlySet<string>, text: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (let place = 0; place < text.length; place++) {
    const term = text[place]!;
    if (!forms.has(term)) continue;
    const list = places.get(term);
    if (list === undefined) places.set(term, [place]);
    else list.push(place);
  }
  return places;
}

/** Share of the question's neighbouring words that stand within three places of each other in the text. */
function phraseMatch(places: ReadonlyMap<string, readonly number[]>, query: QueryTerms): number {
  const pairs = query.ideas.length - 1;
  if (pairs < 1) return 0;
  let near = 0;
  for (let i = 0; i < pairs; i++) {
    const first = places.get(query.ideas[i]![0]!);
    const second = places.get(query.ideas[i + 1]![0]!);
    if (first?.some((a) => second?.some((b) => b > a && b - a <= 3))) near++;
  }
  return near / pairs;
}

const titleWeight = 0.6;
const sectionWeight = 0.3;
const coverageWeight = 0.6;
const phraseWeight = 0.4;
const facetWeight = 0.6;
const companyWeight = 0.4;
const periodWeight = 0.4;

/** Share of the parts of a filing's period that the question names, less those of another year that it does not mean. */
function periodMatch(period: string, asked: Periods): number {
  const [, year, quarter] = /(\d{4})(?: Q(\d))?$/.exec(period) ?? [];
  if (year === undefined || asked.years.length === 0) return 0;
  if (!asked.years.includes(Number(year))) return -1;
  if (asked.quarters.length === 0) return quarter === undefined ? 1 : 0.5;
  return asked.quarters.some((one) => one.quarter === Number(quarter)) ? 1 : 0;
}

/**
 * Orders candidates by the index's own score (as a share of the best), how well title and section match, the share of
 * the question's words present (rare ones weigh more), neighbouring words, whether the section is of the kind that was
 * asked for, and whether it is of the company and fiscal period that the question names. Equal scores: by id.
 */
export function rank(question: string, candidates: readonly Candidate[], limit: number): ChunkHit[] {
  const query = queryTerms(question);
  const best = Math.max(...candidates.map((candidate) => candidate.score), Number.MIN_VALUE);
  const asked = readPeriods(question);
  const facet = facets.find(({ asks }) => asks.test(question));
  const forms = new Set(query.ideas.flatMap((idea) => idea.flatMap(termsOfForm)));
  const places = candidates.map(({ terms }) => placesOf(forms, terms));
  const found = places.map((of) => query.ideas.map((idea) => holds(of, idea)));
  const weights = query.ideas.map((_, i) => {
    const holding = found.filter((flags) => flags[i]).length;
    return Math.log(1 + (candidates.length - holding + 0.5) / (holding + 0.5));
  });
  const totalWeight = weights.reduce((sum, weight) => sum + weight, 0);

  const headingMatch = createHeadingMatch(query);
  const hits = candidates.map(({ chunk, score }, n) => {
    const flags = found[n]!;
    const held = flags.filter(Boolean).length;
    const weighted =
      weights.reduce((sum, weight, i) => sum + (flags[i] ? weight : 0), 0) / (totalWeight || 1);
    const title = headingMatch(chunk.title);
    const section = headingMatch(chunk.section);
    // Asked for a formula or pitfalls, a heading that repeats the subject is no better than the one that fits.
    const heading = facet === undefined || facet.defines ? sectionWeight * section : 0;
    const fits = facet?.section.test(chunk.section) === true ? Math.max(title, 0.2) : 0;
    return {
      ...chunk,
      coverage: query.ideas.length === 0 ? 0 : held / query.ideas.length,
      score:
        score / best +
        coverageWeight * weighted +
        titleWeight * title +
        heading +
        (chunk.company === null ? 0 : companyWeight * headingMatch(chunk.company)) +
        (chunk.period === null ? 0 : periodWeight * periodMatch(chunk.period, asked)) +
        phraseWeight * phraseMatch(places[n]!, query) +
        facetWeight * fits,
    };
  });
  return hits.toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1)).slice(0, limit);
}
