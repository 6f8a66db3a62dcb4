/** Reference values of portfolio construction against packages/quant/src/portfolio. */
import * as q from "@tapedeck/quant/portfolio/index";
import type { GoldenFolder, GoldenResult } from "./golden.ts";
import type { ManifestEntry } from "./tally.ts";
import { manifestEntries, readJson, Tally } from "./tally.ts";

type Matrix = number[][];
interface Shrunk {
  cov: Matrix;
  shrinkage: number;
  averageCorrelation?: number;
}
interface Optimum {
  weights: number[];
  value: number;
  strictlyConvex: boolean;
  target?: number | null;
  rf?: number;
  riskAversion?: number;
  beta?: number;
  scenarios?: number;
  budgets?: number[];
  riskContributions?: number[];
  sectors?: Record<string, string[]>;
  clusters?: string[][];
  k?: number;
  constraints?: string;
}
interface Allocation {
  portfolio: string;
  value: number;
  prices: number[];
  weights: number[];
  greedy: { shares: Record<string, number>; leftover: number };
  integer: { shares: Record<string, number>; leftover: number; objective: number };
}
interface KellyPoint {
  weights: number[];
  value: number;
}
interface Assets {
  names: string[];
  mean: number[];
  covariance: {
    sample: Matrix;
    ewma94: Matrix;
    semi0: Matrix;
    ledoitWolfScaledIdentity: Shrunk;
    oas: Shrunk;
    ledoitWolfConstantCorrelation: Shrunk;
  };
  optima: Record<string, Optimum>;
  frontier: { points: { targetReturn: number; volatility: number; weights: number[] }[] };
  hrp: Record<string, { weights: number[]; order: string[]; linkage: Matrix }>;
  blackLitterman: {
    delta: number;
    tau: number;
    marketWeights: number[];
    prior: number[];
    P: Matrix;
    Q: number[];
    omegaProportional: Matrix;
    posterior: { mean: number[]; covariance: Matrix; meanUncertainty: Matrix };
    noViews: { mean: number[]; covariance: Matrix };
    idzorek: { confidences: number[]; omega: Matrix; mean: number[]; covariance: Matrix };
    certain: { mean: number[] };
    longOnlyUtilityWeights: KellyPoint;
    unconstrainedWeights: { weights: number[] };
  };
  kelly: {
    binary: { p: number; b: number; f: number }[];
    single: Record<string, { gaussian: number; empirical: number; growthPerDay: number }>;
    multiGaussian: { weights: number[] };
    multiEmpiricalLongOnly: KellyPoint;
    multiEmpiricalLeverage4: KellyPoint;
  };
  turnover: {
    start: number[];
    cases: { cost: number; weights: number[]; value: number; turnoverL1: number }[];
  };
  discrete: { cases: Allocation[] };
}

/** Inputs and references of one case of assets, all of them yearly but the returns. */
interface Case {
  readonly want: Assets;
  readonly k: number;
  /** [n, k] per day. */
  readonly returns: Float64Array;
  readonly means: Float64Array;
  readonly covariance: Float64Array;
  indexOf(name: string): number;
}

const YEAR = 252;
const yearly = (x: Float64Array): Float64Array => x.map((v) => v * YEAR);

function readCase(folder: string, file: string): Case {
  const want = readJson<Assets>(folder, file);
  const k = want.names.length;
  const series = readJson<{ returns: Record<string, number[]> }>(folder, "returns.json").returns;
  const n = series[want.names[0]!]!.length;
  const returns = Float64Array.from(
    { length: n * k },
    (_, at) => series[want.names[at % k]!]![Math.floor(at / k)]!,
  );
  return {
    want,
    k,
    returns,
    means: yearly(q.meanReturns(returns, k)),
    covariance: yearly(q.sampleCovariance(returns, k)),
    indexOf: (name) => want.names.indexOf(name),
  };
}

type Compare = (c: Case, t: Tally) => string;

