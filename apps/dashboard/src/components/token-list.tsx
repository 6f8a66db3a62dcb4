import { useState } from "react";
import { FormulaInput } from "./formula-input.tsx";
import { InstrumentInput } from "./instrument-input.tsx";

/** A list of instruments or formulas: typed one after the other, each removed by its button. */
export function TokenList({
  of,
  values,
  onChange,
  inputId,
  label,
}: {
  of: "instrument" | "formula";
  values: readonly string[];
  onChange: (values: string[]) => void;
  inputId?: string;
  label?: string;
}) {
  const [typed, setTyped] = useState("");
  const add = (text: string) => {
    const added = (of === "instrument" ? text.split(/[\s,;]+/) : [text.trim()]).filter(
      (one) => one !== "" && !values.includes(one),
    );
    if (added.length > 0) onChange([...values, ...added]);
    setTyped("");
  };
  const props = {
    value: typed,
    ...(inputId === undefined ? {} : { inputId }),
    ...(label === undefined ? {} : { label }),
  };
  return (
    <div className="tokens">
      <div className="row">
        <div className="grow">
          {of === "instrument" ? (
            <InstrumentInput
              {...props}
              onChange={(text) => (/[\s,;]$/.test(text) ? add(text) : setTyped(text))}
              onEnter={() => add(typed)}
            />
          ) : (
            <FormulaInput {...props} onChange={setTyped} onEnter={() => add(typed)} />
          )}
        </div>
        <button type="button" disabled={typed.trim() === ""} onClick={() => add(typed)}>
          Add
        </button>
      </div>
      <div className="row">
        {values.map((one) => (
          <button
            key={one}
            type="button"
            aria-label={`Remove ${one}`}
            onClick={() => onChange(values.filter((other) => other !== one))}
          >
            <code>{one}</code> ✕
          </button>
        ))}
      </div>
    </div>
  );
}
