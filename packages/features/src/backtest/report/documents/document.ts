import type { Drawing } from "../drawing/shapes.ts";

/** A figure as it is read: what it is, how much, and what that means. */
export interface DocumentFigure {
  label: string;
  value: string;
  reading: string;
  /** JSON pointer of its evidence, in the run's result or report. */
  pointer?: string;
}

export interface DocumentTable {
  columns: ReadonlyArray<{ label: string; numeric: boolean }>;
  rows: readonly (readonly string[])[];
}

export type Block =
  | { kind: "figures"; title: string; lead?: string; figures: readonly DocumentFigure[] }
  | { kind: "drawing"; title: string; drawing: Drawing; note?: string }
  | { kind: "table"; title: string; table: DocumentTable; note?: string }
  | { kind: "notes"; title: string; lines: readonly string[] };

/** A report as it is written to a file: the same content for HTML and PDF. */
export interface ReportDocument {
  title: string;
  /** Instrument, bars, range. */
  subtitle: string;
  /** Shown first and loud. */
  warnings: readonly string[];
  blocks: readonly Block[];
  /** Names of what it rests on: job, dataset, fills. */
  sources: ReadonlyArray<readonly [name: string, value: string]>;
}

export const textColumn = (label: string) => ({ label, numeric: false });
export const numberColumn = (label: string) => ({ label, numeric: true });

export function figure(label: string, value: string, reading: string, pointer?: string): DocumentFigure {
  return { label, value, reading, ...(pointer === undefined ? {} : { pointer }) };
}

/** Without the blocks that have nothing to show. */
export function filled(blocks: ReadonlyArray<Block | null>): Block[] {
  return blocks.filter((block) => block !== null);
}