const compareCovariance: Compare = (c, t) => {
  const tolerance = { rel: 1e-9 };
  const { returns, k, want } = c;
  const near = (got: Float64Array, matrix: Matrix, what: string) =>
    t.nearAll(yearly(got), matrix.flat(), tolerance, what);
  t.nearAll(c.means, want.mean, tolerance, "means");
  near(q.sampleCovariance(returns, k), want.covariance.sample, "sample");
  near(q.ewmaCovariance(returns, k, 0.94), want.covariance.ewma94, "EWMA");
  near(q.semiCovariance(returns, k), want.covariance.semi0, "semicovariance");
  const shrunk = [
    [q.ledoitWolf(returns, k), want.covariance.ledoitWolfScaledIdentity, "Ledoit-Wolf"],
    [q.oas(returns, k), want.covariance.oas, "OAS"],
  ] as const;
  for (const [got, reference, what] of shrunk) {
    near(got.covariance, reference.cov, what);
    t.near(got.shrinkage, reference.shrinkage, tolerance, `${what} shrinkage`);
  }
  const equal = q.ledoitWolfConstantCorrelation(returns, k);
  const reference = want.covariance.ledoitWolfConstantCorrelation;
  near(equal.covariance, reference.cov, "constant correlation");
  t.near(equal.shrinkage, reference.shrinkage, tolerance, "constant correlation shrinkage");
  t.near(equal.averageCorrelation, reference.averageCorrelation, tolerance, "average correlation");
  return "sampleCovariance, ewmaCovariance, semiCovariance, ledoitWolf, oas, ledoitWolfConstantCorrelation";
};

const WEIGHTS = { abs: 1e-4 };
const VALUE = { rel: 1e-6 };
const CONSTRAINT = 1e-8;

const variance = (c: Case, w: Float64Array): number => q.volatilityOf(w, c.covariance) ** 2;
const earned = (c: Case, w: Float64Array): number => w.reduce((s, v, i) => s + v * c.means[i]!, 0);

/** Bounds that an optimum's constraints state, `0.05<=w<=0.3` or `w>=0` or none. */
function boundsOf(text = "w>=0"): { lower: number; upper: number } {
  const both = /([\d.]+)<=w<=([\d.]+)/.exec(text);
  if (both) return { lower: Number(both[1]), upper: Number(both[2]) };
  return { lower: text.includes("w>=0") ? 0 : -Infinity, upper: Infinity };
}

/** Limits such as `technology<=0.45` on the named sectors. */
function groupsOf(c: Case, optimum: Optimum): q.Group[] {
  return [...(optimum.constraints ?? "").matchAll(/([a-z]+)([<>])=([\d.]+)/g)].flatMap(
    ([, name, sign, limit]) => {
      const sector = optimum.sectors?.[name!];
      if (!sector) return [];
      const bound = sign === "<" ? { most: Number(limit) } : { least: Number(limit) };
      return [{ name: name!, assets: sector.map((asset) => c.indexOf(asset)), ...bound }];
    },
  );
}

interface Found {
  readonly weights: Float64Array;
  readonly value: number;
}

