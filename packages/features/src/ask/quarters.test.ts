import { readFile } from "@tapedeck/text/readers/read";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { saveSentDocument } from "../knowledge/store.ts";
import { askFixture, filedMs, tenantId } from "./fixture.ts";
import type { AskFixture } from "./fixture.ts";

let fixture: AskFixture;

beforeAll(async () => {
  fixture = await askFixture();
});
afterAll(() => fixture.close());

const acme = "Acme Widgets Inc.:";

test.each([
  [
    "What was the revenue of Acme Widgets in Q2 2022?",
    "revenue in the second quarter of fiscal 2022 was 310 million USD.",
  ],
  [
    "What was Acme Widgets' revenue in the second quarter of fiscal 2021?",
    "revenue in the second quarter of fiscal 2021 was 240 million USD.",
  ],
  [
    "What was the operating income of Acme Widgets in the fourth quarter of 2022?",
    "operating income in the fourth quarter of fiscal 2022 was 60 million USD: 240 million − 180 million, of operating income of fiscal 2022, operating income of the first nine months of fiscal 2022.",
  ],
  [
    "What was the revenue of Acme Widgets in Q3 2022?",
    "revenue in the third quarter of fiscal 2022 was 310 million USD: 900 million − 590 million, of revenue of the first nine months of fiscal 2022, revenue of the first six months of fiscal 2022.",
  ],
  [
    "What was the capex of Acme Widgets in Q3 2022?",
    "capital expenditure in the third quarter of fiscal 2022 was 22 million USD: 60 million − 38 million, of capital expenditure of the first nine months of fiscal 2022, capital expenditure of the first six months of fiscal 2022.",
  ],
  [
    "What was the revenue of Acme Widgets in the twelve months to Q2 2022?",
    "revenue in the twelve months to the end of the second quarter of fiscal 2022 was 1,130 million USD: 1,000 million + 590 million − 460 million, of revenue of fiscal 2021, revenue of the first six months of fiscal 2022, revenue of the first six months of fiscal 2021.",
  ],
  [
    "What was the TTM revenue of Acme Widgets?",
    "revenue in the twelve months to the end of fiscal 2022 was 1,200 million USD.",
  ],
  [
    "What was the operating margin of Acme Widgets in the latest quarter?",
    "operating margin in the fourth quarter of fiscal 2022 was 20.0 %: (240 million − 180 million) / (1,200 million − 900 million), of operating income of fiscal 2022, operating income of the first nine months of fiscal 2022, revenue of fiscal 2022, revenue of the first nine months of fiscal 2022.",
  ],
  [
    "What was the revenue growth of Acme Widgets in Q2 2022?",
    "growth of revenue in the second quarter of fiscal 2022 was 29.2 %: 310 million / 240 million − 1, of revenue of the second quarter of fiscal 2021, revenue of the second quarter of fiscal 2022.",
  ],
  [
    "How much did Acme Widgets' revenue grow quarter over quarter in Q3 2022?",
    "growth of revenue in the third quarter of fiscal 2022 was 0.0 %: (900 million − 590 million) / 310 million − 1, of revenue of the second quarter of fiscal 2022, revenue of the first nine months of fiscal 2022, revenue of the first six months of fiscal 2022.",
  ],
  [
    "What was the revenue of Acme Widgets in the first half of 2022?",
    "revenue in the first six months of fiscal 2022 was 590 million USD.",
  ],
  [
    "What was the revenue of Acme Widgets in the first nine months of 2021?",
    "revenue in the first nine months of fiscal 2021 was 720 million USD.",
  ],
  [
    "What was the inventory of Acme Widgets at the end of Q2 2022?",
    "inventory in the second quarter of fiscal 2022 was 95 million USD.",
  ],
  [
    "What was the gross margin of Acme Widgets in Q4 2022?",
    "gross margin in the fourth quarter of fiscal 2022 was 60.0 %: (1,200 million − 900 million − (480 million − 360 million)) / (1,200 million − 900 million), of revenue of fiscal 2022, revenue of the first nine months of fiscal 2022, cost of sales of fiscal 2022, cost of sales of the first nine months of fiscal 2022.",
  ],
  [
    "How much did the gross margin of Acme Widgets change in Q3 2022?",
    "change in gross margin in the third quarter of fiscal 2022 was 0.385 %: ((900 million − 590 million − (360 million − 236 million)) / (900 million − 590 million)) − ((720 million − 460 million − (300 million − 195 million)) / (720 million − 460 million)), of revenue of the first nine months of fiscal 2021, revenue of the first six months of fiscal 2021, cost of sales of the first nine months of fiscal 2021, cost of sales of the first six months of fiscal 2021, revenue of the first nine months of fiscal 2022, revenue of the first six months of fiscal 2022, cost of sales of the first nine months of fiscal 2022, cost of sales of the first six months of fiscal 2022.",
  ],
  [
    "What was the gross margin of Acme Widgets in Q2 2022?",
    "gross margin in the second quarter of fiscal 2022 was 60.0 %: (310 million − 124 million) / 310 million, of revenue of the second quarter of fiscal 2022, cost of sales of the second quarter of fiscal 2022.",
  ],
])("%s", async (question, answer) => {
  const { result, text } = await fixture.ask({ question });
  expect(result).toMatchObject({ status: "answered", dropped: 0, message: null });
  expect(text.replaceAll(/ \[\d+\](?:\[\d+\])*/g, "")).toBe(`${acme} ${answer}`);
});

