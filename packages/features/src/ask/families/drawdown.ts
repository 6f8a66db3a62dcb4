import { dayMs } from "@tapedeck/core";
import { drawdownAt, maxDrawdown } from "@tapedeck/quant/measure";
import type { Instrument } from "../../series/contract.ts";
import type { Draft } from "../answer.ts";
import { coverageNote } from "../bars.ts";
import type { Bars, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatDate, formatNumber, formatPercent } from "../format.ts";
import type { Question } from "../question.ts";
import { defineFamily, say, subjects, valueIndex } from "./family.ts";

/** From the start of the first period named to the end of the last: "from its February high to the March low". */
function wholeSpan(q: Question): Period | undefined {
  const { periods } = q.dates;
  if (periods.length < 2) return q.period;
  const fromMs = Math.min(...periods.map((one) => one.fromMs));
  const toMs = Math.max(...periods.map((one) => one.toMs));
  return { fromMs, toMs, grain: "range", label: `from ${formatDate(fromMs)} to ${formatDate(toMs - dayMs)}` };
}

/** "The biggest drop", of no day, month or year: from a peak. */
function isLargestFall(q: Question): boolean {
  return (
    q.matches(/ (?:biggest|largest|worst|deepest|greatest) (?:drop|fall|decline|crash|loss) /) &&
    !q.any("days", "weeks", "months", "years")
  );
}

interface DrawdownArgs extends Record<string, unknown> {
  instruments: Instrument[];
  period: Period | undefined;
  pick: "worst" | "current";
}

/** Largest drawdown of a period, or the present one. */
export const drawdown = defineFamily<DrawdownArgs>({
  name: "drawdown",
  takes: ["periods"],
  words:
    "when drawdown decline fall fell drop loss recover recovered recovery max maximum large largest big biggest bad worst deep deepest great greatest severe most peak high all-time trough peak-to-trough low bottom long take took until regain far below off down under current currently now today present at between",
  about:
    "The largest drawdown of a period with its peak, trough and recovery, or the drawdown on a date or now",
  examples: [
    "What was the maximum drawdown of the S&P 500?",
    "What was the worst peak-to-trough decline of the S&P 500 between 2007 and 2010?",
    "What was the biggest drop of the S&P 500?",
    "How far is the S&P 500 below its peak?",
    "How long did the S&P 500 take to recover from its worst drawdown?",
    "How much did the S&P 500 drop from its February 2020 high to the March 2020 low?",
    "What was the drawdown of the S&P 500 on 23 March 2020?",
  ],
  understand(q, hint) {
    const fromHighToLow = q.dates.periods.length === 2 && q.any("high") && q.any("low");
    if (!q.any("drawdown") && !fromHighToLow && !isLargestFall(q)) return undefined;
    const named =
      q.instruments.length > 0 ||
      hint.instruments.length > 0 ||
      q.unknownNames.length > 0 ||
      q.period !== undefined;
    if (!named && (q.any("define") || !q.any("max", "now"))) return undefined;
    const dated = q.period?.grain === "day";
    const worst =
      !dated &&
      (q.any("max") || q.matches(/ peak[ -]to[ -]trough | recover(?:ed|y)? /) || q.period !== undefined);
    return {
      instruments: subjects(q, hint),
      period: wholeSpan(q),
      pick:
        worst && !q.matches(/ (?:how far (?:below|off|under|is|are|was|were|down)|currently|now|at present) /)
          ? "worst"
          : "current",
    };
  },
  async run(args, tools) {
    const drafts: Draft[] = [];
    for (const instrument of args.instruments.slice(0, 5)) {
      const bars = await tools.readBars(instrument);
      const stretch = bars.stretch(args.period);
      drafts.push(
        ...(args.pick === "current" ? currentDrawdown(bars, stretch) : worstDrawdown(bars, stretch)),
      );
    }
    return { drafts };
  },
});

function currentDrawdown(bars: Bars, stretch: Stretch): Draft[] {
  const { at, correction } = valueIndex(bars, stretch);
  const { close } = bars.dataset.columns;
  const item = bars.value("close", at, close[at]!, bars.unit);
  const { drawdown: depth } = drawdownAt(close, 0, at);
  const sentences = drawdownSentences(bars, at).slice(0, 1);
  const lead = say(bars, `${bars.title} closed at ${bars.price(close[at]!)} ${bars.at(at)}.`, item);
  return [...correction, lead, ...(Number.isNaN(depth) ? [] : sentences)];
}

