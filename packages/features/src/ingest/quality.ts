import { dayMs, isoDate } from "@tapedeck/core";
import {
  addDays,
  calendarOf,
  dateMs,
  intradayMs,
  isSessionTimeframe,
  sessionBarBounds,
  sessionOnOrAfter,
} from "@tapedeck/trading/calendar/index";
import type { TradingCalendar } from "@tapedeck/trading/calendar/index";
import type { Instrument, SeriesColumns } from "../series/contract.ts";
import type { QualityFinding, QualityReport } from "./contract.ts";

const findingsPerKind = 50;
const sampleSize = 20_000;
/** A return this many robust deviations away is an outlier. */
const outlierDeviations = 12;
const leastOutlier = 0.02;
const splitTolerance = 0.04;
const splitRatios = [1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 50];
const staleBars = 5;
/** A series with more of its bars than this on closed days, and at least so many, contradicts its calendar. */
const contradicting = { share: 0.02, bars: 5 };
/** The same of bars within a day, for hours: a source may have some of before the open and after the close. */
const contradictingHours = 0.2;

export interface QualityInput {
  instrument: Instrument;
  timeframe: string;
  /** exMs of the splits that are known. */
  splitTimes: readonly number[];
  /** Starts the series anew each time. */
  scan(): AsyncIterable<SeriesColumns>;
  signal: AbortSignal;
}

/** Reads the series twice, page by page: once for the scale of its returns, once for the findings. */
export async function checkQuality(input: QualityInput): Promise<QualityReport | undefined> {
  const scale = await returnScale(input);
  const check = createCheck(input, scale);
  for await (const page of input.scan()) {
    input.signal.throwIfAborted();
    for (let i = 0; i < page.openMs.length; i++) check.bar(page, i);
  }
  return check.finish();
}

/** Median and 1.4826 × median absolute deviation of log returns, over an even sample. */
async function returnScale(input: QualityInput): Promise<{ median: number; deviation: number }> {
  let sample: number[] = [];
  let stride = 1;
  let index = 0;
  let before = Number.NaN;
  for await (const page of input.scan()) {
    input.signal.throwIfAborted();
    for (const close of page.close) {
      const value = Math.log(close / before);
      before = close;
      if (index++ % stride !== 0 || !Number.isFinite(value)) continue;
      sample.push(value);
      if (sample.length === 2 * sampleSize) {
        sample = sample.filter((_, i) => i % 2 === 0);
        stride *= 2;
      }
    }
  }
  const median = middle(sample);
  return { median, deviation: 1.4826 * middle(sample.map((value) => Math.abs(value - median))) };
}

function middle(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted.length === 0 ? 0 : sorted[sorted.length >> 1]!;
}

interface Check {
  bar(page: SeriesColumns, i: number): void;
  finish(): QualityReport | undefined;
}

