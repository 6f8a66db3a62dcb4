import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "react";
import type { KeyboardEvent } from "react";
import { api } from "../api.ts";

interface Suggestion {
  name: string;
  signature: string;
  meaning: string;
}

const fields: readonly Suggestion[] = ["open", "high", "low", "close", "volume"].map((name) => ({
  name,
  signature: name,
  meaning: `the bar's ${name}`,
}));
const shownSuggestions = 8;
const checkAfterMs = 250;

/** The name that is being typed where the caret stands. */
function nameAt(text: string, caret: number): { from: number; typed: string } {
  const typed = /[a-z_][\w]*$/i.exec(text.slice(0, caret))?.[0] ?? "";
  return { from: caret - typed.length, typed };
}

function matching(all: readonly Suggestion[], typed: string): Suggestion[] {
  const wanted = typed.toLowerCase();
  if (wanted === "") return [];
  const starts = all.filter((one) => one.name.toLowerCase().startsWith(wanted));
  const holds = all.filter(
    (one) =>
      !starts.includes(one) &&
      (one.name.toLowerCase().includes(wanted) ||
        (wanted.length > 2 && one.meaning.toLowerCase().includes(wanted))),
  );
  return [...starts, ...holds].slice(0, shownSuggestions);
}

function useSuggestions(): readonly Suggestion[] {
  const indicators = useQuery({
    queryKey: ["indicators"],
    queryFn: () => api.call("listIndicators", {}),
    staleTime: Infinity,
  });
  const saved = useQuery({
    queryKey: ["saved-formulas"],
    queryFn: () => api.call("listSavedFormulas", {}),
    staleTime: 30_000,
  });
  const { items = [], functions = [] } = indicators.data ?? {};
  return [
    ...(saved.data?.items ?? []),
    ...items.map(({ name, signature, title }) => ({ name, signature, meaning: title })),
    ...functions,
    ...fields,
  ];
}

/** Text that has rested for a moment. */
function useRested(text: string): string {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), checkAfterMs);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}

/** What the checker says of a formula while it is typed. */
function Verdict({ text, id }: { text: string; id: string }) {
  const rested = useRested(text.trim());
  const check = useQuery({
    queryKey: ["formula", rested],
    queryFn: () => api.call("checkFormula", { query: { formula: rested, use: "chart" } }),
    enabled: rested !== "",
    staleTime: Infinity,
  });
  if (rested === "" || !check.isSuccess) return <div id={id} className="verdict dim" />;
  const { valid, type, warmup, error } = check.data;
  if (valid)
    return (
      <div id={id} className="verdict dim">
        {type}
        {warmup === 0 ? "" : `, first value after ${warmup} bars`}
      </div>
    );
  const { message, column, length } = error!;
  return (
    <div id={id} className="verdict bad">
      <code aria-hidden="true">
        {rested.slice(0, column - 1)}
        <mark>{rested.slice(column - 1, column - 1 + Math.max(1, length)) || " "}</mark>
        {rested.slice(column - 1 + Math.max(1, length))}
      </code>{" "}
      {message}
    </div>
  );
}

/**
 * A formula, with completion of the name at the caret: arrow keys choose, Tab or Enter takes, Escape closes. Enter without
 * an open list submits.
 */
export function FormulaInput({
  value,
  onChange,
  onEnter,
  label,
  inputId,
}: {
  value: string;
  onChange: (value: string) => void;
  /** Takes the key instead of the form, where no list is open. */
  onEnter?: () => void;
  /** Where no label element names the input. */
  label?: string;
  inputId?: string;
}) {
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const verdictId = useId();
  const all = useSuggestions();
  const [caret, setCaret] = useState<number>();
  const [chosen, setChosen] = useState(0);
  const { from, typed } = nameAt(value, caret ?? 0);
  const found = caret === undefined ? [] : matching(all, typed);
  // Nothing to complete where the only match is typed out.
  const list = found.length === 1 && found[0]!.name === typed.toLowerCase() ? [] : found;
  const isOpen = list.length > 0;
  const take = (one: Suggestion) => {
    const rest = value.slice(caret);
    const isCall = one.signature.includes("(");
    const inserted = isCall && !rest.startsWith("(") ? `${one.name}(` : one.name;
    onChange(value.slice(0, from) + inserted + rest);
    setCaret(undefined);
    const at = from + inserted.length;
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(at, at);
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) {
      if (event.key !== "Enter" || onEnter === undefined) return;
      onEnter();
      event.preventDefault();
      return;
    }
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move !== undefined) setChosen((chosen + move + list.length) % list.length);
    else if (event.key === "Enter" || event.key === "Tab") take(list[Math.min(chosen, list.length - 1)]!);
    else if (event.key === "Escape") setCaret(undefined);
    else return;
    event.preventDefault();
  };
  return (
    <div className="completing">
      <input
        ref={input}
        id={inputId}
        className="mono"
        role="combobox"
        aria-label={label}
        aria-expanded={isOpen}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-describedby={verdictId}
        aria-activedescendant={isOpen ? `${listId}-${chosen}` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder="bbands(close, 20).upper"
        value={value}
        onChange={(event) => {
          onChange(event.target.value);
          setCaret(event.target.selectionStart ?? event.target.value.length);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => setCaret(undefined)}
      />
      <ul id={listId} role="listbox" aria-label="Indicators and functions" hidden={!isOpen}>
        {list.map((one, i) => (
          <li
            key={one.name}
            id={`${listId}-${i}`}
            role="option"
            aria-selected={i === chosen}
            // Before the input loses focus and closes the list.
            onMouseDown={(event) => {
              event.preventDefault();
              take(one);
            }}
          >
            <code>{one.signature}</code> <span className="dim">{one.meaning}</span>
          </li>
        ))}
      </ul>
      <Verdict text={value} id={verdictId} />
    </div>
  );
}
