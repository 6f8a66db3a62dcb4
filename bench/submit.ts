/** Jobs accepted a second over HTTP (validated, durable, 202), beside Hono with one INSERT a request. */
import { spawn } from "node:child_process";
import path from "node:path";
import { freePort, startStack } from "@tapedeck/testkit/stack";
import { cpuSeconds, postgresCpu } from "./cpu.ts";
import { report } from "./figure.ts";
import { load, percentile, post } from "./load.ts";
import { benchDatabase, openGates } from "./server.ts";

const repeats = 3;
const durationMs = 4_000;

const database = await benchDatabase();
const stack = await startStack({ databaseUrl: database.url, worker: false, env: openGates });
const floorPort = await freePort();
const floor = spawn(process.execPath, [path.join(import.meta.dirname, "floor.ts")], {
  env: { ...process.env, DATABASE_URL: database.url, PORT: String(floorPort) },
  stdio: ["ignore", "pipe", "inherit"],
});
await new Promise((resolve) => floor.stdout.once("data", resolve));

const ourPort = Number(new URL(stack.apiUrl).port);
const body = (n: number) => ({ instrumentId: "SPX.INDEX", formulas: [`sma(close, ${2 + (n % 400)})`] });
const ours = (n: number) => post("/api/analyses", body(n), { authorization: `Bearer ${stack.key}` });
const theirs = (n: number) => post("/jobs", body(n), {});

const apiPid = stack.api.pid;
// A loaded machine bends rates, CPU time much less.
const serverCpu = process.platform === "linux" ? await postgresCpu(database.url) : undefined;

/** Runs one load and says what it cost: µs of CPU a request, of the process and of PostgreSQL. */
async function measured(who: string, pid: number, run: Parameters<typeof load>[0]) {
  const before = serverCpu === undefined ? undefined : { api: cpuSeconds(pid), server: serverCpu() };
  const result = await load(run);
  if (before !== undefined && serverCpu !== undefined) {
    const each = (seconds: number) => ((seconds * 1e6) / result.done).toFixed(0);
    console.error(
      `CPU a request, ${who} at ${run.connections} connections: process ${each(cpuSeconds(pid) - before.api)} µs, PostgreSQL ${each(serverCpu() - before.server)} µs`,
    );
  }
  return result;
}

try {
  for (const connections of [50, 200]) {
    const rates = { ours: [] as number[], theirs: [] as number[] };
    const latencies: number[] = [];
    // One warm-up of each, then in turns, so that both meet the same machine.
    for (let repeat = -1; repeat < repeats; repeat++) {
      const a = await measured("ours", apiPid, {
        port: ourPort,
        connections,
        durationMs,
        status: 202,
        request: ours,
      });
      const b = await measured("peer", floor.pid!, {
        port: floorPort,
        connections,
        durationMs,
        status: 202,
        request: theirs,
      });
      if (repeat < 0) continue;
      rates.ours.push(a.done / a.seconds);
      rates.theirs.push(b.done / b.seconds);
      latencies.push(...a.latenciesMs);
    }
    report({
      figure: `submit, durable, ${connections} connections`,
      unit: "requests/s",
      ours: rates.ours,
      peer: "Hono + one INSERT",
      theirs: rates.theirs,
      aim: 2,
    });
    console.error(
      `submit latency at ${connections} connections: p50 ${percentile(latencies, 0.5).toFixed(2)} ms, p99 ${percentile(latencies, 0.99).toFixed(2)} ms`,
    );
  }
} finally {
  floor.kill();
  await stack.close();
  await database.close();
}
