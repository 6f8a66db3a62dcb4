import fc from "fast-check";
import { expect, test } from "vitest";
import { nextTime, nextTimes } from "./domain.ts";

const at = (text: string) => Date.parse(text);

test.each([
  // New York is at -5 h in winter and -4 h in summer.
  ["30 16 * * 1-5", "America/New_York", "2020-01-03T21:30:00Z", "2020-01-06T21:30:00Z"],
  ["30 16 * * 1-5", "America/New_York", "2020-07-01T00:00:00Z", "2020-07-01T20:30:00Z"],
  ["0 0 1 * *", "UTC", "2020-01-31T12:00:00Z", "2020-02-01T00:00:00Z"],
  ["0 0 29 2 *", "UTC", "2020-03-01T00:00:00Z", "2024-02-29T00:00:00Z"],
  ["*/15 * * * * *", "UTC", "2020-01-01T00:00:01Z", "2020-01-01T00:00:15Z"],
  // 02:30 does not exist on the night the clocks go forward: it is taken once, right after the gap.
  ["30 2 * * *", "Europe/Berlin", "2020-03-28T12:00:00Z", "2020-03-29T01:00:00Z"],
])("%s in %s after %s is %s", (cron, zone, after, expected) => {
  expect(new Date(nextTime(cron, zone, at(after))!).toISOString()).toBe(new Date(at(expected)).toISOString());
});

test("02:30 comes once on the night the clocks go back", () => {
  const times = nextTimes("30 2 * * *", "Europe/Berlin", at("2020-10-24T12:00:00Z"), 2);
  expect(times.map((time) => new Date(time).toISOString())).toEqual([
    "2020-10-25T00:30:00.000Z",
    "2020-10-26T01:30:00.000Z",
  ]);
});

test("times are after the given one and rise", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 59 }),
      fc.integer({ min: 0, max: 23 }),
      fc.constantFrom("UTC", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"),
      fc.integer({ min: at("2015-01-01"), max: at("2035-01-01") }),
      (minute, hour, zone, after) => {
        const times = nextTimes(`${minute} ${hour} * * *`, zone, after, 4);
        expect([after, ...times].every((time, index, all) => index === 0 || time > all[index - 1]!)).toBe(
          true,
        );
        // A day apart, but for changes of the clock.
        expect(
          times.every(
            (time, index) => index === 0 || Math.abs(time - times[index - 1]! - 86_400_000) <= 3_600_000,
          ),
        ).toBe(true);
      },
    ),
  );
});

test.each([
  ["61 * * * *", "UTC", /cron expression/],
  ["* * *", "UTC", /cron expression/],
  ["0 0 * * *", "Mars/Olympus", /no time zone Mars\/Olympus/],
])("%s in %s is refused", (cron, zone, message) => {
  expect(() => nextTime(cron, zone, 0)).toThrow(message);
});
