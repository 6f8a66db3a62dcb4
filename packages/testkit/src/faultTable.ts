import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export interface FaultRow {
  fault: string;
  backend: string;
  bound: string;
  measured: string;
}

/** Adds a line to the table that the fault suite prints when it ends. */
export function recordFault(row: FaultRow): void {
  const file = process.env["FAULT_ROWS_FILE"];
  if (file === undefined) throw new Error("the fault suite runs with vitest.fault.config.ts");
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}

function formatTable(rows: readonly FaultRow[]): string {
  const columns = ["fault", "backend", "bound", "measured"] as const;
  const widths = columns.map((name) => Math.max(name.length, ...rows.map((row) => row[name].length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index]!)).join(" | ")} |`;
  return [
    line(columns),
    `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`,
    ...rows.map((row) => line(columns.map((name) => row[name]))),
  ].join("\n");
}

/** Global set-up of the fault suite. FAULT_TABLE_FILE keeps a copy of the table. */
export default function setUp(): () => void {
  const dir = mkdtempSync(path.join(tmpdir(), "tapedeck-faults-"));
  const file = path.join(dir, "rows");
  writeFileSync(file, "");
  process.env["FAULT_ROWS_FILE"] = file;
  return () => {
    const rows = readFileSync(file, "utf8")
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => JSON.parse(text) as FaultRow);
    const table = formatTable(rows);
    process.stdout.write(`\nFaults, what was allowed and what was measured:\n\n${table}\n\n`);
    const copy = process.env["FAULT_TABLE_FILE"];
    if (copy !== undefined) writeFileSync(copy, `${table}\n`);
    rmSync(dir, { recursive: true, force: true });
  };
}
