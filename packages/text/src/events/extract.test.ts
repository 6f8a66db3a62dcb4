import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createNameFinder } from "../names.ts";
import { extractEvents } from "./extract.ts";
import { developmentSentences, heldOutSentences, sentenceInstruments } from "./sentences.fixture.ts";
import { measureEvents } from "./measure.fixture.ts";
import { isSameStory, storyMs } from "./stories.ts";
import type { Telling } from "./stories.ts";
import { dayTold } from "./when.ts";

const finder = createNameFinder(sentenceInstruments);
const publishedMs = Date.parse("2024-03-06T15:00:00Z");
const extract = (text: string, about?: string[]) =>
  extractEvents(text, { finder, publishedMs, ...(about === undefined ? {} : { about }) });

describe("events of a text", () => {
  test("come with their sentence, their words and whom they happen to", () => {
    const text =
      "The day was calm. Intel cut its full-year revenue outlook. It also named a new chief financial officer.";
    const events = extract(text);
    expect(events.map(({ kind, direction, instrumentIds }) => [kind, direction, ...instrumentIds])).toEqual([
      ["guidance", "bad", "INTC.XNAS"],
      ["management", "neutral", "INTC.XNAS"],
    ]);
    expect(text.slice(events[0]!.start, events[0]!.end)).toBe("Intel cut its full-year revenue outlook.");
    expect(text.slice(events[0]!.trigger.start, events[0]!.trigger.end)).toBe(
      "cut its full-year revenue outlook",
    );
    expect(events[0]!.score).toBeLessThan(0);
    expect(events[1]!.score).toBe(0);
  });

  test("of a filing are its company's where a sentence says only what it is", () => {
    const text = "Net income rose 12% in the second quarter.";
    expect(extract(text)).toEqual([]);
    expect(extract(text, ["IBM.XNYS"])).toMatchObject([
      { kind: "earnings", direction: "good", instrumentIds: ["IBM.XNYS"] },
    ]);
  });

  test("that lie ahead say so, with their day", () => {
    expect(extract("Ford will report first-quarter results on May 2.")[0]).toMatchObject({
      expected: true,
      atMs: Date.UTC(2024, 4, 2),
    });
    expect(extract("Ford reported a first-quarter loss on Tuesday.")[0]).toMatchObject({
      expected: false,
      atMs: Date.UTC(2024, 2, 5),
    });
  });

  test("of a coin are those of all its pairs", () => {
    expect(extract("Kraken lists Bitcoin futures for trading.")[0]?.instrumentIds).toEqual([
      "BTC-USDT.BINANCE",
      "BTC-USD.KRAKEN",
    ]);
  });

  test.each([
    "Did Intel cut its full-year revenue outlook?",
    "Why Apple shares fell after quarterly profit missed estimates",
    "Net income rose 12% in the second quarter.",
    "Intel cut its dividend in 2009.",
    "",
  ])("are none in %j", (text) => {
    expect(extract(text)).toEqual([]);
  });

  test("are found as well as docs/events.md says", () => {
    const developed = measureEvents(developmentSentences);
    expect(developed.precision).toBeGreaterThanOrEqual(0.97);
    expect(developed.recall).toBeGreaterThanOrEqual(0.97);
    const kept = measureEvents(heldOutSentences);
    expect(kept.precision).toBeGreaterThanOrEqual(0.9);
    expect(kept.recall).toBeGreaterThanOrEqual(0.9);
    expect(kept.directionShare).toBeGreaterThanOrEqual(0.9);
  });

  test("lie inside any text, in order, whatever it holds", () => {
    const words = fc.constantFrom(
      "Apple",
      "cut",
      "its",
      "dividend",
      ".",
      "\n",
      "reported",
      "quarterly",
      "loss",
      "$1.5",
      "?",
      "ß",
      "—",
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 60 }), (parts) => {
        const text = parts.join(" ");
        for (const { start, end, trigger, score } of extract(text)) {
          expect(start >= 0 && end <= text.length && trigger.start >= start && trigger.end <= end).toBe(true);
          expect(Math.abs(score)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test("of a long text take time in proportion to it", () => {
    const text = "Apple reported a quarterly loss of $1.5 billion, missing estimates. ".repeat(3_000);
    expect(extract(text)).toHaveLength(3_000);
    expect(extract(`${"a ".repeat(200_000)}.`)).toEqual([]);
  });
});

test("the year before is still told of", () => {
  expect(extract("Intel cut its dividend in 2023.")).toHaveLength(1);
});

describe("the day that a sentence names", () => {
  test.each<[string, boolean, string | null]>([
    ["payable on May 18", true, "2024-05-18"],
    ["on January 5", true, "2025-01-05"],
    ["on November 30", false, "2023-11-30"],
    ["on 3 June 2022", false, "2022-06-03"],
    ["on Friday", true, "2024-03-08"],
    ["on Friday", false, "2024-03-01"],
    ["on Wednesday", false, "2024-03-06"],
    ["in May", true, null],
  ])("%j, ahead %j: %j", (text, ahead, day) => {
    expect(dayTold(text, publishedMs, ahead)).toBe(day === null ? null : Date.parse(day));
  });
});

describe("a story", () => {
  const telling = (text: string, more: Partial<Telling> = {}): Telling => ({
    kind: "litigation",
    direction: "bad",
    instrumentId: "AAPL.XNAS",
    publishedMs,
    text,
    ...more,
  });
  const first = telling("Apple was fined 1.8 billion euros by the European Commission over music streaming.");
  test.each<[string, Telling, boolean]>([
    ["the same words", telling("EU fines Apple over music streaming."), true],
    ["a figure in common", telling("Brussels orders the iPhone maker to pay 1.8 billion."), true],
    ["another matter", telling("Apple faces a lawsuit by a chip supplier in Texas."), false],
    ["another instrument", { ...first, instrumentId: "MSFT.XNAS" }, false],
    ["the other way", { ...first, direction: "good" }, false],
    ["another kind", { ...first, kind: "rating" }, false],
    ["another week", { ...first, publishedMs: publishedMs + storyMs + 1 }, false],
  ])("is one with %s: %#", (_, other, same) => {
    expect(isSameStory(first, other)).toBe(same);
    expect(isSameStory(other, first)).toBe(same);
  });

  test("of earnings is one however it is worded", () => {
    const earnings = telling("Apple's profit beat estimates.", { kind: "earnings", direction: "good" });
    expect(isSameStory(earnings, { ...earnings, text: "Record iPhone sales lift Cupertino." })).toBe(true);
  });
});
