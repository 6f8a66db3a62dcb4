import path from "node:path";
import { pathToFileURL } from "node:url";
import { AppError } from "@tapedeck/core";
import type { Kernel } from "@tapedeck/quant";

const functions = ["warmup", "lookback", "stateSize", "run"] as const;
const lists = ["inputs", "params", "outputs"] as const;

/**
 * The kernel that a TypeScript or JavaScript module of this machine exports as its default. It runs with all rights of
 * this process. Throws `data.invalid` where it cannot be loaded or is no kernel.
 */
export async function loadIndicatorModule(file: string): Promise<Kernel> {
  let loaded: { default?: unknown };
  try {
    loaded = (await import(pathToFileURL(path.resolve(file)).href)) as { default?: unknown };
  } catch (error) {
    throw new AppError("data.invalid", `${file} cannot be loaded: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const found = loaded.default;
  const has = (name: string, holds: (value: unknown) => boolean): boolean =>
    typeof found === "object" && found !== null && holds((found as Record<string, unknown>)[name]);
  const missing = [
    ...(has("name", (value) => typeof value === "string" && /^[a-z][a-z0-9]*$/.test(value)) ? [] : ["name"]),
    ...lists.filter((name) => !has(name, Array.isArray)),
    ...functions.filter((name) => !has(name, (value) => typeof value === "function")),
  ];
  if (missing.length > 0) {
    throw new AppError(
      "data.invalid",
      `the default export of ${file} is no indicator: ${missing.join(", ")} missing or of the wrong kind (docs/custom-indicators.md)`,
    );
  }
  return found as Kernel;
}