function createCheck(input: QualityInput, scale: { median: number; deviation: number }): Check {
  const { instrument, timeframe } = input;
  const calendar = calendarOf(instrument.calendar);
  const grid = instrument.assetClass === "fx" ? undefined : gapCheck(calendar, timeframe);
  const findings = new Map<QualityFinding["kind"], QualityFinding[]>();
  const report = {
    bars: 0,
    fromMs: 0,
    toMs: 0,
    outliers: 0,
    suspectedSplits: 0,
    zeroVolume: 0,
    missingVolume: 0,
    nonPositive: 0,
    staleRuns: 0,
  };
  const threshold = Math.max(leastOutlier, outlierDeviations * scale.deviation);
  const wholeSessions = isSessionTimeframe(timeframe);
  const splitsMatter = !/^\d+(w|mo)$/.test(timeframe);
  let same = 1;
  let last = {
    closeMs: 0,
    open: Number.NaN,
    high: Number.NaN,
    low: Number.NaN,
    close: Number.NaN,
    volume: Number.NaN,
  };

  function contradicts(outside: number): boolean {
    return wholeSessions
      ? outside >= contradicting.bars && outside > contradicting.share * report.bars
      : outside > contradictingHours * report.bars;
  }

  function find(kind: QualityFinding["kind"], atMs: number, message: string): void {
    const list = findings.get(kind) ?? [];
    if (list.length < findingsPerKind) list.push({ kind, atMs, message });
    findings.set(kind, list);
  }

  function jump(atMs: number, closeMs: number, open: number, close: number): void {
    const ratio = last.close / open;
    const near = splitsMatter
      ? splitRatios.find((n) => Math.abs(Math.abs(Math.log(ratio)) - Math.log(n)) < splitTolerance)
      : undefined;
    const recorded = input.splitTimes.some((exMs) => exMs >= last.closeMs && exMs <= closeMs);
    if (near !== undefined && Math.abs(Math.log(ratio)) > threshold) {
      if (recorded) return;
      report.suspectedSplits++;
      const kind = ratio > 1 ? `${near}-for-1 split` : `1-for-${near} reverse split`;
      find(
        "suspectedSplit",
        atMs,
        `${isoDate(atMs)}: opens at ${open} after a close of ${last.close}, like a ${kind} that is not recorded`,
      );
      return;
    }
    const value = Math.log(close / last.close) - scale.median;
    if (scale.deviation > 0 && Math.abs(value) > threshold && !recorded) {
      report.outliers++;
      const times = (Math.abs(value) / scale.deviation).toFixed(0);
      find(
        "outlier",
        atMs,
        `${isoDate(atMs)}: close ${last.close} to ${close}, ${times} times the usual change`,
      );
    }
  }

  return {
    bar(page, i) {
      const [openMs, closeMs] = [page.openMs[i]!, page.closeMs[i]!];
      const [open, high, low, close, volume] = [
        page.open[i]!,
        page.high[i]!,
        page.low[i]!,
        page.close[i]!,
        page.volume[i]!,
      ];
      if (report.bars === 0) report.fromMs = openMs;
      report.bars++;
      report.toMs = closeMs;
      const gap = grid?.(openMs);
      if (gap !== undefined) find(gap.kind, openMs, gap.message);
      if (Number.isNaN(volume)) report.missingVolume++;
      else if (volume === 0) {
        report.zeroVolume++;
        find("zeroVolume", openMs, `${isoDate(openMs)}: no volume`);
      }
      if (low <= 0) {
        report.nonPositive++;
        find("nonPositive", openMs, `${isoDate(openMs)}: a price of ${low}`);
      }
      if (report.bars > 1 && open > 0 && close > 0 && last.close > 0) jump(openMs, closeMs, open, close);
      const equal =
        open === last.open &&
        high === last.high &&
        low === last.low &&
        close === last.close &&
        Object.is(volume, last.volume);
      same = equal ? same + 1 : 1;
      if (same === staleBars) {
        report.staleRuns++;
        find("stale", openMs, `${isoDate(openMs)}: ${staleBars} equal bars or more in a row`);
      }
      last = { closeMs, open, high, low, close, volume };
    },
    finish() {
      if (report.bars === 0) return undefined;
      const counts = grid?.counts();
      if (counts !== undefined && contradicts(counts.outside)) {
        // One finding for all: the calendar is what is wrong, not so many bars.
        for (const kind of ["outsideCalendar", "gap"] as const) findings.delete(kind);
        counts.expected = null;
        const many = `${counts.outside} of ${report.bars} bars lie outside ${calendar.id}'s`;
        if (wholeSessions)
          find(
            "outsideCalendar",
            report.fromMs,
            `${many} trading days, so it is not this series' calendar and gaps are not counted: choose 24x5 (weekdays) or 24x7`,
          );
        else
          find(
            "timeZone",
            report.fromMs,
            `${many} hours: check mapping.timeZone, or choose calendar 24x5 or 24x7`,
          );
      }
      return {
        instrumentId: instrument.instrumentId,
        timeframe,
        calendar: instrument.calendar,
        ...report,
        expected: counts?.expected ?? null,
        missing: counts === undefined || counts.expected === null ? null : counts.missing,
        outsideCalendar: counts?.outside ?? 0,
        findings: [...findings.values()].flat().sort((a, b) => a.atMs - b.atMs),
      };
    },
  };
}

interface GapCheck {
  (openMs: number): { kind: "gap" | "outsideCalendar"; message: string } | undefined;
  counts(): { expected: number | null; missing: number; outside: number };
}

