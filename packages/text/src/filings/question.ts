import { termsOf } from "../terms.ts";
import { asksAhead, formAsked } from "./filing.ts";
import type { Filing, FilingRequest } from "./filing.ts";
import { readPeriods } from "./periods.ts";
import type { Statement } from "./statements.ts";
import { statementsAsked, writtenFor } from "./topics.ts";

/** What a question asks of filings, in words that a search can use. */
export interface FilingQuestion {
  request: FilingRequest;
  /** Terms to search for, each with its weight. */
  terms: ReadonlyMap<string, number>;
  /** Statements where such figures stand. */
  statements: readonly Statement[];
  /** What being such a statement adds to a page's score, where the best score by words is 1. */
  statementWeight: number;
}

/** The filers' words for what was asked count less than the asker's own. */
const writtenWeight = 0.6;
const namedStatementWeight = 1;
const impliedStatementWeight = 1.2;
/** What a filing keeps of its fit for each year that a newer one of its company is ahead. */
const yearBefore = 0.95;

/** Sentences about the answer's form, and about whether the question makes sense: not what is asked for. */
const framing =
  /\banswer (in|the)\b[^.?]*[.?]|\bround\b[^.?]*[.?]|\b(base|basing) your\b[^.?,]*[.?,]|\bplease\b[^.?]*[.?]|\byou are an?\b[^.?:,]*[.:?,]|\bwe (need|want) to\b[^.?]*[.?]|\b(approach|respond to|provide a response to|give a (solution|response) to) the question\b[^.?]*[.?]?|\bif [^.?]* is not [^.?]*\b(useful|relevant|meaningful|something)\b[^.?]*[.?]|\bin units of\b[^.?)]*/gi;
/** Terms that say when, which the filing's own period answers. */
const periodTerm = /^(fy)?(19|20)\d\d$|^q[1-4]$|^fy|^(fiscal|year)$/;

export function readFilingRequest(question: string, companies: readonly string[]): FilingRequest {
  const periods = readPeriods(question);
  return { companies, periods, form: formAsked(question, periods), forward: asksAhead(question) };
}

/** `companies`: those that the question names, as filings name them. */
export function readFilingQuestion(question: string, companies: readonly string[]): FilingQuestion {
  const asked = question.replaceAll(framing, " ");
  const nameTerms = new Set(companies.flatMap((company) => termsOf(company)));
  const terms = new Map<string, number>();
  for (const term of writtenFor(asked).flatMap((text) => termsOf(text))) terms.set(term, writtenWeight);
  for (const term of termsOf(asked)) {
    if (!nameTerms.has(term) && !periodTerm.test(term)) terms.set(term, 1);
  }
  const { statements, named } = statementsAsked(question);
  return {
    request: readFilingRequest(question, companies),
    terms,
    statements,
    statementWeight: named
      ? namedStatementWeight
      : impliedStatementWeight / Math.sqrt(statements.length || 1),
  };
}

/**
 * A question without a time means the company as it is now: what a filing keeps of its fit, in (0, 1], where the newest of its
 * company reports on the year `newest`.
 */
export function recencyOf(
  { year }: Pick<Filing, "year">,
  newest: number,
  { periods }: FilingRequest,
): number {
  if (periods.years.length > 0 || periods.days.length > 0 || year === null) return 1;
  return yearBefore ** (newest - year);
}
