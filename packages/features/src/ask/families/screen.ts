import { indexAtOrAfter } from "@tapedeck/quant/measure";
import type { EvidenceItem } from "../../evidence/contract.ts";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Bars, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import { averageKind, averageNames } from "./averages.ts";
import { defineFamily, say, spanOf } from "./family.ts";
import { measureReturn } from "./measure.ts";
import { meanVolume, measureIn, measures, showMeasure } from "./measures.ts";
import { across, coveredBy, leftOutNote, universe } from "./universe.ts";
import { averaging, beyond, measuring, units } from "./vocabulary.ts";

/** What an instrument must meet to be found; all of them together. */
export type Condition =
  | { kind: "move"; side: "up" | "down"; least: number }
  | { kind: "volume" }
  | { kind: "average"; average: "sma" | "ema"; window: number; side: "above" | "below" }
  | { kind: "rsi"; level: number; side: "above" | "below" }
  | { kind: "extreme"; side: "high" | "low" }
  | { kind: "measure"; measure: string; level: number; side: "above" | "below" };

interface ScreenArgs extends Record<string, unknown> {
  instruments: Instrument[];
  conditions: Condition[];
  period: Period | undefined;
}

const falls = / (?:fell|fall|fallen|lost|lose|dropped|drop|declined|decline|down) /;
const rises = / (?:rose|rise|risen|gained|gain|up|climbed|jumped|increased) /;

/** The conditions of a screen; undefined where there is none. Declines where a number is left that none of them takes. */
function conditionsIn(q: Question): Condition[] | undefined {
  const found: Condition[] = [];
  const numbers = [...q.numbers];
  const windows = [...q.windows];
  const side = q.any("below") ? "below" : "above";
  if (
    q.matches(
      / (?:above|over|below|under)[ -](?:average|normal|usual) volumes? | (?:high|heavy|unusual|elevated) volumes? /,
    )
  )
    found.push({ kind: "volume" });
  if (q.matches(/ rsi | oversold | overbought /)) {
    const level = numbers.shift()?.value ?? (q.matches(/ overbought /) ? 70 : 30);
    const overbought = q.matches(/ overbought /) || (side === "above" && !q.matches(/ oversold /));
    found.push({ kind: "rsi", level, side: overbought ? "above" : "below" });
  } else if (
    q.matches(
      / (?:above|over|below|under|beneath)(?: (?:their|its|the))?(?: (?:day|week|month|bar))?(?: simple| exponential)? (?:moving )?(?:average|ma|sma|ema|dma) /,
    )
  ) {
    found.push({ kind: "average", average: averageKind(q), window: windows.shift() ?? 200, side });
  }
  if (q.matches(/ (?:new|at a|at an|all-time|52-week|week|record) (?:\S+ )?(?:high|highs|low|lows) /))
    found.push({ kind: "extreme", side: q.any("low") ? "low" : "high" });
  const moved = falls.test(q.text) !== rises.test(q.text);
  if (moved && (numbers[0]?.percent === true || found.every(({ kind }) => kind === "volume"))) {
    const least = numbers[0]?.percent === true ? numbers.shift()!.value / 100 : 0;
    found.push({ kind: "move", side: falls.test(q.text) ? "down" : "up", least });
  }
  const measure = found.length === 0 ? measureIn(q) : undefined;
  if (measure !== undefined && numbers.length > 0) {
    const { value, percent } = numbers.shift()!;
    found.push({ kind: "measure", measure: measure.name, level: percent ? value / 100 : value, side });
  }
  const spare = windows.filter((one) => !(one === 52 && found.some(({ kind }) => kind === "extreme")));
  if (found.length === 0) return undefined;
  if (numbers.length > 0 || spare.length > 0) {
    throw new Declined(
      `The screen is understood in part only (${found.map(describe).join(", ")}): it holds a number that none of these takes.`,
      {
        suggestions: [
          "Which stocks rose more than 40% in 2009?",
          "Which instruments are above their 200-day average?",
        ],
      },
    );
  }
  return found;
}

