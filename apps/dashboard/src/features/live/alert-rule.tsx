import type { AlertRule } from "@tapedeck/features/alerts/contract";
import { EventKind } from "@tapedeck/features/events/contract";
import { liveTimeframes } from "@tapedeck/features/ticks/contract";
import type { ReactNode } from "react";
import { FormulaInput } from "../../components/formula-input.tsx";

/** What the form's fields hold of a rule, as text. */
export interface RuleDraft {
  kind: AlertRule["kind"];
  direction: string;
  level: string;
  /** How far it must come back, of the price in percent; empty: as the server does. */
  comesBackBy: string;
  percent: string;
  seconds: string;
  timeframe: string;
  formula: string;
  rearm: string;
  /** The second instrument of a formula that has `{other}`. */
  other: string;
  eventKind: string;
  importantOnly: boolean;
}

export const firstDraft: RuleDraft = {
  kind: "move",
  direction: "",
  level: "",
  comesBackBy: "",
  percent: "2",
  seconds: "60",
  timeframe: "1m",
  formula: "",
  rearm: "",
  other: "",
  eventKind: "",
  importantOnly: true,
};

export const kindLabels: Record<AlertRule["kind"], string> = {
  price: "the price crosses a level",
  move: "the price moves within a time",
  formula: "a formula holds",
  stale: "nothing is heard",
  event: "a document tells an event",
  sentiment: "sentiment crosses a level",
};

/** The fields that a rule of the ready-made ones fills. */
export function draftOf(rule: AlertRule): Partial<RuleDraft> {
  switch (rule.kind) {
    case "price":
    case "sentiment":
      return { kind: rule.kind, direction: rule.direction, level: String(rule.level) };
    case "move":
      return {
        kind: "move",
        direction: rule.direction,
        percent: String(rule.fraction * 100),
        seconds: String(rule.windowMs / 1_000),
      };
    case "formula":
      return {
        kind: "formula",
        timeframe: rule.timeframe,
        formula: rule.formula,
        rearm: rule.rearm ?? "",
      };
    case "stale":
      return { kind: "stale", seconds: String(rule.afterMs / 1_000) };
    case "event":
      return { kind: "event", eventKind: rule.kinds?.[0] ?? "", importantOnly: rule.importantOnly };
  }
}

const needsOther = ({ kind, formula, rearm }: RuleDraft) =>
  kind === "formula" && `${formula} ${rearm}`.includes("{other}");

const hysteresisOf = (text: string, parts: number) =>
  text.trim() === "" ? {} : { hysteresis: Number(text) / parts };

/** The rule that the fields say; the server judges it. Throws where an instrument is missing. */
export function ruleOf(draft: RuleDraft): object {
  const { kind, direction, timeframe, eventKind, importantOnly } = draft;
  const level = Number(draft.level);
  const withOther = (text: string) => text.replaceAll("{other}", draft.other.trim().toUpperCase());
  if (needsOther(draft) && draft.other.trim() === "")
    throw new Error("Name the second instrument of the pair.");
  const members: Record<AlertRule["kind"], object> = {
    price: { direction: direction || "above", level, ...hysteresisOf(draft.comesBackBy, 100) },
    move: {
      direction: direction || "either",
      fraction: Number(draft.percent) / 100,
      windowMs: Number(draft.seconds) * 1_000,
    },
    formula: {
      timeframe,
      formula: withOther(draft.formula),
      ...(draft.rearm === "" ? {} : { rearm: withOther(draft.rearm) }),
    },
    stale: { afterMs: Number(draft.seconds) * 1_000 },
    event: { importantOnly, ...(eventKind === "" ? {} : { kinds: [eventKind] }) },
    sentiment: { direction: direction || "below", level, ...hysteresisOf(draft.comesBackBy, 1) },
  };
  return { kind, ...members[kind] };
}

function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    <label className="field">
      <span className="label">{label}</span>
      {children}
    </label>
  );
}

/** The fields of the draft's kind. */
export function RuleFields({
  draft,
  change,
  instruments,
}: {
  draft: RuleDraft;
  change: (part: Partial<RuleDraft>) => void;
  /** Id of the list of instruments to choose from. */
  instruments: string;
}) {
  const text = (label: string, name: "level" | "comesBackBy" | "percent" | "seconds", usual?: string) => (
    <Field label={label}>
      <input
        inputMode="decimal"
        placeholder={usual}
        value={draft[name]}
        onChange={(event) => change({ [name]: event.target.value })}
      />
    </Field>
  );
  const choice = (
    label: string,
    name: "direction" | "timeframe" | "eventKind",
    options: readonly (readonly [value: string, label: string])[],
  ) => (
    <Field label={label}>
      <select
        value={draft[name] === "" ? options[0]![0] : draft[name]}
        onChange={(event) => change({ [name]: event.target.value })}
      >
        {options.map(([value, shown]) => (
          <option key={value} value={value}>
            {shown}
          </option>
        ))}
      </select>
    </Field>
  );
  const sides = [
    ["above", "above"],
    ["below", "below"],
  ] as const;
  switch (draft.kind) {
    case "price":
      return (
        <>
          {choice("Direction", "direction", sides)}
          {text("Level", "level")}
          {text("Again once back by, %", "comesBackBy", "0.1")}
        </>
      );
    case "sentiment":
      return (
        <>
          {choice("Direction", "direction", sides.toReversed())}
          {text("Level, from -1 to 1", "level")}
          {text("Again once back by", "comesBackBy", "0.05")}
        </>
      );
    case "move":
      return (
        <>
          {choice("Direction", "direction", [
            ["either", "up or down"],
            ["up", "up"],
            ["down", "down"],
          ])}
          {text("Percent", "percent")}
          {text("Seconds", "seconds")}
        </>
      );
    case "stale":
      return text("Seconds", "seconds");
    case "event":
      return (
        <>
          {choice("Event", "eventKind", [
            ["", "any"],
            ...EventKind.options.map((one) => [one, one] as const),
          ])}
          <label className="field">
            <input
              type="checkbox"
              checked={draft.importantOnly}
              onChange={(event) => change({ importantOnly: event.target.checked })}
            />{" "}
            important ones only
          </label>
        </>
      );
    case "formula":
      return (
        <>
          {choice(
            "Bars",
            "timeframe",
            liveTimeframes.map((one) => [one, one] as const),
          )}
          {needsOther(draft) ? (
            <Field label="Second instrument">
              <input
                list={instruments}
                autoComplete="off"
                value={draft.other}
                onChange={(event) => change({ other: event.target.value })}
              />
            </Field>
          ) : null}
          <div className="field wide">
            <span className="label">Condition</span>
            <FormulaInput
              label="Condition"
              value={draft.formula}
              onChange={(formula) => change({ formula })}
            />
          </div>
          <div className="field wide">
            <span className="label">Again once this holds</span>
            <FormulaInput
              label="Again once this holds"
              value={draft.rearm}
              onChange={(rearm) => change({ rearm })}
            />
            <span className="hint">Empty: once the condition does not hold any more.</span>
          </div>
        </>
      );
  }
}
