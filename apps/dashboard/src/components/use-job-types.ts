import { useQuery } from "@tanstack/react-query";
import { api } from "../api.ts";

/** The types of jobs with the contracts of their payloads; they do not change while the page is open. */
export function useJobTypes() {
  return useQuery({
    queryKey: ["job-types"],
    queryFn: () => api.call("listJobTypes", {}),
    staleTime: Infinity,
  });
}
