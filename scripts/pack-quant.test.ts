import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
let project: string;

beforeAll(() => {
  project = mkdtempSync(path.join(tmpdir(), "tapedeck-quant-"));
  const target = path.join(project, "node_modules/@tapedeck/quant");
  execFileSync(process.execPath, [path.join(root, "scripts/pack-quant.ts"), target]);
  writeFileSync(path.join(project, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(
    path.join(project, "use.ts"),
    `import { registry, runKernel } from "@tapedeck/quant";
import { minVariance } from "@tapedeck/quant/portfolio/index";
const [sma]: Float64Array[] = runKernel(registry.get("sma")!, [Float64Array.of(1, 2, 6)], [2]);
const weights: Float64Array = minVariance(Float64Array.of(1, 0, 0, 3));
console.log(JSON.stringify([[...sma!], [...weights].map((w) => Number(w.toFixed(9)))]));
`,
  );
});

afterAll(() => rmSync(project, { recursive: true }));

test("the packed package computes where it is installed, in plain Node", () => {
  const { stdout, stderr } = spawnSync(process.execPath, ["use.ts"], { cwd: project, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual([
    [null, 1.5, 4],
    [0.75, 0.25],
  ]);
});

test("its declarations are enough for a strict compiler without other types", () => {
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", ""];
  const compiler = path.join(root, "node_modules/.bin/tsc");
  const { status, stdout } = spawnSync(compiler, [...options, "use.ts"], { cwd: project, encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});
