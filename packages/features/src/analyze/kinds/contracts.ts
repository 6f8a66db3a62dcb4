import type * as z from "zod";
import { AnomaliesPayload, AnomaliesResult } from "./anomalies/contract.ts";
import { AttributionPayload, AttributionResult } from "./attribution/contract.ts";
import { BondPayload, BondResult } from "./bond/contract.ts";
import { CorrelationPayload, CorrelationResult } from "./correlation/contract.ts";
import { EventStudyPayload, EventStudyResult } from "./eventStudy/contract.ts";
import { FormulasPayload, FormulasResult } from "./formulas/contract.ts";
import { OptionsPayload, OptionsResult } from "./options/contract.ts";
import { OverfittingPayload, OverfittingResult } from "./overfitting/contract.ts";
import { PairSearchPayload, PairSearchResult } from "./pairSearch/contract.ts";
import { PairsPayload, PairsResult } from "./pairs/contract.ts";
import { PatternsPayload, PatternsResult } from "./patterns/contract.ts";
import { PortfolioPayload, PortfolioResult } from "./portfolio/contract.ts";
import { RegimesPayload, RegimesResult } from "./regimes/contract.ts";
import { RiskPayload, RiskResult } from "./risk/contract.ts";
import { SizingPayload, SizingResult } from "./sizing/contract.ts";
import { StatisticsPayload, StatisticsResult } from "./statistics/contract.ts";
import { SummaryPayload, SummaryResult } from "./summary/contract.ts";

/** Payload of every kind of analysis. A new kind is a folder, two lines here and one in handlers.ts. */
export const analysisPayloads = [
  FormulasPayload,
  SummaryPayload,
  StatisticsPayload,
  PairsPayload,
  PairSearchPayload,
  CorrelationPayload,
  RiskPayload,
  PortfolioPayload,
  RegimesPayload,
  AnomaliesPayload,
  PatternsPayload,
  OptionsPayload,
  AttributionPayload,
  BondPayload,
  OverfittingPayload,
  SizingPayload,
  EventStudyPayload,
] as const;

/** Result of every kind, in the same order. */
export const analysisResults = [
  FormulasResult,
  SummaryResult,
  StatisticsResult,
  PairsResult,
  PairSearchResult,
  CorrelationResult,
  RiskResult,
  PortfolioResult,
  RegimesResult,
  AnomaliesResult,
  PatternsResult,
  OptionsResult,
  AttributionResult,
  BondResult,
  OverfittingResult,
  SizingResult,
  EventStudyResult,
] as const;

export type AnyAnalysisPayload = z.output<(typeof analysisPayloads)[number]>;
export type AnyAnalysisResult = z.output<(typeof analysisResults)[number]>;
export type AnalysisKindName = AnyAnalysisPayload["kind"];
export type PayloadOfKind<K extends AnalysisKindName> = Extract<AnyAnalysisPayload, { kind: K }>;
export type ResultOfKind<K extends AnalysisKindName> = Extract<AnyAnalysisResult, { kind: K }>;
