import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { FormEvent } from "react";
import { Link, useSearchParams } from "react-router";
import type { JobStep } from "@tapedeck/core";
import { api } from "../../api.ts";
import { Sentence, Answer, streamedOperands } from "./answer.tsx";
import type { AskResult } from "./answer.tsx";
import { FeedbackButtons } from "./feedback.tsx";
import { StandingForm, StandingQuestions } from "./standing.tsx";
import { EvidenceDialog } from "../../components/evidence.tsx";
import { ago, date } from "../../components/format.ts";
import { Progress } from "../../components/progress.tsx";
import { Empty, ErrorBox, StateBadge } from "../../components/state.tsx";
import { useJob } from "../../components/use-job.ts";

const starters = [
  "When did the S&P 500 last close below its 200-day average, and what was the drawdown from the peak?",
  "What is the Sharpe ratio?",
  "What if I had bought each 2% dip of the S&P 500?",
  "Which stocks rose more than 40% in 2009?",
  "Market commentary",
  "What can I ask?",
];

export function AskPage() {
  const queries = useQueryClient();
  const [question, setQuestion] = useState("");
  const [asOf, setAsOf] = useState("");
  const [asked, setAsked] = useState<string[]>([]);
  const [error, setError] = useState<unknown>();
  const [search, setSearch] = useSearchParams();
  const [conversationId, setConversationId] = useState(
    () => search.get("conversation") ?? crypto.randomUUID(),
  );
  const earlier = useQuery({
    queryKey: ["conversation", conversationId],
    // The conversation that the address names; one that just began has nothing to be read.
    enabled: search.get("conversation") === conversationId && asked.length === 0,
    queryFn: () => api.call("getConversation", { params: { id: conversationId } }),
    retry: false,
  });
  const turns = [...(earlier.data?.turns.map((turn) => turn.jobId) ?? []), ...asked];
  const begin = () => {
    setAsked([]);
    setConversationId(crypto.randomUUID());
    setSearch({});
  };
  const submit = async (text: string) => {
    setError(undefined);
    try {
      const job = await api.submit("ask", {
        question: text,
        conversationId,
        ...(asOf === "" ? {} : { asOf: `${asOf}T23:59:59.999Z` }),
      });
      setAsked((ids) => (ids.includes(job.id) ? ids : [...ids, job.id]));
      setQuestion("");
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    } catch (caught) {
      setError(caught);
    }
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void submit(question);
  };
  return (
    <main className="page">
      <h1>Ask the market</h1>
      {turns.map((id) => (
        <Asked key={id} id={id} onAsk={(text) => void submit(text)} />
      ))}
      <form className="panel" onSubmit={onSubmit}>
        <label className="field">
          <span className="label">Question</span>
          <textarea
            rows={2}
            value={question}
            required
            minLength={3}
            maxLength={1_000}
            placeholder={turns.length === 0 ? starters[0] : "A follow-up: and in 2009? what about MSFT?"}
            onChange={(event) => setQuestion(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey) onSubmit(event);
            }}
          />
        </label>
        <div className="row">
          <button className="primary" disabled={question.trim().length < 3}>
            Ask
          </button>
          <label className="dim">
            as of <input type="date" value={asOf} onChange={(event) => setAsOf(event.target.value)} />
          </label>
          {turns.length === 0 ? null : (
            <>
              <button type="button" onClick={begin}>
                New conversation
              </button>
              <Link to={`/ask?conversation=${encodeURIComponent(conversationId)}`} className="dim">
                Link to this conversation
              </Link>
            </>
          )}
        </div>
      </form>
      {error === undefined ? null : <ErrorBox error={error} />}
      {earlier.isError ? <ErrorBox error={earlier.error} /> : null}
      {turns.length > 0 ? null : (
        <section className="panel">
          <h2>Start with</h2>
          <ul>
            {starters.map((text) => (
              <li key={text}>
                <button type="button" className="link" onClick={() => void submit(text)}>
                  {text}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <StandingQuestions />
      <History />
    </main>
  );
}

function Asked({ id, onAsk }: { id: string; onAsk: (question: string) => void }) {
  const { job, events, broken, follow } = useJob(id);
  const [opened, setOpened] = useState<string>();
  const steps = events.filter((event) => event.event === "step").map((event) => event.data as JobStep);
  const sentences = events
    .filter((event) => event.event === "sentence")
    .map((event) => event.data as { text: string; evidenceIds: string[] });
  const ended = job.data !== undefined && job.data.endedMs !== null ? job.data : undefined;
  const { question, asOf } = (job.data?.payload ?? {}) as { question?: string; asOf?: number };
  return (
    <section className="panel" aria-live="polite">
      {question === undefined ? null : <h2>{question}</h2>}
      {asOf === undefined ? null : <p className="dim">as of {date(asOf)}</p>}
      {ended === undefined ? <Progress value={undefined} /> : null}
      {steps.length === 0 ? null : (
        <details open={ended === undefined}>
          <summary className="dim">Steps ({steps.length})</summary>
          <ul className="steps">
            {steps.map((step, i) => (
              <li key={i}>
                {step.name} <code>{JSON.stringify(step.input)?.slice(0, 140)}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
      {broken === undefined ? null : <ErrorBox error={broken} retry={follow} />}
      {job.isError ? <ErrorBox error={job.error} /> : null}
      {ended === undefined ? (
        sentences.map(({ text }, i) => (
          <Sentence key={i} text={text} operands={streamedOperands(sentences)} open={setOpened} />
        ))
      ) : ended.state === "completed" ? (
        <Answer result={ended.result as AskResult} onAsk={onAsk} />
      ) : (
        <ErrorBox error={new Error(ended.error?.message ?? `The job was ${ended.state}.`)} />
      )}
      {opened === undefined ? null : (
        <EvidenceDialog key={opened} id={opened} onClose={() => setOpened(undefined)} />
      )}
      <div className="row dim">
        <Link to={`/jobs/${id}`}>The job behind this answer</Link>
        {ended?.state === "completed" ? (
          <>
            {(ended.result as AskResult).citations.length === 0 ? null : (
              <a href={`/api/jobs/${id}/evidence-pack`} download={`evidence-${id}.json`}>
                Evidence pack
              </a>
            )}
            <FeedbackButtons jobId={id} />
            {question === undefined ? null : <StandingForm question={question} />}
          </>
        ) : null}
      </div>
    </section>
  );
}

function History() {
  const history = useInfiniteQuery({
    queryKey: ["jobs", "ask", "history"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      api.call("listJobs", {
        query: { type: "ask", limit: 15, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    refetchInterval: 5_000,
  });
  const items = history.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="panel">
      <h2>Asked before</h2>
      {history.isError ? <ErrorBox error={history.error} /> : null}
      {history.isSuccess && items.length === 0 ? <Empty>No question yet.</Empty> : null}
      <ul className="plain">
        {items.map((job) => (
          <li key={job.id}>
            <Link to={`/jobs/${job.id}`}>{questionIn(job.payloadPreview)}</Link>{" "}
            <StateBadge state={job.state} /> <span className="dim">{ago(job.createdMs, Date.now())}</span>
          </li>
        ))}
      </ul>
      {history.hasNextPage ? (
        <button type="button" onClick={() => void history.fetchNextPage()}>
          Older
        </button>
      ) : null}
    </section>
  );
}

/** The preview is the start of the payload's JSON, perhaps cut. */
function questionIn(preview: string): string {
  const match = /"question"\s*:\s*"((?:[^"\\]|\\.)*)/.exec(preview);
  if (match === null) return preview;
  try {
    return JSON.parse(`"${match[1]!}"`) as string;
  } catch {
    return match[1]!;
  }
}
