import { defineConfig } from "vitest/config";

/** The fault suite: real processes are killed, cut off and starved, one test at a time. */
export default defineConfig({
  test: {
    include: ["apps/{workers,stream}/src/faults/*.fault.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    globalSetup: ["packages/testkit/src/faultTable.ts"],
  },
});
