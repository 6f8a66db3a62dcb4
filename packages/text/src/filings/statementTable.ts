import type { FilingPage } from "./filing.ts";
import { isNetInterest, items, plainLabel } from "./items.ts";
import type { Item } from "./items.ts";
import type { Row } from "./rows.ts";

/** A figure of a statement, and where it stands. */
export interface Operand {
  item: string;
  year: number;
  /** In whole units of the statement's currency. */
  value: number;
  /** Which of the item's wordings the row has: rows of another may be of another amount. */
  wording: number;
  page: FilingPage;
  /** Span of its row: page.text.slice(start, end). */
  start: number;
  end: number;
}

/** A statement on a page: one column a year. */
export interface Table {
  page: FilingPage;
  rows: readonly Row[];
  years: readonly number[];
  scale: number;
}

/** A row of less than its item, beside which the whole may stand. */
const partial = /\b(?:excluding|exclusive of|before impairment)\b/i;

/** The item of a table's rows in a year, as an amount with its sign; null where no row tells it. */
export function readItem(table: Table, item: Item, year: number): Operand | null {
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
  for (const [wording, pattern] of item.rows.entries()) {
    const fitting = whole.filter(
      (row) => pattern.test(plainLabel(row.label)) && (item.perShare !== true || isPerShare(page, row)),
    );
    const own = fitting.filter(({ implied }) => !implied);
    const row = own.find(({ label }) => !partial.test(label)) ?? own[0] ?? fitting[0];
    if (row === undefined) continue;
    const told = lossSign(row) * row.cells[column]! * (item.perShare === true ? 1 : scale);
    const sign = isNetInterest(row.label) ? expenseSign(table, row) : 1;
    if (sign === null) continue;
    let value = sign * told;
    if (item.amount === true && !isNetInterest(row.label)) value = Math.abs(told);
    else if (item.name === "income tax") value = taxed(plainLabel(row.label), told);
    return { item: item.name, year, value, wording, page, start: row.start, end: row.end };
  }
  return null;
}

/** A row of cents, beside one of the same label that counts shares. */
function isPerShare({ text }: FilingPage, { start, end, cells }: Row): boolean {
  return (text.slice(start, end).match(/(?<![\d,])\d{0,3}\.\d\d(?!\d)/g)?.length ?? 0) >= cells.length;
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

export function itemCalled(name: string): Item {
  return items.find((one) => one.name === name)!;
}
