/**
 * Imports go one way: core, quant <- formula <- trading <- features <- apps; core <- platform <- apps.
 * Features and platform never import each other; a feature imports another only through its contract.ts; strategies
 * import trading and formula.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

const allowed: Record<string, readonly string[]> = {
  core: [],
  quant: [],
  text: [],
  formula: ["quant"],
  trading: ["core", "quant", "formula"],
  features: ["core", "quant", "text", "formula", "trading"],
  platform: ["core", "text"],
  client: ["core", "features"],
  testkit: ["core", "quant", "text", "formula", "trading", "features", "platform", "client"],
};
const all = Object.keys(allowed);

/** Files that may be imported from another feature's folder; contract.ts alone, and what lies beside the folders. */
const shared = new Set(["contract.ts", "tables.ts"]);
const registries = new Set([
  "contracts.ts",
  "handlers.ts",
  "queries.ts",
  "db.ts",
  "deps.ts",
  "download.ts",
  "index.ts",
]);
/** Tests, and what only they use. */
const isTest = (path: string) =>
  /(\.test|[./]fixture)\.tsx?$/.test(path) || path.includes(`${sep}faults${sep}`);

const ofStrategies = new Set(["@tapedeck/trading", "@tapedeck/formula"]);
const strategyRule = `a strategy imports ${[...ofStrategies].join(" and ")} only`;

export function checkImports(root: string): string[] {
  const broken: string[] = [];
  for (const area of ["packages", "apps"]) {
    for (const unit of readdirSync(join(root, area))) {
      const source = join(root, area, unit, "src");
      for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
        const file = join(entry.parentPath, entry.name);
        for (const target of importsOf(readFileSync(file, "utf8"))) {
          const fault = judge(root, area, unit, file, target);
          if (fault !== undefined) broken.push(`${relative(root, file)}: ${target}: ${fault}`);
        }
      }
    }
  }
  const modules = join(root, "strategies");
  for (const name of existsSync(modules) ? readdirSync(modules) : []) {
    if (!name.endsWith(".ts")) continue;
    for (const target of importsOf(readFileSync(join(modules, name), "utf8"))) {
      if (!ofStrategies.has(target)) broken.push(`strategies/${name}: ${target}: ${strategyRule}`);
    }
  }
  return broken;
}

const importForms = [
  /(?:^|\n)(?:import|export)\s[^;"'`=()]*?\bfrom\s*["']([^"'\n]+)["']/g,
  /(?:^|\n)import\s*["']([^"'\n]+)["']/g,
  /\bimport\(\s*["']([^"'\n]+)["']\s*\)/g,
];

function importsOf(text: string): string[] {
  return importForms.flatMap((form) => [...text.matchAll(form)].map((match) => match[1]!));
}

function judge(root: string, area: string, unit: string, file: string, target: string): string | undefined {
  const test = isTest(file);
  if (target.startsWith("@tapedeck/")) {
    const to = target.slice("@tapedeck/".length).split("/")[0]!;
    if (area === "apps") return to.startsWith("app-") ? "an app imports no other app" : undefined;
    if (test && to === "testkit") return undefined;
    if (to === unit || allowed[unit]?.includes(to)) return test ? undefined : contractOnly(unit, target);
    if (test && unit !== "core" && all.includes(to)) return undefined;
    return `${unit} may import only ${allowed[unit]?.join(", ") || "nothing of the project"}`;
  }
  if (!target.startsWith(".")) return undefined;
  const resolved = relative(root, join(dirname(file), target));
  const parts = resolved.split(sep);
  if (parts[0] !== area || parts[1] !== unit) {
    return test ? undefined : "leave the package by its @tapedeck name";
  }
  if (unit !== "features" || test) return undefined;
  const from = relative(join(root, "packages/features/src"), file).split(sep);
  const to = parts.slice(3);
  if (from.length < 2 || to.length < 2) {
    return from.length >= 2 && to.length === 1 && !registries.has(to[0]!)
      ? "features share contracts only"
      : undefined;
  }
  if (from[0] === to[0] || shared.has(to.at(-1)!)) return undefined;
  return `feature ${from[0]} may import ${to[0]} through its contract.ts only`;
}

function contractOnly(unit: string, target: string): string | undefined {
  if (unit !== "client" || !target.startsWith("@tapedeck/features")) return undefined;
  return /contracts?$/.test(target) ? undefined : "the client imports contracts only";
}
