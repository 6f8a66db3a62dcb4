import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { FormEvent } from "react";
import { Link } from "react-router";
import type { StandingQuestion } from "@tapedeck/features/ask/contract";
import { api } from "../../api.ts";
import { ago } from "../../components/format.ts";
import { Empty, ErrorBox, StateBadge } from "../../components/state.tsx";
import { ChannelSelect } from "../live/channels.tsx";

const key = ["standing-questions"];
const times = [
  { label: "every weekday at 22:00 UTC", cron: "0 22 * * 1-5" },
  { label: "every day at 06:00 UTC", cron: "0 6 * * *" },
  { label: "every hour", cron: "0 * * * *" },
  { label: "every Monday at 06:00 UTC", cron: "0 6 * * 1" },
] as const;

/** Asks the question again on a schedule. */
export function StandingForm({ question }: { question: string }) {
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const [cron, setCron] = useState<string>(times[0].cron);
  const [callbackUrl, setCallbackUrl] = useState("");
  const [channelIds, setChannelIds] = useState<string[] | null>(null);
  const create = useMutation({
    mutationFn: () =>
      api.call("createStandingQuestion", {
        body: {
          name: question.slice(0, 100),
          question,
          cron,
          callbackUrl: callbackUrl === "" ? null : callbackUrl,
          ...(channelIds === null ? {} : { channelIds }),
        },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: key }),
  });
  if (create.isSuccess) return <span className="dim">It is asked on its schedule from now on.</span>;
  if (!open) {
    return (
      <button type="button" onClick={() => setOpen(true)}>
        Ask on a schedule
      </button>
    );
  }
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <form className="row" onSubmit={onSubmit}>
      <select aria-label="When it is asked" value={cron} onChange={(event) => setCron(event.target.value)}>
        {times.map((one) => (
          <option key={one.cron} value={one.cron}>
            {one.label}
          </option>
        ))}
      </select>
      <ChannelSelect
        label="Where a change of the answer goes"
        channelIds={channelIds}
        change={setChannelIds}
      />
      <input
        type="url"
        aria-label="Address that is called when the answer changes"
        value={callbackUrl}
        placeholder="https://… called when it changes (optional)"
        onChange={(event) => setCallbackUrl(event.target.value)}
      />
      <button className="primary">Keep asking</button>
      {create.isError ? <ErrorBox error={create.error} /> : null}
    </form>
  );
}

export function StandingQuestions() {
  const list = useQuery({
    queryKey: key,
    queryFn: () => api.call("listStandingQuestions", { query: { limit: 50 } }),
    refetchInterval: 15_000,
  });
  return (
    <section className="panel">
      <h2>Standing questions</h2>
      {list.isError ? <ErrorBox error={list.error} /> : null}
      {list.isSuccess && list.data.items.length === 0 ? (
        <Empty>None yet: ask something, then "Ask on a schedule".</Empty>
      ) : null}
      <ul className="plain">
        {list.data?.items.map((one) => (
          <li key={one.id}>
            <Standing standing={one} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Standing({ standing }: { standing: StandingQuestion }) {
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const details = useQuery({
    queryKey: [...key, standing.id, standing.checkedMs],
    enabled: open,
    queryFn: () => api.call("getStandingQuestion", { params: { id: standing.id } }),
  });
  const remove = useMutation({
    mutationFn: () => api.call("deleteStandingQuestion", { params: { id: standing.id } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: key }),
  });
  const { question, lastJobId, lastStatus, checkedMs, changedMs } = standing;
  return (
    <>
      <div className="row">
        {lastJobId === null ? question : <Link to={`/jobs/${lastJobId}`}>{question}</Link>}
        {lastStatus === null ? null : <StateBadge state={lastStatus} />}
        <span className="dim">
          {checkedMs === null ? "not asked yet" : `asked ${ago(checkedMs, Date.now())}`}
          {changedMs === null ? "" : `, changed ${ago(changedMs, Date.now())}`}
        </span>
        <button type="button" className="link" onClick={() => setOpen(!open)}>
          {open ? "Hide changes" : "Changes"}
        </button>
        <button type="button" className="link" onClick={() => remove.mutate()}>
          Delete
        </button>
      </div>
      {remove.isError ? <ErrorBox error={remove.error} /> : null}
      {details.isError ? <ErrorBox error={details.error} /> : null}
      {open && details.isSuccess ? (
        <ul className="plain">
          {details.data.changes.length === 0 ? <li className="dim">Its answer has not changed.</li> : null}
          {details.data.changes.map((change) => (
            <li key={change.jobId}>
              <Link to={`/jobs/${change.jobId}`}>{ago(change.atMs, Date.now())}</Link>{" "}
              <span className="dim">{change.changed} changed:</span> {change.answer}
            </li>
          ))}
        </ul>
      ) : null}
    </>
  );
}
