import { quantile } from "@tapedeck/quant/statistics/moments";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatPercent } from "../format.ts";
import { defineFamily, notesOn, say, spanOf, subject } from "./family.ts";
import { falling, rising } from "./vocabulary.ts";

interface AfterArgs extends Record<string, unknown> {
  instrument: Instrument;
  side: "up" | "down";
  /** A fraction. */
  least: number;
  /** Bars after the move. */
  horizon: number;
  period: Period | undefined;
}

const defaultHorizon = 20;

/** What followed moves of a size. */
export const afterMoves = defineFamily<AfterArgs>({
  name: "afterMoves",
  takes: ["numbers", "windows"],
  words: `after following once day week month session least more than usually typically normally historically average averaged mean median return move perform go went come next subsequent when if one-day ${rising} ${falling}`,
  reads: ["median", "meanOfReturns", "offset"],
  about: "What an instrument did in the bars after it fell or rose by more than a percentage",
  examples: [
    "What happened after the S&P 500 fell more than 5% in a day?",
    "How did the S&P 500 do in the 60 days after a rise of 4%?",
    "What does the S&P 500 do on average 5 days after it drops 3%?",
  ],
  understand(q, hint) {
    if (!q.matches(/ (?:after|following|once|afterwards) /)) return undefined;
    const [size, more] = q.numbers;
    if (size?.percent !== true || more !== undefined || q.windows.length > 1) return undefined;
    const down = q.matches(
      / (?:fell|fall|falls|drops?|dropped|lost|loses|declines?|declined|dip|dips|decline of|fall of|drop of) /,
    );
    const up = q.matches(/ (?:rose|rise|rises|gains?|gained|jumps?|jumped|rally|rallies|rallied) /);
    if (down === up) return undefined;
    return {
      instrument: subject(q, hint),
      side: down ? "down" : "up",
      least: size.value / 100,
      horizon: Math.max(1, q.windows[0] ?? defaultHorizon),
      period: q.period,
    };
  },
  async run({ instrument, side, least, horizon, period }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const { close } = bars.dataset.columns;
    const found: { at: number; after: number }[] = [];
    let all = 0;
    let sum = 0;
    for (let at = Math.max(1, stretch.from); at + horizon < stretch.to; at++) {
      const after = close[at + horizon]! / close[at]! - 1;
      all++;
      sum += after;
      const move = close[at]! / close[at - 1]! - 1;
      if ((side === "down" ? -move : move) >= least) found.push({ at, after });
    }
    const span = spanOf(bars, stretch);
    const word = side === "down" ? "fell" : "rose";
    if (found.length === 0)
      throw new Declined(
        `${bars.name} never ${word} ${formatPercent(least)} or more from one bar to the next ${span} with ${horizon} bars after it.`,
      );
    const after = Float64Array.from(found, (one) => one.after);
    const mean = after.reduce((total, one) => total + one, 0) / after.length;
    const ups = after.filter((one) => one > 0).length;
    const condition = `moves ${side} by ${least * 100} % or more ${span}`;
    const then = `close after ${horizon} bars / close - 1`;
    return {
      drafts: [
        say(
          bars,
          `${bars.title} ${word} by ${formatPercent(least)} or more from one bar to the next ${formatCount(found.length)} times ${span}, with ${formatCount(horizon)} bars after it to judge by.`,
          bars.value(`count of ${condition}`, null, found.length, "count"),
          bars.value(`threshold of ${formatPercent(least)}, ${horizon} bars`, null, least, "fraction"),
          bars.rows(stretch.from, stretch.to),
        ),
        say(
          bars,
          `In the ${formatCount(horizon)} bars after, its mean return was ${formatPercent(mean)}, the median ${formatPercent(quantile(after, 0.5))}, and it was higher in ${formatCount(ups)} of the ${formatCount(found.length)} cases.`,
          bars.value(`mean of ${then} after ${condition}`, null, mean, "fraction"),
          bars.value(`median of ${then} after ${condition}`, null, quantile(after, 0.5), "fraction"),
          bars.value(`count of ${then} > 0 after ${condition}`, null, ups, "count"),
          bars.value(`count of ${condition}`, null, found.length, "count"),
        ),
        say(
          bars,
          `Over any ${formatCount(horizon)} bars ${span} the mean was ${formatPercent(sum / all)}.`,
          bars.value(`mean of ${then} ${span}`, null, sum / all, "fraction"),
        ),
        ...notesOn(bars, stretch),
      ],
    };
  },
});
