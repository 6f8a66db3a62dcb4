/** Builds the dashboard where its sources changed since the last build; says whether it had to. */
import path from "node:path";
import { buildDashboard } from "../apps/cli/src/start/dashboard.ts";

console.log(`dashboard: ${await buildDashboard(path.resolve(import.meta.dirname, ".."))}`);
