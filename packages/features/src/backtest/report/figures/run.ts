import type { SeriesDataset } from "../../../series/contract.ts";
import type { BacktestPayload } from "../../contract.ts";
import { fillTable } from "../../fills.ts";
import { holdRun, statisticsOf, tradeRow, withPosition } from "../../run.ts";
import type { HeldRun } from "../../run.ts";
import { computeReport } from "./compute.ts";
import type { RunFigures } from "./contract.ts";

/** The figures of a run over all bars of a dataset, beside buying and holding them at the same costs. */
export async function figuresOf(
  run: HeldRun,
  dataset: SeriesDataset,
  payload: Pick<BacktestPayload, "costs" | "initialCash" | "lotSize" | "riskFreeRate">,
  signal: AbortSignal,
): Promise<RunFigures> {
  const benchmark = withPosition(await holdRun(dataset, payload, signal));
  const statistics = statisticsOf(run, dataset, payload);
  const report = computeReport({
    closeMs: dataset.columns.closeMs,
    equity: run.equity,
    benchmark: benchmark.equity,
    initialCash: Number(payload.initialCash),
    barsPerYear: statistics.barsPerYear,
    riskFreeRate: payload.riskFreeRate,
    statistics,
    trades: run.trades.map((trade, k) => tradeRow(trade, k + 1, dataset)),
    volumeShares: fillTable(run.fills, dataset.columns).volumeShare,
  });
  return { statistics, benchmark: statisticsOf(benchmark, dataset, payload), report };
}
