import { realisedVolatility } from "@tapedeck/quant/measure";
import type { EvidenceItem } from "../../evidence/contract.ts";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import { coverageNote } from "../bars.ts";
import type { Bars, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatPercent } from "../format.ts";
import { defineFamily, say, subjects } from "./family.ts";

interface VolatilityArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
}

export const volatility = defineFamily<VolatilityArgs>({
  name: "volatility",
  takes: [],
  words:
    "fluctuate fluctuated jumpy choppy turbulent risky volatility volatile vol realised realized historical annualised annualized annual annually standard deviation return more most less least than compare compared versus vs against between higher lower high",
  reads: ["comparison"],
  about: "Realised volatility a year over a period",
  examples: [
    "How volatile was the S&P 500 in 2008?",
    "What was the annualised volatility of the S&P 500 in March 2020?",
    "Which was more volatile in 2005, AAPL or MSFT?",
  ],
  understand(q, hint) {
    if (!q.any("volatility")) return undefined;
    const named =
      q.instruments.length > 0 ||
      hint.instruments.length > 0 ||
      q.unknownNames.length > 0 ||
      q.period !== undefined;
    return named ? { instruments: subjects(q, hint), period: q.period } : undefined;
  },
  async run(args, tools) {
    const measured: {
      bars: Bars;
      stretch: Stretch;
      value: number;
      item: EvidenceItem;
      returns: number;
      counted: EvidenceItem;
    }[] = [];
    for (const instrument of args.instruments.slice(0, 5)) {
      const bars = await tools.readBars(instrument);
      const stretch = bars.stretch(args.period);
      const from = Math.max(0, stretch.from - 1);
      const returns = stretch.to - from - 1;
      const value = realisedVolatility(bars.dataset.columns.close, from, stretch.to, bars.perYear);
      if (!Number.isFinite(value))
        throw new Declined(`There are too few bars of ${bars.name} there for a volatility.`);
      const span = stretch.period === undefined ? "" : ` ${stretch.period.label}`;
      const item = bars.value(
        `stddev(log(close / lag(close, 1)), ddof 1) * sqrt(${bars.perYear})${span}`,
        null,
        value,
        "fraction",
      );
      const counted = bars.value(`count of log returns${span}`, null, returns, "count");
      measured.push({ bars, stretch, value, item, returns, counted });
    }
    measured.sort((a, b) => b.value - a.value);
    const drafts = measured.map(({ bars, stretch, value, item, returns, counted }) => {
      const span =
        stretch.period === undefined
          ? `from ${bars.when(0)} to ${bars.when(bars.last)}`
          : stretch.period.label;
      const text = `The realised volatility of ${bars.title} ${span} was ${formatPercent(value)} a year (standard deviation of ${formatCount(returns)} log returns, times the square root of ${formatCount(bars.perYear)}).`;
      return say(bars, text, item, counted, bars.rows(stretch.from, stretch.to));
    });
    if (measured.length > 1) {
      const [most, least] = [measured[0]!, measured.at(-1)!];
      drafts.unshift(
        say(
          [most.bars, least.bars],
          `${most.bars.title} was more volatile than ${least.bars.title}: ${formatPercent(most.value)} against ${formatPercent(least.value)} a year.`,
          most.item,
          least.item,
        ),
      );
    }
    for (const { bars, stretch } of measured) {
      const note = coverageNote(bars, stretch);
      if (note !== undefined) drafts.push(note);
    }
    return { drafts };
  },
});
