import type { Readable } from "node:stream";
import { parse } from "csv-parse";
import { AppError } from "@tapedeck/core";
import type { Dataset } from "@tapedeck/formula";

const timeNames = ["time", "time_ms", "date", "datetime", "timestamp", "openms", "open_ms"];
const priceNames = ["open", "high", "low", "close", "volume"] as const;

export interface CsvBars {
  /** As the file writes them. */
  times: string[];
  data: Dataset;
}

/** Bars of a CSV with a header, oldest first. A missing volume is NaN; a missing price column is the close. */
export async function readBarsCsv(input: Readable, name: string): Promise<CsvBars> {
  const times: string[] = [];
  const openMs: number[] = [];
  const columns: Record<(typeof priceNames)[number], number[]> = {
    open: [],
    high: [],
    low: [],
    close: [],
    volume: [],
  };
  let header: string[] | undefined;
  let timeAt = 0;
  let at: Partial<Record<(typeof priceNames)[number], number>> = {};
  let line = 1;
  const parser = input.pipe(parse({ bom: true, skip_empty_lines: true, relax_column_count: true }));
  input.on("error", (error) => parser.destroy(error));
  try {
    for await (const row of parser as AsyncIterable<string[]>) {
      if (header === undefined) {
        header = row.map((cell) => cell.trim().toLowerCase());
        timeAt = header.findIndex((cell) => timeNames.includes(cell));
        at = Object.fromEntries(
          priceNames
            .map((column) => [column, header!.indexOf(column)])
            .filter(([, place]) => Number(place) >= 0),
        );
        if (timeAt < 0 || at.close === undefined) {
          throw new AppError(
            "data.invalid",
            `${name} needs a header with time (or date) and close; it has ${header.join(", ")}`,
          );
        }
        continue;
      }
      line++;
      const ms = timeOf(row[timeAt] ?? "");
      if (Number.isNaN(ms))
        throw new AppError("data.invalid", `${name} line ${line}: "${row[timeAt]}" is not a time`);
      times.push(row[timeAt]!);
      openMs.push(ms);
      for (const column of priceNames) {
        const place = at[column] ?? (column === "volume" ? undefined : at.close);
        const text = place === undefined ? "" : (row[place] ?? "").trim();
        const value = text === "" ? Number.NaN : Number(text);
        if (text !== "" && Number.isNaN(value)) {
          throw new AppError("data.invalid", `${name} line ${line}: ${column} "${text}" is not a number`);
        }
        columns[column].push(value);
      }
    }
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError("data.invalid", `${name} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (times.length === 0) throw new AppError("data.invalid", `${name} has no bars`);
  return { times, data: toDataset(openMs, columns) };
}

function timeOf(text: string): number {
  if (/^\d{9,}$/.test(text)) return text.length > 11 ? Number(text) : Number(text) * 1000;
  return Date.parse(
    /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) ? `${text.replace(" ", "T")}Z` : text,
  );
}

/** The bar length is the commonest step between bars. */
function toDataset(openMs: number[], columns: Record<(typeof priceNames)[number], number[]>): Dataset {
  const steps = new Map<number, number>();
  for (let i = 1; i < openMs.length; i++) {
    const step = openMs[i]! - openMs[i - 1]!;
    if (step > 0) steps.set(step, (steps.get(step) ?? 0) + 1);
  }
  const timeframeMs = [...steps].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 86_400_000;
  const column = (values: number[]) => Float64Array.from(values);
  return {
    length: openMs.length,
    timeframeMs,
    openMs: column(openMs),
    closeMs: column(openMs.map((ms) => ms + timeframeMs)),
    open: column(columns.open),
    high: column(columns.high),
    low: column(columns.low),
    close: column(columns.close),
    volume: column(columns.volume),
  };
}
