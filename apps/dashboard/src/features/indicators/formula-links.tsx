import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { api } from "../../api.ts";

/** A formula whose indicators lead to their pages. */
export function FormulaLinks({ formula }: { formula: string }) {
  const indicators = useQuery({
    queryKey: ["indicators"],
    queryFn: () => api.call("listIndicators", {}),
    staleTime: Infinity,
  });
  const names = new Set(indicators.data?.items.map(({ name }) => name));
  return (
    <code>
      {formula.split(/\b([a-z]\w*)(?=\()/i).map((part, at) =>
        names.has(part.toLowerCase()) && at % 2 === 1 ? (
          <Link key={at} to={`/indicators/${part.toLowerCase()}`}>
            {part}
          </Link>
        ) : (
          part
        ),
      )}
    </code>
  );
}
