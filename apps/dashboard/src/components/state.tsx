import type { ReactNode } from "react";
import { messageOf } from "../api.ts";

export function Loading({ what }: { what: string }) {
  return (
    <p className="state" role="status">
      Loading {what} …
    </p>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <div className="state">{children}</div>;
}

export function ErrorBox({ error, retry }: { error: unknown; retry?: () => void }) {
  const details = error instanceof Error && "details" in error ? error.details : undefined;
  return (
    <div className="error" role="alert">
      <strong>{messageOf(error)}</strong>
      {details === undefined ? null : <pre>{JSON.stringify(details, null, 2)}</pre>}
      {retry === undefined ? null : (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A page whose first reading failed. */
export function FailedPage({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <main className="page">
      <ErrorBox error={error} {...(retry === undefined ? {} : { retry })} />
    </main>
  );
}

export function StateBadge({ state }: { state: string }) {
  return <span className={`badge ${state}`}>{state}</span>;
}
