import { dayMs } from "@tapedeck/core";
import { indexAtOrAfter, indexAtOrBefore } from "@tapedeck/quant/measure";
import { barsPerYear } from "@tapedeck/trading/performance";
import type { EvidenceItem } from "../evidence/contract.ts";
import type { SeriesDataset } from "../series/contract.ts";
import { Declined } from "./answer.ts";
import type { Period } from "./dates.ts";
import { formatDate, formatMonth, formatNumber, formatTime } from "./format.ts";
import { missingBars } from "./missing.ts";

/** A stretch of bars by index, half-open, with the period as it was meant. */
export interface Stretch {
  from: number;
  to: number;
  period: Period | undefined;
}

/** A computed value as evidence. */
export type Computed = Extract<EvidenceItem, { kind: "computation" }>;

/** Bars of one instrument as an answer uses them: lookups by date, evidence, and words. */
export interface Bars {
  dataset: SeriesDataset;
  /** `S&P 500 (SPX.INDEX)`: on first mention. */
  title: string;
  name: string;
  names: string[];
  /** Unit of prices: a currency, or points of an index. */
  unit: string;
  last: number;
  perYear: number;
  /** When a bar was, in words. */
  when(index: number): string;
  /** `on 16 March 2020`, `in January 2005`. */
  at(index: number): string;
  price(value: number): string;
  /** Evidence: all the bars read. */
  rows(from?: number, to?: number): EvidenceItem;
  /** Evidence: a value computed at a bar (null: over a stretch). */
  value(formula: string, index: number | null, value: number, unit: string): Computed;
  /** Index of the bar of a date, or the last before it; −1 when the data starts later. */
  onOrBefore(dateEndMs: number): number;
  /** Bars within a period; declines, saying what to ingest, when there are none. */
  stretch(period: Period | undefined): Stretch;
}

/** The columns with volume as NaN where no bar has any: a source without volumes writes 0. */
function withKnownVolume(columns: SeriesDataset["columns"]): SeriesDataset["columns"] {
  if (columns.volume.some((value) => value > 0)) return columns;
  return { ...columns, volume: new Float64Array(columns.volume.length).fill(Number.NaN) };
}

export function createBars(read: SeriesDataset): Bars {
  const dataset = { ...read, columns: withKnownVolume(read.columns) };
  const { instrument, columns } = dataset;
  const { closeMs, openMs } = columns;
  const last = dataset.length - 1;
  const unit = instrument.assetClass === "index" ? "points" : instrument.currency;
  const base = {
    datasetHash: dataset.hash,
    instrumentId: instrument.instrumentId,
    timeframe: dataset.timeframe,
  };
  const whole = dataset.timeframeMs >= dayMs;
  const monthly = dataset.timeframeMs >= 28 * dayMs;
  const name = instrument.name === "" ? instrument.instrumentId : instrument.name;
  const names = [name, instrument.instrumentId, instrument.symbol, dataset.timeframe];

  const when = (index: number) => {
    const at = closeMs[index]!;
    if (monthly) return formatMonth(at - 1);
    if (whole) return formatDate(at - 1);
    // A bar that closes at midnight belongs to the day that it ends.
    return at % dayMs === 0 ? `${formatDate(at - 1)} 24:00 UTC` : formatTime(at);
  };
  const onOrBefore = (dateEndMs: number) => indexAtOrBefore(closeMs, dateEndMs);

  return {
    dataset,
    title: name === instrument.instrumentId ? name : `${name} (${instrument.instrumentId})`,
    name,
    names,
    unit,
    last,
    perYear: barsPerYear(instrument.calendar, dataset.timeframe),
    when,
    at: (index) => `${monthly ? "in" : "on"} ${when(index)}`,
    price: (value) => `${formatNumber(value)} ${unit}`,
    rows: (from = 0, to = dataset.length) => ({
      kind: "rows",
      ...base,
      adjustment: dataset.adjustment,
      fromMs: openMs[from]!,
      toMs: closeMs[to - 1]!,
      bars: to - from,
    }),
    value: (formula, index, value, valueUnit) => ({
      kind: "computation",
      ...base,
      formula,
      atMs: index === null ? null : closeMs[index]!,
      value,
      unit: valueUnit,
    }),
    onOrBefore,
    stretch(period) {
      if (period === undefined) return { from: 0, to: dataset.length, period };
      // The period's own words are the asker's, not a claim about the data.
      names.push(period.label);
      if (period.trailingDays !== undefined) {
        const from = indexAtOrAfter(closeMs, closeMs[last]! - period.trailingDays * dayMs);
        return { from: Math.min(from, last), to: dataset.length, period };
      }
      // A bar belongs to the day that its close ends.
      const from =
        period.fromMs === Number.NEGATIVE_INFINITY ? 0 : indexAtOrAfter(closeMs, period.fromMs + 1);
      const to =
        period.toMs === Number.POSITIVE_INFINITY ? dataset.length : indexAtOrAfter(closeMs, period.toMs + 1);
      if (to > from) return { from, to, period };
      const insideData = period.fromMs >= openMs[0]! && period.toMs <= closeMs[last]! + dayMs;
      if (insideData && period.grain === "day") return { from, to: from, period };
      throw new Declined(
        `The data of ${name} (${dataset.timeframe}) runs from ${when(0)} to ${when(last)}; there is none ${period.label}.`,
        { missing: [missingBars(instrument.instrumentId, { timeframe: dataset.timeframe, period })] },
      );
    },
  };
}

/** Said when a period reaches past the data: what was meant against what there is; undefined when it does not. */
export function coverageNote(
  bars: Bars,
  stretch: Stretch,
): { text: string; cite: EvidenceItem[]; names: string[] } | undefined {
  const { period } = stretch;
  if (period === undefined || period.trailingDays !== undefined || period.grain === "day") return undefined;
  const { openMs, closeMs } = bars.dataset.columns;
  const slackMs = Math.max(6 * dayMs, bars.dataset.timeframeMs);
  const startsLate = Number.isFinite(period.fromMs) && openMs[0]! - period.fromMs > slackMs;
  const endsEarly = Number.isFinite(period.toMs) && period.toMs - closeMs[bars.last]! > slackMs;
  if (!startsLate && !endsEarly) return undefined;
  const parts = [
    ...(startsLate ? [`starts only ${bars.at(0)}`] : []),
    ...(endsEarly ? [`ends ${bars.at(bars.last)}`] : []),
  ];
  return {
    text: `Note that the data of ${bars.name} ${parts.join(" and ")}, so that the answer covers only what lies within it.`,
    cite: [bars.rows()],
    names: bars.names,
  };
}
