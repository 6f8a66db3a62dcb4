import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import type { Cli } from "./shared.ts";

const chunkRows = 8_192;

/** `tapedeck formula 'rsi(close, 14)' --data bars.csv`: no server needed; CSV of time and one column a formula. */
export function formulaCommand(program: Command, cli: Cli): void {
  program
    .command("formula")
    .argument("<formulas...>", "formulas over the bars' columns")
    .requiredOption("--data <file>", "CSV or Parquet file of one instrument's bars, read as import reads it")
    .description("compute formulas over a file of bars: CSV out, empty where there is no value")
    .action(async (formulas: string[], flags: { data: string }) => {
      const { evaluateFormulas, FormulaError } = await import("@tapedeck/formula");
      const { readLocalBars } = await import("@tapedeck/features/ingest/localBars");
      const bars = await readLocalBars(flags.data);
      try {
        const columns = evaluateFormulas(formulas, { ...bars, ...bars.columns });
        const quote = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
        cli.out.print(["time", ...formulas].map(quote).join(","));
        for (let from = 0; from < bars.length; from += chunkRows) {
          const to = Math.min(bars.length, from + chunkRows);
          const lines: string[] = [];
          for (let row = from; row < to; row++) {
            const values = columns.map((column) => (Number.isNaN(column[row]!) ? "" : String(column[row]!)));
            lines.push([quote(bars.times[row]!), ...values].join(","));
          }
          cli.out.print(lines.join("\n"));
        }
      } catch (error) {
        if (!(error instanceof FormulaError)) throw error;
        throw new AppError("formula.invalid", error.message, { cause: error });
      }
    });
}
