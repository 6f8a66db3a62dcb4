import path from "node:path";
import { expect, test } from "vitest";
import { dataDir, goldenDir, hasData, hasGolden, leaveOutUnless } from "../leaveout.ts";
import { patterns } from "./patterns.ts";

leaveOutUnless(hasGolden && hasData, "GOLDEN_DIR or DATA_DIR")("reference values of patterns", () => {
  const entries = hasGolden && hasData ? patterns.entries(path.join(goldenDir, "patterns"), dataDir) : [];

  test.each(entries.map((e) => [e.id, e] as const))("%s", (_id, entry) => {
    expect(entry.compare).toBeDefined();
    const result = entry.compare!();
    expect(result.fault).toBeUndefined();
    expect(result.worst).toBeLessThanOrEqual(1);
    expect(result.values).toBeGreaterThan(0);
  });
});
