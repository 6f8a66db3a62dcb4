import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askFixture } from "./fixture.ts";
import type { AskFixture } from "./fixture.ts";

let fixture: AskFixture;

beforeAll(async () => {
  fixture = await askFixture();
});
afterAll(() => fixture.close());

async function textOf(question: string, asOf?: number): Promise<string> {
  const { result, text } = await fixture.ask(asOf === undefined ? { question } : { question, asOf });
  expect(result).toMatchObject({ status: "answered", dropped: 0 });
  return text.replaceAll(/ \[\d+\](?:\[\d+\])*/g, "");
}

describe("what was said", () => {
  test.each([
    [
      "What did the CFO of Acme Widgets say about margins on the last call?",
      "Bob de Vries (Chief Financial Officer), prepared remarks, call of 4 November 2025: “Gross margin fell to 41 percent because of freight.”",
    ],
    [
      "What did the CFO of Acme Widgets say about margins in Q2 2025?",
      "Bob de Vries (Chief Financial Officer), prepared remarks, call of 5 August 2025: “Gross margin rose to 43 percent.”",
    ],
    [
      "What did analysts ask about guidance on the Acme Widgets call?",
      "Cara Diaz (Analyst, Morgan Stanley), questions and answers, call of 4 November 2025: “How confident are you in your guidance for next year?”",
    ],
    [
      "What did Ann Lee say about the plant in Ohio?",
      "Ann Lee (Chief Executive Officer), prepared remarks, call of 4 November 2025: “We opened a plant in Ohio.”\nAnn Lee (Chief Executive Officer), questions and answers, call of 4 November 2025: “We would slow the ramp.”",
    ],
    [
      "What did the CEO of Acme Widgets say about Europe?",
      "Ann Lee (Chief Executive Officer), prepared remarks, call of 4 November 2025: “Demand weakened in Europe, and we lost a large customer.”",
    ],
    [
      "What did Barclays ask about orders?",
      "Dan Roe (Analyst, Barclays), questions and answers, call of 4 November 2025: “What would you do about the plant in Ohio if orders stay weak?”",
    ],
    [
      "What did management of Acme Widgets say about prices on the previous call?",
      "Ann Lee (Chief Executive Officer), questions and answers, call of 5 August 2025: “Our prices held up well.”",
    ],
    [
      "What do the research notes say about NVDA's valuation?",
      "A research note of 1 October 2025 says: “NVDA trades at 31 times forward earnings, which we think is a fair valuation.”",
    ],
    [
      "What did the newsletter say about copper?",
      "A newsletter of 14 November 2025 says: “Copper rose for a fourth week as mines in Chile stayed shut.”",
    ],
    [
      "What do posts say about the NVDA chip?",
      "A post of 20 November 2025 says: “The new chip looks hot and loud.”",
    ],
    [
      "What did the news say about NVDA's laboratory?",
      "A news text of 18 November 2025 says: “NVDA opens a laboratory in Oulu, the firm said.”",
    ],
  ])("%s", async (question, answer) => {
    expect(await textOf(question)).toBe(answer);
  });

  test("without a subject, what each speaker of the call opens with, figures first", async () => {
    expect((await textOf("What was said in the last call of Acme Widgets?")).split("\n")).toHaveLength(4);
  });

  test("each quote opens the words at their place, with who said them", async () => {
    const { result } = await fixture.ask({
      question: "What did the CFO of Acme Widgets say about inventories?",
    });
    const { item } = await fixture.deps.evidence.get(
      fixture.context().tenantId,
      result.citations[0]!.evidenceId,
    );
    expect(item).toMatchObject({ kind: "passage", section: "Bob de Vries, Chief Financial Officer" });
    expect(result.message).toBe(
      "That the call was held on November 4, 2025 is a guess (the day of the call).",
    );
  });

  test("as of a time, the calls that were held by then", async () => {
    const said = await textOf("What did the CFO of Acme Widgets say about margins?", Date.UTC(2025, 9, 1));
    expect(said).toContain("rose to 43 percent");
  });

  test.each([
    ["What did the CFO of Acme Widgets say about layoffs?", /nothing is said about layoff/],
    ["What did the CEO of Acme Widgets say about gross margin in China?", /nothing is said/],
    ["What did analysts ask about dividends on the Acme Widgets call?", /nothing is said about dividend/],
    ["What did the COO of Acme Widgets say about freight?", /Nobody whose words are asked for speaks/],
    ["What did the CFO of Northern Brick say about margins?", /no transcript of a call of northern brick/],
    ["What did the CFO of Acme Widgets say about margins in Q1 2024?", /no such call/],
    ["What do the research notes say about NVDA's dividends?", /say nothing about/],
    ["What did the newsletter say about wheat?", /newsletters that are here say nothing about wheat/],
    ["What do posts say about Tesla?", /say nothing about/],
    ["What did the CEO of Acme Widgets say about Ohio in Q2 2025?", /nothing is said about ohio/],
    ["What did the CEO of Acme Widgets say about Barclays?", /nothing is said about barclay/],
    ["What did Dan Roe say on the Q2 2025 call?", /Nobody whose words are asked for speaks/],
    ["What did the news say about NVDA in China?", /news texts that are here say nothing about nvda china/],
  ])("%s is declined", async (question, why) => {
    const { result } = await fixture.ask({ question });
    expect(result).toMatchObject({ status: "declined", sentences: [] });
    expect(result.message).toMatch(why);
  });
});

