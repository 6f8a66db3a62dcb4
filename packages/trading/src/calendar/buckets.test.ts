import { createFormulaRun, evaluateFormulas } from "@tapedeck/formula";
import type { Dataset } from "@tapedeck/formula";
import { resampleBars } from "@tapedeck/quant";
import { describe, expect, test } from "vitest";
import { bucketRule, calendarOf, intradayMs, sessionBucket, sessionsBetween } from "./index.ts";
import type { CalendarName } from "./index.ts";

const xnys = calendarOf("XNYS");
const instant = (text: string): number => Date.parse(`${text}Z`);
const shown = (ms: number): string => new Date(ms).toISOString().slice(0, 16);

/** Bars of a timeframe shorter than a session, over every session of some dates; the close counts up. */
function sessionBars(timeframe: string, from: string, to: string, name: CalendarName = "XNYS"): Dataset {
  const length = timeframe === "1d" ? Infinity : intradayMs(timeframe);
  const bounds = [...sessionsBetween(calendarOf(name), from, to)].flatMap((session) => {
    const opens: [number, number][] = [];
    for (let ms = session.openMs; ms < session.closeMs; ms += length)
      opens.push([ms, Math.min(ms + length, session.closeMs)]);
    return opens;
  });
  const close = Float64Array.from(bounds, (_, i) => i + 1);
  return {
    length: bounds.length,
    timeframeMs: timeframe === "1d" ? 86_400_000 : length,
    openMs: Float64Array.from(bounds, ([openMs]) => openMs),
    closeMs: Float64Array.from(bounds, ([, closeMs]) => closeMs),
    open: close,
    high: close.map((x) => x + 0.5),
    low: close.map((x) => x - 0.5),
    close,
    volume: close.map(() => 10),
    bucketOf: bucketRule(name),
  };
}

/** Open, close and last close of the bars that a dataset's bars join to. */
function joined(data: Dataset, timeframe: string): [string, string, number][] {
  const bars = resampleBars(data, (openMs, closeMs) => data.bucketOf!(timeframe, openMs, closeMs));
  return Array.from(bars.openMs, (openMs, i) => [shown(openMs), shown(bars.closeMs[i]!), bars.close[i]!]);
}

describe("bars of a higher timeframe on XNYS", () => {
  test("a day runs from open to close, an hour later in UTC once the clocks have changed", () => {
    expect(joined(sessionBars("30m", "2024-03-08", "2024-03-11"), "1d")).toEqual([
      ["2024-03-08T14:30", "2024-03-08T21:00", 13],
      ["2024-03-11T13:30", "2024-03-11T20:00", 26],
    ]);
  });

  test("a short day ends early, and its last hour with it", () => {
    expect(joined(sessionBars("30m", "2024-07-03", "2024-07-03"), "1h")).toEqual([
      ["2024-07-03T13:30", "2024-07-03T14:30", 2],
      ["2024-07-03T14:30", "2024-07-03T15:30", 4],
      ["2024-07-03T15:30", "2024-07-03T16:30", 6],
      ["2024-07-03T16:30", "2024-07-03T17:00", 7],
    ]);
  });

  test("a week with holidays at its ends is the sessions that it has", () => {
    expect(joined(sessionBars("1d", "2024-03-25", "2024-04-05"), "1w")).toEqual([
      ["2024-03-25T13:30", "2024-03-28T20:00", 4],
      ["2024-04-01T13:30", "2024-04-05T20:00", 9],
    ]);
    expect(joined(sessionBars("1d", "2020-01-20", "2020-01-24"), "1w")).toEqual([
      ["2020-01-21T14:30", "2020-01-24T21:00", 4],
    ]);
  });

  test("months and quarters begin with their first session; several weeks count from 1970", () => {
    const year = sessionBars("1d", "2024-01-01", "2024-12-31");
    expect(joined(year, "1mo")).toHaveLength(12);
    expect(joined(year, "3mo").map(([open]) => open.slice(0, 10))).toEqual([
      "2024-01-02",
      "2024-04-01",
      "2024-07-01",
      "2024-10-01",
    ]);
    const starts = joined(year, "2w").map(([open]) => Date.parse(`${open.slice(0, 10)}T00:00:00Z`));
    const week = 7 * 86_400_000;
    for (const ms of starts) expect(Math.floor((ms - 4 * 86_400_000) / week) % 2).toBe(0);
  });

  test("a bar before the open or after the close belongs to no day, and hours outside follow the clock", () => {
    const before = [instant("2024-03-08T13:00"), instant("2024-03-08T13:30")] as const;
    expect(sessionBucket(xnys, "1d", ...before)).toBeUndefined();
    const { startMs, endMs } = sessionBucket(xnys, "1h", ...before)!;
    expect([shown(startMs), shown(endMs)]).toEqual(["2024-03-08T13:00", "2024-03-08T14:00"]);
    const last = sessionBucket(xnys, "1h", instant("2024-03-08T14:00"), instant("2024-03-08T14:30"))!;
    expect([shown(last.startMs), shown(last.endMs)]).toEqual(["2024-03-08T14:00", "2024-03-08T14:30"]);
    const after = sessionBucket(xnys, "4h", instant("2024-03-08T21:30"), instant("2024-03-08T22:00"))!;
    expect(shown(after.startMs)).toBe("2024-03-08T21:00");
  });

  test("an hour that is stamped before the open but reaches into the session is part of the day", () => {
    const bar = [instant("2024-03-08T14:00"), instant("2024-03-08T15:00")] as const;
    expect(shown(sessionBucket(xnys, "1d", ...bar)!.startMs)).toBe("2024-03-08T14:30");
  });

  test("a day by UTC belongs to the session that it holds, though it begins the evening before in New York", () => {
    const day = [instant("2024-03-08T00:00"), instant("2024-03-09T00:00")] as const;
    const { startMs, endMs } = sessionBucket(xnys, "1w", ...day)!;
    expect([shown(startMs), shown(endMs)]).toEqual(["2024-03-04T14:30", "2024-03-08T21:00"]);
  });

  test("a row on a day that the calendar does not have is its own bar, or its week's", () => {
    const { openMs, closeMs } = xnys.hours("2024-03-29");
    expect(shown(sessionBucket(xnys, "1w", openMs, closeMs)!.startMs)).toBe("2024-03-29T13:30");
  });
});

