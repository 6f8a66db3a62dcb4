import { dayMs } from "@tapedeck/core";
import type { Instrument } from "../../series/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import type { Bars, Stretch } from "../bars.ts";
import type { Period } from "../dates.ts";
import { formatCount, formatPercent } from "../format.ts";
import type { Tools } from "../tools.ts";
import { drawdown } from "./drawdown.ts";
import { defineFamily, say, subject } from "./family.ts";
import type { Family } from "./family.ts";
import { indicator, indicatorNamed } from "./indicator.ts";
import { measureReturn } from "./measure.ts";
import { extreme, priceAt } from "./price.ts";
import { riskRatio } from "./ratio.ts";
import { returnOver } from "./returnOver.ts";
import { across, coveredBy, leftOutNote, universe } from "./universe.ts";
import type { Covered } from "./universe.ts";
import { volatility } from "./volatility.ts";

function trailing(days: number): Period {
  return {
    fromMs: Number.NEGATIVE_INFINITY,
    toMs: Number.POSITIVE_INFINITY,
    grain: "range",
    label: `over the ${days} days to the last bar`,
    trailingDays: days,
  };
}

/** Several answers in one; a part that its data does not bear is left out. */
async function joined(parts: readonly [Family, Record<string, unknown>][], tools: Tools): Promise<Draft[]> {
  const drafts: Draft[] = [];
  for (const [family, args] of parts) {
    try {
      const answer = await family.run(args, tools);
      drafts.push(...answer.drafts);
    } catch (error) {
      if (!(error instanceof Declined)) throw error;
    }
  }
  return drafts;
}

/** What is to be known of one instrument. */
export const instrumentReport = defineFamily<{ instrument: Instrument }>({
  name: "report",
  takes: [],
  words:
    "report overview summary summarise summarize profile brief briefing analysis analyse analyze how going doing",
  about:
    "A report on an instrument: price, returns, volatility, drawdown, RSI, averages, range and risk ratio",
  examples: [
    "Give me a report on the S&P 500",
    "Summarise AAPL",
    "How is the S&P 500 doing as of 2012-06-29?",
  ],
  understand(q, hint) {
    if (
      !q.matches(
        / (?:report|overview|summary|summarise|summarize|profile|brief|briefing|analysis of|analyse|analyze|how is|tell me about) /,
      )
    )
      return undefined;
    if (q.instruments.length !== 1 || q.period !== undefined || q.any("backtest", "job", "correlation"))
      return undefined;
    const other = q.matches(
      / (?:rsi|macd|atr|volatility|drawdown|return|volume|price|average|beta|sharpe|skew|distributed) /,
    );
    return other ? undefined : { instrument: subject(q, hint) };
  },
  async run({ instrument }, tools) {
    const year = { instrument, periods: [trailing(365)], annual: false, presumed: undefined };
    const rsi = indicatorNamed("RSI");
    const ofIndicator = {
      timeframe: undefined,
      level: undefined,
      side: undefined,
      pick: "value",
      period: undefined,
    };
    const drafts = await joined(
      [
        [priceAt, { instrument, field: "close", period: undefined, intraday: false }],
        [returnOver, { ...year, periods: [trailing(30)] }],
        [returnOver, year],
        [volatility, { instruments: [instrument], period: trailing(365) }],
        [drawdown, { instruments: [instrument], period: undefined, pick: "current" }],
        [drawdown, { instruments: [instrument], period: trailing(365), pick: "worst" }],
        [extreme, { instrument, side: "high", of: "bar", period: trailing(365) }],
        [extreme, { instrument, side: "low", of: "bar", period: trailing(365) }],
        [
          indicator,
          { ...ofIndicator, instrument, formula: rsi.formula(undefined), label: rsi.label, unit: rsi.unit },
        ],
        [
          indicator,
          {
            ...ofIndicator,
            instrument,
            formula: "sma(close, 200)",
            label: "simple moving average",
            unit: "price",
          },
        ],
        [riskRatio, { instrument, measure: "sharpe", period: trailing(5 * 365) }],
      ],
      tools,
    );
    if (drafts.length === 0)
      throw new Declined(`There are too few bars of ${instrument.instrumentId} for a report.`);
    // Parts may say the same of the newest bar.
    return { drafts: [...new Map(drafts.map((draft) => [draft.text, draft])).values()] };
  },
});

