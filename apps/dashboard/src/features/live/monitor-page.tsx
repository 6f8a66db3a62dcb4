import { InstrumentId } from "@tapedeck/core";
import { useState } from "react";
import type { FormEvent } from "react";
import { Link } from "react-router";
import { api, messageOf } from "../../api.ts";
import { number, percent, time } from "../../components/format.ts";
import { Empty } from "../../components/state.tsx";
import { live, useLive } from "../../live.ts";
import { Sparkline } from "./sparkline.tsx";
import { StreamNote } from "./stream-note.tsx";
import { TriggerList, useTriggers } from "./triggers.tsx";
import { useWatched } from "./watched.ts";

const storeKey = "tapedeck.watched";
/** Each row takes three of a connection's fifty subscriptions. */
const maxWatched = 15;

/** What this browser keeps; nothing where that is not what this page wrote. */
function loadWatched(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storeKey) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string").slice(0, maxWatched) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Resolves once the stream has the instrument; rejects with why it has not. */
function accepted(instrumentId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const off = live.subscribe(
      { channel: "ticks", instrumentId },
      {
        snapshot() {
          off();
          resolve();
        },
        delta: () => undefined,
        refused(message) {
          off();
          reject(new Error(message));
        },
      },
    );
  });
}

/** Makes the alert unless there is one of that rule already. */
async function alertOnMove(instrumentId: string, fraction: number): Promise<void> {
  const windowMs = 60_000;
  const { items } = await api.call("listAlerts", { query: { instrumentId } });
  const isMade = items.some(
    ({ rule }) => rule.kind === "move" && rule.fraction === fraction && rule.windowMs === windowMs,
  );
  if (!isMade)
    await api.call("createAlert", { body: { instrumentId, rule: { kind: "move", fraction, windowMs } } });
}

/** What was typed as an id: a symbol alone is one of the stream's venue. Throws why it cannot be watched. */
export function watchedId(typed: string, venue: string): string {
  const text = typed.trim().toUpperCase();
  const suffix = `.${venue.toUpperCase()}`;
  if (text.endsWith(suffix)) return text;
  if (InstrumentId.safeParse(text).success)
    throw new Error(
      `${text} is of another venue: this stream has ${venue}. Its stored bars are under Instruments.`,
    );
  if (!InstrumentId.safeParse(`${text}${suffix}`).success)
    throw new Error(`${typed.trim()} is no symbol: one has letters, digits and . - / ^, such as SYN-A.`);
  return `${text}${suffix}`;
}

