import { useInfiniteQuery, useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { mostCompared } from "@tapedeck/features/backtest/compare/contract";
import { api } from "../../api.ts";
import { integer, number, percent, time } from "../../components/format.ts";
import { Empty, ErrorBox, Loading, StateBadge } from "../../components/state.tsx";
import { researchTypes } from "./research-view.tsx";
import type { ResearchType } from "./research-view.tsx";

export function BacktestsPage() {
  return (
    <main className="page">
      <h1>Backtests</h1>
      <p>
        <Link to="/backtests/new" className="button">
          New backtest
        </Link>
      </p>
      <ToCompare />
    </main>
  );
}

/** Ids of what is to be compared, and how one is chosen. */
interface Chosen {
  chosen: readonly string[];
  choose: (id: string, isChosen: boolean) => void;
}

/** Both lists, of which some are chosen. */
function ToCompare() {
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const choose = (id: string, isChosen: boolean) =>
    setChosen((current) => (isChosen ? [...current, id] : current.filter((one) => one !== id)));
  return (
    <>
      <div className="row">
        {chosen.length < 2 ? (
          <span className="dim">Choose two or more runs or walk-forwards to compare.</span>
        ) : (
          <Link className="button" to={`/backtests/compare?ids=${chosen.join(",")}`}>
            Compare {chosen.length}
          </Link>
        )}
      </div>
      <Runs chosen={chosen} choose={choose} />
      <Research chosen={chosen} choose={choose} />
    </>
  );
}

function CompareBox({ id, title, chosen, choose }: Chosen & { id: string; title: string }) {
  return (
    <input
      type="checkbox"
      aria-label={`Compare ${title}`}
      checked={chosen.includes(id)}
      disabled={!chosen.includes(id) && chosen.length >= mostCompared}
      onChange={(event) => choose(id, event.target.checked)}
    />
  );
}

function Runs({ chosen, choose }: Chosen) {
  const runs = useInfiniteQuery({
    queryKey: ["backtests"],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      api.call("listBacktests", {
        query: { limit: 50, ...(pageParam === undefined ? {} : { cursor: pageParam }) },
      }),
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
  const items = runs.data?.pages.flatMap((page) => page.items) ?? [];
  if (runs.isPending) return <Loading what="backtests" />;
  if (runs.isError) return <ErrorBox error={runs.error} retry={() => void runs.refetch()} />;
  if (items.length === 0) {
    return (
      <Empty>
        No backtest yet. <Link to="/backtests/new">Run one</Link>.
      </Empty>
    );
  }
  return (
    <section className="panel">
      <h2>Runs</h2>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th aria-label="Compare" />
              <th>Strategy</th>
              <th>Instrument</th>
              <th className="num">Return</th>
              <th className="num">Buy and hold</th>
              <th className="num">Sharpe</th>
              <th className="num">Max drawdown</th>
              <th className="num">Trades</th>
              <th>Ran</th>
            </tr>
          </thead>
          <tbody>
            {items.map((run) => (
              <tr key={run.id}>
                <td>
                  <CompareBox id={run.id} title={run.title} chosen={chosen} choose={choose} />
                </td>
                <td>
                  <Link to={`/backtests/${run.id}`}>{run.title}</Link>
                </td>
                <td>
                  {run.instrumentId} {run.timeframe}
                </td>
                <td className="num">{percent(run.totalReturn)}</td>
                <td className="num">{percent(run.benchmarkReturn)}</td>
                <td className="num">{number(run.sharpe)}</td>
                <td className="num">{percent(run.maxDrawdown)}</td>
                <td className="num">{integer(run.trades)}</td>
                <td className="when">{time(run.createdMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {runs.hasNextPage ? (
        <button type="button" onClick={() => void runs.fetchNextPage()}>
          Older
        </button>
      ) : null}
    </section>
  );
}

const listed = 8;

/** The newest searches, folds, simulations and audits. */
function Research({ chosen, choose }: Chosen) {
  const found = useQueries({
    queries: (Object.keys(researchTypes) as ResearchType[]).map((type) => ({
      queryKey: ["jobs", "research", type],
      queryFn: () => api.call("listJobs", { query: { type, limit: listed } }),
    })),
  });
  const failed = found.find((one) => one.isError);
  if (failed !== undefined) return <ErrorBox error={failed.error} retry={() => void failed.refetch()} />;
  const jobs = found.flatMap((one) => one.data?.items ?? []).toSorted((a, b) => b.createdMs - a.createdMs);
  if (jobs.length === 0) return null;
  return (
    <section className="panel">
      <h2>Searches, folds, simulations and audits</h2>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th aria-label="Compare" />
              <th>What</th>
              <th>State</th>
              <th>Payload</th>
              <th>Submitted</th>
            </tr>
          </thead>
          <tbody>
            {jobs.map((job) => (
              <tr key={job.id}>
                <td>
                  {job.type === "walkForward" && job.state === "completed" ? (
                    <CompareBox
                      id={job.id}
                      title={researchTypes.walkForward}
                      chosen={chosen}
                      choose={choose}
                    />
                  ) : null}
                </td>
                <td>
                  <Link to={`/backtests/jobs/${job.id}`}>{researchTypes[job.type as ResearchType]}</Link>
                </td>
                <td>
                  <StateBadge state={job.state} />
                </td>
                <td className="reason">
                  <code>{job.payloadPreview}</code>
                </td>
                <td className="when">{time(job.createdMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
