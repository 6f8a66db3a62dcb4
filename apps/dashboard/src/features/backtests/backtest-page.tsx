import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import type { BacktestResult } from "@tapedeck/features/backtest/contract";
import type { BacktestReport } from "@tapedeck/features/backtest/report/contract";
import {
  drawdownsBlock,
  monthsBlock,
  regimesBlock,
  relativeBlock,
  runHonestyBlock,
  statisticsBlock,
  tradesBlock,
} from "@tapedeck/features/backtest/report/documents/parts";
import { closeDay } from "@tapedeck/features/backtest/report/format";
import { api } from "../../api.ts";
import { date, integer } from "../../components/format.ts";
import { ErrorBox, Loading } from "../../components/state.tsx";
import { WithEvidence } from "../analyses/figures.tsx";
import { ReportBlocks, Warnings } from "./report-blocks.tsx";
import { EquityChart, RollingChart, TradesOnChart } from "./run-charts.tsx";
import { EquityDownloads, Fills, Trades, useTrades } from "./run-tables.tsx";

export function BacktestPage({ id }: { id: string }) {
  const run = useQuery({
    queryKey: ["backtest", id],
    queryFn: () => api.call("getBacktest", { params: { id } }),
    staleTime: Infinity,
  });
  const report = useQuery({
    queryKey: ["backtest-report", id],
    queryFn: () => api.call("getBacktestReport", { params: { id } }),
  });
  const trades = useTrades(id);
  const rows = trades.data?.pages.flatMap((page) => page.items) ?? [];
  if (run.isPending) return <Loading what="the backtest" />;
  if (run.isError) {
    return (
      <main className="page">
        <ErrorBox error={run.error} retry={() => void run.refetch()} />
      </main>
    );
  }
  const { result, jobId } = run.data;
  return (
    <main className="page">
      <WithEvidence>
        <h1>
          {result.strategy.title} <span className="dim">on {result.instrumentId}</span>
        </h1>
        <p className="dim">
          {date(result.fromMs)} to {closeDay(result.toMs)}, {integer(result.bars)} bars of {result.timeframe},{" "}
          {result.adjustment} prices. <Link to={`/jobs/${jobId}`}>The job</Link>
        </p>
        <Actions id={id} jobId={jobId} />
        <Revision id={id} />
        <Warnings
          lines={[...(result.neverTraded === null ? [] : [result.neverTraded]), ...result.warnings]}
        />
        {report.isError ? <ErrorBox error={report.error} retry={() => void report.refetch()} /> : null}
        {report.isPending ? <Loading what="the honest statistics" /> : null}
        {report.isSuccess ? (
          <ReportBlocks
            blocks={[runHonestyBlock(report.data.honesty)]}
            evidence={{ ...result.evidence, ...report.data.report?.evidence }}
          />
        ) : null}
        <EquityChart id={id} />
        <TradesOnChart result={result} trades={rows} />
        <ReportBlocks
          blocks={[
            statisticsBlock("Strategy beside buy and hold", [
              ["Strategy", result.statistics],
              ["Buy and hold", result.benchmark],
            ]),
          ]}
        />
        {report.data === undefined ? null : <Details report={report.data} />}
        <Trades
          id={id}
          count={result.tradeCount}
          rows={rows}
          onMore={trades.hasNextPage ? () => void trades.fetchNextPage() : undefined}
        />
        <Fills id={id} />
        <Facts id={id} result={result} />
      </WithEvidence>
    </main>
  );
}

function Actions({ id, jobId }: { id: string; jobId: string }) {
  const go = useNavigate();
  const [error, setError] = useState<unknown>();
  const replay = async () => {
    try {
      const job = await api.call("replayJob", { params: { id: jobId } });
      void go(`/jobs/${job.id}`);
    } catch (caught) {
      setError(caught);
    }
  };
  return (
    <>
      <div className="row">
        <a className="button" href={`/api/backtests/${id}/report.html`} download>
          Report as HTML
        </a>
        <a className="button" href={`/api/backtests/${id}/report.pdf`} download>
          Report as PDF
        </a>
        <Link className="button" to={`/backtests/new?from=${jobId}`}>
          Run with changes
        </Link>
        <button type="button" onClick={() => void replay()}>
          Replay
        </button>
      </div>
      {error === undefined ? null : <ErrorBox error={error} />}
    </>
  );
}

/** Whether the data is still what the run read. */
function Revision({ id }: { id: string }) {
  const revision = useQuery({
    queryKey: ["backtest-revision", id],
    queryFn: () => api.call("getBacktestRevision", { params: { id } }),
  });
  if (revision.isError) return <ErrorBox error={revision.error} retry={() => void revision.refetch()} />;
  if (!revision.isSuccess) return null;
  const { state, detail } = revision.data;
  return state === "same" ? (
    <p className="dim">{detail}</p>
  ) : (
    <div className="notice" role="status">
      {detail}
    </div>
  );
}

function Details({ report: { report } }: { report: BacktestReport }) {
  if (report === null) {
    return (
      <div className="notice">
        This run was stored before reports were: replay it for its months, regimes and figures against buy and
        hold.
      </div>
    );
  }
  return (
    <>
      <ReportBlocks
        blocks={[relativeBlock(report.relative), monthsBlock(report.years)]}
        evidence={report.evidence}
      />
      {report.rolling === null ? null : <RollingChart rolling={report.rolling} />}
      <ReportBlocks
        blocks={[
          regimesBlock(report.regimes),
          drawdownsBlock(report.drawdowns),
          tradesBlock("Best trades", report.best),
          tradesBlock("Worst trades", report.worst),
        ]}
      />
    </>
  );
}

function Facts({ id, result }: { id: string; result: BacktestResult }) {
  return (
    <section className="panel">
      <h2>How fills were made</h2>
      <ul>
        {result.assumptions.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <h2>Conditions</h2>
      <ul>
        {result.conditions.map((condition) => (
          <li key={condition.name}>
            {condition.name}: <code>{condition.formula}</code>{" "}
            <span className="dim">true at {integer(condition.trueBars)} closes</span>
          </li>
        ))}
      </ul>
      <EquityDownloads id={id} />
      <p className="dim mono hashes">
        dataset {result.datasetHash} · fills {result.fillsHash}
      </p>
    </section>
  );
}
