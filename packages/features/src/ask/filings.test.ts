import { afterAll, beforeAll, expect, test } from "vitest";
import { saveSentDocument } from "../knowledge/store.ts";
import { askFixture, filedMs, tenantId } from "./fixture.ts";
import type { AskFixture } from "./fixture.ts";

let fixture: AskFixture;

const noSentence = "hold no sentence or row that answers this";

beforeAll(async () => {
  fixture = await askFixture();
});
afterAll(() => fixture.close());

test.each([
  [
    "What was Acme Widgets' free cash flow in fiscal 2022?",
    "Acme Widgets Inc.: free cash flow in fiscal 2022 was 146 million USD: 230 million − 84 million, of operating cash flow, capital expenditure. [1][2][3]",
  ],
  [
    "What was the revenue of Acme Widgets in FY2022?",
    "Acme Widgets Inc.: revenue in fiscal 2022 was 1,200 million USD. [1][2]",
  ],
  [
    "What is Acme Widgets' 2 year revenue CAGR from FY2020 to FY2022?",
    "Acme Widgets Inc.: compound annual growth of revenue in fiscal 2020 to 2022 was 22.5 %: (1,200 million / 800 million)^(1 / 2) − 1, of revenue. [1][2]",
  ],
  [
    "What is the FY2022 inventory turnover of Acme Widgets?",
    "Acme Widgets Inc.: inventory turnover in fiscal 2022 was 4.80: 480 million / ((120 million + 80 million) / 2), of cost of sales, inventory. [1][2][3]",
  ],
  [
    "What was the change in operating income of Acme Widgets from FY2020 to FY2021 in USD millions?",
    "Acme Widgets Inc.: change in operating income in fiscal 2021 was 200 million USD: 180 million − (−20 million), of operating income. [1][2][3]",
  ],
])("%s", async (question, answer) => {
  const { result, text } = await fixture.ask({ question });
  expect({ text, message: result.message, dropped: result.dropped }).toEqual({
    text: answer,
    message: null,
    dropped: 0,
  });
});

test("a line that a statement leaves out is told by the two that make it up", async () => {
  const { text } = await fixture.ask({ question: "What was the gross margin of Acme Widgets in FY2022?" });
  expect(text).toContain("was 60.0 %: (1,200 million − 480 million) / 1,200 million");
});

test.each([
  [
    "Why did Acme's revenue fall in 2022?",
    /did not fall from fiscal 2021 to fiscal 2022: it rose, from 1,000 million USD to 1,200 million USD/,
    "answered",
  ],
  [
    "How did the net income of Acme Widgets change from 2020 to 2021?",
    /rose from −16 million USD to 100 million USD/,
    "answered",
  ],
  [
    "Compare the revenue of Acme Widgets and Northern Brick in 2021",
    /Acme Widgets Inc\. had the highest revenue of the 2 companies in fiscal 2021: Acme Widgets Inc\. 1,000 million USD, Northern Brick & Tile Co 66 million USD/,
    "answered",
  ],
  [
    "Which company had the lowest revenue growth in 2022?",
    /Northern Brick & Tile Co had the lowest growth of revenue of the 2 companies from fiscal 2021 to fiscal 2022: Northern Brick & Tile Co 16\.67%, Acme Widgets Inc\. 20\.00%/,
    "answered",
  ],
  [
    "Which company's revenue fell most in 2022?",
    /Northern Brick & Tile Co had the lowest growth of revenue/,
    "answered",
  ],
  ["Compare the goodwill of Acme Widgets and Northern Brick in 2021", /^$/, "declined"],
])("%s", async (question, said, status) => {
  const { result, text } = await fixture.ask({ question });
  expect(text).toMatch(said);
  expect(result).toMatchObject({ status, dropped: 0 });
});

test.each([
  ["Did Acme Widgets' US revenue rise in 2022?", "us"],
  ["Did Acme Widgets' revenue double in 2022?", "double"],
  ["Did Acme Widgets' net income not rise in 2022?", "not"],
  ["How did the revenue of Acme Widgets' widget segment develop from 2020 to 2022?", "segment"],
  ["How did Acme's revenue excluding acquisitions develop from 2020 to 2022?", "acquisitions"],
  ["Compare the organic revenue of Acme Widgets and Northern Brick in 2022", "organic"],
  ["Compare the revenue of Acme Widgets and Northern Brick combined in 2022", "combined"],
  ["Rank the companies by revenue per employee in 2021", "employee"],
  ["Which company had the highest average revenue from 2020 to 2022?", "average"],
  ["Which company had the highest adjusted net income in fiscal 2022?", "adjusted"],
])("%s is declined for its word", async (question, word) => {
  const { result } = await fixture.ask({ question });
  expect(result).toMatchObject({ status: "declined", sentences: [] });
  expect(result.message).toContain(`"${word}"`);
});

