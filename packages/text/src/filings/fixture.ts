import type { Filing, FilingForm, FilingPage } from "./filing.ts";

/** Pages of an invented company's filings, in the layouts that filers use. Figures are in millions unless said. */
const income = (years: string, rows: string) => `Table of Contents
ACME WIDGETS, INC. AND SUBSIDIARIES
CONSOLIDATED STATEMENTS OF INCOME
(In millions, except per share amounts)
Years Ended December 31, ${years}
${rows}
Basic $ 3.10 $ 2.50 $ 2.00
Diluted $ 3.00 $ 2.40 $ 1.90
The accompanying notes are an integral part of these statements.`;

export const income2022 = income(
  "2022 2021 2020",
  `Revenues
Widgets $ 900.0 $ 700.0 $ 600.0
Services (Note 5) 300.0 300.0 200.0
Total revenues 1,200.0 1,000.0 800.0
Cost of sales (480.0) (420.0) (360.0)
Operating income 240.0 180.0 ( 20.0 )
Interest expense, including amounts to related
parties (40.0) (30.0) —
Income before income taxes 200.0 150.0 (20.0)
Provision for income taxes (50.0) (30.0) 4.0
Net income $ 150.0 $ 120.0 $ (16.0)
Less: attributable to noncontrolling interests 10.0 20.0 —
Net income attributable to
Acme Widgets shareholders $ 140.0 $ 100.0 $ (16.0)`,
);

export const balance2022 = `ACME WIDGETS, INC.
CONSOLIDATED BALANCE SHEETS
(Dollars in millions)
At December 31, 2022 At December 31, 2021
Current assets:
Cash and cash equivalents $ 90.0 $ 60.0
Accounts receivable, net of allowances of $2 and $1, at December 31, 2022 and December 31, 2021, respectively 110.0 90.0
Inventories 80.0 120.0
Total current assets 300.0 280.0
Property and equipment, net 500.0 460.0
Total assets $ 1,000.0 $ 900.0
Accounts payable $ 70.0 $ 50.0 Accrued liabilities 80.0 90.0
Total current liabilities 150.0 140.0
Total liabilities 600.0 560.0
Retained earnings 300.0 250.0
Total stockholders’ equity 400.0 340.0`;

export const cash2022 = `ACME WIDGETS, INC.
CONSOLIDATED STATEMENTS OF CASH FLOWS
(In thousands)
Year Ended December 31,
2022
2021
2020
Cash flows from operating activities
Net income $ 150,000 $ 120,000 $ (16,000)
Depreciation and amortization 60,000 50,000 40,000
Net cash provided by operating activities 230,000 170,000 30,000
Cash flows from investing activities
Purchases of property and equipment (84,000) (60,000) (50,000)
Net cash used in investing activities (84,000) (60,000) (50,000)
Cash flows from financing activities
Dividends paid (35,000) (25,000) —
Net cash used in financing activities (116,000) (90,000) 20,000
Cash and cash equivalents, end of year $ 90,000 $ 60,000 $ 40,000`;

/** Two columns of the quarter beside two of the year so far. */
const quarterIncome2022 = `ACME WIDGETS, INC.
CONDENSED CONSOLIDATED STATEMENTS OF INCOME (Unaudited)
(In millions, except per share amounts)
Three Months Ended June 30, Six Months Ended June 30,
2022 2021 2022 2021
Total revenues $ 310.0 $ 240.0 $ 590.0 $ 460.0
Cost of sales (124.0) (102.0) (236.0) (195.0)
Operating income 62.0 43.0 118.0 82.0
Income before income taxes 52.0 36.0 98.0 68.0
Provision for income taxes (13.0) (7.0) (24.5) (13.0)
Net income $ 39.0 $ 29.0 $ 73.5 $ 55.0
Diluted $ 0.78 $ 0.58 $ 1.47 $ 1.10`;

const quarterBalance2022 = `ACME WIDGETS, INC.
CONDENSED CONSOLIDATED BALANCE SHEETS
(Dollars in millions)
June 30, 2022 December 31, 2021
Inventories 95.0 120.0
Total current assets 290.0 280.0
Total assets $ 950.0 $ 900.0
Total current liabilities 145.0 140.0
Total liabilities 580.0 560.0
Retained earnings 270.0 250.0
Total stockholders’ equity 370.0 340.0`;

