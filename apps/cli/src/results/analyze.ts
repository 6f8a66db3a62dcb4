import type { ResultOut } from "@tapedeck/client";
import { isoDate, lastDay } from "@tapedeck/core";
import type { analyze } from "@tapedeck/features/analyze/contract";
import type { Output } from "../output.ts";
import { table } from "../output.ts";
import { amount, counted, days, percent } from "./format.ts";

type Result = ResultOut<typeof analyze>;

const shownAnomalies = 20;

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
  else {
    showLines(Object.values(result.figures), out);
    showRows(result, out);
  }
  if ("notes" in result) for (const note of result.notes) out.print(out.style.dim(`  ${note}`));
}

/** The table of a kind that has one, beside its figures. */
function showRows(result: Result, out: Output): void {
  switch (result.kind) {
    case "pairSearch":
      return out.print(
        table(
          ["pair", "accepted", "adjusted p", "p", "hedge ratio", "half-life", "z"],
          result.pairs.map((one) => [
            `${one.y} on ${one.x}`,
            one.accepted ? "yes" : "no",
            one.adjustedP.toPrecision(3),
            one.p.toPrecision(3),
            amount(one.hedgeRatio, 4),
            amount(one.halfLife, 1),
            amount(one.zScore, 2),
          ]),
        ),
      );
    case "correlation":
      return out.print(
        table(
          ["", ...result.order.map((j) => result.instruments[j]!)],
          result.order.map((i) => [
            result.instruments[i]!,
            ...result.order.map((j) => amount(result.matrix[i]![j]!, 2)),
          ]),
        ),
      );
    case "risk":
      return out.print(
        table(
          ["method", "level", "value at risk", "expected shortfall"],
          result.tailRisk.map((row) => [
            row.method,
            percent(row.level),
            percent(row.valueAtRisk),
            row.refusal ?? percent(row.expectedShortfall),
          ]),
        ),
      );
    case "portfolio":
      return out.print(
        table(
          ["asset", "weight", "expected a year", "volatility", "share of risk"],
          result.assets.map((one) => [
            one.instrumentId,
            percent(one.weight),
            percent(one.expectedReturn),
            percent(one.volatility),
            percent(one.riskShare),
          ]),
        ),
      );
    case "regimes":
      return out.print(
        table(
          ["regime", "volatility a year", "share", "lasts, bars"],
          result.regimes.map((one) => [
            String(one.regime),
            percent(one.volatilityAnnual),
            percent(one.share),
            amount(one.expectedBars),
          ]),
        ),
      );
    case "patterns":
      return out.print(
        table(
          ["pattern", "way", "from", "broke", "target", "fit"],
          result.chartPatterns
            .toReversed()
            .map((one) => [
              one.name.replaceAll("_", " "),
              one.direction > 0 ? "up" : "down",
              isoDate(one.startMs),
              isoDate(one.endMs),
              amount(one.target, 2),
              percent(one.fit),
            ]),
        ),
      );
    case "anomalies":
      return out.print(
        table(
          ["bar", "score", "why"],
          result.anomalies
            .slice(0, shownAnomalies)
            .map((one) => [isoDate(one.openMs), amount(one.score, 3), one.reading]),
        ),
      );
  }
}

function namesOf(result: { datasets: readonly { instrumentId: string }[] }): string {
  const ids = result.datasets.map(({ instrumentId }) => instrumentId);
  return ids.length > 6 ? `${ids.slice(0, 6).join(" ")} and ${ids.length - 6} more` : ids.join(" ");
}
