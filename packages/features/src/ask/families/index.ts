import { bestWorst } from "./bestWorst.ts";
import { closeAgainstAverage } from "./closeAgainstAverage.ts";
import { compareReturns } from "./compareReturns.ts";
import { correlationOf } from "./correlation.ts";
import { countMoves } from "./countMoves.ts";
import { crossovers } from "./crossovers.ts";
import { coverageReport } from "./data.ts";
import { drawdown } from "./drawdown.ts";
import type { Family } from "./family.ts";
import { growthOf } from "./growthOf.ts";
import { indicator } from "./indicator.ts";
import { filingFigure, filingPassage } from "./filings.ts";
import { backtestReport, jobReport, portfolioReport } from "./jobs.ts";
import { definition } from "./knowledge.ts";
import { extreme, meanOf, priceAt, priceLevel } from "./price.ts";
import { returnOver } from "./returnOver.ts";
import { volatility } from "./volatility.ts";

/** Every kind of question, in the order in which they are tried: the more particular first. */
export const families: readonly Family[] = [
  filingFigure,
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
  filingPassage,
  definition,
  jobReport,
];
