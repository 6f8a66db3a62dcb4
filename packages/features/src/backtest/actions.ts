import type { MarketEvent } from "@tapedeck/trading";
import type { CorporateAction, SeriesDataset } from "../series/contract.ts";
import { lowerBound } from "./columns.ts";

/** Splits and dividends on prices as traded. A factor states a dividend as a part of the close before it. */
export function eventsOf(actions: readonly CorporateAction[], dataset: SeriesDataset): MarketEvent[] {
  const { closeMs, close } = dataset.columns;
  return actions.flatMap((action): MarketEvent[] => {
    const { exMs } = action;
    const last = lowerBound(closeMs, exMs + 1) - 1;
    if (last < 0) return [];
    if (action.kind === "split") return [{ kind: "split", atMs: exMs, ratio: action.ratio }];
    if (action.kind === "dividend") return [{ kind: "dividend", atMs: exMs, perUnit: action.amount }];
    const perUnit = close[last]! * (1 - action.priceRatio);
    return [
      ...(action.priceRatio === 1 ? [] : [{ kind: "dividend" as const, atMs: exMs, perUnit }]),
      ...(action.splitRatio === 1
        ? []
        : [{ kind: "split" as const, atMs: exMs, ratio: 1 / action.splitRatio }]),
    ];
  });
}
