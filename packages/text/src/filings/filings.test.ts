import { describe, expect, test } from "vitest";
import { parseDefinition } from "./expression.ts";
import type { Filing } from "./filing.ts";
import { balance2022, cash2022, filingPages, income2022 } from "./fixture.ts";
import {
  arithmeticOf,
  createCompanyFinder,
  createFigures,
  createFilingSearch,
  formAsked,
  readPeriods,
} from "./index.ts";
import { plainLabel } from "./items.ts";
import { columnYears, rowsOf, scaleOf } from "./rows.ts";
import { statementFit, statements } from "./statements.ts";

describe("periods", () => {
  test.each([
    ["FY2019 revenue", [2019]],
    ["fiscal 2019 and FY18", [2018, 2019]],
    ["the FY2017 - FY2019 3 year average", [2017, 2018, 2019]],
    ["from FY2020 to FY2022", [2020, 2021, 2022]],
    ["a margin of 2015.5 and $2016", []],
    ["between FY 2023 and Q2 of FY2024", [2023, 2024]],
  ])("years of %j", (text, years) => expect(readPeriods(text).years).toEqual(years));

  test.each([
    ["in Q2 of FY2024", [{ quarter: 2, year: 2024 }]],
    ["2Q23", [{ quarter: 2, year: 2023 }]],
    ["the third quarter of 2021", [{ quarter: 3, year: 2021 }]],
    ["H1 FY2023", [{ quarter: 2, year: 2023 }]],
    ["what changed in Q3? It is about 2020.", [{ quarter: 3, year: 2020 }]],
  ])("quarters of %j", (text, quarters) => expect(readPeriods(text).quarters).toEqual(quarters));

  test.each([
    ["dated 1st July 2022", ["2022-07-01"]],
    ["as of August 30, 2023", ["2023-08-30"]],
    ["on 2023-05-30", ["2023-05-30"]],
  ])("days of %j", (text, days) => expect(readPeriods(text).days).toEqual(days));
});

test.each([
  ["the 8k filing", "8-K"],
  ["revenue in Q2 of FY2022", "10-Q"],
  ["adjusted EBITDA in FY2022", "earnings"],
  ["the meeting on May 3, 2022", "8-K"],
  ["revenue in FY2022", null],
])("%j is asked of form %j", (question, form) =>
  expect(formAsked(question, readPeriods(question))).toBe(form),
);

describe("companies", () => {
  const find = createCompanyFinder([
    "Johnson & Johnson",
    "Best Buy",
    "American Express",
    "American Water Works",
    "3M",
    "MGM Resorts",
  ]);
  test.each([
    ["How did JnJ do?", ["Johnson & Johnson"]],
    ["J&J and 3M's margins", ["Johnson & Johnson", "3M"]],
    ["the best buy of the year at BestBuy", ["Best Buy"]],
    ["American Express and american water works", ["American Express", "American Water Works"]],
    ["What do American companies earn?", []],
    ["MGM's debt", ["MGM Resorts"]],
    ["a 3Mx thing", []],
  ])("%j names %j", (text, names) => {
    expect(
      find(text)
        .map(({ company }) => company)
        .toSorted(),
    ).toEqual(names.toSorted());
  });
});

