import { correlation } from "@tapedeck/quant/measure";
import { beta } from "@tapedeck/quant/risk/relative";
import { engleGrangerTest } from "@tapedeck/quant/statistics/unitroot";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import { defineFamily } from "./family.ts";
import { logsAt, ofBoth, readPair, requireBars, returnsAt, spanOfPair, twoSubjects } from "./pairing.ts";
import { newest } from "./vocabulary.ts";

interface PairArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
}

/** Beta of one instrument to another. */
export const betaOf = defineFamily<PairArgs>({
  name: "beta",
  takes: [],
  words: "beta against versus vs relative respect compared",
  about: "Beta of one instrument to another: how much it moves with it",
  examples: ["What is the beta of AAPL to MSFT since 2004?", "Beta of Amazon against IBM from 2005 to 2009"],
  understand(q, hint) {
    if (!q.matches(/ (?:beta|betas) /)) return undefined;
    if (q.instruments.length + q.unknownNames.length + hint.instruments.length === 0) return undefined;
    const ask = (one: string, other: string) => `What is the beta of ${one} to ${other}?`;
    return { instruments: twoSubjects(q, hint, ask), period: q.period };
  },
  async run(args, tools) {
    const paired = await readPair(args.instruments, args.period, tools);
    requireBars(paired);
    const { a, b, inA, inB, timeframe } = paired;
    const [x, y] = [returnsAt(b, inB), returnsAt(a, inA)];
    const span = spanOfPair(paired, args.period);
    const value = beta(y, x);
    const name = b.dataset.instrument.instrumentId;
    const item = ofBoth(
      paired,
      `cov(returns, returns of ${name}) / var(returns of ${name}) ${span}`,
      null,
      value,
      "number",
    );
    const counted = ofBoth(paired, `count of shared returns ${span}`, null, x.length, "count");
    return {
      drafts: [
        {
          text: `The beta of ${a.title} to ${b.title} ${span} was ${formatNumber(value)}, over ${formatCount(x.length)} returns of the ${timeframe} bars that both have: a move of ${b.name} by 1% went with one of ${formatNumber(value)}% on average.`,
          cite: [
            item,
            counted,
            { ...item, formula: `${item.formula}, for a move of 1 %`, value: value / 100, unit: "fraction" },
            a.rows(inA[0], inA.at(-1)! + 1),
            b.rows(inB[0], inB.at(-1)! + 1),
          ],
          names: [...a.names, ...b.names, span],
        },
      ],
    };
  },
});

interface RollingArgs extends PairArgs {
  window: number;
}

/** Correlation over a moving window. */
export const rollingCorrelation = defineFamily<RollingArgs>({
  name: "rollingCorrelation",
  takes: ["windows"],
  words: `rolling moving correlation correlated correlate between against versus vs change changed evolve evolved develop window day week month year high low highest lowest ${newest}`,
  about: "The correlation of two instruments over a moving window: now, highest and lowest",
  examples: [
    "What is the rolling 12-month correlation of AAPL and MSFT?",
    "How has the 24-month correlation between IBM and Amazon changed since 2004?",
  ],
  understand(q, hint) {
    if (!q.any("correlation")) return undefined;
    const window = q.windows[0];
    if (window === undefined && !q.matches(/ (?:rolling|moving|over time|changed) /)) return undefined;
    const ask = (one: string, other: string) => `What is the rolling correlation of ${one} and ${other}?`;
    return { instruments: twoSubjects(q, hint, ask), period: q.period, window: window ?? 60 };
  },
  async run({ instruments, period, window }, tools) {
    const paired = await readPair(instruments, period, tools);
    if (window < 3) throw new Declined("A correlation takes a window of 3 returns at least.");
    requireBars(paired, window + 2);
    const { a, b, inA, inB, timeframe } = paired;
    const [x, y] = [returnsAt(a, inA), returnsAt(b, inB)];
    const values = Float64Array.from({ length: x.length - window + 1 }, (_, i) =>
      correlation(x.subarray(i, i + window), y.subarray(i, i + window)),
    );
    const placeOf = (i: number) => inA[i + window]!;
    const formula = `correl(returns, returns of ${b.dataset.instrument.instrumentId}) over ${window} bars`;
    const tell = (i: number, lead: string): Draft => ({
      text: `${lead} ${formatNumber(values[i]!)} ${a.at(placeOf(i))}.`,
      cite: [ofBoth(paired, formula, placeOf(i), values[i]!, "number")],
      names: [...a.names, ...b.names],
    });
    let [high, low] = [0, 0];
    values.forEach((value, i) => {
      if (value > values[high]!) high = i;
      if (value < values[low]!) low = i;
    });
    return {
      drafts: [
        tell(
          values.length - 1,
          `The correlation of the returns of ${a.title} and ${b.title} over ${window} bars of ${timeframe} was`,
        ),
        tell(high, "It was highest at"),
        tell(low, "It was lowest at"),
      ],
    };
  },
});

