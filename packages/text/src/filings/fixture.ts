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
    "Condensed statements of income for the second quarter\nTotal revenues 310.0 240.0",
  ]),
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
