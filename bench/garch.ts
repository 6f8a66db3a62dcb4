/** GARCH(1,1) fit of 5,000 points with robust errors against arch (PEERS_PYTHON), by CPU time on one core. */
import { fitGarch } from "../packages/quant/src/statistics/index.ts";
import { report } from "./figure.ts";
import { normals } from "./normals.ts";
import { requireAgreement, runPythonPeerOn } from "./peer.ts";
import { cpuTimes } from "./timing.ts";

let variance = 1;
const returns = normals(5_000, 21).map((z) => {
  const r = Math.sqrt(variance) * z;
  variance = 0.02 + 0.08 * r * r + 0.9 * variance;
  return r;
});
const peer = runPythonPeerOn(returns, "arch", "garch_peer.py", []);
requireAgreement(peer, "logLikelihood", fitGarch(returns).logLikelihood, 1e-3);

report({
  figure: "GARCH(1,1) fit, 5,000 points",
  unit: "ms of CPU time",
  ours: cpuTimes(() => fitGarch(returns), 31, 20),
  peer: "arch",
  peerVersion: peer?.version,
  theirs: peer?.rates,
  aim: 1,
  smallerIsBetter: true,
});
