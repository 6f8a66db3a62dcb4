import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { checkImports } from "./import-rules.ts";

function tree(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "import-rules-"));
  for (const [path, text] of Object.entries({
    "packages/core/src/index.ts": "",
    "apps/api/src/main.ts": "",
    ...files,
  })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

test("the project keeps its import rules", () => {
  expect(checkImports(process.cwd())).toEqual([]);
});

test.each([
  ["packages/quant/src/a.ts", 'import { x } from "@tapedeck/core";'],
  ["packages/features/src/ask/run.ts", 'import { x } from "@tapedeck/platform";'],
  ["packages/platform/src/a.ts", 'import type { x } from "@tapedeck/features";'],
  ["packages/features/src/ask/run.ts", 'import { x } from "../series/store.ts";'],
  ["packages/trading/src/a.ts", 'export * from "../../core/src/index.ts";'],
  ["apps/api/src/a.ts", 'import { x } from "@tapedeck/app-workers";'],
  ["packages/core/src/a.ts", 'const x = await import("@tapedeck/quant");'],
  ["strategies/mine.ts", 'import { readFileSync } from "node:fs";'],
  ["strategies/mine.ts", 'import { x } from "./other.ts";'],
])("%s with %s is refused", (path, text) => {
  expect(checkImports(tree({ [path]: text }))).toHaveLength(1);
});

test.each([
  ["packages/features/src/ask/run.ts", 'import { x } from "../series/contract.ts";'],
  ["packages/features/src/ask/run.ts", 'import type { Db } from "../db.ts";'],
  ["packages/formula/src/a.ts", 'import { x } from "@tapedeck/quant";'],
  ["apps/api/src/a.ts", 'import { x } from "@tapedeck/features/contracts";'],
  ["strategies/mine.ts", 'import { defineStrategy } from "@tapedeck/trading";'],
])("%s with %s is allowed", (path, text) => {
  expect(checkImports(tree({ [path]: text }))).toEqual([]);
});
