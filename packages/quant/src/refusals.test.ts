/**
 * Every whole-sample function with each argument spoilt in turn: it refuses with a QuantError, or what it gives holds no
 * NaN and no infinity.
 */
import { describe, expect, test } from "vitest";
import * as anomaly from "./anomaly/index.ts";
import { QuantError } from "./error.ts";
import * as options from "./options/index.ts";
import * as portfolio from "./portfolio/index.ts";
import * as risk from "./risk/index.ts";
import * as sizing from "./sizing/index.ts";
import * as statistics from "./statistics/index.ts";
import { noise, uniform, walk } from "./testInputs.ts";

type Argument = unknown;
type Calls = Record<string, readonly Argument[]>;

const n = 200;
const [x, y] = [walk(n, 1), walk(n, 2)];
const z = noise(n, 3);
const returns = noise(600, 4).map((v) => v / 100);
const garch = { mu: 0, omega: 0.02, alpha: 0.08, beta: 0.9 };
const regimes = {
  means: Float64Array.of(0, 0),
  variances: Float64Array.of(1, 9),
  transition: Float64Array.of(0.9, 0.1, 0.2, 0.8),
  start: Float64Array.of(0.5, 0.5),
  logLikelihood: 0,
};
const rows = noise(300, 5);
const option = {
  type: "call",
  spot: 100,
  strike: 105,
  years: 0.7,
  rate: 0.04,
  dividend: 0.01,
  volatility: 0.3,
};
const bond = { face: 100, couponRate: 0.05, frequency: 2, periods: 10 };
const sharpe = { sharpe: 0.1, n: 500, skew: -0.2, kurtosis: 4 };
const forest = anomaly.fitIsolationForest(rows, 3, uniform(1), { trees: 3 });
const svm = anomaly.fitOneClassSvm(rows, 3);
const four = portfolio.sampleCovariance(returns, 4);
const means = Float64Array.of(0.05, 0.08, 0.02, 0.06);
const eventReturns = {
  estimation: returns.slice(0, 60),
  event: returns.slice(60, 65),
  marketEstimation: returns.slice(100, 160),
  marketEvent: returns.slice(160, 165),
};
const quarters = new Float64Array(4).fill(0.25);
const prices = Float64Array.of(40, 15, 90, 7);
const brinson = {
  portfolioWeights: quarters,
  benchmarkWeights: Float64Array.of(0.4, 0.3, 0.2, 0.1),
  portfolioReturns: means,
  benchmarkReturns: Float64Array.of(0.04, 0.09, 0.01, 0.06),
};
const attributed = [portfolio.attribute(brinson), portfolio.attribute(brinson)];

