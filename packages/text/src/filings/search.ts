import { createTermIndex } from "../termIndex.ts";
import { termsOf } from "../terms.ts";
import { createCompanyFinder } from "./companies.ts";
import { filingFit } from "./filing.ts";
import type { FilingPage, FilingRequest } from "./filing.ts";
import { readFilingQuestion, readFilingRequest, recencyOf } from "./question.ts";
import { statementFit, statements } from "./statements.ts";

export interface FilingHit {
  page: FilingPage;
  /** Larger is better; comparable within one search only. */
  score: number;
}

export interface FilingSearch {
  /** Best first. `limit` pages at most; fewer only where there are fewer. */
  search(question: string, limit: number): FilingHit[];
  /** What the question was taken to mean. */
  read(question: string): FilingRequest;
}

const headingWeight = 0.25;

/** Searched once when the pages are ready, so that what all searches run is compiled before somebody waits for it. */
const warming = [
  "What was the revenue of the company in fiscal 2020?",
  "What is the FY2019 capital expenditure as a % of revenue, according to the cash flow statement?",
  "Which legal proceedings were disclosed in the second quarter of 2022?",
];

/** Short lines that read like headings. */
function headingsOf(text: string): string {
  return text
    .split("\n")
    .filter(
      (line, at) =>
        line.length < 90 &&
        (at < 6 || /^\p{Lu}/u.test(line)) &&
        !/[.,;]\s*$/.test(line) &&
        !/\d{2,}.*\d{2,}/.test(line),
    )
    .join("\n");
}

/**
 * Finds the pages of filings that answer a question, among many filings at once: BM25 of its words and of the filers'
 * words for the same, headings, the statement where such a figure stands, all times how well the filing's company,
 * period and form fit. Nothing is learnt: the same pages and question give the same order; equal scores by place.
 */
export function createFilingSearch(pages: readonly FilingPage[]): FilingSearch {
  const words = createTermIndex(pages.map(({ text }) => termsOf(text)));
  const headings = createTermIndex(pages.map(({ text }) => termsOf(headingsOf(text))));
  const companies = createCompanyFinder(pages.map(({ filing }) => filing.company));
  const fits = new Map(
    statements.map((one) => [one, Float64Array.from(pages, ({ text }) => statementFit(text, one))]),
  );

  const newest = new Map<string, number>();
  for (const { filing } of pages) {
    if (filing.year === null) continue;
    newest.set(filing.company, Math.max(newest.get(filing.company) ?? filing.year, filing.year));
  }

  const companiesIn = (question: string) => companies(question).map(({ company }) => company);

  function search(question: string, limit: number): FilingHit[] {
    const asked = readFilingQuestion(question, companiesIn(question));
    const { request } = asked;
    const byWords = new Float64Array(pages.length);
    const byHeadings = new Float64Array(pages.length);
    for (const [term, weight] of asked.terms) {
      words.add(term, weight, byWords);
      headings.add(term, weight, byHeadings);
    }
    const filingFits = new Map<string, number>();
    const fit = Float64Array.from(pages, ({ filing }) => {
      const known =
        filingFits.get(filing.id) ??
        filingFit(filing, request) * recencyOf(filing, newest.get(filing.company) ?? 0, request);
      filingFits.set(filing.id, known);
      return known;
    });
    const bestWords = largest(byWords, fit);
    const bestHeadings = largest(byHeadings, fit);
    const columns = asked.statements.map((one) => fits.get(one)!);
    const scores = fit.map((share, i) => {
      let score = byWords[i]! / bestWords + (headingWeight * byHeadings[i]!) / bestHeadings;
      for (const column of columns) score += asked.statementWeight * column[i]!;
      return share * score;
    });
    return topOf(scores, limit).map((i) => ({ page: pages[i]!, score: scores[i]! }));
  }

  for (const question of warming) search(question, 1);
  return { read: (question) => readFilingRequest(question, companiesIn(question)), search };
}

function largest(scores: Float64Array, fit: Float64Array): number {
  let best = 0;
  for (let i = 0; i < scores.length; i++) best = Math.max(best, scores[i]! * fit[i]!);
  return best || 1;
}

/** Places of the `limit` largest, largest first, equal ones by place. */
function topOf(scores: Float64Array, limit: number): number[] {
  const top: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    if (top.length === limit && scores[i]! <= scores[top[limit - 1]!]!) continue;
    let at = top.length;
    while (at > 0 && scores[top[at - 1]!]! < scores[i]!) at--;
    top.splice(at, 0, i);
    if (top.length > limit) top.pop();
  }
  return top;
}
