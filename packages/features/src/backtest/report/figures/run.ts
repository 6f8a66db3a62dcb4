import { computePerformance } from "@tapedeck/trading";
import type { SeriesColumns } from "../../../series/contract.ts";
import type { BacktestTrade } from "../../contract.ts";
import { fillTable } from "../../fills.ts";
import type { RunOutcome } from "../../outcome.ts";
import { tradeRow, withPosition } from "../../run.ts";
import type { HeldRun } from "../../run.ts";
import { computeReport } from "./compute.ts";
import type { RunFigures } from "./contract.ts";
import type { Annualisation } from "./returns.ts";

/** A run with what its report lists of it. */
export interface ReportedRun extends HeldRun {
  /** `trades` as they are listed. */
  rows: readonly BacktestTrade[];
  /** Share of its bar's volume that each of `fills` took; NaN where the bar has none. */
  volumeShares: Float64Array;
}

/** Of one instrument, over these bars. */
export function reportedRun(
  outcome: RunOutcome,
  bars: Pick<SeriesColumns, "openMs" | "closeMs" | "volume">,
): ReportedRun {
  return {
    ...withPosition(outcome),
    rows: outcome.trades.map((trade, k) => tradeRow(trade, k + 1, bars)),
    volumeShares: fillTable(outcome.fills, bars).volumeShare,
  };
}

/** The figures of a run beside its benchmark's, over the same closes `[n]`. */
export function computeFigures({
  run,
  benchmark,
  ...terms
}: Annualisation & {
  run: ReportedRun;
  benchmark: HeldRun;
  closeMs: Float64Array;
  initialCash: number;
}): RunFigures {
  const statistics = computePerformance({ ...run, ...terms });
  return {
    statistics,
    benchmark: computePerformance({ ...benchmark, ...terms }),
    report: computeReport({
      ...terms,
      equity: run.equity,
      benchmark: benchmark.equity,
      statistics,
      trades: run.rows,
      volumeShares: run.volumeShares,
    }),
  };
}
