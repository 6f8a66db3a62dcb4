import { breakEvenStop, chandelierStop, profitThreshold, tighterStop } from "@tapedeck/quant/sizing/index";
import type { Side } from "@tapedeck/quant/sizing/index";
import type { Bracket, PartialTarget } from "./orders.ts";
import type { StrategyContext } from "./strategy.ts";

/** A distance of `multiple` average true ranges over `length` bars. */
export interface RangeDistance {
  readonly length: number;
  readonly multiple: number;
}

/**
 * When a position is given up besides its rules. Stops hold together: the one that gives up first acts. What follows the price (`trailing…`,
 * `chandelier`, `parabolic`, `breakEven`) is moved at a close and acts from the next bar on.
 */
export interface ExitTerms {
  /** Fractions of the entry price; 0: none. */
  readonly stopLoss: number;
  readonly takeProfit: number;
  /** Fraction of the best price of the bars closed since the entry; 0: none. */
  readonly trailingStop: number;
  /** Bars in the position before it is closed at the next open; 0: none. */
  readonly maxBars: number;
  /** Currency a unit below (above, of a short) that best price. */
  readonly trailingAmount?: number | undefined;
  /** From the entry price, by the range when it was decided. */
  readonly atrStop?: RangeDistance | undefined;
  /** From the best price, by the range of now. */
  readonly chandelier?: RangeDistance | undefined;
  /** Wilder's parabolic stop from the extreme of the two bars before the entry. */
  readonly parabolic?: { readonly step: number; readonly most: number } | undefined;
  /** Takes the stop to the price that pays `cost` once the best price is `trigger` in favour; fractions of the entry price. */
  readonly breakEven?: { readonly trigger: number; readonly cost: number } | undefined;
  /** Sells parts of the position at gains, fractions of the entry price. */
  readonly scaleOut?: readonly PartialTarget[] | undefined;
  /** Target by present volatility, costs on top; see `profitThreshold` of quant. */
  readonly profitThreshold?:
    | {
        readonly length: number;
        readonly bars: number;
        readonly multiple: number;
        readonly costPerSide: number;
      }
    | undefined;
}

/** Where a position stands; prices are fractions of the average entry price, so that splits change nothing. */
interface Followed {
  best: number;
  /** Parabolic stop and its acceleration. */
  stop: number;
  acceleration: number;
}

export interface Exits {
  /** Do the formulas of the exits have values yet? Before that nothing is entered. */
  ready(context: StrategyContext, k: number): boolean;
  /** Protective orders of an entry decided now; undefined: none. */
  bracket(context: StrategyContext, k: number, side: Side): Bracket | undefined;
  /** At a close with a position: moves the stops that follow. */
  follow(context: StrategyContext, k: number): void;
  /** Distance in currency a unit from the price of now to the stop that an entry would begin with; NaN: no stop, or not known yet. */
  distance(context: StrategyContext, k: number, side: Side): number;
}

