import type { Expression } from "./expression.ts";
import { evaluate } from "./expression.ts";
import { createCompanyFinder } from "./companies.ts";
import { arithmeticOf, bracketed } from "./describe.ts";
import { createFigures, salesLessCost, valueOf } from "./figures.ts";
import type { FilingPage } from "./filing.ts";
import type { Item } from "./items.ts";
import type { FigureUnit } from "./metrics.ts";
import { readPeriods } from "./periods.ts";
import { readFigureRequest } from "./request.ts";
import type { FigureRequest, NoFigure } from "./request.ts";
import { spanTables } from "./spans.ts";
import type { SpanTable } from "./spans.ts";
import { readItem } from "./statementTable.ts";
import type { Operand } from "./statementTable.ts";
import { statementFit } from "./statements.ts";

/** A quarter of a fiscal year; null: the newest that there is. */
export interface QuarterTime {
  quarter: number | null;
  year: number | null;
}

/** What a question says of times within a year. */
export interface QuarterRequest {
  /** One quarter; the twelve months up to its end; the year up to its end. */
  span: "quarter" | "trailing" | "soFar";
  /** In the order named, one at least. */
  times: readonly QuarterTime[];
  /** Growth is from the quarter before, not from that of the year before. */
  sequential: boolean;
  /** The question without its words for the time. */
  question: string;
}

/** A row of a report that a figure of a quarter rests on. */
export interface QuarterOperand extends Operand {
  /** "the first nine months of fiscal 2022" */
  period: string;
}

export interface QuarterFigure {
  company: string;
  name: string;
  kind: FigureRequest["kind"];
  unit: FigureUnit;
  /** "the second quarter of fiscal 2022" */
  period: string;
  value: number;
  operands: QuarterOperand[];
  /** The arithmetic with its operands written by `show`; that of a row told as it stands is the row. */
  arithmetic(show: (value: number) => string): string;
}

export interface Quarters {
  /** The figure of a quarter, of twelve months or of the year so far, at the first of its times; or why there is none. */
  answer(request: QuarterRequest): QuarterFigure | NoFigure;
}

const trailing =
  /\b(?:ttm|ltm|(?:trailing|last|past|the) (?:twelve|12)[ -]months?(?: (?:to|through|ended|ending))?|(?:last|past) four quarters)\b/gi;
const soFar =
  /\b(?:(?:the )?first (?:(six|nine|6|9) months|half)|(?:six|nine) months (?:of|ended)|h1|first half)\b/gi;
