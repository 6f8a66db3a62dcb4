import { createCompanyFinder } from "./companies.ts";
import { evaluate } from "./expression.ts";
import type { Expression } from "./expression.ts";
import type { Filing, FilingPage } from "./filing.ts";
import type { Item } from "./items.ts";
import { readPeriods } from "./periods.ts";
import { readFigureRequest } from "./request.ts";
import type { FigureRequest, NoFigure } from "./request.ts";
import { columnYears, rowsOf, scaleOf } from "./rows.ts";
import { itemCalled, readItem } from "./statementTable.ts";
import type { Operand, Table } from "./statementTable.ts";
import { statementFit } from "./statements.ts";
import type { Statement } from "./statements.ts";

export interface Figure {
  request: FigureRequest;
  /** Money in whole units, ratios and percentages as fractions, days in days. */
  value: number;
  /** What it was computed from, in order of use, each once. */
  operands: Operand[];
}

export interface Figures {
  /** The figure that a question asks for, computed from the statements; or why there is none. */
  answer(question: string): Figure | NoFigure;
  /** An item as the report of a year tells it, or a later one; null where none does. */
  item(item: Item, year: number, company: string): Operand | null;
}

/** A page that is at least this much a statement is read as one. */
const leastFit = 0.55;
/** A page beside a statement is its other half at this fit. */
const leastBesideFit = 0.3;
/** A statement shows two or three years; what shows more is an overview. */
const mostYears = 3;
/** A report tells the figures of this many years before its own. */
const yearsTold = 4;

/** Reads figures from the statements in annual reports. Pages of one filing stand together and in order. */
export function createFigures(pages: readonly FilingPage[]): Figures {
  const filings = Map.groupBy(
    pages.filter(({ filing }) => filing.form === "10-K"),
    ({ filing }) => filing.id,
  );
  const find = createCompanyFinder([...filings.values()].map(([page]) => page!.filing.company));
  const tables = new Map<string, Table[]>();

  function tablesOf(filing: Filing, statement: Statement): Table[] {
    const key = `${filing.id} ${statement}`;
    const known = tables.get(key);
    if (known !== undefined) return known;
    const read = readTables(filings.get(filing.id)!, statement);
    tables.set(key, read);
    return read;
  }

  function read(item: Item, year: number, request: Pick<FigureRequest, "company" | "year">): Operand | null {
    const reports = [...filings.values()]
      .map(([page]) => page!.filing)
      .filter(
        (one) =>
          one.company === request.company &&
          one.year !== null &&
          one.year >= year &&
          one.year <= year + yearsTold,
      )
      // The report of the year asked for first: figures of one answer shall be told by one report.
      .toSorted((one, other) => Math.abs(one.year! - request.year) - Math.abs(other.year! - request.year));
    for (const report of reports) {
      for (const table of tablesOf(report, item.statement)) {
        const found = readItem(table, item, year);
        if (found !== null) return found;
      }
    }
    return null;
  }

  function compute(request: FigureRequest): Figure | NoFigure {
    const operands: Operand[] = [];
    const missing = new Set<string>();
    const lookup = (item: Item, year: number): number | null => {
      const used = operands.find((one) => one.item === item.name && one.year === year);
      if (used !== undefined) return used.value;
      const found = read(item, year, request);
      if (found !== null) {
        operands.push(found);
        return found.value;
      }
      // A statement without the line tells it by two others.
      if (item.name === "gross profit") return evaluate(salesLessCost, year, lookup);
      missing.add(`${item.name} of ${year}`);
      return null;
    };
    const value = valueOf(request, lookup);
    if (value !== null) return { request, value, operands };
    return {
      declined:
        missing.size > 0
          ? `The statements of ${request.company} that are here do not show ${[...missing].join(", ")}.`
          : `${request.name} of ${request.company} has no value: it would divide by zero or grow from nothing.`,
    };
  }

  return {
    answer(question) {
      const companies = find(question).map(({ company }) => company);
      const request = readFigureRequest(question, companies, readPeriods(question));
      return "declined" in request ? request : compute(request);
    },
    item: (item, year, company) => read(item, year, { company, year }),
  };
}

/** Gross profit, where a statement has no line of it. */
export const salesLessCost: Expression = {
  kind: "binary",
  op: "-",
  left: itemNamed("revenue"),
  right: itemNamed("cost of sales"),
};

function itemNamed(name: string): Expression {
  return { kind: "item", item: itemCalled(name), year: null };
}

/** The page that is most the statement, with the pages beside it over which it runs. */
function readTables(own: readonly FilingPage[], statement: Statement): Table[] {
  const fits = own.map((page) => statementFit(page.text, statement));
  const ranked = fits
    .map((fit, at) => ({ fit, at }))
    .filter(({ fit }) => fit >= leastFit)
    .toSorted((one, other) => other.fit - one.fit || one.at - other.at);
  for (const { at } of ranked) {
    const table = readTable(own, at);
    if (table === null) continue;
    const beside = [at + 1, at - 1]
      .filter((one) => (fits[one] ?? 0) >= leastBesideFit)
      .map((one) => readTable(own, one));
    return [table, ...beside.filter((one) => one !== null)];
  }
  return [];
}

function readTable(own: readonly FilingPage[], at: number): Table | null {
  const page = own[at]!;
  const rows = rowsOf(page.text);
  const columns = columnYears(page.text, rows);
  // The second page of a statement leaves its scale to the first.
  const scale = scaleOf(page.text) ?? (at > 0 ? scaleOf(own[at - 1]!.text) : null);
  if (columns.length === 0 || columns.length > mostYears || scale === null) return null;
  // A year that ends in January is named after the one before by some.
  const shift = (page.filing.year ?? Math.max(...columns)) - Math.max(...columns);
  return Math.abs(shift) > 1 ? null : { page, rows, scale, years: columns.map((year) => year + shift) };
}

/** The value of what is asked for; null as soon as an item is missing, or where it would grow from nothing or a loss. */
export function valueOf(
  { expression, kind, years, year }: Pick<FigureRequest, "expression" | "kind" | "years" | "year">,
  lookup: (item: Item, year: number) => number | null,
): number | null {
  const at = (one: number) => evaluate(expression, one, lookup);
  if (kind === "value") return at(year);
  if (kind === "average") {
    const values = years.map((one) => at(one));
    return values.includes(null) ? null : values.reduce<number>((sum, one) => sum + one!, 0) / values.length;
  }
  const first = at(years[0]!);
  const last = at(years.at(-1)!);
  if (first === null || last === null || first <= 0) return null;
  return (last / first) ** (kind === "cagr" ? 1 / (years.at(-1)! - years[0]!) : 1) - 1;
}
