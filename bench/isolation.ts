/** Isolation forest, fit and scores of 100,000 x 10, against scikit-learn (PEERS_PYTHON), by CPU time on one core. */
import { fitIsolationForest, isolationScores } from "../packages/quant/src/anomaly/index.ts";
import { seededRandom } from "../packages/core/src/index.ts";
import { report } from "./figure.ts";
import { normals } from "./normals.ts";
import { requireAgreement, runPythonPeerOn } from "./peer.ts";
import { cpuTimes } from "./timing.ts";

const ROWS = 100_000;
const COLUMNS = 10;

const data = normals(ROWS * COLUMNS, 51);
const score = (): Float64Array =>
  isolationScores(fitIsolationForest(data, COLUMNS, seededRandom(1, "bench")), data);
const peer = runPythonPeerOn(data, "scikit-learn", "isolation_peer.py", [String(COLUMNS)]);
requireAgreement(peer, "meanScore", score().reduce((sum, s) => sum + s, 0) / ROWS, 0.02);

report({
  figure: "isolation forest, fit and score 100,000 x 10",
  unit: "rows/s of CPU time",
  ours: cpuTimes(score, 9, 2).map((ms) => (ROWS * 1000) / ms),
  peer: "scikit-learn",
  peerVersion: peer?.version,
  theirs: peer?.rates,
  aim: 1,
});