/** What answers to each optimum: its weights, and the objective at them. */
const optima: Record<string, (c: Case, want: Optimum) => Found> = {
  minVariance: (c, want) => leastVariance(c, want),
  minVarianceUnconstrained: (c, want) => leastVariance(c, want),
  minVarianceBounded: (c, want) => leastVariance(c, want),
  maxSharpe: (c, want) => largestSharpe(c, want),
  maxSharpeBounded: (c, want) => largestSharpe(c, want),
  maxSharpeSectors: (c, want) => largestSharpe(c, want),
  targetReturn: (c, want) => {
    const weights = q.targetReturn(c.means, c.covariance, want.target!);
    return { weights, value: variance(c, weights) };
  },
  targetVolatility: (c, want) => {
    const weights = q.targetVolatility(c.means, c.covariance, want.target!);
    return { weights, value: earned(c, weights) };
  },
  utility1: (c, want) => utility(c, want),
  utility5: (c, want) => utility(c, want),
  minCVaR95: (c, want) => q.minShortfall(scenarios(c, want), c.k, tail(want)),
  minCVaR99: (c, want) => q.minShortfall(scenarios(c, want), c.k, tail(want)),
  meanCVaR95: (c, want) => q.minShortfall(scenarios(c, want), c.k, tail(want)),
  minCDaR95: (c, want) => q.minDrawdown(scenarios(c, want), c.k, tail(want)),
  meanCDaR95: (c, want) => q.minDrawdown(scenarios(c, want), c.k, tail(want)),
  riskParity: (c) => volatile(c, q.riskParity(c.covariance)),
  riskBudget: (c, want) => volatile(c, q.riskParity(c.covariance, Float64Array.from(want.budgets!))),
  inverseVolatility: (c) => volatile(c, q.inverseVolatility(c.covariance)),
  inverseVariance: (c) => {
    const weights = q.inverseVariance(c.covariance);
    return { weights, value: variance(c, weights) };
  },
  maxDiversification: (c) => {
    const weights = q.maxDiversification(c.covariance);
    return { weights, value: q.describePortfolio(weights, c.means, c.covariance).diversificationRatio };
  },
  nco: (c, want) => {
    const { weights } = q.nestedClusters(c.covariance, { clusters: want.k! });
    return { weights, value: variance(c, weights) };
  },
  herc: (c, want) => {
    const { weights } = q.hierarchicalEqualRisk(c.covariance, { clusters: want.k! });
    return { weights, value: variance(c, weights) };
  },
};

function leastVariance(c: Case, want: Optimum): Found {
  const weights = q.minVariance(c.covariance, boundsOf(want.constraints));
  return { weights, value: variance(c, weights) };
}

function largestSharpe(c: Case, want: Optimum): Found {
  const constraints = { ...boundsOf(want.constraints), groups: groupsOf(c, want) };
  const weights = q.maxSharpe(c.means, c.covariance, want.rf, constraints);
  return { weights, value: q.describePortfolio(weights, c.means, c.covariance, want.rf).sharpe };
}

function utility(c: Case, want: Optimum): Found {
  const weights = q.maxUtility(c.means, c.covariance, want.riskAversion!);
  return { weights, value: earned(c, weights) - (want.riskAversion! / 2) * variance(c, weights) };
}

function volatile(c: Case, weights: Float64Array): Found {
  return { weights, value: q.volatilityOf(weights, c.covariance) };
}

const scenarios = (c: Case, want: Optimum): Float64Array => c.returns.slice(-want.scenarios! * c.k);

function tail(want: Optimum): q.TailOptions {
  const { beta: level = 0.95, target } = want;
  return target === null || target === undefined ? { level } : { level, targetReturn: target };
}

const compareOptima: Compare = (c, t) => {
  for (const [key, want] of Object.entries(c.want.optima)) {
    const { weights, value } = optima[key]!(c, want);
    t.near(value, want.value, VALUE, key);
    t.near(
      weights.reduce((a, b) => a + b, 0),
      1,
      { abs: CONSTRAINT },
      `${key} sum`,
    );
    if (want.strictlyConvex) t.nearAll(weights, want.weights, WEIGHTS, `${key} weights`);
    checkConstraints(c, t, key, want, weights);
  }
  return "minVariance, maxSharpe, targetReturn, targetVolatility, maxUtility, minShortfall, minDrawdown, riskParity, inverseVolatility, inverseVariance, maxDiversification, nestedClusters, hierarchicalEqualRisk";
};

