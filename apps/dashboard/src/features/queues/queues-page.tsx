import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { QueueView } from "@tapedeck/features/jobs/contract";
import { Link } from "react-router";
import { api, messageOf } from "../../api.ts";
import { ago, duration, integer } from "../../components/format.ts";
import { Empty, ErrorBox, Loading, StateBadge } from "../../components/state.tsx";

const refreshMs = 2_000;

export function QueuesPage() {
  const queries = useQueryClient();
  const [refusal, setRefusal] = useState<string>();
  const queues = useQuery({
    queryKey: ["queues"],
    queryFn: () => api.call("listQueues", {}),
    refetchInterval: refreshMs,
  });
  const workers = useQuery({
    queryKey: ["workers"],
    queryFn: () => api.call("listWorkers", {}),
    refetchInterval: refreshMs,
  });
  const toggle = async (queue: QueueView) => {
    try {
      await api.call(queue.paused === true ? "resumeQueue" : "pauseQueue", { params: { name: queue.name } });
      setRefusal(undefined);
    } catch (error) {
      setRefusal(messageOf(error));
    }
    await queries.invalidateQueries({ queryKey: ["queues"] });
  };
  return (
    <main className="page">
      <h1>Queues</h1>
      {refusal === undefined ? null : <div className="notice">{refusal}</div>}
      {queues.isPending ? <Loading what="queues" /> : null}
      {queues.isError ? <ErrorBox error={queues.error} retry={() => void queues.refetch()} /> : null}
      {queues.isSuccess ? (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Queue</th>
                <th className="num">Waiting</th>
                <th className="num">Running</th>
                <th className="num">Delayed</th>
                <th className="num">Oldest wait</th>
                <th className="num">Completed, 1 h</th>
                <th className="num">Failed, 1 h</th>
                <th>State</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {queues.data.items.map((queue) => (
                <tr key={queue.name}>
                  <td>
                    <Link to="/jobs">{queue.name}</Link>
                  </td>
                  <td className="num">{integer(queue.accepted + queue.queued)}</td>
                  <td className="num">{integer(queue.running)}</td>
                  <td className="num">{integer(queue.delayed)}</td>
                  <td className="num">{queue.oldestWaitMs === null ? "–" : duration(queue.oldestWaitMs)}</td>
                  <td className="num">{integer(queue.completedLastHour)}</td>
                  <td className="num">{integer(queue.failedLastHour)}</td>
                  <td>
                    {queue.paused === null ? (
                      <span className="bad">no answer</span>
                    ) : (
                      <StateBadge state={queue.paused ? "paused" : "running"} />
                    )}
                  </td>
                  <td className="num">
                    <button type="button" disabled={queue.paused === null} onClick={() => void toggle(queue)}>
                      {queue.paused === true ? "Resume" : "Pause"}
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      <h1>Workers</h1>
      {workers.isError ? <ErrorBox error={workers.error} /> : null}
      {workers.isSuccess && workers.data.items.length === 0 ? (
        <Empty>
          No worker runs. Start one with <code>npx tapedeck workers run</code>.
        </Empty>
      ) : null}
      {workers.isSuccess && workers.data.items.length > 0 ? (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Host</th>
                <th className="num">Process</th>
                <th>Queues</th>
                <th className="num">Running</th>
                <th className="num">Concurrency</th>
                <th className="num">Threads</th>
                <th>Seen</th>
                <th>State</th>
              </tr>
            </thead>
            <tbody>
              {workers.data.items.map((worker) => (
                <tr key={worker.id}>
                  <td>{worker.host}</td>
                  <td className="num">{worker.pid}</td>
                  <td>{worker.queues.join(", ")}</td>
                  <td className="num">{worker.running}</td>
                  <td className="num">{worker.concurrency}</td>
                  <td className="num">{worker.threads}</td>
                  <td>{ago(worker.heartbeatMs, Date.now())}</td>
                  <td>
                    <StateBadge state={worker.alive ? "alive" : "gone"} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </main>
  );
}
