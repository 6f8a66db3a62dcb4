import { AlertRule, alertTemplates } from "@tapedeck/features/alerts/contract";
import { useState } from "react";
import type { FormEvent } from "react";
import { api } from "../../api.ts";
import { useLive } from "../../live.ts";
import { draftOf, firstDraft, kindLabels, RuleFields, ruleOf } from "./alert-rule.tsx";
import { ChannelSelect } from "./channels.tsx";

const instrumentList = "alert-instruments";

/** A rule, ready-made or one's own, on an instrument. */
export function NewAlert({ run }: { run: (work: () => Promise<unknown>) => Promise<void> }) {
  const { hello } = useLive();
  const [instrumentId, setInstrumentId] = useState("");
  const [name, setName] = useState("");
  const [draft, setDraft] = useState(firstDraft);
  const [channelIds, setChannelIds] = useState<string[] | null>(null);
  const [callbackUrl, setCallbackUrl] = useState("");
  const [quietMinutes, setQuietMinutes] = useState("1");
  const [until, setUntil] = useState("");
  const choose = (chosen: string) => {
    const template = alertTemplates.find((one) => one.name === chosen);
    if (template === undefined) return;
    setName(template.name);
    setDraft({ ...firstDraft, ...draftOf(AlertRule.parse(template.rule)) });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(async () => {
      await api.call("createAlert", {
        body: {
          instrumentId: instrumentId.trim().toUpperCase(),
          rule: ruleOf(draft) as never,
          cooldownMs: Math.round(Number(quietMinutes) * 60_000),
          ...(until === "" ? {} : { expiresMs: Date.parse(until) }),
          ...(name.trim() === "" ? {} : { name }),
          ...(channelIds === null ? {} : { channelIds }),
          ...(callbackUrl === "" ? {} : { callbackUrl }),
        },
      });
      setName("");
    });
  };
  return (
    <section className="panel">
      <h2>New alert</h2>
      <form onSubmit={submit} aria-label="New alert">
        <div className="fields">
          <label className="field">
            <span className="label">Instrument</span>
            <input
              list={instrumentList}
              autoComplete="off"
              spellCheck={false}
              value={instrumentId}
              onChange={(event) => setInstrumentId(event.target.value)}
            />
          </label>
          <datalist id={instrumentList}>
            {hello?.instruments.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
          <label className="field">
            <span className="label">Ready-made</span>
            <select value="" onChange={(event) => choose(event.target.value)}>
              <option value="">choose …</option>
              {alertTemplates.map((one) => (
                <option key={one.name}>{one.name}</option>
              ))}
            </select>
          </label>
          <label className="field">
            <span className="label">When</span>
            <select
              value={draft.kind}
              onChange={(event) => setDraft({ ...firstDraft, kind: event.target.value as AlertRule["kind"] })}
            >
              {Object.entries(kindLabels).map(([kind, label]) => (
                <option key={kind} value={kind}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <RuleFields
            draft={draft}
            change={(part) => setDraft({ ...draft, ...part })}
            instruments={instrumentList}
          />
          <TextField label="Name" placeholder="what it watches" value={name} change={setName} />
          <label className="field">
            <span className="label">Send to</span>
            <ChannelSelect channelIds={channelIds} change={setChannelIds} />
          </label>
          <TextField
            label="Call this address too"
            placeholder="https://…"
            value={callbackUrl}
            change={setCallbackUrl}
          />
          <TextField
            label="Then quiet for, minutes"
            placeholder="0"
            value={quietMinutes}
            change={setQuietMinutes}
          />
          <label className="field">
            <span className="label">Ends</span>
            <input type="datetime-local" value={until} onChange={(event) => setUntil(event.target.value)} />
          </label>
          <div className="field">
            <button className="primary" disabled={instrumentId.trim() === ""}>
              Add alert
            </button>
          </div>
        </div>
      </form>
    </section>
  );
}

function TextField({
  label,
  placeholder,
  value,
  change,
}: {
  label: string;
  placeholder: string;
  value: string;
  change: (value: string) => void;
}) {
  return (
    <label className="field">
      <span className="label">{label}</span>
      <input placeholder={placeholder} value={value} onChange={(event) => change(event.target.value)} />
    </label>
  );
}
