import { AppError } from "@tapedeck/core";
import * as q from "@tapedeck/quant/sizing/index";
import { citeFigures } from "../kind.ts";
import type { AnalysisKind, FigureDraft } from "../kind.ts";
import type { SizingPayload, SizingResult, SizingRule } from "./contract.ts";

type Drafts = Record<string, Omit<FigureDraft, "formula" | "group">>;

const sideOf = (side: "long" | "short"): q.Side => (side === "long" ? 1 : -1);
const stop = (value: number | null, reading: string): Drafts => ({
  stop: { label: "Stop price", value, unit: "price", reading },
});
const quantity = (value: number, reading: string): Drafts => ({
  quantity: { label: "Quantity", value, unit: "units", reading },
});
const fractions = (kelly: Float64Array, share: number): Drafts =>
  Object.fromEntries(
    Array.from(q.fractionalKelly(kelly, share), (value, at) => [
      kelly.length === 1 ? "fraction" : `fraction${at + 1}`,
      {
        label: kelly.length === 1 ? "Fraction of capital" : `Fraction of capital in asset ${at + 1}`,
        value,
        unit: "fraction",
        reading: share === 1 ? "full Kelly" : `${share} of full Kelly`,
      },
    ]),
  );

function matrix(rows: readonly (readonly number[])[], assets: number): Float64Array {
  if (rows.length !== assets || rows.some((row) => row.length !== assets)) {
    throw new AppError(
      "payload.invalid",
      `The covariance of ${assets} assets has ${assets} rows of ${assets} numbers.`,
    );
  }
  return Float64Array.from(rows.flat());
}

function computed(rule: SizingRule): Drafts {
  switch (rule.name) {
    case "kelly":
      return fractions(Float64Array.of(q.kellyBinary(rule.probability, rule.odds)), rule.share);
    case "kellyReturns":
      return fractions(
        Float64Array.of(q.kellyEmpirical(Float64Array.from(rule.returns)).fraction),
        rule.share,
      );
    case "kellyAssets": {
      const means = Float64Array.from(rule.means);
      return fractions(
        q.kellyWeights(means, matrix(rule.covariance, means.length), rule.riskFree),
        rule.share,
      );
    }
    case "fixedFractional":
      return quantity(
        q.fixedFractional(rule.equity, rule.fraction, rule.entry, rule.stop),
        "loses the fraction of the equity at the stop",
      );
    case "fixedRatio":
      return quantity(q.fixedRatio(rule.profit, rule.delta), "whole units, at least one");
    case "volatilityTarget":
      return quantity(
        q.volatilityTarget(rule.equity, rule.price, rule.volatility, rule.target, rule.maxLeverage),
        "its volatility is the target's share of the equity",
      );
    case "atrRisk":
      return quantity(
        q.atrRisk(rule.equity, rule.fraction, rule.atr, rule.multiple),
        "loses the fraction of the equity in a move of so many average true ranges",
      );
    case "optimalF": {
      const { fraction, worstLoss, growth } = q.optimalF(Float64Array.from(rule.profits));
      return {
        fraction: {
          label: "Optimal f",
          value: fraction,
          unit: "fraction",
          reading: "of the equity, against the worst loss",
        },
        worstLoss: {
          label: "Largest loss of a unit",
          value: worstLoss,
          unit: "price",
          reading: "of the trades given",
        },
        growth: {
          label: "Growth a trade",
          value: growth,
          unit: "log return",
          reading: "mean, at that fraction",
        },
      };
    }
    case "fixedStop":
      return stop(
        q.fixedStop(sideOf(rule.side), rule.entry, rule.fraction),
        "a fraction away from the entry",
      );
    case "trailingStop":
      return stop(
        q.trailingStop(sideOf(rule.side), rule.best, rule.fraction),
        "a fraction away from the best price",
      );
    case "atrStop":
      return stop(
        q.atrStop(sideOf(rule.side), rule.entry, rule.atr, rule.multiple),
        "ranges away from the entry",
      );
    case "chandelierStop":
      return stop(
        q.chandelierStop(sideOf(rule.side), rule.best, rule.atr, rule.multiple),
        "ranges away from the best price",
      );
    case "breakEvenStop": {
      const at = q.breakEvenStop(sideOf(rule.side), rule.entry, rule.best, rule.trigger, rule.cost);
      return stop(at, at === null ? "none before the trigger" : "pays the costs of the trade");
    }
    case "timeStop": {
      const close = q.timeStop(rule.barsHeld, rule.maxBars);
      const barsLeft = Math.max(0, rule.maxBars - rule.barsHeld);
      return {
        barsLeft: {
          label: "Bars left",
          value: barsLeft,
          unit: "bars",
          reading: close ? "close it" : "hold it",
        },
      };
    }
    case "profitThreshold": {
      const { name: _, regimes, regimeFactors, ...inputs } = rule;
      const value = q.profitThreshold({
        ...inputs,
        ...(regimes === undefined ? {} : { regimes: Float64Array.from(regimes) }),
        ...(regimeFactors === undefined ? {} : { regimeFactors: Float64Array.from(regimeFactors) }),
      });
      return {
        threshold: {
          label: "Profit threshold",
          value,
          unit: "fraction",
          reading: "of the entry price, costs paid",
        },
      };
    }
  }
}

/** Every input of a rule, so that the evidence says what was computed from what. */
function callOf({ name, ...inputs }: SizingRule): string {
  return `${name}(${Object.entries(inputs)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
    .join(", ")})`;
}

export const sizing: AnalysisKind<SizingPayload, SizingResult> = {
  instruments: () => [],

  async run({ rule }, input) {
    const call = callOf(rule);
    const drafts = Object.fromEntries(
      Object.entries(computed(rule)).map(([name, draft]) => [
        name,
        { ...draft, group: "Sizing", formula: `${call}.${name}` },
      ]),
    );
    const figures = await citeFigures(input, drafts);
    const evidenceIds = Object.values(figures).map((one) => one.evidenceId);
    return { kind: "sizing", rule: rule.name, figures, seriesRef: null, evidenceIds };
  },
};
