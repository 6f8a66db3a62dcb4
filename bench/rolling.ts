/** Rolling least squares, window 500, a million points, against polars (PEERS_PYTHON), by CPU time on one core. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createPool, registry, runKernel } from "../packages/quant/src/index.ts";
import { report } from "./figure.ts";
import { runPythonPeer } from "./peer.ts";

const POINTS = 1_000_000;
const WINDOW = 500;
const REPEATS = 15;

let seed = 31;
const next = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 4294967296 - 0.5;
};
const [x, y] = [new Float64Array(POINTS), new Float64Array(POINTS)];
let level = 100;
for (let i = 0; i < POINTS; i++) {
  level += 0.17 * next();
  x[i] = level;
  y[i] = 5 + 1.3 * level + 3.4 * next();
}

const kernel = registry.get("ols")!;
const pool = createPool(8);
const fit = (): void => {
  for (const column of runKernel(kernel, [x, y], [WINDOW], { pool, clean: true })) pool.give(column);
};
for (let i = 0; i < 5; i++) fit();
const rates = Array.from({ length: REPEATS }, () => {
  const before = process.cpuUsage();
  fit();
  const { user, system } = process.cpuUsage(before);
  return POINTS / (user + system);
});

const folder = mkdtempSync(join(tmpdir(), "tapedeck-bench-"));
const file = join(folder, "points.f64");
writeFileSync(file, Buffer.concat([Buffer.from(x.buffer), Buffer.from(y.buffer)]));
const peer = runPythonPeer("polars", "rolling_peer.py", [file, String(POINTS), String(WINDOW)]);
rmSync(folder, { recursive: true });
report({
  figure: "rolling least squares, window 500",
  unit: "million points/s of CPU time",
  ours: rates,
  peer: "polars",
  peerVersion: peer?.version,
  theirs: peer?.rates,
  aim: 1,
});