describe("statements and their rows", () => {
  test.each([
    ["income", income2022],
    ["balance", balance2022],
    ["cash", cash2022],
  ] as const)("a page is the %s statement and no other", (own, text) => {
    for (const one of statements) {
      if (one === own) expect(statementFit(text, one)).toBe(1);
      else expect(statementFit(text, one)).toBeLessThan(0.55);
    }
  });

  test("an index of statements is none", () => {
    for (const one of statements) expect(statementFit(filingPages[0]!.text, one)).toBeLessThan(0.55);
  });

  test("columns and scale are read from the heading", () => {
    expect(columnYears(income2022, rowsOf(income2022))).toEqual([2022, 2021, 2020]);
    expect(columnYears(balance2022, rowsOf(balance2022))).toEqual([2022, 2021]);
    expect(columnYears(cash2022, rowsOf(cash2022))).toEqual([2022, 2021, 2020]);
    expect(columnYears("no table here", [])).toEqual([]);
    expect([income2022, balance2022, cash2022].map((text) => scaleOf(text))).toEqual([1e6, 1e6, 1e3]);
    expect(scaleOf("Revenue 5 4")).toBeNull();
  });

  test.each([
    ["Operating income 240.0 180.0 ( 20.0 )", "Operating income", [240, 180, -20]],
    ["Services (Note 5) 300.0 — 200.0", "Services (Note 5)", [300, 0, 200]],
    ["Change 12 % (3)% $ (1,234)", "Change", [12, -3, -1234]],
  ])("%j", (line, label, cells) => expect(rowsOf(line)).toMatchObject([{ label, cells }]));

  test("two rows in one line, a label over two lines, a total without a label", () => {
    const rows = rowsOf(
      "Accounts payable $ 70 $ 50 Accrued liabilities 80 90\nInterest, including amounts to related\nparties (40) (30)\nRevenues\nRooms 1 2\n3 4",
    );
    expect(rows.map(({ label, cells }) => [label, ...cells])).toEqual([
      ["Accounts payable", 70, 50],
      ["Accrued liabilities", 80, 90],
      ["Interest, including amounts to related parties", -40, -30],
      ["Rooms", 1, 2],
      ["total Revenues", 3, 4],
    ]);
  });

  test.each([
    [
      "a label that ends in an amount",
      "Receivables, net of allowances of $2 and $1 110 90",
      "Receivables, net of allowances of $2 and $1",
      [110, 90],
    ],
    [
      "a dash at the end of a line",
      "Equipment, net of depreciation —\n$13 and $12 (Note 9) 157 153",
      "$13 and $12 (Note 9)",
      [157, 153],
    ],
    ["a label a word a line", "Income\nbefore\nincome\ntaxes 34 96", "Income before income taxes", [34, 96]],
    ["a total under its own name", "TOTAL CURRENT LIABILITIES\n27 26", "TOTAL CURRENT LIABILITIES", [27, 26]],
    [
      "total assets without a label",
      "Other assets\nGoodwill 3 2\n$ 30 $ 20\nLIABILITIES AND EQUITY",
      "total assets",
      [30, 20],
    ],
  ])("%s", (_, text, label, cells) =>
    expect(rowsOf(text)).toContainEqual(expect.objectContaining({ label, cells })),
  );

  test.each([
    ["CASH FLOWS FROM OPERATING ACTIVITIES Net income", "net income"],
    ["Cash flows - investing activities: Purchases of land", "purchases of land"],
    ["CURRENT ASSETS Cash and equivalents", "cash and equivalents"],
    ["TOTAL ASSETS", "total assets"],
    ["NET INCOME ATTRIBUTABLE TO Acme", "net income attributable to acme"],
    ["Cash flows from operating activities", "cash flows from operating activities"],
  ])("the label %j is read as %j", (label, plain) => expect(plainLabel(label)).toBe(plain));

  test("a summary of statements is no statement", () => {
    expect(statementFit(`SELECTED FINANCIAL DATA\n${income2022}`, "income")).toBeLessThan(0.55);
  });

  test("a row's span is its text", () => {
    const row = rowsOf(income2022).find(({ label }) => label.startsWith("Net income attributable"))!;
    expect(income2022.slice(row.start, row.end)).toBe(
      "Net income attributable to\nAcme Widgets shareholders $ 140.0 $ 100.0 $ (16.0)",
    );
  });
});

test.each(["revenue per employee", "(revenue", "revenue /", "segment revenue / revenue", ""])(
  "the definition %j is not understood",
  (text) => expect(parseDefinition(text)).toBeNull(),
);

