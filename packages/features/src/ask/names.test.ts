import { expect, test } from "vitest";
import { fixtureInstrument } from "../series/instrument.fixture.ts";
import { findMentions } from "./names.ts";

const known = [
  fixtureInstrument("MY.LOCAL", { name: "MY" }),
  fixtureInstrument("MINE.LOCAL", { name: "MINE" }),
  fixtureInstrument("SPX.INDEX", { name: "S&P 500" }),
];
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
    fixtureInstrument("AAPL.SIMULATED", { name: "AAPL" }),
    fixtureInstrument("AAPL.XNAS", { name: "Apple" }),
    fixtureInstrument("SYN.SIMULATED", { name: "SYN" }),
  ];
  const ids = (question: string) =>
    findMentions(question, both).map((mention) => mention.instruments.map((one) => one.instrumentId));
  expect(ids("What was the return of AAPL in 2008?")).toEqual([["AAPL.XNAS"]]);
  expect(ids("What is the price of AAPL.SIMULATED and SYN?")).toEqual([
    ["AAPL.SIMULATED"],
    ["SYN.SIMULATED"],
  ]);
});
