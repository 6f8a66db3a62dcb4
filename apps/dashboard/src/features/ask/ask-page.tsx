import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { FormEvent } from "react";
import { Link } from "react-router";
import type { JobStep } from "@tapedeck/core";
import { api } from "../../api.ts";
import { Sentence, Answer } from "./answer.tsx";
import type { AskResult } from "./answer.tsx";
import { EvidenceDialog } from "../../components/evidence.tsx";
import { ago } from "../../components/format.ts";
import { Progress } from "../../components/progress.tsx";
import { Empty, ErrorBox, StateBadge } from "../../components/state.tsx";
import { useJob } from "../../components/use-job.ts";

const starters = [
  "When did the S&P 500 last close below its 200-day average, and what was the drawdown from the peak?",
  "What is the Sharpe ratio?",
  "What was the worst year of the S&P 500?",
  "What data do you have?",
];

export function AskPage() {
  const queries = useQueryClient();
  const [question, setQuestion] = useState("");
  const [asOf, setAsOf] = useState("");
  const [asked, setAsked] = useState<string>();
  const [error, setError] = useState<unknown>();
  const [conversationId] = useState(() => crypto.randomUUID());
  const submit = async (text: string) => {
    setError(undefined);
    try {
      const job = await api.submit("ask", {
        question: text,
        conversationId,
        ...(asOf === "" ? {} : { asOf: `${asOf}T23:59:59.999Z` }),
      });
      setAsked(job.id);
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    } catch (caught) {
      setError(caught);
    }
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    void submit(question);
  };
  const askAgain = (text: string) => {
    setQuestion(text);
    void submit(text);
  };
  return (
    <main className="page">
      <h1>Ask the market</h1>
      <form className="panel" onSubmit={onSubmit}>
        <label className="field">
          <span className="label">Question</span>
          <textarea
            rows={2}
            value={question}
            required
            minLength={3}
            maxLength={1_000}
            placeholder={starters[0]}
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
        </div>
      </form>
      {error === undefined ? null : <ErrorBox error={error} />}
      {asked === undefined ? (
        <section className="panel">
          <h2>Start with</h2>
          <ul>
            {starters.map((text) => (
              <li key={text}>
                <button type="button" className="link" onClick={() => askAgain(text)}>
                  {text}
                </button>
              </li>
            ))}
          </ul>
        </section>
      ) : (
        <Asked key={asked} id={asked} onAsk={askAgain} />
      )}
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
  return (
    <section className="panel" aria-live="polite">
      {ended === undefined ? <Progress value={undefined} /> : null}
      {steps.length === 0 ? null : (
        <ul className="steps">
          {steps.map((step, i) => (
            <li key={i}>
              {step.name} <code>{JSON.stringify(step.input)?.slice(0, 140)}</code>
            </li>
          ))}
        </ul>
      )}
      {broken === undefined ? null : <ErrorBox error={broken} retry={follow} />}
      {job.isError ? <ErrorBox error={job.error} /> : null}
      {ended === undefined ? (
        sentences.map((sentence, i) => <Sentence key={i} {...sentence} open={setOpened} />)
      ) : ended.state === "completed" ? (
        <Answer result={ended.result as AskResult} onAsk={onAsk} />
      ) : (
        <ErrorBox error={new Error(ended.error?.message ?? `The job was ${ended.state}.`)} />
      )}
      {opened === undefined ? null : (
        <EvidenceDialog key={opened} id={opened} onClose={() => setOpened(undefined)} />
      )}
      <p className="dim">
        <Link to={`/jobs/${id}`}>The job behind this answer</Link>
      </p>
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