describe("the tone of a call", () => {
  test("is told by part, and against the call before", async () => {
    const text = await textOf("What was the tone of the last call of Acme Widgets?");
    expect(text).toMatch(/In the call of 4 November 2025 the company sounded negative, −0\.\d+/);
    expect(text).toContain("In the call of 4 November 2025 analysts in questions sounded");
    expect(text).toMatch(
      /Against the call of 5 August 2025 the company sounded worse: .* it hedged more: \d+\.\d+% of its words after \d+\.\d+%/,
    );
  });

  test("against the previous call, is that of the one after it", async () => {
    const text = await textOf("Did Acme Widgets sound more positive than on the previous call?");
    expect(text).toMatch(/^In the call of 4 November 2025 the company sounded negative/);
    expect(text).toContain("Against the call of 5 August 2025 the company sounded worse");
  });

  test.each([
    ["Did the CFO of Acme Widgets hedge more on the last call?", "Bob de Vries"],
    ["Which speakers of the Acme Widgets call sounded most negative?", "Ann Lee"],
  ])("%s", async (question, speaker) => {
    expect(await textOf(question)).toMatch(new RegExp(`${speaker} \\([^)]*\\) sounded `));
  });

  test("the first call has none before it", async () => {
    const { result } = await fixture.ask({
      question: "What was the tone of the Q2 2025 call of Acme Widgets?",
    });
    expect(result.message).toContain("There is no call before it to compare with.");
  });
});

describe("the calendar", () => {
  test.each([
    ["When is the next US CPI release?", "CPI (US): 2026-01-13 13:30 UTC."],
    ["When is the next UK CPI release?", "CPI (UK): 2026-01-21 07:00 UTC."],
    ["When was the last CPI release?", "CPI (US): 2025-12-10 13:30 UTC. Actual: 0.3 %."],
    ["When does Acme Widgets report next?", "Acme Widgets Q4 2025 earnings (US): 2026-01-29."],
    [
      "What is released next week?",
      "ISM manufacturing PMI (US): 2026-01-05 15:00 UTC.\nNonfarm payrolls (US): 2026-01-09 13:30 UTC.",
    ],
    ["When are the next payrolls due?", "Nonfarm payrolls (US): 2026-01-09 13:30 UTC."],
  ])("%s", async (question, answer) => {
    expect(await textOf(question)).toBe(answer);
  });

  test.each([
    ["When is the next CPI release?", Date.UTC(2025, 11, 14), /no date of cpi after 14 December 2025/],
    ["When is the next GDP release?", undefined, /no date of gdp/],
    ["When does Northern Brick report next?", undefined, /no date of northern brick/],
    ["What is released tomorrow?", undefined, /no date from 3 January 2026/],
  ])("%s as of %s is declined", async (question, asOf, why) => {
    const { result } = await fixture.ask(asOf === undefined ? { question } : { question, asOf });
    expect(result).toMatchObject({ status: "declined", sentences: [] });
    expect(result.message).toMatch(why);
  });
});
