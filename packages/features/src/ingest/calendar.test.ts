import { addDays, calendarOf, sessionsBetween } from "@tapedeck/trading/calendar/index";
import type { CalendarName } from "@tapedeck/trading/calendar/index";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ingestFixture } from "./ingest.fixture.ts";

let fixture: Awaited<ReturnType<typeof ingestFixture>>;
beforeAll(async () => {
  fixture = await ingestFixture();
});
afterAll(() => fixture.close());

/** Dates of a calendar's sessions in 2024. */
function sessionDates(calendar: CalendarName): string[] {
  return [...sessionsBetween(calendarOf(calendar), "2024-01-01", "2024-12-31")].map(({ date }) => date);
}

function csv(dates: readonly string[]): string {
  const rows = dates.map((date, i) => `${date},${(100 + 2 * Math.sin(i)).toFixed(2)},${1_000 + i}`);
  return ["Date,Close,Volume", ...rows].join("\n");
}

/** Of the London Stock Exchange, as it published them. */
const londonHolidays = [
  "2024-01-01",
  "2024-03-29",
  "2024-04-01",
  "2024-05-06",
  "2024-05-27",
  "2024-08-26",
  "2024-12-25",
  "2024-12-26",
];
const london = sessionDates("24x5").filter((date) => !londonHolidays.includes(date));

describe("the calendar is guessed from the days that have rows", () => {
  test.each<[string, string, string[], number]>([
    ["New York's sessions", "XNYS", sessionDates("XNYS"), 0],
    ["the same with a stray row on a Saturday", "XNYS", [...sessionDates("XNYS"), "2024-06-08"], 1],
    ["London's sessions, New York's holidays among them", "24x5", london, 0],
    ["every day", "24x7", sessionDates("24x7"), 0],
    ["two sessions, which tell nothing", "XNYS", ["2024-03-05", "2024-03-06"], 0],
  ])("%s: %s", async (name, calendar, dates, outside) => {
    const result = await fixture.runFile(`${name.replaceAll(/\W/g, "")}.csv`, csv(dates.toSorted()));
    expect(result.mapping!.calendar).toBe(calendar);
    expect(result.quality[0]!.missing).toBe(0);
    const strays = result.quality[0]!.findings.filter(({ kind }) => kind === "outsideCalendar");
    expect(strays).toHaveLength(outside);
  });

  test("weekdays without known holidays: eight in a row may be one, nine are a gap", async () => {
    const all = sessionDates("24x5");
    const without = (from: string, days: number) => {
      const at = all.indexOf(from);
      return all.filter((_, i) => i < at || i >= at + days);
    };
    const instrument = { calendar: "24x5" as const };
    const short = await fixture.runFile("WEEK.csv", csv(without("2024-10-01", 8)), { instrument });
    expect(short.quality[0]!.missing).toBe(0);
    const long = await fixture.runFile("LONGER.csv", csv(without("2024-10-01", 9)), { instrument });
    expect(long.quality[0]!.missing).toBe(9);
  });
});

test("India's holidays of a known year are no gaps, a session that is missing is one; of another year two may be holidays", async () => {
  const days = (year: string) =>
    [...sessionsBetween(calendarOf("XNSE"), `${year}-01-01`, `${year}-03-31`)].map(({ date }) => date);
  const without = (year: string, ...left: string[]) =>
    csv(days(year).filter((date) => !left.includes(date.slice(5))));
  const instrument = { calendar: "XNSE" as const };
  const missing = async (file: string, text: string) =>
    (await fixture.runFile(file, text, { instrument })).quality[0]!;
  expect(await missing("KNOWN.csv", without("2024"))).toMatchObject({ missing: 0, outsideCalendar: 0 });
  const gap = await missing("HOLED.csv", without("2024", "02-14"));
  expect(gap).toMatchObject({ missing: 1, outsideCalendar: 0 });
  expect(gap.findings).toMatchObject([{ kind: "gap", message: "1 bar is missing before 2024-02-15" }]);
  expect(await missing("UNKNOWN.csv", without("2019", "02-14", "02-15"))).toMatchObject({ missing: 0 });
  expect(await missing("WEEK3.csv", without("2019", "02-13", "02-14", "02-15"))).toMatchObject({
    missing: 3,
  });
});

