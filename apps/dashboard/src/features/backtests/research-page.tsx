import { Link, Navigate } from "react-router";
import type { SweepTrial } from "@tapedeck/features/backtest/sweep/contract";
import { paramsText } from "@tapedeck/features/backtest/report/documents/research";
import { number, percent } from "../../components/format.ts";
import { Progress } from "../../components/progress.tsx";
import { ErrorBox, FailedPage, Loading, StateBadge } from "../../components/state.tsx";
import { latest, useJob } from "../../components/use-job.ts";
import { PartialRun } from "./partial-run.tsx";
import { isResearch, researchDocument, researchTypes, ResearchView } from "./research-view.tsx";
import { SweepHeat } from "./sweep-heat.tsx";

/** Job types whose result is a stored run with a page of its own. */
const runTypes = new Set(["backtest", "portfolioBacktest"]);

/** A job of the backtest queue: its progress and best so far, then its report. */
export function ResearchPage({ id }: { id: string }) {
  const { job, events, broken, follow } = useJob(id);
  if (job.isPending) return <Loading what="the job" />;
  if (job.isError) return <FailedPage error={job.error} retry={() => void job.refetch()} />;
  const { type, state, result, error, progress, payload } = job.data;
  const names = Object.keys((payload as { parameters?: object }).parameters ?? {});
  const isSearch = type === "sweep" && names.length >= 2;
  if (runTypes.has(type) && state === "completed") return <Navigate to={`/backtests/${id}`} replace />;
  if (result !== null && isResearch(type)) {
    return (
      <main className="page">
        <h1>{researchDocument(type, result).title}</h1>
        <ResearchView
          type={type}
          result={result}
          jobId={id}
          {...(isSearch
            ? { instead: { "Heat map": <SweepHeat jobId={id} names={names} live={false} /> } }
            : {})}
        />
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
          <PartialRun details={error.details} />
        </div>
      )}
      {isSearch && trialsDone(latestProgress) > 0 ? (
        <SweepHeat jobId={id} names={names} live={job.data.endedMs === null} />
      ) : null}
      <p>
        <Link to={`/jobs/${id}`}>The job: cancel, log, payload</Link>
      </p>
    </main>
  );
}

function trialsDone(progress: unknown): number {
  return (progress as { trialsDone?: number } | null)?.trialsDone ?? 0;
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
