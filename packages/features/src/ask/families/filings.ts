import {
  arithmeticOf,
  bestRows,
  createCompanyFinder,
  formAsked,
  readFigureRequest,
  readPeriods,
} from "@tapedeck/text/filings/index";
import type {
  Figure,
  FigureUnit,
  FilingForm,
  FilingHit,
  FilingPage,
  Operand,
  Periods,
} from "@tapedeck/text/filings/index";
import { bestSentences } from "@tapedeck/text/sentences";
import type { EvidenceItem } from "../../evidence/contract.ts";
import type { FilingDocument, FilingPageText } from "../../knowledge/contract.ts";
import type { Draft } from "../answer.ts";
import { Declined } from "../answer.ts";
import type { Question } from "../question.ts";
import { createShelves } from "../shelves.ts";
import type { Shelf } from "../shelves.ts";
import type { Tools } from "../tools.ts";
import { defineFamily } from "./family.ts";
import type { Hint } from "./family.ts";

/** A page of a filing, and where it begins in its document's text. */
export interface Page extends FilingPage {
  document: FilingDocument;
  start: number;
}

/** Filings of one company that are read for one question: so many years and quarters tell it. */
const mostFilings = 24;

/** Companies named in a question of which there are filings. */
export function companiesIn(q: Question, hint: Hint): string[] {
  const find = createCompanyFinder(hint.filings.map(({ company }) => company));
  return find(q.original).map(({ company }) => company);
}

/** Pages that a process keeps ready: some hundred megabytes of text and indexes. */
const mostPagesKept = 20_000;
const shelves = createShelves<Page>(mostPagesKept);

/** What a question asks of the filings; `form` null: any. */
export interface Asked {
  form: FilingForm | null;
  years: readonly number[];
}

/** The filings that fit best, in their order: by form, then year, annual reports before others, the newest of equals. */
function fitting(filings: readonly FilingDocument[], { form, years }: Asked): FilingDocument[] {
  const fit = (one: FilingDocument): number =>
    4 * Number(one.form === form) + 2 * Number(years.includes(one.fiscalYear)) + Number(one.form === "10-K");
  const chosen = new Set(
    filings
      .toReversed()
      .toSorted((a, b) => fit(b) - fit(a))
      .slice(0, mostFilings),
  );
  return filings.filter((one) => chosen.has(one));
}

/** A company's filings that fit what is asked, ready to be searched and read for figures. */
export async function shelfOf(company: string, tools: Tools, asked: Asked): Promise<Shelf<Page>> {
  const own = (await tools.listFilings()).filter((one) => one.company === company);
  const filings = fitting(own, asked);
  const texts = new Map<FilingDocument, FilingPageText[]>();
  for (const document of filings) texts.set(document, await tools.readFiling(document));
  // How a filing is described may be mended without another version of its text.
  const key = JSON.stringify(filings);
  return shelves.get(key, () => [...texts].flatMap(([document, pages]) => pagesOf(document, pages)));
}

function pagesOf(document: FilingDocument, pages: readonly FilingPageText[]): Page[] {
  const filing = {
    id: document.documentId,
    company: document.company,
    form: document.form,
    year: document.fiscalYear,
    quarter: document.fiscalQuarter ?? null,
    day: document.eventDate ?? null,
  };
  return pages.map(({ page, text, start }) => ({
    id: `${document.documentId}#${page}`,
    filing,
    page,
    text,
    start,
    document,
  }));
}

export function filingPassageItem(page: Page, start: number, end: number): EvidenceItem {
  const { document } = page;
  return {
    kind: "passage",
    documentId: document.documentId,
    version: document.version,
    title: document.title,
    section: `Page ${page.page}`,
    page: page.page,
    start: page.start + start,
    end: page.start + end,
    text: page.text.slice(start, end),
  };
}

/** The currency of pages' figures: as they name it, else as their signs tell it; null where neither does, or two do. */
export function currencyOf(pages: readonly FilingPage[]): string | null {
  const text = pages.map((page) => page.text).join(" ");
  const named = /\b(?:thousands|millions|billions) of ([A-Z]{3})\b/.exec(text)?.[1];
  if (named !== undefined) return named;
  const signs = { $: "USD", "€": "EUR", "£": "GBP", "¥": "JPY" };
  const told = Object.entries(signs).filter(([sign]) => text.includes(sign));
  return told.length === 1 ? told[0]![1] : null;
}

export function amount(value: number): string {
  const million = Math.abs(value) >= 1e5;
  const shown = (million ? value / 1e6 : value).toLocaleString("en-US", { maximumFractionDigits: 3 });
  return `${shown.replace("-", "−")}${million ? " million" : ""}`;
}

/** With as many digits, from one on, as keep a small rate within half a hundredth of itself: the answer's check asks for that. */
function percentText(percent: number): string {
  const isNear = (digits: number) =>
    Math.abs(Number(percent.toFixed(digits)) - percent) <= 0.005 * Math.abs(percent);
  return percent.toFixed([1, 2, 3].find(isNear) ?? 4);
}