const calls: Record<string, [module: Record<string, unknown>, calls: Calls]> = {
  statistics: [
    statistics,
    {
      abnormalReturns: [eventReturns, "market"],
      cumulateReturns: [[statistics.abnormalReturns(eventReturns, "market")], 0, 3],
      adfTest: [x],
      adjustedP: [Float64Array.of(0.01, 0.2), "benjaminiHochberg"],
      archTest: [z, 3],
      autocorrelations: [z, 5],
      changePoints: [z, 5],
      chiSquareCdf: [3, 2],
      chiSquareQuantile: [0.9, 2],
      chiSquareSf: [3, 2],
      engleGrangerTest: [y, x],
      fisherCdf: [2, 3, 9],
      fisherQuantile: [0.9, 3, 9],
      fisherSf: [2, 3, 9],
      fitDistributions: [z],
      fitGarch: [z],
      fitHiddenMarkov: [z, 2],
      fitMarkovSwitching: [z],
      fitStudent: [z],
      garchBackcast: [z],
      garchForecast: [garch, 1, 5],
      garchLogLikelihood: [z, garch, 1],
      garchVariances: [z, garch, 1],
      grangerTest: [y, x, 2],
      halfLifeOf: [x],
      huberRegression: [y, [x]],
      hurstOfLags: [x],
      jarqueBeraTest: [z],
      johansenTest: [[y, x], 0, 1],
      kalmanRegression: [y, x, { delta: 1e-4, observationVariance: 1, p0: 1 }],
      kendall: [y, x],
      kpssTest: [x],
      leastSquares: [y, [x]],
      longRunVariance: [z, 3],
      mackinnonCritical: ["c", 1, 100],
      mackinnonP: [-2.5, "c"],
      normalQuantile: [0.9],
      ols: [y, [x]],
      pairCount: [5],
      partialAutocorrelations: [z, 5],
      partialAutocorrelationsOls: [z, 5],
      phillipsPerronTest: [x],
      portmanteauTest: [z, 5],
      regimePath: [z, regimes],
      regimeProbabilities: [z, regimes],
      rescaledRange: [z],
      robustErrors: [statistics.ols(y, [x]), [x], "HAC", 3],
      spearman: [y, x],
      studentCdf: [1, 5],
      studentPdf: [1, 5],
      studentQuantile: [0.9, 5],
      studentSf: [1, 5],
      testPairs: [[x, y, walk(n, 9)], 0, 3],
      theilSen: [y, x],
      totalLeastSquares: [y, x],
      varianceRatioTest: [x, 4],
    },
  ],
  risk: [
    risk,
    {
      backtestOverfitting: [noise(400, 6), 4, 4],
      beta: [y, x],
      bootstrap: [returns, risk.iidIndices(600, 20, uniform(1)), statistics.mean],
      cagr: [returns, 252],
      componentRisk: [Float64Array.of(0.6, 0.4), Float64Array.of(4, 1, 1, 9), 0.95],
      componentShortfall: [noise(200, 7), Float64Array.of(0.6, 0.4), 0.95],
      cornishFisherRisk: [returns, 0.95],
      deflatedSharpe: [sharpe, 0.01, 20],
      downsideDeviation: [returns],
      drawdownsOf: [returns],
      ewmaRisk: [returns, 0.95],
      ewmaVariances: [returns],
      expectedMaximumSharpe: [0.01, 20],
      filteredHistoricalRisk: [z, garch, 0.95],
      fitPareto: [returns],
      fitStudent: [returns],
      historicalRisk: [returns, 0.95],
      historicalRiskLower: [returns, 0.95],
      iidIndices: [10, 5, uniform(2)],
      kupiecTest: [500, 20, 0.05],
      meanBeyondQuantile: [returns, 0.95],
      minimumTrackRecord: [sharpe],
      normalRisk: [returns, 0.95],
      omega: [returns],
      paretoRisk: [risk.fitPareto(returns), 0.99],
      performanceOf: [returns],
      probabilisticSharpe: [sharpe],
      relativePerformance: [y.map((v) => v / 1e4), x.map((v) => v / 1e4)],
      sharpePerPeriod: [returns],
      shockedReturn: [Float64Array.of(0.6, 0.4), Float64Array.of(-0.2, 0.1)],
      simulatedRisk: [
        { drift: 0.05, volatility: 0.2, horizonYears: 1, steps: 4, paths: 100 },
        0.95,
        uniform(3),
      ],
      stationaryIndices: [10, 5, 3, uniform(2)],
      stressWindow: [returns, 5, 50],
      studentRisk: [{ df: 5, location: 0, scale: 1, logLikelihood: 0 }, 0.95],
      tailShare: [0.95],
      totalReturn: [returns],
    },
  ],
  options: [
    options,
    {
      americanPrice: [{ ...option, type: "put" }, 51],
      barrierOption: [option, "downIn", 90],
      black76: [{ type: "call", forward: 100, strike: 105, years: 0.7, rate: 0.04, volatility: 0.3 }],
      blackScholes: [option],
      bondValue: [bond, 0.04],
      bondYield: [bond, 99],
      digitalOption: [option],
      impliedVolatility: [option, 8],
      optionPrice: [option],
    },
  ],
  portfolio: [
    portfolio,
    {
      absoluteView: [4, 1, 0.05, 0.6],
      attribute: [brinson],
      bayesSteinReturns: [returns, 4],
      blackLitterman: [four, means, [portfolio.absoluteView(4, 1, 0.05)], 0.05],
      capmReturns: [four, quarters, 0.08, 0.01],
      describePortfolio: [quarters, means, four, 0.01],
      efficientFrontier: [means, four, 5],
      ewmaCovariance: [returns, 4, 0.94],
      ewmaReturns: [returns, 4, 0.94],
      exactShares: [quarters, prices, 1000],
      greedyShares: [quarters, prices, 1000],
      hierarchicalEqualRisk: [four],
      hierarchicalRiskParity: [four],
      impliedReturns: [four, quarters, 2.5],
      inverseVariance: [four],
      inverseVolatility: [four],
      kellyBinary: [0.55, 1],
      kellyEmpirical: [returns],
      kellyGaussian: [0.05, 0.04],
      kellyPortfolio: [returns, 4, 2],
      kellyWeights: [means, four, 0.01],
      ledoitWolf: [returns, 4],
      ledoitWolfConstantCorrelation: [returns, 4],
      linkCarino: [attributed],
      linkMenchero: [attributed],
      maxDiversification: [four],
      maxReturn: [means, four],
      maxSharpe: [means, four, 0.01],
      maxUtility: [means, four, 5],
      meanReturns: [returns, 4],
      minDrawdown: [returns, 4, { level: 0.9 }],
      minShortfall: [returns, 4, { level: 0.9 }],
      minVariance: [four],
      nestedClusters: [four],
      oas: [returns, 4],
      optimize: [returns, 4, { riskTolerance: 0.2, costRate: 0.01 }],
      relativeView: [4, 1, 2, 0.05, 0.6],
      riskContributions: [quarters, four],
      riskParity: [four],
      sampleCovariance: [returns, 4],
      semiCovariance: [returns, 4, 0],
      targetReturn: [means, four, 0.05],
      targetVolatility: [means, four, 0.02],
    },
  ],
  sizing: [
    sizing,
    {
      atrRisk: [1000, 0.02, 3, 2],
      atrStop: [1, 100, 3, 2],
      breakEvenStop: [1, 100, 104, 0.03, 0.01],
      chandelierStop: [1, 100, 3, 2],
      fixedFractional: [1000, 0.02, 100, 95],
      fixedRatio: [5000, 1000],
      fixedStop: [1, 100, 0.05],
      fractionalKelly: [Float64Array.of(2, -1), 0.5, 1],
      kellyBinary: [0.55, 1],
      kellyEmpirical: [returns],
      kellyGaussian: [0.05, 0.04],
      kellyPortfolio: [returns, 4, 2],
      kellyWeights: [means, four],
      optimalF: [returns],
      profitThreshold: [{ volatility: 0.01, bars: 5, multiple: 1.5, costPerSide: 0.001 }],
      timeStop: [3, 5],
      trailingStop: [1, 100, 0.05],
      volatilityTarget: [1000, 50, 0.2, 0.1, 2],
    },
  ],
  anomaly: [
    anomaly,
    {
      averagePathLength: [10],
      featureReasons: [rows, 3],
      fitIsolationForest: [rows, 3, uniform(1), { trees: 3 }],
      fitOneClassSvm: [rows, 3],
      highestRows: [z, 3],
      iqrAnomalies: [z],
      isolationContributions: [forest, Float64Array.of(0, 1, 2)],
      isolationScores: [forest, rows],
      oneClassContributions: [svm, Float64Array.of(0, 1, 2)],
      oneClassDecisions: [svm, rows],
      robustZAnomalies: [z],
      seasonalAnomalies: [z, Int32Array.from(z, (_, i) => i % 4)],
      standardise: [rows, 3],
      zAnomalies: [z],
    },
  ],
};

