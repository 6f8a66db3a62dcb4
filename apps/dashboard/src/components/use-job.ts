import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { JobEvent } from "@tapedeck/features/jobs/contract";
import { api } from "../api.ts";

const keptEvents = 500;

/** A job with its events as they happen; the job is read again at each change of state. */
export function useJob(id: string) {
  const queries = useQueryClient();
  const [events, setEvents] = useState<JobEvent[]>([]);
  const [broken, setBroken] = useState<unknown>();
  const job = useQuery({ queryKey: ["job", id], queryFn: () => api.call("getJob", { params: { id } }) });
  const [generation, setGeneration] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setEvents([]);
    setBroken(undefined);
    // A first reading under way may be from before the event, and an invalidation would not begin another beside it.
    const readAgain = async () => {
      await queries.cancelQueries({ queryKey: ["job", id] });
      void queries.invalidateQueries({ queryKey: ["job", id] });
    };
    const follow = async () => {
      for await (const event of api.events(id, { signal: stop.signal })) {
        setEvents((seen) => [...seen, event].slice(-keptEvents));
        if (event.event === "state" || event.event === "end") await readAgain();
      }
    };
    follow().catch((error: unknown) => {
      if (!stop.signal.aborted) setBroken(error);
    });
    return () => stop.abort();
  }, [id, generation, queries]);
  return { job, events, broken, follow: () => setGeneration((n) => n + 1) };
}

export function latest(events: readonly JobEvent[], kind: JobEvent["event"]): unknown {
  return events.findLast((event) => event.event === kind)?.data;
}
