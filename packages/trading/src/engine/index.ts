export { createEngine } from "./engine.ts";
export type { Curves, Engine, EngineRun } from "./engine.ts";
export * from "./costs.ts";
export * from "./fills.ts";
export * from "./market.ts";
export { decidedOrders, emptyOrderLog, orderStatuses } from "./orderLog.ts";
export type { OrderLog, OrderStatus } from "./orderLog.ts";
export { orderTypes, rejections, timesInForce, toLot } from "./orders.ts";
export type { Bracket, OrderRequest, OrderType, PartialTarget, Rejection, TimeInForce } from "./orders.ts";
export type { ClosedTrade, EngineSettings, EngineState } from "./state.ts";
export { defineStrategy } from "./strategy.ts";
export type {
  EngineStrategy,
  FeatureColumn,
  StrategyContext,
  StrategyInstrument,
  StrategyModule,
} from "./strategy.ts";
export { createCashReconciliation } from "./exact.ts";
export type { CashReconciliation } from "./exact.ts";
export { roundTripsOf } from "./roundTrips.ts";
export type { RoundTrip } from "./roundTrips.ts";
export { atTimes, eachRisk, limitGross, limitWeight, stagedStrategy, tradeToWeights } from "./stages.ts";
export type { Stages } from "./stages.ts";
export { rulesStrategy } from "./rules.ts";
export type { RuleTerms } from "./rules.ts";
export type { ExitTerms, RangeDistance } from "./exits.ts";
export type { RuleSizing } from "./sizing.ts";
export { memberSelector } from "./universe.ts";
export type { Universe } from "./universe.ts";
export { createPortfolioStrategy, portfolioStrategies } from "./portfolios.ts";
export type { PortfolioStrategy } from "./portfolios.ts";
