import { termsOf } from "../terms.ts";
import { readGrid } from "./grid.ts";
import type { Grid, GridRow, RawTable } from "./grid.ts";
import { createRowFinder, figureOf, isFigure, readAsked, yearPattern, yearsOf } from "./match.ts";
import type { Asked, Figure, RowMatch } from "./match.ts";
import { operandsOf, operationOf } from "./operation.ts";
import type { Operation } from "./operation.ts";
import { passageAnswer } from "./passage.ts";
import { scaleOf } from "./scale.ts";
import type { Scale } from "./scale.ts";

export type { Scale } from "./scale.ts";

/** An answer from one table and the paragraphs around it. */
export interface TableAnswer {
  /** As table or text write them, or one computed number, rounded to two places. */
  answers: string[];
  /** What one unit of a number is. */
  scale: Scale;
  /** The computation with the figures as the table writes them; "" where nothing was computed. */
  derivation: string;
}

interface Work {
  grid: Grid;
  asked: Asked;
  find: (terms: ReadonlySet<string>) => RowMatch[];
  best: RowMatch;
  scale: Scale;
}

/** Under this share of its label asked for, a row is not what was meant. */
const leastCover = 0.34;
const sureCover = 0.5;
/** A row of a list ("A, B and C") must be named nearly whole. */
const listCover = 0.75;
const sureScore = 0.95;

const shown = (value: number) => String(Number(value.toFixed(2)));

/**
 * Answers a question from a table and the paragraphs around it: a figure, a computation over figures (change,
 * percentage, average, sum, ratio), a year or row by comparison, or words of a paragraph. Undefined where nothing fits.
 * The table is as it stands in a report: labels in its first column, headings in its first rows.
 */
export function answerFromTable(
  question: string,
  table: RawTable,
  paragraphs: readonly string[],
): TableAnswer | undefined {
  const grid = readGrid(table);
  const asked = readAsked(question);
  const find = createRowFinder(grid);
  const [best] = find(asked.terms);
  const operation = operationOf(question);
  if (operation === "years") {
    const years = yearsOf(grid);
    if (years.length > 0) return { answers: years, scale: "", derivation: "" };
  }
  if (best !== undefined) {
    const work = { grid, asked, find, best, scale: scaleOf(grid, best.row, paragraphs, question) };
    if (operation === "value") {
      const told = isWordy(question) ? undefined : values(work);
      if (told !== undefined) return told;
    } else if (best.cover >= leastCover) {
      // "The total sales in 2021" is a row of its own, not a sum.
      const computed = compute(operation, work) ?? (operation === "sum" ? values(work) : undefined);
      if (computed !== undefined) return computed;
    }
  }
  const passage = passageAnswer(question, paragraphs);
  return passage === undefined ? undefined : { answers: [passage], scale: "", derivation: "" };
}

/** Asks for words, not for a figure. */
function isWordy(question: string): boolean {
  return (
    /^(why|how (is|are|was|were|does|do|did)|where|when|who|what (does|do|did|caused|led|drove))\b/i.test(
      question,
    ) || /\b(include|comprise|consist|relate|refer|mean|reflect|represent)\b/i.test(question)
  );
}

function compute(operation: Operation, work: Work): TableAnswer | undefined {
  switch (operation) {
    case "change":
    case "percentChange":
      return changed(operation, work);
    case "average":
    case "sum":
      return gathered(operation, work);
    case "difference":
    case "ratio":
    case "share":
      return paired(operation, work);
    case "count":
    case "which":
      return compared(operation, work);
    default:
      return undefined;
  }
}

const scaleOfFigure = (figure: Figure, scale: Scale): Scale =>
  figure.text.includes("%") ? "percent" : scale;

/** Figures of the best row, one a year asked for. */
function values({ grid, asked, best, scale }: Work): TableAnswer | undefined {
  if (best.score < sureScore) return undefined;
  const years = asked.years.length > 0 ? asked.years : [undefined];
  const figures = years.map((year) => figureOf(grid, best.row, year, asked)).filter(isFigure);
  if (figures.length < years.length) return undefined;
  return {
    answers: figures.map(({ text }) => text),
    scale: scaleOfFigure(figures[0]!, scale),
    derivation: "",
  };
}