describe("figures read from statements in other words", () => {
  const filing: Filing = {
    id: "cola",
    company: "Acme-Cola",
    form: "10-K",
    year: 2022,
    quarter: null,
    day: null,
  };
  const pages = [
    `CONSOLIDATED STATEMENTS OF INCOME\n(In millions)\n2022 2021 2020\nTotal revenues 100 90 80
(Loss) income before income taxes 20 (10) 30\nBenefit (provision) for income taxes (5) 2 (8)\nNet income 15 (8) 22\nBasic 1 1 1`,
    `CONSOLIDATED BALANCE SHEETS\n(In millions)\n2022 2021\nGoodwill 3 2\n$ 300 $ 200\nLIABILITIES AND EQUITY
Total liabilities 100 80\nShareholders’ equity\nRetained earnings 250 170\n250 170\nTreasury stock (50) (50)
Total shareholders’ equity 200 120`,
    `CONDENSED PARENT COMPANY BALANCE SHEETS\n(In millions)\n2022 2021\nInventories 9 9\nTotal assets 50 40\nTotal liabilities 20 10
Retained earnings 25 17\nTotal equity 30 30`,
  ].map((text, page) => ({ id: `cola#${page}`, filing, page, text }));
  const figures = createFigures(pages);
  test.each([
    ["What was the FY2022 income before tax of Acme-Cola?", 20e6],
    ["What was the FY2021 income tax of Acme Cola?", -2e6],
    ["What was the FY2022 income tax of Acme‑Cola?", 5e6],
    ["What were the FY2022 total assets of Acme-Cola?", 300e6],
    ["What was the FY2022 shareholders' equity of Acme-Cola?", 200e6],
  ])("%s", (question, value) => expect(figures.answer(question)).toMatchObject({ value }));

  test("what only the parent company shows is not taken for the group's", () => {
    expect(figures.answer("What was the FY2022 inventory of Acme-Cola?")).toHaveProperty("declined");
  });
});

test("a row of a part does not stand for the whole beside it", () => {
  const filing: Filing = { id: "acme", company: "Acme", form: "10-K", year: 2022, quarter: null, day: null };
  const texts = [
    `CONSOLIDATED STATEMENTS OF INCOME\n(In millions)\n2022 2021 2020\nNet sales 100 90 80
Selling, general and administrative expenses, excluding impairment losses 30 28 26
Selling, general and administrative expenses 50 29 27\nIncome taxes 5 5 5\nNet income 15 8 22\nDiluted earnings/(loss) 1.50 (0.80) 2.20`,
    `CONSOLIDATED STATEMENTS OF CASH FLOWS\n(In millions)\n2022 2021 2020
Net cash provided by operating activities from continuing operations 32 30 28
Net cash provided by/(used in) operating activities from discontinued operations (2) 1 1
Net cash provided by operating activities 30 31 29\nNet cash used in investing activities (10) (9) (8)
Net cash used in financing activities (5) (5) (5)\nCash, end of year 20 5 1`,
  ];
  const figures = createFigures(texts.map((text, page) => ({ id: `acme#${page}`, filing, page, text })));
  expect(figures.answer("What were the SG&A expenses of Acme in FY2022?")).toMatchObject({ value: 50e6 });
  expect(figures.answer("What was the operating cash flow of Acme in FY2022?")).toMatchObject({
    value: 30e6,
  });
  expect(figures.answer("What was the diluted EPS of Acme in FY2021?")).toMatchObject({ value: -0.8 });
});

describe("losses", () => {
  const figuresOf = (rows: string) => {
    const filing: Filing = {
      id: "acme",
      company: "Acme",
      form: "10-K",
      year: 2022,
      quarter: null,
      day: null,
    };
    const text = `CONSOLIDATED STATEMENTS OF OPERATIONS\n(In millions)\nYears Ended December 31, 2022 2021 2020
Total revenues 1,000 900 800\nCost of sales 700 600 500\n${rows}\nBasic 1 1 1`;
    return createFigures([{ id: "acme#0", filing, page: 0, text }]);
  };
  const bare = figuresOf(
    "Loss from operations 200 150 (10)\nLoss before income taxes 190 140 (20)\nProvision for income taxes 30 20 10\nNet loss 220 160 (10)",
  );
  const inBrackets = figuresOf(
    "Loss from operations (200) (150) 10\nLoss before income taxes (190) (140) 20\nProvision for income taxes 30 20 10\nNet loss (220) (160) 10",
  );
  const profitOrLoss = figuresOf(
    "Income (loss) from operations 200 (150) 10\nNet income (loss) 120 (160) 10",
  );
  test.each([
    ["What was the net income of Acme in FY2022?", -220e6, 120e6],
    ["What was the net income of Acme in FY2021?", -160e6, -160e6],
    ["What was the net income of Acme in FY2020?", 10e6, 10e6],
    ["What was the operating income of Acme in FY2022?", -200e6, 200e6],
    ["What was the operating margin of Acme in FY2022?", -0.2, 0.2],
    ["What was the FY2022 income tax of Acme?", 30e6, null],
  ])("%s: a row of losses counts them with or without brackets", (question, loss, mixed) => {
    expect(bare.answer(question)).toMatchObject({ value: loss });
    expect(inBrackets.answer(question)).toMatchObject({ value: loss });
    if (mixed !== null) expect(profitOrLoss.answer(question)).toMatchObject({ value: mixed });
  });
});

