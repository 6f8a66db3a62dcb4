import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { QuantError } from "../error.ts";
import { historicalRisk } from "../risk/index.ts";
import { createNormals, dot, multiply } from "../statistics/index.ts";
import * as q from "./index.ts";

const code = (compute: () => unknown): string => {
  try {
    compute();
  } catch (error) {
    if (error instanceof QuantError) return error.code;
    throw error;
  }
  return "accepted";
};

/** Returns [n, k] of assets that share one factor, by a seed. */
function market(k: number, n: number, seed: number): Float64Array {
  let x = seed >>> 0;
  const fill = createNormals(() => ((x = (Math.imul(x, 1664525) + 1013904223) >>> 0) + 0.5) / 2 ** 32);
  const z = new Float64Array(n * (k + 1));
  fill(z);
  return Float64Array.from({ length: n * k }, (_, at) => {
    const i = at % k;
    const t = Math.floor(at / k);
    return 0.0002 * i + 0.008 * z[t * (k + 1) + k]! + 0.004 * (1 + i / k) * z[t * (k + 1) + i]!;
  });
}

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const sizes = fc.integer({ min: 2, max: 12 });
const runs = { numRuns: 40 };
const total = (x: Float64Array): number => x.reduce((a, b) => a + b, 0);
const names = Array.from({ length: 12 }, (_, i) => i);

function inputs(k: number, seed: number) {
  const returns = market(k, 150, seed);
  return { returns, means: q.meanReturns(returns, k), covariance: q.sampleCovariance(returns, k) };
}

/** Distance of a long-only least variance portfolio from the conditions of an optimum, relative to its variance. */
function kktGap(weights: Float64Array, covariance: Float64Array): number {
  const slope = multiply(covariance, weights.length, weights);
  const own = dot(weights, slope);
  return (
    Math.max(...weights.map((w, i) => (w > 0 ? Math.abs(slope[i]! - own) : Math.max(0, own - slope[i]!)))) /
    own
  );
}

describe("covariance", () => {
  test("shrinkage is in [0, 1] and keeps the trace", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 3, max: 60 }), seeds, (k, n, seed) => {
        const returns = market(k, n, seed);
        const trace = (s: Float64Array) => s.reduce((sum, v, at) => sum + (at % (k + 1) === 0 ? v : 0), 0);
        const want = trace(q.sampleCovariance(returns, k)) * ((n - 1) / n);
        for (const estimate of [q.ledoitWolf, q.oas, q.ledoitWolfConstantCorrelation]) {
          const { covariance, shrinkage } = estimate(returns, k);
          expect(shrinkage).toBeGreaterThanOrEqual(0);
          expect(shrinkage).toBeLessThanOrEqual(1);
          expect(trace(covariance) / want).toBeCloseTo(1, 10);
        }
      }),
      runs,
    );
  });

  test("fewer observations than assets are singular until shrunk", () => {
    const returns = market(10, 6, 1);
    expect(code(() => q.minVariance(q.sampleCovariance(returns, 10)))).toBe("singular");
    expect(total(q.minVariance(q.ledoitWolf(returns, 10).covariance))).toBeCloseTo(1, 12);
  });
});