/** From the earlier to the later year; without years, between the two columns that are named or the only two there are. */
function changed(operation: "change" | "percentChange", work: Work): TableAnswer | undefined {
  const { grid, asked, best, scale } = work;
  const years = (asked.years.length > 0 ? asked.years : yearsOf(grid)).toSorted();
  let older = years.length < 2 ? undefined : figureOf(grid, best.row, years[0], asked);
  let newer = years.length < 2 ? undefined : figureOf(grid, best.row, years.at(-1), asked);
  if (older === undefined || newer === undefined || older === newer) {
    [newer, older] = twoColumns(grid, asked, best.row) ?? [];
  }
  if (older === undefined || newer === undefined) return undefined;
  const change = newer.value - older.value;
  const difference = `${newer.text} - ${older.text}`;
  if (operation === "change") {
    return { answers: [shown(change)], scale: scaleOfFigure(newer, scale), derivation: difference };
  }
  if (older.value === 0) return undefined;
  return {
    answers: [shown((100 * change) / older.value)],
    scale: "percent",
    derivation: `(${difference}) / ${older.text}`,
  };
}

function twoColumns(grid: Grid, asked: Asked, row: GridRow): [Figure, Figure] | undefined {
  const named = grid.columns
    .map((heading, at) => ({ cell: row.cells[at], words: termsOf(heading) }))
    .filter(({ words }) => {
      const held = words.filter((term) => asked.terms.has(term)).length;
      return words.length > 0 && held / words.length >= 0.6;
    })
    .map(({ cell }) => cell)
    .filter(isFigure);
  if (named.length === 2) return [named[0]!, named[1]!];
  const amounts = row.cells.filter(isFigure).filter(({ percent }) => !percent);
  return amounts.length === 2 ? [amounts[0]!, amounts[1]!] : undefined;
}

function gathered(operation: "average" | "sum", work: Work): TableAnswer | undefined {
  const { best, scale } = work;
  const figures = figuresNamed(work);
  const [first] = figures;
  if (first === undefined || (operation === "sum" && figures.length === 1)) return undefined;
  const sum = figures.reduce((total, { value }) => total + value, 0);
  // Expenses in brackets are meant as amounts.
  const total = /\bexpenses?\b/i.test(best.row.label) ? Math.abs(sum) : sum;
  const list = figures.map(({ text }) => text).join(" + ");
  return {
    answers: [shown(operation === "sum" ? total : total / figures.length)],
    scale: scaleOfFigure(first, scale),
    derivation: operation === "sum" ? list : `(${list}) / ${figures.length}`,
  };
}

/** Figures that an average or a sum runs over: several rows where several are named, in the years asked for, else in all. */
function figuresNamed({ grid, asked, find, best }: Work): Figure[] {
  const named = asked.text
    .split(/\band\b|,|&/i)
    .map((part) => find(new Set(termsOf(part)))[0])
    .filter((one) => one !== undefined && one.cover >= listCover)
    .map((one) => one!.row);
  const rows = new Set(named).size >= 2 ? [...new Set(named)] : [best.row];
  const years = spanOf(grid, asked);
  const figures = rows.flatMap((row) =>
    (years.length === 0 ? [undefined] : years).map((year) => figureOf(grid, row, year, asked)),
  );
  return [...new Set(figures.filter(isFigure))];
}

/** Years of a span ("2017 to 2019", either way), else those named, else all. */
function spanOf(grid: Grid, asked: Asked): string[] {
  const span = /\b((?:19|20)\d\d)\s*(?:-|–|to|through)\s*((?:19|20)\d\d)\b/.exec(asked.text);
  const [from, to] = span === null ? [] : [span[1]!, span[2]!].toSorted();
  const inside = yearsOf(grid).filter((year) => from !== undefined && year >= from && year <= to!);
  if (inside.length > 0) return inside;
  return asked.years.length > 0 ? asked.years : yearsOf(grid);
}

