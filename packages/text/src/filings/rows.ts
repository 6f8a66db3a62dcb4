/** A row of a table in a page's text. */
export interface Row {
  /** As it stands, or `total ` and the heading above where the row has none of its own. */
  label: string;
  /** The label was made up from the heading. */
  implied: boolean;
  /** Left to right. A dash is 0; brackets and a minus sign are negative. */
  cells: number[];
  /** Span in the page's text: text.slice(start, end). */
  start: number;
  end: number;
}

const digits = "(?:\\d{1,3}(?:,\\d{3})+|\\d+)?(?:\\.\\d+)?(?<=\\d)%?";
const sign = "[$€£¥]";
/** A figure, with the blanks that text cut out of a page has inside of it: "( 12 )", "$ 5"; else a word. */
const token = new RegExp(
  `${sign}?\\s*\\(\\s*${sign}?\\s*${digits}\\s*\\)%?|${sign}\\s+-?${digits}(?!\\S)|\\S+`,
  "g",
);
const figure = new RegExp(`^-?${sign}?-?${digits}$|^${sign}?\\(${sign}?${digits}\\)%?$|^[—–-]$`);
/** Signs that stand apart from their figure. */
const loose = /^[$€£¥%()]+$/;
/** A line without figures longer than this is prose, not a heading. */
const longestHeading = 60;
/** A label that ends like this goes on with a figure: "net of allowances of $95 and $103". */
const openLabel = /\b(and|of|or)$/i;

