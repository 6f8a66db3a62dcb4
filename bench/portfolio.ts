/**
 * Portfolios of 50 assets from 1,000 returns: least variance, least CVaR, hierarchical and equal risk, against the fastest
 * of skfolio, PyPortfolioOpt and Riskfolio-Lib (PEERS_PYTHON), from returns to weights, by CPU time on one core.
 */
import * as q from "../packages/quant/src/portfolio/index.ts";
import { median, report } from "./figure.ts";
import { normals } from "./normals.ts";
import type { PeerRun } from "./peer.ts";
import { runPythonPeerOn } from "./peer.ts";
import { cpuTimes } from "./timing.ts";

const ASSETS = 50;
const PERIODS = 1000;
const FACTORS = 3;

/** Returns [periods, assets] of assets with loadings of their own on a few factors. */
function factorReturns(): Float64Array {
  const loadings = normals(ASSETS * FACTORS, 11);
  const scales = normals(ASSETS, 14);
  const factors = normals(PERIODS * FACTORS, 12);
  return normals(PERIODS * ASSETS, 13).map((z, at) => {
    const i = at % ASSETS;
    const t = Math.floor(at / ASSETS);
    let sum = 0.01 * (1 + Math.abs(scales[i]!) / 2) * z;
    for (let f = 0; f < FACTORS; f++) {
      const loading = (f === 0 ? 1 : 0) + 0.3 * loadings[i * FACTORS + f]!;
      sum += 0.008 * loading * factors[t * FACTORS + f]!;
    }
    return sum;
  });
}

const returns = factorReturns();
const covariance = q.sampleCovariance(returns, ASSETS);
const variance = (w: Float64Array): number => q.volatilityOf(w, covariance) ** 2;

interface Task {
  readonly name: string;
  readonly figure: string;
  readonly peers: readonly string[];
  readonly aimMs: number;
  readonly run: () => Float64Array;
  /** What is minimised; ours may not be above the peer's by more than a share of `slack`. */
  readonly objective: (weights: Float64Array) => number;
  readonly slack: number;
}

const tasks: readonly Task[] = [
  {
    name: "minVariance",
    figure: "least variance",
    peers: ["PyPortfolioOpt", "skfolio", "Riskfolio-Lib"],
    aimMs: 2,
    run: () => q.minVariance(q.sampleCovariance(returns, ASSETS)),
    objective: variance,
    slack: 1e-9,
  },
  {
    name: "shortfall",
    figure: "least CVaR, 1,000 scenarios",
    peers: ["PyPortfolioOpt", "skfolio", "Riskfolio-Lib"],
    aimMs: 60,
    run: () => q.minShortfall(returns, ASSETS).weights,
    objective: (w) => shortfall(w),
    slack: 1e-9,
  },
  {
    // PyPortfolioOpt orders the leaves otherwise: another portfolio.
    name: "hierarchical",
    figure: "hierarchical risk parity",
    peers: ["skfolio", "Riskfolio-Lib"],
    aimMs: 3,
    run: () => q.hierarchicalRiskParity(q.sampleCovariance(returns, ASSETS)).weights,
    objective: variance,
    slack: 1e-9,
  },
  {
    name: "riskParity",
    figure: "equal risk contributions",
    peers: ["skfolio", "Riskfolio-Lib"],
    aimMs: 3,
    run: () => q.riskParity(q.sampleCovariance(returns, ASSETS)),
    objective: (w) => {
      const contributions = q.riskContributions(w, covariance);
      return (Math.max(...contributions) - Math.min(...contributions)) / q.volatilityOf(w, covariance);
    },
    slack: 0,
  },
];

/** Mean of the worst twentieth of the losses. */
function shortfall(weights: Float64Array): number {
  const losses = Float64Array.from({ length: PERIODS }, (_, t) => {
    let s = 0;
    for (let i = 0; i < ASSETS; i++) s -= returns[t * ASSETS + i]! * weights[i]!;
    return s;
  }).toSorted();
  return losses.subarray(-PERIODS / 20).reduce((a, b) => a + b, 0) / (PERIODS / 20);
}

for (const task of tasks) {
  const ours = task.objective(task.run());
  let fastest: { library: string; run: PeerRun } | undefined;
  for (const library of task.peers) {
    const args = [String(ASSETS), library, task.name];
    const run = runPythonPeerOn(returns, library, "portfolio_peer.py", args);
    if (!run) continue;
    const theirs = run.check!["objective"]!;
    if (ours > theirs * (1 + task.slack)) {
      throw new Error(`${task.figure}: ours reaches ${ours}, ${library} ${theirs}`);
    }
    console.error(`${task.figure}: ours reaches ${ours}, ${library} ${theirs} in ${median(run.rates)} ms`);
    if (!fastest || median(run.rates) < median(fastest.run.rates)) fastest = { library, run };
  }
  const times = cpuTimes(task.run, 31, 20);
  console.error(`${task.figure}: ${median(times)} ms, aim ${task.aimMs} ms`);
  report({
    figure: `${task.figure}, ${ASSETS} assets`,
    unit: "ms of CPU time",
    ours: times,
    peer: fastest?.library ?? task.peers.join(", "),
    peerVersion: fastest?.run.version,
    theirs: fastest?.run.rates,
    aim: 1,
    smallerIsBetter: true,
  });
}
