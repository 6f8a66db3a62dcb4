import { termsOf } from "../terms.ts";
import { columnYears, rowsOf, scaleOf } from "./rows.ts";

/** A row of a table on a page, as it answers a question. */
export interface RankedRow {
  /** Span in the page's text. */
  start: number;
  end: number;
  label: string;
  /** Fiscal years of its columns, left to right; empty where the page's headings do not tell them. */
  years: readonly number[];
  /** What one unit of its figures is; null where the page does not say. */
  scale: number | null;
  /** Share of the question's words that its label holds, in [0, 1]. */
  share: number;
}

/** A row whose label holds less of the question is about something else. */
const leastShare = 0.6;

/**
 * Rows of a page's tables whose labels hold most of a question's words, `known` names and times aside, best first. A label with
 * more words of its own than the question's is about a part of what is asked, and ranks lower.
 */
export function bestRows(question: string, text: string, known: readonly string[]): RankedRow[] {
  const names = new Set(known.flatMap((name) => termsOf(name)));
  const asked = [...new Set(termsOf(question))].filter(
    (term) => !names.has(term) && !/^(fy)?(19|20)\d\d$|^(fiscal|year)$/.test(term),
  );
  if (asked.length === 0) return [];
  const rows = rowsOf(text);
  const years = columnYears(text, rows);
  const scale = scaleOf(text);
  return rows
    .filter(({ implied, cells }) => !implied && cells.length > 0)
    .map(({ label, start, end, cells }) => {
      const held = new Set(termsOf(label));
      const shared = asked.filter((term) => held.has(term)).length;
      return {
        start,
        end,
        label,
        years: cells.length === years.length ? years : [],
        scale,
        share: shared / asked.length,
        spare: held.size - shared,
      };
    })
    .filter(({ share }) => share >= leastShare)
    .toSorted((one, other) => other.share - one.share || one.spare - other.spare)
    .map(({ spare: _, ...row }) => row);
}
