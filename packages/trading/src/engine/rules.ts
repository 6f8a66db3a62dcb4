import type { SimulationSettings } from "../simulate.ts";
import type { StrategyRules } from "../strategies.ts";
import type { Bracket, OrderRequest } from "./orders.ts";
import type { EngineStrategy, StrategyContext } from "./strategy.ts";

export type RuleTerms = Pick<
  SimulationSettings,
  "sizing" | "stopLoss" | "takeProfit" | "trailingStop" | "maxBars"
>;

/**
 * Rules as a strategy of the engine: on one instrument the same fills as `simulate`. Each instrument is looked at by itself; its sizing
 * is of the free cash when its order fills.
 */
export function rulesStrategy(rules: StrategyRules, terms: RuleTerms): EngineStrategy {
  const { entry, exit, shortEntry, shortExit } = rules.formulas;
  const short = rules.side === "short";
  const both = rules.side === "both";
  const texts: string[] = [];
  /** Index of a condition among the features; -1: never true. */
  const feature = (text: string | undefined) => (text === undefined ? -1 : texts.push(text) - 1);
  const first = feature(entry);
  const leave = feature(exit);
  const openLong = short ? -1 : first;
  const closeLong = short ? -1 : leave;
  const openShort = short ? first : both ? (shortEntry === undefined ? leave : feature(shortEntry)) : -1;
  const closeShort = short ? leave : both ? feature(shortExit) : -1;
  const isTrue = (context: StrategyContext, which: number, k: number) =>
    which >= 0 && context.value(which, k) === 1;
  const bracket = bracketOf(terms);

  const enter = (context: StrategyContext, k: number, long: boolean): void => {
    const { kind, value } = terms.sizing;
    const side = long ? "buy" : "sell";
    const sized: Pick<OrderRequest, "quantity" | "cashFraction" | "cashAmount"> =
      kind === "fixedQuantity"
        ? { quantity: value }
        : kind === "fixedCash"
          ? { cashAmount: value }
          : { cashFraction: value };
    context.submit({ instrument: k, side, ...sized, ...(bracket === undefined ? {} : { bracket }) });
  };
  const leaveAll = (context: StrategyContext, k: number): void => {
    const held = context.position(k);
    context.submit({
      instrument: k,
      side: held > 0 ? "sell" : "buy",
      quantity: Math.abs(held),
      reduceOnly: true,
    });
  };

  return {
    name: rules.title,
    features: texts,
    decide(context) {
      for (let k = 0; k < context.instruments.length; k++) {
        if (!context.closed(k)) continue;
        const held = context.position(k);
        const long = isTrue(context, openLong, k);
        const shorts = isTrue(context, openShort, k);
        // Both entries at once contradict each other: nothing is opened.
        const contradict = long && shorts;
        const turns = !contradict && (held > 0 ? shorts : held < 0 && long);
        const timedOut = held !== 0 && terms.maxBars > 0 && context.barsHeld(k) + 1 >= terms.maxBars;
        if (held !== 0) {
          const told = isTrue(context, held > 0 ? closeLong : closeShort, k);
          if (turns || told || timedOut) leaveAll(context, k);
        }
        if (!contradict && (long || shorts) && (held === 0 || turns)) enter(context, k, long);
      }
    },
  };
}

function bracketOf(terms: RuleTerms): Bracket | undefined {
  const { stopLoss, takeProfit, trailingStop } = terms;
  if (stopLoss <= 0 && takeProfit <= 0 && trailingStop <= 0) return undefined;
  return {
    ...(stopLoss > 0 ? { stopFraction: stopLoss } : {}),
    ...(takeProfit > 0 ? { targetFraction: takeProfit } : {}),
    ...(trailingStop > 0 ? { trailFraction: trailingStop } : {}),
  };
}