describe("interest", () => {
  const figuresOf = (interest: string, before: string) => {
    const filing: Filing = {
      id: "acme",
      company: "Acme",
      form: "10-K",
      year: 2022,
      quarter: null,
      day: null,
    };
    const text = `CONSOLIDATED STATEMENTS OF INCOME\n(In millions)\nYears Ended December 31, 2022 2021 2020
Total revenues 1,000 900 800\nCost of sales 700 600 500\nOperating income 200 150 100\n${interest}
Income before income taxes ${before}\nNet income 120 80 50\nBasic 1 1 1`;
    return createFigures([{ id: "acme#0", filing, page: 0, text }]);
  };
  test.each([
    ["paid, told as an amount", "Interest, net 40 30 20", "160 120 80", 40e6],
    ["paid, told in brackets", "Interest, net (40) (30) (20)", "160 120 80", 40e6],
    ["earned, told as an amount", "Interest, net 5 12 10", "205 162 110", -5e6],
    ["earned, told in brackets", "Interest expense, net (5) (12) (10)", "205 162 110", -5e6],
  ])("net interest %s", (_what, row, before, value) => {
    const figures = figuresOf(row, before);
    expect(figures.answer("What was the interest expense of Acme in FY2022?")).toMatchObject({ value });
    expect(figures.answer("What was the net interest expense of Acme in FY2022?")).toMatchObject({ value });
    expect(figures.answer("What was the gross interest expense of Acme in FY2022?")).toHaveProperty(
      "declined",
    );
  });

  test("beside other income, the name tells an expense and nothing tells plain net interest", () => {
    const asked = "What was the interest expense of Acme in FY2022?";
    expect(figuresOf("Interest expense, net 40 30 20", "500 400 300").answer(asked)).toMatchObject({
      value: 40e6,
    });
    expect(figuresOf("Interest, net 40 30 20", "500 400 300").answer(asked)).toHaveProperty("declined");
  });

  test("gross interest is read from its own row", () => {
    const figures = figuresOf("Interest expense (40) (30) (20)\nInterest, net (35) (25) (15)", "165 125 85");
    expect(figures.answer("What was the gross interest expense of Acme in FY2022?")).toMatchObject({
      value: 40e6,
    });
    expect(figures.answer("What was the interest expense of Acme in FY2022?")).toMatchObject({ value: 40e6 });
    expect(figures.answer("What was the net interest expense of Acme in FY2022?")).toMatchObject({
      value: 35e6,
    });
  });
});

