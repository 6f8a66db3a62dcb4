import { readCell } from "../tables/grid.ts";
import type { ReadTable } from "./document.ts";

/** Fewer rows with figures are a sentence that was spaced out. */
const leastRows = 3;
/** A line without figures inside a table is a heading or the first line of a label; more of them end it. */
const mostBetween = 1;

interface Line {
  start: number;
  end: number;
  cells: string[];
  figures: number;
}

function linesOf(page: string, offset: number): Line[] {
  let start = offset;
  return page.split("\n").map((text) => {
    const cells = text.trim().split(/ {2,}/);
    // A currency sign that stands apart belongs to the figure behind it.
    const joined = cells.reduce<string[]>((out, cell) => {
      if (/^[$€£¥]$/.test(out.at(-1) ?? "")) out[out.length - 1] = `${out.at(-1)} ${cell}`;
      else out.push(cell);
      return out;
    }, []);
    const line = {
      start,
      end: start + text.length,
      cells: text.trim() === "" ? [] : joined,
      figures: joined.slice(1).filter((cell) => readCell(cell).value !== null).length,
    };
    start = line.end + 1;
    return line;
  });
}

/** Rows of equal length: the first cell left, the others from the right, as figures stand below each other. */
function rowsOf(lines: readonly Line[]): string[][] {
  const width = Math.max(...lines.map(({ cells }) => cells.length));
  return lines.map(({ cells }) => {
    // A heading over columns has no label.
    const isHeading = cells.length > 1 && cells.every((cell) => /^(?:fy ?)?(?:19|20)\d\d\W*$/i.test(cell));
    const [label, ...rest] = isHeading ? ["", ...cells] : [cells[0] ?? "", ...cells.slice(1)];
    return [label!, ...Array.from({ length: Math.max(0, width - 1 - rest.length) }, () => ""), ...rest].slice(
      0,
      width,
    );
  });
}

/**
 * Tables of text whose columns are set apart by blanks, as PDF pages and printed reports have them: runs of lines with a
 * label and figures. A row is a line. Headings of years directly above belong to it.
 */
export function layoutTables(text: string): ReadTable[] {
  const tables: ReadTable[] = [];
  let offset = 0;
  for (const page of text.split("\f")) {
    const lines = linesOf(page, offset);
    offset += page.length + 1;
    let first = -1;
    let last = -1;
    let count = 0;
    const close = () => {
      if (count >= leastRows) {
        while (first > 0 && /^\W*(?:fy ?)?(?:19|20)\d\d\b/i.test(lines[first - 1]!.cells.at(-1) ?? ""))
          first--;
        const own = lines.slice(first, last + 1);
        tables.push({ start: own[0]!.start, end: own.at(-1)!.end, rows: rowsOf(own) });
      }
      first = -1;
      count = 0;
    };
    for (const [at, line] of lines.entries()) {
      if (line.figures > 0) {
        if (first < 0) first = at;
        last = at;
        count++;
      } else if (first >= 0 && at - last > mostBetween) close();
    }
    close();
  }
  return tables;
}
