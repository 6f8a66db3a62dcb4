import type { HandlersFor } from "@tapedeck/core";
import type { contracts } from "./contracts.ts";
import { runExecute } from "./orders/run.ts";
import { runBacktest } from "./backtest/run.ts";
import { runBiasAudit } from "./backtest/audit/run.ts";
import { runPortfolioAudit } from "./backtest/audit/portfolio.ts";
import { runPortfolioBacktest } from "./backtest/portfolio/run.ts";
import { runMonteCarlo } from "./backtest/monteCarlo/run.ts";
import { runBacktestPart } from "./backtest/parts/run.ts";
import { runSweep } from "./backtest/sweep/run.ts";
import { runWalkForward } from "./backtest/walkForward/run.ts";
import { runSentiment } from "./sentiment/run.ts";
import { runExtract } from "./events/run.ts";
import type { Tx } from "./db.ts";
import type { Deps } from "./deps.ts";
import { runIngest } from "./ingest/run.ts";
import { runDocumentIngest } from "./ingest/documents/run.ts";
import { runAnalyze } from "./analyze/run.ts";
import { runAsk } from "./ask/run.ts";

export const handlers = {
  ingest: runIngest,
  documentIngest: runDocumentIngest,
  analyze: runAnalyze,
  ask: runAsk,
  backtest: runBacktest,
  sweep: runSweep,
  biasAudit: runBiasAudit,
  portfolioBacktest: runPortfolioBacktest,
  portfolioAudit: runPortfolioAudit,
  walkForward: runWalkForward,
  backtestPart: runBacktestPart,
  monteCarlo: runMonteCarlo,
  execute: runExecute,
  sentiment: runSentiment,
  extract: runExtract,
} satisfies HandlersFor<typeof contracts, Deps, Tx>;
