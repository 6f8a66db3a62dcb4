import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { hasData, hasGolden, leaveOutUnless } from "../leaveout.ts";
import { projectRoot } from "../postgres.ts";
import { describeTolerance } from "./golden.ts";
import { exactnessPage, fingerprintIn, fingerprintOf } from "./page.ts";

test.each([
  [0, 0, "equal"],
  [1e-9, 0, "1e-9 relative"],
  [1e-8, 1e-12, "1e-8 relative, 1e-12 absolute"],
  [0, 9.24132521747656e-3, "9.24e-3 absolute"],
])("a tolerance of %f and %f is written %s", (relative, absolute, text) => {
  expect(describeTolerance(relative, absolute)).toBe(text);
});

test("a page names its reference values, and other values have another name", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "tapedeck-golden-"));
  try {
    mkdirSync(path.join(dir, "risk"));
    writeFileSync(path.join(dir, "risk", "manifest.json"), "[]");
    const first = fingerprintOf(dir);
    expect(fingerprintIn(exactnessPage([], [], first))).toBe(first);
    writeFileSync(path.join(dir, "risk", "values.json"), "[1]");
    expect(fingerprintOf(dir)).not.toBe(first);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("entries that nothing answers to, or that hold no value, fail by name", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "tapedeck-golden-"));
  const write = (folder: string, file: string, value: unknown) => {
    mkdirSync(path.join(dir, folder), { recursive: true });
    writeFileSync(path.join(dir, folder, file), JSON.stringify(value));
  };
  try {
    write("ledger", "manifest.json", { kinds: { lots: 0, barter: 1 } });
    write("ledger", "scenarios.json", []);
    write("weather", "manifest.json", { entries: [{ key: "rain" }] });
    const script = path.join(projectRoot, "scripts/test-golden.ts");
    const env = { ...process.env, GOLDEN_DIR: dir };
    const { status, stdout } = spawnSync(process.execPath, [script], { encoding: "utf8", env });
    expect(stdout.trim().split("\n")).toEqual([
      "FAIL ledger/lots: the folder holds no value of it",
      "FAIL ledger/barter: nothing here answers to it",
      "FAIL weather/rain: nothing here answers to it",
      "0 passed, 3 failed, 0 owed",
    ]);
    expect(status).toBe(1);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

leaveOutUnless(hasGolden && hasData, "GOLDEN_DIR or DATA_DIR")("docs/exactness.md", () => {
  test("is what the comparisons give", { timeout: 300_000 }, () => {
    const script = path.join(projectRoot, "scripts/test-golden.ts");
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
    expect(`${stdout}${stderr}`).not.toContain("FAIL");
    expect(status).toBe(0);
  });
});
