import type { Instrument } from "../../series/contract.ts";
import type { Answer, Draft } from "../answer.ts";
import { coverageNote } from "../bars.ts";
import type { Bars, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatPercent } from "../format.ts";
import { averageKind, averageNames, pickIndex, tooShort, windowName } from "./averages.ts";
import { drawdownSentences } from "./drawdown.ts";
import { defineFamily, say, subject, windowTimeframe } from "./family.ts";
import { averaging, beyond, units } from "./vocabulary.ts";

interface AverageArgs extends Record<string, unknown> {
  instrument: Instrument;
  kind: "sma" | "ema";
  window: number;
  side: "below" | "above";
  pick: "last" | "first" | "count";
  period: Period | undefined;
  timeframe: string | undefined;
  drawdown: boolean;
}

/** When, or how often, the close was below or above its moving average. */
export const closeAgainstAverage = defineFamily<AverageArgs>({
  name: "closeAgainstAverage",
  takes: ["windows"],
  words: `close closed closing when date first earliest last latest most recent recently still now current currently today often times count percentage share fraction proportion all list where far stand trade trading traded fell dropped broke drawdown peak line ${beyond} ${averaging} ${units} lower higher`,
  about:
    "When an instrument last or first closed below or above its moving average, how often, and the drawdown then",
  examples: [
    "When did the S&P 500 last close below its 200-day average, and what was the drawdown from the peak?",
    "What was the first day in 2008 that the S&P 500 closed under its 50-day moving average?",
    "How many days did the S&P 500 close above its 200-day SMA in 2019?",
    "Is the S&P 500 above its 200 day moving average?",
  ],
  understand(q, hint) {
    if (!q.any("average") || q.windows.length === 0 || !q.any("below", "above")) return undefined;
    if (q.any("cross", "golden", "death") && q.windows.length > 1) return undefined;
    // "Above it for the whole of 2007": how often it was tells whether it always was.
    const counts =
      q.any("howMany") || q.matches(/ (?:whole|entire|full|throughout|always|all through|all of|every) /);
    const state = !q.any("when", "first", "last") || q.matches(/^ (?:is|are|was|were) /);
    return {
      instrument: subject(q, hint),
      kind: averageKind(q),
      window: q.windows[0]!,
      side: q.any("below") ? "below" : "above",
      pick: counts ? "count" : q.any("first") ? "first" : "last",
      state: state && !counts && !q.any("when"),
      period: q.period,
      timeframe: windowTimeframe(q),
      drawdown: q.any("drawdown"),
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument, args.timeframe);
    const formula = `${args.kind}(close, ${args.window})`;
    const [average] = await tools.evaluateFormula(bars, [formula]);
    const stretch = bars.stretch(args.period);
    const label = `${windowName(bars, args.window)} ${averageNames[args.kind]}`;
    if (args["state"] === true) return { drafts: stateSentences(bars, stretch, average!, formula, label) };
    return conditionAnswer(bars, stretch, args, average!, formula, label);
  },
});

function stateSentences(
  bars: Bars,
  stretch: Stretch,
  average: Float64Array,
  formula: string,
  label: string,
): Draft[] {
  const { close } = bars.dataset.columns;
  const at = stretch.to - 1;
  const value = average[at]!;
  if (Number.isNaN(value)) throw tooShort(bars, label);
  const gap = close[at]! / value - 1;
  const word = gap > 0 ? "above" : gap < 0 ? "below" : "at";
  return [
    say(
      bars,
      `${bars.title} closed at ${bars.price(close[at]!)} ${bars.at(at)}, ${formatPercent(Math.abs(gap))} ${word} its ${label} of ${bars.price(value)}.`,
      bars.value("close", at, close[at]!, bars.unit),
      bars.value(formula, at, value, bars.unit),
      bars.value(`close / ${formula} - 1`, at, gap, "fraction"),
    ),
  ];
}

function conditionAnswer(
  bars: Bars,
  stretch: Stretch,
  args: AverageArgs,
  average: Float64Array,
  formula: string,
  label: string,
): Answer {
  const { close } = bars.dataset.columns;
  const holds = (i: number) => (args.side === "below" ? close[i]! < average[i]! : close[i]! > average[i]!);
  const note = coverageNote(bars, stretch);
  const condition = `close ${args.side === "below" ? "<" : ">"} ${formula}`;
  const span = stretch.period === undefined ? "" : ` ${stretch.period.label}`;
  const rows = bars.rows(stretch.from, stretch.to);
  if (args.pick === "count") {
    let count = 0;
    let known = 0;
    for (let i = stretch.from; i < stretch.to; i++) {
      if (!Number.isNaN(average[i]!)) known++;
      if (holds(i)) count++;
    }
    if (known === 0) throw tooShort(bars, label);
    const counted = bars.value(`count of ${condition}`, null, count, "count");
    const all = bars.value(`count of bars with ${formula}`, null, known, "count");
    const share = bars.value(`share of bars with ${condition}`, null, count / known, "fraction");
    const text = `${bars.title} closed ${args.side} its ${label} on ${formatCount(count)} of ${formatCount(known)} bars${span}, or ${formatPercent(count / known)}.`;
    return { drafts: [say(bars, text, counted, all, share, rows), ...(note === undefined ? [] : [note])] };
  }
  const at = pickIndex(holds, stretch, args.pick);
  if (at < 0) {
    const zero = bars.value(`count of ${condition}`, null, 0, "count");
    const text = `${bars.title} did not close ${args.side} its ${label} at all${span}, from ${bars.when(stretch.from)} to ${bars.when(stretch.to - 1)}.`;
    return {
      drafts: [
        say(bars, text, zero, bars.value(formula, stretch.to - 1, average[stretch.to - 1]!, bars.unit), rows),
      ],
    };
  }
  const drafts = [
    say(
      bars,
      `${bars.title} ${args.pick === "last" ? "last" : "first"} closed ${args.side} its ${label} ${bars.at(at)}${span === "" || stretch.period?.grain === "day" ? "" : `, looking${span}`}, at ${bars.price(close[at]!)} against an average of ${bars.price(average[at]!)}.`,
      bars.value("close", at, close[at]!, bars.unit),
      bars.value(formula, at, average[at]!, bars.unit),
      rows,
    ),
  ];
  if (args.drawdown) drafts.push(...drawdownSentences(bars, at));
  if (at === bars.last && args.pick === "last") {
    drafts.push(
      say(
        bars,
        `That is the newest bar in the data, so the close is still ${args.side} the average as far as the data goes.`,
        bars.rows(),
      ),
    );
  }
  if (note !== undefined) drafts.push(note);
  return { drafts };
}
