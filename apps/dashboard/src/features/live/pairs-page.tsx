import type { LiveTimeframe, PairValue } from "@tapedeck/features/ticks/contract";
import { InstrumentId } from "@tapedeck/core";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import { useEffect, useState } from "react";
import type { FormEvent } from "react";
import { useSearchParams } from "react-router";
import { number, time } from "../../components/format.ts";
import { Empty } from "../../components/state.tsx";
import { live, useLive } from "../../live.ts";
import { Sparkline } from "./sparkline.tsx";
import { StreamNote } from "./stream-note.tsx";

interface Pair {
  y: string;
  x: string;
  timeframe: LiveTimeframe;
  window: number;
  zWindow: number;
}

const defaults = { timeframe: "1s", window: 120, zWindow: 60 } as const;

/** The pair of the page's address; undefined where it names none. */
function pairOf(params: URLSearchParams): Pair | undefined {
  const [y, x] = [params.get("y"), params.get("x")];
  if (!InstrumentId.safeParse(y).success || !InstrumentId.safeParse(x).success) return undefined;
  const asked = params.get("timeframe");
  const timeframe = liveTimeframes.find((one) => one === asked) ?? defaults.timeframe;
  return {
    y: y!,
    x: x!,
    timeframe,
    window: Number(params.get("window") ?? defaults.window),
    zWindow: Number(params.get("zWindow") ?? defaults.zWindow),
  };
}

/** The pair's newest values, oldest first. */
function usePair(pair: Pair): { values: readonly PairValue[]; refusal: string | undefined } {
  const [values, setValues] = useState<readonly PairValue[]>([]);
  const [refusal, setRefusal] = useState<string>();
  const { y, x, timeframe, window, zWindow } = pair;
  useEffect(
    () =>
      live.subscribe(
        { channel: "pairs", y, x, timeframe, window, zWindow },
        {
          snapshot(data) {
            setRefusal(undefined);
            setValues(data as PairValue[]);
          },
          delta(data) {
            const value = data as PairValue;
            setValues((known) => [
              ...known.filter(({ closeMs }) => closeMs !== value.closeMs).slice(-299),
              value,
            ]);
          },
          refused: setRefusal,
        },
      ),
    [y, x, timeframe, window, zWindow],
  );
  return { values, refusal };
}

export function PairsPage() {
  const [params, setParams] = useSearchParams();
  const pair = pairOf(params);
  return (
    <main className="page">
      <h1>Pairs, live</h1>
      <StreamNote />
      <PairForm pair={pair} choose={(next) => setParams(next)} />
      {pair === undefined ? (
        <Empty>Name two instruments of the stream: y is explained by x.</Empty>
      ) : (
        <PairValues key={Object.values(pair).join(" ")} pair={pair} />
      )}
    </main>
  );
}

function PairForm({
  pair,
  choose,
}: {
  pair: Pair | undefined;
  choose: (params: Record<string, string>) => void;
}) {
  const { hello } = useLive();
  const [fields, setFields] = useState({
    y: pair?.y ?? "",
    x: pair?.x ?? "",
    timeframe: pair?.timeframe ?? defaults.timeframe,
    window: String(pair?.window ?? defaults.window),
    zWindow: String(pair?.zWindow ?? defaults.zWindow),
  });
  const set = (part: Partial<typeof fields>) => setFields({ ...fields, ...part });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const idOf = (text: string) => {
      const typed = text.trim().toUpperCase();
      return InstrumentId.safeParse(typed).success ? typed : `${typed}.${(hello?.venue ?? "").toUpperCase()}`;
    };
    choose({ ...fields, y: idOf(fields.y), x: idOf(fields.x) });
  };
  const input = (label: string, name: "y" | "x" | "window" | "zWindow", list?: string) => (
    <label className="field">
      <span className="label">{label}</span>
      <input
        list={list}
        autoComplete="off"
        value={fields[name]}
        onChange={(event) => set({ [name]: event.target.value })}
      />
    </label>
  );
  return (
    <section className="panel">
      <form onSubmit={submit} aria-label="Pair">
        <datalist id="pair-instruments">
          {hello?.instruments.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <div className="fields">
          {input("y", "y", "pair-instruments")}
          {input("x", "x", "pair-instruments")}
          <label className="field">
            <span className="label">Bars</span>
            <select
              value={fields.timeframe}
              onChange={(event) => set({ timeframe: event.target.value as LiveTimeframe })}
            >
              {liveTimeframes.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
          {input("Window, bars", "window")}
          {input("z-score over, bars", "zWindow")}
          <div className="field">
            <button className="primary" disabled={fields.y.trim() === "" || fields.x.trim() === ""}>
              Follow
            </button>
          </div>
        </div>
      </form>
    </section>
  );
}

const figures: readonly {
  name: Exclude<keyof PairValue, "closeMs">;
  label: string;
  digits: number;
  meaning: string;
}[] = [
  {
    name: "hedgeRatio",
    label: "Hedge ratio",
    digits: 4,
    meaning: "log y on log x, least squares over the window",
  },
  { name: "spread", label: "Spread", digits: 6, meaning: "what is left of log y" },
  { name: "zScore", label: "z-score", digits: 2, meaning: "of the spread among its last bars" },
  { name: "correlation", label: "Correlation", digits: 3, meaning: "of log returns within the window" },
  { name: "adf", label: "ADF of the spread", digits: 3, meaning: "Engle and Granger's statistic" },
  { name: "adfP", label: "its p", digits: 3, meaning: "below 0.05: the spread returns" },
  { name: "halfLife", label: "Half-life, bars", digits: 1, meaning: "none: the spread does not revert" },
];

function PairValues({ pair }: { pair: Pair }) {
  const { values, refusal } = usePair(pair);
  const last = values.at(-1);
  if (refusal !== undefined) return <div className="notice">{refusal}</div>;
  if (last === undefined)
    return (
      <Empty>
        Waiting for {pair.window} bars of {pair.timeframe} that both have.
      </Empty>
    );
  return (
    <section className="panel scroll">
      <h2>
        {pair.y} on {pair.x} <span className="dim">{time(last.closeMs).slice(11)}</span>
      </h2>
      <table aria-label="Pair">
        <tbody>
          {figures.map(({ name, label, digits, meaning }) => (
            <tr key={name}>
              <th scope="row">{label}</th>
              <td className="num" data-testid={name}>
                {number(last[name], digits)}
              </td>
              <td>
                <Sparkline
                  values={values.flatMap((value) => value[name] ?? [])}
                  label={`${label}, last ${values.length} bars`}
                />
              </td>
              <td className="dim">{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
