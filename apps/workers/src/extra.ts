import { pathToFileURL } from "node:url";
import path from "node:path";
import { AppError } from "@tapedeck/core";
import type { JobContract } from "@tapedeck/core";
import { contracts } from "@tapedeck/features/contracts";
import { handlers } from "@tapedeck/features/handlers";
import type { AnyHandler } from "@tapedeck/features/jobs/runtime";

/** Every job type of this deployment. */
export interface JobTypes {
  contracts: Record<string, JobContract>;
  handlers: Record<string, AnyHandler>;
}

/**
 * The built-in job types, and those of the operator's own module (TAPEDECK_EXTRA_JOBS): a file that exports
 * `contracts` and `handlers` of the same names. A name or path that is taken is refused.
 */
export async function loadJobTypes(extraPath: string | undefined): Promise<JobTypes> {
  const own: JobTypes = {
    contracts,
    // Each handler gets the payload that its own contract parsed, which the registry's types have checked.
    handlers: handlers as unknown as Record<string, AnyHandler>,
  };
  if (extraPath === undefined) return own;
  const loaded = (await import(pathToFileURL(path.resolve(extraPath)).href).catch((error: unknown) => {
    throw new AppError("config.invalid", `TAPEDECK_EXTRA_JOBS: ${extraPath} cannot be loaded.`, {
      cause: error,
    });
  })) as Partial<JobTypes>;
  const extra: JobTypes = { contracts: loaded.contracts ?? {}, handlers: loaded.handlers ?? {} };
  const names = Object.keys(extra.contracts);
  if (names.length === 0) {
    throw new AppError("config.invalid", `TAPEDECK_EXTRA_JOBS: ${extraPath} exports no contracts.`);
  }
  const paths = new Set(Object.values(own.contracts).map((contract) => contract.path));
  for (const name of names) {
    const contract = extra.contracts[name]!;
    if (contract.name !== name) {
      throw new AppError(
        "config.invalid",
        `TAPEDECK_EXTRA_JOBS: contract ${name} calls itself ${contract.name}.`,
      );
    }
    if (Object.hasOwn(own.contracts, name) || paths.has(contract.path)) {
      throw new AppError(
        "config.invalid",
        `TAPEDECK_EXTRA_JOBS: ${name} or its path ${contract.path} is taken.`,
      );
    }
    if (extra.handlers[name] === undefined) {
      throw new AppError("config.invalid", `TAPEDECK_EXTRA_JOBS: there is no handler for ${name}.`);
    }
  }
  return {
    contracts: { ...own.contracts, ...extra.contracts },
    handlers: { ...own.handlers, ...extra.handlers },
  };
}
