import type { Dataset } from "@tapedeck/formula";
import type { EngineRun, RoundTrip } from "@tapedeck/trading";
import { suspectSplits } from "@tapedeck/trading";
import { isoDate } from "@tapedeck/core";
import type { ConditionReport, FillSource } from "../contract.ts";
import { explainNever } from "../never.ts";
import type { Never } from "../never.ts";
import { orderTable } from "../orders.ts";
import { toFormulaData } from "../run.ts";
import { adjustmentWords, innerPathWords, rawWords, whyNoFill } from "../words.ts";
import type { PortfolioBacktestPayload } from "./contract.ts";
import type { Listing } from "./market.ts";
import type { PortfolioPlan } from "./strategy.ts";

/** What a run over several instruments tells people besides its figures. */

export function assumptionsOf(payload: PortfolioBacktestPayload): string[] {
  return [
    `Decided at a close, filled from ${metWords(payload.fillsFrom)} after the decision and its latency; nothing is filled after the last bar.`,
    "Orders of one moment that lessen a position fill before the others: the order of the instruments changes nothing.",
    `${innerPathWords(payload.innerPath)}; the result counts the round trips that depend on it.`,
    `An order that the cash does not pay for is ${payload.shortfall === "reduce" ? "cut to what it pays for" : "dropped"}.`,
    `Prices are ${payload.adjustment === "raw" ? rawWords : adjustmentWords[payload.adjustment]}.`,
    payload.delisted === "close"
      ? "What is held of an instrument whose bars end early is sold at its last close."
      : "What is held of an instrument whose bars end early stays, at its last close.",
    "The benchmark puts an equal part of all cash into each instrument when it can first be bought, with the same costs, and holds.",
  ];
}

function metWords(fillsFrom: FillSource): string {
  if (fillsFrom === "bars") return "the next bar that opens";
  return fillsFrom === "trades"
    ? "the next stored trade inside a session, trade by trade,"
    : `the next bar of ${fillsFrom.timeframe} that opens`;
}

export function warningsOf(
  payload: PortfolioBacktestPayload,
  listings: readonly Listing[],
  run: EngineRun,
  trips: readonly RoundTrip[],
  gap: number,
): string[] {
  const warnings: string[] = [];
  const { rejected, assumedBars } = run.state;
  const refused = Object.entries(rejected).filter(([, count]) => count > 0);
  if (refused.length > 0) {
    warnings.push(
      `Orders that were not made: ${refused.map(([why, count]) => `${count} for ${why}`).join(", ")}.`,
    );
  }
  const dependent = trips.filter((trip) => trip.pathDependent).length;
  if (dependent > 0) {
    warnings.push(
      `The result of ${dependent} of ${trips.length} round trips depends on what is assumed to come first inside a bar.`,
    );
  }
  const assumed = assumedBars.reduce((sum, count) => sum + count, 0);
  if (assumed > 0) {
    warnings.push(`For ${assumed} bars with orders there are no finer bars: their path is assumed.`);
  }
  if (trips.some((trip) => trip.liquidated)) {
    warnings.push("Equity fell below what the positions need: they were closed at the next open.");
  }
  if (gap > 0.005) warnings.push(`Floats and the exact ledger differ by ${gap}.`);
  return [...warnings, ...survivors(listings), ...splits(payload, listings)];
}

/** Were those chosen that have survived? */
function survivors(listings: readonly Listing[]): string[] {
  const ended = listings.flatMap(({ dataset, endedMs }) =>
    endedMs === null ? [] : [`${dataset.instrument.instrumentId} on ${isoDate(endedMs)}`],
  );
  if (ended.length > 0) return [`Bars end before the run does: ${ended.join(", ")}.`];
  const shares = listings.filter(({ dataset }) =>
    ["equity", "fund"].includes(dataset.instrument.assetClass),
  ).length;
  return shares < 2
    ? []
    : [
        `All ${shares} shares and funds still trade at the end: if they were chosen today, those that failed could not have been chosen (survivorship bias).`,
      ];
}

function splits(payload: PortfolioBacktestPayload, listings: readonly Listing[]): string[] {
  const suspect = listings.flatMap(({ signals }) => {
    const bars = suspectSplits(toFormulaData(signals));
    return bars.length === 0
      ? []
      : [`${signals.instrument.instrumentId} on ${isoDate(signals.columns.closeMs[bars[0]!]!)}`];
  });
  if (suspect.length === 0) return [];
  const prices = payload.adjustment === "raw" ? "split" : payload.adjustment;
  return [
    `Closes about half or twice the one before, in prices ${adjustmentWords[prices]}: ${suspect.slice(0, 10).join(", ")}. Look whether a split is missing.`,
  ];
}

/** Why there is no trade, with a report of each part of an entry that was never true. `of`: the bars of each instrument. */
export function whyIdle(
  run: EngineRun,
  plan: Pick<PortfolioPlan, "features">,
  conditions: readonly ConditionReport[],
  of: readonly Dataset[],
): Never {
  const orders = orderTable(run.state.orderLog);
  const entries = conditions.filter(({ name }) => name === "entry" || name === "shortEntry");
  if (orders.status.length > 0 || entries.length === 0) {
    return { why: whyNoFill(orders, plan.features, of), parts: [] };
  }
  const never = entries
    .filter(({ trueBars }) => trueBars === 0)
    .map(({ name, formula }) => explainNever(name, formula, of));
  return {
    why:
      never.length === 0
        ? "The entry was true at times, but nothing was placed: the universe left the instrument out, a formula of the exits had no value yet, or the size was zero."
        : never.map(({ why }) => why).join(" "),
    parts: never.flatMap(({ parts }) => parts),
  };
}
