import { defineJob } from "@tapedeck/core";
import * as z from "zod";
import { BacktestPayload, Strategy } from "../contract.ts";

export const BiasAuditPayload = BacktestPayload.extend({
  strategy: Strategy,
  /** Places at which the future is cut away. */
  cuts: z.int().min(5).max(200).default(30),
})
  .strict()
  .meta({ id: "BiasAuditPayload" });
export type BiasAuditPayload = z.output<typeof BiasAuditPayload>;

export const AuditCheck = z
  .object({
    name: z.enum(["lookAhead", "recursion", "revisions", "splits", "survivorship", "delay", "costs"]),
    /** warning: not wrong in itself, but read the detail. */
    outcome: z.enum(["pass", "fail", "warning"]),
    detail: z.string(),
    /** Close of the first bar whose decision differs, or that is suspect. */
    firstMs: z.int().nullable(),
  })
  .meta({ id: "AuditCheck" });
export type AuditCheck = z.output<typeof AuditCheck>;

export const BiasAuditResult = z
  .object({
    instrumentId: z.string(),
    timeframe: z.string(),
    datasetHash: z.string(),
    bars: z.int(),
    warmupBars: z.int(),
    /** No check failed. */
    passed: z.boolean(),
    checks: z.array(AuditCheck),
    /** Total returns, fractions: as it is, every decision one bar later, fees and slippage doubled. */
    totalReturn: z.number(),
    delayedReturn: z.number(),
    doubledCostsReturn: z.number(),
  })
  .meta({ id: "BiasAuditResult" });
export type BiasAuditResult = z.output<typeof BiasAuditResult>;

export const biasAudit = defineJob({
  name: "biasAudit",
  path: "/bias-audits",
  queue: "backtest",
  summary:
    "Run a backtest again without its future, with other warm-ups, late and dear, and say what changes",
  version: 1,
  reuse: false,
  role: "analyst",
  attempts: 3,
  timeoutMs: 900_000,
  cpu: true,
  payload: BiasAuditPayload,
  progress: z.object({ checksDone: z.int(), checksTotal: z.int() }),
  result: BiasAuditResult,
  examples: [
    {
      instrumentId: "SPX.INDEX",
      strategy: { kind: "builtIn", name: "maCrossover", params: { fast: 50, slow: 200 } },
    },
  ],
});
