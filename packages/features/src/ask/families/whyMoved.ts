import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Period } from "../dates.ts";
import { defineFamily, subject } from "./family.ts";
import { measureReturn } from "./measure.ts";
import { eventDrafts } from "./news.ts";
import { presumption, returnSentences } from "./returnOver.ts";
import { falling, rising } from "./vocabulary.ts";

interface WhyArgs extends Record<string, unknown> {
  instrument: Instrument;
  period: Period;
  presumed: "gain" | "fall";
}

/** A question that takes a move for granted: put right where it was the other way; why is not in the data. */
export const whyMoved = defineFamily<WhyArgs>({
  name: "whyMoved",
  takes: [],
  words: `why cause caused reason behind made make much move ${rising} ${falling} market`,
  about: "Whether a price moved as a question of why takes for granted, and what was published then",
  examples: [
    "Why did the S&P 500 fall in 2019?",
    "Why did AAPL rise in 2008?",
    "Why did Microsoft rise in 2009?",
  ],
  understand(q, hint) {
    const presumed = presumption(q);
    if (!q.any("why") || presumed === undefined || q.period === undefined) return undefined;
    return { instrument: subject(q, hint), period: q.period, presumed };
  },
  async run({ instrument, period, presumed }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const { value } = measureReturn(bars, stretch);
    if (presumed === "gain" ? value > 0 : value < 0) {
      const events = await eventDrafts(instrument, period, tools);
      if (events.length > 0) {
        return {
          drafts: [...returnSentences(bars, stretch, { annual: false, presumed }), ...events],
          message:
            "The data tells what prices did and what was published then, not that one caused the other.",
        };
      }
      throw new Declined("The data tells what prices did, not why.", {
        suggestions: [
          `What was the return of ${instrument.instrumentId} ${period.label}?`,
          `What was the worst day of ${instrument.instrumentId} ${period.label}?`,
        ],
      });
    }
    return { drafts: returnSentences(bars, stretch, { annual: false, presumed }) };
  },
});
