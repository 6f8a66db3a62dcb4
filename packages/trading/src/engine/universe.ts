import type { StrategyContext } from "./strategy.ts";

/** Which instruments may be entered at a close: those where `where` is true, and of them the `top` by `rankBy`, highest first. */
export interface Universe {
  /** A condition in the formula language; absent: true. */
  readonly where?: string | undefined;
  /** A series in the formula language. */
  readonly rankBy?: string | undefined;
  readonly top?: number | undefined;
}

/** `feature` gives the handle of a formula; the column of ones and zeros is written at each call. Equals rank by their ids. */
export function memberSelector(
  { where, rankBy, top }: Universe,
  feature: (formula: string) => number,
): (context: StrategyContext, members: Uint8Array) => void {
  const condition = where === undefined ? -1 : feature(where);
  const rank = rankBy === undefined ? -1 : feature(rankBy);
  return (context, members) => {
    for (let k = 0; k < members.length; k++) {
      const meets = condition < 0 || context.value(condition, k) === 1;
      members[k] = +(meets && context.bars(k) > 0 && (rank < 0 || !Number.isNaN(context.value(rank, k))));
    }
    if (rank < 0 || top === undefined) return;
    const ranked = [...members.keys()].filter((k) => members[k] === 1);
    ranked.sort((a, b) => context.value(rank, b) - context.value(rank, a) || a - b);
    for (const k of ranked.slice(top)) members[k] = 0;
  };
}
