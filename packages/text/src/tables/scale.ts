import type { Grid, GridRow } from "./grid.ts";

/** What one unit of a table's numbers is. */
export type Scale = "" | "thousand" | "million" | "billion" | "percent";

/** Rows whose figures are no amounts: the table's scale is not theirs. */
const unscaled =
  /per (?:\w+ )?share|\bratio\b|\brate\b|average price|\(in years\)|\byears\b|number of (employees|stores)/i;
const inPercent = /%|\bpercent|\btax rate\b|\bmargin\b/i;

function scaleIn(text: string): Scale | undefined {
  if (/thousand|['’`]?\b000\b|['’]000|\$000/.test(text)) return "thousand";
  if (/million|\bmm\b|[$€£]m\b|\bm\b|\brmb ?m/.test(text)) return "million";
  return /billion|[$€£]bn?\b/.test(text) ? "billion" : undefined;
}

/** The scale of a row: told by the table's headings, else by the paragraphs, else by the question; "" where none tells it. */
export function scaleOf(grid: Grid, row: GridRow, paragraphs: readonly string[], question: string): Scale {
  if (inPercent.test(`${row.label} ${row.under}`)) return "percent";
  if (unscaled.test(row.label)) return "";
  const labels = grid.rows.map(({ label, under }) => `${under} ${label}`).join(" ");
  const inLabels = labels.match(/\(?in (?:thousands|millions|billions)|['’]000/i)?.[0] ?? "";
  const told = scaleIn(`${grid.caption} ${row.label} ${row.under} ${inLabels}`.toLowerCase());
  if (told !== undefined) return told;
  const around = /\(?in (thousand|million|billion)s/i.exec(paragraphs.slice(0, 6).join(" "))?.[1];
  if (around !== undefined) return around.toLowerCase() as Scale;
  const asked = question.toLowerCase().replaceAll(/[\d,.]+ (million|thousand|billion)/g, "");
  return scaleIn(asked) ?? "";
}