describe("optima", () => {
  test("weights sum to 1, keep their bounds, and meet the conditions of an optimum", () => {
    fc.assert(
      fc.property(sizes, seeds, (k, seed) => {
        const { covariance } = inputs(k, seed);
        const weights = q.minVariance(covariance);
        expect(total(weights)).toBeCloseTo(1, 12);
        expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
        expect(kktGap(weights, covariance)).toBeLessThan(1e-9);
      }),
      runs,
    );
  });

  test("without bounds least variance is S^-1 1, normalised", () => {
    const { covariance } = inputs(6, 3);
    const slope = multiply(covariance, 6, q.minVariance(covariance, q.UNBOUNDED));
    for (const v of slope) expect(v / slope[0]!).toBeCloseTo(1, 10);
  });

  test("no allowed portfolio nearby has a better objective", () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 8 }), seeds, (k, seed) => {
        const { means, covariance } = inputs(k, seed);
        const constraints = {
          upper: 0.6,
          groups: [{ name: "first two", assets: [0, 1], least: 0.2, most: 0.5 }],
        };
        const best = q.maxUtility(means, covariance, 4, constraints);
        const worth = (w: Float64Array) => dot(means, w) - 2 * q.volatilityOf(w, covariance) ** 2;
        const pair = best[0]! + best[1]!;
        expect(pair).toBeGreaterThanOrEqual(0.2 - 1e-9);
        expect(pair).toBeLessThanOrEqual(0.5 + 1e-9);
        for (let i = 0; i < k; i++) {
          for (let j = 0; j < k; j++) {
            const moved = Float64Array.from(best);
            moved[i]! -= 1e-4;
            moved[j]! += 1e-4;
            const both = moved[0]! + moved[1]!;
            if (moved[i]! < 0 || moved[j]! > 0.6 || both < 0.2 || both > 0.5) continue;
            expect(worth(moved)).toBeLessThanOrEqual(worth(best) + 1e-12);
          }
        }
      }),
      runs,
    );
  });

  test("the largest Sharpe ratio is at least that of every point of the frontier", () => {
    fc.assert(
      fc.property(sizes, seeds, (k, seed) => {
        const { means, covariance } = inputs(k, seed);
        const ratio = (w: Float64Array) => q.describePortfolio(w, means, covariance, -0.01).sharpe;
        const best = ratio(q.maxSharpe(means, covariance, -0.01));
        const points = q.efficientFrontier(means, covariance, 7);
        for (const { weights } of points) expect(best).toBeGreaterThanOrEqual(ratio(weights) - 1e-9);
        const volatilities = points.map(({ volatility }) => volatility);
        expect(volatilities).toEqual(volatilities.toSorted((a, b) => a - b));
      }),
      runs,
    );
  });

  test("target volatility and target return lead to the same point", () => {
    const { means, covariance } = inputs(8, 11);
    const middle = q.efficientFrontier(means, covariance, 5)[2]!;
    const weights = q.targetVolatility(means, covariance, middle.volatility);
    expect(dot(means, weights)).toBeCloseTo(middle.expectedReturn, 10);
    weights.forEach((w, i) => expect(w).toBeCloseTo(middle.weights[i]!, 6));
  });

  test("turnover is held within its limit, and a cost that outweighs all gain trades nothing", () => {
    fc.assert(
      fc.property(sizes, seeds, fc.double({ min: 0, max: 2, noNaN: true }), (k, seed, most) => {
        const { means, covariance } = inputs(k, seed);
        const from = new Float64Array(k).fill(1 / k);
        const traded = (w: Float64Array) => w.reduce((s, v, i) => s + Math.abs(v - from[i]!), 0);
        expect(traded(q.minVariance(covariance, { turnover: { from, most } }))).toBeLessThanOrEqual(
          most + 1e-7,
        );
        const dear = q.maxUtility(means, covariance, 5, { turnover: { from, costRate: 1 } });
        expect(traded(dear)).toBeLessThan(1e-7);
      }),
      runs,
    );
  });

  test("a cost of trading counts in the ratio", () => {
    const { means, covariance } = inputs(5, 21);
    const from = Float64Array.of(1, 0, 0, 0, 0);
    const net = (w: Float64Array) =>
      (dot(means, w) - 0.0005 * w.reduce((s, v, i) => s + Math.abs(v - from[i]!), 0) + 0.01) /
      q.volatilityOf(w, covariance);
    const best = q.maxSharpe(means, covariance, -0.01, { turnover: { from, costRate: 0.0005 } });
    const blind = q.maxSharpe(means, covariance, -0.01);
    expect(net(best)).toBeGreaterThan(net(blind));
    expect(total(best)).toBeCloseTo(1, 12);
  });
});

