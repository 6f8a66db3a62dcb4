import type { ResultOut } from "@tapedeck/client";
import type { analyze } from "@tapedeck/features/analyze/contract";
import type { Output } from "../output.ts";
import { table } from "../output.ts";
import { amount, counted, days, lastDay, percent } from "./format.ts";

type Result = ResultOut<typeof analyze>;

interface Line {
  label: string;
  value: number | null;
  unit: string;
  reading: string;
}

/** A figure with its unit: `25.3 %` of a fraction, `25.3 % a year`, `1,234.5 USD` of others; a dash where it is not defined. */
export function figure(value: number | null, unit: string): string {
  if (value === null) return "–";
  const [whole, rest] = /^fraction\b/.test(unit)
    ? [percent(value), unit.slice("fraction".length)]
    : [amount(value, Math.abs(value) < 100 ? 4 : 2), ` ${unit}`];
  return `${whole}${rest}`.trim();
}

function showLines(lines: readonly Line[], out: Output): void {
  out.print(
    table(
      ["", "value", "reading"],
      lines.map((line) => [line.label, figure(line.value, line.unit), line.reading]),
    ),
  );
}

/** The numbers of an analysis with what they say; its columns and matrices are on its page and in its JSON. */
export function showAnalysis(result: Result, out: Output): void {
  if ("bars" in result) {
    const names = "instrumentId" in result ? result.instrumentId : namesOf(result);
    out.print(
      `${names}, ${counted(result.bars, `${result.timeframe} bar`)}, ${days(result.fromMs, result.toMs)}`,
    );
  }
  if (result.kind === "summary") showLines(result.summary, out);
  else if (result.kind === "formulas")
    out.print(
      table(
        ["formula", "last", "at", "bars"],
        result.series.map((one) => [
          one.formula,
          one.type === "condition" ? (one.last === 1 ? "true" : "false") : amount(one.last, 6),
          lastDay(one.lastAtMs),
          amount(one.bars),
        ]),
      ),
    );
  else if ("figures" in result) showLines(Object.values(result.figures), out);
  if ("notes" in result) for (const note of result.notes) out.print(out.style.dim(`  ${note}`));
}

function namesOf(result: { datasets: readonly { instrumentId: string }[] }): string {
  const ids = result.datasets.map(({ instrumentId }) => instrumentId);
  return ids.length > 6 ? `${ids.slice(0, 6).join(" ")} and ${ids.length - 6} more` : ids.join(" ");
}
