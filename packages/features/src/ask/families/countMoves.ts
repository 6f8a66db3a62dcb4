import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import { coverageNote } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatPercent } from "../format.ts";
import { defineFamily, say, subject } from "./family.ts";
import { moves } from "./measure.ts";
import { falling, rising, units } from "./vocabulary.ts";

interface CountArgs extends Record<string, unknown> {
  instrument: Instrument;
  side: "up" | "down" | "either";
  grain: "day" | "month" | "year";
  /** A fraction. */
  least: number;
  period: Period | undefined;
}

/** Days up or down, or by more than so many percent. */
export const countMoves = defineFamily<CountArgs>({
  name: "countMoves",
  takes: ["numbers"],
  words: `percentage share fraction proportion percent often times count close closed end ended finish finished move moved change changed least more than over single ${units} yearly annual ${rising} ${falling}`,
  about: "How many days, months or years rose or fell, or by more than a percentage",
  examples: [
    "How many days did the S&P 500 fall more than 3% in 2008?",
    "How many up days did the S&P 500 have in 2019?",
    "How often did the S&P 500 rise more than 5% in a day?",
    "How many months did the S&P 500 fall in 2008?",
    "What percentage of days in 2017 did the S&P 500 close higher?",
  ],
  understand(q, hint) {
    if (!q.any("howMany")) return undefined;
    const percent = q.numbers.find((one) => one.percent);
    const up =
      q.any("upDays") ||
      q.matches(
        / (?:rise|rose|risen|gain|gained|climb|climbed|jump|jumped|up|higher|increase|increased|positive|winning|green) /,
      );
    const down =
      q.any("downDays") ||
      q.matches(
        / (?:fall|fell|fallen|lose|lost|drop|dropped|decline|declined|down|lower|negative|losing|red) /,
      );
    const move = q.matches(/ (?:move|moved|moves|swing|change|changed) /);
    if (!up && !down && !(move && percent !== undefined)) return undefined;
    const grain = q.any("months") ? "month" : q.any("years") ? "year" : "day";
    if (!q.any("days", "months", "years") && percent === undefined) return undefined;
    if (q.numbers.length > 1 || (q.numbers.length === 1 && percent === undefined)) return undefined;
    return {
      instrument: subject(q, hint),
      side: up === down ? "either" : up ? "up" : "down",
      grain,
      least: (percent?.value ?? 0) / 100,
      period: q.period,
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument);
    const stretch = bars.stretch(args.period);
    const found = moves(bars, stretch, args.grain);
    const all = found.length;
    const count = found.filter(({ value }) => {
      const size = args.side === "down" ? -value : args.side === "up" ? value : Math.abs(value);
      return size > args.least;
    }).length;
    if (all === 0) throw new Declined(`There are too few bars of ${bars.name} there.`);
    const percent = args.least * 100;
    const change = args.side === "down" ? "fell" : args.side === "up" ? "rose" : "moved";
    const threshold = args.least === 0 ? "" : ` more than ${percent}%`;
    const span =
      stretch.period === undefined
        ? ` from ${bars.when(0)} to ${bars.when(bars.last)}`
        : ` ${stretch.period.label}`;
    const formula =
      args.side === "either"
        ? `count of ${args.grain}s with abs(close / close of the ${args.grain} before - 1) > ${percent} %`
        : `count of ${args.grain}s with close / close of the ${args.grain} before - 1 ${args.side === "down" ? "< -" : "> "}${percent} %`;
    const text = `${bars.title} ${change}${threshold} in ${formatCount(count)} of ${formatCount(all)} ${args.grain === "day" ? "moves from one close to the next" : `${args.grain}s`}${span}, or ${formatPercent(count / all)} of them.`;
    const note = coverageNote(bars, stretch);
    return {
      drafts: [
        say(
          bars,
          text,
          bars.value(formula, null, count, "count"),
          bars.value(`count of ${args.grain}s with a close before`, null, all, "count"),
          bars.value(`share: ${formula}`, null, count / all, "fraction"),
          bars.rows(stretch.from, stretch.to),
        ),
        ...(note === undefined ? [] : [note]),
      ],
    };
  },
});