describe("tail risk", () => {
  const { returns, means } = inputs(6, 5);

  test("the value is the expected shortfall of the losses, which is not below their value at risk", () => {
    const { weights, value } = q.minShortfall(returns, 6, { level: 0.9 });
    const own = Float64Array.from({ length: 150 }, (_, t) =>
      dot(weights, returns.subarray(t * 6, t * 6 + 6)),
    );
    const risk = historicalRisk(own, 0.9);
    expect(value).toBeCloseTo(risk.expectedShortfall, 12);
    expect(value).toBeGreaterThanOrEqual(risk.valueAtRisk);
  });

  test.each([
    ["shortfall", q.minShortfall],
    ["drawdown", q.minDrawdown],
  ])("no mix with another portfolio has less %s, and a target return costs some", (_, minimise) => {
    const best = minimise(returns, 6, { level: 0.9 });
    const target = (dot(means, best.weights) + Math.max(...means)) / 2;
    const aimed = minimise(returns, 6, { level: 0.9, targetReturn: target });
    expect(dot(means, aimed.weights)).toBeGreaterThanOrEqual(target - 1e-10);
    expect(aimed.value).toBeGreaterThanOrEqual(best.value - 1e-12);
    for (let i = 0; i < 6; i++) {
      // Bounds that hold another portfolio down to 10 % of one asset at least.
      const lower = new Float64Array(6);
      lower[i] = 0.1;
      const other = minimise(returns, 6, { level: 0.9, constraints: { lower } });
      expect(other.value).toBeGreaterThanOrEqual(best.value - 1e-12);
      expect(other.weights[i]).toBeGreaterThanOrEqual(0.1);
    }
  });

  test("a tail of less than one scenario is refused", () => {
    expect(code(() => q.minShortfall(returns.subarray(0, 60), 6, { level: 0.95 }))).toBe("tooFew");
  });
});

describe("risk parity", () => {
  test("contributions are in proportion to the budgets and sum to the volatility", () => {
    const budgets = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(sizes, seeds, budgets, (k, seed, list) => {
        const { covariance } = inputs(k, seed);
        const own = Float64Array.from(list.slice(0, k));
        const weights = q.riskParity(covariance, own);
        const contributions = q.riskContributions(weights, covariance);
        const volatility = q.volatilityOf(weights, covariance);
        expect(total(contributions) / volatility).toBeCloseTo(1, 12);
        contributions.forEach((c, i) => expect(c / volatility).toBeCloseTo(own[i]! / total(own), 10));
      }),
      runs,
    );
  });

  test("independent assets: equal contributions are inverse volatility, clusters inverse variance", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 2, noNaN: true }), { minLength: 4, maxLength: 9 }),
        (list) => {
          const k = list.length;
          const diagonal = new Float64Array(k * k);
          list.forEach((v, i) => (diagonal[i * k + i] = v));
          const near = (got: Float64Array, want: Float64Array) =>
            got.forEach((w, i) => expect(w).toBeCloseTo(want[i]!, 9));
          near(q.riskParity(diagonal), q.inverseVolatility(diagonal));
          near(q.minVariance(diagonal), q.inverseVariance(diagonal));
          near(q.hierarchicalRiskParity(diagonal).weights, q.inverseVariance(diagonal));
          near(q.nestedClusters(diagonal, { clusters: 2 }).weights, q.inverseVariance(diagonal));
        },
      ),
      runs,
    );
  });
});

describe("clusters", () => {
  /** The same assets in another order. */
  function permuted(covariance: Float64Array, order: readonly number[]): Float64Array {
    const k = order.length;
    return covariance.map((_, at) => covariance[order[Math.floor(at / k)]! * k + order[at % k]!]!);
  }

  test("the order of the assets does not matter to clusters, equal risk and nested optima", () => {
    const orders = fc.shuffledSubarray(names.slice(0, 8), { minLength: 8 });
    fc.assert(
      fc.property(seeds, orders, (seed, order) => {
        const { covariance } = inputs(8, seed);
        for (const build of [q.hierarchicalEqualRisk, q.nestedClusters]) {
          const straight = build(covariance, { clusters: 3 });
          const mixed = build(permuted(covariance, order), { clusters: 3 });
          mixed.weights.forEach((w, i) => expect(w).toBeCloseTo(straight.weights[order[i]!]!, 9));
        }
      }),
      runs,
    );
  });

  test.each(["single", "average", "complete", "ward"] as const)(
    "%s: all assets in the tree, heights rise",
    (linkage) => {
      fc.assert(
        fc.property(sizes, seeds, (k, seed) => {
          const { weights, order, joins } = q.hierarchicalRiskParity(inputs(k, seed).covariance, { linkage });
          expect(order.toSorted((a, b) => a - b)).toEqual(names.slice(0, k));
          expect(joins.at(-1)!.size).toBe(k);
          const heights = joins.map(({ distance }) => distance);
          expect(heights).toEqual(heights.toSorted((a, b) => a - b));
          expect(total(weights)).toBeCloseTo(1, 12);
          expect(Math.min(...weights)).toBeGreaterThan(0);
        }),
        runs,
      );
    },
  );

  test("two groups of like assets are found", () => {
    const k = 6;
    const covariance = Float64Array.from({ length: k * k }, (_, at) => {
      const [i, j] = [Math.floor(at / k), at % k];
      if (i === j) return 1 + i / 10;
      return i % 2 === j % 2 ? 0.8 : 0.1;
    });
    expect(q.nestedClusters(covariance).clusters).toEqual([
      [0, 2, 4],
      [1, 3, 5],
    ]);
  });
});

