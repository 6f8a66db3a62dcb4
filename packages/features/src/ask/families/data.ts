import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import { formatCount, formatDate } from "../format.ts";
import { missingBars } from "../missing.ts";
import { defineFamily, subjects } from "./family.ts";

const listed = 20;

/** What data there is. */
export const coverageReport = defineFamily<{ instruments: Instrument[]; all: boolean }>({
  name: "coverage",
  takes: ["anything"],
  words:
    "data history coverage covered cover instrument symbol market asset stock coin available bar any all list date range far back long go goes reach start end first last when available know ask question",
  about: "Which instruments and bars there are, from when to when",
  examples: [
    "What data do you have?",
    "How far back does the data of the S&P 500 go?",
    "Which instruments can I ask about?",
  ],
  understand(q, hint) {
    if (!q.any("coverage") && !q.matches(/ (?:how far|how long) (?:back )?.*(?:data|history) /))
      return undefined;
    if (q.instruments.length > 0 || q.unknownNames.length > 0)
      return { instruments: subjects(q, hint), all: false };
    return { instruments: [...hint.all], all: true };
  },
  async run(args, tools) {
    if (args.instruments.length === 0)
      throw new Declined("There is no market data yet.", { missing: [missingBars("SPX")] });
    const drafts: Draft[] = [];
    for (const instrument of args.instruments.slice(0, listed)) {
      for (const one of await tools.coverage(instrument.instrumentId)) {
        const bars = await tools.readBars(instrument, one.timeframe);
        const rows = bars.rows();
        const rowsOnly = rows as Extract<typeof rows, { kind: "rows" }>;
        drafts.push({
          text: `${bars.title} has ${formatCount(rowsOnly.bars)} bars of ${one.timeframe}, from ${formatDate(rowsOnly.fromMs)} to ${formatDate(rowsOnly.toMs - 1)}.`,
          cite: [rows],
          names: [...bars.names, one.timeframe],
        });
      }
    }
    if (drafts.length === 0) throw new Declined(`No bars were known on ${formatDate(tools.asOfMs)}.`);
    return {
      drafts,
      suggestions: args.all
        ? args.instruments.slice(0, 2).map((one) => `What was the maximum drawdown of ${one.instrumentId}?`)
        : [],
    };
  },
});
