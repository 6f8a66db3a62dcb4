import { termsOf } from "../terms.ts";
import { withFullYears } from "./grid.ts";
import type { Grid, GridCell, GridRow } from "./grid.ts";

export const yearPattern = /(?<!\d)(?:19|20)\d\d(?!\d)/g;

/** A question, or a part of one, as it is matched with labels and headings. */
export interface Asked {
  text: string;
  terms: ReadonlySet<string>;
  /** Years in the order of the question. */
  years: string[];
}

/** Words of questions that name no row or column. */
const asking = new Set(
  termsOf(
    "what which how much many was were is are the company company's group value amount year years fiscal ended end " +
      "respectively respective percentage percent change increase decrease increased decreased average total difference " +
      "ratio proportion between from to in for during and or of table information provide provided recorded reported " +
      "higher lower highest lowest larger smallest largest million thousand",
  ),
);
const day =
  /\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\s+\d{1,2}\b/gi;

export function readAsked(text: string): Asked {
  return {
    text,
    // A common word that is some rows' whole label.
    terms: new Set([...termsOf(text), ...(/\bother\b/i.test(text) ? ["other"] : [])]),
    years: [...new Set(withFullYears(text).match(yearPattern) ?? [])],
  };
}

/** Terms of a label; of one made of common words alone ("Other"), those words. */
function labelTerms(label: string): string[] {
  const bare = label.replaceAll(/\(\w{1,2}\)|\(note.*?\)/gi, "");
  const terms = termsOf(bare);
  return [...new Set(terms.length > 0 ? terms : (bare.toLowerCase().match(/\p{L}+/gu) ?? []))];
}

export interface RowMatch {
  row: GridRow;
  score: number;
  /** Share of the label that was asked for, rare words weighing more, in [0, 1]. */
  cover: number;
}

/** What the asker's words that the row and the heading above it explain count, against the row's words that were asked for. */
const recallWeight = 0.8;
const totalNotAsked = 0.1;

/** Finds the rows of a grid that a text names, best first. Only rows that hold a figure. */
export function createRowFinder(grid: Grid): (terms: ReadonlySet<string>) => RowMatch[] {
  const rows = grid.rows
    .filter(({ cells }) => cells.some(({ value }) => value !== null))
    .map((row) => ({ row, label: labelTerms(row.label), heading: termsOf(row.under) }));
  const frequency = new Map<string, number>();
  for (const { label } of rows) {
    for (const term of label) frequency.set(term, (frequency.get(term) ?? 0) + 1);
  }
  const weigh = (terms: readonly string[]) =>
    terms.reduce((sum, term) => {
      const count = frequency.get(term);
      return sum + (count === undefined ? 1 : Math.log(1 + rows.length / count));
    }, 0);
  return (terms) => {
    const asked = [...terms].filter((term) => !asking.has(term) && !/^\d/.test(term));
    return rows
      .map(({ row, label, heading }) => {
        const held = label.filter((term) => terms.has(term));
        const cover = label.length === 0 ? 0 : weigh(held) / weigh(label);
        const explained = asked.filter((term) => label.includes(term) || heading.includes(term));
        const recall = asked.length === 0 ? 0 : weigh(explained) / weigh(asked);
        const total = /^total\b/i.test(row.label) && !terms.has("total") ? totalNotAsked : 0;
        return { row, cover, score: cover === 0 ? 0 : cover + recallWeight * recall - total };
      })
      .filter(({ score }) => score > 0)
      .toSorted((one, other) => other.score - one.score);
  };
}

export function yearsOf(grid: Grid): string[] {
  return [...new Set(grid.columns.flatMap((heading) => heading.match(yearPattern) ?? []))];
}

/** A cell that holds a figure. */
export type Figure = GridCell & { value: number };

export function isFigure(cell: GridCell | undefined): cell is Figure {
  return cell !== undefined && cell.value !== null;
}

/** How well a heading's other words fit; a column of changes only where a change was asked for. */
function headingFit(heading: string, asked: Asked): number {
  const words = termsOf(heading).filter((term) => !/^\d/.test(term));
  const held = words.filter((term) => asked.terms.has(term)).length;
  const unasked = /change|%|variance|increase/i.test(heading) && !/change|%|percent/i.test(asked.text);
  const text = asked.text.toLowerCase();
  const onDay = (heading.match(day) ?? []).some((one) => text.includes(one.toLowerCase()));
  return held / Math.max(1, words.length) + 0.1 * held + (onDay ? 1 : 0) - (unasked ? 0.6 : 0);
}

/** The figure of a row in a year, of several such columns the one whose other words were asked for; the first of equals. */
export function figureOf(
  grid: Grid,
  row: GridRow,
  year: string | undefined,
  asked: Asked,
): Figure | undefined {
  const isHeaded = year !== undefined && grid.columns.some((heading) => heading.includes(year));
  let best: Figure | undefined;
  let bestFit = -Infinity;
  for (const [at, heading] of grid.columns.entries()) {
    const cell = row.cells[at];
    if (!isFigure(cell)) continue;
    const years: string[] = heading.match(yearPattern) ?? [];
    if (year !== undefined && !years.includes(year) && (years.length > 0 || isHeaded)) continue;
    const fit = headingFit(heading, asked);
    if (fit > bestFit) [best, bestFit] = [cell, fit];
  }
  return best;
}
