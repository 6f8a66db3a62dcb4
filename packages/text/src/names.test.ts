import { describe, expect, test } from "vitest";
import { createNameFinder } from "./names.ts";

const finder = createNameFinder([
  { instrumentId: "AAPL.XNAS", symbol: "AAPL", name: "Apple Inc." },
  { instrumentId: "TGT.XNYS", symbol: "TGT", name: "Target Corporation" },
  { instrumentId: "DAL.XNYS", symbol: "DAL", name: "Delta Air Lines, Inc." },
  { instrumentId: "GS.XNYS", symbol: "GS", name: "The Goldman Sachs Group, Inc." },
  { instrumentId: "ALL.XNYS", symbol: "ALL", name: "The Allstate Corporation" },
  { instrumentId: "BTC-USDT.BINANCE", symbol: "BTC-USDT", name: "BTC-USDT" },
  { instrumentId: "BTC-USD.KRAKEN", symbol: "BTC-USD", name: "BTC-USD" },
  { instrumentId: "SPX.INDEX", symbol: "SPX", name: "S&P 500" },
]);
const found = (text: string) =>
  finder.find(text).map(({ start, end, instrumentIds }) => [text.slice(start, end), ...instrumentIds]);

describe("the name finder", () => {
  test.each<[string, string[][]]>([
    ["Apple's profit rose", [["Apple", "AAPL.XNAS"]]],
    ["an apple a day", []],
    [
      "Shares of Apple Inc. (NASDAQ: AAPL) rose",
      [
        ["Apple Inc", "AAPL.XNAS"],
        ["AAPL", "AAPL.XNAS"],
      ],
    ],
    ["buy $TGT now", [["$TGT", "TGT.XNYS"]]],
    ["Target price raised", []],
    ["Target raised its price", [["Target", "TGT.XNYS"]]],
    [
      "Delta Air Lines and Delta",
      [
        ["Delta Air Lines", "DAL.XNYS"],
        ["Delta", "DAL.XNYS"],
      ],
    ],
    [
      "Goldman Sachs said, and Goldman agreed",
      [
        ["Goldman Sachs", "GS.XNYS"],
        ["Goldman", "GS.XNYS"],
      ],
    ],
    ["they ALL fell", []],
    ["Bitcoin fell", [["Bitcoin", "BTC-USDT.BINANCE", "BTC-USD.KRAKEN"]]],
    ["BTC fell", [["BTC", "BTC-USDT.BINANCE", "BTC-USD.KRAKEN"]]],
    ["the S&P 500 rose", [["S&P 500", "SPX.INDEX"]]],
  ])("reads %j", (text, expected) => {
    expect(found(text)).toEqual(expected);
  });

  test("takes time in proportion to the text", () => {
    const text = "Apple Apple's TGT apple ".repeat(20_000);
    expect(finder.find(text)).toHaveLength(60_000);
  });
});
