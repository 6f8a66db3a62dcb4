import { drawdownsOf, downsample } from "../../equity.ts";
import type { EquityColumns } from "../../equity.ts";
import type { BacktestResult, BacktestTrade } from "../../contract.ts";
import type { DataRevision, RunHonesty, RunReport } from "../contract.ts";
import { drawCurves } from "../drawing/curves.ts";
import type { CurveMark } from "../drawing/curves.ts";
import { amount, closeDay, counted, day, percent, ratio } from "../format.ts";
import { filled } from "./document.ts";
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

export interface RunContent {
  result: BacktestResult;
  initialCash: number;
  honesty: RunHonesty;
  report: RunReport | null;
  revision: DataRevision;
  curves: EquityColumns;
  /** Closes of the run's bars, `[bars]`; null where they are no longer stored. */
  closes: Float64Array | null;
  /** The first ones. */
  trades: readonly BacktestTrade[];
}

const drawnPoints = 700;
export const listedTrades = 200;

/** A run of one instrument, honest statistics first. */
export function backtestDocument(content: RunContent): ReportDocument {
  const { result, report, revision, honesty } = content;
  return {
    title: `${result.strategy.title} on ${result.instrumentId}`,
    subtitle: `${counted(result.bars, "bar")} of ${result.timeframe}, ${day(result.fromMs)} to ${closeDay(result.toMs)}, ${result.adjustment} prices, ${result.currency}`,
    warnings: [
      ...(revision.state === "same" ? [] : [revision.detail]),
      ...(result.neverTraded === null ? [] : [result.neverTraded]),
      ...result.warnings,
    ],
    blocks: filled([
      runHonestyBlock(honesty),
      statisticsBlock("Statistics", [
        ["Strategy", result.statistics],
        ["Buy and hold", result.benchmark],
      ]),
      ...curveBlocks(content),
      ...(report === null ? [] : reportBlocks(report)),
      tradesBlock(
        result.tradeCount > content.trades.length ? `The first ${content.trades.length} trades` : "Trades",
        content.trades,
        result.tradeCount > content.trades.length
          ? `${amount(result.tradeCount)} in all; every one is in trades.csv, trades.json and trades.parquet.`
          : undefined,
      ),
      notesBlock("How fills were made", result.assumptions),
      notesBlock(
        "Conditions",
        result.conditions.map(
          ({ name, formula, trueBars }) => `${name}: ${formula} (true at ${counted(trueBars, "close")})`,
        ),
      ),
    ]),
    sources: [
      ["Run", result.runId],
      ["Dataset", result.datasetHash],
      ["Fills", result.fillsHash],
      ["Data", revision.detail],
    ],
  };
}

function curveBlocks({ result, initialCash, curves, closes, trades }: RunContent): Block[] {
  const at = downsample(curves.equity, drawnPoints);
  const drawdown = drawdownsOf(curves.equity, initialCash);
  const atMs = at.map((i) => curves.closeMs[i]!);
  const blocks: Block[] = [
    {
      kind: "drawing",
      title: "Equity",
      drawing: drawCurves({
        label: "Equity of the strategy and of buy and hold",
        curves: [
          { label: "Strategy", ink: "strategy", atMs, values: at.map((i) => curves.equity[i]!) },
          { label: "Buy and hold", ink: "benchmark", atMs, values: at.map((i) => curves.benchmark[i]!) },
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
  if (closes === null) return blocks;
  const shown = downsample(closes, drawnPoints);
  blocks.push({
    kind: "drawing",
    title: "Trades on the chart",
    drawing: drawCurves({
      label: `Closes of ${result.instrumentId} with ${counted(trades.length, "trade")}`,
      curves: [
        {
          label: result.instrumentId,
          ink: "benchmark",
          atMs: shown.map((i) => curves.closeMs[i]!),
          values: shown.map((i) => closes[i]!),
        },
      ],
      marks: trades.flatMap(marksOf),
      show: (value) => amount(value, Math.abs(value) < 10 ? 2 : 0),
    }),
  });
  return blocks;
}

function marksOf(trade: BacktestTrade): CurveMark[] {
  const isLong = trade.side === "long";
  const entry: CurveMark = {
    atMs: trade.entryMs,
    value: trade.entryPrice,
    side: isLong ? "buy" : "sell",
    title: `#${trade.number} ${trade.side} at ${amount(trade.entryPrice, 2)}, ${day(trade.entryMs)}`,
  };
  if (trade.exitMs === null || trade.exitPrice === null) return [entry];
  return [
    entry,
    {
      atMs: trade.exitMs,
      value: trade.exitPrice,
      side: isLong ? "sell" : "buy",
      title: `#${trade.number} left at ${amount(trade.exitPrice, 2)}, ${day(trade.exitMs)}, ${percent(trade.profitReturn)}`,
    },
  ];
}

function reportBlocks(report: RunReport): Array<Block | null> {
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
            label: "Rolling Sharpe ratio of strategy and buy and hold",
            curves: [
              { label: "Strategy", ink: "strategy", atMs: rolling.atMs, values: rolling.strategy },
              { label: "Buy and hold", ink: "benchmark", atMs: rolling.atMs, values: rolling.benchmark },
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
