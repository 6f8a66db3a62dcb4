import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Bars, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatPercent, monthNames } from "../format.ts";
import { defineFamily, notesOn, say, spanOf, subject } from "./family.ts";
import { moves } from "./measure.ts";
import { falling, rising } from "./vocabulary.ts";

const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const monthLabels = monthNames.map((name) => name[0]!.toUpperCase() + name.slice(1));

interface SeasonArgs extends Record<string, unknown> {
  instrument: Instrument;
  by: "month" | "weekday";
  period: Period | undefined;
}

interface Season {
  label: string;
  count: number;
  mean: number;
  up: number;
}

/** Mean returns of the calendar's months or weekdays. */
function seasonsOf(bars: Bars, stretch: Stretch, by: SeasonArgs["by"]): Season[] {
  const { closeMs } = bars.dataset.columns;
  const labels = by === "month" ? monthLabels : weekdays;
  const values = labels.map((): number[] => []);
  for (const { end, value } of moves(bars, stretch, by === "month" ? "month" : "day")) {
    const date = new Date(closeMs[end]! - 1);
    values[by === "month" ? date.getUTCMonth() : date.getUTCDay()]!.push(value);
  }
  return labels.flatMap((label, i) => {
    const own = values[i]!;
    if (own.length === 0) return [];
    const mean = own.reduce((sum, one) => sum + one, 0) / own.length;
    return [{ label, count: own.length, mean, up: own.filter((one) => one > 0).length }];
  });
}

/** Returns by the month or the weekday. */
export const seasonality = defineFamily<SeasonArgs>({
  name: "seasonality",
  takes: [],
  words:
    "average mean usually typically historically seasonality seasonal season best worst strongest weakest good bad better month weekday week day monday tuesday wednesday thursday friday january february march april may june july august september october november december return perform performance gain each every when tend",
  reads: ["weekday", "meanOfReturns"],
  about: "Average returns by calendar month or weekday, best first",
  examples: [
    "Which month is best for the S&P 500 on average?",
    "What is the seasonality of AAPL?",
    "How does the S&P 500 do on Mondays?",
    "Which weekday was worst for the S&P 500 since 2010?",
    "Average return of the S&P 500 by month since 2000",
  ],
  understand(q, hint) {
    const weekday = q.matches(
      / (?:weekdays?|days? of (?:the )?week|by day|mondays|tuesdays|wednesdays|thursdays|fridays) /,
    );
    const month =
      q.matches(/ (?:seasonality|seasonal|seasons?|by month|calendar months?|months? of (?:the )?year) /) ||
      (q.matches(/ (?:which|what) months? /) &&
        q.matches(/ (?:on average|average|usually|typically|historically) /));
    if (!weekday && !month) return undefined;
    return { instrument: subject(q, hint), by: weekday ? "weekday" : "month", period: q.period };
  },
  async run({ instrument, by, period }, tools) {
    const bars = await tools.readBars(instrument, by === "weekday" ? "1d" : undefined);
    const stretch = bars.stretch(period);
    const span = spanOf(bars, stretch);
    const seasons = seasonsOf(bars, stretch, by).toSorted((a, b) => b.mean - a.mean);
    if (seasons.length < 2)
      throw new Declined(`There are too few bars of ${bars.name} there to compare ${by}s.`);
    const rows = bars.rows(stretch.from, stretch.to);
    const drafts: Draft[] = seasons.map(({ label, count, mean, up }, i) => {
      const what = `${label} returns ${span}`;
      const lead =
        i === 0
          ? `${label} was the best ${by} for ${bars.title} ${span}: on average it`
          : i === seasons.length - 1
            ? `${label} was the worst: it`
            : `${by === "weekday" ? "On" : "In"} ${label} it`;
      return say(
        bars,
        `${lead} ${mean < 0 ? "fell" : "rose"} ${formatPercent(Math.abs(mean))}, and rose in ${formatCount(up)} of ${formatCount(count)}.`,
        bars.value(`mean of the ${what}`, null, mean, "return"),
        bars.value(`count of ${what} > 0`, null, up, "count"),
        bars.value(`count of ${what}`, null, count, "count"),
        rows,
      );
    });
    return { drafts: [...drafts, ...notesOn(bars, stretch)] };
  },
});

interface StreakArgs extends Record<string, unknown> {
  instrument: Instrument;
  side: "up" | "down";
  now: boolean;
  period: Period | undefined;
}