interface CommentaryArgs extends Record<string, unknown> {
  instruments: Instrument[];
}

const mostNamed = 3;
const freshMs = 7 * dayMs;

interface Moved {
  bars: Bars;
  stretch: Stretch;
  value: number;
}

/** What moved at the last bar, and over the month to it. */
export const commentary = defineFamily<CommentaryArgs>({
  name: "commentary",
  takes: [],
  words:
    "commentary market report summary overview update wrap today daily moved move mover brief briefing going",
  about: "Market commentary: what rose and fell most at the last bar and over the month to it",
  examples: ["Market commentary", "How did the market do today?", "What moved as of 2008-10-10?"],
  understand(q, hint) {
    const asked =
      q.matches(
        / (?:commentary|market (?:report|summary|overview|update|wrap|today)|what moved|what happened|movers) /,
      ) || q.matches(/ (?:how (?:did|is|are|was|were) the markets?) /);
    if (!asked || q.any("backtest", "job") || q.matches(/ (?:after|order|alert) /)) return undefined;
    if (q.unknownNames.length > 0 || hint.all.length === 0) return undefined;
    return { instruments: universe(q, hint) };
  },
  async run({ instruments }, tools) {
    const { covered: all, leftOut } = await coveredBy(instruments, undefined, tools);
    if (all.length === 0) throw new Declined("There is no market data yet.");
    const lastMs = ({ bars }: Covered) => bars.dataset.columns.closeMs[bars.last]!;
    const newestMs = Math.max(...all.map(lastMs));
    // What ended long before the rest says nothing of the day.
    const isFresh = (one: Covered) =>
      newestMs - lastMs(one) <= Math.max(freshMs, one.bars.dataset.timeframeMs);
    const covered = all.filter(isFresh);
    leftOut.push(
      ...all.filter((one) => !isFresh(one)).map(({ bars }) => bars.dataset.instrument.instrumentId),
    );
    const drafts: Draft[] = [];
    for (const days of [0, 30]) {
      const moved: Moved[] = [];
      for (const { bars } of covered) {
        const stretch =
          days === 0
            ? { from: bars.last, to: bars.last + 1, period: undefined }
            : bars.stretch(trailing(days));
        if (bars.last < 1 || stretch.to - stretch.from < (days === 0 ? 1 : 2)) continue;
        const from = days === 0 ? Math.max(0, bars.last - 1) : stretch.from;
        moved.push({
          bars,
          stretch: { ...stretch, from },
          value: measureReturn(bars, { ...stretch, from }).value,
        });
      }
      if (moved.length === 0) continue;
      moved.sort((a, b) => b.value - a.value);
      drafts.push(...told(moved, days, leftOut));
    }
    return { drafts };
  },
});

function told(moved: readonly Moved[], days: number, leftOut: readonly string[]): Draft[] {
  const all = moved.map(({ bars }) => bars);
  const rises = moved.filter(({ value }) => value > 0).length;
  const what = days === 0 ? "at the last bar of each" : `over the ${days} days to the last bar of each`;
  const names = [...all.flatMap((bars) => bars.names), what, ...leftOut];
  const line = ({ bars, stretch }: Moved): Draft => {
    const { base, end, value, cite } = measureReturn(bars, stretch);
    const { close } = bars.dataset.columns;
    return say(
      bars,
      `${bars.title} ${value < 0 ? "fell" : "rose"} ${formatPercent(Math.abs(value))}, from ${bars.price(close[base]!)} ${bars.at(base)} to ${bars.price(close[end]!)} ${bars.at(end)}.`,
      ...cite,
    );
  };
  const shown =
    moved.length <= 2 * mostNamed ? moved : [...moved.slice(0, mostNamed), ...moved.slice(-mostNamed)];
  return [
    {
      text: `${formatCount(rises)} of ${formatCount(moved.length)} instruments rose ${what}${leftOutNote(leftOut)}.`,
      cite: [
        across(all, `count of instruments that rose ${what}`, rises),
        across(all, `count of instruments ${what}`, moved.length),
      ],
      names,
    },
    ...shown.map(line),
  ];
}