describe("figures", () => {
  const figures = createFigures(filingPages);
  // Worked out by hand from fixture.ts.
  test.each([
    ["What was Acme Widgets' revenue in FY2022?", 1200e6],
    ["What is the FY2019 revenue of Acme Widgets?", 640e6],
    ["How much net income did Acme Widgets report for fiscal 2021?", 100e6],
    ["What is Acme Widgets's year end FY2022 net PP&E (in USD millions)?", 500e6],
    ["What were Acme Widgets' total current liabilities in FY2021?", 140e6],
    ["How much did Acme Widgets spend on capex in FY2022?", 84e6],
    ["What was the free cash flow of Acme Widgets in FY2022?", 146e6],
    ["What is the gross margin of Acme Widgets for FY2022?", 720 / 1200],
    ["What is the FY2022 EBITDA % margin for Acme Widgets?", 300 / 1200],
    [
      "What is the FY2020 - FY2022 3 year average of capex as a % of revenue for Acme Widgets?",
      (84 / 1200 + 60 / 1000 + 50 / 800) / 3,
    ],
    ["What was Acme Widgets' revenue growth from FY2021 to FY2022?", 0.2],
    ["What was the increase in revenue of Acme Widgets from FY2020 to FY2022 in USD millions?", 400e6],
    ["What was the percentage change in revenue of Acme Widgets from FY2020 to FY2022?", 0.5],
    ["What was the change in gross margin of Acme Widgets from FY2020 to FY2022?", 0.6 - 0.55],
    ["What is Acme Widgets' 2 year revenue CAGR from FY2020 to FY2022?", Math.sqrt(1200 / 800) - 1],
    [
      "What is the FY2022 fixed asset turnover of Acme Widgets? Fixed asset turnover is defined as: FY2022 revenue / (average PP&E between FY2021 and FY2022). Round your answer to two decimal places.",
      1200 / 480,
    ],
    [
      "What is the FY2022 DPO for Acme Widgets? DPO is defined as: 365 * (average accounts payable between FY2021 and FY2022) / (FY2022 COGS + change in inventory between FY2021 and FY2022).",
      (365 * 60) / (480 - 40),
    ],
    ["What is Acme Widgets' FY2022 payout ratio (using dividends paid and net income)?", 35 / 140],
    ["What is Acme Widgets' FY2022 operating income + depreciation and amortization?", 300e6],
    [
      "Define interest cover as operating income divided by interest expense. What is the FY2022 interest cover? Acme Widgets asks.",
      null,
    ],
    ["What is the FY2021 effective tax rate of Acme Widgets?", 30 / 150],
    ["Revenue of Acme Widgets in FY2022", 1200e6],
    ["Tell me the net margin of Acme Widgets for fiscal 2021", 100 / 1000],
    ["How much revenue did Acme Widgets book in 2021?", 1000e6],
    ["What did Acme Widgets pay in dividends in FY2021?", 25e6],
    ["How fast did Acme Widgets' revenue grow in FY2022?", 0.2],
    ["By what percentage did the cost of sales of Acme Widgets change from FY2021 to FY2022?", 480 / 420 - 1],
    ["How much higher was Acme Widgets' operating income in FY2022 than in FY2021?", 60e6],
    ["How much did Acme Widgets' revenue change from 2021 to 2022 in USD millions?", 200e6],
    ["What share of Acme Widgets' FY2022 revenue was cost of sales?", 0.4],
    ["What were Acme Widgets' total liabilities divided by total assets in FY2022?", 0.6],
    ["What was the diluted EPS of Acme Widgets in FY2021?", 2.4],
    ["What were the basic earnings per share of Acme Widgets in FY2022?", 3.1],
    ["What was the average inventory of Acme Widgets in FY2022?", 100e6],
    ["What was Acme Widgets' revenue per year from FY2020 to FY2022, on average?", 1000e6],
  ])("%s", (question, value) => {
    const answer = figures.answer(question);
    if (value === null) expect(answer).toHaveProperty("declined");
    else expect("value" in answer ? answer.value : answer).toBeCloseTo(value, value > 1e3 ? 0 : 12);
  });

  test.each([
    ["What was Acme Widgets' widget revenue in FY2022?", "widget"],
    ["What was Acme Widgets' adjusted operating income in FY2022?", "adjusted"],
    ["What was Acme Widgets' revenue per share in FY2022?", "per"],
    ["What was Acme Widgets' dividend per share in FY2022?", "per"],
    ["What was Acme Widgets' average revenue in FY2022?", "average"],
    ["What was revenue in FY2022?", "no company"],
    ["What was Acme Widgets' revenue?", "no fiscal year"],
    ["What was Acme Widgets' revenue in Q2 of FY2022?", "quarter"],
    ["What was Acme Widgets' goodwill in FY2022?", "goodwill of 2022"],
    ["What portion of Acme Widgets' revenue came from France in FY2022?", "france"],
    ["Revenue of Acme Widgets in Europe in FY2022", "europe"],
    ["What was Acme Widgets' revenue in FY2015?", "revenue of 2015"],
    ["Did Acme Widgets' revenue rise in FY2022?", "does not ask"],
    [
      "What is the happiness ratio of Acme Widgets in FY2022? Happiness ratio is defined as: smiles / revenue.",
      "smiles",
    ],
    ["What was the revenue and net income of Acme Widgets in FY2022?", "several"],
    ["What was the revenue growth of Acme Widgets and Northern Brick in FY2022?", "several companies"],
    ["What was Acme Widgets' net income growth from FY2020 to FY2021?", "nothing"],
  ])("%s is declined", (question, why) => {
    const answer = figures.answer(question);
    expect("declined" in answer ? answer.declined : answer).toContain(why);
  });

  test("each operand is the row it was read from", () => {
    const answer = figures.answer("What is the current ratio of Acme Widgets in FY2022?");
    if ("declined" in answer) throw new Error(answer.declined);
    expect(
      answer.operands.map(({ page, start, end, value }) => [page.text.slice(start, end), value]),
    ).toEqual([
      ["Total current assets 300.0 280.0", 300e6],
      ["Total current liabilities 150.0 140.0", 150e6],
    ]);
  });
});

