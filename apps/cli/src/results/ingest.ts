import type { ResponseOut, ResultOut } from "@tapedeck/client";
import { isoDate, lastDay } from "@tapedeck/core";
import type { routes } from "@tapedeck/features/contracts";
import type { ingest } from "@tapedeck/features/ingest/contract";
import type { Output } from "../output.ts";
import { table } from "../output.ts";
import { amount, counted } from "./format.ts";

type Result = ResultOut<typeof ingest>;
type Mapping = NonNullable<Result["mapping"]>;
type Preview = ResponseOut<(typeof routes)["previewIngest"]>;
type Refused = ResponseOut<(typeof routes)["getQuarantine"]>["items"][number];

const shownFindings = 12;
const shownSeries = 50;

/** What was stored, how the source was read, what this import found, and what was refused. */
export function showImport(result: Result, out: Output, jobId: string): void {
  showSeries(result, out);
  if (result.mapping !== null) showMapping(result.mapping, out);
  const found = result.quality.flatMap((report) => report.findings);
  for (const { kind, message } of found.slice(0, shownFindings)) out.print(`  ${kind}: ${message}`);
  if (found.length > shownFindings) out.print(`  and ${found.length - shownFindings} more findings`);
  const earlier = result.quality.reduce((sum, report) => sum + report.earlierFindings, 0);
  if (earlier > 0) out.print(`  ${counted(earlier, "finding")} of earlier imports still stand`);
  for (const note of result.notes) out.print(`  ${note}`);
  if (result.quarantined > 0) {
    const reasons = Object.entries(result.quarantineReasons).map(([reason, rows]) => `${reason} ${rows}`);
    out.print(`${refusedRows(result.quarantined, jobId, out)} (${reasons.join(", ")})`);
  }
  const first = result.instruments[0];
  if (first !== undefined)
    out.print(
      `next: ${out.style.cyan(`npx tapedeck ask "What was the last close of ${first.instrumentId}?"`)}`,
    );
}

/** How many rows an import refused, and how to see them. */
export function refusedRows(rows: number, jobId: string, out: Output): string {
  return `${counted(rows, "row")} refused; see each with ${out.style.cyan(`npx tapedeck quarantine ${jobId}`)}`;
}

function showSeries(result: Result, out: Output): void {
  const rows = result.instruments
    .slice(0, shownSeries)
    .map((one) => [
      one.instrumentId,
      one.kind,
      one.timeframe,
      String(one.rows),
      String(one.inserted),
      String(one.revised),
      one.fromMs === null ? "" : isoDate(one.fromMs),
      one.toMs === null ? "" : lastDay(one.toMs),
    ]);
  out.print(table(["instrument", "kind", "timeframe", "rows", "new", "revised", "from", "to"], rows));
  const more = result.instruments.length - shownSeries;
  if (more > 0) out.print(`and ${more} more series`);
}

function showMapping(mapping: Mapping, out: Output): void {
  const columns = Object.entries(mapping.columns).map(([role, column]) => `${role}=${column}`);
  out.print(
    `read as: ${columns.join(" ")}; ${mapping.timeframe} bars, ${mapping.timeZone}, calendar ${mapping.calendar}`,
  );
  for (const guess of mapping.guesses)
    out.print(out.style.dim(`  guessed ${guess.what}: ${guess.value} (${guess.why})`));
}

/** The first rows as they would be read, then how. */
export function showPreview(preview: Preview, out: Output): void {
  const names = [...new Set(preview.rows.flatMap((row) => Object.keys(row.values)))].filter((name) =>
    preview.rows.some((row) => (row.values[name] ?? null) !== null),
  );
  const time = (ms: number | null) =>
    ms === null ? "" : new Date(ms).toISOString().replace(/:00\.000Z$/, "Z");
  out.print(
    table(
      ["line", "instrument", "opens", "closes", ...names, "refused"],
      preview.rows.map((row) => [
        String(row.line),
        row.instrumentId ?? "",
        time(row.openMs),
        time(row.closeMs),
        ...names.map((name) => amount(row.values[name] ?? null, 8).replace("–", "")),
        row.rejected ?? "",
      ]),
    ),
  );
  showMapping(preview.mapping, out);
  const { unused } = preview.mapping;
  if (unused.length > 0) out.print(`not used: ${unused.join(", ")}`);
  out.print(
    `these are the first ${counted(preview.rows.length, "row")}; nothing was written; the same command without --preview reads and checks all`,
  );
}

/** Refused rows, as they are in the source. */
export function showRefused(rows: readonly Refused[], out: Output): void {
  out.print(
    table(
      ["line", "reason", "what is wrong", "row"],
      rows.map((row) => [String(row.line), row.reason, row.message, row.row]),
    ),
  );
}