function paired(operation: "difference" | "ratio" | "share", work: Work): TableAnswer | undefined {
  const { grid, asked, find, best, scale } = work;
  const [firstYear] = asked.years;
  const lastYear = asked.years.at(-1);
  const [left, right] = (operandsOf(asked.text, operation) ?? []).map(
    (text) => find(new Set(termsOf(text)))[0],
  );
  if (left !== undefined && left.cover >= sureCover) {
    const isNamed = right !== undefined && right.row !== left.row && right.cover >= sureCover;
    const total = operation === "share" ? grid.rows.find(({ label }) => /^total/i.test(label)) : undefined;
    const whole = isNamed ? right.row : total;
    const a = figureOf(grid, left.row, isNamed ? firstYear : lastYear, asked);
    const b = whole === undefined ? undefined : figureOf(grid, whole, lastYear, asked);
    if (a !== undefined && b !== undefined) return pair(operation, a, b, scaleOfFigure(a, scale));
  }
  if (asked.years.length !== 2) return undefined;
  const a = figureOf(grid, best.row, firstYear, asked);
  const b = figureOf(grid, best.row, lastYear, asked);
  if (a === undefined || b === undefined || a === b) return undefined;
  // Between two years a difference has no direction.
  const [larger, smaller] = operation === "difference" && a.value < b.value ? [b, a] : [a, b];
  return pair(operation, larger, smaller, scaleOfFigure(a, scale));
}

function pair(
  operation: "difference" | "ratio" | "share",
  a: Figure,
  b: Figure,
  scale: Scale,
): TableAnswer | undefined {
  if (operation === "difference") {
    return { answers: [shown(a.value - b.value)], scale, derivation: `${a.text} - ${b.text}` };
  }
  if (b.value === 0) return undefined;
  const ratio = a.value / b.value;
  return {
    answers: [shown(operation === "share" ? 100 * ratio : ratio)],
    scale: operation === "share" ? "percent" : "",
    derivation: `${a.text} / ${b.text}`,
  };
}

const limit =
  /(exceed\w*|more than|greater than|higher than|above|over|at least|less than|lower than|below|under)\s+[$€£]?\s*(\d[\d,]*(?:\.\d+)?)/;

function compared(operation: "count" | "which", { grid, asked, best }: Work): TableAnswer | undefined {
  const question = asked.text.toLowerCase();
  const byYear = new Map<string, Figure>();
  for (const [at, heading] of grid.columns.entries()) {
    const year = heading.match(yearPattern)?.at(-1);
    const cell = best.row.cells[at];
    if (year === undefined || byYear.has(year) || !isFigure(cell)) continue;
    if (asked.years.length < 2 || asked.years.includes(year)) byYear.set(year, cell);
  }
  const bound = limit.exec(question);
  if (bound !== null) {
    const edge = Number(bound[2]!.replaceAll(",", ""));
    const isBelow = /less|lower|below|under/.test(bound[1]!);
    const years = [...byYear]
      .filter(([, { value }]) => (isBelow ? value < edge : value > edge))
      .map(([year]) => year);
    if (operation === "count")
      return { answers: [String(years.length)], scale: "", derivation: years.join(", ") };
    return years.length === 0 ? undefined : { answers: years, scale: "", derivation: "" };
  }
  if (operation === "count") return undefined;
  const sign = /\b(low\w*|small\w*|least|less|fewe\w*)\b/.test(question) ? 1 : -1;
  const candidates: [string, Figure | undefined][] = /\b(year|period)\b/.test(question)
    ? [...byYear]
    : grid.rows
        .filter(({ label }) => !/^total|^net |subtotal/i.test(label))
        .map((row) => [row.label, figureOf(grid, row, asked.years[0], asked)]);
  const [first] = candidates
    .filter((one): one is [string, Figure] => one[1] !== undefined)
    .toSorted((one, other) => sign * (one[1].value - other[1].value));
  return first === undefined ? undefined : { answers: [first[0]], scale: "", derivation: "" };
}
