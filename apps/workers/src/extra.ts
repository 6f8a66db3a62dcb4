import type { JobContract } from "@tapedeck/core";
import { contracts } from "@tapedeck/features/contracts";
import { loadExtraJobs } from "@tapedeck/features/extraJobs";
import { handlers } from "@tapedeck/features/handlers";
import type { AnyHandler } from "@tapedeck/features/jobs/runtime";

/** Every job type of this deployment. */
export interface JobTypes {
  contracts: Record<string, JobContract>;
  handlers: Record<string, AnyHandler>;
}

/** The built-in job types, and those of the operator's own module. */
export async function loadJobTypes(extraPath: string | undefined): Promise<JobTypes> {
  const extra = await loadExtraJobs(extraPath);
  return {
    contracts: { ...contracts, ...extra.contracts },
    // Each handler gets the payload that its own contract parsed, which the registry's types have checked.
    handlers: { ...(handlers as unknown as Record<string, AnyHandler>), ...extra.handlers },
  };
}
