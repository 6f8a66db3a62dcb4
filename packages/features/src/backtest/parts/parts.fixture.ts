import { newId } from "@tapedeck/core";
import type { JobService, JobView } from "../../jobs/contract.ts";

/** A deployment with one worker: what a search asks for stays in the queue until the search is over. */
export const noHelp: Pick<JobService, "submit"> = {
  submit: () => Promise.resolve({ job: { id: newId(0) } as JobView, created: true }),
};
