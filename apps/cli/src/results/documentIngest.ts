import type { ResultOut } from "@tapedeck/client";
import type { documentIngest } from "@tapedeck/features/ingest/documents/contract";
import type { Output } from "../output.ts";
import { table } from "../output.ts";
import { amount } from "./format.ts";

const shownDocuments = 50;

/** How many became what, and what became of each of the first. */
export function showDocumentImport(result: ResultOut<typeof documentIngest>, out: Output): void {
  const told = Object.entries(result.counts).filter(([, count]) => count > 0);
  out.print(told.map(([status, count]) => `${amount(count)} ${status}`).join(", ") || "no documents");
  const rows = result.documents
    .slice(0, shownDocuments)
    .map(({ status, source, title, documentId, duplicateOf, message }) => [
      status,
      documentId ?? "",
      (title ?? source).slice(0, 60),
      message ?? (duplicateOf === null ? "" : `tells what ${duplicateOf} does`),
    ]);
  if (rows.length > 0) out.print(table(["", "id", "title", ""], rows));
  for (const { title, guesses } of result.documents.slice(0, shownDocuments)) {
    for (const { what, value, why } of guesses) {
      out.print(out.style.dim(`  ${(title ?? "").slice(0, 40)}: guessed ${what}: ${value} (${why})`));
    }
  }
  const more = Object.values(result.counts).reduce((sum, count) => sum + count, 0) - rows.length;
  if (more > 0) out.print(`and ${amount(more)} more`);
  if (!result.indexed) out.print("the index is away: searches find them once it is back");
}