/** A line of one word, without a figure. */
const oneWord = /^[\p{L}'’,()-]+$/u;

interface Token {
  text: string;
  at: number;
  end: number;
  figure: boolean;
}

function tokensOf(line: string): Token[] {
  return [...line.matchAll(token)].map((match) => {
    const text = match[0].replaceAll(/\s+/g, "");
    const at = match.index + (match[0].length - match[0].trimStart().length);
    return { text, at, end: match.index + match[0].length, figure: figure.test(text) };
  });
}

/** One line may hold several rows: after two or more figures, a word in capitals begins the next. */
function piecesOf(line: string): Token[][] {
  const pieces: Token[][] = [];
  let open: Token[] = [];
  let figures = 0;
  for (const one of tokensOf(line)) {
    if (figures >= 2 && /^\p{Lu}\p{L}/u.test(one.text)) {
      pieces.push(open);
      open = [];
    }
    if (one.figure) figures++;
    else if (!loose.test(one.text)) figures = 0;
    open.push(one);
  }
  if (open.length > 0) pieces.push(open);
  return pieces;
}

function valueOf(text: string): number {
  if (/^[—–-]$/.test(text)) return 0;
  const value = Number(text.replaceAll(/[^\d.]/g, ""));
  return /^[$€£¥]*[(-]/.test(text) ? -value : value;
}

/**
 * The rows of a page: lines, or parts of lines, that end in figures. A label broken over two lines is joined; a row of
 * two or more figures without a label is the total of the heading above it.
 */
export function rowsOf(text: string): Row[] {
  const rows: Row[] = [];
  let heading = "";
  let unfinished = "";
  let unfinishedAt = 0;
  /** The unfinished label came a word a line. */
  let wordByWord = false;
  let offset = 0;
  for (const line of text.split("\n")) {
    for (const tokens of piecesOf(line)) {
      const { label, cells } = labelAndCells(tokens);
      const at = offset + tokens[0]!.at;
      if (cells.length === 0) {
        if (!/\p{L}/u.test(label)) continue;
        // Justified text may have come out a word a line.
        const oneMore = wordByWord && oneWord.test(label);
        wordByWord = oneWord.test(label);
        unfinishedAt = oneMore ? unfinishedAt : at;
        unfinished = oneMore ? `${unfinished} ${label}` : label;
        if (unfinished.endsWith(":") || unfinished.length < longestHeading)
          heading = unfinished.replace(/:$/, "");
        if (/^liabilities\b/i.test(heading)) nameTotalAssets(rows.at(-1));
        continue;
      }
      const broken = goesOn(unfinished, label);
      const implied = label === "" && cells.length > 1;
      rows.push({
        label: broken ? `${unfinished} ${label}` : implied ? totalOf(heading) : label,
        implied,
        cells: cells.map((one) => valueOf(one.text)),
        start: broken ? unfinishedAt : at,
        end: offset + tokens.at(-1)!.end,
      });
      unfinished = "";
      wordByWord = false;
    }
    offset += line.length + 1;
  }
  return rows;
}

/** The label of a line and the figures after it. */
function labelAndCells(tokens: readonly Token[]): { label: string; cells: Token[] } {
  let from = tokens.findLastIndex((one) => !one.figure && !loose.test(one.text)) + 1;
  let cells = tokens.slice(from).filter((one) => one.figure);
  const labelTo = (end: number) =>
    tokens
      .slice(0, end)
      .map((one) => one.text)
      .join(" ");
  if (cells.length > 1 && openLabel.test(labelTo(from))) {
    from = tokens.indexOf(cells[0]!) + 1;
    cells = cells.slice(1);
  }
  // A dash at the end of a line is punctuation.
  if (cells.length === 1 && from > 0 && valueOf(cells[0]!.text) === 0 && cells[0]!.text !== "0") cells = [];
  return { label: labelTo(from), cells };
}

function totalOf(heading: string): string {
  return /^total\b/i.test(heading) ? heading : `total ${heading}`;
}

/** A balance sheet may leave its first total without a label, before the heading of the other side. */
function nameTotalAssets(row: Row | undefined): void {
  if (row?.implied === true) row.label = "total assets";
}

/** Is this the second line of a label whose first had no figures? */
function goesOn(unfinished: string, label: string): boolean {
  if (unfinished === "" || label === "" || /[:.]$/.test(unfinished)) return false;
  return /^[a-z(&]/.test(label) || /\b(of|to|and|in|for|by|from|the|at)$|,$/i.test(unfinished);
}

const hasWord = /\p{L}{3}/u;
const isYear = (value: number) => value >= 1990 && value <= 2100;
/** Tables wider than this are no statement. */
const mostColumns = 6;

/** Years over the columns, left to right: a run in the heading that goes one way, as wide as most rows; empty when there is none. */
export function columnYears(text: string, rows: readonly Row[]): number[] {
  const widths = new Map<number, number>();
  for (const { label, cells } of rows) {
    if (hasWord.test(label) && cells.length <= mostColumns) {
      widths.set(cells.length, (widths.get(cells.length) ?? 0) + 1);
    }
  }
  const width = [...widths].toSorted((one, other) => other[1] - one[1])[0]?.[0];
  if (width === undefined) return [];
  const first = rows.find(
    ({ label, cells }) => hasWord.test(label) && cells.length === width && !cells.every(isYear),
  );
  // A heading may stand in one line with the first row.
  const head = first === undefined ? text : `${text.slice(0, first.start)} ${first.label}`;
  const years = [...head.matchAll(/\b((?:19|20)\d\d)\b/g)].map((match) => Number(match[1]));
  for (let at = 0; at + width <= years.length; at++) {
    const run = years.slice(at, at + width);
    const steps = run.slice(1).map((year, i) => year - run[i]!);
    if (steps.every((step) => step === -1) || steps.every((step) => step === 1)) return run;
  }
  return [];
}

const scales: Record<string, number> = { thousands: 1e3, millions: 1e6, billions: 1e9 };

/** What one unit of a page's figures is: 1e3, 1e6 or 1e9; null when its first lines do not say. */
export function scaleOf(text: string): number | null {
  const head = text.split("\n", 25).join(" ").replaceAll(/\s+/g, " ").toLowerCase();
  const said =
    /\b(?:in|\$) ?(thousands|millions|billions)\b|\b(thousands|millions|billions) of (?:u\.?s\.? )?dollars|\bdollars (?:and shares )?in (thousands|millions|billions)|\((thousands|millions|billions)\b/.exec(
      head,
    );
  const word = said?.slice(1).find((part) => part !== undefined);
  return word === undefined ? null : scales[word]!;
}
