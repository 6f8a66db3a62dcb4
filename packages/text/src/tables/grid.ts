/** A table as rows of texts: first column labels, first rows headings, as it stands in a report. */
export type RawTable = readonly (readonly string[])[];

export interface GridCell {
  text: string;
  /** Null where it holds no figure. A dash is 0; brackets are minus; a percentage is its number. */
  value: number | null;
  percent: boolean;
}

export interface GridRow {
  label: string;
  /** The nearest row above that has a label and no figures. */
  under: string;
  cells: readonly GridCell[];
}

/** A table read: labelled rows over headed columns. */
export interface Grid {
  /** Headings of the columns, one for each cell of a row, all heading rows joined. */
  columns: readonly string[];
  rows: readonly GridRow[];
  /** All that stands in headings and titles: where units are told. */
  caption: string;
}

const figure =
  /^[-−–]?\s*[$€£¥]?\s*\(?\s*[-−–]?\s*[$€£¥]?\s*\d[\d,]*(?:\.\d+)?\s*\)?\s*(%|x|p|bps)?\s*\)?(?:\s*\(\w{1,2}\))?$/i;
const dash = /^[$€£¥]?\s*[—–-]\s*%?$/;
const yearOnly = /^(?:fy|fiscal|year)?\s*(?:19|20)\d\d(?:\s*\(\w{1,2}\)|\*)?$/i;

export function readCell(text: string): GridCell {
  const bare = text.replaceAll(/\s+/g, " ").trim();
  if (dash.test(bare)) return { text: bare, value: 0, percent: bare.endsWith("%") };
  if (!figure.test(bare)) return { text: bare, value: null, percent: false };
  const digits = /\d[\d,]*(?:\.\d+)?/.exec(bare)!;
  const value = Number(digits[0].replaceAll(",", ""));
  const before = bare.slice(0, digits.index);
  return { text: bare, value: /[-−–(]/.test(before) ? -value : value, percent: bare.includes("%") };
}

function isHeading(row: readonly string[]): boolean {
  return row.slice(1).every((text) => {
    const bare = text.trim();
    return bare === "" || yearOnly.test(bare) || readCell(bare).value === null;
  });
}

/** Spreads a heading that stands over several columns to those right of it; one alone is over all. */
function spread(row: readonly string[]): string[] {
  const own = row.slice(1).map((text) => text.trim());
  const told = own.filter((text) => text !== "");
  if (told.length === 1) return own.map(() => told[0]!);
  let last = "";
  return own.map((text) => (last = text === "" ? last : text));
}

/** Rows whose labels are years and whose columns are not become columns: figures are read by item and year. */
function upright(raw: RawTable): RawTable {
  const labels = raw.slice(1).map((row) => row[0]?.trim() ?? "");
  const years = labels.filter((label) => yearOnly.test(label) || /\b(?:19|20)\d\d\b/.test(label)).length;
  const heads = raw.slice(0, 2).flatMap((row) => row.slice(1));
  if (years < 2 || years * 2 < labels.length || heads.some((text) => /\b(?:19|20)\d\d\b/.test(text)))
    return raw;
  const width = Math.max(...raw.map((row) => row.length));
  return Array.from({ length: width }, (_, column) => raw.map((row) => row[column] ?? ""));
}

/** "FY19" and "F19" with their century: "FY2019". */
export function withFullYears(text: string): string {
  return text.replaceAll(/\b(FY?)['’]?(\d\d)\b/gi, "$120$2");
}

export function readGrid(table: RawTable): Grid {
  const raw = upright(table);
  const width = Math.max(0, ...raw.map((row) => row.length - 1));
  let body = raw.findIndex((row) => !isHeading(row));
  if (body < 0) body = raw.length;
  // A label over the first figures is a section of the body, not a heading.
  while (
    body > 1 &&
    raw[body - 1]![0]!.trim() !== "" &&
    raw[body - 1]!.slice(1).every((text) => text.trim() === "")
  )
    body--;
  const heads = raw.slice(0, body).map(spread);
  const columns = Array.from({ length: width }, (_, at) =>
    withFullYears([...new Set(heads.map((head) => head[at] ?? ""))].join(" "))
      .replaceAll(/\s+/g, " ")
      .trim(),
  );
  const rows: GridRow[] = [];
  let under = "";
  for (const row of raw.slice(body)) {
    const label = (row[0] ?? "").trim();
    const cells = Array.from({ length: width }, (_, at) => readCell(row[at + 1] ?? ""));
    if (cells.every(({ text }) => text === "")) {
      if (label !== "") under = label;
      continue;
    }
    rows.push({ label: label === "" ? `total ${under}`.trim() : label, under, cells });
  }
  const caption = raw
    .slice(0, body)
    .flatMap((row) => row)
    .join(" ");
  return { columns, rows, caption };
}
