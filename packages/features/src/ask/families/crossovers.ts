import type { Instrument } from "../../series/contract.ts";
import type { Draft } from "../answer.ts";
import { coverageNote } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber } from "../format.ts";
import { averageKind, averageNames, windowName } from "./averages.ts";
import { defineFamily, say, subject, windowTimeframe } from "./family.ts";
import { averaging, beyond } from "./vocabulary.ts";

interface CrossArgs extends Record<string, unknown> {
  instrument: Instrument;
  kind: "sma" | "ema";
  fast: number;
  slow: number;
  side: "up" | "down" | "both";
  pick: "last" | "first" | "count" | "list";
  period: Period | undefined;
  timeframe: string | undefined;
}

const maxListed = 12;

/** Crossings of two moving averages: counted, listed, the last or first one. */
export const crossovers = defineFamily<CrossArgs>({
  name: "crossovers",
  takes: ["windows"],
  words: `cross crosses crossing crossover crossunder golden death dead first earliest last latest most recent recently when date list all every often times count between ${beyond} ${averaging} day week month`,
  about: "Golden and death crosses, or crossings of any two moving averages: how many, when, the last one",
  examples: [
    "How many golden crosses did the S&P 500 have since 2000?",
    "When was the last death cross of the S&P 500?",
    "List the crossovers of the 20-day and 100-day averages of the S&P 500 in 2018",
  ],
  understand(q, hint) {
    const named = q.any("golden", "death");
    if (!named && !(q.any("cross") && q.windows.length >= 2)) return undefined;
    if (
      /^ (?:what is|what are|what's|define|explain)(?: an?| the)? (?:golden|death|dead) cross(?:es)? $/.test(
        q.text,
      )
    )
      return undefined;
    const [a, b] = q.windows.length >= 2 ? [q.windows[0]!, q.windows[1]!] : [50, 200];
    const down = q.any("death") || q.matches(/ cross(?:ed|es|ing)? (?:below|under) /);
    const up = q.any("golden") || q.matches(/ cross(?:ed|es|ing)? (?:above|over) /);
    return {
      instrument: subject(q, hint),
      kind: averageKind(q),
      fast: Math.min(a, b),
      slow: Math.max(a, b),
      side: up && !down ? "up" : down && !up ? "down" : "both",
      pick: q.any("howMany")
        ? "count"
        : q.any("list")
          ? "list"
          : q.any("first")
            ? "first"
            : q.any("last")
              ? "last"
              : "list",
      period: q.period,
      timeframe: windowTimeframe(q) ?? (named ? "1d" : undefined),
    };
  },
  async run(args, tools) {
    const bars = await tools.readBars(args.instrument, args.timeframe);
    const fast = `${args.kind}(close, ${args.fast})`;
    const slow = `${args.kind}(close, ${args.slow})`;
    const up = `crossover(${fast}, ${slow})`;
    const down = `crossunder(${fast}, ${slow})`;
    const [ups, downs, fastValues, slowValues] = await tools.evaluateFormula(bars, [up, down, fast, slow]);
    const stretch = bars.stretch(args.period);
    const found: { at: number; up: boolean }[] = [];
    for (let i = stretch.from; i < stretch.to; i++) {
      if (args.side !== "down" && ups![i] === 1) found.push({ at: i, up: true });
      if (args.side !== "up" && downs![i] === 1) found.push({ at: i, up: false });
    }
    const what =
      args.side === "both"
        ? "crossings"
        : args.side === "up"
          ? "crossings from below to above"
          : "crossings from above to below";
    const pair = `its ${windowName(bars, args.fast)} ${averageNames[args.kind]} over or under its ${windowName(bars, args.slow)} one`;
    const formula = args.side === "both" ? `${up} or ${down}` : args.side === "up" ? up : down;
    const span =
      stretch.period === undefined
        ? ` from ${bars.when(stretch.from)} to ${bars.when(stretch.to - 1)}`
        : ` ${stretch.period.label}`;
    const rows = bars.rows(stretch.from, stretch.to);
    const count = bars.value(`count of ${formula}`, null, found.length, "count");
    const drafts: Draft[] = [
      say(bars, `${bars.title} had ${formatCount(found.length)} ${what} of ${pair}${span}.`, count, rows),
    ];
    const shown =
      args.pick === "last"
        ? found.slice(-1)
        : args.pick === "first"
          ? found.slice(0, 1)
          : found.slice(-maxListed);
    if (args.pick !== "count") {
      for (const { at, up: rising } of shown) {
        drafts.push(
          say(
            bars,
            `${args.pick === "last" ? "The last one was" : args.pick === "first" ? "The first one was" : "One was"} ${bars.at(at)}, ${rising ? "upward" : "downward"}: the averages stood at ${formatNumber(fastValues![at]!)} and ${formatNumber(slowValues![at]!)}.`,
            bars.value(fast, at, fastValues![at]!, bars.unit),
            bars.value(slow, at, slowValues![at]!, bars.unit),
            bars.value(rising ? up : down, at, 1, "condition"),
          ),
        );
      }
      if (args.pick === "list" && found.length > shown.length) {
        drafts.push(
          say(
            bars,
            `Only the newest ${formatCount(shown.length)} of ${formatCount(found.length)} are listed.`,
            count,
            bars.value("number of crossings listed", null, shown.length, "count"),
          ),
        );
      }
    } else if (found.length > 0) {
      const { at } = found.at(-1)!;
      drafts.push(
        say(
          bars,
          `The last of them was ${bars.at(at)}.`,
          bars.value(found.at(-1)!.up ? up : down, at, 1, "condition"),
        ),
      );
    }
    const note = coverageNote(bars, stretch);
    if (note !== undefined) drafts.push(note);
    return { drafts };
  },
});
