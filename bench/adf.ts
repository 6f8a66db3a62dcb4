/** Augmented Dickey-Fuller test of 10,000 points, lag by AIC, against statsmodels (PEERS_PYTHON), by CPU time on one core. */
import { adfTest } from "../packages/quant/src/statistics/index.ts";
import { report } from "./figure.ts";
import { normals } from "./normals.ts";
import { requireAgreement, runPythonPeerOn } from "./peer.ts";
import { cpuTimes } from "./timing.ts";

let level = 100;
const series = normals(10_000, 31).map((z) => (level += 0.05 * z));
const peer = runPythonPeerOn(series, "statsmodels", "adf_peer.py", []);
const { statistic, lags } = adfTest(series);
requireAgreement(peer, "statistic", statistic, 1e-6);
requireAgreement(peer, "lags", lags, 0);

report({
  figure: "ADF test, 10,000 points, lag by AIC",
  unit: "ms of CPU time",
  ours: cpuTimes(() => adfTest(series), 31, 20),
  peer: "statsmodels",
  peerVersion: peer?.version,
  theirs: peer?.rates,
  aim: 1,
  smallerIsBetter: true,
});
