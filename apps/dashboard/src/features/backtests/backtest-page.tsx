import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { ReactNode } from "react";
import { Link, useNavigate } from "react-router";
import type { BacktestReport } from "@tapedeck/features/backtest/report/contract";
import {
  drawdownsBlock,
  monthsBlock,
  notesBlock,
  regimesBlock,
  relativeBlock,
  runHonestyBlock,
  statisticsBlock,
  tradesBlock,
} from "@tapedeck/features/backtest/report/documents/parts";
import {
  heldBenchmark,
  portfolioBlocks,
  portfolioSubtitle,
  portfolioTitle,
} from "@tapedeck/features/backtest/report/documents/portfolio";
import {
  conditionsBlock,
  innerPathBlock,
  warningsOf,
} from "@tapedeck/features/backtest/report/documents/run";
import { closeDay } from "@tapedeck/features/backtest/report/format";
import { api } from "../../api.ts";
import { date, integer } from "../../components/format.ts";
import { ErrorBox, FailedPage, Loading } from "../../components/state.tsx";
import { WithEvidence } from "../analyses/figures.tsx";
import { ReportBlocks, Warnings } from "./report-blocks.tsx";
import { Revision } from "./revision.tsx";
import { EquityChart, RollingChart, TradesOnChart } from "./run-charts.tsx";
import { EquityDownloads, Fills, Orders, Trades, useTrades } from "./run-tables.tsx";

/** A run of either kind, by its id or that of its job. */
export function BacktestPage({ id }: { id: string }) {
  const report = useQuery({
    queryKey: ["backtest-report", id],
    queryFn: () => api.call("getBacktestReport", { params: { id } }),
  });
  if (report.isPending) return <Loading what="the backtest" />;
  if (report.isError) return <FailedPage error={report.error} retry={() => void report.refetch()} />;
  return report.data.kind === "single" ? (
    <SingleRun id={id} report={report.data} />
  ) : (
    <PortfolioRun id={id} report={report.data} />
  );
}

interface RunProps {
  id: string;
  report: BacktestReport;
}

function SingleRun({ id, report }: RunProps) {
  const run = useQuery({
    queryKey: ["backtest", id],
    queryFn: () => api.call("getBacktest", { params: { id } }),
    staleTime: Infinity,
  });
  const trades = useTrades(id);
  if (run.isPending) return <Loading what="the backtest" />;
  if (run.isError) return <FailedPage error={run.error} retry={() => void run.refetch()} />;
  const { result, jobId } = run.data;
  const benchmark = "Buy and hold";
  return (
    <RunFrame
      id={id}
      jobId={jobId}
      form="/backtests/new"
      title={`${result.strategy.title} on ${result.instrumentId}`}
      subtitle={`${date(result.fromMs)} to ${closeDay(result.toMs)}, ${integer(result.bars)} bars of ${result.timeframe}, ${result.adjustment} prices.`}
      warnings={warningsOf(result)}
    >
      <ReportBlocks
        blocks={[runHonestyBlock(report.honesty)]}
        evidence={{ ...result.evidence, ...report.report?.evidence }}
      />
      <EquityChart id={id} benchmark={benchmark} />
      <TradesOnChart result={result} trades={trades.rows} />
      <ReportBlocks
        blocks={[
          statisticsBlock("Strategy beside buy and hold", [
            ["Strategy", result.statistics],
            [benchmark, result.benchmark],
          ]),
        ]}
      />
      <Details report={report} benchmark={benchmark} />
      <ReportBlocks blocks={[innerPathBlock(result.innerPath)]} />
      <Trades id={id} count={result.tradeCount} trades={trades} />
      {result.engine === "event" ? <Orders id={id} /> : null}
      <Fills id={id} />
      <ReportBlocks
        blocks={[notesBlock("How fills were made", result.assumptions), conditionsBlock(result.conditions)]}
      />
      <Sources id={id} hashes={{ dataset: result.datasetHash, fills: result.fillsHash }} />
    </RunFrame>
  );
}

function PortfolioRun({ id, report }: RunProps) {
  const run = useQuery({
    queryKey: ["portfolio-backtest", id],
    queryFn: () => api.call("getPortfolioBacktest", { params: { id } }),
    staleTime: Infinity,
  });
  const trades = useTrades(id);
  if (run.isPending) return <Loading what="the backtest" />;
  if (run.isError) return <FailedPage error={run.error} retry={() => void run.refetch()} />;
  const { result, jobId } = run.data;
  return (
    <RunFrame
      id={id}
      jobId={jobId}
      form="/new/portfolioBacktest"
      title={portfolioTitle(result)}
      subtitle={portfolioSubtitle(result)}
      warnings={warningsOf(result)}
    >
      <ReportBlocks
        blocks={[runHonestyBlock(report.honesty)]}
        evidence={{ ...result.evidence, ...report.report?.evidence }}
      />
      <EquityChart id={id} benchmark={heldBenchmark} />
      <ReportBlocks
        blocks={[
          statisticsBlock("Strategy beside equal weights", [
            ["Strategy", result.statistics],
            [heldBenchmark, result.benchmark],
          ]),
          ...portfolioBlocks(result),
        ]}
      />
      <Details report={report} benchmark={heldBenchmark} />
      <ReportBlocks blocks={[innerPathBlock(result.innerPath)]} />
      <Trades id={id} count={result.roundTrips} trades={trades} />
      <Orders id={id} />
      <Fills id={id} />
      <ReportBlocks
        blocks={[notesBlock("How fills were made", result.assumptions), conditionsBlock(result.conditions)]}
      />
      <Sources id={id} hashes={{ fills: result.fillsHash }} />
    </RunFrame>
  );
}

/** What every run's page has round its parts. */
function RunFrame({
  id,
  jobId,
  form,
  title,
  subtitle,
  warnings,
  children,
}: {
  id: string;
  jobId: string;
  /** Where such a run is changed and run again. */
  form: string;
  title: string;
  subtitle: string;
  warnings: readonly string[];
  children: ReactNode;
}) {
  return (
    <main className="page">
      <WithEvidence>
        <h1>{title}</h1>
        <p className="dim">
          {subtitle} <Link to={`/jobs/${jobId}`}>The job</Link>
        </p>
        <Actions id={id} jobId={jobId} form={form} />
        <Revision of="getBacktestRevision" id={id} />
        <Warnings lines={warnings} />
        {children}
      </WithEvidence>
    </main>
  );
}

function Actions({ id, jobId, form }: { id: string; jobId: string; form: string }) {
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
        <Link className="button" to={`${form}?from=${jobId}`}>
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

function Details({ report: { report }, benchmark }: { report: BacktestReport; benchmark: string }) {
  if (report === null) {
    return (
      <div className="notice">
        This run was stored before reports were: replay it for its months, regimes and figures against{" "}
        {benchmark.toLowerCase()}.
      </div>
    );
  }
  return (
    <>
      <ReportBlocks
        blocks={[relativeBlock(report.relative), monthsBlock(report.years)]}
        evidence={report.evidence}
      />
      {report.rolling === null ? null : <RollingChart rolling={report.rolling} benchmark={benchmark} />}
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

function Sources({ id, hashes }: { id: string; hashes: Record<string, string> }) {
  return (
    <section className="panel">
      <EquityDownloads id={id} />
      <p className="dim mono hashes">
        {Object.entries(hashes)
          .map(([name, hash]) => `${name} ${hash}`)
          .join(" · ")}
      </p>
    </section>
  );
}