test("quarters of two years are compared", async () => {
  for (const question of [
    "Compare the revenue of Acme Widgets in Q2 2021 and Q2 2022",
    "Compare the Q2 revenue of Acme Widgets in 2021 and 2022",
  ]) {
    const { text } = await fixture.ask({ question });
    expect(text).toContain(
      "revenue rose 29.17% from the second quarter of fiscal 2021 to the second quarter of fiscal 2022, from 240 million USD to 310 million USD.",
    );
  }
});

test("a difference opens both rows", async () => {
  const { result } = await fixture.ask({ question: "What was the capex of Acme Widgets in Q3 2022?" });
  const items = await Promise.all(
    result.citations.map(({ evidenceId }) => fixture.deps.evidence.get(tenantId, evidenceId)),
  );
  expect(
    items.flatMap(({ item }) => (item.kind === "passage" ? [`${item.title}: ${item.text}`] : [])),
  ).toEqual([
    "Acme Widgets Inc. 10-Q 2022 Q3: Purchases of property and equipment (60,000) (44,000)",
    "Acme Widgets Inc. 10-Q 2022 Q2: Purchases of property and equipment (38,000) (27,000)",
  ]);
});

test.each([
  [
    "What was the revenue of Acme Widgets in Q1 2022?",
    "do not show revenue of the first quarter of fiscal 2022",
  ],
  // The annual report tells what shareholders got, the quarterly one all of it.
  [
    "What was the net income of Acme Widgets in the fourth quarter of 2022?",
    "do not show net income of the fourth quarter",
  ],
  ["What were the total assets of Acme Widgets in Q3 2022?", "do not show total assets of the third quarter"],
  ["What was the DSO of Acme Widgets in Q2 2022?", "is computed for years only"],
  ["What was the US revenue of Acme Widgets in Q2 2022?", "not understood here: us"],
  [
    "What was the revenue of Acme Widgets in Q2 2019?",
    "do not show revenue of the second quarter of fiscal 2019",
  ],
  [
    "What was the revenue of Northern Brick in Q2 2022?",
    "do not show revenue of the second quarter of fiscal 2022",
  ],
  ["What was the revenue of Acme Widgets in the second half of 2022?", "hold no sentence or row"],
])("%s is declined, not answered with the year's figure", async (question, why) => {
  const { result } = await fixture.ask({ question });
  expect(result).toMatchObject({ status: "declined", sentences: [] });
  expect(result.message).toContain(why);
});

