import { afterMoves } from "./aftermath.ts";
import { alertReport, exposureReport, orderReport, portfolioRisk } from "./accounts.ts";
import { positionSize, requiredGain } from "./arithmetic.ts";
import { bestWorst } from "./bestWorst.ts";
import { calendar } from "./calendar.ts";
import { callTone } from "./callTone.ts";
import { closeAgainstAverage } from "./closeAgainstAverage.ts";
import { filingCompare, filingTrend } from "./comparedFigures.ts";
import { compareReturns } from "./compareReturns.ts";
import { correlationOf } from "./correlation.ts";
import { countMoves } from "./countMoves.ts";
import { crossovers } from "./crossovers.ts";
import { coverageReport } from "./data.ts";
import { distribution, howUnusual, valueAtRisk } from "./distribution.ts";
import { drawdown } from "./drawdown.ts";
import { explainIndicator, explainSignal } from "./explain.ts";
import type { Family } from "./family.ts";
import { filingFigure, filingPassage } from "./filings.ts";
import { growthOf } from "./growthOf.ts";
import { missedDays, regularInvesting, rollingReturn, timeToGain } from "./holding.ts";
import { indicator } from "./indicator.ts";
import { backtestReport, jobReport, portfolioReport } from "./jobs.ts";
import { definition } from "./knowledge.ts";
import { supportAndResistance, tradingRange } from "./levels.ts";
import { commentary, instrumentReport } from "./overview.ts";
import { news, sentimentOf } from "./news.ts";
import { betaOf, cointegration, rollingCorrelation } from "./pairs.ts";
import { filingPremise } from "./premises.ts";
import { extreme, meanOf, priceAt, priceLevel } from "./price.ts";
import { quarterFigure } from "./quarterFigures.ts";
import { rank } from "./rank.ts";
import { riskRatio } from "./ratio.ts";
import { gaps, seasonality, streak, volumeSpikes } from "./recurring.ts";
import { returnOver } from "./returnOver.ts";
import { said } from "./said.ts";
import { screen } from "./screen.ts";
import { volatility } from "./volatility.ts";
import { whatIf } from "./whatIf.ts";
import { whyMoved } from "./whyMoved.ts";

/** Every kind of question, in the order in which they are tried: the more particular first. */
export const families: readonly Family[] = [
  callTone,
  said,
  calendar,
  quarterFigure,
  filingPremise,
  filingFigure,
  filingCompare,
  filingTrend,
  explainSignal,
  orderReport,
  alertReport,
  sentimentOf,
  news,
  missedDays,
  regularInvesting,
  whatIf,
  backtestReport,
  positionSize,
  portfolioRisk,
  exposureReport,
  portfolioReport,
  requiredGain,
  rank,
  screen,
  coverageReport,
  crossovers,
  closeAgainstAverage,
  betaOf,
  cointegration,
  rollingCorrelation,
  correlationOf,
  growthOf,
  valueAtRisk,
  riskRatio,
  seasonality,
  distribution,
  howUnusual,
  streak,
  gaps,
  volumeSpikes,
  rollingReturn,
  timeToGain,
  afterMoves,
  whyMoved,
  supportAndResistance,
  tradingRange,
  volatility,
  drawdown,
  explainIndicator,
  indicator,
  countMoves,
  bestWorst,
  compareReturns,
  priceLevel,
  meanOf,
  extreme,
  instrumentReport,
  commentary,
  returnOver,
  priceAt,
  filingPassage,
  definition,
  jobReport,
];
