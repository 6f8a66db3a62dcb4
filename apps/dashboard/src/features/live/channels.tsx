import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ChannelView } from "@tapedeck/features/notifications/contract";
import { useState } from "react";
import type { FormEvent } from "react";
import { api, messageOf } from "../../api.ts";
import { time } from "../../components/format.ts";
import { ErrorBox } from "../../components/state.tsx";
import { addThisBrowser, canPush } from "./push.ts";

type Kind = ChannelView["kind"];

const kindLabels: Record<Kind, string> = {
  email: "E-mail",
  webhook: "Webhook, signed",
  slack: "Slack",
  telegram: "Telegram",
  push: "This browser",
};

/** What each kind asks for: members of its settings, and how they are shown. */
const inputs: Record<Kind, readonly { name: string; label: string; placeholder: string; secret?: true }[]> = {
  email: [{ name: "to", label: "Address", placeholder: "desk@example.com" }],
  webhook: [{ name: "webhookUrl", label: "Address", placeholder: "https://…" }],
  slack: [
    {
      name: "webhookUrl",
      label: "Incoming webhook",
      placeholder: "https://hooks.slack.com/services/…",
      secret: true,
    },
  ],
  telegram: [
    { name: "botToken", label: "Bot token", placeholder: "123456:ABC-DEF…", secret: true },
    { name: "chatId", label: "Chat", placeholder: "-1001234567890" },
  ],
  push: [],
};

export function useChannels() {
  return useQuery({ queryKey: ["channels"], queryFn: () => api.call("listChannels", {}) });
}

/** How the choice is written that is no channel's id. */
const choices = { every: "every", none: "none" };

/** Chooses where something goes: every channel (null), none, or one. */
export function ChannelSelect({
  channelIds,
  change,
  label,
}: {
  channelIds: readonly string[] | null;
  change: (channelIds: string[] | null) => void;
  /** Where nothing beside it names it. */
  label?: string;
}) {
  const channels = useChannels();
  const chosen = channelIds === null ? choices.every : (channelIds[0] ?? choices.none);
  const choose = (value: string) =>
    change(value === choices.every ? null : value === choices.none ? [] : [value]);
  return (
    <select aria-label={label} value={chosen} onChange={(event) => choose(event.target.value)}>
      <option value={choices.every}>every channel</option>
      <option value={choices.none}>this page alone</option>
      {channels.data?.items.map((one) => (
        <option key={one.id} value={one.id}>
          {one.name}
        </option>
      ))}
    </select>
  );
}

/** Where alerts and changed answers go besides the pages. */
export function Channels() {
  const queries = useQueryClient();
  const channels = useChannels();
  const [note, setNote] = useState<string>();
  const run = async (work: () => Promise<string | undefined>) => {
    try {
      setNote(await work());
    } catch (error) {
      setNote(messageOf(error));
    }
    await queries.invalidateQueries({ queryKey: ["channels"] });
  };
  return (
    <section className="panel" aria-label="Channels">
      <h2>Channels</h2>
      {channels.isError ? <ErrorBox error={channels.error} retry={() => void channels.refetch()} /> : null}
      {channels.data?.items.length === 0 ? (
        <p className="dim">Alerts are shown on these pages; add where else they go.</p>
      ) : null}
      {channels.data === undefined || channels.data.items.length === 0 ? null : (
        <table>
          <tbody>
            {channels.data.items.map((channel) => (
              <ChannelRow key={channel.id} channel={channel} run={run} />
            ))}
          </tbody>
        </table>
      )}
      <NewChannel run={run} />
      {note === undefined ? null : <div className="notice">{note}</div>}
    </section>
  );
}

type Run = (work: () => Promise<string | undefined>) => Promise<void>;

function ChannelRow({ channel, run }: { channel: ChannelView; run: Run }) {
  const { id, name, kind, target, waiting, deliveredMs, lastError } = channel;
  const params = { id };
  const test = async () => {
    await api.call("testChannel", { params });
    return `A test message is on its way to ${name}.`;
  };
  const remove = async () => {
    await api.call("deleteChannel", { params });
    return undefined;
  };
  return (
    <tr>
      <td>{name}</td>
      <td>{kindLabels[kind]}</td>
      <td className="dim">{target}</td>
      <td className={lastError === null ? "dim" : "bad"}>
        {deliveredMs === null ? "" : `last taken ${time(deliveredMs)}. `}
        {waiting === 0 ? "" : `${waiting} waiting. `}
        {lastError}
      </td>
      <td className="num">
        <button type="button" aria-label={`Test ${name}`} onClick={() => void run(test)}>
          Test
        </button>{" "}
        <button type="button" aria-label={`Delete ${name}`} onClick={() => void run(remove)}>
          Delete
        </button>
      </td>
    </tr>
  );
}

function NewChannel({ run }: { run: Run }) {
  const [kind, setKind] = useState<Kind>("email");
  const [name, setName] = useState("");
  const [values, setValues] = useState<Record<string, string>>({});
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run(async () => {
      if (kind === "push") await addThisBrowser(name);
      else
        await api.call("createChannel", {
          body: {
            name,
            settings: {
              kind,
              ...Object.fromEntries(inputs[kind].map((one) => [one.name, values[one.name]])),
            },
          } as never,
        });
      setName("");
      setValues({});
      return undefined;
    });
  };
  const kinds = (Object.keys(kindLabels) as Kind[]).filter((one) => one !== "push" || canPush());
  const isComplete =
    name.trim() !== "" && inputs[kind].every((one) => (values[one.name] ?? "").trim() !== "");
  return (
    <form onSubmit={submit} aria-label="New channel">
      <div className="fields">
        <label className="field">
          <span className="label">Send to</span>
          <select value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
            {kinds.map((one) => (
              <option key={one} value={one}>
                {kindLabels[one]}
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span className="label">Name</span>
          <input value={name} onChange={(event) => setName(event.target.value)} placeholder="desk" />
        </label>
        {inputs[kind].map((one) => (
          <label className="field" key={one.name}>
            <span className="label">{one.label}</span>
            <input
              type={one.secret === true ? "password" : "text"}
              autoComplete="off"
              placeholder={one.placeholder}
              value={values[one.name] ?? ""}
              onChange={(event) => setValues({ ...values, [one.name]: event.target.value })}
            />
          </label>
        ))}
        <div className="field">
          <button disabled={!isComplete}>Add channel</button>
        </div>
      </div>
    </form>
  );
}