describe("XBRL company facts", () => {
  const fact = (start: string | undefined, end: string, val: number, report: object) => ({
    ...(start === undefined ? {} : { start }),
    end,
    val,
    ...report,
  });
  const year = { accn: "1-23-1", fy: 2022, fp: "FY", form: "10-K", filed: "2023-02-03" };
  const third = { accn: "1-22-3", fy: 2022, fp: "Q3", form: "10-Q", filed: "2022-11-03" };
  const flow = (unit: string, values: readonly [number, number, number], label: string) => ({
    label,
    units: {
      [unit]: [
        fact("2022-07-01", "2022-09-30", values[0], third),
        fact("2022-01-01", "2022-09-30", values[1], third),
        fact("2022-01-01", "2022-12-31", values[2], year),
      ],
    },
  });
  const facts = {
    entityName: "Beacon Optics SE",
    facts: {
      "us-gaap": {
        Revenues: flow("EUR", [52_000_000, 150_000_000, 210_500_000], "Revenues"),
        NetIncomeLoss: flow("EUR", [-4_000_000, -9_000_000, -2_000_000], "Net income"),
        IncomeTaxExpenseBenefit: flow("EUR", [1_000_000, 3_000_000, 5_000_000], "Tax"),
        EarningsPerShareDiluted: flow("EUR/shares", [-0.4, -0.9, -0.2], "Diluted"),
        Assets: { label: "Assets", units: { EUR: [fact(undefined, "2022-09-30", 9e8, third)] } },
        Liabilities: { label: "Liabilities", units: { EUR: [fact(undefined, "2022-09-30", 5e8, third)] } },
      },
    },
  };

  beforeAll(async () => {
    const bytes = new TextEncoder().encode(JSON.stringify(facts));
    for await (const item of readFile(bytes, { filename: "facts.json" }).items) {
      if (!item.ok) throw new Error(item.message);
      const { title, text, publishedMs } = item.document;
      const { company, form, year: fiscalYear, quarter } = item.document.filing!;
      const filing = {
        company,
        form,
        fiscalYear,
        ...(quarter === undefined ? {} : { fiscalQuarter: quarter }),
      };
      const sent = {
        title,
        text,
        topic: "filings",
        sources: [],
        formulas: [],
        filing,
        publishedMs: publishedMs!,
      };
      await saveSentDocument(fixture.db, tenantId, sent, filedMs, { kind: "filing" });
    }
  });

  test.each([
    ["What was the revenue of Beacon Optics in FY2022?", "revenue in fiscal 2022 was 210.5 million EUR."],
    ["What was the net income of Beacon Optics in FY2022?", "net income in fiscal 2022 was −2 million EUR."],
    [
      "What was the diluted EPS of Beacon Optics in FY2022?",
      "diluted earnings per share in fiscal 2022 was −0.2 EUR.",
    ],
    [
      "What was the revenue of Beacon Optics in Q3 2022?",
      "revenue in the third quarter of fiscal 2022 was 52 million EUR.",
    ],
    [
      "What was the revenue of Beacon Optics in the first nine months of 2022?",
      "revenue in the first nine months of fiscal 2022 was 150 million EUR.",
    ],
    [
      "What was the net income of Beacon Optics in Q4 2022?",
      "net income in the fourth quarter of fiscal 2022 was 7 million EUR: −2 million − (−9 million), of net income of fiscal 2022, net income of the first nine months of fiscal 2022.",
    ],
    [
      "What were the total assets of Beacon Optics in Q3 2022?",
      "total assets in the third quarter of fiscal 2022 was 900 million EUR.",
    ],
  ])("%s", async (question, answer) => {
    const { result, text } = await fixture.ask({ question });
    expect(result).toMatchObject({ status: "answered", dropped: 0, message: null });
    expect(text.replaceAll(/ \[\d+\](?:\[\d+\])*/g, "")).toBe(`Beacon Optics SE: ${answer}`);
  });

  test("an answer opens the fact's row, under its accession's title", async () => {
    const { result } = await fixture.ask({ question: "What was the revenue of Beacon Optics in Q3 2022?" });
    const [, row] = await Promise.all(
      result.citations.map(({ evidenceId }) => fixture.deps.evidence.get(tenantId, evidenceId)),
    );
    expect(row!.item).toMatchObject({
      title: "Beacon Optics SE 10-Q 2022 Q3, figures as filed",
      text: expect.stringMatching(/^Total revenues +52,000$/),
    });
  });

  test("what was not filed yet is not seen", async () => {
    const asOf = Date.UTC(2022, 11, 1);
    const [quarter, whole] = await Promise.all(
      ["Q3 2022", "FY2022"].map((period) =>
        fixture.ask({ question: `What was the revenue of Beacon Optics in ${period}?`, asOf }),
      ),
    );
    expect(quarter!.text).toContain("52 million EUR");
    expect(whole!.result.status).toBe("declined");
  });
});
