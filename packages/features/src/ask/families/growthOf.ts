import { dayMs } from "@tapedeck/core";
import type { Instrument } from "../../series/contract.ts";
import { coverageNote } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatDate, formatNumber } from "../format.ts";
import { defineFamily, say, subject } from "./family.ts";
import { measureReturn } from "./measure.ts";
import { rising } from "./vocabulary.ts";

interface GrowthArgs extends Record<string, unknown> {
  instrument: Instrument;
  amount: number;
  period: Period | undefined;
}

/** What an amount would have become. */
export const growthOf = defineFamily<GrowthArgs>({
  name: "growthOf",
  takes: ["numbers", "periods"],
  words: `if amount dollar usd money cash invest invested investment put become became grow grew grown turn worth value end beginning start now today return made make bought buy ${rising}`,
  about: "What an amount invested over a period would have become, by price alone",
  examples: [
    "How much would 10,000 invested in AAPL in January 2005 be worth at the end of 2009?",
    "What would 1000 dollars put into the S&P 500 since 2010 have become?",
  ],
  understand(q, hint) {
    const [amount, more] = q.numbers;
    if (amount === undefined || amount.percent || more !== undefined) return undefined;
    if (
      !q.matches(/ (?:invested|invest|investing|investment|put into|put in|put # (?:in|into)|become|grown) /)
    )
      return undefined;
    const { periods } = q.dates;
    if (periods.length > 2) return undefined;
    const [start, end] = periods;
    const period: Period | undefined =
      end === undefined || start === undefined
        ? start === undefined || start.grain === "range"
          ? start
          : {
              ...start,
              grain: "range",
              startGrain: start.grain,
              toMs: Number.POSITIVE_INFINITY,
              label: `since ${formatDate(start.fromMs)}`,
            }
        : {
            fromMs: start.fromMs,
            toMs: end.toMs,
            grain: "range",
            startGrain: start.grain,
            label: `from ${formatDate(start.fromMs)} to ${formatDate(end.toMs - dayMs)}`,
          };
    return { instrument: subject(q, hint), amount: amount.value, period };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument);
    const stretch = bars.stretch(args.period);
    const { base, end, item: moved, cite } = measureReturn(bars, stretch);
    const { close } = bars.dataset.columns;
    const value = (args.amount * close[end]!) / close[base]!;
    const span = stretch.period === undefined ? "" : ` ${stretch.period.label}`;
    const text = `${formatNumber(args.amount)} in ${bars.title}${span} would have become ${formatNumber(value)}, by price alone and before costs: ${formatNumber(args.amount)} × ${formatNumber(close[end]!)} / ${formatNumber(close[base]!)}, the closes ${bars.at(end)} and ${bars.at(base)}.`;
    const item = bars.value(`${args.amount} * close / close ${bars.at(base)}`, end, value, "number");
    const note = coverageNote(bars, stretch);
    return {
      drafts: [
        say(bars, text, item, ...cite.filter((one) => one !== moved)),
        ...(note === undefined ? [] : [note]),
      ],
    };
  },
});
