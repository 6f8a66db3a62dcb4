import { readCell } from "../tables/grid.ts";

/** A cell with the columns that it covers: [from, to). */
export interface SpanCell {
  text: string;
  from: number;
  to: number;
}

/** Wider tables are layout or damage. */
export const mostColumns = 200;

const before = /^[$€£¥(]+$/;
const after = /^[)%]+$|^\)\s*%$/;

/** Filers give currency signs, brackets and percent signs columns of their own: they join their figure. */
function joined(row: readonly SpanCell[]): SpanCell[] {
  const out: SpanCell[] = [];
  let prefix: SpanCell | undefined;
  for (const cell of row) {
    if (cell.text === "") continue;
    const last = out.at(-1);
    if (before.test(cell.text)) {
      prefix = { text: `${prefix?.text ?? ""}${cell.text}`, from: prefix?.from ?? cell.from, to: cell.to };
    } else if (after.test(cell.text) && last !== undefined) {
      last.text += cell.text;
      last.to = cell.to;
    } else if (prefix === undefined) {
      out.push({ ...cell });
    } else {
      out.push({
        text: `${prefix.text}${prefix.text.endsWith("(") ? "" : " "}${cell.text}`,
        from: prefix.from,
        to: cell.to,
      });
      prefix = undefined;
    }
  }
  if (prefix !== undefined) out.push(prefix);
  return out;
}

const isFigure = ({ text }: SpanCell) => /\d|^[—–-]$/.test(text) && readCell(text).value !== null;

/** The column that each source column belongs to: those that one figure covers are one. */
function groupsOf(rows: readonly SpanCell[][], width: number): Int32Array {
  const group = Int32Array.from({ length: width }, (_, at) => at);
  const figures = rows.map((row) => row.filter(isFigure));
  const wide = figures.flat().filter(({ from, to }) => to - from > 1);
  const spans = new Map(wide.map((cell) => [cell.from * mostColumns + cell.to, cell]));
  for (const { from, to } of spans.values()) {
    const overSeveral = figures.some(
      (row) => row.filter((one) => one.from >= from && one.to <= to).length > 1,
    );
    if (overSeveral) continue;
    const first = group[from]!;
    for (let at = from; at < to; at++) {
      const old = group[at]!;
      for (let i = 0; i < width; i++) if (group[i] === old) group[i] = Math.min(first, old);
    }
  }
  return group;
}

/** Rows of equal length, columns of signs and empty columns gone. Empty rows are left out. */
export function cellsOf(source: readonly (readonly SpanCell[])[]): string[][] {
  const rows = source.map(joined).filter((row) => row.length > 0);
  const width = Math.max(0, ...rows.map((row) => row.at(-1)!.to));
  const group = groupsOf(rows, width);
  const used = [...new Set(rows.flatMap((row) => row.map((cell) => group[cell.from]!)))].toSorted(
    (one, other) => one - other,
  );
  const place = new Map(used.map((column, at) => [column, at]));
  return rows.map((row) => {
    const cells = used.map(() => "");
    for (const cell of row) {
      const at = place.get(group[cell.from]!)!;
      cells[at] = cells[at] === "" ? cell.text : `${cells[at]} ${cell.text}`;
    }
    return cells;
  });
}

/** Is it a table of data? Others set text in places: lists, signatures, headings. */
export function isDataTable(rows: readonly (readonly string[])[], headed: boolean): boolean {
  if (rows.length < 2 || rows[0]!.length < 2) return false;
  const figures = rows.reduce(
    (sum, row) => sum + row.slice(1).filter((text) => readCell(text).value !== null).length,
    0,
  );
  return headed || figures >= 2;
}
