import { QuantError } from "@tapedeck/quant/error";
import {
  cornishFisherRisk,
  coverageTest,
  ewmaRisk,
  filteredHistoricalRisk,
  fitPareto,
  fitStudent,
  historicalRisk,
  normalRisk,
  paretoRisk,
  simulatedRisk,
  studentRisk,
  tailShare,
} from "@tapedeck/quant/risk/index";
import type { TailRisk } from "@tapedeck/quant/risk/index";
import { fitGarch, mean, standardDeviation } from "@tapedeck/quant/statistics/index";
import type * as z from "zod";
import type { CoverageRow, RiskMethod, TailRiskRow } from "./contract.ts";

type Method = z.output<typeof RiskMethod>;

const simulatedPaths = 50_000;

export interface TailSettings {
  horizonBars: number;
  barsPerYear: number;
  random: () => number;
}

/** GARCH is fitted in percent, where its optimiser is at home, and brought back to fractions. */
function filteredHistorical(returns: Float64Array, level: number): TailRisk {
  const percent = returns.map((value) => value * 100);
  const { valueAtRisk, expectedShortfall } = filteredHistoricalRisk(percent, fitGarch(percent), level);
  return { valueAtRisk: valueAtRisk / 100, expectedShortfall: expectedShortfall / 100 };
}

/** Geometric Brownian motion with the drift and volatility of the sample's log returns. */
function monteCarlo(returns: Float64Array, level: number, settings: TailSettings): TailRisk {
  const logs = returns.map(Math.log1p);
  const { barsPerYear, horizonBars, random } = settings;
  const volatility = standardDeviation(logs) * Math.sqrt(barsPerYear);
  return simulatedRisk(
    {
      drift: mean(logs) * barsPerYear + volatility ** 2 / 2,
      volatility,
      horizonYears: horizonBars / barsPerYear,
      steps: horizonBars,
      paths: simulatedPaths,
    },
    level,
    random,
  );
}

const estimates: Record<Method, (returns: Float64Array, level: number, settings: TailSettings) => TailRisk> =
  {
    historical: historicalRisk,
    normal: normalRisk,
    cornishFisher: cornishFisherRisk,
    studentT: (returns, level) => studentRisk(fitStudent(returns), level),
    ewma: (returns, level) => ewmaRisk(returns, level),
    filteredHistorical,
    extremeValue: (returns, level) => paretoRisk(fitPareto(returns), level),
    monteCarlo,
  };

export const riskMethods = Object.keys(estimates) as Method[];

/** Value at risk and expected shortfall, or why the method refuses the sample. */
export function tailRiskOf(
  method: Method,
  returns: Float64Array,
  level: number,
  settings: TailSettings,
): Omit<z.output<typeof TailRiskRow>, "evidenceId"> {
  try {
    const { valueAtRisk, expectedShortfall } = estimates[method](returns, level, settings);
    return { method, level, valueAtRisk, expectedShortfall, refusal: null };
  } catch (error) {
    if (!(error instanceof QuantError)) throw error;
    return { method, level, valueAtRisk: null, expectedShortfall: null, refusal: error.message };
  }
}

/** Methods cheap enough to be estimated anew at every bar. */
export const backtestedMethods = ["historical", "normal", "cornishFisher", "ewma"] as const;

/**
 * One-bar forecasts, each from the `window` returns before its bar, against what came.
 * @returns forecasts [n - window] of the value at risk, and the tests of their violations.
 */
export function backtestForecasts(
  method: (typeof backtestedMethods)[number],
  returns: Float64Array,
  level: number,
  window: number,
): { forecasts: Float64Array; row: Omit<z.output<typeof CoverageRow>, "evidenceId"> } {
  const n = returns.length - window;
  const forecasts = new Float64Array(n);
  const hits = new Uint8Array(n);
  const estimate = {
    historical: historicalRisk,
    normal: normalRisk,
    cornishFisher: cornishFisherRisk,
    ewma: ewmaRisk,
  }[method];
  for (let t = 0; t < n; t++) {
    forecasts[t] = estimate(returns.subarray(t, t + window), level).valueAtRisk;
    hits[t] = Number(returns[t + window]! < -forecasts[t]!);
  }
  const share = tailShare(level);
  const { observations, violations, kupiec, independence, conditional } = coverageTest(hits, share);
  return {
    forecasts,
    row: {
      method,
      level,
      forecasts: observations,
      violations,
      expected: observations * share,
      kupiecP: kupiec.p,
      independenceP: independence.p,
      conditionalP: conditional.p,
      passed: kupiec.p >= 0.05 && independence.p >= 0.05,
    },
  };
}
