import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadExtraJobs } from "./extraJobs.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "tapedeck-extra-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test("without a module there are none", async () => {
  expect(await loadExtraJobs(undefined)).toEqual({ contracts: {}, handlers: {} });
});

test.each([
  ["one that is not there", undefined, "cannot be loaded"],
  ["one without contracts", "export const handlers = {};", "exports no contracts"],
  [
    "another name",
    'export const contracts = { one: { name: "two", path: "/ones" } };',
    "exports two under the name one",
  ],
  [
    "a name that is taken",
    'export const contracts = { ask: { name: "ask", path: "/mine" } };',
    "exports ask, whose name or path /mine is taken",
  ],
  [
    "a path that is taken",
    'export const contracts = { mine: { name: "mine", path: "/questions" } };',
    "exports mine, whose name or path /questions is taken",
  ],
  [
    "one path twice",
    'export const contracts = { one: { name: "one", path: "/x" }, two: { name: "two", path: "/x" } };\nexport const handlers = { one() {}, two() {} };',
    "exports two, whose name or path /x is taken",
  ],
  [
    "no handler",
    'export const contracts = { mine: { name: "mine", path: "/mine" } };',
    "exports no handler for mine",
  ],
])("%s is refused in one line", async (what, source, message) => {
  const file = path.join(dir, `${what.replaceAll(" ", "-")}.mjs`);
  if (source !== undefined) await writeFile(file, source);
  await expect(loadExtraJobs(file)).rejects.toMatchObject({
    code: "config.invalid",
    message: `TAPEDECK_EXTRA_JOBS: ${file} ${message}.`,
  });
});
