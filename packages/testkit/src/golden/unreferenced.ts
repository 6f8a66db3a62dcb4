/** What of packages/quant no reference value stands for, and the tests that hold it instead. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as anomaly from "@tapedeck/quant/anomaly/index";
import * as options from "@tapedeck/quant/options/index";
import * as portfolio from "@tapedeck/quant/portfolio/index";
import { registry } from "@tapedeck/quant/registry";
import * as risk from "@tapedeck/quant/risk/index";
import * as sizing from "@tapedeck/quant/sizing/index";
import * as statistics from "@tapedeck/quant/statistics/index";
import { projectRoot } from "../postgres.ts";
import type { Compared } from "./page.ts";

export interface Unreferenced {
  part: string;
  name: string;
  /** Test files under packages/quant/src that name it; empty: none does. */
  tests: readonly string[];
}

const modules = { anomaly, options, portfolio, risk, sizing, statistics };

function namesOf(): { part: string; name: string }[] {
  const functions = Object.entries(modules).flatMap(([part, module]) =>
    Object.entries(module)
      .filter(([name, value]) => typeof value === "function" && /^[a-z]/.test(name))
      .map(([name]) => ({ part, name })),
  );
  const kernels = [...registry.keys()].map((name) => ({ part: "indicators", name }));
  // A function that two parts export stands under the first.
  const seen = new Set<string>();
  return [...kernels, ...functions].filter(({ name }) => !seen.has(name) && seen.add(name));
}

function testFiles(): { file: string; text: string }[] {
  const root = join(projectRoot, "packages/quant/src");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .toSorted()
    .map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
}

/** Kernels and functions that are no counterpart of a comparison, by part, each with its tests. */
export function unreferenced(compared: readonly Compared[]): Unreferenced[] {
  const words = new Set(compared.flatMap(({ result }) => result.counterpart.match(/\w+/g) ?? []));
  const tests = testFiles();
  return namesOf()
    .filter(({ name }) => !words.has(name))
    .map(({ part, name }) => {
      // Kernels are named as text, and by words that mean other things too.
      const named = new RegExp(part === "indicators" ? `["'\`(]${name}["'\`(]` : `\\b${name}\\b`);
      return { part, name, tests: tests.filter(({ text }) => named.test(text)).map(({ file }) => file) };
    });
}