describe("Black-Litterman", () => {
  const { covariance } = inputs(4, 8);
  const market4 = Float64Array.of(0.4, 0.3, 0.2, 0.1);
  const prior = q.impliedReturns(covariance, market4, 3);

  test("without views, and with views of no confidence, the prior returns", () => {
    for (const views of [[], [q.absoluteView(4, 1, 0.5, 0)]]) {
      expect([...q.blackLitterman(covariance, prior, views).means]).toEqual([...prior]);
    }
  });

  test("the market is optimal under its implied returns", () => {
    q.maxUtility(prior, covariance, 3).forEach((w, i) => expect(w).toBeCloseTo(market4[i]!, 9));
  });

  test("certain views come true, less certain ones in part", () => {
    const at = (confidence: number) =>
      q.blackLitterman(covariance, prior, [
        q.absoluteView(4, 0, 0.001, confidence),
        q.relativeView(4, 2, 3, 0.0005, confidence),
      ]).means;
    const certain = at(1);
    expect(certain[0]).toBeCloseTo(0.001, 14);
    expect(certain[2]! - certain[3]!).toBeCloseTo(0.0005, 14);
    const half = q.blackLitterman(covariance, prior, [q.absoluteView(4, 0, 0.001, 0.5)]).means;
    expect(half[0]).toBeCloseTo((prior[0]! + 0.001) / 2, 14);
  });

  test("certain views that depend on each other are refused", () => {
    const views = [
      q.absoluteView(4, 0, 0.1, 1),
      q.absoluteView(4, 1, 0.1, 1),
      q.relativeView(4, 0, 1, 0.05, 1),
    ];
    expect(code(() => q.blackLitterman(covariance, prior, views))).toBe("singular");
  });
});

describe("Kelly portfolio", () => {
  test("no allowed weights nearby grow faster", () => {
    const { returns } = inputs(4, 17);
    const { weights, growth } = q.kellyPortfolio(returns, 4, 3);
    expect(total(weights)).toBeLessThanOrEqual(3 + 1e-9);
    const growthAt = (w: Float64Array) => {
      let sum = 0;
      for (let t = 0; t < 150; t++) sum += Math.log1p(dot(w, returns.subarray(t * 4, t * 4 + 4)));
      return sum / 150;
    };
    expect(growthAt(weights)).toBeCloseTo(growth, 14);
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) {
        const moved = Float64Array.from(weights);
        moved[i] = Math.max(0, moved[i]! - 1e-3);
        moved[j]! += weights[i]! - moved[i]!;
        expect(growthAt(moved)).toBeLessThanOrEqual(growth + 1e-15);
      }
    }
  });
});

