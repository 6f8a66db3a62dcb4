import { expect, test } from "vitest";
import { filingOf } from "./cover.ts";

const cover = (form: string, period: string, name: string) =>
  `UNITED STATES\nSECURITIES AND EXCHANGE COMMISSION\nFORM ${form}\n${period}\nCommission file number 001-12345\n${name}\n(Exact name of registrant as specified in its charter)\n`;
const times = (count: number, words: string) => `${words} `.repeat(count);

test.each<[string, string, object]>([
  [
    "an annual report",
    cover("10-K", "For the fiscal year ended December 31, 2022", "ACME WIDGETS, INC."),
    { company: "Acme Widgets, Inc.", form: "10-K", year: 2022 },
  ],
  [
    "a year that ends in January and is called by it",
    cover("10-K", "For the fiscal year ended January 28, 2023", "Shop Co.") +
      times(9, "In fiscal 2023 sales rose.") +
      times(8, "In fiscal 2022 they fell."),
    { company: "Shop Co.", form: "10-K", year: 2023 },
  ],
  [
    "a year that ends in January and is called by the one before",
    cover("10-K", "For the fiscal year ended January 28, 2023", "Shop Co.") +
      times(9, "In fiscal 2022 sales rose.") +
      times(2, "We expect fiscal 2023 to be better."),
    { company: "Shop Co.", form: "10-K", year: 2022 },
  ],
  [
    "a quarter of a fiscal year that is ahead of the calendar",
    cover("10-Q", "For the quarterly period ended December 31, 2022", "Acme plc") +
      times(4, "three months ended") +
      times(4, "six months ended") +
      times(5, "fiscal year 2023"),
    { company: "Acme plc", form: "10-Q", year: 2023, quarter: 2 },
  ],
  [
    "a first quarter",
    cover(
      "10-Q",
      "For the quarterly period ended Commission file\nMarch 31, 2021 number 1-5805",
      "Acme & Co.",
    ) +
      times(30, "three months ended") +
      times(2, "nine months ended"),
    { company: "Acme & Co.", form: "10-Q", year: 2021, quarter: 1 },
  ],
  [
    "an event",
    cover("8-K", "Date of Report (Date of earliest event reported): July 1, 2022", "Acme Corp"),
    { company: "Acme Corp", form: "8-K", year: 2022, day: "2022-07-01" },
  ],
  [
    "an amendment, which holds a part of the report",
    cover("10-K/A", "For the fiscal year ended December 31, 2022", "Acme Corp"),
    { company: "Acme Corp", form: "other", year: 2022 },
  ],
  [
    "words in lines of their own",
    cover("10-K", "For the fiscal year ended December 31, 2022", "ACME WIDGETS, INC.").replaceAll(" ", "\n"),
    { company: "Acme Widgets, Inc.", form: "10-K", year: 2022 },
  ],
])("%s", (_, text, filing) => {
  expect(filingOf(text)?.filing).toEqual(filing);
});

test.each(["A note on Form 10-K filings.", cover("10-K", "", "Acme Corp")])("%j has no cover", (text) => {
  expect(filingOf(text)).toBeUndefined();
});