describe("within a day, by the hours of the zone that was said or is likeliest", () => {
  /** Quarters of an hour from 9:00 to 17:30 on the weekdays of two weeks. */
  const rows = sessionDates("24x5")
    .slice(45, 55)
    .flatMap((date) =>
      Array.from({ length: 34 }, (_, i) => {
        const minutes = 540 + 15 * i;
        const time = `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
        return `${date} ${time},${(50 + Math.sin(i)).toFixed(2)}`;
      }),
    );
  const text = ["Time,Close", ...rows].join("\n");

  test("hours of Berlin that were said are not New York's", async () => {
    const result = await fixture.runFile("HOURS.csv", text, { mapping: { timeZone: "Europe/Berlin" } });
    expect(result.mapping).toMatchObject({ calendar: "24x5", timeframe: "15m" });
    expect(result.quality[0]!.findings.map(({ kind }) => kind)).not.toContain("timeZone");
  });

  test("a zone that does not exist is refused before anything is guessed from it", async () => {
    await expect(
      fixture.runFile("NOWHERE.csv", text, { mapping: { timeZone: "Europe/Nowhere" } }),
    ).rejects.toMatchObject({
      code: "payload.invalid",
      message: expect.stringContaining('no time zone "Europe/Nowhere"') as string,
    });
  });

  test("the same hours without a zone could be New York's; that some do not fit is one finding", async () => {
    const result = await fixture.runFile("UNSAID.csv", text);
    expect(result.mapping).toMatchObject({ calendar: "XNYS", timeZone: "America/New_York" });
    expect(result.quality[0]!.findings.map(({ kind }) => kind)).toEqual(["timeZone"]);
  });
});

test("a calendar that the rows contradict is one finding, and counts no gaps", async () => {
  const result = await fixture.runFile("COIN.csv", csv(sessionDates("24x7")), {
    instrument: { calendar: "XNYS" },
  });
  const [report] = result.quality;
  expect(report!.outsideCalendar).toBe(366 - 252);
  expect(report!.expected).toBeNull();
  expect(report!.findings.filter(({ kind }) => kind === "outsideCalendar" || kind === "gap")).toEqual([
    expect.objectContaining({
      kind: "outsideCalendar",
      message: expect.stringMatching(/^114 of 366 bars lie outside XNYS's trading days.*24x5/) as string,
    }),
  ]);
});

test("a currency that nothing says is guessed aloud, and one that is said is not", async () => {
  const silent = await fixture.runFile("QUIET.csv", csv(london));
  expect(silent.mapping!.guesses).toContainEqual({
    what: "instrument.currency",
    value: "USD",
    why: "nothing in the source says one",
  });
  const said = await fixture.runFile("SAID.csv", csv(london), { instrument: { currency: "GBP" } });
  expect(said.mapping!.guesses.map(({ what }) => what)).not.toContain("instrument.currency");
  const again = await fixture.runFile("SAID.csv", csv(london), { instrument: { currency: "EUR" } });
  expect(again.notes).toContain(
    "SAID.LOCAL exists with currency GBP, which stays: import under another symbol or venue to have EUR.",
  );
});

test("a repeated import brings no findings of its own; the earlier ones are counted", async () => {
  const dates = sessionDates("XNYS").filter((date) => date !== "2024-05-15");
  const first = await fixture.runFile("AGAIN.csv", csv(dates));
  expect(first.quality[0]).toMatchObject({ missing: 1, earlierFindings: 0, findings: [{ kind: "gap" }] });
  const second = await fixture.runFile("AGAIN.csv", csv(dates));
  expect(second.quality[0]).toMatchObject({ missing: 1, earlierFindings: 1, findings: [] });
  const later = [...dates, addDays("2024-12-31", 4)].toSorted();
  const third = await fixture.runFile("AGAIN.csv", csv(later));
  expect(third.quality[0]).toMatchObject({ earlierFindings: 1, findings: [{ kind: "outsideCalendar" }] });
});