interface Met {
  holds: boolean;
  text: string;
  cite: EvidenceItem[];
}

const yearBars = (bars: Bars) => Math.max(1, Math.round(bars.perYear));

/** Does an instrument meet a condition? Undefined where it cannot be judged. */
async function judge(
  condition: Condition,
  bars: Bars,
  stretch: Stretch,
  tools: Tools,
): Promise<Met | undefined> {
  const { close, high, low } = bars.dataset.columns;
  const at = stretch.to - 1;
  switch (condition.kind) {
    case "move": {
      const { value, cite, base, end } = measureReturn(bars, stretch);
      const size = condition.side === "down" ? -value : value;
      return {
        holds: size > condition.least,
        text: `${value < 0 ? "fell" : "rose"} ${formatPercent(Math.abs(value))} (${formatNumber(close[end]!)} / ${formatNumber(close[base]!)} − 1)`,
        cite,
      };
    }
    case "volume": {
      const before = Math.max(0, stretch.from - yearBars(bars));
      const [now, usual] = [
        meanVolume(bars, stretch.from, stretch.to),
        meanVolume(bars, before, stretch.from),
      ];
      if (!(usual > 0) || Number.isNaN(now)) return undefined;
      const share = now / usual;
      return {
        holds: share > 1,
        text: `traded ${formatPercent(share)} of the average volume a bar of the year before`,
        cite: [
          bars.value(
            `mean(volume) ${spanOf(bars, stretch)} / mean(volume) from ${bars.when(before)} to ${bars.when(stretch.from - 1)}`,
            null,
            share,
            "fraction",
          ),
        ],
      };
    }
    case "average": {
      const formula = `${condition.average}(close, ${condition.window})`;
      const [values] = await tools.evaluateFormula(bars, [formula]);
      const value = values![at]!;
      if (Number.isNaN(value)) return undefined;
      const above = close[at]! > value;
      return {
        holds: above === (condition.side === "above") && close[at] !== value,
        text: `closed at ${bars.price(close[at]!)} against ${bars.price(value)} of its ${condition.window}-bar ${averageNames[condition.average]} ${bars.at(at)}`,
        cite: [bars.value("close", at, close[at]!, bars.unit), bars.value(formula, at, value, bars.unit)],
      };
    }
    case "rsi": {
      const [values] = await tools.evaluateFormula(bars, ["rsi(close, 14)"]);
      const value = values![at]!;
      if (Number.isNaN(value)) return undefined;
      return {
        holds: condition.side === "below" ? value < condition.level : value > condition.level,
        text: `had an RSI of ${value.toFixed(2)} ${bars.at(at)}`,
        cite: [bars.value("rsi(close, 14)", at, value, "index")],
      };
    }
    case "extreme": {
      const isHigh = condition.side === "high";
      const column = isHigh ? high : low;
      const from = indexAtOrAfter(
        bars.dataset.columns.closeMs,
        bars.dataset.columns.closeMs[at]! - 364 * 86_400_000,
      );
      let best = column[from]!;
      for (let i = from; i < at; i++) best = isHigh ? Math.max(best, column[i]!) : Math.min(best, column[i]!);
      if (at - from < 2) return undefined;
      const reached = isHigh ? column[at]! >= best : column[at]! <= best;
      return {
        holds: reached,
        text: `reached ${bars.price(column[at]!)} ${bars.at(at)}, its ${isHigh ? "highest" : "lowest"} price in 364 days`,
        cite: [
          bars.value(
            `${condition.side}, ${isHigh ? "highest" : "lowest"} in 364 days`,
            at,
            column[at]!,
            bars.unit,
          ),
        ],
      };
    }
    case "measure": {
      const measure = measures.find(({ name }) => name === condition.measure)!;
      const value = measure.compute(bars, stretch);
      if (!Number.isFinite(value)) return undefined;
      return {
        holds: condition.side === "below" ? value < condition.level : value > condition.level,
        text: `had a ${measure.label} of ${showMeasure(measure, value)}`,
        cite: [bars.value(`${measure.formula(bars)} ${spanOf(bars, stretch)}`, null, value, measure.unit)],
      };
    }
  }
}

