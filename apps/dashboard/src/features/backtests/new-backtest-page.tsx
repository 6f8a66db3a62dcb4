import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import type { ReactNode } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import type { ResponseOut } from "@tapedeck/client";
import type { backtestRoutes } from "@tapedeck/features/backtest/contract";
import { api } from "../../api.ts";
import { FormulaInput } from "../../components/formula-input.tsx";
import { InstrumentInput } from "../../components/instrument-input.tsx";
import { ErrorBox, FailedPage, Loading } from "../../components/state.tsx";
import { TokenList } from "../../components/token-list.tsx";
import { useSubmit } from "../../components/use-submit.ts";
import { draftOf, draftTypes, emptyDraft, pathOf, payloadOf, searches } from "./draft.ts";
import type { Draft, DraftRange, DraftType } from "./draft.ts";

type StrategyInfo = ResponseOut<typeof backtestRoutes.listStrategies>["items"][number];

/** A form that starts a backtest, or what is built on one; `?from=` fills it from an earlier job. */
export function NewBacktestPage() {
  const [search] = useSearchParams();
  const from = search.get("from");
  const strategies = useQuery({
    queryKey: ["strategies"],
    queryFn: () => api.call("listStrategies", {}),
    staleTime: Infinity,
  });
  const earlier = useQuery({
    queryKey: ["job", from],
    queryFn: () => api.call("getJob", { params: { id: from! } }),
    enabled: from !== null,
  });
  if (strategies.isPending || (from !== null && earlier.isPending)) return <Loading what="the form" />;
  const failed = strategies.error ?? earlier.error;
  if (failed !== null) return <FailedPage error={failed} />;
  const start =
    earlier.data === undefined
      ? { ...emptyDraft, instrumentId: search.get("instrumentId") ?? "" }
      : draftOf(earlier.data.payload as Record<string, unknown>);
  return (
    <main className="page">
      <h1>New backtest</h1>
      <p className="dim">
        Every member of a payload is in the <Link to="/new/backtest">form of the job</Link>; runs over several
        instruments have <Link to="/new/portfolioBacktest">theirs</Link>.
      </p>
      <BacktestForm start={start} strategies={strategies.data!.items} />
    </main>
  );
}

function Field({
  label,
  hint,
  wide,
  children,
}: {
  label: string;
  hint?: string;
  wide?: boolean;
  /** The control, with the id that the label names. */
  children: (id: string) => ReactNode;
}) {
  const id = useId();
  return (
    <div className={wide === true ? "field wide" : "field"}>
      <label className="label" htmlFor={id}>
        {label}
      </label>
      {hint === undefined ? null : <span className="hint">{hint}</span>}
      {children(id)}
    </div>
  );
}

function TextField({
  label,
  hint,
  value,
  onChange,
  type = "text",
}: {
  label: string;
  hint?: string;
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "date";
}) {
  return (
    <Field label={label} {...(hint === undefined ? {} : { hint })}>
      {(id) => <input id={id} type={type} value={value} onChange={(event) => onChange(event.target.value)} />}
    </Field>
  );
}

