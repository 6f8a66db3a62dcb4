import { useQuery, useQueryClient } from "@tanstack/react-query";
import { alertTemplates } from "@tapedeck/features/alerts/contract";
import type { AlertRule, AlertView } from "@tapedeck/features/alerts/contract";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import type { LiveTimeframe } from "@tapedeck/features/ticks/contract";
import { useState } from "react";
import type { FormEvent } from "react";
import { Link } from "react-router";
import { api, messageOf } from "../../api.ts";
import { time } from "../../components/format.ts";
import { FormulaInput } from "../../components/formula-input.tsx";
import { Empty, ErrorBox, Loading } from "../../components/state.tsx";
import { useLive } from "../../live.ts";
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
                <th>Calls</th>
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
      <section className="panel">
        <h2>Fired</h2>
        <TriggerList triggers={triggers} fresh={fresh} />
      </section>
    </main>
  );
}

type Run = (work: () => Promise<unknown>) => Promise<void>;

function AlertRow({ alert, run }: { alert: AlertView; run: Run }) {
  const params = { id: alert.id };
  return (
    <tr>
      <td>{alert.name}</td>
      <td>
        <Link to={`/live/${encodeURIComponent(alert.instrumentId)}`}>{alert.instrumentId}</Link>
      </td>
      <td>{alert.armed ? "armed" : "fired, waits for the end of its condition"}</td>
      <td className="dim">{alert.firedMs === null ? "–" : time(alert.firedMs)}</td>
      <td>{alert.callbackUrl === null ? "this page" : alert.callbackUrl}</td>
      <td className="num">
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

/** A rule of a kind from what the form's fields hold. */
function ruleOf(
  kind: AlertRule["kind"],
  fields: {
    direction: "above" | "below";
    level: string;
    share: string;
    seconds: string;
    timeframe: LiveTimeframe;
    formula: string;
  },
): object {
  switch (kind) {
    case "price":
      return { kind, direction: fields.direction, level: Number(fields.level) };
    case "move":
      return { kind, fraction: Number(fields.share) / 100, windowMs: Number(fields.seconds) * 1_000 };
    case "formula":
      return { kind, timeframe: fields.timeframe, formula: fields.formula };
    case "stale":
      return { kind, afterMs: Number(fields.seconds) * 1_000 };
  }
}

function NewAlert({ run }: { run: Run }) {
  const { hello } = useLive();
  const [instrumentId, setInstrumentId] = useState("");
  const [kind, setKind] = useState<AlertRule["kind"]>("formula");
  const [direction, setDirection] = useState<"above" | "below">("above");
  const [level, setLevel] = useState("");
  const [share, setShare] = useState("2");
  const [seconds, setSeconds] = useState("60");
  const [timeframe, setTimeframe] = useState<LiveTimeframe>("1m");
  const [formula, setFormula] = useState("");
  const [callbackUrl, setCallbackUrl] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const rule = ruleOf(kind, { direction, level, share, seconds, timeframe, formula });
    const body = {
      instrumentId: instrumentId.trim().toUpperCase(),
      rule,
      ...(callbackUrl === "" ? {} : { callbackUrl }),
    };
    void run(() => api.call("createAlert", { body: body as never }));
  };
  const text = (label: string, value: string, set: (value: string) => void) => (
    <label>
      {label}{" "}
      <input
        className="short"
        inputMode="decimal"
        value={value}
        onChange={(event) => set(event.target.value)}
      />
    </label>
  );
  return (
    <section className="panel">
      <form onSubmit={submit}>
        <div className="row">
          <label>
            Instrument{" "}
            <input
              list="alert-instruments"
              autoComplete="off"
              spellCheck={false}
              value={instrumentId}
              onChange={(event) => setInstrumentId(event.target.value)}
            />
          </label>
          <datalist id="alert-instruments">
            {hello?.instruments.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
          <label>
            When{" "}
            <select value={kind} onChange={(event) => setKind(event.target.value as AlertRule["kind"])}>
              <option value="formula">a formula holds</option>
              <option value="price">the price crosses a level</option>
              <option value="move">the price moves</option>
              <option value="stale">nothing is heard</option>
            </select>
          </label>
          {kind === "price" ? (
            <>
              <select
                aria-label="Direction"
                value={direction}
                onChange={(event) => setDirection(event.target.value as "above" | "below")}
              >
                <option>above</option>
                <option>below</option>
              </select>
              {text("Level", level, setLevel)}
            </>
          ) : null}
          {kind === "move" ? text("Percent", share, setShare) : null}
          {kind === "move" || kind === "stale" ? text("Seconds", seconds, setSeconds) : null}
          {kind === "formula" ? (
            <>
              <label>
                Bars{" "}
                <select
                  value={timeframe}
                  onChange={(event) => setTimeframe(event.target.value as LiveTimeframe)}
                >
                  {liveTimeframes.map((one) => (
                    <option key={one}>{one}</option>
                  ))}
                </select>
              </label>
              <label>
                Ready-made{" "}
                <select value="" onChange={(event) => setFormula(event.target.value)}>
                  <option value="">choose …</option>
                  {alertTemplates.map((one) => (
                    <option key={one.name} value={one.formula}>
                      {one.name}
                    </option>
                  ))}
                </select>
              </label>
            </>
          ) : null}
        </div>
        {kind === "formula" ? <FormulaInput label="Condition" value={formula} onChange={setFormula} /> : null}
        <div className="row">
          <label className="grow">
            Call this address{" "}
            <input
              placeholder="nobody: this page alone"
              value={callbackUrl}
              onChange={(event) => setCallbackUrl(event.target.value)}
            />
          </label>
          <button className="primary" disabled={instrumentId.trim() === ""}>
            Add alert
          </button>
        </div>
      </form>
    </section>
  );
}