const halves = /\b(?:h2|second half)\b/i;
const newest = /\b(?:latest|last|most recent|newest|current) (?:reported )?quarter\b/gi;
const quarterWords =
  /\b(?:q[1-4]|[1-4]q|(?:first|second|third|fourth|1st|2nd|3rd|4th) quarter)(?:\s*'?\d\d(?:\d\d)?)?\b|\bquarterly\b/gi;
const sequential =
  /\b(?:quarter[- ](?:over|on)[- ]quarter|qoq|sequential(?:ly)?|(?:from|than|against|over) the (?:quarter before|previous quarter|prior quarter))\b/gi;

const howMuch = /\bhow (?:much|fast) did\b/i;
const moving = /\b(?:grow|rise|increase|change|fall|decline|decrease|drop)\b/gi;

/** Reads what a question says of a quarter, of twelve months or of the year so far; undefined where it says nothing of them. */
export function readQuarterRequest(question: string): QuarterRequest | undefined {
  if (halves.test(question)) return undefined;
  const periods = readPeriods(question.replaceAll(soFar, " "));
  const { quarters, years } = periods;
  const part = [...question.matchAll(soFar)][0];
  if (
    quarters.length === 0 &&
    part === undefined &&
    question.search(trailing) < 0 &&
    question.search(newest) < 0
  )
    return undefined;
  const plain = howMuch.test(question) ? question.replaceAll(moving, "growth") : question;
  const stripped = [trailing, soFar, newest, sequential, quarterWords]
    .reduce((text, words) => text.replaceAll(words, " "), plain)
    .replaceAll(/\b(?:of|in|for|to|at|from)(?:\s+the)?\s+(?=(?:in|of|for)\b|[?.]|$)/gi, " ")
    .replaceAll(/\s+/g, " ");
  const quarter = part === undefined ? null : /nine|9/i.test(part[0]) ? 3 : 2;
  const ofYears = (one: number | null): QuarterTime[] =>
    years.length === 0 ? [{ quarter: one, year: null }] : years.map((year) => ({ quarter: one, year }));
  // "Q3 of 2022 and 2023": one quarter of several years.
  const isShared = new Set(quarters.map((one) => one.quarter)).size === 1 && years.length > 1;
  return {
    span: question.search(trailing) >= 0 ? "trailing" : part === undefined ? "quarter" : "soFar",
    times: quarters.length === 0 ? ofYears(quarter) : isShared ? ofYears(quarters[0]!.quarter) : quarters,
    sequential: question.search(sequential) >= 0,
    question: stripped,
  };
}

/** A value with the rows that it rests on, and how they are written. */
interface Told {
  value: number;
  operands: QuarterOperand[];
  written(show: (value: number) => string): string;
}

const told = (operand: Operand, period: string): Told => ({
  value: operand.value,
  operands: [{ ...operand, period }],
  written: (show) => show(operand.value),
});

/** What is more of one than of the other; null where their rows are worded otherwise, and may be of two amounts. */
function difference(more: Told, less: Told): Told | null {
  const wordings = new Set([...more.operands, ...less.operands].map(({ wording }) => wording));
  if (wordings.size > 1) return null;
  return {
    value: more.value - less.value,
    operands: [...more.operands, ...less.operands],
    written: (show) => `${more.written(show)} − ${bracketed(less.written(show))}`,
  };
}

const ordinals = ["first", "second", "third", "fourth"];
const counted = ["three", "six", "nine"];
const quarterName = (quarter: number, year: number) =>
  `the ${ordinals[quarter - 1]} quarter of fiscal ${year}`;
const soFarName = (quarter: number, year: number) =>
  quarter === 4 ? `fiscal ${year}` : `the first ${counted[quarter - 1]} months of fiscal ${year}`;

/** Quarters in one row of numbers, so that the one before is one less and that of the year before four less. */
const placeOf = (quarter: number, year: number) => year * 4 + quarter - 1;
const quarterAt = (place: number) => ({ quarter: (place % 4) + 1, year: Math.floor(place / 4) });

/** Pages of a quarterly report that are at least this much a statement are read as one. */
const leastFit = 0.35;

/**
 * Reads figures of quarters from quarterly and annual reports: as a report tells the quarter, else as the difference of two
 * spans that are both told (the fourth: the year less nine months). Pages of one filing stand together and in order.
 */
export function createQuarters(pages: readonly FilingPage[]): Quarters {
  const annual = createFigures(pages);
  const reports = [
    ...Map.groupBy(
      pages.filter(({ filing }) => filing.form === "10-Q" && filing.quarter !== null && filing.year !== null),
      ({ filing }) => filing.id,
    ).values(),
  ];
  const find = createCompanyFinder(pages.map(({ filing }) => filing.company));
  const tables = new Map<string, SpanTable[]>();

  function tablesOf(own: readonly FilingPage[], statement: Item["statement"]): SpanTable[] {
    const key = `${own[0]!.filing.id} ${statement}`;
    const known = tables.get(key);
    if (known !== undefined) return known;
    const read = own
      .map((page, at) => ({ page, at, fit: statementFit(page.text, statement) }))
      .filter(({ fit }) => fit >= leastFit)
      .toSorted((one, other) => other.fit - one.fit || one.at - other.at)
      .flatMap(({ page, at }) => spanTables(page, own[at - 1], statement === "balance"));
    tables.set(key, read);
    return read;
  }

  /** As a quarterly report tells it, over so many months up to the end of a quarter: that of the year first, else the next year's. */
  function reported(item: Item, company: string, place: number, months: number): Operand | null {
    const { quarter, year } = quarterAt(place);
    const own = reports
      .filter(([page]) => page!.filing.company === company && page!.filing.quarter === quarter)
      .filter(([page]) => page!.filing.year === year || (months > 0 && page!.filing.year === year + 1))
      .toSorted(([one], [other]) => one!.filing.year! - other!.filing.year!);
    for (const report of own) {
      for (const table of tablesOf(report, item.statement)) {
        const found = table.months === months ? readItem(table, item, year) : null;
        if (found !== null) return found;
      }
    }
    return null;
  }

  function atEnd(item: Item, company: string, place: number): Told | null {
    const { quarter, year } = quarterAt(place);
    const found = quarter === 4 ? annual.item(item, year, company) : reported(item, company, place, 0);
    return found === null
      ? null
      : told(found, `the end of ${quarter === 4 ? `fiscal ${year}` : quarterName(quarter, year)}`);
  }

  function yearSoFar(item: Item, company: string, place: number): Told | null {
    const { quarter, year } = quarterAt(place);
    const found =
      quarter === 4 ? annual.item(item, year, company) : reported(item, company, place, quarter * 3);
    return found === null ? null : told(found, soFarName(quarter, year));
  }

  function inQuarter(item: Item, company: string, place: number): Told | null {
    const { quarter, year } = quarterAt(place);
    const found = reported(item, company, place, 3);
    if (found !== null) return told(found, quarterName(quarter, year));
    const [whole, before] = [yearSoFar(item, company, place), yearSoFar(item, company, place - 1)];
    return quarter === 1 || whole === null || before === null ? null : difference(whole, before);
  }

  function overTwelve(item: Item, company: string, place: number): Told | null {
    if (quarterAt(place).quarter === 4) return yearSoFar(item, company, place);
    const last = placeOf(4, quarterAt(place).year - 1);
    const [year, now, then] = [last, place, place - 4].map((at) => yearSoFar(item, company, at));
    if (year === null || now === null || then === null || year === undefined) return null;
    const added: Told = {
      value: year.value + now!.value,
      operands: [...year.operands, ...now!.operands],
      written: (show) => `${year.written(show)} + ${bracketed(now!.written(show))}`,
    };
    return difference(added, then!);
  }

  const flows = { quarter: inQuarter, trailing: overTwelve, soFar: yearSoFar };

  /** The newest quarter of a company that a report tells; `quarter`: the newest such. */
  function newestPlace(company: string, quarter: number | null): number | undefined {
    const places = pages
      .filter(({ filing }) => filing.company === company && filing.year !== null)
      .flatMap(({ filing }) =>
        filing.form === "10-K"
          ? [placeOf(4, filing.year!)]
          : filing.form === "10-Q" && filing.quarter !== null
            ? [placeOf(filing.quarter, filing.year!)]
            : [],
      )
      .filter((place) => quarter === null || quarterAt(place).quarter === quarter);
    return places.length === 0 ? undefined : Math.max(...places);
  }

  function answer(request: QuarterRequest): QuarterFigure | NoFigure {
    const companies = find(request.question).map(({ company }) => company);
    const [company] = companies;
    const { quarter, year } = request.times[0]!;
    const place =
      year !== null && (quarter !== null || request.span === "trailing")
        ? placeOf(quarter ?? 4, year)
        : company === undefined
          ? undefined
          : newestPlace(company, quarter);
    if (place === undefined)
      return { declined: `No quarterly or annual report of ${company ?? "the company"} is here.` };
    const periodsAt = (years: number[]) => ({ years, quarters: [], days: [], months: [] });
    const read = readFigureRequest(request.question, companies, periodsAt([place]));
    if ("declined" in read) return read;
    const grows = read.kind !== "value" || read.expression.kind === "change";
    const before = place - (request.sequential ? 1 : 4);
    const figure = grows ? readFigureRequest(request.question, companies, periodsAt([before, place])) : read;
    if ("declined" in figure) return figure;
    if (!isOfOneSpan(figure.expression) || figure.kind === "average" || figure.kind === "cagr")
      return { declined: `${figure.name} is computed for years only.` };
    return compute({ ...figure, year: place }, request.span);
  }

  function compute(request: FigureRequest, span: QuarterRequest["span"]): QuarterFigure | NoFigure {
    const { company, name, kind, unit, year: place } = request;
    const known = new Map<string, Told>();
    const missing: string[] = [];
    const lookup = (item: Item, at: number): number | null => {
      const key = `${item.name} ${at}`;
      const found = known.get(key) ?? (item.statement === "balance" ? atEnd : flows[span])(item, company, at);
      if (found !== null) {
        known.set(key, found);
        return found.value;
      }
      if (item.name === "gross profit") return evaluate(salesLessCost, at, lookup);
      missing.push(`${item.name} of ${nameOf(span, at)}`);
      return null;
    };
    const value = valueOf(request, lookup);
    if (value === null) {
      return {
        declined:
          missing.length > 0
            ? `The reports of ${company} that are here do not show ${[...new Set(missing)].join(", ")}.`
            : `${name} of ${company} has no value: it would divide by zero or grow from nothing.`,
      };
    }
    const written = (item: Item, at: number, show: (value: number) => string): string => {
      const one = known.get(`${item.name} ${at}`);
      if (one !== undefined) return one.written(show);
      const { left, right } = salesLessCost as Extract<Expression, { kind: "binary" }>;
      const [sales, cost] = [left, right].map((part) =>
        written((part as Extract<Expression, { kind: "item" }>).item, at, show),
      );
      return `${sales} − ${bracketed(cost!)}`;
    };
    return {
      company,
      name,
      kind,
      unit,
      period: nameOf(span, place),
      value,
      operands: [...known.values()].flatMap(({ operands }) => operands),
      arithmetic: (show) => arithmeticOf({ request }, (item, at) => written(item, at, show)),
    };
  }

  return { answer };
}

function nameOf(span: QuarterRequest["span"], place: number): string {
  const { quarter, year } = quarterAt(place);
  if (span === "quarter") return quarterName(quarter, year);
  if (span === "soFar") return soFarName(quarter, year);
  return `the twelve months to the end of ${quarter === 4 ? `fiscal ${year}` : quarterName(quarter, year)}`;
}

/** Averages and changes over years, and factors such as 365 days, make no sense of a quarter; a change asked for does. */
function isOfOneSpan(expression: Expression): boolean {
  const isPlain = (one: Expression): boolean =>
    one.kind === "item"
      ? one.year === null
      : one.kind === "binary" && isPlain(one.left) && isPlain(one.right);
  return isPlain(expression.kind === "change" ? expression.of : expression);
}
