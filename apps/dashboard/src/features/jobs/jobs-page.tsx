import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import type { JobSummary } from "@tapedeck/features/jobs/contract";
import { api, messageOf } from "../../api.ts";
import { ago, duration, time } from "../../components/format.ts";
import { MoreButton } from "../../components/more-button.tsx";
import { Empty, ErrorBox, Loading, StateBadge } from "../../components/state.tsx";
import { useJobTypes } from "../../components/use-job-types.ts";

const states = ["accepted", "queued", "running", "completed", "failed", "cancelled"];
const refreshMs = 2_000;

export function JobsPage() {
  const [type, setType] = useState("");
  const [state, setState] = useState("");
  const [text, setText] = useState("");
  const [refusal, setRefusal] = useState<string>();
  const queries = useQueryClient();
  const types = useJobTypes();
  const jobs = useInfiniteQuery({
    queryKey: ["jobs", type, state, text],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      api.call("listJobs", {
        query: {
          limit: 50,
          ...(pageParam === undefined ? {} : { cursor: pageParam }),
          ...(type === "" ? {} : { type }),
          ...(state === "" ? {} : { state }),
          ...(text === "" ? {} : { q: text }),
        },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
    refetchInterval: refreshMs,
    placeholderData: keepPreviousData,
  });
  const act = async (name: "cancelJob" | "retryJob", id: string) => {
    try {
      await api.call(name, { params: { id } });
      setRefusal(undefined);
    } catch (error) {
      setRefusal(messageOf(error));
    }
    await queries.invalidateQueries({ queryKey: ["jobs"] });
  };
  const items = jobs.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <main className="page">
      <h1>Jobs</h1>
      <div className="row">
        <label>
          Type{" "}
          <select value={type} onChange={(event) => setType(event.target.value)}>
            <option value="">all</option>
            {types.data?.items.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          State{" "}
          <select value={state} onChange={(event) => setState(event.target.value)}>
            <option value="">all</option>
            {states.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <input
          className="grow"
          type="search"
          aria-label="Search payloads and errors"
          placeholder="Search payloads and errors"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Link to="/new" className="button">
          New job
        </Link>
      </div>
      {refusal === undefined ? null : <div className="notice">{refusal}</div>}
      {jobs.isPending ? <Loading what="jobs" /> : null}
      {jobs.isError ? <ErrorBox error={jobs.error} retry={() => void jobs.refetch()} /> : null}
      {jobs.isSuccess && items.length === 0 ? (
        <Empty>
          No jobs{type !== "" || state !== "" || text !== "" ? " match" : " yet"}.{" "}
          <Link to="/new">Submit one</Link>.
        </Empty>
      ) : null}
      {items.length === 0 ? null : (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Job</th>
                <th>State</th>
                <th>What</th>
                <th>Submitted</th>
                <th className="num">Ran</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {items.map((job) => (
                <JobRow key={job.id} job={job} act={act} />
              ))}
            </tbody>
          </table>
          <MoreButton list={jobs}>Older jobs</MoreButton>
        </div>
      )}
    </main>
  );
}

function JobRow({
  job,
  act,
}: {
  job: JobSummary;
  act: (name: "cancelJob" | "retryJob", id: string) => Promise<void>;
}) {
  const go = useNavigate();
  const ended = job.endedMs !== null;
  return (
    <tr onDoubleClick={() => void go(`/jobs/${job.id}`)}>
      <td>
        <Link to={`/jobs/${job.id}`}>{job.type}</Link>
      </td>
      <td>
        <StateBadge state={job.state} />
        {job.reusedFrom === null ? null : <span className="dim"> reused</span>}
      </td>
      <td className="reason">
        {job.error === null ? (
          <code>{job.payloadPreview.slice(0, 110)}</code>
        ) : (
          <span className="bad">{job.error.message}</span>
        )}
      </td>
      <td title={time(job.createdMs)}>{ago(job.createdMs, Date.now())}</td>
      <td className="num">
        {job.startedMs === null ? "–" : duration((job.endedMs ?? Date.now()) - job.startedMs)}
      </td>
      <td className="num">
        {ended ? (
          job.state === "completed" ? null : (
            <button type="button" onClick={() => void act("retryJob", job.id)}>
              Retry
            </button>
          )
        ) : (
          <button type="button" onClick={() => void act("cancelJob", job.id)}>
            Cancel
          </button>
        )}
      </td>
    </tr>
  );
}
