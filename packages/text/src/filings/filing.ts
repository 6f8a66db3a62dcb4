import type { Periods } from "./periods.ts";

export type FilingForm = "10-K" | "10-Q" | "8-K" | "earnings" | "other";

/** What is known of a filing besides its text. */
export interface Filing {
  id: string;
  company: string;
  form: FilingForm;
  /** Fiscal year it reports on; of an event, its calendar year. Null: unknown. */
  year: number | null;
  /** Fiscal quarter of a quarterly report. */
  quarter: number | null;
  /** Day of an event, yyyy-mm-dd. */
  day: string | null;
}

/** A page of a filing, from 0. */
export interface FilingPage {
  id: string;
  filing: Filing;
  page: number;
  text: string;
}

/** What a question says about which filing it means. */
export interface FilingRequest {
  companies: readonly string[];
  periods: Periods;
  /** Null: it neither says nor implies one. */
  form: FilingForm | null;
  /** It asks what was expected of the period, which the report before tells. */
  forward: boolean;
}

/** Forms that a question names, first match wins. */
const named: readonly (readonly [RegExp, FilingForm])[] = [
  [/\b8-?k\b/, "8-K"],
  [/\b10-?q\b|\bquarterly report\b/, "10-Q"],
  [/\b10-?k\b|\bannual report\b/, "10-K"],
  [/\bearnings (release|call|press)|\bpress release\b/, "earnings"],
];
/** Measures outside of accounting rules, and plans, stand in earnings releases. */
const releaseOnly =
  /\b(non-?\s?gaap|adjusted (ebit|ebitda|ebitdar|eps|earnings|operating)|ebitdar|guidance|outlook|organic|real change)\b/;

/** Votes of a meeting (item 5.07) and changes of officers (item 5.02) are told by 8-K. */
const event = /\b(votes?|voted|nominees?|new (ceo|cfo|chief \w+ officer)|appointed|resign\w*)\b/;
const ahead = /\b(guidance|outlook|forecast\w*|expect(s|ed|ing)?|project(s|ed|ing)|anticipat\w+|plans? to)\b/;

export function asksAhead(question: string): boolean {
  return ahead.test(question.toLowerCase());
}

/** The form that a question names or implies. */
export function formAsked(question: string, periods: Periods): FilingForm | null {
  const text = question.toLowerCase();
  const said = named.find(([words]) => words.test(text));
  if (said !== undefined) return said[1];
  if (releaseOnly.test(text)) return "earnings";
  if (event.test(text)) return "8-K";
  if (periods.quarters.length > 0) {
    return periods.quarters.every(({ quarter }) => quarter === 4) ? "earnings" : "10-Q";
  }
  return periods.days.length > 0 ? "8-K" : null;
}

/** Fits of an annual report whose year is 0, 1, 2 years after the one asked for; it still holds that year's figures. */
const laterYears = [1, 0.45, 0.25];

/** How well a filing fits what was asked of company, period and form, in (0, 1]; 1 = in everything. */
export function filingFit(filing: Filing, { companies, periods, form, forward }: FilingRequest): number {
  let fit = companies.length === 0 || companies.includes(filing.company) ? 1 : 0.05;
  if (periods.days.length > 0) {
    if (filing.day !== null) fit *= periods.days.includes(filing.day) ? 1 : 0.3;
    else if (form === "8-K") fit *= 0.4;
  } else if (periods.months.length > 0 && filing.day !== null) {
    fit *= periods.months.includes(filing.day.slice(0, 7)) ? 1 : 0.3;
  }
  const last = periods.years.at(-1);
  if (last !== undefined && filing.year !== null) {
    const later = filing.year - last;
    fit *= forward && later === -1 ? 0.9 : (laterYears[later] ?? 0.1);
  }
  const quarter = periods.quarters.findLast(({ year }) => year === null || year === last);
  if (quarter === undefined) {
    if (filing.form === "10-Q") fit *= 0.5;
  } else {
    fit *= filing.quarter === null ? 0.4 : filing.quarter === quarter.quarter ? 1 : 0.3;
  }
  if (form === null) return filing.form === "10-K" ? fit : fit * 0.6;
  if (filing.form === form) return fit;
  // Releases and reports of one period tell much of the same.
  return fit * (form === "earnings" || filing.form === "earnings" ? 0.6 : 0.4);
}
