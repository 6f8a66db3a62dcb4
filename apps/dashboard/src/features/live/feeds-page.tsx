import { useQuery } from "@tanstack/react-query";
import type { FeedRun, QualityKind } from "@tapedeck/features/ticks/contract";
import { api } from "../../api.ts";
import { ago, integer, time } from "../../components/format.ts";
import { Empty, ErrorBox, Loading, StateBadge } from "../../components/state.tsx";

const refreshMs = 2_000;

const findingKinds = {
  stale: "no prints",
  crossed: "crossed book",
  outlier: "outlier",
  bar: "bar differs",
} as const satisfies Record<QualityKind, string>;

type Feed = NonNullable<FeedRun["feed"]>;

/** Requests to a venue: whether they are let through, and what became of them. */
function Requests({ breaker, calls }: Pick<Feed, "breaker" | "calls">) {
  const { made, failed, timedOut, heldBack, underWay, atOnce, timeoutMs } = calls;
  const limits = `At most ${atOnce} at once (${underWay} now), ${timeoutMs / 1_000} s each; the breaker is ${breaker}.`;
  return (
    <span title={limits} className={breaker === "closed" ? "" : "bad"}>
      {breaker === "closed" ? "answered" : "held back"}, {integer(made)} made, {integer(failed)} failed (
      {integer(timedOut)} too slow), {integer(heldBack)} held back
    </span>
  );
}

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
  const { runs, gaps, findings } = feeds.data;
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
                <th className="num">Instruments</th>
                <th className="num">Reconnects</th>
                <th className="num">Missing</th>
                <th className="num">Repeated</th>
                <th className="num">Malformed</th>
                <th className="num">Books read anew</th>
                <th className="num">Clock ahead, ms</th>
                <th>Requests</th>
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
                  <td className="num">{integer(run.instruments)}</td>
                  <td className="num">{integer(run.feed?.reconnects)}</td>
                  <td className={`num ${(run.feed?.missing ?? 0) > 0 ? "bad" : ""}`}>
                    {integer(run.feed?.missing)}
                  </td>
                  <td className="num">{integer(run.feed?.duplicates)}</td>
                  <td className="num">{integer(run.feed?.malformed)}</td>
                  <td className="num">{integer(run.feed?.bookResyncs)}</td>
                  <td className="num">{integer(run.feed?.clockOffsetMs)}</td>
                  <td>{run.feed === null ? "–" : <Requests {...run.feed} />}</td>
                  <td>{run.feed?.lastError ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <h1>Findings</h1>
      {findings.length === 0 ? (
        <Empty>Nothing looks wrong with what came.</Empty>
      ) : (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Instrument</th>
                <th>Kind</th>
                <th>From</th>
                <th>To</th>
                <th>What</th>
              </tr>
            </thead>
            <tbody>
              {findings.map((finding) => (
                <tr key={`${finding.instrumentId} ${finding.kind} ${finding.fromMs}`}>
                  <td>{finding.instrumentId}</td>
                  <td>{findingKinds[finding.kind]}</td>
                  <td className="dim">{time(finding.fromMs)}</td>
                  <td className="dim">{finding.toMs === null ? "lasts" : time(finding.toMs)}</td>
                  <td>{finding.detail}</td>
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