/** `feature` gives the handle of a formula that the strategy reads. */
export function createExits(terms: ExitTerms, feature: (formula: string) => number): Exits {
  const rangeOf = (distance: RangeDistance | undefined) =>
    distance === undefined ? -1 : feature(`atr(${distance.length})`);
  const atEntry = rangeOf(terms.atrStop);
  const trailing = rangeOf(terms.chandelier);
  const threshold = terms.profitThreshold;
  const volatility =
    threshold === undefined ? -1 : feature(`stddev(close / lag(close, 1) - 1, ${threshold.length})`);
  const followed = new Map<number, Followed>();

  /** Currency a unit, as traded, for a feature in the prices of signals. */
  const asTraded = (context: StrategyContext, k: number, value: number) =>
    (value * context.mark(k)) / context.close(k);
  const range = (context: StrategyContext, k: number, handle: number, distance: RangeDistance) =>
    distance.multiple * asTraded(context, k, context.value(handle, k));
  /** Extreme of the last two bars against a position, as traded. */
  const extreme = (context: StrategyContext, k: number, side: Side) => {
    const [last, before] =
      side > 0 ? [context.low(k), context.low(k, 1)] : [context.high(k), context.high(k, 1)];
    return asTraded(context, k, side > 0 ? Math.min(last!, before!) : Math.max(last!, before!));
  };

  const handles = [atEntry, trailing, volatility].filter((handle) => handle >= 0);

  return {
    ready: (context, k) =>
      handles.every((handle) => context.value(handle, k) >= 0) &&
      (terms.parabolic === undefined || context.bars(k) >= 2),

    bracket(context, k, side) {
      const { stopLoss, takeProfit, trailingStop, trailingAmount, atrStop, chandelier, parabolic } = terms;
      const distances = [
        atrStop === undefined ? Infinity : range(context, k, atEntry, atrStop),
        chandelier === undefined ? Infinity : range(context, k, trailing, chandelier),
      ];
      const stopBy = Math.min(...distances);
      const gain =
        threshold === undefined
          ? Number.NaN
          : profitThreshold({ ...threshold, volatility: context.value(volatility, k) });
      const targets = [takeProfit > 0 ? takeProfit : Infinity, Number.isNaN(gain) ? Infinity : gain];
      const target = Math.min(...targets);
      const bracket: Bracket = {
        ...(stopLoss > 0 ? { stopFraction: stopLoss } : {}),
        ...(Number.isFinite(stopBy) ? { stopBy } : {}),
        ...(parabolic === undefined ? {} : { stopPrice: extreme(context, k, side) }),
        ...(trailingStop > 0 ? { trailFraction: trailingStop } : {}),
        ...(trailingAmount === undefined ? {} : { trailBy: trailingAmount }),
        ...(Number.isFinite(target) ? { targetFraction: target } : {}),
        ...(terms.scaleOut === undefined ? {} : { partialTargets: terms.scaleOut }),
      };
      return Object.keys(bracket).length === 0 ? undefined : bracket;
    },

    follow(context, k) {
      const { chandelier, parabolic, breakEven } = terms;
      if (chandelier === undefined && parabolic === undefined && breakEven === undefined) return;
      const side: Side = context.position(k) > 0 ? 1 : -1;
      const entry = context.averagePrice(k);
      const reached = asTraded(context, k, side > 0 ? context.high(k) : context.low(k)) / entry;
      const isNew = context.barsHeld(k) === 0 || !followed.has(k);
      if (isNew) {
        followed.set(k, { best: 1, stop: Number.NaN, acceleration: 0 });
      }
      const now = followed.get(k)!;
      const before = now.best;
      now.best = side > 0 ? Math.max(before, reached) : Math.min(before, reached);
      let stop: number | null = null;
      if (chandelier !== undefined) {
        const distance = context.value(trailing, k);
        if (distance > 0) {
          stop = chandelierStop(side, entry * now.best, asTraded(context, k, distance), chandelier.multiple);
        }
      }
      if (breakEven !== undefined) {
        const level = breakEvenStop(side, entry, entry * now.best, breakEven.trigger, breakEven.cost);
        stop = tighterStop(side, stop, level);
      }
      if (parabolic !== undefined) {
        const limit = extreme(context, k, side) / entry;
        if (isNew) {
          now.stop = limit;
          now.acceleration = parabolic.step;
        } else {
          if (now.best !== before) {
            now.acceleration = Math.min(parabolic.most, now.acceleration + parabolic.step);
          }
          const next = now.stop + now.acceleration * (now.best - now.stop);
          now.stop = side > 0 ? Math.min(next, limit) : Math.max(next, limit);
        }
        stop = tighterStop(side, stop, entry * now.stop);
      }
      if (stop !== null && stop > 0) context.tightenStops(stop, k);
    },

    distance(context, k, side) {
      const { stopLoss, trailingStop, trailingAmount, atrStop, chandelier, parabolic } = terms;
      const price = context.mark(k);
      const distances = [
        stopLoss > 0 ? stopLoss * price : Infinity,
        trailingStop > 0 ? trailingStop * price : Infinity,
        trailingAmount ?? Infinity,
        atrStop === undefined ? Infinity : range(context, k, atEntry, atrStop),
        chandelier === undefined ? Infinity : range(context, k, trailing, chandelier),
        parabolic === undefined ? Infinity : side * (price - extreme(context, k, side)),
      ];
      const nearest = Math.min(...distances);
      return Number.isFinite(nearest) && nearest > 0 ? nearest : Number.NaN;
    },
  };
}
