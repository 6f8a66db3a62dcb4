import { Link, Navigate } from "react-router";
import type { SweepTrial } from "@tapedeck/features/backtest/sweep/contract";
import { paramsText } from "@tapedeck/features/backtest/report/documents/research";
import { number, percent } from "../../components/format.ts";
import { Progress } from "../../components/progress.tsx";
import { ErrorBox, Loading, StateBadge } from "../../components/state.tsx";
import { latest, useJob } from "../../components/use-job.ts";
import { isResearch, researchDocument, researchTypes, ResearchView } from "./research-view.tsx";

/** Job types whose result is a stored run with a page of its own. */
const runTypes = new Set(["backtest", "portfolioBacktest"]);

/** A job of the backtest queue: its progress and best so far, then its report. */
export function ResearchPage({ id }: { id: string }) {
  const { job, events, broken, follow } = useJob(id);
  if (job.isPending) return <Loading what="the job" />;
  if (job.isError) {
    return (
      <main className="page">
        <ErrorBox error={job.error} retry={() => void job.refetch()} />
      </main>
    );
  }
  const { type, state, result, error, progress } = job.data;
  if (runTypes.has(type) && state === "completed") return <Navigate to={`/backtests/${id}`} replace />;
  if (result !== null && isResearch(type)) {
    return (
      <main className="page">
        <h1>{researchDocument(type, result).title}</h1>
        <ResearchView type={type} result={result} jobId={id} />
        <p>
          <Link to={`/jobs/${id}`}>The job, its lineage and the whole result</Link>
        </p>
      </main>
    );
  }
  const latestProgress = latest(events, "progress") ?? progress;
  return (
    <main className="page">
      <h1>
        {isResearch(type) ? researchTypes[type] : type} <StateBadge state={state} />
      </h1>
      {broken === undefined ? null : <ErrorBox error={broken} retry={follow} />}
      {error === null ? (
        <section className="panel" aria-label="Progress">
          <Progress value={latestProgress} />
          <BestSoFar progress={latestProgress} />
        </section>
      ) : (
        <div className="error" role="alert">
          <strong>{error.message}</strong> <code>{error.code}</code>
        </div>
      )}
      <p>
        <Link to={`/jobs/${id}`}>The job: cancel, log, payload</Link>
      </p>
    </main>
  );
}

function BestSoFar({ progress }: { progress: unknown }) {
  const best = (progress as { best?: SweepTrial | null } | null)?.best;
  if (best?.figures === null || best === undefined || best === null) return null;
  return (
    <p>
      Best so far: {paramsText(best.params)} <span className="dim">Sharpe {number(best.figures.sharpe)}</span>
      , return {percent(best.figures.totalReturn)}, drawdown {percent(best.figures.maxDrawdown)}
    </p>
  );
}
