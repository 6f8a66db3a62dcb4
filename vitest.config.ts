import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{apps,packages,migrations,strategies,scripts}/**/*.test.ts", "apps/dashboard/**/*.test.tsx"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/*.fault.test.ts", "**/*.service.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
