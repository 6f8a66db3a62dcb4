/** Latency of one submit, and of submit to result with Prefer: wait, one caller; beside a bare Hono with one INSERT. */
import { spawn } from "node:child_process";
import path from "node:path";
import { freePort, startStack } from "@tapedeck/testkit/stack";
import { report } from "./figure.ts";
import { load, percentile, post } from "./load.ts";
import { benchDatabase, openGates } from "./server.ts";

const repeats = 3;
const durationMs = 3_000;

const database = await benchDatabase();
const stack = await startStack({
  databaseUrl: database.url,
  env: { ...openGates, TAPEDECK_EXTRA_JOBS: path.join(import.meta.dirname, "noop.ts") },
  workerArgs: ["--queues", "sentiment", "--concurrency", "4", "--threads", "1"],
});
const floorPort = await freePort();
const floor = spawn(process.execPath, [path.join(import.meta.dirname, "floor.ts")], {
  env: { ...process.env, DATABASE_URL: database.url, PORT: String(floorPort) },
  stdio: ["ignore", "pipe", "inherit"],
});
await new Promise((resolve) => floor.stdout.once("data", resolve));

const port = Number(new URL(stack.apiUrl).port);
const authorization = `Bearer ${stack.key}`;
const runs: Record<string, { p50: number[]; p99: number[] }> = {};

async function measure(name: string, run: Parameters<typeof load>[0]): Promise<void> {
  const { latenciesMs } = await load(run);
  const kept = (runs[name] ??= { p50: [], p99: [] });
  kept.p50.push(percentile(latenciesMs, 0.5));
  kept.p99.push(percentile(latenciesMs, 0.99));
}

try {
  for (let repeat = 0; repeat <= repeats; repeat++) {
    const common = { connections: 1, durationMs };
    await measure("floor", {
      ...common,
      port: floorPort,
      status: 202,
      request: (n) => post("/jobs", { instrumentId: "SPX.INDEX", formulas: [String(n)] }, {}),
    });
    await measure("submit", {
      ...common,
      port,
      status: 202,
      request: (n) => post("/api/noops", { n }, { authorization }),
    });
    await new Promise((wait) => setTimeout(wait, 3_000));
    await measure("wait", {
      ...common,
      port,
      status: 200,
      request: (n) => post("/api/noops", { n }, { authorization, prefer: "wait=30" }),
    });
    // The first round warms up.
    if (repeat === 0) for (const name in runs) runs[name] = { p50: [], p99: [] };
  }
  for (const share of ["p50", "p99"] as const) {
    report({
      figure: `submit to 202, ${share}`,
      unit: "ms",
      ours: runs["submit"]![share],
      peer: "Hono + one INSERT",
      theirs: runs["floor"]![share],
      smallerIsBetter: true,
    });
    report({
      figure: `submit to result, Prefer: wait, ${share}`,
      unit: "ms",
      ours: runs["wait"]![share],
      peer: "none",
    });
  }
} finally {
  floor.kill();
  await stack.close();
  await database.close();
}
