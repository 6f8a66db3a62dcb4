import { indexOfHighest, indexOfLowest } from "@tapedeck/quant/measure";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Bars, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import { defineFamily, notesOn, say, spanOf, subject, valueIndex } from "./family.ts";

interface LevelArgs extends Record<string, unknown> {
  instrument: Instrument;
  period: Period | undefined;
}

/** Bars on each side that a turning point is above or below. */
const reach = 5;

/** Bars whose low (high) is the strict least (greatest) of the reach on both sides, all of it known by the end of the stretch. */
function turningPoints(bars: Bars, { from, to }: Stretch, side: "low" | "high"): number[] {
  const column = bars.dataset.columns[side];
  const sign = side === "low" ? 1 : -1;
  const found: number[] = [];
  for (let at = Math.max(from, reach); at + reach < to; at++) {
    let turns = true;
    for (let k = 1; k <= reach && turns; k++) {
      turns = sign * column[at]! < sign * column[at - k]! && sign * column[at]! < sign * column[at + k]!;
    }
    if (turns) found.push(at);
  }
  return found;
}

/** The nearest turning points below and above the price. */
export const supportAndResistance = defineFamily<LevelArgs>({
  name: "supportAndResistance",
  takes: [],
  words: "support resistance level key near nearest next where zone closest now current currently today",
  about: "The nearest turning points below (support) and above (resistance) the last close",
  examples: [
    "What are the support and resistance levels of the S&P 500?",
    "Where was the support of the S&P 500 as of 2012-06-29?",
  ],
  understand(q, hint) {
    if (!q.matches(/ (?:support|supports|resistance|resistances) /)) return undefined;
    if (q.instruments.length + q.unknownNames.length + hint.instruments.length === 0) return undefined;
    return { instrument: subject(q, hint), period: q.period };
  },
  async run({ instrument, period }, tools) {
    const bars = await tools.readBars(instrument);
    const { at, correction } = valueIndex(bars, bars.stretch(period));
    const { close } = bars.dataset.columns;
    const known = { from: 0, to: at + 1, period: undefined };
    const drafts: Draft[] = [...correction];
    for (const side of ["low", "high"] as const) {
      const column = bars.dataset.columns[side];
      const beyond = turningPoints(bars, known, side).filter((i) =>
        side === "low" ? column[i]! < close[at]! : column[i]! > close[at]!,
      );
      const gap = (i: number) => Math.abs(column[i]! / close[at]! - 1);
      const [nearest] = beyond.toSorted((a, b) => gap(a) - gap(b) || b - a);
      const name = side === "low" ? "support" : "resistance";
      if (nearest === undefined) {
        drafts.push(
          say(
            bars,
            `${bars.title} has no ${name}: no turning point of its ${side}s lies ${side === "low" ? "below" : "above"} the close of ${bars.price(close[at]!)} ${bars.at(at)}.`,
            bars.value("close", at, close[at]!, bars.unit),
            bars.rows(0, at + 1),
          ),
        );
        continue;
      }
      drafts.push(
        say(
          bars,
          `The nearest ${name} of ${bars.title} is ${bars.price(column[nearest]!)}, its ${side} ${bars.at(nearest)}, ${formatPercent(gap(nearest))} ${side === "low" ? "below" : "above"} the close of ${bars.price(close[at]!)} ${bars.at(at)}; it is a turning point: ${side === "low" ? "lower" : "higher"} than the ${formatCount(reach)} bars on each side.`,
          bars.value(side, nearest, column[nearest]!, bars.unit),
          bars.value(
            `turning point: ${side} against the ${reach} bars on each side`,
            nearest,
            column[nearest]!,
            bars.unit,
          ),
          bars.value("close", at, close[at]!, bars.unit),
          bars.value(`abs(${side} ${bars.at(nearest)} / close - 1)`, at, gap(nearest), "fraction"),
        ),
      );
    }
    return { drafts };
  },
});

/** How far a period's prices reached. */
export const tradingRange = defineFamily<LevelArgs>({
  name: "tradingRange",
  takes: [],
  words: "range ranged trade traded trading band between high low",
  about: "The range of a period's prices, from its lowest to its highest, and where it closed within it",
  examples: [
    "What was the trading range of the S&P 500 in 2008?",
    "In what range did the S&P 500 trade in March 2020?",
  ],
  understand(q, hint) {
    if (!q.matches(/ (?:range|ranged|trading band) /) || q.matches(/ (?:true range|date range) /))
      return undefined;
    return { instrument: subject(q, hint), period: q.period };
  },
  async run({ instrument, period }, tools) {
    const bars = await tools.readBars(instrument);
    const stretch = bars.stretch(period);
    const { high, low, close } = bars.dataset.columns;
    const top = indexOfHighest(high, stretch.from, stretch.to);
    const bottom = indexOfLowest(low, stretch.from, stretch.to);
    if (top < 0 || bottom < 0) throw new Declined(`The data of ${bars.name} has no highs and lows there.`);
    const end = stretch.to - 1;
    const width = high[top]! - low[bottom]!;
    const place = (close[end]! - low[bottom]!) / width;
    const span = spanOf(bars, stretch);
    const [lowItem, highItem] = [
      bars.value("low", bottom, low[bottom]!, bars.unit),
      bars.value("high", top, high[top]!, bars.unit),
    ];
    return {
      drafts: [
        say(
          bars,
          `${bars.title} traded between ${bars.price(low[bottom]!)} (${bars.when(bottom)}) and ${bars.price(high[top]!)} (${bars.when(top)}) ${span}, a range of ${bars.price(width)} (${formatNumber(high[top]!)} − ${formatNumber(low[bottom]!)}).`,
          lowItem,
          highItem,
          bars.value(`max(high) - min(low) ${span}`, null, width, bars.unit),
          bars.rows(stretch.from, stretch.to),
        ),
        ...(width === 0
          ? []
          : [
              say(
                bars,
                `Its last close there, ${bars.price(close[end]!)} ${bars.at(end)}, was ${formatPercent(place)} of the way up.`,
                bars.value("close", end, close[end]!, bars.unit),
                bars.value("(close - low) / (high - low)", end, place, "fraction"),
              ),
            ]),
        ...notesOn(bars, stretch),
      ],
    };
  },
});