/** A value with its unit, in the currency of its pages where that is money. */
export function valueIn(value: number, unit: FigureUnit, pages: readonly FilingPage[]): string {
  const currency = currencyOf(pages);
  switch (unit) {
    case "money":
      return currency === null ? amount(value) : `${amount(value)} ${currency}`;
    case "percent":
      return `${percentText(100 * value).replace("-", "−")} %`;
    case "days":
      return `${value.toFixed(2).replace("-", "−")} days`;
    case "ratio":
      // Three digits that tell, as in percent.
      return value.toFixed(Math.abs(value) < 1 ? 3 : 2).replace("-", "−");
  }
}

/** A figure's value with its unit. */
export function valueText({ value, request, operands }: Figure): string {
  return valueIn(
    value,
    request.unit,
    operands.map(({ page }) => page),
  );
}

export const units = { percent: "fraction", ratio: "number", days: "days" } as const;

function periodOf({ years, year, kind }: Figure["request"]): string {
  return kind === "value" ? `fiscal ${year}` : `fiscal ${years[0]} to ${years.at(-1)}`;
}

/** Operands below zero by themselves: the arithmetic writes them with their sign, which a row in brackets does not. */
export function negativeItems(operands: readonly Operand[], unit: string): EvidenceItem[] {
  return operands
    .filter(({ value }) => value < 0)
    .map(({ item, value }) => ({ kind: "request", formula: item, value, unit }));
}

export const kinds = {
  value: "",
  average: "average ",
  growth: "growth of ",
  cagr: "compound annual growth of ",
};

/** What a figure is, how it was computed, and each row that it rests on. */
export function figureDraft(figure: Figure): Draft {
  const { request, operands, value } = figure;
  const pages = operands.map(({ page }) => page as Page);
  const currency = currencyOf(pages);
  const told = (name: string, year: number): string => {
    const operand = operands.find((one) => one.item === name && one.year === year);
    // A statement without the line tells it by two others.
    if (operand === undefined) return `${told("revenue", year)} − ${told("cost of sales", year)}`;
    return amount(operand.value);
  };
  const arithmetic = arithmeticOf(figure, (item, year) => told(item.name, year));
  const names = operands.map(({ item, year }) => `${item} of ${year}`);
  const isTold = operands.length === 1 && request.kind === "value";
  const period = periodOf(request);
  const how = isTold
    ? ""
    : `: ${arithmetic}, of ${[...new Set(operands.map(({ item }) => item))].join(", ")}`;
  return {
    text: `${request.company}: ${kinds[request.kind]}${request.name} in ${period} was ${valueText(figure)}${how}.`,
    cite: [
      {
        kind: "request",
        formula: operands
          .map(({ value: told }, at) => `${names[at]} = ${told.toLocaleString("en-US")}`)
          .concat(isTold ? [] : [arithmetic])
          .join("; "),
        value,
        unit: request.unit === "money" ? (currency ?? "number") : units[request.unit],
      },
      ...operands.map(({ start, end }, at) => filingPassageItem(pages[at]!, start, end)),
      ...(isTold ? [] : negativeItems(operands, currency ?? "number")),
    ],
    names: [request.company, period, "2 year", ...names],
  };
}

/** Figures and measures from the statements in annual reports, computed, each operand with its row. */
export const filingFigure = defineFamily<{ question: string; company: string }>({
  name: "filingFigure",
  takes: ["anything"],
  about: "A figure of a company's annual statements, or a ratio, growth or average of such figures",
  examples: [
    "What was the revenue of Acme Widgets in fiscal 2022?",
    "What is the FY2022 operating cash flow ratio of Acme Widgets?",
    "What was the 3 year average of capex as a % of revenue for Acme Widgets from FY2020 to FY2022?",
  ],
  understand(q, hint) {
    const companies = companiesIn(q, hint);
    const request = readFigureRequest(q.original, companies, readPeriods(q.original));
    return "declined" in request ? undefined : { question: q.original, company: request.company };
  },
  async run({ question, company }, tools) {
    const { years } = readPeriods(question);
    const figure = (await shelfOf(company, tools, { form: "10-K", years })).figures().answer(question);
    if ("declined" in figure) throw new Declined(figure.declined);
    return { drafts: [figureDraft(figure)] };
  },
});

/** May a filing tell a figure of the quarters asked for? An annual report's columns are years. */
function isOfQuarter({ form, quarter: own }: FilingPage["filing"], { quarters }: Periods): boolean {
  if (quarters.length === 0) return true;
  return form !== "10-K" && (own === null || quarters.some(({ quarter }) => quarter === own));
}

/** Annual statements show this many years before their own. */
const yearsShown = 2;

