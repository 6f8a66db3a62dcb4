/** Comparison with reference values: what a folder of them offers, and how its entries are counted. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** One entry of a manifest and what compares it. */
export interface GoldenEntry {
  /** `folder/name`, as reports and golden-owed.json say it. */
  readonly id: string;
  /** Runs the comparison; undefined where nothing here answers to the entry. */
  readonly compare?: () => GoldenResult;
}

export interface GoldenResult {
  /** Values compared. */
  readonly values: number;
  /** Largest deviation in shares of the tolerance: at most 1 passes. */
  readonly worst: number;
  /** Largest relative deviation, on the scale the tolerance is on. */
  readonly deviation: number;
  /** What may deviate, in words; the widest where values of one entry differ in it. */
  readonly tolerance: string;
  /** Where the first disagreement is, and what it is. */
  readonly fault?: string;
  /** What answers to the entry here, and what it was compared with. */
  readonly counterpart: string;
  readonly reference: string;
}

/** A folder of reference values that has counterparts here. */
export interface GoldenFolder {
  readonly name: string;
  entries(folder: string, dataDir: string): GoldenEntry[];
}

/** An entry that another part of the project will own. */
export interface Owed {
  /** `folder/name`; a trailing * stands for any ending. */
  readonly entries: string;
  readonly owner: string;
}

/** `1e-9 relative, 1e-12 absolute`, to three digits; a tolerance of nothing is `equal`. */
export function describeTolerance(relative: number, absolute: number): string {
  const short = (size: number): string => Number(size.toPrecision(3)).toExponential();
  const parts = [
    ...(relative > 0 ? [`${short(relative)} relative`] : []),
    ...(absolute > 0 ? [`${short(absolute)} absolute`] : []),
  ];
  return parts.length === 0 ? "equal" : parts.join(", ");
}

export function readText(file: string): string {
  const bytes = readFileSync(file);
  return (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
}

/** Names of a manifest's entries, for folders that have no counterpart yet. */
export function listEntries(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as unknown;
  const named = (x: Record<string, unknown>): string =>
    String(x["column"] ?? x["key"] ?? x["id"] ?? x["name"] ?? x["file"]);
  if (Array.isArray(manifest)) return (manifest as Record<string, unknown>[]).map(named);
  const parts = manifest as Record<string, unknown>;
  if (Array.isArray(parts["entries"])) return (parts["entries"] as Record<string, unknown>[]).map(named);
  for (const key of ["functions", "kinds"]) {
    const value = parts[key];
    if (typeof value === "object" && value !== null) return Object.keys(value);
  }
  throw new Error(`${folder}/manifest.json names no entries`);
}

/** Folders with a manifest under the directory of reference values. */
export function goldenFolders(goldenDir: string): string[] {
  return readdirSync(goldenDir, { withFileTypes: true })
    .filter((e) => e.isDirectory() && existsSync(join(goldenDir, e.name, "manifest.json")))
    .map((e) => e.name)
    .toSorted();
}

export function isOwed(id: string, owed: readonly Owed[]): Owed | undefined {
  return owed.find((o) =>
    o.entries.endsWith("*") ? id.startsWith(o.entries.slice(0, -1)) : o.entries === id,
  );
}

/** Columns of a CSV of numbers; empty = NaN. */
export function readColumns(file: string): Map<string, Float64Array> {
  const lines = readText(file).trimEnd().split("\n");
  const names = lines[0]!.split(",");
  const columns = names.map(() => new Float64Array(lines.length - 1));
  for (let i = 1; i < lines.length; i++) {
    const cells = lines[i]!.split(",");
    for (let k = 0; k < names.length; k++) columns[k]![i - 1] = parseCell(cells[k]!);
  }
  return new Map(names.map((n, k) => [n, columns[k]!]));
}

function parseCell(cell: string): number {
  if (cell === "") return NaN;
  if (cell === "inf") return Infinity;
  return cell === "-inf" ? -Infinity : Number(cell);
}

/** Share of a column's largest value below which another is the rounding of sums that should be 0. */
const ROUNDING = 64 * Number.EPSILON;

/**
 * Median size of the finite values that are more than rounding; what an absolute tolerance is multiplied by. The residue
 * that running sums leave behind on flat prices would otherwise be the scale of a column that is mostly flat.
 */
export function scaleOf(x: Float64Array): number {
  const finite = x.filter(Number.isFinite).map(Math.abs).sort();
  const residue = ROUNDING * (finite.at(-1) ?? 0);
  const sizes = finite.filter((size) => size > residue);
  if (sizes.length === 0) return 0;
  const middle = sizes.length >> 1;
  return sizes.length % 2 ? sizes[middle]! : (sizes[middle - 1]! + sizes[middle]!) / 2;
}