function checkConstraints(c: Case, t: Tally, key: string, want: Optimum, weights: Float64Array): void {
  const { lower, upper } = boundsOf(want.constraints);
  weights.forEach((w, i) => {
    if (lower > -Infinity) t.reaches(w, lower, CONSTRAINT, `${key} lower bound ${i}`);
    if (upper < Infinity) t.reaches(-w, -upper, CONSTRAINT, `${key} upper bound ${i}`);
  });
  for (const { name, assets, least, most } of groupsOf(c, want)) {
    const sum = assets.reduce((s, i) => s + weights[i]!, 0);
    if (least !== undefined) t.reaches(sum, least, CONSTRAINT, `${key} ${name}`);
    if (most !== undefined) t.reaches(-sum, -most, CONSTRAINT, `${key} ${name}`);
  }
  if (key === "targetReturn") t.reaches(earned(c, weights), want.target!, CONSTRAINT, `${key} return`);
  if (key === "targetVolatility") {
    t.reaches(-q.volatilityOf(weights, c.covariance), -want.target!, CONSTRAINT, `${key} volatility`);
  }
  if (want.riskContributions) {
    const own = q.riskContributions(weights, c.covariance);
    t.nearAll(own, want.riskContributions, { abs: CONSTRAINT }, `${key} contributions`);
  }
}

const compareFrontier: Compare = (c, t) => {
  const points = q.efficientFrontier(c.means, c.covariance, c.want.frontier.points.length);
  c.want.frontier.points.forEach((want, i) => {
    t.near(points[i]!.expectedReturn, want.targetReturn, { abs: CONSTRAINT }, `return ${i}`);
    t.near(points[i]!.volatility, want.volatility, VALUE, `volatility ${i}`);
    t.nearAll(points[i]!.weights, want.weights, WEIGHTS, `weights ${i}`);
  });
  return "efficientFrontier";
};

const compareHierarchy: Compare = (c, t) => {
  for (const [name, want] of Object.entries(c.want.hrp)) {
    const rows = name.startsWith("singleLopezDePrado");
    const linkage = rows ? "single" : (name as "single" | "average" | "complete" | "ward");
    const distance = rows ? "rows" : "correlation";
    const got = q.hierarchicalRiskParity(c.covariance, { linkage, distance });
    t.nearAll(got.weights, want.weights, { abs: 1e-10 }, `${name} weights`);
    t.same(
      got.order.map((i) => c.want.names[i]),
      want.order,
      `${name} order`,
    );
    got.joins.forEach((join, j) => {
      const row = want.linkage[j]!;
      t.same([join.left, join.right, join.size], [row[0], row[1], row[3]], `${name} join ${j}`);
      t.near(join.distance, row[2], { abs: 1e-10 }, `${name} distance ${j}`);
    });
  }
  return "hierarchicalRiskParity";
};

const compareViews: Compare = (c, t) => {
  const want = c.want.blackLitterman;
  const tolerance = { rel: 1e-9 };
  const prior = q.impliedReturns(c.covariance, Float64Array.from(want.marketWeights), want.delta);
  const posterior = (confidences?: readonly number[], views = want.P) =>
    q.blackLitterman(
      c.covariance,
      prior,
      views.map((row, v) => {
        const view = { weights: Float64Array.from(row), expectedReturn: want.Q[v]! };
        return confidences ? { ...view, confidence: confidences[v]! } : view;
      }),
      want.tau,
    );
  const diagonal = (matrix: Matrix) => matrix.map((row, i) => row[i]!);
  t.nearAll(prior, want.prior, tolerance, "prior");
  const got = posterior();
  t.nearAll(got.means, want.posterior.mean, tolerance, "means");
  t.nearAll(got.covariance, want.posterior.covariance.flat(), tolerance, "covariance");
  t.nearAll(got.uncertainty, want.posterior.meanUncertainty.flat(), tolerance, "uncertainty");
  t.nearAll(got.viewVariances, diagonal(want.omegaProportional), tolerance, "view variances");
  const none = posterior(undefined, []);
  t.nearAll(none.means, prior, { abs: 1e-12 }, "means without views");
  t.nearAll(none.covariance, want.noViews.covariance.flat(), tolerance, "covariance without views");
  const confident = posterior(want.idzorek.confidences);
  t.nearAll(confident.viewVariances, diagonal(want.idzorek.omega), tolerance, "variances by confidence");
  t.nearAll(confident.means, want.idzorek.mean, tolerance, "means by confidence");
  t.nearAll(confident.covariance, want.idzorek.covariance.flat(), tolerance, "covariance by confidence");
  t.nearAll(posterior(want.Q.map(() => 1)).means, want.certain.mean, tolerance, "means of certain views");
  const utilityWeights = q.maxUtility(got.means, got.covariance, want.delta);
  t.nearAll(utilityWeights, want.longOnlyUtilityWeights.weights, tolerance, "long-only weights");
  const free = q.kellyWeights(got.means, got.covariance).map((w) => w / want.delta);
  t.nearAll(free, want.unconstrainedWeights.weights, tolerance, "unconstrained weights");
  return "impliedReturns, blackLitterman";
};

