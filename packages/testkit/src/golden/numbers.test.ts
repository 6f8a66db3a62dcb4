import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { goldenDir, hasData, hasGolden, leaveOutUnless, dataDir } from "../leaveout.ts";
import { projectRoot } from "../postgres.ts";
import type { Owed } from "./index.ts";
import { folders, isOwed } from "./index.ts";

const numeric = new Set(["risk", "statistics", "portfolio", "options", "learning"]);
const list = readFileSync(path.join(projectRoot, "packages/testkit/golden-owed.json"), "utf8");
const owed = JSON.parse(list) as Owed[];

for (const folder of folders.filter((f) => numeric.has(f.name))) {
  leaveOutUnless(hasGolden && hasData, "GOLDEN_DIR or DATA_DIR")(`reference values of ${folder.name}`, () => {
    const entries = hasGolden && hasData ? folder.entries(path.join(goldenDir, folder.name), dataDir) : [];
    const ours = entries.filter((e) => !isOwed(e.id, owed));

    test.each(ours.map((e) => [e.id, e] as const))("%s", (_id, entry) => {
      expect(entry.compare).toBeDefined();
      const result = entry.compare!();
      expect(result.fault).toBeUndefined();
      expect(result.worst).toBeLessThanOrEqual(1);
      expect(result.values).toBeGreaterThan(0);
    });
  });
}
