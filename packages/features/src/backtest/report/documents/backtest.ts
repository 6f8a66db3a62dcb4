import type { BacktestResult, BacktestTrade } from "../../contract.ts";
import { downsample } from "../../equity.ts";
import { drawCurves } from "../drawing/curves.ts";
import type { CurveMark } from "../drawing/curves.ts";
import { amount, closeDay, counted, day, percent } from "../format.ts";
import type { Block, ReportDocument } from "./document.ts";
import { drawnPoints, runDocument } from "./run.ts";
import type { RunContent } from "./run.ts";

export interface SingleContent extends RunContent {
  result: BacktestResult;
  /** Closes of the run's bars, `[bars]`; null where they are no longer stored. */
  closes: Float64Array | null;
}

/** A run of one instrument, honest statistics first. */
export function backtestDocument(content: SingleContent): ReportDocument {
  const { result } = content;
  return runDocument(content, {
    title: `${result.strategy.title} on ${result.instrumentId}`,
    subtitle: `${counted(result.bars, "bar")} of ${result.timeframe}, ${day(result.fromMs)} to ${closeDay(result.toMs)}, ${result.adjustment} prices, ${result.currency}`,
    benchmark: "Buy and hold",
    tradeCount: result.tradeCount,
    blocks: [tradesOnChart(content)],
    sources: [["Dataset", result.datasetHash]],
  });
}

function tradesOnChart({ result, curves, closes, trades }: SingleContent): Block | null {
  if (closes === null) return null;
  const shown = downsample(closes, drawnPoints);
  return {
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
  };
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