const compareKelly: Compare = (c, t) => {
  const want = c.want.kelly;
  const closed = { rel: 1e-10, abs: 1e-15 };
  const growth = { rel: 1e-8 };
  const fraction = { rel: 1e-5, abs: 1e-5 };
  for (const { p, b, f } of want.binary) t.near(q.kellyBinary(p, b), f, closed, `binary ${p} at ${b}`);
  for (const [name, single] of Object.entries(want.single)) {
    const i = c.indexOf(name);
    const own = c.covariance[i * c.k + i]!;
    t.near(q.kellyGaussian(c.means[i]!, own), single.gaussian, closed, `${name} gaussian`);
    const series = c.returns.filter((_, at) => at % c.k === i);
    const got = q.kellyEmpirical(series);
    t.near(got.fraction, single.empirical, fraction, `${name} fraction`);
    t.near(got.growth, single.growthPerDay, growth, `${name} growth`);
  }
  t.nearAll(q.kellyWeights(c.means, c.covariance), want.multiGaussian.weights, closed, "Gaussian weights");
  const held = [
    [1, want.multiEmpiricalLongOnly],
    [4, want.multiEmpiricalLeverage4],
  ] as const;
  for (const [leverage, reference] of held) {
    const got = q.kellyPortfolio(c.returns, c.k, leverage);
    t.near(got.growth, reference.value, growth, `growth at leverage ${leverage}`);
    t.nearAll(got.weights, reference.weights, fraction, `weights at leverage ${leverage}`);
  }
  return "kellyBinary, kellyGaussian, kellyEmpirical, kellyWeights, kellyPortfolio";
};

const compareTurnover: Compare = (c, t) => {
  const from = Float64Array.from(c.want.turnover.start);
  for (const want of c.want.turnover.cases) {
    const weights = q.maxUtility(c.means, c.covariance, 5, { turnover: { from, costRate: want.cost } });
    const traded = weights.reduce((s, w, i) => s + Math.abs(w - from[i]!), 0);
    const value = earned(c, weights) - 2.5 * variance(c, weights) - want.cost * traded;
    t.near(value, want.value, VALUE, `value at cost ${want.cost}`);
    t.near(traded, want.turnoverL1, WEIGHTS, `turnover at cost ${want.cost}`);
    t.nearAll(weights, want.weights, WEIGHTS, `weights at cost ${want.cost}`);
  }
  return "maxUtility";
};

const compareShares: Compare = (c, t) => {
  const slack = { abs: 1e-6 };
  for (const { portfolio, value, greedy, integer, ...given } of c.want.discrete.cases) {
    const what = `${portfolio} of ${value}`;
    const [weights, prices] = [Float64Array.from(given.weights), Float64Array.from(given.prices)];
    const rule = q.greedyShares(weights, prices, value);
    t.same(
      Array.from(rule.shares),
      c.want.names.map((name) => greedy.shares[name]),
      `${what} greedy`,
    );
    t.near(rule.leftover, greedy.leftover, slack, `${what} greedy leftover`);
    t.near(q.exactShares(weights, prices, value).deviation, integer.objective, slack, what);
  }
  return "greedyShares, exactShares";
};

const comparisons: Record<string, Compare> = {
  covariance: compareCovariance,
  optima: compareOptima,
  frontier: compareFrontier,
  hrp: compareHierarchy,
  blackLitterman: compareViews,
  kelly: compareKelly,
  turnover: compareTurnover,
  discrete: compareShares,
};

