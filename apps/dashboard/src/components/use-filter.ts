import { useSearchParams } from "react-router";

/** What a list is narrowed to, kept in the page's address: "" = not by this. */
export function useFilter(): { value(name: string): string; set(name: string, text: string): void } {
  const [filter, setFilter] = useSearchParams();
  return {
    value: (name) => filter.get(name) ?? "",
    set: (name, text) =>
      setFilter(
        (before) => {
          const next = new URLSearchParams(before);
          if (text === "") next.delete(name);
          else next.set(name, text);
          return next;
        },
        { replace: true },
      ),
  };
}
