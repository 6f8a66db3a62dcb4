import { getDocumentProxy } from "unpdf";
import { bareDocument, titleOf, UnreadableError } from "./document.ts";
import type { ReadDocument } from "./document.ts";
import { layoutTables } from "./layoutTables.ts";

/** A run of text on a page, in points from the page's lower left. */
export interface PageText {
  text: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Runs whose baselines differ by less than this share of their height stand in one line. */
const sameLine = 0.5;
/** A gap of more than this share of a letter's width is a blank. */
const wordGap = 0.3;
/** A gap of more letters than this is a column's: what follows keeps its place on the page. */
const columnGap = 1.3;
/** Longer lines are damage. */
const longestLine = 400;

/** Width of a letter on most of the page. */
function letterWidth(runs: readonly PageText[]): number {
  const widths = runs
    .filter(({ text, width }) => text.trim().length > 1 && width > 0)
    .map(({ text, width }) => width / text.length)
    .toSorted((one, other) => one - other);
  return widths[Math.floor(widths.length / 2)] ?? 5;
}

/**
 * Lines of a page with their columns kept, so that the figures of a row stand behind its label and below each other, as
 * `pdftotext -layout` writes them.
 */
export function linesOf(runs: readonly PageText[]): string[] {
  const shown = runs.filter(({ text }) => text.trim() !== "");
  if (shown.length === 0) return [];
  const letter = letterWidth(shown);
  const left = Math.min(...shown.map(({ x }) => x));
  const sorted = shown.toSorted((one, other) => other.y - one.y || one.x - other.x);
  const lines: PageText[][] = [];
  for (const run of sorted) {
    const line = lines.at(-1);
    const near =
      line !== undefined &&
      Math.abs(line[0]!.y - run.y) < sameLine * Math.max(1, Math.min(line[0]!.height, run.height));
    if (near) line.push(run);
    else lines.push([run]);
  }
  return lines.map((line) => {
    let text = "";
    let end = left;
    for (const run of line.toSorted((one, other) => one.x - other.x)) {
      const gap = run.x - end;
      if (gap > columnGap * letter || text === "") {
        const column = Math.min(longestLine, Math.round((run.x - left) / letter));
        text = text === "" ? " ".repeat(column) : text.padEnd(Math.max(column, text.length + 2));
      } else if (gap > wordGap * letter && !text.endsWith(" ")) {
        text += " ";
      }
      text += run.text;
      end = run.x + run.width;
    }
    return text.trimEnd();
  });
}

function refusal(error: unknown): UnreadableError {
  const name = error instanceof Error ? error.name : "";
  if (name === "PasswordException") {
    return new UnreadableError(
      "encrypted",
      "The PDF is protected by a password: send it without one.",
      error,
    );
  }
  return new UnreadableError("damaged", "The PDF is damaged, or no PDF.", error);
}

/**
 * Reads the text of a PDF page by page, columns kept. Throws UnreadableError: encrypted; scanned where no page has text;
 * damaged.
 */
export async function readPdf(
  bytes: Uint8Array,
  fallbackTitle: string,
  signal?: AbortSignal,
): Promise<ReadDocument> {
  // The library takes the bytes away with it.
  const pdf = await getDocumentProxy(Uint8Array.from(bytes), { verbosity: 0 }).catch((error: unknown) => {
    throw refusal(error);
  });
  try {
    const pages: string[] = [];
    for (let number = 1; number <= pdf.numPages; number++) {
      signal?.throwIfAborted();
      const page = await pdf.getPage(number);
      const { items } = await page.getTextContent();
      const runs = items.flatMap((item) =>
        "str" in item
          ? [
              {
                text: item.str,
                x: item.transform[4] as number,
                y: item.transform[5] as number,
                width: item.width,
                height: item.height,
              },
            ]
          : [],
      );
      pages.push(linesOf(runs).join("\n"));
      page.cleanup();
    }
    const text = pages.join("\f");
    if (text.trim() === "") {
      throw new UnreadableError(
        "scanned",
        `None of its ${pdf.numPages} pages has text: it is a scan. Have its text recognised (OCR) and send that.`,
      );
    }
    const { info } = await pdf.getMetadata();
    const told = "Title" in info && typeof info.Title === "string" ? titleOf(info.Title) : "";
    return { ...bareDocument("note", told || fallbackTitle, text), tables: layoutTables(text) };
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof UnreadableError ? error : refusal(error);
  } finally {
    await pdf.loadingTask.destroy();
  }
}