/** What fits give back and other functions take: not for hands to fill in. */
const opaque = new Set<unknown>([forest, svm]);

/** Spoilt versions of an argument, each with a word for it. */
function* spoilt(argument: Argument): Generator<[string, Argument]> {
  if (argument instanceof Float64Array) {
    yield ["NaN inside", argument.with(argument.length >> 1, NaN)];
    yield ["infinity at the end", argument.with(-1, Infinity)];
    yield ["nothing", new Float64Array(0)];
    yield ["one value", argument.slice(0, 1)];
    yield ["one less", argument.slice(0, -1)];
    yield ["zeros", new Float64Array(argument.length)];
    yield ["one number throughout", new Float64Array(argument.length).fill(0.1)];
  } else if (typeof argument === "number") {
    for (const v of [NaN, Infinity, -Infinity, -1, 0, 1.5, 1e4]) yield [String(v), v];
  } else if (Array.isArray(argument) && argument[0] instanceof Float64Array) {
    for (const [word, first] of spoilt(argument[0])) yield [word, [first, ...argument.slice(1)]];
    yield ["none", []];
  } else if (typeof argument === "object" && argument !== null && !opaque.has(argument)) {
    for (const [key, value] of Object.entries(argument)) {
      if (typeof value !== "number") continue;
      for (const [word, v] of spoilt(value)) yield [`${key} ${word}`, { ...argument, [key]: v }];
    }
  }
}