/** Are two instruments bound together, and how far apart are they now? */
export const cointegration = defineFamily<PairArgs>({
  name: "cointegration",
  takes: [],
  words:
    "cointegrated cointegration cointegrate co-integrated hedge ratio spread z-score zscore pair trade trading against versus vs between together test now current currently",
  about:
    "Whether two instruments are cointegrated: Engle–Granger test, hedge ratio, and the spread's z-score now",
  examples: [
    "Are AAPL and MSFT cointegrated since 2003?",
    "What is the hedge ratio of IBM against MSFT?",
    "What is the spread z-score of AMZN and AAPL since 2005?",
  ],
  understand(q, hint) {
    if (
      !q.matches(
        / (?:cointegrated|cointegration|cointegrate|co-integrated|hedge ratio|pairs? trade|pairs? trading|spread) /,
      )
    )
      return undefined;
    if (q.instruments.length + q.unknownNames.length === 0) return undefined;
    const ask = (one: string, other: string) => `Are ${one} and ${other} cointegrated?`;
    return { instruments: twoSubjects(q, hint, ask), period: q.period };
  },
  async run(args, tools) {
    const paired = await readPair(args.instruments, args.period, tools);
    requireBars(paired, 30);
    const { a, b, inA, inB, timeframe } = paired;
    const test = engleGrangerTest(logsAt(a, inA), logsAt(b, inB));
    const [, hedge] = test.coefficients;
    const span = spanOfPair(paired, args.period);
    const other = b.dataset.instrument.instrumentId;
    const n = inA.length;
    const mean = test.residuals.reduce((sum, one) => sum + one, 0) / n;
    const deviation = Math.sqrt(test.residuals.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (n - 1));
    const z = (test.residuals[n - 1]! - mean) / deviation;
    const regression = `log(close) on log(close of ${other}) ${span}`;
    const names = [...a.names, ...b.names, span];
    const isBound = test.p < 0.05;
    return {
      drafts: [
        {
          text: `${a.title} and ${b.title} ${isBound ? "are" : "are not shown to be"} cointegrated ${span}: the Engle–Granger statistic is ${formatNumber(test.statistic)} with a p-value of ${formatPercent(test.p)} (${isBound ? "below" : "not below"} 5%), over ${formatCount(n)} bars of ${timeframe}.`,
          cite: [
            ofBoth(paired, `Engle-Granger statistic of ${regression}`, null, test.statistic, "number"),
            ofBoth(paired, `Engle-Granger p-value of ${regression}, judged at 5 %`, null, test.p, "fraction"),
            ofBoth(paired, `count of shared bars ${span}`, null, n, "count"),
            a.rows(inA[0], inA.at(-1)! + 1),
            b.rows(inB[0], inB.at(-1)! + 1),
          ],
          names,
        },
        {
          text: `The hedge ratio is ${formatNumber(hedge!)}: the slope of the logarithm of ${a.name} on that of ${b.name}.`,
          cite: [ofBoth(paired, `slope of ${regression}`, null, hedge!, "number")],
          names,
        },
        {
          text: `The spread was ${formatNumber(z)} standard deviations from its mean ${a.at(inA.at(-1)!)}.`,
          cite: [ofBoth(paired, `zscore of the residual of ${regression}`, inA.at(-1)!, z, "number")],
          names,
        },
      ],
    };
  },
});
