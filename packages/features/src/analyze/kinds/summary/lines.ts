import {
  drawdownAt,
  indexAtOrBefore,
  indexOfHighest,
  indexOfLowest,
  maxDrawdown,
  realisedVolatility,
} from "@tapedeck/quant/measure";
import { barsPerYear } from "@tapedeck/trading/performance";
import type { SeriesDataset } from "../../../series/contract.ts";
import type { SummaryLine } from "./contract.ts";

/** What the summary evaluates; the rest of it is measured on the bars. */
export const summaryFormulas = {
  sma50: "sma(close, 50)",
  sma200: "sma(close, 200)",
  adx: "adx(14)",
  rsi: "rsi(close, 14)",
  macd: "macd(close, 12, 26, 9).macd",
  macdSignal: "macd(close, 12, 26, 9).signal",
  atr: "atr(14)",
  volume20: "sma(volume, 20)",
} as const;
export type SummaryColumns = Record<keyof typeof summaryFormulas, Float64Array>;

export type SummaryDraft = Omit<SummaryLine, "evidenceId">;

const yearMs = 365 * 86_400_000;

/** The default technical summary at the dataset's last bar. */
export function summarise(dataset: SeriesDataset, columns: SummaryColumns): SummaryDraft[] {
  const { close, high, low, volume, closeMs } = dataset.columns;
  const last = dataset.length - 1;
  const at = closeMs[last]!;
  const currency = dataset.instrument.currency;
  const price = close[last]!;
  const lines: SummaryDraft[] = [];
  const add = (
    group: SummaryLine["group"],
    name: string,
    label: string,
    formula: string,
    value: number,
    unit: string,
    reading: string,
    atMs: number | null = at,
  ) => {
    const known = Number.isFinite(value);
    lines.push({
      group,
      name,
      label,
      formula,
      value: known ? value : null,
      unit,
      atMs: known ? atMs : null,
      reading: known ? reading : `not defined: the range holds too few bars (${dataset.length})`,
    });
  };
  const ending = (values: Float64Array) => values[last]!;
  const than = (value: number) => (value > 0 ? "above" : value < 0 ? "below" : "at");

  add("price", "close", "Last close", "close", price, currency, "the newest closed bar");
  add(
    "price",
    "change",
    "Change on the last bar",
    "pctchange(close, 1)",
    last > 0 ? price / close[last - 1]! - 1 : Number.NaN,
    "fraction",
    last > 0 && price >= close[last - 1]! ? "up" : "down",
  );

  const sma50 = ending(columns.sma50);
  const sma200 = ending(columns.sma200);
  for (const [bars, value, formula] of [
    [50, sma50, summaryFormulas.sma50],
    [200, sma200, summaryFormulas.sma200],
  ] as const) {
    add(
      "trend",
      `sma${bars}`,
      `${bars}-bar average`,
      formula,
      value,
      currency,
      `the close is ${than(price - value)} it`,
    );
    add(
      "trend",
      `aboveSma${bars}`,
      `Close against the ${bars}-bar average`,
      `close / ${formula} - 1`,
      price / value - 1,
      "fraction",
      price > value ? "above: upward" : "below: downward",
    );
  }
  add(
    "trend",
    "sma50OverSma200",
    "50-bar against 200-bar average",
    `${summaryFormulas.sma50} / ${summaryFormulas.sma200} - 1`,
    sma50 / sma200 - 1,
    "fraction",
    sma50 > sma200 ? "shorter average above the longer" : "shorter average below the longer",
  );
  const adx = ending(columns.adx);
  add(
    "trend",
    "adx",
    "ADX",
    summaryFormulas.adx,
    adx,
    "index",
    adx >= 25 ? "a strong trend, whichever way" : adx >= 20 ? "a weak trend" : "no clear trend",
  );

  const rsi = ending(columns.rsi);
  add(
    "momentum",
    "rsi",
    "RSI",
    summaryFormulas.rsi,
    rsi,
    "index",
    rsi >= 70 ? "overbought" : rsi <= 30 ? "oversold" : "neither overbought nor oversold",
  );
  const macd = ending(columns.macd);
  const signal = ending(columns.macdSignal);
  add("momentum", "macd", "MACD", summaryFormulas.macd, macd, currency, `${than(macd)} zero`);
  add(
    "momentum",
    "macdSignal",
    "MACD signal line",
    summaryFormulas.macdSignal,
    signal,
    currency,
    `MACD is ${than(macd - signal)} it`,
  );

  const atr = ending(columns.atr);
  add(
    "volatility",
    "atr",
    "Average true range",
    summaryFormulas.atr,
    atr,
    currency,
    "the usual span of a bar, gaps included",
  );
  add(
    "volatility",
    "atrShare",
    "Average true range over close",
    `${summaryFormulas.atr} / close`,
    atr / price,
    "fraction",
    "the same against the price",
  );
  const perYear = barsPerYear(dataset.instrument.calendar, dataset.timeframe);
  for (const window of [20, 252]) {
    add(
      "volatility",
      `volatility${window}`,
      `Volatility of the last ${window} returns, a year`,
      `stddev(log(close / lag(close, 1)), ${window}, ddof 1) * sqrt(${perYear})`,
      last >= window ? realisedVolatility(close, last - window, dataset.length, perYear) : Number.NaN,
      "fraction a year",
      `log returns, sample deviation, ${perYear} bars a year`,
    );
  }

  const { peakIndex, drawdown } = drawdownAt(close, 0, last);
  add(
    "range",
    "peak",
    "Highest close",
    "max(close) over the range",
    close[peakIndex]!,
    currency,
    "the peak",
    closeMs[peakIndex]!,
  );
  add(
    "range",
    "drawdown",
    "Drawdown from the highest close",
    "1 - close / max(close) over the range",
    drawdown,
    "fraction",
    drawdown === 0 ? "at the peak" : "below the peak",
  );
  const worst = maxDrawdown(close, 0, dataset.length);
  add(
    "range",
    "maxDrawdown",
    "Largest drawdown of closes",
    "max(1 - close / running max(close)) over the range",
    worst.depth,
    "fraction",
    "the deepest fall from a peak",
    closeMs[worst.troughIndex]!,
  );
  const yearStart = Math.max(0, indexAtOrBefore(closeMs, at - yearMs) + 1);
  const wholeYear = closeMs[0]! <= at - yearMs + 7 * 86_400_000;
  const highAt = indexOfHighest(high, yearStart, dataset.length);
  const lowAt = indexOfLowest(low, yearStart, dataset.length);
  const yearHigh = wholeYear ? high[highAt]! : Number.NaN;
  const yearLow = wholeYear ? low[lowAt]! : Number.NaN;
  add(
    "range",
    "high52w",
    "52-week high",
    "max(high) over 365 days",
    yearHigh,
    currency,
    "of the bars' highs",
    closeMs[highAt]!,
  );
  add(
    "range",
    "low52w",
    "52-week low",
    "min(low) over 365 days",
    yearLow,
    currency,
    "of the bars' lows",
    closeMs[lowAt]!,
  );
  add(
    "range",
    "place52w",
    "Place in the 52-week range",
    "(close - low) / (high - low) over 365 days",
    (price - yearLow) / (yearHigh - yearLow),
    "fraction",
    "0 is the low, 1 the high",
  );

  for (const [name, label, days] of [
    ["return1m", "Return over 30 days", 30],
    ["return3m", "Return over 91 days", 91],
    ["return6m", "Return over 182 days", 182],
    ["return1y", "Return over 365 days", 365],
    ["return5y", "Return over 5 years", 1826],
  ] as const) {
    const start = indexAtOrBefore(closeMs, at - days * 86_400_000);
    add(
      "return",
      name,
      label,
      `close / close ${days} days before - 1`,
      start < 0 ? Number.NaN : price / close[start]! - 1,
      "fraction",
      "prices as adjusted for the request",
    );
  }
  add(
    "return",
    "returnAll",
    "Return over the whole range",
    "last close / first close - 1",
    last > 0 ? price / close[0]! - 1 : Number.NaN,
    "fraction",
    "prices as adjusted for the request",
  );

  const volume20 = ending(columns.volume20);
  add(
    "volume",
    "volumeOver20",
    "Volume against its 20-bar average",
    `volume / ${summaryFormulas.volume20}`,
    volume20 > 0 ? volume[last]! / volume20 : Number.NaN,
    "times",
    "1 is usual",
  );
  return lines;
}