/** Compares a series with the bars that its calendar has. Outside the years that the calendar knows, nothing is expected. */
function gapCheck(calendar: TradingCalendar, timeframe: string): GapCheck {
  let missing = 0;
  let outside = 0;
  let inside = 0;
  let before: Place | undefined;
  const placeOf = isSessionTimeframe(timeframe)
    ? sessionPlaces(calendar, timeframe)
    : slotPlaces(calendar, timeframe);
  const placeName = (openMs: number): string =>
    isSessionTimeframe(timeframe) ? calendar.dateOf(openMs) : new Date(openMs).toISOString();
  const [knownFromMs, knownToMs] = [dateMs(calendar.knownFrom), dateMs(calendar.knownTo)];

  const check = (openMs: number): ReturnType<GapCheck> => {
    if (openMs < knownFromMs || openMs > knownToMs + dayMs) return undefined;
    const place = placeOf.of(openMs);
    if (place === undefined) {
      outside++;
      return {
        kind: "outsideCalendar",
        message: `${placeName(openMs)}: ${calendar.id} is closed then`,
      };
    }
    inside++;
    const from = before;
    before = place;
    if (from === undefined) return undefined;
    const gap = placeOf.between(from, place);
    const mayBeHoliday = isSessionTimeframe(timeframe) ? calendar.unknownHolidays(place.date) : 0;
    if (gap <= mayBeHoliday) return undefined;
    missing += gap;
    return {
      kind: "gap",
      message: `${gap} bar${gap === 1 ? " is" : "s are"} missing before ${placeName(openMs)}`,
    };
  };
  return Object.assign(check, {
    counts: () => ({ expected: inside === 0 ? null : inside + missing, missing, outside }),
  });
}

interface Place {
  date: string;
  slot: number;
}

interface Places {
  of(openMs: number): Place | undefined;
  /** Bars that the calendar has strictly between two. */
  between(from: Place, to: Place): number;
}

function sessionPlaces(calendar: TradingCalendar, timeframe: string): Places {
  const next = (date: string): string => {
    const count = Number.parseInt(timeframe, 10);
    if (timeframe.endsWith("mo")) {
      const [year, month] = date.split("-").map(Number) as [number, number];
      return new Date(Date.UTC(year, month - 1 + count, 1)).toISOString().slice(0, 10);
    }
    if (timeframe.endsWith("w")) {
      const { openMs } = sessionBarBounds(calendar, "1w", date);
      const monday =
        dateMs(calendar.dateOf(openMs)) -
        ((new Date(dateMs(calendar.dateOf(openMs))).getUTCDay() + 6) % 7) * dayMs;
      return new Date(monday + 7 * count * dayMs).toISOString().slice(0, 10);
    }
    return sessionOnOrAfter(calendar, addDays(date, count)).date;
  };
  return {
    of(openMs) {
      const date = calendar.dateOf(openMs);
      if (timeframe.endsWith("d") && calendar.session(date) === undefined) return undefined;
      return { date, slot: 0 };
    },
    between(from, to) {
      let gap = 0;
      for (
        let date = next(from.date);
        sessionBarBounds(calendar, timeframe, date).openMs < dateMs(to.date);
        date = next(date)
      )
        gap++;
      return gap;
    },
  };
}

function slotPlaces(calendar: TradingCalendar, timeframe: string): Places {
  const length = intradayMs(timeframe);
  const slots = (date: string): number => {
    const session = calendar.session(date);
    return session === undefined ? 0 : Math.ceil((session.closeMs - session.openMs) / length);
  };
  return {
    of(openMs) {
      const date = calendar.dateOf(openMs);
      const session = calendar.session(date);
      if (session === undefined || openMs < session.openMs || openMs >= session.closeMs) return undefined;
      return { date, slot: Math.floor((openMs - session.openMs) / length) };
    },
    between(from, to) {
      if (from.date === to.date) return to.slot - from.slot - 1;
      let gap = slots(from.date) - 1 - from.slot + to.slot;
      for (let date = addDays(from.date, 1); date < to.date; date = addDays(date, 1)) gap += slots(date);
      return gap;
    },
  };
}
