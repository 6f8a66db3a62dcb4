import type { Instrument } from "../../series/contract.ts";
import type { Period } from "../dates.ts";
import { formatCount } from "../format.ts";
import { defineFamily, notesOn, say, spanOf, subject } from "./family.ts";
import { measured, measures, showMeasure } from "./measures.ts";
import { returnsOf } from "./measure.ts";

const ratios = measures.filter(({ name }) => ["sharpe", "sortino", "calmar"].includes(name));

interface RatioArgs extends Record<string, unknown> {
  instrument: Instrument;
  measure: string;
  period: Period | undefined;
}

/** Return against risk of one instrument held. */
export const riskRatio = defineFamily<RatioArgs>({
  name: "riskRatio",
  takes: [],
  words: "sharpe sortino calmar ratio annualised annualized annual hold held holding buy return risk",
  about: "The Sharpe, Sortino or Calmar ratio of an instrument held over a period",
  examples: [
    "What was the Sharpe ratio of the S&P 500 from 2010 to 2019?",
    "Sortino ratio of the S&P 500 since 2009",
    "What is the Calmar ratio of AAPL since 2003?",
  ],
  understand(q, hint) {
    const measure = ratios.find(({ said }) => q.matches(said));
    const named = q.instruments.length + q.unknownNames.length + hint.instruments.length;
    if (measure === undefined || named === 0 || q.instruments.length > 1) return undefined;
    return { instrument: subject(q, hint), measure: measure.name, period: q.period };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument);
    const stretch = bars.stretch(args.period);
    const measure = ratios.find(({ name }) => name === args.measure)!;
    const { value, item } = measured(measure, bars, stretch);
    const span = spanOf(bars, stretch);
    const returns = returnsOf(bars, stretch).length;
    const counted = bars.value(`count of returns ${span}`, null, returns, "count");
    const text = `The ${measure.label} of ${bars.title} ${span} was ${showMeasure(measure, value)}, from ${formatCount(returns)} returns of ${bars.dataset.timeframe} bars (${measure.formula(bars)}).`;
    return {
      drafts: [
        say(bars, text, item, counted, bars.rows(stretch.from, stretch.to)),
        ...notesOn(bars, stretch),
      ],
    };
  },
});
