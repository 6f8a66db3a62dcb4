import type { Dataset } from "@tapedeck/formula";
import { isoDate } from "@tapedeck/core";
import { orderStatuses, suspectSplits } from "@tapedeck/trading";
import type { OrderStatus } from "@tapedeck/trading";
import type { SeriesDataset } from "../series/contract.ts";
import type { BacktestPayload, BacktestResult, InnerPath } from "./contract.ts";
import { marketOf } from "./domain.ts";
import type { ConditionName } from "./domain.ts";
import { explainNoTrade, hasValue } from "./never.ts";
import type { Never } from "./never.ts";
import type { OrderTable } from "./orders.ts";
import type { RunOutcome } from "./outcome.ts";
import type { SingleStrategy } from "./single.ts";

/** What a run tells people besides its figures. */

export const adjustmentWords = {
  raw: "as traded",
  split: "adjusted for splits, not for dividends",
  total: "adjusted for splits and dividends",
} as const;

export const rawWords =
  "as traded: splits and dividends move positions and cash on their days, and formulas read prices adjusted for splits";

export function innerPathWords(innerPath: InnerPath): string {
  if (typeof innerPath !== "string") {
    return `Inside one bar the bars of ${innerPath.timeframe} decide what came first, and where there are none the stop`;
  }
  return innerPath === "pessimistic"
    ? "Inside one bar the stop is taken before the target"
    : "Inside one bar the target is taken before the stop";
}

export function innerPathReport(
  innerPath: InnerPath,
  { pathDependent, assumedBars }: Pick<RunOutcome, "pathDependent" | "assumedBars">,
): NonNullable<BacktestResult["innerPath"]> {
  const timeframe = typeof innerPath === "string" ? null : innerPath.timeframe;
  return {
    rule: typeof innerPath === "string" ? innerPath : "finer",
    timeframe,
    assumedBars,
    pathDependent,
  };
}

export function assumptionsOf(
  payload: BacktestPayload,
  strategy: Pick<SingleStrategy, "module">,
  dataset: SeriesDataset,
): string[] {
  const { costs } = payload;
  const { lotSize, tickSize, minNotional } = marketOf(payload, dataset.instrument);
  const lot = lotSize > 0 ? `rounded down to lots of ${lotSize}` : "fractional";
  return [
    strategy.module === null
      ? "Decided at a bar's close, filled at the next bar's open; nothing is filled after the last bar."
      : "Decided at a bar's close; an order trades from the next bar on, a market order at its open; nothing is filled after the last bar.",
    `Fee of a fill: ${costs.feeBps} bps of its notional${costs.feePerUnit > 0 ? ` + ${costs.feePerUnit} a unit` : ""}${costs.minFee > 0 ? `, at least ${costs.minFee}` : ""}.`,
    `Slippage: ${costs.slippageBps} bps${costs.slippagePerUnit > 0 ? ` + ${costs.slippagePerUnit} a unit` : ""} worse than the open or the stop; none on targets, which are limits.`,
    `${innerPathWords(payload.innerPath)}; a gap through a stop fills at the open; a target fills only when the bar trades through it.`,
    tickSize > 0
      ? `Prices are on the tick of ${tickSize}: fills and stops rounded against the position, limits so that they are not worsened.`
      : "Prices are rounded to no tick: the venue states none, or they are adjusted.",
    minNotional > 0
      ? `An entry below a notional of ${minNotional} is not made.`
      : "No entry is too small in value: the venue states no least notional.",
    `Quantities are ${lot}; no leverage; short sales pay no borrow fee; cash earns nothing.`,
    `Prices are ${dataset.adjustment === "raw" ? rawWords : adjustmentWords[dataset.adjustment]}.`,
    "The benchmark buys at the second bar's open with all cash and the same costs, and holds.",
    "An open position at the end is valued at the last close, without the cost of selling it.",
  ];
}

