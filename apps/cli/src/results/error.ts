import { join } from "node:path";
import type { JobView } from "@tapedeck/features/jobs/contract";
import type { Output } from "../output.ts";

/** Why a job failed, what a program would need to mend it, and for a fault of ours the log that has it. */
export function showJobError(job: JobView, out: Output, logDir: string | undefined): void {
  if (job.error === null) return;
  out.note(`${out.style.red(job.error.code)}: ${job.error.message}`);
  if (job.error.details !== undefined) out.note(JSON.stringify(job.error.details, null, 2));
  if (job.error.code === "internal" && logDir !== undefined)
    out.note(`the log is ${join(logDir, "workers.log")}; look there for job ${job.id}`);
}