/** Runs of bars that all rose, or all fell. */
export const streak = defineFamily<StreakArgs>({
  name: "streak",
  takes: ["windows"],
  words: `streak row straight consecutive longest long run up down win current currently now day close closed session ${rising} ${falling}`,
  reads: ["length", "run"],
  about: "The longest run of bars that rose or fell, or the run now",
  examples: [
    "What was the longest winning streak of the S&P 500?",
    "What was the longest losing streak of the S&P 500 in 2008?",
    "How many days in a row has the S&P 500 fallen?",
    "What is the current streak of the S&P 500?",
  ],
  understand(q, hint) {
    if (
      !q.matches(/ (?:streaks?|in a row|consecutive|straight (?:days?|months?|weeks?|gains?|losses)|run of) /)
    )
      return undefined;
    if (q.windows.length > 0) return undefined;
    const down = q.matches(
      / (?:losing|loss|losses|lost|down|red|fell|fall|fallen|falling|declines?|negative) /,
    );
    const now = q.any("now") || q.matches(/ (?:has|have) .* in a row | in a row (?:has|have) /);
    return { instrument: subject(q, hint), side: down ? "down" : "up", now, period: q.period };
  },
  async run({ instrument, side, now, period }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const { close } = bars.dataset.columns;
    const step = (i: number) => Math.sign(close[i]! - close[i - 1]!);
    const span = spanOf(bars, stretch);
    const word = (sign: number) => (sign > 0 ? "rose" : sign < 0 ? "fell" : "did not change");
    const tell = (from: number, to: number, sign: number, lead: string): Draft => {
      const length = to - from + 1;
      const move = close[to]! / close[from - 1]! - 1;
      return say(
        bars,
        `${lead} ${formatCount(length)} bars of ${bars.dataset.timeframe} in a row that ${word(sign)}, up to ${bars.when(to)}; it ${word(Math.sign(move))} ${formatPercent(Math.abs(move))} over them.`,
        bars.value(`count of bars in a row that ${word(sign)}`, to, length, "count"),
        bars.value(`close / close ${bars.at(from - 1)} - 1`, to, move, "return"),
        bars.rows(from, to + 1),
        bars.rows(stretch.from, stretch.to),
      );
    };
    const first = Math.max(1, stretch.from);
    if (stretch.to - first < 1) throw new Declined(`There are too few bars of ${bars.name} ${span}.`);
    if (now) {
      const end = stretch.to - 1;
      const sign = step(end);
      let from = end;
      while (from > first && step(from - 1) === sign) from--;
      return { drafts: [tell(from, end, sign, `The run of ${bars.title} at its last bar is of`)] };
    }
    const wanted = side === "up" ? 1 : -1;
    let best = { from: first, to: first - 1 };
    for (let i = first; i < stretch.to; i++) {
      if (step(i) !== wanted) continue;
      const from = i;
      while (i + 1 < stretch.to && step(i + 1) === wanted) i++;
      if (i - from > best.to - best.from) best = { from, to: i };
    }
    if (best.to < best.from) throw new Declined(`No bar of ${bars.name} ${word(wanted)} ${span}.`);
    return {
      drafts: [
        tell(best.from, best.to, wanted, `The longest run of ${bars.title} ${span} was of`),
        ...notesOn(bars, stretch),
      ],
    };
  },
});

interface EventArgs extends Record<string, unknown> {
  instrument: Instrument;
  period: Period | undefined;
  /** gaps: a fraction of the close before; volume: a multiple of the average. */
  least: number;
}

interface GapArgs extends EventArgs {
  /** Of the gaps that count; 0: both. */
  sign: -1 | 0 | 1;
}

const mostListed = 5;

