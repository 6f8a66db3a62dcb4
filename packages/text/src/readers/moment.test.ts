import { expect, test } from "vitest";
import { instantOf, readMoment } from "./moment.ts";

test.each([
  ["2024-03-05T14:30:00Z", "2024-03-05T14:30:00.000Z"],
  ["2024-03-05T14:30:00.25+02:00", "2024-03-05T12:30:00.250Z"],
  ["2024-03-05 14:30", "2024-03-05T14:30:00.000Z"],
  ["20240305T143000Z", "2024-03-05T14:30:00.000Z"],
  ["20240305", "2024-03-06T00:00:00.000Z"],
  ["2024-03-05", "2024-03-06T00:00:00.000Z"],
  ["Tue, 05 Mar 2024 14:30:00 GMT", "2024-03-05T14:30:00.000Z"],
  ["5 Mar 2024 14:30 -0500 (EST)", "2024-03-05T19:30:00.000Z"],
  ["Tue, 05 Mar 2024 14:30:00 EDT", "2024-03-05T18:30:00.000Z"],
  ["March 5, 2024", "2024-03-06T00:00:00.000Z"],
  ["5 March 2024", "2024-03-06T00:00:00.000Z"],
  ["March 5, 2024 at 12:05 a.m. EST", "2024-03-05T05:05:00.000Z"],
])("%s is %s", (text, iso) => {
  expect(new Date(readMoment(text)!.ms).toISOString()).toBe(iso);
});

test.each([
  "",
  "soon",
  "2024-02-30",
  "31 Feb 2024",
  "2024-03-05T25:00:00Z",
  "March 5, 2024 5:00 PM ET",
  "13/13/2024",
])("%j is no time", (text) => {
  expect(readMoment(text)).toBeUndefined();
});

test.each([
  ["America/New_York", "2024-01-15T17:00", "2024-01-15T22:00:00.000Z"],
  ["America/New_York", "2024-07-15T17:00", "2024-07-15T21:00:00.000Z"],
  // Just after clocks went forward.
  ["America/New_York", "2024-03-10T03:30", "2024-03-10T07:30:00.000Z"],
  ["Asia/Kolkata", "2024-01-15T00:10", "2024-01-14T18:40:00.000Z"],
])("in %s %s is %s", (zone, wall, iso) => {
  expect(new Date(instantOf(readMoment(wall)!.ms, zone)!).toISOString()).toBe(iso);
});

test("a zone that is not known gives nothing", () => {
  expect(instantOf(0, "Mars/Olympus")).toBeUndefined();
});
