/** What a measure's value is: an amount of money, a plain ratio, a ratio told in percent, or days. */
export type FigureUnit = "money" | "ratio" | "percent" | "days";

/** A measure with a name, defined over items as a question would define it (expression.ts). */
export interface Metric {
  name: string;
  said: RegExp;
  definition: string;
  unit: FigureUnit;
}

/** Definitions are those of the common textbooks; a question's own definition comes before them. */
export const metrics: readonly Metric[] = [
  {
    name: "fixed asset turnover",
    said: /fixed asset turnover/,
    definition: "revenue / average pp&e",
    unit: "ratio",
  },
  {
    name: "asset turnover",
    said: /asset turnover/,
    definition: "revenue / average total assets",
    unit: "ratio",
  },
  {
    name: "inventory turnover",
    said: /inventory turnover/,
    definition: "cost of sales / average inventory",
    unit: "ratio",
  },
  {
    name: "days payable outstanding",
    said: /dpo|days payables? outstanding/,
    definition: "365 * average accounts payable / (cost of sales + change in inventory)",
    unit: "days",
  },
  {
    name: "days sales outstanding",
    said: /dso|days sales outstanding/,
    definition: "365 * average receivables / revenue",
    unit: "days",
  },
  {
    name: "days inventory outstanding",
    said: /dio|days inventory outstanding/,
    definition: "365 * average inventory / cost of sales",
    unit: "days",
  },
  {
    name: "cash conversion cycle",
    said: /cash conversion cycle/,
    definition: "dio + dso - dpo",
    unit: "days",
  },
  {
    name: "current ratio",
    said: /(working capital|current) ratio/,
    definition: "current assets / current liabilities",
    unit: "ratio",
  },
  {
    name: "quick ratio",
    said: /quick ratio|acid.test( ratio)?/,
    definition: "(current assets - inventory) / current liabilities",
    unit: "ratio",
  },
  {
    name: "working capital",
    said: /(net )?working capital/,
    definition: "current assets - current liabilities",
    unit: "money",
  },
  {
    name: "operating cash flow ratio",
    said: /operating cash flow ratio/,
    definition: "operating cash flow / current liabilities",
    unit: "ratio",
  },
  {
    name: "free cash flow",
    said: /free ?cash ?flow|fcf/,
    definition: "operating cash flow - capex",
    unit: "money",
  },
  {
    name: "EBITDA",
    said: /(unadjusted )?ebitda/,
    definition: "operating income + d&a",
    unit: "money",
  },
  {
    name: "interest coverage",
    said: /interest coverage( ratio)?/,
    definition: "operating income / interest expense",
    unit: "ratio",
  },
  {
    name: "effective tax rate",
    said: /effective tax rate/,
    definition: "income tax / income before tax",
    unit: "percent",
  },
  {
    name: "return on assets",
    said: /return on assets|roa/,
    definition: "net income / average total assets",
    unit: "ratio",
  },
  {
    name: "return on equity",
    said: /return on equity|roe/,
    definition: "net income / average equity",
    unit: "ratio",
  },
  {
    name: "payout ratio",
    said: /(dividend )?payout ratio/,
    definition: "dividends / net income",
    unit: "ratio",
  },
  {
    name: "retention ratio",
    said: /retention ratio/,
    definition: "(net income - dividends) / net income",
    unit: "ratio",
  },
  {
    name: "gross margin",
    said: /gross (profit )?(% )?margins?/,
    definition: "gross profit / revenue",
    unit: "percent",
  },
  {
    name: "operating margin",
    said: /operating (profit |income )?(% )?margins?/,
    definition: "operating income / revenue",
    unit: "percent",
  },
  {
    name: "net margin",
    said: /net (profit |income )?(% )?margins?|profit margins?/,
    definition: "net income / revenue",
    unit: "percent",
  },
];
