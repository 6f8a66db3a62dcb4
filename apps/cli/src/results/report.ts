import type { ResponseOut } from "@tapedeck/client";
import type { Comparison } from "@tapedeck/features/backtest/compare/contract";
import { comparedNames, comparisonBlocks } from "@tapedeck/features/backtest/compare/document";
import type { backtestRoutes } from "@tapedeck/features/backtest/contract";
import type { BacktestReport, DataRevision } from "@tapedeck/features/backtest/report/contract";
import type { Block, ReportDocument } from "@tapedeck/features/backtest/report/documents/document";
import {
  relativeBlock,
  runHonestyBlock,
  statisticsBlock,
} from "@tapedeck/features/backtest/report/documents/parts";
import {
  heldBenchmark,
  portfolioBlocks,
  portfolioSubtitle,
  portfolioTitle,
} from "@tapedeck/features/backtest/report/documents/portfolio";
import { warningsOf } from "@tapedeck/features/backtest/report/documents/run";
import type { portfolioRoutes } from "@tapedeck/features/backtest/portfolio/contract";
import type { Output } from "../output.ts";
import { table } from "../output.ts";
import { showBacktest } from "./backtest.ts";

/** A run of one instrument with what luck explains of it, and whether its data is still the same. */
export interface ShownRun {
  run: ResponseOut<typeof backtestRoutes.getBacktest>;
  report: BacktestReport;
  revision: DataRevision;
}

export type PortfolioRun = ResponseOut<typeof portfolioRoutes.getPortfolioBacktest>;

function showBlock(block: Block, out: Output): void {
  if (block.kind === "figures") {
    const rows = block.figures.map(({ label, value, reading }) => [label, value, reading]);
    out.print(table([block.title, "", ""], rows));
  } else if (block.kind === "table") {
    const [, ...labels] = block.table.columns.map((column) => column.label);
    out.print(table([block.title, ...labels], block.table.rows));
  } else if (block.kind === "notes") {
    for (const line of block.lines) out.print(line);
  }
}

/** A report without its drawings: what it is of, warnings, then its figures and tables. */
export function showDocument({ title, subtitle, warnings, blocks }: ReportDocument, out: Output): void {
  out.print(`${title}, ${subtitle}`);
  for (const warning of warnings) out.print(out.style.red(warning));
  for (const block of blocks) {
    if (block.kind === "drawing") continue;
    out.print("");
    showBlock(block, out);
  }
}

/** Honest statistics first, then the run beside buy and hold. */
export function showRun({ run, report, revision }: ShownRun, out: Output): void {
  showBlock(runHonestyBlock(report.honesty), out);
  out.print("");
  showBacktest(run.result, out);
  if (report.report !== null) {
    out.print("");
    showBlock(relativeBlock(report.report.relative), out);
  }
  showRevision(revision, out);
}

/** A run over several instruments: the same, with each instrument's part. */
export function showPortfolio(
  { run, report, revision }: Pick<ShownRun, "report" | "revision"> & { run: PortfolioRun },
  out: Output,
): void {
  const { result } = run;
  out.print(`${portfolioTitle(result)}, ${portfolioSubtitle(result)}`);
  const blocks = [
    runHonestyBlock(report.honesty),
    statisticsBlock("Statistics", [
      ["Strategy", result.statistics],
      [heldBenchmark, result.benchmark],
    ]),
    ...portfolioBlocks(result),
  ];
  for (const block of blocks) {
    out.print("");
    showBlock(block, out);
  }
  for (const warning of warningsOf(result)) out.print(out.style.dim(`  ${warning}`));
  showRevision(revision, out);
}

function showRevision({ state, detail }: DataRevision, out: Output): void {
  out.print(state === "same" ? out.style.dim(detail) : out.style.red(detail));
}

/** Runs side by side, then the settings and data that differ. */
export function showComparison(comparison: Comparison, out: Output): void {
  const { runs, warnings } = comparison;
  const names = comparedNames(comparison);
  runs.forEach((run, k) => {
    out.print(`${names[k]!} on ${run.instrumentId} ${run.timeframe}, ${run.id}`);
    if (run.revision.state !== "same") showRevision(run.revision, out);
  });
  for (const warning of warnings) out.print(out.style.red(warning));
  for (const block of comparisonBlocks(comparison)) {
    out.print("");
    showBlock(block, out);
  }
}
