import { useQuery } from "@tanstack/react-query";
import { api } from "../../api.ts";
import { ago, integer, time } from "../../components/format.ts";
import { Empty, ErrorBox, Loading, StateBadge } from "../../components/state.tsx";

const refreshMs = 2_000;

export function FeedsPage() {
  const feeds = useQuery({
    queryKey: ["feeds"],
    queryFn: () => api.call("listFeeds", {}),
    refetchInterval: refreshMs,
  });
  if (feeds.isPending) return <Loading what="feeds" />;
  if (feeds.isError) {
    return (
      <main className="page">
        <ErrorBox error={feeds.error} retry={() => void feeds.refetch()} />
      </main>
    );
  }
  const { runs, gaps } = feeds.data;
  return (
    <main className="page">
      <h1>Feeds</h1>
      {runs.length === 0 ? <Empty>No stream process has run yet.</Empty> : null}
      {runs.length === 0 ? null : (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Venue</th>
                <th>State</th>
                <th>Since</th>
                <th>Heard</th>
                <th className="num">Reconnects</th>
                <th className="num">Missing</th>
                <th className="num">Repeated</th>
                <th className="num">Malformed</th>
                <th className="num">Clock ahead, ms</th>
                <th>History</th>
                <th>Last error</th>
              </tr>
            </thead>
            <tbody>
              {runs.map((run) => (
                <tr key={run.id}>
                  <td>
                    {run.venue} {run.simulated ? <span className="badge">simulated</span> : null}
                  </td>
                  <td>
                    <StateBadge state={run.state} />
                  </td>
                  <td className="dim">{time(run.startedMs)}</td>
                  <td>{ago(run.feed?.lastMessageMs ?? run.heartbeatMs, Date.now())}</td>
                  <td className="num">{integer(run.feed?.reconnects)}</td>
                  <td className={`num ${(run.feed?.missing ?? 0) > 0 ? "bad" : ""}`}>
                    {integer(run.feed?.missing)}
                  </td>
                  <td className="num">{integer(run.feed?.duplicates)}</td>
                  <td className="num">{integer(run.feed?.malformed)}</td>
                  <td className="num">{integer(run.feed?.clockOffsetMs)}</td>
                  <td>{run.feed === null ? "–" : run.feed.breaker === "closed" ? "answers" : "held back"}</td>
                  <td>{run.feed?.lastError ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <h1>Gaps</h1>
      {gaps.length === 0 ? (
        <Empty>No print was missed.</Empty>
      ) : (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Instrument</th>
                <th className="num">Prints</th>
                <th>Numbers</th>
                <th>Found</th>
                <th>State</th>
              </tr>
            </thead>
            <tbody>
              {gaps.map((gap) => (
                <tr key={`${gap.instrumentId} ${gap.fromId}`}>
                  <td>{gap.instrumentId}</td>
                  <td className="num">{integer(gap.toId - gap.fromId + 1)}</td>
                  <td>
                    {gap.fromId} to {gap.toId}
                  </td>
                  <td className="dim">{time(gap.foundMs)}</td>
                  <td>
                    <StateBadge state={gap.state} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </main>
  );
}
