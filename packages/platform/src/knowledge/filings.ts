import type { Chunk, ChunkHit, ChunkQuery } from "@tapedeck/core";
import { createCompanyFinder, filingFit, readFilingQuestion, recencyOf } from "@tapedeck/text/filings/index";
import type { Filing, FilingForm, FilingQuestion } from "@tapedeck/text/filings/index";
import type { Candidate } from "./rank.ts";
import { pageOf, statementTerm } from "./rows.ts";
import type { Retrieval } from "./search.ts";

/** Passages that are looked at of each company's filings. */
const passagesOfCompany = 200;
/** Companies of one question whose filings are searched. */
const mostCompanies = 4;
/** A page is marked as a statement or not: what the mark is worth of a page that is nothing else. */
const markedShare = 0.8;

/** How the question reads to filings; undefined: it names no company whose filings are among the candidates. */
export function readFilingSearch(
  query: ChunkQuery,
  candidates: readonly Candidate[],
): FilingQuestion | undefined {
  const filers = candidates.flatMap(({ chunk }) =>
    chunk.period === null || chunk.company === null ? [] : chunk.company,
  );
  const named = createCompanyFinder(filers)(query.text).map(({ company }) => company);
  const companies = named.length === 0 && query.company !== undefined ? [query.company] : named;
  if (!companies.some((company) => filers.includes(company))) return undefined;
  return readFilingQuestion(query.text, companies.slice(0, mostCompanies));
}

/** The passages of those filings that hold what is asked in the filers' words, or the statements where it stands. */
export async function filingCandidates(
  query: ChunkQuery,
  asked: FilingQuestion,
  retrieval: Retrieval,
): Promise<Candidate[]> {
  const terms = [...asked.terms.keys(), ...asked.statements.map(statementTerm)];
  if (terms.length === 0) return [];
  const found = await Promise.all(
    asked.request.companies.map((company) =>
      retrieval.byTerms(terms, { ...query, company }, passagesOfCompany),
    ),
  );
  return found.flat().filter(({ chunk }) => chunk.period !== null);
}

/**
 * Seats of filings in a ranked list are given to those of `found` in the order of `ordered`, then to the list's other filings;
 * all else keeps its own. A seat keeps its score, so that hits stay in the order of their scores.
 */
export function seatFilings(
  ranked: readonly ChunkHit[],
  found: readonly ChunkHit[],
  ordered: readonly Candidate[],
): ChunkHit[] {
  const hits = new Map(found.map((hit) => [hit.id, hit]));
  const others = ranked.filter(({ id, period }) => period !== null && !hits.has(id));
  const filings = [...ordered.flatMap(({ chunk }) => hits.get(chunk.id) ?? []), ...others];
  let seated = 0;
  return ranked.map((seat) => (seat.period === null ? seat : { ...filings[seated++]!, score: seat.score }));
}

/**
 * Passages in order: the pages by their best passage, then what else they have. A passage's score is its share of the best by words,
 * more where its page is a statement that is asked for, times how well company, period and form of its filing fit.
 */
export function orderFilings(candidates: readonly Candidate[], asked: FilingQuestion): Candidate[] {
  const { request, statements, statementWeight } = asked;
  const filings = candidates.map(({ chunk }) => filingOf(chunk));
  const newest = new Map<string, number>();
  for (const { company, year } of filings) {
    newest.set(company, Math.max(newest.get(company) ?? 0, year ?? 0));
  }
  const fits = filings.map(
    (filing) => filingFit(filing, request) * recencyOf(filing, newest.get(filing.company)!, request),
  );
  const best = Math.max(...candidates.map(({ score }, at) => score * fits[at]!), Number.MIN_VALUE);
  const passages = candidates
    .map((candidate, at) => {
      const marks = statements.filter((one) => candidate.terms.includes(statementTerm(one))).length;
      const score = fits[at]! * (candidate.score / best + statementWeight * markedShare * marks);
      return { candidate, score };
    })
    .toSorted(
      (one, other) => other.score - one.score || (one.candidate.chunk.id < other.candidate.chunk.id ? -1 : 1),
    );
  const pages = new Set<string>();
  const first: Candidate[] = [];
  const rest: Candidate[] = [];
  for (const { candidate } of passages) {
    const page = pageOf(candidate.chunk);
    (pages.has(page) ? rest : first).push(candidate);
    pages.add(page);
  }
  return [...first, ...rest];
}

/** What a passage says of its filing: the period is "10-Q 2022 Q3". */
function filingOf({ documentId, company, period }: Chunk): Filing {
  const [, form, year, quarter] = /^(\S+) (\d{4})(?: Q(\d))?$/.exec(period ?? "") ?? [];
  return {
    id: documentId,
    company: company ?? "",
    form: (form ?? "other") as FilingForm,
    year: year === undefined ? null : Number(year),
    quarter: quarter === undefined ? null : Number(quarter),
    day: null,
  };
}
