import { defineJob } from "@tapedeck/core";
import * as z from "zod";
import { BacktestPayload } from "../contract.ts";
import { PortfolioBacktestPayload } from "../portfolio/contract.ts";

/** Places at which the future is cut away. */
const cuts = z.int().min(5).max(200).default(30);

export const BiasAuditPayload = BacktestPayload.extend({ cuts }).strict().meta({ id: "BiasAuditPayload" });
export type BiasAuditPayload = z.output<typeof BiasAuditPayload>;

export const PortfolioAuditPayload = PortfolioBacktestPayload.extend({ cuts })
  .strict()
  .meta({ id: "PortfolioAuditPayload" });
export type PortfolioAuditPayload = z.output<typeof PortfolioAuditPayload>;

export const AuditCheck = z
  .object({
    name: z.enum([
      "lookAhead",
      "recursion",
      "revisions",
      "permutation",
      "splits",
      "survivorship",
      "delay",
      "costs",
    ]),
    /** warning: not wrong in itself, but read the detail; notJudged: nothing to tell it by, for the reason in the detail. */
    outcome: z.enum(["pass", "fail", "warning", "notJudged"]),
    detail: z.string(),
    /** Close of the first bar whose decision differs, or that is suspect. */
    firstMs: z.int().nullable(),
  })
  .meta({ id: "AuditCheck" });
export type AuditCheck = z.output<typeof AuditCheck>;

const AuditVerdict = z.object({
  warmupBars: z.int(),
  /** No check failed. */
  passed: z.boolean(),
  checks: z.array(AuditCheck),
  /** Total returns, fractions: as it is, every decision one bar later, fees and slippage doubled. */
  totalReturn: z.number(),
  delayedReturn: z.number(),
  doubledCostsReturn: z.number(),
});
export type AuditVerdict = z.output<typeof AuditVerdict>;

export const BiasAuditResult = AuditVerdict.extend({
  instrumentId: z.string(),
  timeframe: z.string(),
  datasetHash: z.string(),
  bars: z.int(),
}).meta({ id: "BiasAuditResult" });
export type BiasAuditResult = z.output<typeof BiasAuditResult>;

export const PortfolioAuditResult = AuditVerdict.extend({
  instruments: z.array(z.object({ instrumentId: z.string(), datasetHash: z.string(), bars: z.int() })),
  timeframe: z.string(),
  /** Distinct closes. */
  instants: z.int(),
}).meta({ id: "PortfolioAuditResult" });
export type PortfolioAuditResult = z.output<typeof PortfolioAuditResult>;

const progress = z.object({ checksDone: z.int(), checksTotal: z.int() });

export const biasAudit = defineJob({
  name: "biasAudit",
  path: "/bias-audits",
  queue: "backtest",
  summary:
    "Run a backtest again without its future, with other warm-ups, late and dear, and say what changes",
  version: 2,
  reuse: false,
  role: "analyst",
  attempts: 3,
  timeoutMs: 900_000,
  cpu: true,
  payload: BiasAuditPayload,
  progress,
  result: BiasAuditResult,
  examples: [
    {
      instrumentId: "SPX.INDEX",
      strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 50, slow: 200 } },
    },
  ],
});

export const portfolioAudit = defineJob({
  name: "portfolioAudit",
  path: "/portfolio-audits",
  queue: "backtest",
  summary:
    "Run a strategy over several instruments again without its future, with other names and warm-ups, late and dear, and say what changes",
  version: 1,
  reuse: false,
  role: "analyst",
  attempts: 3,
  timeoutMs: 1_800_000,
  cpu: true,
  payload: PortfolioAuditPayload,
  progress,
  result: PortfolioAuditResult,
  examples: [{ instruments: ["SPX.INDEX"], strategy: { name: "volatilityTarget", params: { target: 0.1 } } }],
});
