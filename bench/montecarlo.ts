/** Simulated VaR of geometric Brownian motion, 100,000 paths of 252 steps, against numpy (PEERS_PYTHON), by CPU time. */
import { simulatedRisk } from "../packages/quant/src/risk/index.ts";
import { seededRandom } from "../packages/core/src/index.ts";
import { report } from "./figure.ts";
import { requireAgreement, runPythonPeer } from "./peer.ts";
import { cpuTimes } from "./timing.ts";

const PATHS = 100_000;
const STEPS = 252;

const settings = { drift: 0.05, volatility: 0.2, horizonYears: 1, steps: STEPS, paths: PATHS };
const simulate = (): number => simulatedRisk(settings, 0.95, seededRandom(1, "bench")).valueAtRisk;
const peer = runPythonPeer("numpy", "montecarlo_peer.py", [String(PATHS), String(STEPS)]);
requireAgreement(peer, "valueAtRisk", simulate(), 5e-3);

report({
  figure: "simulated VaR, 252 steps a path",
  unit: "paths/s of CPU time",
  ours: cpuTimes(simulate, 9, 3).map((ms) => (PATHS * 1000) / ms),
  peer: "numpy",
  peerVersion: peer?.version,
  theirs: peer?.rates,
  aim: 2,
});