/** Opens away from the close before. */
export const gaps = defineFamily<GapArgs>({
  name: "gaps",
  takes: ["numbers"],
  words: `gap gapped big biggest large largest great greatest open opened opening often times count more than least day ${rising} ${falling} above below`,
  about: "Opening gaps: how often an instrument opened away from the close before, and the largest",
  examples: [
    "How many times did the S&P 500 gap down more than 2% in 2008?",
    "What was the largest opening gap of the S&P 500?",
  ],
  understand(q, hint) {
    if (!q.matches(/ (?:gap|gaps|gapped|gapping) /)) return undefined;
    if (q.instruments.length + q.unknownNames.length + hint.instruments.length === 0) return undefined;
    const size = q.numbers[0];
    if (q.numbers.length > 1 || (size !== undefined && !size.percent)) return undefined;
    const sign = q.matches(/ (?:down|lower|below) /) ? -1 : q.matches(/ (?:up|higher|above) /) ? 1 : 0;
    return { instrument: subject(q, hint), period: q.period, least: (size?.value ?? 0) / 100, sign };
  },
  async run({ instrument, period, least, sign }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const { open, close } = bars.dataset.columns;
    const found: { at: number; gap: number }[] = [];
    for (let at = Math.max(1, stretch.from); at < stretch.to; at++) {
      const gap = open[at]! / close[at - 1]! - 1;
      if (sign === 0 ? Math.abs(gap) > least : gap * sign > least) found.push({ at, gap });
    }
    const span = spanOf(bars, stretch);
    const side = sign === 0 ? "" : sign === 1 ? " up" : " down";
    const size = least === 0 ? "" : ` more than ${formatPercent(least)}`;
    const total = stretch.to - Math.max(1, stretch.from);
    const drafts = [
      say(
        bars,
        `${bars.title} gapped${side}${size} at ${formatCount(found.length)} of ${formatCount(total)} opens ${span}.`,
        bars.value(
          `count of open / lag(close, 1) - 1${side} by more than ${least * 100} %, ${span}`,
          null,
          found.length,
          "count",
        ),
        bars.value(`count of opens ${span}`, null, total, "count"),
        bars.rows(stretch.from, stretch.to),
      ),
      ...found
        .toSorted((a, b) => Math.abs(b.gap) - Math.abs(a.gap))
        .slice(0, mostListed)
        .map(({ at, gap }, i) =>
          say(
            bars,
            `${i === 0 ? "The largest was" : "Then"} ${bars.at(at)}: it opened at ${bars.price(open[at]!)}, ${formatPercent(Math.abs(gap))} ${gap < 0 ? "below" : "above"} the close before of ${bars.price(close[at - 1]!)}.`,
            bars.value("open", at, open[at]!, bars.unit),
            bars.value("close", at - 1, close[at - 1]!, bars.unit),
            bars.value("open / lag(close, 1) - 1", at, gap, "fraction"),
          ),
        ),
    ];
    return { drafts: [...drafts, ...notesOn(bars, stretch)] };
  },
});

const averageBars = 20;

/** Bars with far more volume than usual. */
export const volumeSpikes = defineFamily<EventArgs>({
  name: "volumeSpikes",
  takes: ["numbers"],
  words:
    "volume spike surge unusual abnormal high heavy average times often count day session when date more than above least trading twice",
  about: "Volume spikes: bars with a multiple of the average volume of the 20 bars before",
  examples: [
    "When did the S&P 500 have volume spikes in 2008?",
    "How often was the volume of the S&P 500 more than 2 times its average since 2010?",
  ],
  understand(q, hint) {
    if (!q.any("volume")) return undefined;
    const spike = q.matches(
      / (?:spikes?|spiked|surges?|surged|unusual|abnormal|times (?:its|the) average|times) /,
    );
    if (!spike || q.numbers.length > 1 || q.numbers[0]?.percent === true) return undefined;
    return { instrument: subject(q, hint), period: q.period, least: q.numbers[0]?.value ?? 2 };
  },
  async run({ instrument, period, least }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const formula = `volume / lag(sma(volume, ${averageBars}), 1)`;
    const [ratios] = await tools.evaluateFormula(bars, [formula]);
    const { volume } = bars.dataset.columns;
    const found: number[] = [];
    let judged = 0;
    for (let at = stretch.from; at < stretch.to; at++) {
      if (Number.isNaN(ratios![at]!)) continue;
      judged++;
      if (ratios![at]! > least) found.push(at);
    }
    const span = spanOf(bars, stretch);
    if (judged === 0) throw new Declined(`The data of ${bars.name} has no volume ${span}.`);
    const condition = `${formula} > ${least}`;
    return {
      drafts: [
        say(
          bars,
          `The volume of ${bars.title} was more than ${least} times the average of the ${averageBars} bars before on ${formatCount(found.length)} of ${formatCount(judged)} bars ${span}.`,
          bars.value(`count of ${condition} ${span}`, null, found.length, "count"),
          bars.value(`count of bars with a value of ${formula} ${span}`, null, judged, "count"),
          bars.rows(stretch.from, stretch.to),
        ),
        ...found
          .toSorted((a, b) => ratios![b]! - ratios![a]!)
          .slice(0, mostListed)
          .map((at) =>
            say(
              bars,
              `It was ${formatCount(volume[at]!)} ${bars.at(at)}, ${ratios![at]!.toFixed(2)} times the average.`,
              bars.value("volume", at, volume[at]!, "count"),
              bars.value(formula, at, ratios![at]!, "number"),
            ),
          ),
        ...notesOn(bars, stretch),
      ],
    };
  },
});
