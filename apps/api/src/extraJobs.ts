import path from "node:path";
import { pathToFileURL } from "node:url";
import { AppError } from "@tapedeck/core";
import type { JobContract } from "@tapedeck/core";
import { contracts } from "@tapedeck/features/contracts";

/**
 * The contracts of every job type of this deployment: the built-in ones and those of the operator's own module
 * (TAPEDECK_EXTRA_JOBS). Its handlers are the workers' business.
 */
export async function loadJobContracts(extraPath: string | undefined): Promise<Record<string, JobContract>> {
  const own: Record<string, JobContract> = contracts;
  if (extraPath === undefined) return own;
  const wrong = (what: string, cause?: unknown) =>
    new AppError("config.invalid", `TAPEDECK_EXTRA_JOBS: ${extraPath} ${what}.`, { cause });
  const loaded = (await import(pathToFileURL(path.resolve(extraPath)).href).catch((error: unknown) => {
    throw wrong("cannot be loaded", error);
  })) as { contracts?: Record<string, JobContract> };
  const extra = loaded.contracts ?? {};
  if (Object.keys(extra).length === 0) throw wrong("exports no contracts");
  const taken = new Set(Object.values(own).map((contract) => contract.path));
  for (const [name, contract] of Object.entries(extra)) {
    if (contract.name !== name) throw wrong(`exports ${contract.name} under the name ${name}`);
    if (Object.hasOwn(own, name) || taken.has(contract.path))
      throw wrong(`exports ${name}, whose name or path ${contract.path} is taken`);
  }
  return { ...own, ...extra };
}
