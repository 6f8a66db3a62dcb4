import { rowsOf, scaleOf } from "./rows.ts";
import type { Row } from "./rows.ts";
import type { FilingPage } from "./filing.ts";
import type { Table } from "./statementTable.ts";

/** A statement of a quarterly report: columns over one length of time, or at one moment. */
export interface SpanTable extends Table {
  /** Months that a column covers; 0: a moment. */
  months: number;
}

const monthNames = "january|february|march|april|may|june|july|august|september|october|november|december";
const ended =
  /\b(three|six|nine|twelve|thirteen|twenty-six|thirty-nine|3|6|9|12|13|16|24|26|28|36|39|40)[\s-]+(months?|weeks)(?:\s+period)?\s+ended\b|\b(?:first|second|third|fourth|fiscal)?\s*quarters?\s+ended\b/gi;
const day = new RegExp(`\\b(${monthNames})\\s+(\\d{1,2}),?\\s+((?:19|20)\\d\\d)\\b`, "gi");
const anyYear = /\b((?:19|20)\d\d)\b/g;
const spelled: Record<string, number> = {
  three: 3,
  six: 6,
  nine: 9,
  twelve: 12,
  thirteen: 13,
  "twenty-six": 26,
  "thirty-nine": 39,
};
/** Weeks of a quarter, as filers count them. */
const weeksOfQuarter = 13;
const hasWord = /\p{L}{3}/u;
const widest = 4;

function monthsOf(match: RegExpMatchArray): number {
  const [, count, unit] = match;
  if (count === undefined) return 3;
  const number = spelled[count.toLowerCase()] ?? Number(count);
  return /week/i.test(unit!) ? Math.round(number / weeksOfQuarter) * 3 : number;
}

/** How many figures most rows have, and the first such row. */
function shapeOf(rows: readonly Row[]): { width: number; first: Row } | undefined {
  const fitting = rows.filter(
    ({ label, cells }) =>
      hasWord.test(label) && cells.length <= widest && !cells.every((one) => one > 1990 && one < 2100),
  );
  const groups = Map.groupBy(fitting, ({ cells }) => cells.length);
  const [most] = [...groups].toSorted((one, other) => other[1].length - one[1].length);
  return most === undefined ? undefined : { width: most[0], first: most[1][0]! };
}

const cut = (rows: readonly Row[], width: number, from: number, to: number): Row[] =>
  rows
    .filter(({ cells }) => cells.length === width)
    .map((row) => ({ ...row, cells: row.cells.slice(from, to) }));

/**
 * The columns of a page of a quarterly report, put together by the months that they cover: "Three Months Ended June 30,
 * 2022 2021" beside "Six Months Ended June 30, 2022 2021". Years are the report's fiscal ones. Of a balance sheet the column of
 * the newest day alone. Empty where the heading does not tell the columns, or the page no scale (nor the page before).
 */
export function spanTables(
  page: FilingPage,
  before: FilingPage | undefined,
  isBalance: boolean,
): SpanTable[] {
  const rows = rowsOf(page.text);
  const scale = scaleOf(page.text) ?? (before === undefined ? null : scaleOf(before.text));
  const shape = shapeOf(rows);
  const fiscalYear = page.filing.year;
  if (shape === undefined || scale === null || fiscalYear === null) return [];
  const { width, first } = shape;
  // A heading may stand in one line with the first row.
  const head = `${page.text.slice(0, first.start)} ${first.label}`;
  if (isBalance) {
    const at = newestColumn(head, width);
    if (at === undefined) return [];
    return [{ page, scale, months: 0, years: [fiscalYear], rows: cut(rows, width, at, at + 1) }];
  }
  const spans = [...head.matchAll(ended)];
  const years = [...head.matchAll(anyYear)].map((match) => Number(match[1]));
  const own = years.slice(-width);
  if (spans.length === 0 || own.length < width || width % spans.length !== 0) return [];
  const shift = fiscalYear - Math.max(...own);
  if (Math.abs(shift) > 1) return [];
  const each = width / spans.length;
  const columns = own.map((year, at) => ({
    at,
    year: year + shift,
    months: monthsOf(spans[Math.floor(at / each)]!),
  }));
  return [...Map.groupBy(columns, ({ months }) => months)].flatMap(([months, group]): SpanTable[] => {
    const [from, to] = [group[0]!.at, group.at(-1)!.at + 1];
    const told = group.map(({ year }) => year);
    // Columns of one length stand together, each of another year.
    if (to - from !== group.length || new Set(told).size !== told.length) return [];
    return [{ page, scale, months, years: told, rows: cut(rows, width, from, to) }];
  });
}

/** The column of the newest day; undefined where the heading names not one day or year a column. */
function newestColumn(head: string, width: number): number | undefined {
  const days = [...head.matchAll(day)].map(([whole]) => Date.parse(`${whole} UTC`));
  const years = [...head.matchAll(anyYear)].map((match) => Number(match[1]));
  const told = days.length === width ? days : years.length === width ? years : [];
  if (new Set(told).size !== told.length || told.length === 0) return undefined;
  return told.indexOf(Math.max(...told));
}
