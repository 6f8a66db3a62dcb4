import { dayMs } from "@tapedeck/core";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import { coverageNote } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatDate, formatMonth, formatPercent } from "../format.ts";
import { defineFamily, say, subject } from "./family.ts";
import { moves } from "./measure.ts";
import { falling, rising } from "./vocabulary.ts";

interface BestArgs extends Record<string, unknown> {
  instrument: Instrument;
  side: "best" | "worst";
  grain: "day" | "week" | "month" | "year";
  /** How many of them. */
  count: number;
  period: Period | undefined;
}

/** Best or worst day, month or year. */
export const bestWorst = defineFamily<BestArgs>({
  name: "bestWorst",
  takes: ["numbers"],
  words: `best worst strongest weakest top most big bigger biggest large largest great greatest sharpest steepest single one-day one-month one-year day daily day's week weekly month monthly yearly annual session trading percentage percent return performance performing perform move ${rising} ${falling}`,
  reads: ["weekly"],
  about: "The best or worst days, weeks, months or years by return",
  examples: [
    "What was the best day of the S&P 500 in 2008?",
    "Worst month for the S&P 500?",
    "What was the worst week of the S&P 500?",
    "What was the worst year of the S&P 500 since 2000?",
    "What was the biggest one-day drop of the S&P 500?",
    "What were the 5 worst days of the S&P 500?",
    "On which day did the S&P 500 fall the most?",
  ],
  understand(q, hint) {
    const most = q.matches(/ (?:rise|rose|gain|gained|fall|fell|lose|lost|drop|dropped) (?:the )?most /);
    const biggest = q.matches(
      / (?:biggest|largest|greatest|steepest|sharpest) .*(?:gain|loss|rise|fall|drop|decline)/,
    );
    if (!q.any("best", "worst") && !most && !biggest) return undefined;
    if (q.any("drawdown") || q.numbers.some((one) => one.percent) || q.numbers.length > 1) return undefined;
    const grain = q.any("years")
      ? "year"
      : q.any("months")
        ? "month"
        : q.any("weeks")
          ? "week"
          : q.any("days")
            ? "day"
            : undefined;
    if (grain === undefined) return undefined;
    const worst = q.any("worst") || q.matches(/ (?:loss|fall|fell|drop|dropped|decline|losing|lose|lost) /);
    const count = Math.min(20, Math.max(1, q.numbers[0]?.value ?? 1));
    return { instrument: subject(q, hint), side: worst ? "worst" : "best", grain, count, period: q.period };
  },
  async run(args, tools) {
    const first = await tools.readBars(args.instrument);
    const most = args.grain === "day" ? dayMs : args.grain === "week" ? 7 * dayMs : Infinity;
    const tooCoarse = first.dataset.timeframeMs > most;
    const bars = tooCoarse ? await tools.readBars(args.instrument, "1d") : first;
    const stretch = bars.stretch(args.period);
    const { close, closeMs } = bars.dataset.columns;
    const found = moves(bars, stretch, args.grain);
    if (found.length === 0) throw new Declined(`There are too few bars of ${bars.name} there.`);
    found.sort((a, b) => (args.side === "best" ? b.value - a.value : a.value - b.value));
    const span =
      stretch.period === undefined ? `from ${bars.when(0)} to ${bars.when(bars.last)}` : stretch.period.label;
    const which = (end: number) => {
      const at = closeMs[end]! - 1;
      if (args.grain === "day" || args.grain === "week") return formatDate(at);
      return args.grain === "month" ? formatMonth(at) : String(new Date(at).getUTCFullYear());
    };
    const drafts = found.slice(0, args.count).map(({ base, end, value }, i) => {
      const lead =
        i === 0
          ? `The ${args.side} ${args.grain} of ${bars.title} ${span} was ${args.grain === "week" ? "that to " : ""}${which(end)}, when it`
          : `Next was ${which(end)}: it`;
      const text = `${lead} ${value < 0 ? "fell" : "rose"} ${formatPercent(Math.abs(value))}: from ${bars.price(close[base]!)} ${bars.at(base)} to ${bars.price(close[end]!)} ${bars.at(end)}.`;
      return say(
        bars,
        text,
        bars.value(
          `close / close of the ${args.grain} before - 1, ${args.side} ${span}`,
          end,
          value,
          "return",
        ),
        bars.value("close", base, close[base]!, bars.unit),
        bars.value("close", end, close[end]!, bars.unit),
        bars.rows(stretch.from, stretch.to),
      );
    });
    const note = coverageNote(bars, stretch);
    return { drafts: note === undefined ? drafts : [...drafts, note] };
  },
});
