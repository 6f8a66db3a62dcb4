import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { api } from "../api.ts";

/** Most instruments that are offered; the rest is found by typing. */
const offered = 200;

/** An instrument's id or symbol, with completion of those that are there. */
export function InstrumentInput({
  value,
  onChange,
  onEnter,
  inputId,
  label,
}: {
  value: string;
  onChange: (value: string) => void;
  /** Takes the key instead of the form. */
  onEnter?: () => void;
  inputId?: string;
  label?: string;
}) {
  const listId = useId();
  const found = useQuery({
    queryKey: ["instruments", value],
    queryFn: () =>
      api.call("listInstruments", { query: { limit: offered, ...(value === "" ? {} : { q: value }) } }),
    staleTime: 30_000,
    placeholderData: (earlier) => earlier,
  });
  return (
    <>
      <input
        id={inputId}
        aria-label={label}
        list={listId}
        autoComplete="off"
        spellCheck={false}
        placeholder="SPX.INDEX"
        value={value}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || onEnter === undefined) return;
          event.preventDefault();
          onEnter();
        }}
      />
      <datalist id={listId}>
        {found.data?.items.map((one) => (
          <option key={one.instrumentId} value={one.instrumentId}>
            {one.name}
          </option>
        ))}
      </datalist>
    </>
  );
}
