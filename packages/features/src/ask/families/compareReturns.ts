import { dayMs } from "@tapedeck/core";
import type { Instrument } from "../../series/contract.ts";
import type { Bars } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatPercent } from "../format.ts";
import { defineFamily, say, subjects } from "./family.ts";
import { measureReturn } from "./measure.ts";
import { falling, rising } from "./vocabulary.ts";

interface CompareArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
}

/** Returns of several instruments over the same stretch. */
export const compareReturns = defineFamily<CompareArgs>({
  name: "compareReturns",
  takes: [],
  words: `won win wins compare comparison return performance perform better worse best worst more less most than versus vs against outperform underperform beat relative difference gain between either winner ${rising} ${falling}`,
  reads: ["comparison"],
  about: "Which of several instruments did better over a period",
  examples: [
    "Which did better from 2004 to 2009, AAPL or GOOG?",
    "Compare the returns of MSFT and IBM in 2005",
    "Did Amazon outperform Microsoft since 2005?",
  ],
  understand(q, hint) {
    const named = q.instruments.length + q.unknownNames.length;
    if (named < 2 || !q.any("return", "compare", "best", "worst", "best2")) return undefined;
    if (q.any("correlation", "volatility", "drawdown")) return undefined;
    return { instruments: subjects(q, hint), period: q.period };
  },
  async run(args, tools) {
    const all: Bars[] = [];
    const coverage = await Promise.all(args.instruments.map((one) => tools.coverage(one.instrumentId)));
    const shared = coverage[0]!
      .map((one) => one.timeframe)
      .find((tf) => coverage.every((list) => list.some((one) => one.timeframe === tf)));
    for (const one of args.instruments) all.push(await tools.readBars(one, shared));
    // The same days for all: from the latest first bar to the earliest last one.
    const start = Math.max(...all.map((bars) => bars.dataset.columns.closeMs[0]!));
    const finish = Math.min(...all.map((bars) => bars.dataset.columns.closeMs[bars.last]!));
    const asked: Period = args.period ?? {
      fromMs: Number.NEGATIVE_INFINITY,
      toMs: Number.POSITIVE_INFINITY,
      grain: "range",
      label: "over the time that they share",
    };
    const clipped =
      asked.trailingDays === undefined &&
      (asked.fromMs < start - dayMs * 31 || asked.toMs > finish + dayMs * 31);
    const measured = all.map((bars) => {
      const stretch = bars.stretch(asked);
      const { closeMs } = bars.dataset.columns;
      let { from, to } = stretch;
      while (from < to && closeMs[from]! < start) from++;
      while (to > from && closeMs[to - 1]! > finish) to--;
      const within =
        from === stretch.from
          ? stretch
          : {
              from,
              to,
              period: {
                ...asked,
                grain: "range" as const,
                startGrain: "day" as const,
                fromMs: start - dayMs,
              },
            };
      return { bars, measured: measureReturn(bars, { ...within, to }) };
    });
    measured.sort((a, b) => b.measured.value - a.measured.value);
    const [best, worst] = [measured[0]!, measured.at(-1)!];
    const gap = best.measured.value - worst.measured.value;
    const difference = best.bars.value(
      `return of ${best.bars.dataset.instrument.instrumentId} - return of ${worst.bars.dataset.instrument.instrumentId}`,
      null,
      gap,
      "fraction",
    );
    const drafts = [
      say(
        all,
        gap === 0
          ? `${measured.map((one) => one.bars.title).join(" and ")} did the same ${asked.label}.`
          : `${best.bars.title} did better than ${measured
              .slice(1)
              .map((one) => one.bars.title)
              .join(
                ", ",
              )} ${asked.label}: it was ahead of the last by ${formatPercent(gap)} (${formatPercent(best.measured.value)} less ${formatPercent(worst.measured.value)}, the returns).`,
        difference,
        ...(gap === 0 ? measured : [best, worst]).map((one) => one.measured.item),
      ),
      ...measured.map(({ bars, measured: one }) => {
        const { close } = bars.dataset.columns;
        return say(
          bars,
          `${bars.name} ${one.value < 0 ? "fell" : "rose"} ${formatPercent(Math.abs(one.value))}: from ${bars.price(close[one.base]!)} ${bars.at(one.base)} to ${bars.price(close[one.end]!)} ${bars.at(one.end)}.`,
          ...one.cite,
        );
      }),
    ];
    if (clipped) {
      const first = all.find((bars) => bars.dataset.columns.closeMs[0] === start)!;
      const last = all.find((bars) => bars.dataset.columns.closeMs[bars.last] === finish)!;
      drafts.push(
        say(
          all,
          `They are compared on the time that all of them have: the data of ${first.name} starts ${first.at(0)} and that of ${last.name} ends ${last.at(last.last)}.`,
          first.rows(),
          last.rows(),
        ),
      );
    }
    return { drafts };
  },
});
