import type { ReadTable } from "./document.ts";

/** Labels longer than this are not padded: their figures follow after two blanks. */
const labelWidth = 72;

/** Text of a document as it grows, with the spans of its tables. */
export interface TextBuilder {
  readonly length: number;
  /** Text that goes on in its line; runs of white space count as one blank. */
  words(text: string): void;
  /** Ends the line, where one is begun. */
  line(): void;
  /** Leaves an empty line before what comes next. */
  paragraph(): void;
  /** Begins a page, where the one before holds something. */
  page(): void;
  heading(level: number, text: string): void;
  table(rows: readonly (readonly string[])[]): void;
  done(): { text: string; tables: ReadTable[] };
}

export function createTextBuilder(): TextBuilder {
  const parts: string[] = [];
  const tables: ReadTable[] = [];
  let length = 0;
  /** Line ends at the end of what there is; a page's beginning counts as an empty line. */
  let ends = 2;
  let blank = false;
  let pageEmpty = true;

  function put(text: string): void {
    parts.push(text);
    length += text.length;
  }

  function breakLine(count: number): void {
    while (ends < count) {
      put("\n");
      ends++;
    }
    blank = false;
  }

  const builder: TextBuilder = {
    get length() {
      return length;
    },
    words(text) {
      const bare = text.replaceAll(/[\s\u00a0]+/g, " ");
      if (bare.trim() === "") {
        blank ||= bare !== "" && ends === 0;
        return;
      }
      if ((blank || bare.startsWith(" ")) && ends === 0) put(" ");
      put(bare.trim());
      blank = bare.endsWith(" ");
      ends = 0;
      pageEmpty = false;
    },
    line: () => breakLine(1),
    paragraph: () => breakLine(2),
    page() {
      if (pageEmpty) return;
      breakLine(1);
      put("\f");
      ends = 2;
      pageEmpty = true;
    },
    heading(level, text) {
      if (text.trim() === "") return;
      breakLine(2);
      builder.words(`${"#".repeat(level)} ${text}`);
      breakLine(2);
    },
    table(rows) {
      if (rows.length === 0) return;
      breakLine(2);
      const start = length;
      put(inColumns(rows));
      tables.push({ start, end: length, rows: rows.map((row) => [...row]) });
      ends = 0;
      pageEmpty = false;
      breakLine(2);
    },
    done: () => ({ text: parts.join("").trimEnd(), tables }),
  };
  return builder;
}

/** A table as text: first column left, the others right, two blanks between; long labels push their row. */
export function inColumns(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: width }, (_, at) =>
    Math.min(labelWidth, Math.max(...rows.map((row) => row[at]?.length ?? 0))),
  );
  return rows
    .map((row) =>
      row
        .map((cell, at) => (at === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[at]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