export function warningsOf(
  payload: BacktestPayload,
  dataset: SeriesDataset,
  data: Dataset,
  outcome: RunOutcome,
  gap: number,
): string[] {
  const warnings: string[] = [];
  const { open, high, low, close } = dataset.columns;
  const { dropped, trades, assumedBars, pathDependent } = outcome;
  if (trades.length > 0 && trades.length < 30) {
    warnings.push(
      `Only ${trades.length} trade${trades.length === 1 ? "" : "s"}: too few to tell skill from luck.`,
    );
  }
  if (pathDependent > 0) {
    warnings.push(
      `The result of ${pathDependent} of ${trades.length} trades depends on what is assumed to come first inside a bar; innerPath with a shorter timeframe decides it by data.`,
    );
  }
  if (assumedBars > 0) {
    warnings.push(`For ${assumedBars} bars with orders there are no finer bars: their path is assumed.`);
  }
  let flat = 0;
  for (let i = 0; i < dataset.length; i++) {
    flat += +(open[i] === close[i] && high[i] === low[i] && open[i] === high[i]);
  }
  if (flat > dataset.length / 2) {
    warnings.push(
      "Most bars have one price for open, high, low and close: fills at the open are fills at that bar's close, and stops inside a bar cannot be seen.",
    );
  }
  const missed = dropped.cash + dropped.lot + dropped.minNotional + dropped.price;
  if (missed > 0) {
    warnings.push(
      `${missed} entries were not made: ${dropped.cash} for cash, ${dropped.lot} below one lot, ${dropped.minNotional} below the least notional, ${dropped.price} without a price above zero.`,
    );
  }
  if (dataset.adjustment === "raw") warnings.push(...splitsIn(data));
  if (payload.costs.feeBps + payload.costs.feePerUnit + payload.costs.minFee === 0) {
    warnings.push("Fees are set to zero.");
  }
  if (gap > 0.005) {
    warnings.push(`Floats and the exact ledger differ by ${gap}: the sums are too large for cents.`);
  }
  if (trades.some((trade) => trade.exitReason === "ruin")) {
    warnings.push(
      "Equity reached zero: the position was closed at the next open and nothing was traded after.",
    );
  }
  return warnings;
}

/** What is left of splits in prices that those on record have adjusted. */
function splitsIn(data: Dataset): string[] {
  const suspect = suspectSplits(data);
  if (suspect.length === 0) return [];
  const days = suspect.slice(0, 10).map((i) => isoDate(data.closeMs[i]!));
  return [
    `Prices are as traded, and ${suspect.length === 1 ? "1 close is" : `${suspect.length} closes are`} about half or twice the one before, on ${days.join(", ")}, without a split on record: a split among them counts as a loss or a gain. Ingest it as a corporate action.`,
  ];
}

/** Why there is no trade, with a report of each part of a condition that was never true. */
export function whyNoTrade(
  strategy: SingleStrategy,
  columns: Partial<Record<ConditionName, Uint8Array>>,
  data: Dataset,
  { orders, dropped }: Pick<RunOutcome, "orders" | "dropped">,
): Never {
  if (strategy.module === null) return explainNoTrade(strategy, columns, data, dropped);
  return { why: whyNoFill(orders!, Object.values(strategy.formulas), [data]), parts: [] };
}

/** Of a strategy whose conditions nobody can read: by the formulas that it reads, over the bars of each instrument. */
export function whyNoFill(
  { status }: OrderTable,
  formulas: readonly string[],
  of: readonly Dataset[],
): string {
  if (status.length === 0) {
    const without = formulas.filter((formula) => of.every((data) => !hasValue(formula, data)));
    return without.length === 0
      ? "The strategy never placed an order: its condition was never true, or its window is longer than the data."
      : `The strategy never placed an order: ${without.join(" and ")}, which it reads, ${without.length === 1 ? "has" : "have"} no value (NaN) at any close.`;
  }
  const parts = orderStatuses.flatMap((name, code) => {
    const count = status.reduce((sum, one) => sum + +(one === code), 0);
    return count === 0 ? [] : [`${count} ${statusWords[name] ?? name}`];
  });
  return `${status.length} ${status.length === 1 ? "order was" : "orders were"} placed and none was filled: ${parts.join(", ")}.`;
}

const statusWords: Partial<Record<OrderStatus, string>> = {
  open: "still waiting at the end",
  cash: "not paid for by the cash",
  lot: "below one lot",
  minNotional: "below the least notional",
  price: "without a price above zero",
  reduceOnly: "with nothing to lessen",
  unfilled: "not filled in time",
};
