import { describe, expect, test } from "vitest";
import type { EvidenceItem } from "../evidence/contract.ts";
import { checkSentence } from "./guard.ts";

const base = { datasetHash: "h", instrumentId: "SPX.INDEX", timeframe: "1d" };
const value = (formula: string, number: number, unit: string, at = "2020-03-16T21:00:00Z"): EvidenceItem => ({
  kind: "computation",
  ...base,
  formula,
  atMs: Date.parse(at),
  value: number,
  unit,
});
const rows: EvidenceItem = {
  kind: "rows",
  ...base,
  adjustment: "split",
  fromMs: Date.parse("2000-01-03T14:30:00Z"),
  toMs: Date.parse("2020-04-17T21:00:00Z"),
  bars: 5_105,
};
const passage: EvidenceItem = {
  kind: "passage",
  documentId: "d",
  version: 1,
  title: "RSI",
  section: "",
  page: null,
  start: 0,
  end: 60,
  text: "Readings above 70 are called overbought, below 30 oversold.",
};
const check = (sentence: string, ...items: EvidenceItem[]) =>
  checkSentence(
    sentence,
    items.map((item) => ({ item, names: ["S&P 500"] })),
  );

const close = value("close", 2386.129883, "points");
const fall = value("close / close on 13 March 2020 - 1", -0.11984, "return");
const share = value("share", 0.27044, "fraction");
const price = value("close", 12.5, "EUR");
const halves: EvidenceItem = { ...passage, text: "About half of them are above 70." } as EvidenceItem;
const average = value("sma(close, 200)", 3037.0, "points");

test("the words of a passage may stand inside a sentence; what is put beside them is checked", () => {
  const told = { ...passage, text: "The maker was fined 21 million dollars by a court." } as EvidenceItem;
  expect(check("It was said: The maker was fined 21 million dollars by a court.", told).ok).toBe(true);
  expect(check("Of 30 makers, The maker was fined 21 million dollars by a court.", told).unbound).toEqual([
    "30",
  ]);
});

test("a name blanks only itself, not the digits of another number", () => {
  const named = checkSentence("It rose 15% in 5 days.", [{ item: share, names: ["5"] }]);
  expect(named.unbound).toEqual(["15%"]);
});

describe("bound", () => {
  test.each<[string, EvidenceItem[]]>([
    ["The S&P 500 closed at 2,386.13 points on 16 March 2020.", [close]],
    ["It closed at 2386.13.", [close]],
    ["It closed near 2,386.", [close]],
    ["It closed at 2.386 thousand points.", [close]],
    ["It fell 11.98%.", [fall]],
    ["It fell 12.0 percent on March 16, 2020.", [fall]],
    ["The change was −11.98%.", [fall]],
    ["It fell 1,198 bps.", [fall]],
    ["The share was 27.04%, or 0.270.", [share]],
    ["Its 200-day average was 3,037.00 points.", [average]],
    ["There are 5,105 bars from 3 January 2000 to 17 April 2020.", [rows]],
    ["In 2020 it closed at 2,386.13.", [close]],
    ["In March 2020 it closed at 2,386.13.", [close]],
    ["Readings above 70 are called overbought, below 30 oversold.", [passage]],
    ["Above 70 it counts as overbought.", [passage]],
    ["It closed at 2.386k points at 21:00 UTC.", [close]],
    ["In March it closed at 2,386.13.", [close]],
    ["It may close at 2,386.13 in May.", [rows, close, value("close", 1, "points", "2020-05-04T21:00:00Z")]],
    ["It closed at EUR 12.50, that is €12.50 or 12.50 EUR.", [price]],
    ["Half of the readings are above 70.", [halves]],
  ])("%s", (sentence, items) => {
    expect(check(sentence, ...items)).toMatchObject({ ok: true, unbound: [] });
  });
});

describe("not bound", () => {
  test.each<[string, EvidenceItem[], string]>([
    ["It closed at 2,386.14 points.", [close], "2,386.14"],
    ["It closed at 2,400 points.", [close], "2,400"],
    ["It closed at 2,386.13 USD.", [close], "2,386.13"],
    ["It closed at $2,386.13.", [close], "2,386.13"],
    ["It closed on 17 March 2020.", [close], "17 March 2020"],
    ["It closed on 2020-03-17.", [close], "2020-03-17"],
    ["It happened in April 2020.", [close], "April 2020"],
    ["It happened in 2021.", [close], "2021"],
    ["It rose 11.98%.", [fall], "11.98%"],
    ["It fell 11.9%.", [fall], "11.9%"],
    ["It fell 11.98 points.", [fall], "11.98"],
    ["The share was 27.04.", [share], "27.04"],
    ["The share was −27.04%.", [share], "−27.04%"],
    ["It closed at 2,386%.", [close], "2,386%"],
    ["Above 80 it counts as overbought.", [passage], "80"],
    ["It fell for twenty-five days.", [fall], "twenty-five"],
    ["It fell twelve thousand points.", [close], "twelve thousand"],
    ["It closed well.", [], "no evidence"],
    ["S&P 600 closed at 2,386.13.", [close], "600"],
    ["It closed at USD2,386.13.", [close], "2,386.13"],
    ["It lost USD45.", [close], "45"],
    ["It lost x45.", [close], "45"],
    ["It closed at 2,386B.", [close], "2,386"],
    ["It closed at 2,386 trillion.", [close], "2,386"],
    ["It closed at 2,386.13qq.", [close], "2,386.13"],
    ["It fell by ４５.", [close], "４"],
    ["It fell by ½.", [fall], "½"],
    ["It fell to the power of ².", [fall], "²"],
    ["It fell by half.", [fall], "half"],
    ["It doubled.", [fall], "doubled"],
    ["It lost dozens of points.", [close], "dozens"],
    ["It lost thousands of points.", [close], "thousands"],
    ["It closed at 14:30 UTC.", [close], "14:30 UTC"],
    ["In April it closed at 2,386.13.", [close], "April"],
    ["It fell 200%.", [average], "200%"],
    ["It fell 200 USD.", [average], "200"],
    ["It closed at €2,386.13.", [close], "2,386.13"],
  ])("%s", (sentence, items, unbound) => {
    const result = check(sentence, ...items);
    expect(result.ok).toBe(false);
    expect(result.unbound).toContain(unbound);
  });
});
