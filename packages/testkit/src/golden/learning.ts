/** Reference values of learning against packages/quant/src/anomaly. */
import { join } from "node:path";
import { seededRandom } from "@tapedeck/core";
import * as q from "@tapedeck/quant/anomaly/index";
import type { GoldenFolder } from "./golden.ts";
import { readColumns } from "./golden.ts";
import { comparedEntries, manifestEntries, readJson } from "./tally.ts";
import type { Tally } from "./tally.ts";

interface Models {
  featureNames: string[];
  trainMean: number[];
  trainSd: number[];
  isolationForest: {
    trees: number;
    subsample: number;
    seeds: number;
    accept: [number, number];
    averagePathLength: Record<string, number>;
  };
  oneClassSvm: {
    gamma: number;
    nu: number;
    supportIndices: number[];
    alpha: number[];
    rho: number;
    decision: number[];
  };
  univariateFlags: {
    mean: number;
    sdDdof1: number;
    median: number;
    mad: number;
    q1: number;
    q3: number;
    zAbove3: number[];
    "modifiedZAbove3.5": number[];
    "iqr1.5": number[];
    iqr3: number[];
  };
}

class Source {
  readonly models: Models;
  private readonly columns: Map<string, Float64Array>;

  constructor(folder: string) {
    this.models = readJson<Models>(folder, "models.json");
    this.columns = readColumns(join(folder, "dataset.csv"));
  }

  feature(name: string): Float64Array {
    return this.columns.get(name)!;
  }

  /** All rows of the features in units of the training rows' deviations. */
  standardised(): Float64Array {
    const { featureNames, trainMean, trainSd } = this.models;
    const k = featureNames.length;
    const rows = this.feature(featureNames[0]!).length;
    const out = new Float64Array(rows * k);
    featureNames.forEach((name, j) => {
      this.feature(name).forEach((v, i) => (out[i * k + j] = (v - trainMean[j]!) / trainSd[j]!));
    });
    return out;
  }
}

type Compare = (source: Source, t: Tally) => string;

/** Area under the curve of scores that should be high where the label is 1, ties one half. */
function areaUnderCurve(scores: Float64Array, labels: Uint8Array): number {
  const order = Int32Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!);
  let below = 0;
  let won = 0;
  let positives = 0;
  for (let i = 0; i < order.length;) {
    let end = i;
    let hits = 0;
    while (end < order.length && scores[order[end]!] === scores[order[i]!]) hits += labels[order[end++]!]!;
    const misses = end - i - hits;
    won += hits * (below + misses / 2);
    below += misses;
    positives += hits;
    i = end;
  }
  return won / (positives * below);
}

/** Rows 25, 75, 125 .. are pushed off by 3 deviations in half of their features. */
function injectAnomalies(data: Float64Array, columns: number): Uint8Array {
  const labels = new Uint8Array(data.length / columns);
  for (let i = 25; i < labels.length; i += 50) {
    labels[i] = 1;
    for (let j = 0; j < columns; j++) {
      if (j % 2 === Math.floor(i / 50) % 2) data[i * columns + j]! += (31 * i + 17 * j) % 2 === 0 ? 3 : -3;
    }
  }
  return labels;
}

const compareForest: Compare = (source, t) => {
  const want = source.models.isolationForest;
  for (const [n, length] of Object.entries(want.averagePathLength)) {
    t.near(q.averagePathLength(Number(n)), length, { rel: 1e-12 }, `average path length of ${n}`);
  }
  const columns = source.models.featureNames.length;
  const data = source.standardised();
  const labels = injectAnomalies(data, columns);
  const [low, high] = want.accept;
  const areas = Array.from({ length: want.seeds }, (_, seed) => {
    const forest = q.fitIsolationForest(data, columns, seededRandom(seed, "golden"), want);
    return areaUnderCurve(q.isolationScores(forest, data), labels);
  });
  const inside = areas.filter((area) => area >= low && area <= high).length;
  t.reaches(inside, 0.95 * want.seeds, 0, "seeds inside the band");
  const mean = areas.reduce((a, b) => a + b, 0) / areas.length;
  t.near(mean, (low + high) / 2, { abs: (high - low) / 2 }, "mean area under the curve");
  return "fitIsolationForest, isolationScores";
};

const compareOneClass: Compare = (source, t) => {
  const want = source.models.oneClassSvm;
  const columns = source.models.featureNames.length;
  const data = source.standardised();
  const test = data.subarray(500 * columns, 700 * columns);
  const fit = q.fitOneClassSvm(data.subarray(0, 500 * columns), columns, want);
  const decisions = q.oneClassDecisions(fit, test);
  t.nearAll(decisions, want.decision, { abs: 1e-6 }, "decision");
  want.decision.forEach((d, i) => {
    if (Math.abs(d) > 1e-5) t.same(Math.sign(decisions[i]!), Math.sign(d), `sign ${i}`);
  });
  const support = new Float64Array(want.supportIndices.length * columns);
  want.supportIndices.forEach((row, i) => {
    support.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  const given = { ...fit, support, alpha: Float64Array.from(want.alpha), rho: want.rho };
  t.nearAll(q.oneClassDecisions(given, test), want.decision, { abs: 1e-10 }, "decision by their multipliers");
  return "fitOneClassSvm, oneClassDecisions";
};

const compareUnivariate: Compare = (source, t) => {
  const want = source.models.univariateFlags;
  const x = source.feature("ret1");
  const tolerance = { rel: 1e-12 };
  const rows = ({ anomalies }: q.SeriesAnomalies): number[] => anomalies.map(({ row }) => row);
  const z = q.zAnomalies(x, 3);
  t.near(z.mean, want.mean, tolerance, "mean");
  t.near(z.deviation, want.sdDdof1, tolerance, "deviation");
  t.same(rows(z), want.zAbove3, "rows beyond 3 deviations");
  const robust = q.robustZAnomalies(x, 3.5);
  t.near(robust.median, want.median, tolerance, "median");
  t.near(robust.medianDeviation, want.mad, tolerance, "median deviation");
  t.same(rows(robust), want["modifiedZAbove3.5"], "rows beyond a modified z of 3.5");
  const outside = q.iqrAnomalies(x, 1.5);
  t.near(outside.q1, want.q1, tolerance, "lower quartile");
  t.near(outside.q3, want.q3, tolerance, "upper quartile");
  t.same(rows(outside), want["iqr1.5"], "rows outside");
  t.same(rows(q.iqrAnomalies(x, 3)), want.iqr3, "rows far out");
  return "zAnomalies, robustZAnomalies, iqrAnomalies";
};

const comparisons: Record<string, Compare> = {
  isolationForest: compareForest,
  oneClassSvm: compareOneClass,
  univariateFlags: compareUnivariate,
};

export const learning: GoldenFolder = {
  name: "learning",
  entries: (folder) => {
    const source = new Source(folder);
    return comparedEntries("learning", manifestEntries(folder), source, comparisons);
  },
};