function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: readonly (readonly [value: string, title: string])[];
  onChange: (value: string) => void;
}) {
  return (
    <Field label={label}>
      {(id) => (
        <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
          {options.map(([one, title]) => (
            <option key={one} value={one}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** Does a strategy take so many instruments? */
function fits({ kind, instruments: [least, most] }: StrategyInfo, count: number): boolean {
  return count === 1 ? kind !== "portfolio" && least === 1 : count >= least && count <= most;
}

/** A named strategy that does not take so many gives way to the first. */
function withOthers(
  { strategy }: Draft,
  others: string[],
  strategies: readonly StrategyInfo[],
): Partial<Draft> {
  const fitting = strategies.filter((one) => fits(one, 1 + others.length));
  const stays = strategy.kind === "rules" || fitting.some((one) => one.name === strategy.name);
  return stays ? { others } : { others, strategy: emptyDraft.strategy, ranges: [] };
}

const timeframes = ["1m", "5m", "15m", "1h", "4h", "1d", "1w"].map((one) => [one, one] as const);

function BacktestForm({ start, strategies }: { start: Draft; strategies: readonly StrategyInfo[] }) {
  const go = useNavigate();
  const [draft, setDraft] = useState(start);
  const { busy, error, submit } = useSubmit((id) => void go(`/backtests/jobs/${id}`));
  const set = (change: Partial<Draft>) => setDraft((current) => ({ ...current, ...change }));
  return (
    <form
      className="panel"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(pathOf(draft), payloadOf(draft));
      }}
    >
      <div className="fields">
        <Choice
          label="What to run"
          value={draft.type}
          options={Object.entries(draftTypes).map(([type, { title }]) => [type, title])}
          onChange={(type) => set({ type: type as DraftType })}
        />
        <Field label="Instrument">
          {(id) => (
            <InstrumentInput
              inputId={id}
              value={draft.instrumentId}
              onChange={(instrumentId) => set({ instrumentId })}
            />
          )}
        </Field>
        <Field label="Others on one clock with it" hint="Empty: it alone">
          {(id) => (
            <TokenList
              of="instrument"
              inputId={id}
              values={draft.others}
              onChange={(others) => set(withOthers(draft, others, strategies))}
            />
          )}
        </Field>
        <Choice
          label="Bars"
          value={draft.timeframe}
          options={timeframes}
          onChange={(timeframe) => set({ timeframe })}
        />
        <TextField label="From" type="date" value={draft.from} onChange={(from) => set({ from })} />
        <TextField label="To" type="date" value={draft.to} onChange={(to) => set({ to })} />
        <TextField
          label="Initial cash"
          value={draft.initialCash}
          onChange={(initialCash) => set({ initialCash })}
        />
      </div>
      <StrategyFields
        draft={draft}
        strategies={strategies.filter((one) => fits(one, 1 + draft.others.length))}
        set={set}
      />
      <div className="fields">
        <TextField label="Fee, bps" value={draft.feeBps} onChange={(feeBps) => set({ feeBps })} />
        <TextField
          label="Slippage, bps"
          value={draft.slippageBps}
          onChange={(slippageBps) => set({ slippageBps })}
        />
        <TextField
          label="Stop loss"
          hint="Fraction of the entry price; empty: none"
          value={draft.stopLoss}
          onChange={(stopLoss) => set({ stopLoss })}
        />
        <TextField
          label="Take profit"
          hint="Fraction of the entry price; empty: none"
          value={draft.takeProfit}
          onChange={(takeProfit) => set({ takeProfit })}
        />
      </div>
      {searches(draft.type) ? <SearchFields draft={draft} set={set} /> : null}
      {draft.type === "walkForward" ? (
        <div className="fields">
          <TextField
            label="Bars to choose on"
            value={draft.trainBars}
            onChange={(trainBars) => set({ trainBars })}
          />
          <TextField
            label="Bars to judge on"
            value={draft.testBars}
            onChange={(testBars) => set({ testBars })}
          />
        </div>
      ) : null}
      {draft.type === "monteCarlo" ? (
        <TextField
          label="Simulations"
          value={draft.simulations}
          onChange={(simulations) => set({ simulations })}
        />
      ) : null}
      {error === undefined ? null : <ErrorBox error={error} />}
      <button className="primary" disabled={busy || draft.instrumentId === ""}>
        Run
      </button>
    </form>
  );
}

interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

function StrategyFields({ draft, strategies, set }: PartProps & { strategies: readonly StrategyInfo[] }) {
  const { strategy } = draft;
  const info = strategies.find((one) => strategy.kind !== "rules" && one.name === strategy.name);
  return (
    <fieldset>
      <legend>Strategy</legend>
      <Choice
        label="Kind"
        value={strategy.kind === "rules" ? "rules" : "named"}
        options={[
          ["named", "Built-in or module"],
          ["rules", "Rules as formulas"],
        ]}
        onChange={(kind) =>
          set({
            strategy:
              kind === "rules" ? { kind: "rules", entry: "", exit: "", side: "long" } : emptyDraft.strategy,
            ranges: [],
          })
        }
      />
      {strategy.kind === "rules" ? (
        <RulesFields draft={draft} set={set} />
      ) : (
        <>
          <Choice
            label="Named"
            value={strategy.name}
            options={strategies.map((one) => [
              one.name,
              one.kind === "module" ? `${one.title} (module)` : one.title,
            ])}
            onChange={(name) => {
              const kind =
                strategies.find((one) => one.name === name)?.kind === "module" ? "module" : "builtIn";
              set({ strategy: { kind, name, params: {} }, ranges: [] });
            }}
          />
          {info === undefined ? null : <p className="dim">{info.meaning}</p>}
          <div className="fields">
            {info?.params.map((param) => (
              <TextField
                key={param.name}
                label={param.name}
                hint={`${param.meaning}; ${param.default} unless told`}
                value={strategy.params[param.name] ?? ""}
                onChange={(text) =>
                  set({ strategy: { ...strategy, params: { ...strategy.params, [param.name]: text } } })
                }
              />
            ))}
          </div>
        </>
      )}
    </fieldset>
  );
}

function RulesFields({ draft, set }: PartProps) {
  const { strategy } = draft;
  if (strategy.kind !== "rules") return null;
  const change = (member: "entry" | "exit") => (text: string) =>
    set({ strategy: { ...strategy, [member]: text } });
  // A {name} to search is no formula yet: the server checks each combination.
  const input = (member: "entry" | "exit", label: string) =>
    searches(draft.type) ? (
      <TextField label={label} value={strategy[member]} onChange={change(member)} />
    ) : (
      <Field label={label} wide>
        {(id) => <FormulaInput inputId={id} value={strategy[member]} onChange={change(member)} />}
      </Field>
    );
  return (
    <>
      {input("entry", "Enter when")}
      {input("exit", "Leave when")}
      <Choice
        label="Side"
        value={strategy.side}
        options={[
          ["long", "Long"],
          ["short", "Short"],
          ["both", "Both, turning"],
        ]}
        onChange={(side) => set({ strategy: { ...strategy, side } })}
      />
    </>
  );
}

const methods = {
  sweep: ["grid", "random", "sobol", "tpe", "cmaes"],
  walkForward: ["grid", "random", "sobol"],
} as const;

function SearchFields({ draft, set }: PartProps) {
  const setRange = (at: number, change: Partial<DraftRange>) =>
    set({ ranges: draft.ranges.map((range, k) => (k === at ? { ...range, ...change } : range)) });
  return (
    <fieldset>
      <legend>Search</legend>
      <p className="dim">
        Parameters of the built-in, a name in braces in the formulas, or stopLoss, takeProfit, trailingStop,
        maxBars.
      </p>
      {draft.ranges.map((range, k) => (
        <div key={k} className="row">
          {(["name", "from", "to", "step"] as const).map((member) => (
            <input
              key={member}
              className={member === "name" ? undefined : "short"}
              aria-label={`${member} of parameter ${k + 1}`}
              placeholder={member}
              value={range[member]}
              onChange={(event) => setRange(k, { [member]: event.target.value })}
            />
          ))}
          <button type="button" onClick={() => set({ ranges: draft.ranges.filter((_, at) => at !== k) })}>
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        onClick={() => set({ ranges: [...draft.ranges, { name: "", from: "", to: "", step: "" }] })}
      >
        Add a parameter
      </button>
      <div className="fields">
        <Choice
          label="Method"
          value={draft.method}
          options={methods[draft.type === "sweep" ? "sweep" : "walkForward"].map((one) => [one, one])}
          onChange={(method) => set({ method })}
        />
        <TextField label="Most combinations" value={draft.trials} onChange={(trials) => set({ trials })} />
      </div>
    </fieldset>
  );
}
