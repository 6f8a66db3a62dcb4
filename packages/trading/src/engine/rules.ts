import type { StrategyRules } from "../strategies.ts";
import { timeTag } from "./book.ts";
import { createExits } from "./exits.ts";
import type { ExitTerms } from "./exits.ts";
import { createSizer } from "./sizing.ts";
import type { RuleSizing } from "./sizing.ts";
import type { EngineStrategy, StrategyContext } from "./strategy.ts";
import { memberSelector } from "./universe.ts";
import type { Universe } from "./universe.ts";

/** How much rules trade, when they give up, and in which instruments. */
export interface RuleTerms extends ExitTerms {
  readonly sizing: RuleSizing;
  /** Instruments that may be entered; absent: all. */
  readonly universe?: Universe | undefined;
}

/**
 * Rules as a strategy of the engine: on one instrument the same fills as `simulate`, where that knows the terms. Each instrument is looked at by
 * itself; a sizing by cash is of the free cash when its order fills. An instrument whose entry still waits in the book is left alone.
 */
export function rulesStrategy(rules: StrategyRules, terms: RuleTerms): EngineStrategy {
  const { entry, exit, shortEntry, shortExit } = rules.formulas;
  const short = rules.side === "short";
  const both = rules.side === "both";
  const texts: string[] = [];
  const feature = (text: string) => {
    const known = texts.indexOf(text);
    return known >= 0 ? known : texts.push(text) - 1;
  };
  /** Handle of a condition; -1: never true. */
  const condition = (text: string | undefined) => (text === undefined ? -1 : feature(text));
  const first = condition(entry);
  const leave = condition(exit);
  const openLong = short ? -1 : first;
  const closeLong = short ? -1 : leave;
  const openShort = short ? first : both ? (shortEntry === undefined ? leave : condition(shortEntry)) : -1;
  const closeShort = short ? leave : both ? condition(shortExit) : -1;
  const isTrue = (context: StrategyContext, which: number, k: number) =>
    which >= 0 && context.value(which, k) === 1;
  const exits = createExits(terms, feature);
  const size = createSizer(terms.sizing, exits, feature);
  const select = terms.universe === undefined ? undefined : memberSelector(terms.universe, feature);
  /** Last entry's order by instrument. */
  const entries: number[] = [];
  let members = new Uint8Array(0);

  const enter = (context: StrategyContext, k: number, long: boolean): void => {
    if (!exits.ready(context, k)) return;
    const side = long ? 1 : -1;
    const sized = size(context, k, side);
    if (sized === undefined) return;
    const bracket = exits.bracket(context, k, side);
    entries[k] = context.submit({
      instrument: k,
      side: long ? "buy" : "sell",
      ...sized,
      ...(bracket === undefined ? {} : { bracket }),
    });
  };
  const leaveAll = (context: StrategyContext, k: number, timedOut: boolean): void => {
    const held = context.position(k);
    context.submit({
      instrument: k,
      side: held > 0 ? "sell" : "buy",
      quantity: Math.abs(held),
      reduceOnly: true,
      ...(timedOut ? { tag: timeTag } : {}),
    });
  };

  return {
    name: rules.title,
    features: texts,
    decide(context) {
      const n = context.instruments.length;
      if (select !== undefined) {
        if (members.length !== n) members = new Uint8Array(n);
        select(context, members);
      }
      for (let k = 0; k < n; k++) {
        if (!context.closed(k)) continue;
        const held = context.position(k);
        const long = isTrue(context, openLong, k);
        const shorts = isTrue(context, openShort, k);
        // Both entries at once contradict each other: nothing is opened.
        const contradict = long && shorts;
        const turns = !contradict && (held > 0 ? shorts : held < 0 && long);
        if (held !== 0) {
          const told = isTrue(context, held > 0 ? closeLong : closeShort, k);
          const timedOut = terms.maxBars > 0 && context.barsHeld(k) + 1 >= terms.maxBars;
          if (turns || told || timedOut) leaveAll(context, k, !turns && !told);
          else exits.follow(context, k);
        }
        if (contradict || !(long || shorts) || (held !== 0 && !turns)) continue;
        const wanted = select === undefined || members[k] === 1;
        if (wanted && !context.isOpen(entries[k] ?? 0)) enter(context, k, long);
      }
    },
  };
}
