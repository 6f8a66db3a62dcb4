import { AppError } from "@tapedeck/core";
import { QuantError } from "@tapedeck/quant/error";
import {
  describePortfolio,
  efficientFrontier,
  exactShares,
  greedyShares,
} from "@tapedeck/quant/portfolio/index";
import type { PortfolioFigures } from "@tapedeck/quant/portfolio/index";
import { historicalRisk } from "@tapedeck/quant/risk/index";
import { barsPerYear } from "@tapedeck/trading/performance";
import { alignCloses, describeBars, returnsOf } from "../align.ts";
import { citeFigures, citeRowsOf, finite, pace } from "../kind.ts";
import type { AnalysisInput, AnalysisKind, FigureDraft } from "../kind.ts";
import type { PortfolioMethod, PortfolioPayload, PortfolioResult } from "./contract.ts";
import { constraintsOf, estimate, isConstrained } from "./estimates.ts";
import { comparable, solvePortfolio, takesConstraints } from "./methods.ts";
import type { MethodInput } from "./methods.ts";

const leastReturns = 30;
/** Up to so many assets the best whole units are searched for, beyond they are found step by step. */
const exactAllocationAssets = 12;

type OutcomeRow = Omit<PortfolioResult["outcomes"][number], "evidenceId">;

/** One method's portfolio, or why it has none. */
function outcomeOf(method: PortfolioMethod, input: MethodInput): OutcomeRow {
  const none = { method, weights: null, expectedReturn: null, volatility: null, sharpe: null };
  if (!takesConstraints(method) && isConstrained(input.payload))
    return { ...none, refusal: "takes no bounds, groups, turnover or cost" };
  try {
    const weights = solvePortfolio(method, input);
    const { expectedReturn, volatility, sharpe } = figuresOfWeights(weights, input);
    return {
      method,
      weights: Array.from(weights),
      expectedReturn,
      volatility,
      sharpe: finite(sharpe),
      refusal: null,
    };
  } catch (error) {
    if (!(error instanceof QuantError)) throw error;
    return { ...none, refusal: error.message };
  }
}

function figuresOfWeights(
  weights: Float64Array,
  { means, covariance, payload }: MethodInput,
): PortfolioFigures {
  return describePortfolio(weights, means, covariance, payload.riskFree);
}

function callOf(payload: PortfolioPayload, method: PortfolioMethod): string {
  const { assets, covariance, expectedReturns } = payload;
  return `${method}(${assets.join(", ")}; ${covariance} covariance, ${expectedReturns} returns)`;
}

function draftsOf(
  payload: PortfolioPayload,
  weights: Float64Array,
  figures: PortfolioFigures,
  input: MethodInput,
): Record<keyof PortfolioResult["figures"], FigureDraft> {
  const { returns, shrinkage } = input;
  const k = weights.length;
  const bars = returns.length / k;
  const mix = Float64Array.from({ length: bars }, (_, t) =>
    weights.reduce((sum, w, i) => sum + w * returns[t * k + i]!, 0),
  );
  const call = callOf(payload, payload.method);
  const figure = (label: string, name: string, value: number | null, unit: string, reading: string) => ({
    group: "Portfolio",
    label,
    formula: `${call}.${name}`,
    value,
    unit,
    reading,
  });
  const present = payload.weights;
  return {
    expectedReturn: figure(
      "Expected return a year",
      "expectedReturn",
      figures.expectedReturn,
      "fraction",
      "an estimate: the least sure figure here",
    ),
    volatility: figure(
      "Volatility a year",
      "volatility",
      figures.volatility,
      "fraction",
      `by the ${payload.covariance} covariance`,
    ),
    sharpe: figure(
      "Sharpe ratio",
      "sharpe",
      figures.sharpe,
      "ratio",
      `a year, risk-free rate ${payload.riskFree}`,
    ),
    expectedShortfall: figure(
      "Expected shortfall a bar",
      "expectedShortfall",
      historicalRisk(mix, payload.level).expectedShortfall,
      "fraction",
      `mean loss of the worst ${Number(((1 - payload.level) * 100).toFixed(4))} % of these bars`,
    ),
    diversificationRatio: figure(
      "Diversification ratio",
      "diversificationRatio",
      figures.diversificationRatio,
      "ratio",
      "1 is one asset's risk; higher is more diversified",
    ),
    effectiveAssets: figure(
      "Effective assets",
      "effectiveAssets",
      figures.effectiveAssets,
      "assets",
      "how many equal weights it is like",
    ),
    turnover: figure(
      "Turnover from the weights held now",
      "turnover",
      present === undefined ? null : weights.reduce((sum, w, i) => sum + Math.abs(w - present[i]!), 0),
      "fraction",
      present === undefined
        ? "not defined: no present weights were given"
        : "sum of the changes; 2 is everything",
    ),
    shrinkage: figure(
      "Shrinkage of the covariance",
      "shrinkage",
      shrinkage,
      "fraction",
      shrinkage === null ? "this estimate does not shrink" : "share of the simple target in it",
    ),
  };
}

