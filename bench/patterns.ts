/** All candlestick patterns over 200,000 bars against TA-Lib (PEERS_PYTHON), by CPU time on one core. */
import { createPool, registry, runKernel } from "../packages/quant/src/index.ts";
import { report } from "./figure.ts";
import { requireAgreement, runPythonPeerOn } from "./peer.ts";

const BARS = 200_000;
const REPEATS = 7;

/** A walk in whole ticks, so that opens, closes and gaps are equal as often as in a market. */
function walk(): Float64Array[] {
  let s = 11;
  const next = (): number => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 4294967296;
  };
  const steps = (most: number): number => Math.floor(next() * (most + 1));
  const columns = [0, 1, 2, 3].map(() => new Float64Array(BARS));
  let last = 40_000;
  for (let i = 0; i < BARS; i++) {
    const open = last + (next() < 0.4 ? steps(16) - 8 : 0);
    last = open + steps(40) - 20;
    const high = Math.max(open, last) + steps(12);
    const low = Math.min(open, last) - steps(12);
    [open, high, low, last].forEach((ticks, k) => {
      columns[k]![i] = ticks / 4;
    });
  }
  return columns;
}

const columns = walk();
const kernels = [...registry.values()].filter((kernel) => kernel.group === "pattern");
const pool = createPool(4);
let hits = 0;
const judge = (): void => {
  for (const kernel of kernels) {
    const [out] = runKernel(kernel, columns, undefined, { pool, clean: true });
    pool.give(out!);
  }
};
for (const kernel of kernels) {
  for (const value of runKernel(kernel, columns)[0]!) if (!Number.isNaN(value)) hits += Math.abs(value);
}
judge();
const rates = Array.from({ length: REPEATS }, () => {
  const before = process.cpuUsage();
  judge();
  const { user, system } = process.cpuUsage(before);
  return (kernels.length * BARS) / (user + system);
});
const numbers = Float64Array.from(columns.flatMap((column) => [...column]));
const peer = runPythonPeerOn(numbers, "TA-Lib", "patterns_peer.py", [String(BARS), String(REPEATS)]);
requireAgreement(peer, "patterns", kernels.length, 0);
requireAgreement(peer, "hits", hits, 0);
report({
  figure: `candlestick patterns, all ${kernels.length}`,
  unit: "million bars a second of CPU time",
  ours: rates,
  peer: "TA-Lib",
  peerVersion: peer && `TA-Lib ${peer.version}`,
  theirs: peer?.rates,
});
