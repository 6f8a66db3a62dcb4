import { Link } from "react-router";

/** A way to what a failed job had done: a strategy that was stopped leaves its run. */
export function PartialRun({ details }: { details: Record<string, unknown> | undefined }) {
  const runId = details?.["runId"];
  return typeof runId === "string" ? (
    <p>
      <Link to={`/backtests/${runId}`} className="button">
        Open what it had done
      </Link>
    </p>
  ) : null;
}
