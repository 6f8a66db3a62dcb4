import {
  drawdownsOf,
  minimumTrackRecord,
  probabilisticSharpe,
  relativePerformance,
} from "@tapedeck/quant/risk/index";
import { quantileSorted } from "@tapedeck/quant/statistics/index";
import type { BacktestTrade, Statistics } from "../../contract.ts";
import { orNull } from "../../orNull.ts";
import type {
  CapacityFigures,
  DrawdownRow,
  InferenceFigures,
  RelativeFigures,
  RunReport,
} from "./contract.ts";
import { monthTable } from "./months.ts";
import { regimeSplit } from "./regimes.ts";
import { returnsFrom } from "./returns.ts";
import type { Annualisation } from "./returns.ts";
import { rollingSharpe } from "./rolling.ts";

/** A run as its report is computed from: curves `[n]` at each bar's close. */
export interface ReportInput extends Annualisation {
  closeMs: Float64Array;
  equity: Float64Array;
  benchmark: Float64Array;
  initialCash: number;
  statistics: Statistics;
  trades: readonly BacktestTrade[];
  /** Share of its bar's volume that each fill took; NaN where the bar has none. */
  volumeShares: Float64Array;
}

/** Trades at each end of the list, and drawdowns. */
const listed = 5;
/** Share of a bar's volume that is thought to move no price. */
const modestShare = 0.05;

/** Every part of the report; figures that a run does not define are null, tables that it does not fill are empty. */
export function computeReport(input: ReportInput): Omit<RunReport, "evidence"> {
  const { closeMs, equity, benchmark, initialCash } = input;
  const own = returnsFrom(initialCash, equity);
  const base = returnsFrom(initialCash, benchmark);
  const solvent = equity.every((value) => value > 0) && benchmark.every((value) => value > 0);
  const byProfit = input.trades.toSorted((a, b) => b.profit - a.profit);
  return {
    inference: inferenceOf(input.statistics),
    relative: solvent ? relativeOf(own, base, input) : undefinedRelative,
    capacity: capacityOf(input.volumeShares, initialCash),
    best: byProfit.slice(0, listed).filter((trade) => trade.profit > 0),
    worst: byProfit
      .slice(-listed)
      .filter((trade) => trade.profit < 0)
      .toReversed(),
    years: solvent ? monthTable(closeMs, equity, initialCash) : [],
    rolling: solvent ? rollingSharpe(closeMs, own, base, input) : null,
    regimes: solvent ? regimeSplit(benchmark, own, base, input) : [],
    drawdowns: solvent ? drawdownRows(closeMs, own) : [],
  };
}

function inferenceOf({ sharpe, returns, skewness, kurtosis, barsPerYear }: Statistics): InferenceFigures {
  if (sharpe === null || skewness === null || kurtosis === null) {
    return { sharpePerBar: null, probabilisticSharpe: null, minimumTrackRecordBars: null };
  }
  const sharpePerBar = sharpe / Math.sqrt(barsPerYear);
  const sample = { sharpe: sharpePerBar, n: returns, skew: skewness, kurtosis };
  return {
    sharpePerBar,
    probabilisticSharpe: orNull(() => probabilisticSharpe(sample)),
    minimumTrackRecordBars: orNull(() => minimumTrackRecord(sample)),
  };
}

const undefinedRelative: RelativeFigures = {
  alpha: null,
  alphaTStatistic: null,
  beta: null,
  correlation: null,
  trackingError: null,
  informationRatio: null,
  upCapture: null,
  downCapture: null,
};

function relativeOf(own: Float64Array, base: Float64Array, annual: Annualisation): RelativeFigures {
  const riskFree = annual.riskFreeRate / annual.barsPerYear;
  const figures = orNull(() =>
    relativePerformance(
      own.map((r) => r - riskFree),
      base.map((r) => r - riskFree),
      annual.barsPerYear,
    ),
  );
  if (figures === null) return undefinedRelative;
  return {
    alpha: figures.alphaAnnual,
    alphaTStatistic: figures.alphaTStat,
    beta: figures.beta,
    correlation: figures.correlation,
    trackingError: figures.trackingErrorAnnual,
    informationRatio: figures.informationRatio,
    upCapture: figures.upCaptureArithmetic,
    downCapture: figures.downCaptureArithmetic,
  };
}

function capacityOf(volumeShares: Float64Array, initialCash: number): CapacityFigures {
  const known = volumeShares.filter((share) => !Number.isNaN(share)).sort();
  if (known.length === 0) {
    return {
      cash: null,
      volumeShare: modestShare,
      medianShare: null,
      highShare: null,
      largestShare: null,
      fills: 0,
    };
  }
  const highShare = quantileSorted(known, 0.95);
  return {
    cash: (initialCash * modestShare) / highShare,
    volumeShare: modestShare,
    medianShare: quantileSorted(known, 0.5),
    highShare,
    largestShare: known.at(-1)!,
    fills: known.length,
  };
}

function drawdownRows(closeMs: Float64Array, returns: Float64Array): DrawdownRow[] {
  // Wealth 0 is before the first bar.
  return drawdownsOf(returns)
    .episodes.toSorted((a, b) => b.depth - a.depth)
    .slice(0, listed)
    .map(({ peak, trough, recovery, depth }) => ({
      peakMs: peak === 0 ? null : closeMs[peak - 1]!,
      troughMs: closeMs[trough - 1]!,
      recoveryMs: recovery === null ? null : closeMs[recovery - 1]!,
      depth,
      bars: (recovery ?? returns.length) - peak,
    }));
}