async function citeAllocation(
  input: AnalysisInput,
  payload: PortfolioPayload,
  weights: Float64Array,
  prices: Float64Array,
): Promise<PortfolioResult["allocation"]> {
  const { cash } = payload;
  if (cash === undefined) return null;
  if (weights.some((w) => w < 0)) {
    throw new AppError(
      "payload.invalid",
      "Whole units are found for long-only weights; leave cash out, or set minWeight to 0.",
    );
  }
  const currencies = new Set(input.datasets.map((one) => one.instrument.currency));
  if (currencies.size > 1) {
    throw new AppError(
      "payload.invalid",
      `Cash of one currency cannot be spread over prices in ${[...currencies].join(" and ")}; leave cash out.`,
    );
  }
  const allocate = weights.length <= exactAllocationAssets ? exactShares : greedyShares;
  const { shares, leftover } = allocate(weights, prices, cash);
  const [evidenceId] = await input.cite([
    {
      formula: `wholeUnits(${callOf(payload, payload.method)}.weights, last closes, ${cash}).left`,
      value: leftover,
      unit: [...currencies][0]!,
      atMs: null,
    },
  ]);
  return {
    units: input.datasets.map(({ instrument }, i) => ({
      instrumentId: instrument.instrumentId,
      units: shares[i]!,
      price: prices[i]!,
      value: shares[i]! * prices[i]!,
    })),
    left: leftover,
    evidenceId: evidenceId!,
  };
}

export const portfolio: AnalysisKind<PortfolioPayload, PortfolioResult> = {
  instruments(payload) {
    constraintsOf(payload);
    if (isConstrained(payload) && !takesConstraints(payload.method)) {
      throw new AppError(
        "payload.invalid",
        `${payload.method} takes no bounds, groups, turnover or cost; leave them out, or choose another method.`,
      );
    }
    return payload.assets;
  },

  async run(payload, input) {
    const aligned = alignCloses(input.datasets, leastReturns + 1);
    const { calendar } = input.datasets[0]!.instrument;
    const perYear = barsPerYear(calendar, input.datasets[0]!.timeframe);
    const k = payload.assets.length;
    const each = aligned.closes.map(returnsOf);
    const returns = Float64Array.from(
      { length: each[0]!.length * k },
      (_, at) => each[at % k]![Math.floor(at / k)]!,
    );
    const estimates = estimate(payload, returns, perYear);
    const method: MethodInput = { ...estimates, payload, returns, constraints: constraintsOf(payload) };
    const methods = comparable(payload);
    const steps = methods.length + 2;
    const weights = solvePortfolio(payload.method, method);
    await pace(input, 1, steps);
    const outcomes: OutcomeRow[] = [];
    for (const one of methods) {
      outcomes.push(outcomeOf(one, method));
      await pace(input, outcomes.length + 1, steps);
    }
    const { means, covariance, constraints } = method;
    const frontier = efficientFrontier(means, covariance, payload.frontierPoints, constraints).map(
      (point) => ({
        expectedReturn: point.expectedReturn,
        volatility: point.volatility,
        weights: Array.from(point.weights),
      }),
    );
    const figures = figuresOfWeights(weights, method);
    const call = callOf(payload, payload.method);
    const assets = await citeRowsOf(
      input,
      input.datasets.map(({ instrument: { instrumentId } }, i) => ({
        instrumentId,
        weight: weights[i]!,
        present: payload.weights?.[i] ?? null,
        expectedReturn: means[i]!,
        volatility: Math.sqrt(covariance[i * k + i]!),
        riskContribution: figures.riskContributions[i]!,
        riskShare: figures.riskContributions[i]! / figures.volatility,
      })),
      (row) => ({ formula: `${call}.weights["${row.instrumentId}"]`, value: row.weight, unit: "fraction" }),
    );
    const prices = Float64Array.from(aligned.closes, (closes) => closes.at(-1)!);
    const result: PortfolioResult = {
      kind: "portfolio",
      ...(await describeBars(input, aligned)),
      seriesRef: null,
      notes: [
        "Weights are the best for these bars and estimates; those of a future are not known. Expected returns above all are uncertain.",
      ],
      method: payload.method,
      figures: await citeFigures(input, draftsOf(payload, weights, figures, method)),
      assets,
      frontier,
      outcomes: await citeRowsOf(input, outcomes, (row) => ({
        formula: `${callOf(payload, row.method)}.volatility`,
        value: row.volatility,
        unit: "fraction",
      })),
      allocation: await citeAllocation(input, payload, weights, prices),
    };
    await pace(input, steps, steps);
    return result;
  },
};
