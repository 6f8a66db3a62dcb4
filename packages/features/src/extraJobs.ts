import path from "node:path";
import { pathToFileURL } from "node:url";
import { AppError } from "@tapedeck/core";
import type { JobContract } from "@tapedeck/core";
import { contracts } from "./contracts.ts";
import type { AnyHandler } from "./jobs/runtime.ts";

/** What an operator's own module (TAPEDECK_EXTRA_JOBS) exports, by job type. */
export interface ExtraJobs {
  contracts: Record<string, JobContract>;
  handlers: Record<string, AnyHandler>;
}

/**
 * The job types of an operator's module; none without a path. Throws `config.invalid` for one that cannot be loaded or
 * exports no contracts, for a name or path that is taken, and for a contract without its handler.
 */
export async function loadExtraJobs(extraPath: string | undefined): Promise<ExtraJobs> {
  if (extraPath === undefined) return { contracts: {}, handlers: {} };
  const wrong = (what: string, cause?: unknown) =>
    new AppError("config.invalid", `TAPEDECK_EXTRA_JOBS: ${extraPath} ${what}.`, { cause });
  const loaded = (await import(pathToFileURL(path.resolve(extraPath)).href).catch((error: unknown) => {
    throw wrong("cannot be loaded", error);
  })) as Partial<ExtraJobs>;
  const extra: ExtraJobs = { contracts: loaded.contracts ?? {}, handlers: loaded.handlers ?? {} };
  if (Object.keys(extra.contracts).length === 0) throw wrong("exports no contracts");
  const taken = new Set(Object.values<JobContract>(contracts).map((contract) => contract.path));
  for (const [name, contract] of Object.entries(extra.contracts)) {
    if (contract.name !== name) throw wrong(`exports ${contract.name} under the name ${name}`);
    if (Object.hasOwn(contracts, name) || taken.has(contract.path))
      throw wrong(`exports ${name}, whose name or path ${contract.path} is taken`);
    if (extra.handlers[name] === undefined) throw wrong(`exports no handler for ${name}`);
    taken.add(contract.path);
  }
  return extra;
}
