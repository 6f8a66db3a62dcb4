import { dayMs } from "@tapedeck/core";
import { correlation } from "@tapedeck/quant/measure";
import type { Instrument } from "../../series/contract.ts";
import { Declined, clarify } from "../answer.ts";
import type { Bars } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber } from "../format.ts";
import { defineFamily, subjects } from "./family.ts";

interface CorrelationArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
}

export const correlationOf = defineFamily<CorrelationArgs>({
  name: "correlation",
  takes: [],
  about: "Correlation of the returns of two instruments over a period",
  examples: [
    "What is the correlation between AAPL and MSFT since 2005?",
    "How correlated were IBM and Amazon from 2004 to 2008?",
  ],
  understand(q, hint) {
    if (!q.any("correlation")) return undefined;
    if (q.instruments.length + q.unknownNames.length + hint.instruments.length === 0 && q.any("define"))
      return undefined;
    const instruments = subjects(q, hint);
    if (instruments.length < 2) {
      throw clarify(
        "With which other instrument?",
        hint.all
          .filter((one) => one.instrumentId !== instruments[0]!.instrumentId)
          .slice(0, 6)
          .map(
            (one) =>
              `What is the correlation between ${instruments[0]!.instrumentId} and ${one.instrumentId}?`,
          ),
      );
    }
    return { instruments: instruments.slice(0, 2), period: q.period };
  },
  async run(args, tools) {
    const [first, second] = args.instruments as [Instrument, Instrument];
    const coverage = await tools.coverage(second.instrumentId);
    const own = await tools.coverage(first.instrumentId);
    const timeframe = own
      .map((one) => one.timeframe)
      .find((tf) => coverage.some((one) => one.timeframe === tf));
    if (timeframe === undefined)
      throw new Declined(`${first.instrumentId} and ${second.instrumentId} have no bars of one length.`);
    const a = await tools.readBars(first, timeframe);
    const b = await tools.readBars(second, timeframe);
    const { returnsA, returnsB, from, to } = paired(a, b, args.period);
    const r = correlation(returnsA, returnsB);
    if (!Number.isFinite(r))
      throw new Declined(
        `There are too few bars that ${a.name} and ${b.name} share there for a correlation.`,
      );
    const span = args.period === undefined ? `from ${a.when(from)} to ${a.when(to)}` : args.period.label;
    const item = a.value(
      `correl(log returns, log returns of ${second.instrumentId}) ${span}`,
      null,
      r,
      "number",
    );
    const pairs = a.value(
      `count of bars shared with ${second.instrumentId} ${span}`,
      null,
      returnsA.length,
      "count",
    );
    const text = `The correlation of the log returns of ${a.title} and ${b.title} ${span} was ${formatNumber(r)}, over ${formatCount(returnsA.length)} returns of the ${timeframe} bars that both have.`;
    return {
      drafts: [
        {
          text,
          cite: [item, pairs, a.rows(from, to + 1), b.rows()],
          names: [...a.names, ...b.names, timeframe, span],
        },
      ],
    };
  },
});

/** Log returns on the bars that both have, one after the other in both. */
function paired(a: Bars, b: Bars, period: Period | undefined) {
  const stretch = a.stretch(period);
  b.stretch(period);
  const other = new Map<number, number>();
  const { closeMs: timesB, close: closesB } = b.dataset.columns;
  for (let i = 0; i < timesB.length; i++) other.set(Math.floor((timesB[i]! - 1) / dayMs), closesB[i]!);
  const { closeMs, close } = a.dataset.columns;
  const intraday = a.dataset.timeframeMs < dayMs;
  if (intraday) {
    other.clear();
    for (let i = 0; i < timesB.length; i++) other.set(timesB[i]!, closesB[i]!);
  }
  const returnsA: number[] = [];
  const returnsB: number[] = [];
  let before: [number, number] | undefined;
  let from = -1;
  let to = -1;
  for (let i = Math.max(0, stretch.from - 1); i < stretch.to; i++) {
    const match = other.get(intraday ? closeMs[i]! : Math.floor((closeMs[i]! - 1) / dayMs));
    if (match === undefined) continue;
    if (before !== undefined) {
      returnsA.push(Math.log(close[i]! / before[0]));
      returnsB.push(Math.log(match / before[1]));
      if (from < 0) from = i;
      to = i;
    }
    before = [close[i]!, match];
  }
  return {
    returnsA: Float64Array.from(returnsA),
    returnsB: Float64Array.from(returnsB),
    from: Math.max(0, from),
    to: Math.max(0, to),
  };
}
