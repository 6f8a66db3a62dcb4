import type { Command } from "commander";
import { AppError } from "@tapedeck/core";
import type { LocalBars } from "@tapedeck/features/ingest/localBars";
import type { Dataset, FormulaError, MissingInstrumentError } from "@tapedeck/formula";
import type { Kernel } from "@tapedeck/quant";
import { bucketRule } from "@tapedeck/trading/calendar/index";
import type { Cli } from "./shared.ts";

const chunkRows = 8_192;

/** `tapedeck formula 'rsi(close, 14)' --data bars.csv`: no server needed; CSV of time and one column a formula. */
export function formulaCommand(program: Command, cli: Cli): void {
  program
    .command("formula")
    .argument("<formulas...>", "formulas over the bars' columns")
    .requiredOption("--data <file>", "CSV or Parquet file of one instrument's bars, read as import reads it")
    .option("--module <file>", "an indicator's module, callable by its name (repeat it)", collect, [])
    .description("compute formulas over a file of bars: CSV out, empty where there is no value")
    .action(async (formulas: string[], flags: { data: string; module: string[] }) => {
      const { evaluateFormulas } = await import("@tapedeck/formula");
      const { readLocalBars } = await import("@tapedeck/features/ingest/localBars");
      const bars = await readLocalBars(flags.data);
      const kernels = await kernelsOf(flags.module);
      try {
        const columns = evaluateFormulas(formulas, formulaData(bars), { kernels });
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
        throw asFormulaError(error);
      }
    });
}

/** A file's bars as formulas read them. */
export function formulaData(bars: LocalBars): Dataset {
  return { ...bars, ...bars.columns, bucketOf: bucketRule(bars.calendar) };
}

export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** The built-in indicators and those of the modules. */
async function kernelsOf(modules: readonly string[]): Promise<ReadonlyMap<string, Kernel>> {
  const { registry } = await import("@tapedeck/quant");
  if (modules.length === 0) return registry;
  const { loadIndicatorModule } = await import("../indicatorModule.ts");
  const own = await Promise.all(modules.map(loadIndicatorModule));
  const taken = own.find((kernel) => registry.has(kernel.name));
  if (taken !== undefined)
    throw new AppError(
      "data.invalid",
      `${taken.name} is a built-in indicator: give the module's another name`,
    );
  return new Map([...registry, ...own.map((kernel) => [kernel.name, kernel] as const)]);
}

/** A refused formula, or a number out of its range, as an error that says it in one line. */
export function asFormulaError(error: unknown): unknown {
  if (error instanceof RangeError) return new AppError("formula.invalid", error.message, { cause: error });
  if (!(error instanceof Error)) return error;
  if (error.name === "MissingInstrumentError") {
    const { symbol } = error as MissingInstrumentError;
    const said = `the file holds one instrument's bars: ["${symbol}"] is not among them (tapedeck analyze reads several)`;
    return new AppError("formula.invalid", said, { cause: error });
  }
  if (error.name !== "FormulaError") return error;
  const { column } = error as FormulaError;
  return new AppError("formula.invalid", `${error.message} (column ${column})`, { cause: error });
}
