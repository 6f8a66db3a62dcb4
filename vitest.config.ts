import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{apps,packages,migrations,strategies,scripts}/**/*.test.ts", "apps/dashboard/**/*.test.tsx"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/*.fault.test.ts", "**/*.service.test.ts"],
    pool: "forks",
    // Many files mostly wait (for a lock to run out, a server to be given up): one worker more than CI has cores.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
