import { expect, test } from "vitest";
import type { Instrument } from "../series/contract.ts";
import { findMentions } from "./names.ts";

const instrument = (symbol: string, venue: string, name = symbol): Instrument => ({
  instrumentId: `${symbol}.${venue}`,
  symbol,
  venue,
  name,
  assetClass: "equity",
  currency: "USD",
  calendar: "XNYS",
  tickSize: null,
  lotSize: null,
  minNotional: null,
  space: "shared",
});
const known = [instrument("MY", "LOCAL"), instrument("MINE", "LOCAL"), instrument("SPX", "INDEX", "S&P 500")];
const mentioned = (question: string) =>
  findMentions(question, known).flatMap((mention) => mention.instruments.map((one) => one.instrumentId));

test.each([
  ["What is in my portfolio?", []],
  ["How much cash is in my account?", []],
  ["What was the last close of MY?", ["MY.LOCAL"]],
  ["What was the last close of my.local?", ["MY.LOCAL"]],
  ["What was the best month of mine?", ["MINE.LOCAL"]],
  ["When did the s&p 500 last fall?", ["SPX.INDEX"]],
])("%s mentions %j", (question, ids) => {
  expect(mentioned(question)).toEqual(ids);
});

test("made-up prices are meant only where there are no others", () => {
  const both = [
    instrument("AAPL", "SIMULATED"),
    instrument("AAPL", "XNAS", "Apple"),
    instrument("SYN", "SIMULATED"),
  ];
  const ids = (question: string) =>
    findMentions(question, both).map((mention) => mention.instruments.map((one) => one.instrumentId));
  expect(ids("What was the return of AAPL in 2008?")).toEqual([["AAPL.XNAS"]]);
  expect(ids("What is the price of AAPL.SIMULATED and SYN?")).toEqual([
    ["AAPL.SIMULATED"],
    ["SYN.SIMULATED"],
  ]);
});
