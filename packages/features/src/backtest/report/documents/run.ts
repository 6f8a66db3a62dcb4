import type {
  BacktestResult,
  BacktestTrade,
  ConditionReport,
  InnerPathReport,
  StrategyFailure,
} from "../../contract.ts";
import { downsample, drawdownsOf } from "../../equity.ts";
import type { EquityColumns } from "../../equity.ts";
import type { PortfolioBacktestResult } from "../../portfolio/contract.ts";
import type { DataRevision, RunHonesty } from "../contract.ts";
import { drawCurves } from "../drawing/curves.ts";
import type { RunFigures, RunReport } from "../figures/contract.ts";
import { amount, counted, day, percent, ratio } from "../format.ts";
import { figure, filled } from "./document.ts";
import type { Block, ReportDocument } from "./document.ts";
import {
  drawdownsBlock,
  monthsBlock,
  notesBlock,
  regimesBlock,
  relativeBlock,
  runHonestyBlock,
  statisticsBlock,
  tradesBlock,
} from "./parts.ts";

/** What the files of a run show, whatever it runs over. */
export interface RunContent {
  initialCash: number;
  honesty: RunHonesty;
  report: RunReport | null;
  revision: DataRevision;
  curves: EquityColumns;
  /** The first ones. */
  trades: readonly BacktestTrade[];
}

export const drawnPoints = 700;
export const listedTrades = 200;

/** What a run itself says that a reader must know before any figure. */
export function warningsOf(result: {
  failure: StrategyFailure | null;
  neverTraded: string | null;
  warnings: readonly string[];
}): string[] {
  const { failure, neverTraded, warnings } = result;
  const stopped =
    failure === null
      ? []
      : [
          `The strategy was stopped${failure.atMs === null ? "" : ` at ${day(failure.atMs)}`}: ${failure.message} What follows is what it had done.`,
        ];
  return [...stopped, ...(neverTraded === null ? [] : [neverTraded]), ...warnings];
}

/** What of a run's document depends on what it runs over. */
interface RunParts {
  title: string;
  subtitle: string;
  benchmark: string;
  /** Closed and open. */
  tradeCount: number;
  /** Its own, after the curves. */
  blocks: ReadonlyArray<Block | null>;
  /** Its own, besides run, fills and data. */
  sources: ReportDocument["sources"];
}

/** A run of either kind as a file has it, honest statistics first. */
export function runDocument(
  content: RunContent & { result: BacktestResult | PortfolioBacktestResult },
  parts: RunParts,
): ReportDocument {
  const { result, revision } = content;
  const { title, subtitle, benchmark } = parts;
  return {
    title,
    subtitle,
    warnings: [...(revision.state === "same" ? [] : [revision.detail]), ...warningsOf(result)],
    blocks: filled([
      runHonestyBlock(content.honesty),
      statisticsBlock("Statistics", [
        ["Strategy", result.statistics],
        [benchmark, result.benchmark],
      ]),
      ...curveBlocks(content, benchmark),
      ...parts.blocks,
      ...reportBlocks(content.report, benchmark),
      innerPathBlock(result.innerPath),
      tradeListBlock(content.trades, parts.tradeCount),
      notesBlock("How fills were made", result.assumptions),
      conditionsBlock(result.conditions),
    ]),
    sources: [
      ["Run", result.runId],
      ["Fills", result.fillsHash],
      ["Data", revision.detail],
      ...parts.sources,
    ],
  };
}

/** Equity beside a benchmark, and the fall from the highest. */
function curveBlocks(
  { curves, initialCash }: Pick<RunContent, "curves" | "initialCash">,
  benchmark: string,
): Block[] {
  const at = downsample(curves.equity, drawnPoints);
  const drawdown = drawdownsOf(curves.equity, initialCash);
  const atMs = at.map((i) => curves.closeMs[i]!);
  return [
    {
      kind: "drawing",
      title: "Equity",
      drawing: drawCurves({
        label: `Equity of the strategy, beside: ${benchmark}`,
        curves: [
          { label: "Strategy", ink: "strategy", atMs, values: at.map((i) => curves.equity[i]!) },
          { label: benchmark, ink: "benchmark", atMs, values: at.map((i) => curves.benchmark[i]!) },
        ],
        show: (value) => amount(value),
      }),
    },
    {
      kind: "drawing",
      title: "Drawdown",
      drawing: drawCurves({
        label: "Fall of the equity from its highest",
        curves: [{ label: "Drawdown", ink: "bad", atMs, values: at.map((i) => -drawdown[i]!) }],
        show: (value) => percent(value, 0),
        height: 150,
        filled: true,
      }),
    },
  ];
}

/** Every part of a run's report, beside its benchmark. */
export function reportBlocks(report: RunFigures["report"] | null, benchmark: string): Array<Block | null> {
  if (report === null) return [];
  const { rolling } = report;
  return [
    relativeBlock(report.relative),
    monthsBlock(report.years),
    rolling === null
      ? null
      : {
          kind: "drawing",
          title: `Sharpe ratio of the last ${amount(rolling.windowBars)} bars`,
          drawing: drawCurves({
            label: `Rolling Sharpe ratio of the strategy, beside: ${benchmark}`,
            curves: [
              { label: "Strategy", ink: "strategy", atMs: rolling.atMs, values: rolling.strategy },
              { label: benchmark, ink: "benchmark", atMs: rolling.atMs, values: rolling.benchmark },
            ],
            show: (value) => ratio(value, 1),
            height: 190,
          }),
        },
    regimesBlock(report.regimes),
    drawdownsBlock(report.drawdowns),
    tradesBlock("Best trades", report.best),
    tradesBlock("Worst trades", report.worst),
  ];
}

const pathRules = {
  pessimistic: "the stop was taken before the target",
  optimistic: "the target was taken before the stop",
  finer: "finer bars said what came first",
};

/** Which path inside the bars was assumed, and what depends on it; null where nothing can. */
export function innerPathBlock(path: InnerPathReport | null): Block | null {
  if (path === null) return null;
  const { rule, timeframe, assumedBars, pathDependent } = path;
  return {
    kind: "figures",
    title: "Path inside the bars",
    figures: [
      figure(
        "Assumed",
        timeframe === null ? rule : `${rule}, ${timeframe}`,
        `where a bar reaches two orders, ${pathRules[rule]}`,
      ),
      figure("Path-dependent", amount(pathDependent), "trades whose result depends on it"),
      ...(rule === "finer"
        ? [figure("Without finer bars", counted(assumedBars, "bar"), "taken pessimistically")]
        : []),
    ],
  };
}

function tradeListBlock(trades: readonly BacktestTrade[], count: number): Block | null {
  return count > trades.length
    ? tradesBlock(
        `The first ${amount(trades.length)} trades`,
        trades,
        `${amount(count)} in all; every one is in trades.csv, trades.json and trades.parquet.`,
      )
    : tradesBlock("Trades", trades);
}

export function conditionsBlock(conditions: readonly ConditionReport[]): Block | null {
  return notesBlock(
    "Conditions",
    conditions.map(
      ({ name, formula, trueBars }) => `${name}: ${formula} (true at ${counted(trueBars, "close")})`,
    ),
  );
}
