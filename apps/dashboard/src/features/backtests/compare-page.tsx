import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useSearchParams } from "react-router";
import { mostCompared } from "@tapedeck/features/backtest/compare/contract";
import type { ComparedRun, Comparison } from "@tapedeck/features/backtest/compare/contract";
import { comparedNames, comparisonBlocks } from "@tapedeck/features/backtest/compare/document";
import { api } from "../../api.ts";
import { Chart, Legend, seriesColors } from "../../components/chart.tsx";
import type { ChartLine } from "../../components/chart.tsx";
import { Empty, FailedPage, Loading } from "../../components/state.tsx";
import { ReportBlocks, Warnings } from "./report-blocks.tsx";

/** Runs side by side: `?ids=` names them. */
export function ComparePage() {
  const [search] = useSearchParams();
  const ids = [...new Set((search.get("ids") ?? "").split(",").filter((id) => id !== ""))].slice(
    0,
    mostCompared,
  );
  const [id, ...others] = ids;
  const comparison = useQuery({
    queryKey: ["comparison", ...ids],
    queryFn: () => api.call("compareBacktests", { params: { id: id! }, query: { with: others.join(",") } }),
    enabled: others.length > 0,
  });
  if (others.length === 0) {
    return (
      <main className="page">
        <h1>Compare runs</h1>
        <Empty>
          Choose two to {mostCompared} of the <Link to="/backtests">backtests</Link>.
        </Empty>
      </main>
    );
  }
  if (comparison.isPending) return <Loading what="the runs" />;
  if (comparison.isError) {
    return <FailedPage error={comparison.error} retry={() => void comparison.refetch()} />;
  }
  return <SideBySide comparison={comparison.data} />;
}

const pageOf = ({ kind, id }: ComparedRun) =>
  kind === "walkForward" ? `/backtests/jobs/${id}` : `/backtests/${id}`;

function SideBySide({ comparison }: { comparison: Comparison }) {
  const { runs, warnings } = comparison;
  return (
    <main className="page">
      <h1>{runs.length} runs side by side</h1>
      <ul className="plain">
        {runs.map((run, k) => (
          <li key={run.id}>
            {k + 1}: <Link to={pageOf(run)}>{run.title}</Link> on {run.instrumentId} {run.timeframe}
            {run.revision.state === "same" ? null : <span className="dim"> {run.revision.detail}</span>}
          </li>
        ))}
      </ul>
      <Warnings lines={warnings} />
      <Curves comparison={comparison} />
      <ReportBlocks blocks={comparisonBlocks(comparison)} />
    </main>
  );
}

/** Growth of 1 of each, so that runs of different cash can be seen together. */
function Curves({ comparison }: { comparison: Comparison }) {
  const lines = useMemo((): ChartLine[] => {
    const names = comparedNames(comparison);
    return comparison.runs.map(({ curve }, k) => ({
      label: names[k]!,
      atMs: curve.map((point) => point.atMs),
      values: curve.map((point) => point.value),
      color: seriesColors[k % seriesColors.length]!,
      pane: 0,
    }));
  }, [comparison]);
  return (
    <section className="panel">
      <h2>Growth of 1</h2>
      <Legend lines={lines} />
      <Chart lines={lines} label={`Growth of 1 of ${comparison.runs.length} runs`} />
    </section>
  );
}
