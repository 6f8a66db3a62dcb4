import type { AlertTrigger } from "@tapedeck/features/alerts/contract";
import { useEffect, useState } from "react";
import { Link } from "react-router";
import { time } from "../../components/format.ts";
import { Empty } from "../../components/state.tsx";
import { live } from "../../live.ts";

/** Triggers that are shown; older ones: the list of all. */
const shownTriggers = 20;

/** What alerts told, newest first; `fresh` are those that came while the page was open. */
export function useTriggers(): { triggers: readonly AlertTrigger[]; fresh: ReadonlySet<string> } {
  const [state, setState] = useState({ triggers: [] as AlertTrigger[], fresh: new Set<string>() });
  useEffect(
    () =>
      live.subscribe(
        { channel: "alerts" },
        {
          snapshot: (data) =>
            setState({
              triggers: (data as AlertTrigger[]).toReversed().slice(0, shownTriggers),
              fresh: new Set(),
            }),
          delta: (data) =>
            setState(({ triggers, fresh }) => {
              const trigger = data as AlertTrigger;
              return {
                triggers: [trigger, ...triggers].slice(0, shownTriggers),
                fresh: new Set([...fresh, trigger.id]),
              };
            }),
        },
      ),
    [],
  );
  return state;
}

export function TriggerList({
  triggers,
  fresh,
}: {
  triggers: readonly AlertTrigger[];
  fresh: ReadonlySet<string>;
}) {
  if (triggers.length === 0) return <Empty>No alert yet.</Empty>;
  return (
    <ul className="triggers" aria-label="Alerts that fired">
      {triggers.map((trigger) => (
        <li key={trigger.id} className={fresh.has(trigger.id) ? "flash" : ""}>
          <span className="dim">{time(trigger.edgeMs)}</span>{" "}
          <Link to={`/live/${encodeURIComponent(trigger.instrumentId)}`}>{trigger.message}</Link>{" "}
          {trigger.test ? <span className="badge">test</span> : null}
        </li>
      ))}
    </ul>
  );
}