describe("whole shares", () => {
  test("exact allocation spends no more than there is and is not beaten by the greedy one", () => {
    const amount = fc.double({ min: 0.05, max: 1, noNaN: true });
    const assets = fc.array(fc.tuple(amount, fc.integer({ min: 5, max: 400 })), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(assets, fc.integer({ min: 100, max: 20_000 }), (list, capital) => {
        const sum = list.reduce((s, [w]) => s + w, 0);
        const weights = Float64Array.from(list, ([w]) => w / sum);
        const prices = Float64Array.from(list, ([, price]) => price);
        const exact = q.exactShares(weights, prices, capital);
        expect(exact.leftover).toBeGreaterThanOrEqual(-1e-9);
        expect(dot(exact.shares, prices) + exact.leftover).toBeCloseTo(capital, 6);
        const greedy = q.greedyShares(weights, prices, capital);
        if (greedy.leftover >= 0) expect(exact.deviation).toBeLessThanOrEqual(greedy.deviation + 1e-6);
      }),
      runs,
    );
  });

  test("greedy allocation begins with the largest weight where no share fits its part", () => {
    const weights = Float64Array.of(0.3, 0.7);
    expect([...q.greedyShares(weights, Float64Array.of(90, 80), 100).shares]).toEqual([0, 1]);
  });

  test("exact allocation is the best of all ways", () => {
    const weights = Float64Array.of(0.5, 0.3, 0.2);
    const prices = Float64Array.of(37, 23, 11);
    let best = Infinity;
    for (let a = 0; a <= 5; a++) {
      for (let b = 0; b <= 8; b++) {
        for (let c = 0; c <= 18; c++) {
          const held = [a, b, c].map((n, i) => n * prices[i]!);
          const left = 200 - held.reduce((s, v) => s + v, 0);
          if (left >= 0)
            best = Math.min(
              best,
              held.reduce((s, v, i) => s + Math.abs(weights[i]! * 200 - v), left),
            );
        }
      }
    }
    expect(q.exactShares(weights, prices, 200).deviation).toBeCloseTo(best, 9);
  });
});

describe("attribution", () => {
  test("effects sum to the active return, in a period and linked", () => {
    const percent = fc.integer({ min: -50, max: 50 }).map((v) => v / 100);
    const period = fc.tuple(...Array.from({ length: 8 }, () => percent)).map((v) => ({
      portfolioWeights: Float64Array.of(v[0]!, v[1]!, 1 - v[0]! - v[1]!),
      benchmarkWeights: Float64Array.of(v[2]!, v[3]!, 1 - v[2]! - v[3]!),
      portfolioReturns: Float64Array.of(v[4]!, v[5]!, 0.01),
      benchmarkReturns: Float64Array.of(v[6]!, v[7]!, 0.02),
    }));
    const sum = (e: q.Effects) => total(e.allocation) + total(e.selection) + total(e.interaction);
    fc.assert(
      fc.property(fc.array(period, { minLength: 1, maxLength: 5 }), (list) => {
        const periods = list.map(q.attribute);
        for (const one of periods) expect(sum(one)).toBeCloseTo(one.active, 12);
        if (periods.some((p) => p.portfolioReturn < -0.9 || p.benchmarkReturn < -0.9)) return;
        for (const link of [q.linkCarino, q.linkMenchero]) {
          const all = link(periods);
          expect(sum(all)).toBeCloseTo(all.active, 9);
        }
      }),
      runs,
    );
  });

  test("decimals are exact: 0.7 - 0.6 is a tenth", () => {
    const one = q.attribute({
      portfolioWeights: Float64Array.of(0.7, 0.3),
      benchmarkWeights: Float64Array.of(0.6, 0.4),
      portfolioReturns: Float64Array.of(0.1, 0),
      benchmarkReturns: Float64Array.of(0.1, 0),
    });
    expect(one.active).toBe(0.01);
  });
});

describe("optimize", () => {
  const { returns } = inputs(5, 31);

  test("more tolerance earns and risks more; none is the least variance", () => {
    const portfolios = [0, 0.1, 0.5, 2].map((riskTolerance) => q.optimize(returns, 5, { riskTolerance }));
    for (let i = 1; i < portfolios.length; i++) {
      expect(portfolios[i]!.expectedReturn).toBeGreaterThanOrEqual(portfolios[i - 1]!.expectedReturn - 1e-9);
      expect(portfolios[i]!.volatility).toBeGreaterThanOrEqual(portfolios[i - 1]!.volatility - 1e-9);
    }
    expect([...portfolios[0]!.weights]).toEqual([...q.minVariance(portfolios[0]!.covariance)]);
  });

  test("trades lead from the present weights to the new ones", () => {
    const weights = new Float64Array(5).fill(0.2);
    const got = q.optimize(returns, 5, { weights, maxTurnover: 0.3 });
    got.trades.forEach((v, i) => expect(weights[i]! + v).toBeCloseTo(got.weights[i]!, 14));
    expect(got.trades.reduce((s, v) => s + Math.abs(v), 0)).toBeLessThanOrEqual(0.3 + 1e-7);
  });
});