test.each([
  "Was Acme Widgets' revenue higher than Northern Brick's in 2022?",
  "Has the net income of Acme Widgets increased since 2020?",
  "Which of these companies had the lowest revenue in 2022?",
])("%s is answered", async (question) => {
  expect((await fixture.ask({ question })).result).toMatchObject({ status: "answered", dropped: 0 });
});

test("the revenue of a country is not that of the company", async () => {
  const { result } = await fixture.ask({ question: "What was the US revenue of Acme Widgets in FY2022?" });
  expect(result.sentences.map(({ text }) => text).join(" ")).not.toContain("1,200 million");
});

test("each operand opens the row on its page", async () => {
  const { result } = await fixture.ask({
    question: "What was the operating cash flow ratio of Acme Widgets in FY2022?",
  });
  const items = await Promise.all(
    result.citations.map(({ evidenceId }) => fixture.deps.evidence.get(tenantId, evidenceId)),
  );
  const rows = items.flatMap(({ item }) => (item.kind === "passage" ? [[item.page, item.text]] : []));
  expect(rows).toEqual([
    [6, "Net cash provided by operating activities 230,000 170,000 30,000"],
    [5, "Total current liabilities 150.0 140.0"],
  ]);
});

test("what a filing says in words is quoted with its page", async () => {
  const { result, text } = await fixture.ask({
    question: "Which class action was filed against Northern Brick in 2022?",
  });
  expect(text).toBe("A class action was filed against the company in March 2022. [1]");
  expect(result.citations[0]!.label).toContain("Northern Brick & Tile Co 10-K 2022, Page 1");
});

test("a figure that is no item of the statements is the table's row, as it stands", async () => {
  const { text } = await fixture.ask({
    question: "How much of the income of Acme Widgets was attributable to noncontrolling interests in 2022?",
  });
  expect(text).toBe(
    "A table on page 4 of Acme Widgets Inc. 10-K 2022 tells, for 2022, 2021, 2020 (in millions): Less: attributable to noncontrolling interests 10.0 20.0 — [1]",
  );
});

test.each([
  ["What was Acme Widgets' goodwill in FY2022?", "do not show goodwill of 2022"],
  ["How many pelicans does Acme Widgets employ?", noSentence],
  // Each of these was answered by a sentence or row about something else.
  ["How many widgets did Acme Widgets sell in 2022?", noSentence],
  ["What will Acme Widgets' revenue be in 2024?", noSentence],
  ["What was the revenue of Acme Widgets not from widgets in 2022?", noSentence],
  ["What was the dividend per share of Acme Widgets in 2022?", noSentence],
  ["Which class action was filed against Northern Brick in 2021?", noSentence],
  // These spoke of an instrument that is not there.
  ["What happened at Acme Widgets in 2021?", noSentence],
  ["What was Acme Widgets' share price in 2022?", noSentence],
])("%s is declined", async (question, why) => {
  const { result } = await fixture.ask({ question });
  expect(result).toMatchObject({ status: "declined", sentences: [] });
  expect(result.message).toContain(why);
});

test("before its day a filing is not seen", async () => {
  const { result } = await fixture.ask({
    question: "What was the revenue of Acme Widgets in FY2022?",
    asOf: filedMs - 1,
  });
  expect(result.status).toBe("declined");
});

test("newer notices do not hide an annual report", async () => {
  const question = "What was the revenue of Acme Widgets in fiscal 2020?";
  const before = await fixture.ask({ question });
  for (let at = 0; at < 26; at++) {
    await saveSentDocument(
      fixture.db,
      tenantId,
      {
        title: `Acme notice ${at}`,
        topic: "filings",
        sources: [],
        formulas: [],
        publishedMs: filedMs,
        text: `ITEM 8.01 Other events. Acme gave notice number ${at}.`,
        filing: { company: "Acme Widgets Inc.", form: "8-K", fiscalYear: 2024, eventDate: "2024-02-01" },
      },
      filedMs,
    );
  }
  const after = await fixture.ask({ question });
  expect(before.text).toContain("800 million");
  expect(after.text).toBe(before.text);
});