type Effects = Record<"allocation" | "selection" | "interaction", number[]>;
interface Brinson {
  periods: {
    portfolioWeights: string[];
    benchmarkWeights: string[];
    portfolioReturns: string[];
    benchmarkReturns: string[];
    expected: Record<string, string | string[] | Record<string, string>>;
  }[];
  linked: {
    portfolioReturn: string;
    benchmarkReturn: string;
    active: string;
    carino: Effects;
    menchero: Effects;
    carinoFactors: { k: number[]; K: number };
    mencheroM: number;
    mencheroAlpha: number[];
  };
}

function compareBrinson(want: Brinson, t: Tally): string {
  const numbers = (x: readonly string[]) => Float64Array.from(x, Number);
  const linked = { abs: 1e-14 };
  const periods = want.periods.map(({ expected, ...period }, p) => {
    const got = q.attribute({
      portfolioWeights: numbers(period.portfolioWeights),
      benchmarkWeights: numbers(period.benchmarkWeights),
      portfolioReturns: numbers(period.portfolioReturns),
      benchmarkReturns: numbers(period.benchmarkReturns),
    });
    for (const name of ["portfolioReturn", "benchmarkReturn", "active"] as const) {
      t.near(got[name], Number(expected[name]), {}, `period ${p} ${name}`);
    }
    for (const name of ["allocation", "selection", "interaction"] as const) {
      t.nearAll(got[name], numbers(expected[name] as string[]), {}, `period ${p} ${name}`);
      const total = got[name].reduce((a, b) => a + b, 0);
      t.near(total, Number((expected["totals"] as Record<string, string>)[name]), linked, `total ${name}`);
    }
    const other = numbers(expected["allocationBrinsonHoodBeebower"] as string[]);
    t.nearAll(got.allocationHoodBeebower, other, {}, `period ${p} allocation by Hood and Beebower`);
    return got;
  });
  const { carinoFactors, mencheroM, mencheroAlpha } = want.linked;
  const links = [
    ["carino", q.linkCarino(periods), carinoFactors.k.map((k) => k / carinoFactors.K)],
    ["menchero", q.linkMenchero(periods), mencheroAlpha.map((alpha) => mencheroM + alpha)],
  ] as const;
  for (const [name, got, factors] of links) {
    t.near(got.portfolioReturn, Number(want.linked.portfolioReturn), linked, `${name} portfolio`);
    t.near(got.benchmarkReturn, Number(want.linked.benchmarkReturn), linked, `${name} benchmark`);
    t.near(got.active, Number(want.linked.active), linked, `${name} active`);
    t.nearAll(got.factors, factors, linked, `${name} factors`);
    let sum = 0;
    for (const effect of ["allocation", "selection", "interaction"] as const) {
      t.nearAll(got[effect], want.linked[name][effect], linked, `${name} ${effect}`);
      sum += got[effect].reduce((a, b) => a + b, 0);
    }
    t.near(sum, got.active, linked, `${name} sum of the effects`);
  }
  return "attribute, linkCarino, linkMenchero";
}

function compareEntry(folder: string, entry: ManifestEntry): ((t: Tally) => string) | undefined {
  if (entry.key === "brinson") return (t) => compareBrinson(readJson<Brinson>(folder, entry.file), t);
  const compare = comparisons[entry.key];
  return compare && ((t) => compare(readCase(folder, entry.file), t));
}

export const portfolio: GoldenFolder = {
  name: "portfolio",
  entries: (folder) =>
    manifestEntries(folder).map((entry) => {
      const of = /^assets(\d+)/.exec(entry.file)?.[1];
      const id = `portfolio/${entry.key}${of ? ` of ${of}` : ""}`;
      const compare = compareEntry(folder, entry);
      if (!compare) return { id };
      return {
        id,
        compare: (): GoldenResult => {
          const t = new Tally();
          return t.result(compare(t), entry.library ?? "definition");
        },
      };
    }),
};
