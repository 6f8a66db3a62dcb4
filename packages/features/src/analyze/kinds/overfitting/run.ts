import { backtestOverfitting } from "@tapedeck/quant/risk/index";
import { citeFigures } from "../kind.ts";
import type { AnalysisKind } from "../kind.ts";
import type { OverfittingPayload, OverfittingResult } from "./contract.ts";

/** The trials' returns as [periods, trials] row-major. */
function byPeriod(trials: readonly (readonly number[])[]): Float64Array {
  const returns = new Float64Array(trials.length * trials[0]!.length);
  trials.forEach((trial, j) => trial.forEach((value, t) => (returns[t * trials.length + j] = value)));
  return returns;
}

export const overfitting: AnalysisKind<OverfittingPayload, OverfittingResult> = {
  instruments: () => [],

  async run({ trials, blocks }, input) {
    const found = backtestOverfitting(byPeriod(trials), trials.length, blocks);
    const call = `backtestOverfitting(${trials.length} trials of ${trials[0]!.length} periods, ${blocks} blocks)`;
    const group = "Overfitting";
    const figures = await citeFigures(input, {
      probability: {
        group,
        label: "Probability of backtest overfitting",
        formula: `${call}.probability`,
        value: found.probability,
        unit: "fraction",
        reading: `of ${found.combinations} splits: the best trial in sample was no better than the median after`,
      },
      probabilityOfLoss: {
        group,
        label: "Probability of loss",
        formula: `${call}.probabilityOfLoss`,
        value: found.probabilityOfLoss,
        unit: "fraction",
        reading: "of splits where the best trial in sample lost out of sample",
      },
      degradation: {
        group,
        label: "Slope of degradation",
        formula: `${call}.degradation.slope`,
        value: found.degradation?.slope ?? null,
        unit: "ratio",
        reading: found.degradation
          ? "metric out of sample per unit of metric in sample"
          : "not defined where the metric in sample never varies",
      },
    });
    const evidenceIds = Object.values(figures).map((one) => one.evidenceId);
    return { kind: "overfitting", figures, seriesRef: null, evidenceIds };
  },
};