function worstDrawdown(bars: Bars, stretch: Stretch): Draft[] {
  const { close } = bars.dataset.columns;
  const worst = maxDrawdown(close, stretch.from, stretch.to);
  const span =
    stretch.period === undefined
      ? `from ${bars.when(stretch.from)} to ${bars.when(stretch.to - 1)}`
      : stretch.period.label;
  const rows = bars.rows(stretch.from, stretch.to);
  const formula = `max(1 - close / running max(close)) ${span}`;
  const depth = bars.value(formula, worst.troughIndex, worst.depth, "fraction");
  if (worst.depth === 0)
    return [
      say(
        bars,
        `${bars.title} never closed below an earlier close ${span}, so the largest drawdown was ${formatPercent(0)}.`,
        depth,
        rows,
      ),
    ];
  const { peakIndex, troughIndex } = worst;
  // The peak may be reached again after the period.
  const after = close.subarray(troughIndex);
  const regained = after.findIndex((value) => value >= close[peakIndex]!);
  const recoveryIndex = regained < 0 ? -1 : troughIndex + regained;
  const drafts = [
    say(
      bars,
      `The largest drawdown of ${bars.title} ${span} was ${formatPercent(worst.depth)}: from ${bars.price(close[peakIndex]!)} ${bars.at(peakIndex)} to ${bars.price(close[troughIndex]!)} ${bars.at(troughIndex)} (1 − ${formatNumber(close[troughIndex]!)} / ${formatNumber(close[peakIndex]!)}, closes).`,
      depth,
      bars.value("close", peakIndex, close[peakIndex]!, bars.unit),
      bars.value("close", troughIndex, close[troughIndex]!, bars.unit),
      rows,
    ),
    recoveryIndex < 0
      ? say(
          bars,
          `The peak had not been reached again by ${bars.when(bars.last)}, the last bar in the data: the highest close after the trough was ${bars.price(Math.max(...after))}.`,
          bars.value(`max(close) after ${bars.when(troughIndex)}`, bars.last, Math.max(...after), bars.unit),
        )
      : say(
          bars,
          `The peak was reached again ${bars.at(recoveryIndex)}, at ${bars.price(close[recoveryIndex]!)}, ${formatCount(recoveryIndex - peakIndex)} bars after it.`,
          bars.value("close", recoveryIndex, close[recoveryIndex]!, bars.unit),
          bars.value(
            `count of bars from the peak ${bars.at(peakIndex)}`,
            recoveryIndex,
            recoveryIndex - peakIndex,
            "count",
          ),
        ),
  ];
  const note = coverageNote(bars, stretch);
  return note === undefined ? drafts : [...drafts, note];
}

/** The drawdown at a bar, and at the newest one, each from the highest close up to then. */
export function drawdownSentences(bars: Bars, at: number): Draft[] {
  const { close } = bars.dataset.columns;
  const drafts: Draft[] = [];
  const tell = (index: number, lead: string) => {
    const { peakIndex, drawdown } = drawdownAt(close, 0, index);
    const peak = bars.value(
      "max(close) from the first bar up to this one",
      peakIndex,
      close[peakIndex]!,
      bars.unit,
    );
    const now = bars.value("close", index, close[index]!, bars.unit);
    const depth = bars.value(
      "1 - close / max(close) from the first bar up to this one",
      index,
      drawdown,
      "fraction",
    );
    drafts.push(
      drawdown === 0
        ? say(
            bars,
            `${lead} it closed at ${bars.price(close[index]!)}, its highest close up to then, so the drawdown was ${formatPercent(0)}.`,
            peak,
            depth,
          )
        : say(
            bars,
            `${lead} the drawdown from the peak, the highest close of ${bars.price(close[peakIndex]!)} ${bars.at(peakIndex)}, was ${formatPercent(drawdown)} (1 − ${formatNumber(close[index]!)} / ${formatNumber(close[peakIndex]!)}).`,
            now,
            peak,
            depth,
          ),
    );
  };
  tell(at, `At that close`);
  if (at !== bars.last) tell(bars.last, `At the last close in the data, ${bars.at(bars.last)},`);
  return drafts;
}
