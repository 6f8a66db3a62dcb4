import type { EngineStrategy, StrategyContext } from "./strategy.ts";

/**
 * A strategy in five stages, each a function that fills or changes a column over the instruments, `[k]`, and each replaceable. The
 * columns are the same objects at every call.
 */
export interface Stages {
  /** When to go through the stages; the others wait. Absent: at every decision. */
  due?(context: StrategyContext): boolean;
  /** 1: may be held now. The column comes in full of ones. */
  universe?(context: StrategyContext, members: Uint8Array): void;
  /** What is expected of each member, in any unit; NaN: no opinion. Comes in full of NaN. */
  alpha(context: StrategyContext, scores: Float64Array, members: Uint8Array): void;
  /** Weights of equity, signed. Comes in full of zeros. */
  portfolio(context: StrategyContext, weights: Float64Array, scores: Float64Array, members: Uint8Array): void;
  /** Lessens weights in place. */
  risk?(context: StrategyContext, weights: Float64Array): void;
  /** Turns weights into orders; absent: market orders for the differences at the last closes. */
  execution?(context: StrategyContext, weights: Float64Array): void;
}

/** What is no member gets no weight, whatever the later stages say; where a member leaves, its position is sold at the next rebalance. */
export function stagedStrategy(name: string, features: readonly string[], stages: Stages): EngineStrategy {
  let members = new Uint8Array(0);
  let scores = new Float64Array(0);
  let weights = new Float64Array(0);
  const execution = stages.execution ?? tradeToWeights;
  return {
    name,
    features,
    decide(context) {
      const n = context.instruments.length;
      if (members.length !== n) {
        members = new Uint8Array(n);
        scores = new Float64Array(n);
        weights = new Float64Array(n);
      }
      if (stages.due !== undefined && !stages.due(context)) return;
      members.fill(1);
      stages.universe?.(context, members);
      scores.fill(Number.NaN);
      stages.alpha(context, scores, members);
      for (let k = 0; k < n; k++) if (members[k] === 0) scores[k] = Number.NaN;
      weights.fill(0);
      stages.portfolio(context, weights, scores, members);
      for (let k = 0; k < n; k++) if (members[k] === 0) weights[k] = 0;
      stages.risk?.(context, weights);
      execution(context, weights);
    },
  };
}

/**
 * Market orders that take each instrument to equity × weight / last close. Instruments without a price yet are left alone. Throws RangeError on
 * a weight that is not a number.
 */
export function tradeToWeights(context: StrategyContext, weights: Float64Array): void {
  for (let k = 0; k < weights.length; k++) {
    const weight = weights[k]!;
    if (Number.isNaN(weight)) {
      throw new RangeError(`The weight of ${context.instruments[k]!.id} is not a number.`);
    }
    const price = context.close(k);
    if (!(price > 0)) continue;
    context.target(context.unitsFor(weight, k), k);
  }
}

/** Lessens all weights alike until the sum of their sizes is at most `most`. */
export function limitGross(most: number): NonNullable<Stages["risk"]> {
  return (_context, weights) => {
    let gross = 0;
    for (const weight of weights) gross += Math.abs(weight);
    if (gross <= most) return;
    for (let k = 0; k < weights.length; k++) weights[k] = (weights[k]! * most) / gross;
  };
}

/** Cuts each weight to at most `most` in size. */
export function limitWeight(most: number): NonNullable<Stages["risk"]> {
  return (_context, weights) => {
    for (let k = 0; k < weights.length; k++) weights[k] = Math.max(-most, Math.min(most, weights[k]!));
  };
}

/** One stage after the other. */
export function eachRisk(...risks: ReadonlyArray<NonNullable<Stages["risk"]>>): NonNullable<Stages["risk"]> {
  return (context, weights) => {
    for (const risk of risks) risk(context, weights);
  };
}

/** True at the given closes only, such as a calendar's month ends. */
export function atTimes(timesMs: ReadonlySet<number>): NonNullable<Stages["due"]> {
  return (context) => timesMs.has(context.nowMs);
}