export function MonitorPage() {
  const { hello } = useLive();
  const [watched, setWatched] = useState(loadWatched);
  const { triggers, fresh } = useTriggers();
  const change = (next: string[]) => {
    localStorage.setItem(storeKey, JSON.stringify(next));
    setWatched(next);
  };
  return (
    <main className="page">
      <h1>Monitor</h1>
      <StreamNote />
      <WatchForm
        watched={watched}
        add={(instrumentId) => change([...watched, instrumentId])}
        key={hello?.venue ?? ""}
      />
      {watched.length === 0 ? (
        <Empty>
          Type a symbol to watch it
          {hello === undefined ? "." : `, such as ${hello.instruments[0]?.split(".")[0] ?? "BTCUSDT"}.`}
        </Empty>
      ) : (
        <div className="panel scroll">
          <table>
            <thead>
              <tr>
                <th>Instrument</th>
                <th className="num">Price</th>
                <th className="num">1 minute</th>
                <th className="num">5-minute average</th>
                <th>Last 5 minutes</th>
                <th className="num">Bid</th>
                <th className="num">Ask</th>
                <th>Last print</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {watched.map((instrumentId) => (
                <Row
                  key={instrumentId}
                  instrumentId={instrumentId}
                  alerts={
                    triggers.filter((one) => one.instrumentId === instrumentId && fresh.has(one.id)).length
                  }
                  remove={() => change(watched.filter((one) => one !== instrumentId))}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <section className="panel">
        <h2>
          Alerts <Link to="/alerts">all alerts</Link>
        </h2>
        <TriggerList triggers={triggers} fresh={fresh} />
      </section>
    </main>
  );
}

function WatchForm({ watched, add }: { watched: readonly string[]; add: (instrumentId: string) => void }) {
  const { hello } = useLive();
  const [symbol, setSymbol] = useState("");
  const [alerting, setAlerting] = useState(true);
  // Made-up prices move by about 0.08 % a minute: on them, 2 % would not be seen for days.
  const [share, setShare] = useState(hello?.simulated === true ? "0.05" : "2");
  const [refusal, setRefusal] = useState<string>();
  const venue = hello?.venue ?? null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (venue === null) return;
    let instrumentId: string;
    try {
      instrumentId = watchedId(symbol, venue);
    } catch (error) {
      return setRefusal(messageOf(error));
    }
    if (watched.includes(instrumentId)) return setRefusal(`${instrumentId} is watched already.`);
    if (watched.length >= maxWatched) return setRefusal(`At most ${maxWatched} instruments; remove one.`);
    try {
      await accepted(instrumentId);
      if (alerting) await alertOnMove(instrumentId, Number(share) / 100);
      setRefusal(undefined);
      setSymbol("");
      add(instrumentId);
    } catch (error) {
      setRefusal(messageOf(error));
    }
  };
  return (
    <section className="panel">
      <form className="row" onSubmit={(event) => void submit(event)}>
        <label>
          Symbol{" "}
          <input
            value={symbol}
            onChange={(event) => setSymbol(event.target.value)}
            list="stream-instruments"
            autoComplete="off"
            spellCheck={false}
          />
        </label>
        <datalist id="stream-instruments">
          {hello?.instruments.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <label>
          <input type="checkbox" checked={alerting} onChange={(event) => setAlerting(event.target.checked)} />{" "}
          alert me when it moves{" "}
          <input
            aria-label="Share in percent"
            className="short"
            value={share}
            inputMode="decimal"
            onChange={(event) => setShare(event.target.value)}
          />{" "}
          % within a minute
        </label>
        <button className="primary" disabled={symbol.trim() === "" || venue === null}>
          Watch
        </button>
      </form>
      {refusal === undefined ? null : <div className="notice">{refusal}</div>}
    </section>
  );
}

function Row({
  instrumentId,
  alerts,
  remove,
}: {
  instrumentId: string;
  /** Alerts that fired while the page was open. */
  alerts: number;
  remove: () => void;
}) {
  const { price, direction, change, average, averageSeconds, closes, quote, eventMs, refusal } =
    useWatched(instrumentId);
  return (
    <tr key={alerts} className={alerts > 0 ? "flash" : ""}>
      <td>
        <Link to={`/live/${encodeURIComponent(instrumentId)}`}>{instrumentId}</Link>
        {refusal === undefined ? null : <div className="bad">{refusal}</div>}
      </td>
      <td className={`num ${direction ?? ""}`} data-testid="price">
        {number(price)}
      </td>
      <td className={`num ${change === null ? "" : change < 0 ? "down" : "up"}`}>{percent(change, 3)}</td>
      <td
        className="num"
        data-testid="average"
        title={`Mean close of one-second bars, ${averageSeconds} s so far`}
      >
        {number(average, 3)}
      </td>
      <td>
        <Sparkline values={closes} label={`Closes of ${instrumentId}, last five minutes`} />
      </td>
      <td className={`num ${quote?.crossed === true ? "bad" : ""}`}>{number(quote?.bid)}</td>
      <td className={`num ${quote?.crossed === true ? "bad" : ""}`}>{number(quote?.ask)}</td>
      <td className="dim">{eventMs === undefined ? "–" : time(eventMs).slice(11)}</td>
      <td>
        <button type="button" className="quiet" aria-label={`Remove ${instrumentId}`} onClick={remove}>
          ✕
        </button>
      </td>
    </tr>
  );
}
