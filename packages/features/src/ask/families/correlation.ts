import { correlation } from "@tapedeck/quant/measure";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber } from "../format.ts";
import { defineFamily } from "./family.ts";
import { logsAt, ofBoth, readPair, spanOfPair, twoSubjects } from "./pairing.ts";

interface CorrelationArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
}

const differences = (values: Float64Array) => values.subarray(1).map((value, i) => value - values[i]!);

export const correlationOf = defineFamily<CorrelationArgs>({
  name: "correlation",
  takes: [],
  words:
    "correlation correlated correlate coefficient comovement between against versus vs move together strong strongly close closely return price daily monthly",
  about: "Correlation of the returns of two instruments over a period",
  examples: [
    "What is the correlation between AAPL and MSFT since 2005?",
    "How correlated were IBM and Amazon from 2004 to 2008?",
  ],
  understand(q, hint) {
    if (!q.any("correlation")) return undefined;
    if (q.instruments.length + q.unknownNames.length + hint.instruments.length === 0 && q.any("define"))
      return undefined;
    const ask = (one: string, other: string) => `What is the correlation between ${one} and ${other}?`;
    return { instruments: twoSubjects(q, hint, ask), period: q.period };
  },
  async run(args, tools) {
    const paired = await readPair(args.instruments, args.period, tools);
    const { a, b, inA, inB, timeframe } = paired;
    const returns = differences(logsAt(a, inA));
    const r = correlation(returns, differences(logsAt(b, inB)));
    if (!Number.isFinite(r))
      throw new Declined(
        `There are too few bars that ${a.name} and ${b.name} share there for a correlation.`,
      );
    const span = spanOfPair(paired, args.period);
    const name = b.dataset.instrument.instrumentId;
    return {
      drafts: [
        {
          text: `The correlation of the log returns of ${a.title} and ${b.title} ${span} was ${formatNumber(r)}, over ${formatCount(returns.length)} returns of the ${timeframe} bars that both have.`,
          cite: [
            ofBoth(paired, `correl(log returns, log returns of ${name}) ${span}`, null, r, "number"),
            ofBoth(paired, `count of bars shared with ${name} ${span}`, null, returns.length, "count"),
            a.rows(inA[0], inA.at(-1)! + 1),
            b.rows(inB[0], inB.at(-1)! + 1),
          ],
          names: [...a.names, ...b.names, timeframe, span],
        },
      ],
    };
  },
});
