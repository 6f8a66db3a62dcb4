import { useState } from "react";
import { api } from "../api.ts";

/** Submits a payload to a job type's path and hands on the new job's id; what refused it is kept until the next try. */
export function useSubmit(onSubmitted: (jobId: string) => void) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (path: string, payload: unknown) => {
    setBusy(true);
    setError(undefined);
    try {
      onSubmitted((await api.submitTo(path, payload)).id);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, submit };
}