const mostShown = 20;

/** Which instruments meet conditions. */
export const screen = defineFamily<ScreenArgs>({
  name: "screen",
  takes: ["numbers", "windows"],
  words: `all any every list screen scan which share symbol name coin company companies new high low record all-time 52-week week at oversold overbought rsi normal usual unusual heavy elevated least trade trading traded least close closed percent annualised annualized ${beyond} ${averaging} ${units} ${measuring}`,
  about: "Which instruments meet conditions on return, volume, averages, RSI, highs and lows, or a measure",
  examples: [
    "Which of these fell over 5% on above-average volume in March 2020?",
    "Which instruments are above their 200-day average?",
    "Which stocks rose more than 40% in 2009?",
    "Which stocks are oversold?",
    "Which instruments had a volatility above 30% in 2008?",
    "Which of them are at a new 52-week high?",
  ],
  understand(q, hint) {
    if (
      !q.matches(
        / (?:which|what|screen for|scan for|find|list|show)(?: me)?(?: all)?(?: of| the| my| these| those)* (?:instruments?|stocks?|symbols?|assets?|names?|shares|coins?|tickers?|them|these|those) | which of /,
      )
    )
      return undefined;
    const conditions = conditionsIn(q);
    if (conditions === undefined || hint.all.length === 0) return undefined;
    return { instruments: universe(q, hint), conditions, period: q.period };
  },
  async run(args, tools) {
    const { covered, leftOut } = await coveredBy(args.instruments, args.period, tools);
    const judged: Bars[] = [];
    const drafts: Draft[] = [];
    for (const { bars, stretch } of covered) {
      const met: (Met | undefined)[] = [];
      for (const condition of args.conditions) met.push(await judge(condition, bars, stretch, tools));
      if (met.some((one) => one === undefined)) {
        leftOut.push(bars.dataset.instrument.instrumentId);
        continue;
      }
      judged.push(bars);
      if (!met.every((one) => one!.holds)) continue;
      const text = `${bars.title} ${met.map((one) => one!.text).join(" and ")}${args.period === undefined ? "" : ` ${args.period.label}`}.`;
      drafts.push(say(bars, text, ...met.flatMap((one) => one!.cite), bars.rows(stretch.from, stretch.to)));
    }
    const found = drafts.length;
    const what = args.conditions.map(describe).join(", ");
    const span = args.period?.label ?? "at the last bar of each";
    const names = [...leftOut, what, ...judged.flatMap((bars) => bars.names)];
    drafts.splice(mostShown);
    drafts.unshift({
      text: `${formatCount(found)} of ${formatCount(judged.length)} instruments met the screen (${what}) ${span}${leftOutNote(leftOut)}.`,
      cite: [
        across(judged, `count of instruments with ${what}, ${span}`, found),
        across(judged, "count of instruments judged", judged.length),
      ],
      names,
    });
    return { drafts };
  },
});

function describe(condition: Condition): string {
  switch (condition.kind) {
    case "move":
      return condition.least === 0
        ? condition.side
        : `${condition.side} more than ${formatPercent(condition.least)}`;
    case "volume":
      return "volume above the average of the year before";
    case "average":
      return `close ${condition.side} the ${condition.window}-bar average`;
    case "rsi":
      return `RSI ${condition.side} ${condition.level}`;
    case "extreme":
      return `new ${condition.side} of 364 days`;
    case "measure":
      return `${measures.find(({ name }) => name === condition.measure)!.label} ${condition.side} ${condition.level}`;
  }
}
