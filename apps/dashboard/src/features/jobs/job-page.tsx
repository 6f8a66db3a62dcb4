import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import type { JobStep } from "@tapedeck/core";
import type { JobView } from "@tapedeck/features/jobs/contract";
import type { LineageJob } from "@tapedeck/features/lineage/contract";
import { api, messageOf } from "../../api.ts";
import { duration, time } from "../../components/format.ts";
import { Json } from "../../components/json.tsx";
import { Progress } from "../../components/progress.tsx";
import { ErrorBox, Loading, StateBadge } from "../../components/state.tsx";
import { latest, useJob } from "../../components/use-job.ts";
import { AnalysisView } from "../analyses/analysis-view.tsx";
import { kindOnPages } from "../analyses/catalogue.ts";
import type { AnalyzeResult } from "../analyses/result.ts";
import { ImportResult } from "../ingest/import-result.tsx";
import type { ImportOutcome } from "../ingest/import-result.tsx";
import { SentimentResult } from "../sentiment/sentiment-result.tsx";
import type { SentimentOutcome } from "../sentiment/sentiment-result.tsx";
import { Answer } from "../ask/answer.tsx";
import type { AskResult } from "../ask/answer.tsx";
import { PartialRun } from "../backtests/partial-run.tsx";
import { isResearch, ResearchView } from "../backtests/research-view.tsx";

export function JobPage({ id }: { id: string }) {
  const { job, events, broken, follow } = useJob(id);
  const [refusal, setRefusal] = useState<string>();
  const act = async (name: "cancelJob" | "retryJob") => {
    try {
      await api.call(name, { params: { id } });
      setRefusal(undefined);
      follow();
    } catch (error) {
      setRefusal(messageOf(error));
    }
    await job.refetch();
  };
  if (job.isPending) return <Loading what="the job" />;
  if (job.isError) {
    return (
      <main className="page">
        <ErrorBox error={job.error} retry={() => void job.refetch()} />
      </main>
    );
  }
  const view = job.data;
  const steps = events.filter((event) => event.event === "step").map((event) => event.data as JobStep);
  return (
    <main className="page">
      <h1>
        {view.type} <StateBadge state={view.state} />
      </h1>
      <div className="row">
        {view.endedMs === null ? (
          <button type="button" onClick={() => void act("cancelJob")}>
            Cancel
          </button>
        ) : null}
        {view.state === "failed" || view.state === "cancelled" ? (
          <button type="button" onClick={() => void act("retryJob")}>
            Retry
          </button>
        ) : null}
        <ResultLink job={view} />
        <Link to={`/new/${view.type}?from=${id}`} className="button">
          Submit again with changes
        </Link>
      </div>
      {view.replayOf === null || view.endedMs === null ? null : (
        <ReplayNote id={id} replayOf={view.replayOf} />
      )}
      {refusal === undefined ? null : <div className="notice">{refusal}</div>}
      {broken === undefined ? null : <ErrorBox error={broken} retry={follow} />}
      {view.error === null ? null : (
        <div className="error" role="alert">
          <strong>{view.error.message}</strong> <code>{view.error.code}</code>
          <PartialRun details={view.error.details} />
          {view.error.details === undefined ? null : <Json value={view.error.details} />}
        </div>
      )}
      {view.endedMs === null ? (
        <section className="panel" aria-label="Progress">
          <Progress value={latest(events, "progress") ?? view.progress} />
        </section>
      ) : null}
      {steps.length === 0 ? null : (
        <section className="panel">
          <h2>Steps</h2>
          <ul className="steps">
            {steps.map((step, i) => (
              <li key={i}>
                {step.name} <code>{JSON.stringify(step.input)?.slice(0, 160)}</code>
              </li>
            ))}
          </ul>
        </section>
      )}
      {view.result === null ? null : (
        <section className="panel">
          <h2>Result</h2>
          <Result view={view} />
        </section>
      )}
      <section className="panel">
        <h2>Facts</h2>
        <Facts job={view} />
      </section>
      <section className="panel">
        <h2>Payload</h2>
        <Json value={view.payload} />
      </section>
      <Logs id={id} live={view.endedMs === null} />
      {view.endedMs === null ? null : <Lineage id={id} />}
    </main>
  );
}

/** As its type is shown, and whole where no page shows it. */
function Result({ view }: { view: JobView }) {
  if (view.type === "ask") return <Answer result={view.result as AskResult} />;
  if (view.type === "analyze") return <AnalysisView result={view.result as AnalyzeResult} jobId={view.id} />;
  if (isResearch(view.type)) return <ResearchView type={view.type} result={view.result} jobId={view.id} />;
  if (view.type === "ingest") return <ImportResult result={view.result as ImportOutcome} />;
  if (view.type === "sentiment") return <SentimentResult result={view.result as SentimentOutcome} />;
  return <Json value={view.result} />;
}

