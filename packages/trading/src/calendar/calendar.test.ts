import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dataDir, hasData, leaveOutUnless } from "@tapedeck/testkit";
import { describe, expect, test } from "vitest";
import { addDays, calendarOf, sessionBarBounds, sessionsBetween } from "./index.ts";

const xnys = calendarOf("XNYS");

leaveOutUnless(hasData, "DATA_DIR")("XNYS against real bars", () => {
  test("has exactly the sessions of SPY's daily bars, 1998 to 2021-03", () => {
    const dates = readFileSync(join(dataDir, "equities/daily/SPY.csv"), "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.slice(0, 10));
    const sessions = [...sessionsBetween(xnys, dates[0]!, dates.at(-1)!)].map((session) => session.date);
    expect(dates.length).toBe(5_849);
    expect(sessions.filter((date) => !dates.includes(date))).toEqual([]);
    expect(dates.filter((date) => !sessions.includes(date))).toEqual([]);
  });
});

describe("XNYS", () => {
  // Published by the exchange.
  test.each([
    ["2022-06-20", "Juneteenth kept on Monday"],
    ["2022-12-26", "Christmas on a Sunday"],
    ["2023-01-02", "New Year on a Sunday"],
    ["2024-03-29", "Good Friday"],
    ["2025-01-09", "day of mourning"],
    ["2026-07-03", "4 July on a Saturday"],
    ["2027-12-24", "Christmas on a Saturday"],
  ])("is closed on %s: %s", (date) => {
    expect(xnys.session(date)).toBeUndefined();
  });

  test("is open on the last day of the year before a Saturday New Year", () => {
    expect(xnys.session("2021-12-31")).toBeDefined();
    expect(xnys.session("2027-12-31")).toBeDefined();
  });

  test.each([
    "1999-12-31",
    "2002-07-05",
    "2003-12-26",
    "2012-07-03",
    "2013-07-03",
    "2019-11-29",
    "2020-12-24",
    "2024-07-03",
    "2025-11-28",
    "2026-12-24",
  ])("closes at 13:00 on %s", (date) => {
    const session = xnys.session(date)!;
    expect(session.early).toBe(true);
    expect(session.closeMs - session.openMs).toBe(3.5 * 3_600_000);
  });

  test.each([
    ["2020-03-06", "2020-03-06T14:30:00Z", "2020-03-06T21:00:00Z"],
    ["2020-03-09", "2020-03-09T13:30:00Z", "2020-03-09T20:00:00Z"],
    ["2020-11-02", "2020-11-02T14:30:00Z", "2020-11-02T21:00:00Z"],
    ["2006-03-20", "2006-03-20T14:30:00Z", "2006-03-20T21:00:00Z"],
    ["2006-04-03", "2006-04-03T13:30:00Z", "2006-04-03T20:00:00Z"],
  ])("has the UTC hours of %s", (date, open, close) => {
    expect(xnys.session(date)).toMatchObject({ openMs: Date.parse(open), closeMs: Date.parse(close) });
  });

  test("has the hours and dates that the time-zone database gives, every day of 1998 to 2030", () => {
    const format = new Intl.DateTimeFormat("sv-SE", {
      timeZone: "America/New_York",
      dateStyle: "short",
      timeStyle: "short",
    });
    for (let date = "1998-01-01"; date <= "2030-12-31"; date = addDays(date, 1)) {
      const { openMs } = xnys.hours(date);
      if (format.format(openMs) !== `${date} 09:30`) expect.fail(`${date}: ${format.format(openMs)}`);
      if (xnys.dateOf(openMs) !== date) expect.fail(date);
      const evening = openMs + 13 * 3_600_000;
      if (xnys.dateOf(evening) !== format.format(evening).slice(0, 10)) expect.fail(`${date} evening`);
    }
  });
});

describe("XNSE", () => {
  const xnse = calendarOf("XNSE");
  const sessions = (from: string, to: string) =>
    [...sessionsBetween(xnse, from, to)].map(({ date }) => date.slice(5));

  // Days of trading that the exchange's yearly statistics count, the hour of Diwali among them.
  test.each([
    ["2021", 248],
    ["2022", 248],
    ["2023", 246],
  ])("has in %s the %i sessions that were held", (year, count) => {
    expect(sessions(`${year}-01-01`, `${year}-12-31`)).toHaveLength(count);
  });

  test("Diwali is an hour in the evening, the day after it a holiday", () => {
    expect(sessions("2022-10-21", "2022-10-27")).toEqual(["10-21", "10-24", "10-25", "10-27"]);
    expect(xnse.session("2022-10-24")).toMatchObject({
      openMs: Date.parse("2022-10-24T12:45:00Z"),
      closeMs: Date.parse("2022-10-24T13:45:00Z"),
    });
    expect(sessions("2023-11-10", "2023-11-15")).toEqual(["11-10", "11-12", "11-13", "11-15"]);
  });

  test("a Saturday that made up for the Monday after it", () => {
    expect(sessions("2024-01-18", "2024-01-23")).toEqual(["01-18", "01-19", "01-20", "01-23"]);
    expect(xnse.session("2024-01-20")).toMatchObject({ early: false });
    expect(xnse.session("2024-03-02")).toMatchObject({ early: true });
  });

  test("says of years whose circular it does not have that two sessions may be holidays", () => {
    const unknown = ["2020-12-31", "2021-01-01", "2026-12-31", "2027-01-01"].map((date) =>
      xnse.unknownHolidays(date),
    );
    expect(unknown).toEqual([2, 0, 0, 2]);
    expect(xnse.session("2027-01-26")).toBeDefined();
  });
});

describe("bounds of bars of whole sessions", () => {
  test("a month runs from its first session's open to its last one's close", () => {
    expect(sessionBarBounds(xnys, "1mo", "2000-01-01")).toEqual({
      openMs: Date.parse("2000-01-03T14:30:00Z"),
      closeMs: Date.parse("2000-01-31T21:00:00Z"),
    });
  });
  test("a week with a holiday on Monday starts on Tuesday", () => {
    expect(sessionBarBounds(xnys, "1w", "2020-01-20")).toEqual({
      openMs: Date.parse("2020-01-21T14:30:00Z"),
      closeMs: Date.parse("2020-01-24T21:00:00Z"),
    });
  });
  test("a day around the clock is the UTC day", () => {
    expect(sessionBarBounds(calendarOf("24x7"), "1d", "2020-02-29")).toEqual({
      openMs: Date.parse("2020-02-29T00:00:00Z"),
      closeMs: Date.parse("2020-03-01T00:00:00Z"),
    });
  });
});