describe("constraints that cannot be met are named", () => {
  const { means, covariance } = inputs(4, 2);
  const groups = [
    { name: "technology", assets: [0, 1], least: 0.7 },
    { name: "finance", assets: [1, 2, 3], least: 0.9 },
  ];

  test.each<[string, q.Constraints, RegExp]>([
    ["lower bounds above 1", { lower: 0.3 }, /lower bounds sum to 1\.2/],
    ["upper bounds below 1", { upper: 0.2 }, /upper bounds sum to 0\.8/],
    ["crossed bounds", { lower: 0.5, upper: 0.4 }, /asset 0 has lower bound 0\.5 and upper bound 0\.4/],
    [
      "groups",
      { upper: 0.4, groups: [...groups, { name: "all but one", assets: [0, 2, 3], most: 0.5 }] },
      /group/,
    ],
    ["crossed limits", { groups: [{ name: "odd", assets: [0], least: 0.5, most: 0.4 }] }, /group odd/],
    [
      "turnover",
      { lower: Float64Array.of(0, 0, 0, 0.6), turnover: { from: Float64Array.of(1, 0, 0, 0), most: 0.1 } },
      /the turnover limit|trading/,
    ],
  ])("%s", (_, constraints, message) => {
    const attempts = [
      () => q.minVariance(covariance, constraints),
      () => q.maxSharpe(means, covariance, -1, constraints),
      () => q.minShortfall(inputs(4, 2).returns, 4, { constraints }),
    ];
    for (const attempt of attempts) {
      expect(code(attempt)).toBe("infeasible");
      expect(attempt).toThrow(message);
    }
  });

  test.each<[string, () => unknown, string, RegExp]>([
    ["a return out of reach", () => q.targetReturn(means, covariance, 1), "infeasible", /target return 1/],
    [
      "a target that is no number",
      () => q.minDrawdown(inputs(4, 2).returns, 4, { targetReturn: NaN }),
      "notFinite",
      /targetReturn is NaN/,
    ],
    [
      "a volatility out of reach",
      () => q.targetVolatility(means, covariance, 1e-4),
      "infeasible",
      /least volatility/,
    ],
    [
      "an excess return out of reach",
      () => q.maxSharpe(means, covariance, 1),
      "infeasible",
      /risk-free rate 1/,
    ],
    [
      "return without limit",
      () => q.maxReturn(means, covariance, q.UNBOUNDED),
      "infeasible",
      /without limit/,
    ],
    [
      "bounds of another length",
      () => q.minVariance(covariance, { upper: means.slice(1) }),
      "unequalLengths",
      /upper has 3/,
    ],
    [
      "a bound that is none",
      () => q.minVariance(covariance, { upper: NaN }),
      "infeasible",
      /upper bound NaN/,
    ],
    [
      "present weights of another length",
      () => q.optimize(inputs(4, 2).returns, 4, { weights: means.slice(1) }),
      "unequalLengths",
      /turnover.from/,
    ],
    [
      "a group of unknown assets",
      () => q.minVariance(covariance, { groups: [{ name: "g", assets: [7] }] }),
      "outOfRange",
      /asset 7 of 4/,
    ],
    ["assets that are copies", () => q.minVariance(Float64Array.of(1, 1, 1, 1)), "singular", /shrink/],
    [
      "an asymmetric covariance",
      () => q.minVariance(Float64Array.of(1, 0.5, 0.1, 1)),
      "outOfRange",
      /symmetric/,
    ],
    [
      "a budget of nothing",
      () => q.riskParity(covariance, Float64Array.of(1, 0, 1, 1)),
      "outOfRange",
      /budgets\[1\]/,
    ],
    ["NaN in returns", () => q.ledoitWolf(Float64Array.of(1, NaN, 2, 3), 2), "notFinite", /row 0, asset 1/],
  ])("%s", (_, attempt, wanted, message) => {
    expect(code(attempt)).toBe(wanted);
    expect(attempt).toThrow(message);
  });
});