function ResultLink({ job }: { job: JobView }) {
  if (job.state !== "completed") return null;
  const result = job.result as {
    runId?: string;
    instrumentId?: string;
    instruments?: { instrumentId: string }[];
  };
  if ((job.type === "backtest" || job.type === "portfolioBacktest") && result.runId !== undefined) {
    return (
      <Link to={`/backtests/${result.runId}`} className="button">
        Open the report
      </Link>
    );
  }
  if (isResearch(job.type)) {
    return (
      <Link to={`/backtests/jobs/${job.id}`} className="button">
        Open the report
      </Link>
    );
  }
  const page = job.type === "analyze" ? kindOnPages((job.result as AnalyzeResult).kind) : undefined;
  if (page !== undefined) {
    return (
      <Link to={`/analyses/${page.kind}?job=${job.id}`} className="button">
        Open on its page
      </Link>
    );
  }
  const instrumentId = result.instrumentId ?? result.instruments?.[0]?.instrumentId;
  return instrumentId === undefined ? null : (
    <Link to={`/instruments/${encodeURIComponent(instrumentId)}`} className="button">
      Chart of {instrumentId}
    </Link>
  );
}

function Facts({ job }: { job: JobView }) {
  const facts: [string, string][] = [
    ["Id", job.id],
    ["Submitted", `${time(job.createdMs)} UTC by ${job.submittedBy}`],
    ["Started", job.startedMs === null ? "–" : `${time(job.startedMs)} UTC`],
    ["Ended", job.endedMs === null ? "–" : `${time(job.endedMs)} UTC`],
    ["Ran", job.startedMs === null || job.endedMs === null ? "–" : duration(job.endedMs - job.startedMs)],
    ["Attempt", `${job.attempt} of ${job.maxAttempts}`],
    ["Priority", String(job.priority)],
    ["Seed", String(job.seed)],
  ];
  if (job.runAtMs !== null) facts.push(["Not before", `${time(job.runAtMs)} UTC`]);
  if (job.worker !== null) facts.push(["Worker", job.worker]);
  if (job.traceId !== null) facts.push(["Trace", job.traceId]);
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd className="mono">{value}</dd>
        </div>
      ))}
      {job.reusedFrom === null ? null : (
        <div style={{ display: "contents" }}>
          <dt>Reused from</dt>
          <dd>
            <Link to={`/jobs/${job.reusedFrom}`}>{job.reusedFrom}</Link>
          </dd>
        </div>
      )}
    </dl>
  );
}

/** What came of a replay: whether it gave the same bytes with the same code. */
function ReplayNote({ id, replayOf }: { id: string; replayOf: string }) {
  const replay = useQuery({
    queryKey: ["replay", id],
    queryFn: () => api.call("getReplay", { params: { id } }),
  });
  if (replay.isError) return <ErrorBox error={replay.error} />;
  if (!replay.isSuccess) return null;
  const { sameResult, sameCode } = replay.data;
  return (
    <div className="notice" role="status">
      Replay of <Link to={`/jobs/${replayOf}`}>{replayOf}</Link>:{" "}
      {sameResult === null
        ? "one of the two has no result to compare"
        : sameResult
          ? "the same result, bit for bit"
          : "another result"}
      , {sameCode ? "with the same code" : "with other code"}.
    </div>
  );
}

function Logs({ id, live }: { id: string; live: boolean }) {
  const logs = useQuery({
    queryKey: ["logs", id],
    queryFn: () => api.call("jobLogs", { params: { id }, query: { limit: 200 } }),
    refetchInterval: live ? 2_000 : false,
  });
  if (!logs.isSuccess || logs.data.items.length === 0) return null;
  return (
    <section className="panel">
      <h2>Log</h2>
      <div className="log" tabIndex={0} role="log" aria-label="Job log">
        {logs.data.items.map((line) => (
          <div key={line.id}>
            <span className="dim">{time(line.atMs).slice(11)}</span> {line.level} {line.message}{" "}
            {line.fields === undefined ? null : <span className="dim">{JSON.stringify(line.fields)}</span>}
          </div>
        ))}
      </div>
    </section>
  );
}

function Lineage({ id }: { id: string }) {
  const lineage = useQuery({
    queryKey: ["lineage", id],
    queryFn: () => api.call("getLineage", { params: { id } }),
  });
  if (lineage.isError) return <ErrorBox error={lineage.error} />;
  if (!lineage.isSuccess) return null;
  return (
    <section className="panel">
      <h2>Lineage</h2>
      <LineageNode job={lineage.data} top />
    </section>
  );
}

function LineageNode({ job, top = false }: { job: LineageJob; top?: boolean }) {
  return (
    <div>
      {top ? "this result" : <Link to={`/jobs/${job.jobId}`}>{job.type} job</Link>}{" "}
      <span className="dim">
        seed {job.seed}
        {job.codeVersion === null ? "" : ` · code ${job.codeVersion.slice(0, 12)}`}
        {job.reusedFrom === null ? "" : " · reused"}
      </span>
      {job.inputs.length + job.moreInputs === 0 ? <span className="dim"> · read nothing</span> : null}
      <ul className="tree">
        {job.inputs.map((input) => (
          <li key={`${input.kind}${input.ref}`}>
            {input.kind}: {input.label} <code className="dim">{input.ref.slice(0, 16)}</code>
            {input.from.map((from) => (
              <LineageNode key={from.jobId} job={from} />
            ))}
            {input.streamRuns.map((run) => (
              <div key={run.runId}>
                {run.simulated ? "simulated ticks" : "live ticks"} of {run.venue}{" "}
                <span className="dim">code {run.codeVersion.slice(0, 12)}</span>
              </div>
            ))}
            {input.moreFrom === 0 ? null : <div className="dim">and {input.moreFrom} more</div>}
          </li>
        ))}
        {job.moreInputs === 0 ? null : <li className="dim">and {job.moreInputs} more inputs</li>}
      </ul>
    </div>
  );
}
