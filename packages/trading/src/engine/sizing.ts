import {
  atrRisk,
  fixedFractional,
  fixedRatio,
  kellyEmpirical,
  optimalF,
  volatilityTarget,
} from "@tapedeck/quant/sizing/index";
import type { Side } from "@tapedeck/quant/sizing/index";
import type { Exits } from "./exits.ts";
import type { OrderRequest } from "./orders.ts";
import type { StrategyContext } from "./strategy.ts";

/**
 * How much an entry buys or sells short. The first three are of the cash when the order fills; the others are units found at the decision,
 * by the formulas of quant's sizing. `start` is the share of the equity while fewer than `least` trades are over, or none has lost;
 * later the last 500 count.
 */
export type RuleSizing =
  | { readonly kind: "fractionOfEquity"; readonly value: number }
  | { readonly kind: "fixedQuantity"; readonly value: number }
  | { readonly kind: "fixedCash"; readonly value: number }
  /** Loses `fraction` of the equity between the entry and its nearest stop. */
  | { readonly kind: "fixedFractional"; readonly fraction: number }
  | {
      readonly kind: "atrRisk";
      readonly fraction: number;
      readonly length: number;
      readonly multiple: number;
    }
  /** Volatility a bar of the position as a fraction of the equity. */
  | {
      readonly kind: "volatilityTarget";
      readonly target: number;
      readonly length: number;
      readonly maxLeverage: number;
    }
  /** `quantity` times Jones's units for the profit made so far. */
  | { readonly kind: "fixedRatio"; readonly delta: number; readonly quantity: number }
  | { readonly kind: "kelly"; readonly share: number; readonly least: number; readonly start: number }
  | { readonly kind: "optimalF"; readonly least: number; readonly start: number };

const mostTrades = 500;

type Size = Pick<OrderRequest, "quantity" | "cashFraction" | "cashAmount">;

/** Size of an entry decided now; undefined: none, since what it needs has no value yet. */
export type Sizer = (context: StrategyContext, k: number, side: Side) => Size | undefined;

/** `feature` gives the handle of a formula that the strategy reads. */
export function createSizer(sizing: RuleSizing, exits: Exits, feature: (formula: string) => number): Sizer {
  if (sizing.kind === "fractionOfEquity") return () => ({ cashFraction: sizing.value });
  if (sizing.kind === "fixedQuantity") return () => ({ quantity: sizing.value });
  if (sizing.kind === "fixedCash") return () => ({ cashAmount: sizing.value });
  const units = unitsOf(sizing, exits, feature);
  return (context, k, side) => {
    const quantity = units(context, k, side);
    return quantity > 0 ? { quantity } : undefined;
  };
}

type Units = (context: StrategyContext, k: number, side: Side) => number;

function unitsOf(
  sizing: Exclude<RuleSizing, { kind: "fractionOfEquity" | "fixedQuantity" | "fixedCash" }>,
  exits: Exits,
  feature: (formula: string) => number,
): Units {
  /** Base currency for a unit and a point of price. */
  const unitValue = (context: StrategyContext, k: number) =>
    context.equity / (context.unitsFor(1, k) * context.mark(k));
  if (sizing.kind === "fixedFractional") {
    return (context, k, side) => {
      const distance = exits.distance(context, k, side) * unitValue(context, k);
      return distance > 0 ? fixedFractional(context.equity, sizing.fraction, distance, 0) : Number.NaN;
    };
  }
  if (sizing.kind === "atrRisk") {
    const range = feature(`atr(${sizing.length})`);
    return (context, k) => {
      const scale = (context.mark(k) / context.close(k)) * unitValue(context, k);
      const value = context.value(range, k) * scale;
      return value > 0 ? atrRisk(context.equity, sizing.fraction, value, sizing.multiple) : Number.NaN;
    };
  }
  if (sizing.kind === "volatilityTarget") {
    const deviation = feature(`stddev(close / lag(close, 1) - 1, ${sizing.length})`);
    return (context, k) => {
      const value = context.value(deviation, k);
      const price = context.mark(k) * unitValue(context, k);
      if (!(value > 0)) return Number.NaN;
      return volatilityTarget(context.equity, price, value, sizing.target, sizing.maxLeverage);
    };
  }
  if (sizing.kind === "fixedRatio") {
    return (context) => {
      const profit = context.closedTrades.reduce((sum, trade) => sum + trade.profit, 0);
      return sizing.quantity * fixedRatio(profit, sizing.delta);
    };
  }
  return (context, k) => {
    const trades = context.closedTrades.slice(-mostTrades);
    const known = trades.length >= sizing.least && trades.some((trade) => trade.profit < 0);
    if (!known) return context.unitsFor(sizing.start, k);
    if (sizing.kind === "kelly") {
      const returns = Float64Array.from(trades, (trade) => trade.profit / trade.notional);
      return context.unitsFor(Math.min(1, sizing.share * kellyEmpirical(returns).fraction), k);
    }
    const profits = Float64Array.from(trades, (trade) => trade.profit / Math.abs(trade.quantity));
    const { fraction, worstLoss } = optimalF(profits);
    return Math.min(context.unitsFor(1, k), (context.equity * fraction) / worstLoss);
  };
}