/** Where a result holds a number that is none, or undefined; functions are not looked into. */
function firstUnfit(value: unknown, at = "result"): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : `${at} is ${value}`;
  if (value === undefined) return `${at} is undefined`;
  if (typeof value !== "object" || value === null) return undefined;
  if (ArrayBuffer.isView(value)) {
    const unfit = (value as Float64Array).findIndex((v) => !Number.isFinite(v));
    return unfit < 0 ? undefined : `${at}[${unfit}] is not finite`;
  }
  for (const [key, inner] of Object.entries(value)) {
    const found = firstUnfit(inner, `${at}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function run(compute: (...given: unknown[]) => unknown, given: readonly unknown[]): string | undefined {
  try {
    return firstUnfit(compute(...given));
  } catch (error) {
    return error instanceof QuantError ? undefined : `throws ${String(error)}`;
  }
}

/** Building blocks: plain loops on numbers that their callers have checked, and the checks themselves. */
const unchecked = new Set(
  `
    mean variance standardDeviation covariance correlation shapeOf sorted sortLowest quantile quantileSorted
    median ranks ones dot multiply solve cholesky choleskySolve invertDefinite invertSymmetric
    symmetricEigen minimise findRoot erf erfc millsRatio normalCdf normalLogCdf normalPdf normalSf
    stirlingError studentLogScale lgamma digamma incompleteGamma incompleteBeta complement rollingBeta createNormals
    selectPairs shortfallSorted christoffersenTest coverageTest blockwiseOverfitting combinations requireOption requireRow
    requireRows columnOf columnMeans correlationsOf volatilityOf tighterStop
  `.match(/\w+/g),
);

for (const [name, [module, functions]] of Object.entries(calls)) {
  describe(name, () => {
    test("every function is here, or is a building block", () => {
      const exported = Object.keys(module).filter(
        (key) => /^[a-z]/.test(key) && typeof module[key] === "function",
      );
      expect(exported.filter((key) => !(key in functions) && !unchecked.has(key))).toEqual([]);
      expect(Object.keys(functions).filter((key) => !exported.includes(key))).toEqual([]);
    });

    test.each(Object.entries(functions))("%s", (key, given) => {
      const compute = module[key] as (...given: unknown[]) => unknown;
      expect(firstUnfit(compute(...given))).toBeUndefined();
      const silent = given.flatMap((argument, i) =>
        [...spoilt(argument)].flatMap(([word, bad]) => {
          const unfit = run(compute, given.with(i, bad));
          return unfit === undefined ? [] : [`argument ${i}, ${word}: ${unfit}`];
        }),
      );
      expect(silent).toEqual([]);
    });
  });
}