test.each([
  [
    "What was the free cash flow of Acme Widgets in FY2022?",
    "operating cash flow 2022 − capital expenditure 2022",
  ],
  [
    "What is the fixed asset turnover of Acme Widgets in FY2022?",
    "revenue 2022 / ((property, plant and equipment 2021 + property, plant and equipment 2022) / 2)",
  ],
  ["What was Acme Widgets' revenue growth from FY2021 to FY2022?", "revenue 2022 / revenue 2021 − 1"],
  [
    "What is Acme Widgets' 2 year revenue CAGR from FY2020 to FY2022?",
    "(revenue 2022 / revenue 2020)^(1 / 2) − 1",
  ],
  ["What was Acme Widgets' revenue in FY2022?", "revenue 2022"],
])("the arithmetic of %j", (question, arithmetic) => {
  const answer = createFigures(filingPages).answer(question);
  if ("declined" in answer) throw new Error(answer.declined);
  expect(arithmeticOf(answer, (item, year) => `${item.name} ${year}`)).toBe(arithmetic);
});

describe("search", () => {
  const { search } = createFilingSearch(filingPages);
  test.each([
    ["What was the net profit of Acme Widgets in FY2022?", "Acme Widgets Inc.-2022-10-K#3"],
    ["What is Acme Widgets' inventory at the end of FY2022?", "Acme Widgets Inc.-2022-10-K#4"],
    ["How much capex did Acme Widgets have in FY2022?", "Acme Widgets Inc.-2022-10-K#5"],
    ["Is Acme Widgets in any lawsuits in FY2022?", "Acme Widgets Inc.-2022-10-K#2"],
    ["In which industry does Acme Widgets operate, FY2020?", "Acme Widgets Inc.-2020-10-K#0"],
    ["Who became CEO of Acme Widgets on September 1, 2022?", "Acme Widgets Inc.-2022-8-K#0"],
    ["What was Acme Widgets' revenue in Q2 of FY2022?", "Acme Widgets Inc.-2022-10-Q2#0"],
    ["Northern Brick lawsuits in 2022", "Northern Brick & Tile Co-2022-10-K#0"],
  ])("%s", (question, id) => expect(search(question, 3)[0]!.page.id).toBe(id));

  test("of two notices of one year, the one of the month or day that is named", () => {
    const notice = (day: string, text: string) => ({
      id: day,
      filing: { id: day, company: "Acme Widgets Inc.", form: "8-K", year: 2022, quarter: null, day } as const,
      page: 0,
      text,
    });
    const both = createFilingSearch([
      notice("2022-03-07", "Item 5.02 Jane Roe was appointed chief executive officer."),
      notice("2022-09-01", "Item 5.02 John Poe was appointed chief executive officer."),
    ]);
    const first = (question: string) => both.search(question, 2)[0]!.page.id;
    expect(first("Who was appointed at Acme Widgets in September 2022?")).toBe("2022-09-01");
    expect(first("Who was appointed at Acme Widgets in March of 2022?")).toBe("2022-03-07");
    expect(first("Who was appointed at Acme Widgets on September 1, 2022?")).toBe("2022-09-01");
  });

  test("asks for more than there are, and for nothing known", () => {
    expect(search("revenue", 1000)).toHaveLength(filingPages.length);
    expect(search("zzz", 2)).toHaveLength(2);
  });
});