/** May a page tell of one of the years asked for: as its filing's, in its columns, or by name? */
function mayTell({ filing, text }: FilingPage, { years }: Periods): boolean {
  const { year } = filing;
  return (
    years.length === 0 ||
    year === null ||
    years.some((one) => (one <= year && one >= year - yearsShown) || text.includes(String(one)))
  );
}

/** Does a sentence tell a number, or that there is none? */
const tellsNumber =
  /\d|\b(?:no|none|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|millions?|billions?|half|third|quarter)\b/i;
const asksNumber = /\bhow (?:much|many)\b/i;

/** Is a sentence about other years than those asked for, or without the number that is asked for? */
function isBeside(sentence: string, question: string, { years }: Periods): boolean {
  const told = sentence.match(/\b(?:19|20)\d\d\b/g) ?? [];
  const isOfOthers = years.length > 0 && told.length > 0 && !told.some((one) => years.includes(Number(one)));
  return isOfOthers || (asksNumber.test(question) && !tellsNumber.test(sentence));
}

/** What a row's label does not tell: that something is left out. */
const leavingOut = /\b(?:not|without|excluding|excludes?|except|besides|apart from|other than|before)\b/i;

const wantedSentences = 2;
const wantedRows = 2;

/** Rows of tables as they stand, with the years of their columns: no figure is chosen, so that none is mistaken for another. */
function rowDrafts(
  question: string,
  company: string,
  { years: asked }: Periods,
  hits: readonly FilingHit[],
): Draft[] {
  return hits
    .flatMap(({ page }) =>
      bestRows(question, page.text, [company]).map((row) => ({ ...row, page: page as Page })),
    )
    .filter(
      ({ years }) => asked.length === 0 || years.length === 0 || asked.some((one) => years.includes(one)),
    )
    .toSorted((one, other) => other.share - one.share)
    .slice(0, wantedRows)
    .map(({ page, start, end, years, scale }) => {
      const row = page.text.slice(start, end).replaceAll(/\s+/g, " ");
      const place = `page ${page.page} of ${page.document.title}`;
      const columns = years.length === 0 ? "" : `, for ${years.join(", ")}`;
      const unit = scaleNames.get(scale ?? 1) ?? "";
      return {
        text: `A table on ${place} tells${columns}${unit}: ${row}`,
        cite: [filingPassageItem(page, start, end)],
        names: [place, `for ${years.join(", ")}`, unit.trim()],
      };
    });
}

const scaleNames = new Map([
  [1e3, " (in thousands)"],
  [1e6, " (in millions)"],
  [1e9, " (in billions)"],
]);

/** What a filing says in words: its sentences as they stand, with their page. */
export const filingPassage = defineFamily<{ question: string; company: string }>({
  name: "filingPassage",
  takes: ["anything"],
  about:
    "What a company's filings say about a subject, in their own words, or the row of a table that tells it",
  examples: [
    "Which class action was filed against Northern Brick in 2022?",
    "How much of the income of Acme Widgets was attributable to noncontrolling interests in 2022?",
  ],
  understand(q, hint) {
    const [company, ...more] = companiesIn(q, hint);
    if (company === undefined || more.length > 0 || q.instruments.length > 0) return undefined;
    return { question: q.original, company };
  },
  async run({ question, company }, tools) {
    const periods = readPeriods(question);
    const asked = { form: formAsked(question, periods), years: periods.years };
    const nearest = (await shelfOf(company, tools, asked)).search().search(question, 3);
    const hits = nearest.filter(({ page }) => mayTell(page, periods));
    const told = new Set<string>();
    const found = hits
      .flatMap(({ page }) =>
        bestSentences(question, page.text, [company]).map((one) => ({ ...one, page: page as Page })),
      )
      .filter(({ page, start, end }) => {
        const sentence = page.text.slice(start, end);
        if (told.has(sentence) || isBeside(sentence, question, periods)) return false;
        told.add(sentence);
        return true;
      })
      .toSorted((one, other) => other.share - one.share)
      .slice(0, wantedSentences);
    if (found.length === 0) {
      const asksFigure = /\b(?:how (?:much|many)|what|which)\b/i.test(question);
      const rows =
        asksFigure && !leavingOut.test(question)
          ? rowDrafts(
              question,
              company,
              periods,
              hits.filter(({ page }) => isOfQuarter(page.filing, periods)),
            )
          : [];
      if (rows.length > 0) return { drafts: rows };
      const titles = [
        ...new Set(nearest.map(({ page }) => `${(page as Page).document.title}, page ${page.page}`)),
      ];
      throw new Declined(
        `The filings of ${company} that are here hold no sentence or row that answers this. The nearest pages: ${titles.join("; ")}.`,
      );
    }
    return {
      drafts: found.map(({ page, start, end }) => ({
        text: page.text.slice(start, end).replaceAll(/\s+/g, " "),
        cite: [filingPassageItem(page, start, end)],
        names: [],
      })),
    };
  },
});
