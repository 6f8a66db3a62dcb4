import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useSearchParams } from "react-router";
import type { ResponseOut } from "@tapedeck/client";
import type { backtestRoutes } from "@tapedeck/features/backtest/contract";
import type { BacktestReport } from "@tapedeck/features/backtest/report/contract";
import { numberColumn, textColumn } from "@tapedeck/features/backtest/report/documents/document";
import type { Block } from "@tapedeck/features/backtest/report/documents/document";
import { statisticsBlock } from "@tapedeck/features/backtest/report/documents/parts";
import { amount, percent, ratio } from "@tapedeck/features/backtest/report/format";
import { api } from "../../api.ts";
import { Chart, Legend, seriesColors } from "../../components/chart.tsx";
import type { ChartLine } from "../../components/chart.tsx";
import { Empty, ErrorBox, Loading } from "../../components/state.tsx";
import { ReportBlocks } from "./report-blocks.tsx";
import { differences } from "@tapedeck/features/backtest/report/differences";

export const mostCompared = 6;

interface Compared {
  run: ResponseOut<typeof backtestRoutes.getBacktest>;
  report: BacktestReport;
  equity: ResponseOut<typeof backtestRoutes.getBacktestEquity>;
}

async function load(id: string): Promise<Compared> {
  const params = { id };
  const [run, report, equity] = await Promise.all([
    api.call("getBacktest", { params }),
    api.call("getBacktestReport", { params }),
    api.call("getBacktestEquity", { params, query: { points: 1_000 } }),
  ]);
  return { run, report, equity };
}

/** Runs side by side: `?ids=` names them. */
export function ComparePage() {
  const [search] = useSearchParams();
  const ids = [...new Set((search.get("ids") ?? "").split(",").filter((id) => id !== ""))].slice(
    0,
    mostCompared,
  );
  const loaded = useQueries({
    queries: ids.map((id) => ({ queryKey: ["compared", id], queryFn: () => load(id) })),
  });
  const failed = loaded.find((one) => one.isError);
  if (ids.length < 2) {
    return (
      <main className="page">
        <h1>Compare runs</h1>
        <Empty>
          Choose two to {mostCompared} of the <Link to="/backtests">backtests</Link>.
        </Empty>
      </main>
    );
  }
  return (
    <main className="page">
      <h1>{ids.length} runs side by side</h1>
      {failed === undefined ? null : <ErrorBox error={failed.error} retry={() => void failed.refetch()} />}
      {loaded.some((one) => one.isPending) ? <Loading what="the runs" /> : null}
      {loaded.every((one) => one.isSuccess) ? <Comparison runs={loaded.map((one) => one.data)} /> : null}
    </main>
  );
}

function namesOf(runs: readonly Compared[]): string[] {
  return runs.map(({ run }, k) => `${k + 1}: ${run.title}`);
}

function Comparison({ runs }: { runs: readonly Compared[] }) {
  const names = namesOf(runs);
  return (
    <>
      <ul className="plain">
        {runs.map(({ run }, k) => (
          <li key={run.id}>
            {k + 1}: <Link to={`/backtests/${run.id}`}>{run.title}</Link> on {run.instrumentId}{" "}
            {run.timeframe}
          </li>
        ))}
      </ul>
      <Curves runs={runs} names={names} />
      <ReportBlocks
        blocks={[
          honestyBlock(runs, names),
          statisticsBlock(
            "Statistics",
            runs.map(({ run }, k) => [names[k]!, run.result.statistics]),
          ),
          differencesBlock(runs, names),
        ]}
      />
    </>
  );
}

/** Growth of 1 of each, so that runs of different cash can be seen together. */
function Curves({ runs, names }: { runs: readonly Compared[]; names: readonly string[] }) {
  const lines = useMemo(
    (): ChartLine[] =>
      runs.map(({ run, equity }, k) => {
        const start = Number((run.payload as { initialCash: string }).initialCash);
        return {
          label: names[k]!,
          atMs: equity.points.map((point) => point.atMs),
          values: equity.points.map((point) => point.equity / start),
          color: seriesColors[k % seriesColors.length]!,
          pane: 0,
        };
      }),
    [runs, names],
  );
  return (
    <section className="panel">
      <h2>Growth of 1</h2>
      <Legend lines={lines} />
      <Chart lines={lines} label={`Growth of 1 of ${runs.length} runs`} />
    </section>
  );
}

function honestyBlock(runs: readonly Compared[], names: readonly string[]): Block {
  const rows: [string, (report: BacktestReport) => string][] = [
    ["Trials of the strategy", ({ honesty }) => amount(honesty.trials)],
    ["Probabilistic Sharpe", ({ honesty }) => percent(honesty.probabilisticSharpe)],
    ["Deflated Sharpe", ({ honesty }) => percent(honesty.deflatedSharpe)],
    ["Probability of overfitting", ({ honesty }) => percent(honesty.overfitting)],
    ["Alpha a year", ({ report }) => percent(report?.relative.alpha ?? null)],
    ["Beta", ({ report }) => ratio(report?.relative.beta ?? null)],
    ["Information ratio", ({ report }) => ratio(report?.relative.informationRatio ?? null)],
    ["Capacity", ({ honesty }) => amount(honesty.capacity)],
  ];
  return {
    kind: "table",
    title: "Honest statistics",
    table: {
      columns: [textColumn(""), ...names.map(numberColumn)],
      rows: rows.map(([label, of]) => [label, ...runs.map(({ report }) => of(report))]),
    },
  };
}

function differencesBlock(runs: readonly Compared[], names: readonly string[]): Block | null {
  const rows = differences(
    runs.map(({ run }) => ({ data: run.result.datasetHash.slice(0, 12), ...(run.payload as object) })),
  );
  if (rows.length === 0) return null;
  return {
    kind: "table",
    title: "What differs",
    table: { columns: [textColumn(""), ...names.map(textColumn)], rows },
  };
}