describe("around the clock", () => {
  test("days, weeks and hours are the UTC clock's", () => {
    const data = sessionBars("30m", "2024-03-29", "2024-04-01", "24x7");
    expect(joined(data, "1d").map(([open]) => open)).toEqual([
      "2024-03-29T00:00",
      "2024-03-30T00:00",
      "2024-03-31T00:00",
      "2024-04-01T00:00",
    ]);
    expect(joined(data, "1w").map(([open, close]) => [open, close])).toEqual([
      ["2024-03-25T00:00", "2024-04-01T00:00"],
      ["2024-04-01T00:00", "2024-04-08T00:00"],
    ]);
    expect(joined(data, "4h")).toHaveLength(24);
  });
});

describe("formulas on a higher timeframe", () => {
  test("see the week from the close of its last session, Thursday where Friday is a holiday", () => {
    const data = sessionBars("1d", "2024-03-18", "2024-04-05");
    const [weekly] = evaluateFormulas(['lag(close, 0, timeframe: "1w")'], data);
    const byDate = Array.from(data.closeMs, (ms, i) => [shown(ms).slice(0, 10), weekly![i]]);
    expect(byDate.slice(3, 11)).toEqual([
      ["2024-03-21", Number.NaN],
      ["2024-03-22", 5],
      ["2024-03-25", 5],
      ["2024-03-26", 5],
      ["2024-03-27", 5],
      ["2024-03-28", 9],
      ["2024-04-01", 9],
      ["2024-04-02", 9],
    ]);
  });

  test.each(["1h", "1d", "1w", "1mo"])("give the same bits bar by bar on %s", (timeframe) => {
    const data = sessionBars("30m", "2024-02-20", "2024-04-12");
    const text = `sma(close, 2, timeframe: "${timeframe}") + volume`;
    const [whole] = evaluateFormulas([text], data);
    const run = createFormulaRun([text], { timeframeMs: data.timeframeMs, bucketOf: data.bucketOf! });
    for (let i = 0; i < data.length; i++) {
      const bar = {
        openMs: data.openMs[i]!,
        closeMs: data.closeMs[i]!,
        open: data.open[i]!,
        high: data.high[i]!,
        low: data.low[i]!,
        close: data.close[i]!,
        volume: data.volume[i]!,
      };
      expect(run.push(bar)[0]).toBe(whole![i]);
    }
  });

  test("a bar after hours changes no day that has ended", () => {
    const data = sessionBars("1h", "2024-03-07", "2024-03-08");
    const late = Float64Array.from([...data.openMs, instant("2024-03-08T21:00")]);
    const closes = Float64Array.from([...data.closeMs, instant("2024-03-08T22:00")]);
    const longer = (x: Float64Array) => Float64Array.from([...x, 1_000]);
    const more: Dataset = {
      ...data,
      length: data.length + 1,
      openMs: late,
      closeMs: closes,
      open: longer(data.open),
      high: longer(data.high),
      low: longer(data.low),
      close: longer(data.close),
      volume: longer(data.volume),
    };
    const [daily] = evaluateFormulas(['highest(high, 1, timeframe: "1d")'], more);
    expect(Array.from(daily!.slice(-2))).toEqual([14.5, 14.5]);
  });
});

describe("joined bars", () => {
  const data = sessionBars("30m", "2024-03-04", "2024-03-08");

  test("lose and invent nothing", () => {
    const days = resampleBars(data, (openMs, closeMs) => data.bucketOf!("1d", openMs, closeMs));
    expect([...days.volume]).toEqual([130, 130, 130, 130, 130]);
    expect([...days.open]).toEqual([1, 14, 27, 40, 53]);
    expect([...days.high]).toEqual([13.5, 26.5, 39.5, 52.5, 65.5]);
    expect([...days.low]).toEqual([0.5, 13.5, 26.5, 39.5, 52.5]);
  });

  test("leave out the one that is still open, and keep a missing volume missing", () => {
    const rule = (openMs: number, closeMs: number) => data.bucketOf!("1d", openMs, closeMs);
    const noon = instant("2024-03-08T17:00");
    expect(resampleBars(data, rule, noon).openMs).toHaveLength(4);
    const holed = { ...data, volume: data.volume.with(20, Number.NaN) };
    expect([...resampleBars(holed, rule).volume]).toEqual([130, Number.NaN, 130, 130, 130]);
  });
});
