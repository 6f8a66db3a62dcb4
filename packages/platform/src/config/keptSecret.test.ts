import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { keptSecret } from "./keptSecret.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "tapedeck-secret-"));
});
afterEach(() => rm(dir, { recursive: true }));

test("made once, kept with mode 600, the same for processes that start together", async () => {
  const file = path.join(dir, "deep", "secret");
  let made = 0;
  const all = await Promise.all([1, 2, 3, 4].map(() => keptSecret(file, () => `secret-${++made}`)));
  expect(new Set(all).size).toBe(1);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await readFile(file, "utf8")).trim()).toBe(all[0]);
  expect(await keptSecret(file, () => "another")).toBe(all[0]);
});

test("an empty file and a folder that is a file are named, with what to do", async () => {
  const file = path.join(dir, "empty");
  await writeFile(file, "");
  await expect(keptSecret(file, () => "x")).rejects.toThrow(/empty; delete it/);
  await expect(keptSecret(path.join(file, "below"), () => "x")).rejects.toThrow(/TAPEDECK_DIR/);
});