const quarterCash = (span: string, years: string, rows: string) => `ACME WIDGETS, INC.
CONDENSED CONSOLIDATED STATEMENTS OF CASH FLOWS
(In thousands)
${span}
${years}
Cash flows from operating activities
${rows}`;

const quarterCash2022 = quarterCash(
  "Six Months Ended June 30,",
  "2022 2021",
  `Net income $ 73,500 $ 55,000
Net cash provided by operating activities 98,000 70,000
Purchases of property and equipment (38,000) (27,000)
Net cash used in investing activities (38,000) (27,000)
Net cash used in financing activities (50,000) (40,000)
Cash and cash equivalents, end of period $ 70,000 $ 55,000`,
);

const quarterCash2022Q3 = quarterCash(
  "Nine Months Ended September 30,",
  "2022 2021",
  `Net income $ 111,000 $ 86,000
Net cash provided by operating activities 160,000 120,000
Purchases of property and equipment (60,000) (44,000)
Net cash used in investing activities (60,000) (44,000)
Net cash used in financing activities (80,000) (66,000)
Cash and cash equivalents, end of period $ 80,000 $ 58,000`,
);

/** Only the year so far is told. */
const nineMonthsIncome2022 = `ACME WIDGETS, INC.
CONDENSED CONSOLIDATED STATEMENTS OF INCOME (Unaudited)
(In millions, except per share amounts)
Nine Months Ended September 30, 2022 Nine Months Ended September 30, 2021
Total revenues $ 900.0 $ 720.0
Cost of sales (360.0) (300.0)
Operating income 180.0 130.0
Income before income taxes 148.0 108.0
Provision for income taxes (37.0) (22.0)
Net income $ 111.0 $ 86.0
Diluted $ 2.22 $ 1.72`;

const prose = {
  business: `Item 1. Business
Acme Widgets designs and sells widgets to makers of machines all over the world. It is a leader in its industry.`,
  legal: `Item 3. Legal Proceedings
A class action was filed against the company in March 2022. It is unable to estimate a loss.`,
  index: `INDEX TO FINANCIAL STATEMENTS
Consolidated Statements of Income for 2022, 2021 and 2020 41
Consolidated Balance Sheets 42
Consolidated Statements of Cash Flows 43`,
};

function filing(
  company: string,
  form: FilingForm,
  year: number,
  quarter: number | null = null,
  day: string | null = null,
): Filing {
  return { id: `${company}-${year}-${form}${quarter ?? ""}`, company, form, year, quarter, day };
}

function pagesOf(of: Filing, texts: readonly string[]): FilingPage[] {
  return texts.map((text, page) => ({ id: `${of.id}#${page}`, filing: of, page, text }));
}

/** Two companies' reports of the same year, an older report of one, a quarter and an event. */
export const filingPages: readonly FilingPage[] = [
  ...pagesOf(filing("Acme Widgets Inc.", "10-K", 2022), [
    prose.index,
    prose.business,
    prose.legal,
    income2022,
    balance2022,
    cash2022,
  ]),
  ...pagesOf(filing("Acme Widgets Inc.", "10-K", 2020), [
    prose.business,
    income(
      "2020 2019 2018",
      "Total revenues 800.0 640.0 500.0\nIncome taxes 1.0 1.0 1.0\nNet income (16.0) 8.0 4.0",
    ),
  ]),
  ...pagesOf(filing("Acme Widgets Inc.", "10-Q", 2022, 2), [
    quarterIncome2022,
    quarterBalance2022,
    quarterCash2022,
  ]),
  ...pagesOf(filing("Acme Widgets Inc.", "10-Q", 2022, 3), [nineMonthsIncome2022, quarterCash2022Q3]),
  ...pagesOf(filing("Acme Widgets Inc.", "8-K", 2022, null, "2022-09-01"), [
    "Item 5.02 Appointment of Certain Officers\nJane Roe was appointed chief executive officer.",
  ]),
  ...pagesOf(filing("Northern Brick & Tile Co", "10-K", 2022), [
    prose.legal,
    income(
      "2022 2021 2020",
      "Total revenues 77.0 66.0 55.0\nIncome taxes 1.0 1.0 1.0\nNet income 7.0 6.0 5.0",
    ),
  ]),
];
