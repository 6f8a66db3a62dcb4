import { createCompanyFinder } from "./companies.ts";
import { evaluate } from "./expression.ts";
import type { Expression } from "./expression.ts";
import type { Filing, FilingPage } from "./filing.ts";
import { isNetInterest, items, plainLabel } from "./items.ts";
import type { Item } from "./items.ts";
import { readPeriods } from "./periods.ts";
import { readFigureRequest } from "./request.ts";
import type { FigureRequest, NoFigure } from "./request.ts";
import { columnYears, rowsOf, scaleOf } from "./rows.ts";
import type { Row } from "./rows.ts";
import { statementFit } from "./statements.ts";
import type { Statement } from "./statements.ts";

/** A figure of a statement, and where it stands. */
export interface Operand {
  item: string;
  year: number;
  /** In whole units of the statement's currency. */
  value: number;
  page: FilingPage;
  /** Span of its row: page.text.slice(start, end). */
  start: number;
  end: number;
}

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
}

/** A page that is at least this much a statement is read as one. */
const leastFit = 0.55;
/** A page beside a statement is its other half at this fit. */
const leastBesideFit = 0.3;
/** A statement shows two or three years; what shows more is an overview. */
const mostYears = 3;
/** A report tells the figures of this many years before its own. */
const yearsTold = 4;

interface Table {
  page: FilingPage;
  rows: readonly Row[];
  years: readonly number[];
  scale: number;
}

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

  function read(item: Item, year: number, request: FigureRequest): Operand | null {
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
  };
}

const salesLessCost: Expression = {
  kind: "binary",
  op: "-",
  left: itemNamed("revenue"),
  right: itemNamed("cost of sales"),
};

function itemCalled(name: string): Item {
  return items.find((one) => one.name === name)!;
}

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

function readItem(table: Table, item: Item, year: number): Operand | null {
  const { page, rows, years, scale } = table;
  const column = years.indexOf(year);
  if (column < 0) return null;
  const whole = rows.filter(({ cells }) => cells.length === years.length);
  /** Some show a tax in brackets and a benefit without: its label says so, or what is left of the income. */
  const taxed = (label: string, told: number): number => {
    if (/^(benefit|\(provision\))/.test(label)) return -told;
    const at = (pattern: RegExp) =>
      whole
        .filter((row) => pattern.test(plainLabel(row.label)))
        .map((row) => lossSign(row) * row.cells[column]! * scale);
    const [before] = at(/before .*tax|^pre-?tax/);
    const after = at(
      /^(consolidated )?(net|\(loss\)|loss|income|earnings)\b(?!.*before).*(income|earnings|loss|operations)/,
    );
    const left = (tax: number) => Math.min(...after.map((net) => Math.abs(before! - tax - net)));
    return before !== undefined && left(-told) < left(told) ? -told : told;
  };
  for (const pattern of item.rows) {
    const fitting = whole.filter(({ label }) => pattern.test(plainLabel(label)));
    const row = fitting.find(({ implied }) => !implied) ?? fitting[0];
    if (row === undefined) continue;
    const told = lossSign(row) * row.cells[column]! * scale;
    const sign = isNetInterest(row.label) ? expenseSign(table, row) : 1;
    if (sign === null) continue;
    let value = sign * told;
    if (item.amount === true && !isNetInterest(row.label)) value = Math.abs(told);
    else if (item.name === "income tax") value = taxed(plainLabel(row.label), told);
    return { item: item.name, year, value, page, start: row.start, end: row.end };
  }
  return null;
}

/**
 * 1 where a row of net interest tells expenses as they are, −1 where it tells them in brackets. A positive "interest
 * expense, net" is one by its name; else the years tell in which it leads from the operating income to that before tax.
 * Null where none tells, or they differ.
 */
function expenseSign(table: Table, { label, cells }: Row): 1 | -1 | null {
  if (cells[0]! >= 0 && /expense/i.test(label)) return 1;
  const told = table.years.flatMap((year, column) => {
    const operating = readItem(table, itemCalled("operating income"), year)?.value;
    const before = readItem(table, itemCalled("income before tax"), year)?.value;
    if (operating === undefined || before === undefined) return [];
    const interest = cells[column]! * table.scale;
    // With as much of other income beside it, either sign could be.
    return ([1, -1] as const).filter(
      (sign) => Math.abs(operating - sign * interest - before) < Math.abs(interest) / 2,
    );
  });
  const [first] = told;
  return first !== undefined && told.every((sign) => sign === first) ? first : null;
}

/**
 * −1 for a row whose label says that it counts losses and whose newest year, which the label is of, has no brackets:
 * "Net loss 155" is an income of −155. Else 1.
 */
function lossSign({ label, cells }: Row): 1 | -1 {
  const plain = plainLabel(label);
  const countsLosses =
    /^(consolidated )?(net |operating )?loss\b(?!.*\b(earnings|profit|income\b(?! tax)))/.test(plain);
  return countsLosses && cells[0]! > 0 ? -1 : 1;
}

function valueOf(
  { expression, kind, years, year }: FigureRequest,
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
