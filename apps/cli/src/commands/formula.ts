import { createReadStream } from "node:fs";
import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import { readBarsCsv } from "../bars.ts";
import type { Cli } from "./shared.ts";

const chunkRows = 8_192;

/** `tapedeck formula 'rsi(close, 14)' --data bars.csv`: no server needed; CSV of time and one column a formula. */
export function formulaCommand(program: Command, cli: Cli): void {
  program
    .command("formula")
    .argument("<formulas...>", "formulas over the bars' columns")
    .requiredOption("--data <file>", "CSV of bars with a header: time, open, high, low, close, volume")
    .description("compute formulas over a CSV of bars: CSV out, empty where there is no value")
    .action(async (formulas: string[], flags: { data: string }) => {
      const { evaluateFormulas, FormulaError } = await import("@tapedeck/formula");
      const bars = await readBarsCsv(createReadStream(flags.data), flags.data);
      try {
        const columns = evaluateFormulas(formulas, bars.data);
        const quote = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
        cli.out.print(["time", ...formulas].map(quote).join(","));
        for (let from = 0; from < bars.times.length; from += chunkRows) {
          const to = Math.min(bars.times.length, from + chunkRows);
          const lines: string[] = [];
          for (let row = from; row < to; row++) {
            const values = columns.map((column) => (Number.isNaN(column[row]!) ? "" : String(column[row]!)));
            lines.push([bars.times[row]!, ...values].join(","));
          }
          cli.out.print(lines.join("\n"));
        }
      } catch (error) {
        if (!(error instanceof FormulaError)) throw error;
        throw new AppError("formula.invalid", error.message, { cause: error });
      }
    });
}
