/** Bars that reference values were computed from. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readText } from "./golden.ts";

export interface GoldenBars {
  readonly openMs: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
}

export interface Slice {
  readonly firstRow: number;
  readonly rows: number;
}

/** Reads the bars behind each file of values, as inputs.json lists them. */
export function readInputs(folder: string, dataDir: string): Map<string, GoldenBars> {
  const slices = JSON.parse(readFileSync(join(folder, "inputs.json"), "utf8")) as Record<string, Slice>;
  const synthetic = join(folder, "synthetic.csv");
  const made = existsSync(synthetic) ? table(synthetic) : undefined;
  const inputs = new Map<string, GoldenBars>();
  for (const [name, slice] of Object.entries(slices)) {
    if (name.startsWith("synthetic_")) {
      const series = name.slice("synthetic_".length);
      inputs.set(name, bars(made!.filter((r) => r["series"] === series)));
    } else {
      inputs.set(name, readSlice(name, slice, dataDir));
    }
  }
  return inputs;
}

/** Rows of the bars of one name under the folder of data. */
export function readSlice(name: string, slice: Slice, dataDir: string): GoldenBars {
  const rows = table(sourceOf(name, dataDir));
  return bars(rows.slice(slice.firstRow, slice.firstRow + slice.rows));
}

function sourceOf(name: string, dataDir: string): string {
  const daily = join(dataDir, "equities", "daily", `${name}.csv`);
  if (existsSync(daily)) return daily;
  const crypto = join(dataDir, "crypto");
  const found = readdirSync(crypto).find((f) => f.startsWith(name) && f.endsWith(".csv.gz"));
  if (!found) throw new Error(`no bars called ${name} under ${dataDir}`);
  return join(crypto, found);
}

function table(file: string): Record<string, string>[] {
  const [head, ...lines] = readText(file).trimEnd().split("\n");
  const names = head!.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(names.map((n, i) => [n, cells[i]!]));
  });
}

function bars(rows: readonly Record<string, string>[]): GoldenBars {
  const column = (name: string): Float64Array => Float64Array.from(rows, (r) => Number(r[name]));
  return {
    openMs: Float64Array.from(rows, (r) =>
      r["date"] ? Date.parse(`${r["date"]}T00:00:00Z`) : Number(r["time_ms"]),
    ),
    open: column("open"),
    high: column("high"),
    low: column("low"),
    close: column("close"),
    volume: column("volume"),
  };
}
