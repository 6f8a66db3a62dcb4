import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { AppError, nearestName } from "@tapedeck/core";
import { sha256 } from "@tapedeck/core/hash";
import type { BrokenModule, ModuleInfo, StrategyModules } from "./contract.ts";
import { openSession } from "./session.ts";
import type { ModuleLimits } from "./session.ts";

const fileName = /^([a-z][A-Za-z0-9]*)\.ts$/;

/** The strategy modules of a folder: its files `name.ts`. A folder that is not there has none. */
export function createStrategyModules(options: { dir: string; limits?: ModuleLimits }): StrategyModules {
  const { dir, limits } = options;
  /** By name and hash: what a file that has not changed said of itself. */
  const known = new Map<string, ModuleInfo | BrokenModule>();

  const names = async (): Promise<string[]> => {
    const files = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return files.flatMap((file) => fileName.exec(file)?.[1] ?? []).sort();
  };
  const fileOf = async (name: string) => {
    const there = await names();
    if (!there.includes(name)) {
      const near = nearestName(name, there);
      const hint = near === undefined ? "" : ` Did you mean ${near}?`;
      const list = there.length === 0 ? "there are none" : `there are ${there.join(", ")}`;
      throw new AppError("payload.invalid", `There is no strategy module ${name}; ${list}.${hint}`);
    }
    return path.join(dir, `${name}.ts`);
  };
  const hashFile = async (file: string) => sha256(await readFile(file));
  const open: StrategyModules["open"] = async (name) => {
    const file = await fileOf(name);
    return openSession(file, { name, hash: await hashFile(file) }, limits);
  };
  const look = async (name: string): Promise<ModuleInfo | BrokenModule> => {
    try {
      const session = await open(name);
      await session.close();
      return session.info;
    } catch (error) {
      if (error instanceof AppError) return { name, reason: error.message };
      throw error;
    }
  };

  return {
    open,
    hashOf: async (name) => hashFile(await fileOf(name)),
    async list() {
      const modules: ModuleInfo[] = [];
      const broken: BrokenModule[] = [];
      for (const name of await names()) {
        const key = `${name} ${await hashFile(path.join(dir, `${name}.ts`))}`;
        const found = known.get(key) ?? (await look(name));
        known.set(key, found);
        if ("reason" in found) broken.push(found);
        else modules.push(found);
      }
      return { modules, broken };
    },
  };
}
