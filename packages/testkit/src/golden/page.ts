/** docs/exactness.md: what was compared with which reference values, and how far apart they are. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { GoldenResult } from "./golden.ts";
import { goldenFolders } from "./golden.ts";
import type { Unreferenced } from "./unreferenced.ts";

export interface Compared {
  /** `folder/name`. */
  readonly id: string;
  readonly result: GoldenResult;
}

/** Tells one set of reference values from another: a hash of every file beside a manifest. */
export function fingerprintOf(goldenDir: string): string {
  const hash = createHash("sha256");
  for (const folder of goldenFolders(goldenDir)) {
    for (const file of readdirSync(join(goldenDir, folder)).toSorted()) {
      hash.update(`${folder}/${file}\n`).update(readFileSync(join(goldenDir, folder, file)));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

const digits = (x: number): string => (x === 0 ? "0" : x.toExponential(1));
const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [row(head), `|${"---|".repeat(head.length)}`, ...rows.map(row)];
}

function byFolder(compared: readonly Compared[]): Map<string, Compared[]> {
  const folders = new Map<string, Compared[]>();
  for (const one of compared) {
    const folder = one.id.slice(0, one.id.indexOf("/"));
    folders.set(folder, [...(folders.get(folder) ?? []), one]);
  }
  return folders;
}

function summaryRow(folder: string, entries: readonly Compared[]): string[] {
  const values = entries.reduce((sum, { result }) => sum + result.values, 0);
  const share = Math.max(...entries.map(({ result }) => result.worst));
  return [folder, String(entries.length), values.toLocaleString("en-US"), share.toPrecision(2)];
}

function entryRow({ id, result }: Compared): string[] {
  return [
    id.slice(id.indexOf("/") + 1),
    `\`${result.counterpart}\``,
    result.reference,
    result.values.toLocaleString("en-US"),
    digits(result.deviation),
    result.tolerance,
  ];
}

/** The page, from every comparison that passed and what none stands for. */
export function exactnessPage(
  compared: readonly Compared[],
  rest: readonly Unreferenced[],
  fingerprint: string,
): string {
  const folders = [...byFolder(compared)];
  const lines = [
    "# Exactness",
    "",
    "Written by `npm run test:golden -- --write` from its own comparisons; `npm test` fails where this page is not what they",
    `give. Reference values: ${fingerprint}. A deviation is relative where the tolerance is, else absolute; every entry passes,`,
    "so its deviation is within the tolerance at every value, warm-up and undefined values included.",
    "",
    ...table(
      ["part", "entries", "values compared", "largest share of a tolerance"],
      folders.map(([folder, entries]) => summaryRow(folder, entries)),
    ),
  ];
  for (const [folder, entries] of folders) {
    lines.push("", `## ${folder}`, "");
    lines.push(
      ...table(
        ["entry", "here", "reference", "values", "largest deviation", "tolerance"],
        entries.map(entryRow),
      ),
    );
  }
  lines.push(
    "",
    "## Without reference values",
    "",
    "Held by tests (under `packages/quant/src`) to their definitions, to identities, or as a step of what is compared above.",
    "",
    ...table(
      ["part", "function", "tests"],
      rest.map(({ part, name, tests }) => [part, `\`${name}\``, tests.join(", ")]),
    ),
  );
  return `${lines.join("\n")}\n`;
}

/** The reference values a page was written from; undefined where it names none. */
export function fingerprintIn(page: string): string | undefined {
  return /^give\. Reference values: ([0-9a-f]{16})\./m.exec(page)?.[1];
}
