import { defineConfig } from "vitest/config";

/** Suites that need a Weaviate server: run by `bash scripts/weaviate.sh vitest run --config vitest.weaviate.config.ts`. */
export default defineConfig({
  test: {
    include: ["packages/**/*.service.test.ts"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
