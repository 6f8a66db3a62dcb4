import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { AlertView } from "@tapedeck/features/alerts/contract";
import { useState } from "react";
import { Link } from "react-router";
import { api, messageOf } from "../../api.ts";
import { time } from "../../components/format.ts";
import { Empty, ErrorBox, Loading } from "../../components/state.tsx";
import { Channels, useChannels } from "./channels.tsx";
import { NewAlert } from "./new-alert.tsx";
import { StreamNote } from "./stream-note.tsx";
import { TriggerList, useTriggers } from "./triggers.tsx";

const refreshMs = 5_000;

export function AlertsPage() {
  const queries = useQueryClient();
  const { triggers, fresh } = useTriggers();
  const [refusal, setRefusal] = useState<string>();
  const alerts = useQuery({
    queryKey: ["alerts"],
    queryFn: () => api.call("listAlerts", { query: { limit: 200 } }),
    refetchInterval: refreshMs,
  });
  const run = async (work: () => Promise<unknown>) => {
    try {
      await work();
      setRefusal(undefined);
    } catch (error) {
      setRefusal(messageOf(error));
    }
    await queries.invalidateQueries({ queryKey: ["alerts"] });
  };
  return (
    <main className="page">
      <h1>Alerts</h1>
      <StreamNote />
      <NewAlert run={run} />
      {refusal === undefined ? null : <div className="notice">{refusal}</div>}
      {alerts.isPending ? <Loading what="alerts" /> : null}
      {alerts.isError ? <ErrorBox error={alerts.error} retry={() => void alerts.refetch()} /> : null}
      {alerts.isSuccess && alerts.data.items.length === 0 ? <Empty>No alert yet.</Empty> : null}
      {alerts.isSuccess && alerts.data.items.length > 0 ? (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Alert</th>
                <th>Instrument</th>
                <th>State</th>
                <th>Last</th>
                <th>Goes to</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {alerts.data.items.map((alert) => (
                <AlertRow key={alert.id} alert={alert} run={run} />
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      <Channels />
      <section className="panel">
        <h2>Fired</h2>
        <TriggerList triggers={triggers} fresh={fresh} />
      </section>
    </main>
  );
}

/** Where an alert goes besides this page. */
function Targets({ alert }: { alert: AlertView }) {
  const channels = useChannels();
  const all = channels.data?.items ?? [];
  const chosen = all.filter(({ id }) => alert.channelIds === null || alert.channelIds.includes(id));
  const targets = [
    ...chosen.map(({ name }) => name),
    ...(alert.callbackUrl === null ? [] : [alert.callbackUrl]),
  ];
  return targets.length === 0 ? "this page" : targets.join(", ");
}

type Run = (work: () => Promise<unknown>) => Promise<void>;

function AlertRow({ alert, run }: { alert: AlertView; run: Run }) {
  const params = { id: alert.id };
  return (
    <tr>
      <td>{alert.name}</td>
      <td className="nowrap">
        <Link to={`/live/${encodeURIComponent(alert.instrumentId)}`}>{alert.instrumentId}</Link>
      </td>
      <td>
        {alert.armed ? "armed" : "fired; waits until it ends"}
        {alert.expiresMs === null ? null : <div className="dim">until {time(alert.expiresMs)}</div>}
        {alert.waits === null ? null : <div className="bad">{alert.waits}</div>}
      </td>
      <td className="dim nowrap">{alert.firedMs === null ? "–" : time(alert.firedMs)}</td>
      <td>{alert.muted ? <span className="dim">muted</span> : <Targets alert={alert} />}</td>
      <td className="num nowrap">
        <button type="button" onClick={() => void run(() => api.call("testAlert", { params }))}>
          Test
        </button>{" "}
        <button
          type="button"
          onClick={() => void run(() => api.call("muteAlert", { params, body: { muted: !alert.muted } }))}
        >
          {alert.muted ? "Unmute" : "Mute"}
        </button>{" "}
        <button
          type="button"
          aria-label={`Delete ${alert.name}`}
          onClick={() => void run(() => api.call("deleteAlert", { params }))}
        >
          Delete
        </button>
      </td>
    </tr>
  );
}
