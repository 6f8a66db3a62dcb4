import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { dataDir, goldenDir, hasData, hasGolden, leaveOutUnless } from "../leaveout.ts";
import { projectRoot } from "../postgres.ts";
import { compareColumn, indicators } from "./indicators.ts";
import { folders, goldenFolders, isOwed, listEntries } from "./index.ts";
import type { Owed } from "./index.ts";

describe("comparison of columns", () => {
  const ref = Float64Array.of(NaN, 1, 2, 4);
  test.each([
    [[NaN, 1, 2, 4], true],
    [[NaN, 1 + 5e-10, 2, 4], true],
    [[NaN, 1 + 1e-8, 2, 4], false],
    [[0, 1, 2, 4], false],
    [[NaN, NaN, 2, 4], false],
    [[NaN, 1, 2, Infinity], false],
  ])("%j against NaN, 1, 2, 4 passes: %s", (got, passes) => {
    expect(compareColumn(Float64Array.from(got), ref, 1e-9, 1e-9, 0).fault === undefined).toBe(passes);
  });

  test("what running sums leave on flat prices is no scale", () => {
    const mostlyFlat = Float64Array.of(50, 80, 6e-14, 6e-14, 6e-14, 6e-14);
    const got = Float64Array.of(50, 80, 0, 2e-14, 2e-14, 0);
    expect(compareColumn(got, mostlyFlat, 1e-9, 1e-9, 0).fault).toBeUndefined();
    expect(compareColumn(got.with(2, 1e-7), mostlyFlat, 1e-9, 1e-9, 0).fault).toMatch(/row 2/);
  });

  test("where the reference divides by 0, undefined passes and a number does not", () => {
    const infinite = Float64Array.of(1, Infinity);
    expect(compareColumn(Float64Array.of(1, NaN), infinite, 1e-9, 1e-9, 0).fault).toBeUndefined();
    expect(compareColumn(Float64Array.of(1, 5), infinite, 1e-9, 1e-9, 0).fault).toMatch(/row 1/);
  });
});

leaveOutUnless(hasGolden && hasData, "GOLDEN_DIR or DATA_DIR")("reference values of indicators", () => {
  const entries = hasGolden && hasData ? indicators.entries(path.join(goldenDir, "indicators"), dataDir) : [];

  test.each(entries.map((e) => [e.id, e] as const))("%s", (_id, entry) => {
    expect(entry.compare).toBeDefined();
    const result = entry.compare!();
    expect(result.fault).toBeUndefined();
    expect(result.worst).toBeLessThanOrEqual(1);
    expect(result.values).toBeGreaterThan(0);
  });

  test("a folder without a counterpart is owed, entry by entry", () => {
    const owed = JSON.parse(
      readFileSync(path.join(projectRoot, "packages/testkit/golden-owed.json"), "utf8"),
    ) as Owed[];
    const missing = goldenFolders(goldenDir)
      .filter((name) => !folders.some((f) => f.name === name))
      .flatMap((name) => listEntries(path.join(goldenDir, name)).map((e) => `${name}/${e}`))
      .filter((id) => isOwed(id, owed) === undefined);
    expect(missing).toEqual([]);
  });
});
