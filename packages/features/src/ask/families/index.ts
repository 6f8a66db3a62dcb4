import { coverageReport } from "./data.ts";
import type { Family } from "./family.ts";
import { backtestReport, jobReport, portfolioReport } from "./jobs.ts";
import { definition } from "./knowledge.ts";
import { extreme, meanOf, priceAt, priceLevel } from "./price.ts";
import {
  bestWorst,
  compareReturns,
  correlationOf,
  countMoves,
  drawdown,
  returnOver,
  volatility,
  growthOf,
} from "./returns.ts";
import { closeAgainstAverage, crossovers, indicator } from "./trend.ts";

/** Every kind of question, in the order in which they are tried: the more particular first. */
export const families: readonly Family[] = [
  backtestReport,
  portfolioReport,
  coverageReport,
  crossovers,
  closeAgainstAverage,
  correlationOf,
  growthOf,
  volatility,
  drawdown,
  indicator,
  countMoves,
  bestWorst,
  compareReturns,
  priceLevel,
  meanOf,
  extreme,
  returnOver,
  priceAt,
  definition,
  jobReport,
];
