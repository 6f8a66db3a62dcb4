import { bareDocument, isObject, UnreadableError } from "./document.ts";
import type { ReadDocument, ReadItem } from "./document.ts";
import { inColumns } from "./layout.ts";
import { readMoment } from "./moment.ts";
import type { Statement } from "../filings/statements.ts";

/** One value of a fact as the SEC's company facts tell it. */
interface FactValue {
  start?: string;
  end: string;
  val: number;
  accn: string;
  fy: number | null;
  fp: string | null;
  form: string;
  filed: string;
}

interface Fact {
  label: string | null;
  units: Record<string, FactValue[]>;
}

/** Tags of US GAAP that make up the statements, in their order, with the words that filers write for them. */
const lines: Record<Statement, readonly (readonly [tag: string, label: string])[]> = {
  income: [
    ["RevenueFromContractWithCustomerExcludingAssessedTax", "Total revenues"],
    ["Revenues", "Total revenues"],
    ["SalesRevenueNet", "Total revenues"],
    ["CostOfRevenue", "Cost of revenue"],
    ["CostOfGoodsAndServicesSold", "Cost of sales"],
    ["GrossProfit", "Gross profit"],
    ["ResearchAndDevelopmentExpense", "Research and development"],
    ["SellingGeneralAndAdministrativeExpense", "Selling, general and administrative"],
    ["OperatingIncomeLoss", "Operating income"],
    ["InterestExpense", "Interest expense"],
    [
      "IncomeLossFromContinuingOperationsBeforeIncomeTaxesExtraordinaryItemsNoncontrollingInterest",
      "Income before income taxes",
    ],
    ["IncomeTaxExpenseBenefit", "Provision for income taxes"],
    ["NetIncomeLoss", "Net income"],
    ["EarningsPerShareBasic", "Basic earnings per share"],
    ["EarningsPerShareDiluted", "Diluted earnings per share"],
  ],
  balance: [
    ["CashAndCashEquivalentsAtCarryingValue", "Cash and cash equivalents"],
    ["AccountsReceivableNetCurrent", "Accounts receivable, net"],
    ["InventoryNet", "Inventories"],
    ["AssetsCurrent", "Total current assets"],
    ["PropertyPlantAndEquipmentNet", "Property and equipment, net"],
    ["Goodwill", "Goodwill"],
    ["Assets", "Total assets"],
    ["AccountsPayableCurrent", "Accounts payable"],
    ["LiabilitiesCurrent", "Total current liabilities"],
    ["LongTermDebtNoncurrent", "Long-term debt"],
    ["Liabilities", "Total liabilities"],
    ["RetainedEarningsAccumulatedDeficit", "Retained earnings"],
    ["StockholdersEquity", "Total stockholders' equity"],
  ],
  cash: [
    ["DepreciationDepletionAndAmortization", "Depreciation and amortization"],
    ["NetCashProvidedByUsedInOperatingActivities", "Net cash provided by operating activities"],
    ["PaymentsToAcquirePropertyPlantAndEquipment", "Purchases of property and equipment"],
    ["NetCashProvidedByUsedInInvestingActivities", "Net cash used in investing activities"],
    ["PaymentsOfDividends", "Dividends paid"],
    ["PaymentsForRepurchaseOfCommonStock", "Repurchases of common stock"],
    ["NetCashProvidedByUsedInFinancingActivities", "Net cash used in financing activities"],
  ],
};

const titles: Record<Statement, string> = {
  income: "CONSOLIDATED STATEMENTS OF INCOME",
  balance: "CONSOLIDATED BALANCE SHEETS",
  cash: "CONSOLIDATED STATEMENTS OF CASH FLOWS",
};
/** Tags that are shown as amounts paid, which statements of cash flows set in brackets. */
const paid = /^Payments/;
const formOf: Record<string, "10-K" | "10-Q"> = { "10-K": "10-K", "10-KT": "10-K", "10-Q": "10-Q" };
const dayMs = 86_400_000;
const otherRows = 80;

export interface CompanyFacts {
  entityName: string;
  facts: Record<string, unknown>;
}

export function isCompanyFacts(json: unknown): json is CompanyFacts & Record<string, unknown> {
  return isObject(json) && typeof json["entityName"] === "string" && isObject(json["facts"]);
}

/** The facts of a taxonomy; members of another shape are left out. */
function factsOf(taxonomy: unknown): [tag: string, Fact][] {
  if (!isObject(taxonomy)) return [];
  return Object.entries(taxonomy).flatMap(([tag, fact]): [string, Fact][] => {
    if (!isObject(fact) || !isObject(fact["units"])) return [];
    const units = Object.entries(fact["units"]).map(([unit, values]): [string, FactValue[]] => [
      unit,
      Array.isArray(values) ? values.filter(isFactValue) : [],
    ]);
    const label = typeof fact["label"] === "string" ? fact["label"] : null;
    return [[tag, { label, units: Object.fromEntries(units) }]];
  });
}

function isFactValue(value: unknown): value is FactValue {
  return (
    isObject(value) &&
    typeof value["val"] === "number" &&
    ["end", "accn", "form", "filed"].every((member) => typeof value[member] === "string") &&
    (value["start"] === undefined || typeof value["start"] === "string") &&
    (value["fy"] === null || Number.isInteger(value["fy"])) &&
    (value["fp"] === null || typeof value["fp"] === "string")
  );
}

interface Report {
  accn: string;
  form: "10-K" | "10-Q";
  filed: string;
  fiscalYear: number;
  quarter: number | undefined;
  /** By tag: its values by the year in which their period ends; `soFar` over the quarters of the year up to the report's. */
  values: Map<string, TaggedValues>;
}

interface TaggedValues {
  label: string;
  unit: string;
  byYear: Map<number, number>;
  soFar: Map<number, number>;
}

/** Days by which a period may be shorter or longer than its months. */
const slackDays = 15;
const monthDays = 365.25 / 12;

/** The months that a value covers, a whole number of quarters; 0: a moment; undefined: another length. */
function monthsOf({ start, end }: FactValue): number | undefined {
  if (start === undefined) return 0;
  const days = (Date.parse(end) - Date.parse(start)) / dayMs;
  return [3, 6, 9, 12].find((months) => Math.abs(days - months * monthDays) < slackDays);
}

/** Of a report's own kind of period (a year, a quarter, a moment), or of its year so far; undefined for any other. */
function spanOf(
  value: FactValue,
  form: Report["form"],
  quarter: number | undefined,
): "byYear" | "soFar" | undefined {
  const months = monthsOf(value);
  if (months === undefined) return undefined;
  if (months === 0 || months === (form === "10-K" ? 12 : 3)) return "byYear";
  return form === "10-Q" && quarter !== undefined && months === quarter * 3 ? "soFar" : undefined;
}

function reportsOf(facts: readonly [tag: string, Fact][]): Report[] {
  const reports = new Map<string, Report>();
  for (const [tag, { label, units }] of facts) {
    for (const [unit, values] of Object.entries(units)) {
      for (const value of values) {
        const form = formOf[value.form];
        const told = /^Q([1-4])$/.exec(value.fp ?? "")?.[1];
        const quarter = told === undefined ? undefined : Number(told);
        const span = form === undefined ? undefined : spanOf(value, form, quarter);
        if (form === undefined || value.fy === null || span === undefined) continue;
        let report = reports.get(value.accn);
        if (report === undefined) {
          report = {
            accn: value.accn,
            form,
            filed: value.filed,
            fiscalYear: value.fy,
            quarter,
            values: new Map(),
          };
          reports.set(value.accn, report);
        }
        const known: TaggedValues = report.values.get(tag) ?? {
          label: label ?? tag,
          unit,
          byYear: new Map(),
          soFar: new Map(),
        };
        if (known.unit === unit) known[span].set(Number(value.end.slice(0, 4)), value.val);
        report.values.set(tag, known);
      }
    }
  }
  return [...reports.values()].toSorted((one, other) => (one.filed < other.filed ? -1 : 1));
}

/** A value in thousands, exact; one per share as it is, to the cent at least. */
function shown(value: number, unit: string, asPaid: boolean): string {
  const perShare = unit.includes("/");
  const scaled = perShare ? value : value / 1_000;
  const digits = { minimumFractionDigits: perShare ? 2 : 0, maximumFractionDigits: 6 };
  const text = new Intl.NumberFormat("en-US", digits).format(Math.abs(scaled));
  return scaled < 0 !== asPaid && scaled !== 0 ? `(${text})` : text;
}

interface Line {
  label: string;
  tag: string;
}

const countedMonths: Record<number, string> = { 3: "THREE", 6: "SIX", 9: "NINE" };

/** The line over the columns of a quarterly report that says what they cover; none over moments and years. */
function coverOf({ quarter, form }: Report, span: "byYear" | "soFar", isMoment: boolean): string {
  if (form === "10-K" || quarter === undefined || isMoment) return "";
  return `${countedMonths[span === "byYear" ? 3 : quarter * 3]} MONTHS ENDED\n`;
}

/** The currency that most of a report's values are in; undefined where none is. */
function currencyOf({ values }: Report): string | undefined {
  const units = [...values.values()].map(({ unit }) => unit).filter((unit) => /^[A-Z]{3}$/.test(unit));
  return [...Map.groupBy(units, (unit) => unit)].toSorted(
    (one, other) => other[1].length - one[1].length,
  )[0]?.[0];
}

/**
 * Pages of rows over the same years: those that most rows have, and beside them pages for rows that lack one of them. A
 * row's further years stand in the reports of those years.
 */
function pagesOf(
  report: Report,
  { title, isMoment }: { title: string; isMoment: boolean },
  wanted: readonly Line[],
  span: "byYear" | "soFar" = "byYear",
): string[] {
  const facts = wanted.flatMap(({ label, tag }) => {
    const fact = report.values.get(tag);
    return fact === undefined || fact[span].size === 0
      ? []
      : [{ unit: fact.unit, told: fact[span], label, tag }];
  });
  const yearsOf = (values: ReadonlyMap<number, number>) =>
    [...values.keys()].toSorted((one, other) => other - one);
  const groups = Map.groupBy(facts, ({ told }) => yearsOf(told).join(" "));
  const [most] = [...groups.values()].toSorted((one, other) => other.length - one.length);
  const common = most === undefined ? [] : yearsOf(most[0]!.told);
  const pages = new Map<string, { years: number[]; rows: string[][] }>();
  for (const { label, tag, unit, told } of facts) {
    const years = common.every((year) => told.has(year)) ? common : yearsOf(told);
    const page = pages.get(years.join(" ")) ?? { years, rows: [] };
    page.rows.push([label, ...years.map((year) => shown(told.get(year)!, unit, paid.test(tag)))]);
    pages.set(years.join(" "), page);
  }
  const currency = currencyOf(report);
  const scale = `(In thousands${currency === undefined ? "" : ` of ${currency}`}, except per share amounts)`;
  return [...pages.values()].map(
    ({ years, rows }) =>
      `${title}\n${scale}\n${coverOf(report, span, isMoment)}${inColumns([["", ...years.map(String)], ...rows])}`,
  );
}

function documentOf(company: string, report: Report): ReadDocument {
  const { accn, form, filed, fiscalYear, quarter, values } = report;
  const period =
    quarter === undefined ? `fiscal year ${fiscalYear}` : `quarter ${quarter} of fiscal year ${fiscalYear}`;
  const used = new Set<string>();
  const statementPages = (["income", "balance", "cash"] as const).flatMap((statement) => {
    const told = new Set<string>();
    // Of several tags for the same line the first that is there.
    const wanted = lines[statement].filter(
      ([tag, label]) => values.has(tag) && !told.has(label) && told.add(label),
    );
    for (const [tag] of wanted) used.add(tag);
    const named = wanted.map(([tag, label]) => ({ tag, label }));
    const page = { title: titles[statement], isMoment: statement === "balance" };
    return [...pagesOf(report, page, named), ...pagesOf(report, page, named, "soFar")];
  });
  const others = [...values].filter(([tag]) => !used.has(tag)).map(([tag, { label }]) => ({ tag, label }));
  const otherPages = Array.from({ length: Math.ceil(others.length / otherRows) }, (_, i) =>
    pagesOf(
      report,
      { title: "OTHER FIGURES AS TAGGED", isMoment: false },
      others.slice(i * otherRows, (i + 1) * otherRows),
    ),
  ).flat();
  const cover = `${company}\nForm ${form}, ${period}\nFigures as filed with the SEC on ${filed} (XBRL company facts, accession ${accn}).`;
  const published = readMoment(filed);
  return {
    ...bareDocument(
      "filing",
      `${company} ${form} ${fiscalYear}${quarter === undefined ? "" : ` Q${quarter}`}, figures as filed`,
      [cover, ...statementPages, ...otherPages].join("\f"),
    ),
    key: accn,
    company,
    filing: { company, form, year: fiscalYear, ...(quarter === undefined ? {} : { quarter }) },
    publishedMs: published?.ms ?? null,
    publisher: "SEC",
    licence: "public domain",
    language: "eng",
    guesses: [{ what: "published", value: filed, why: "the day it was filed, from its end on" }],
  };
}

/**
 * Reads the SEC's company facts: a document for each annual and quarterly report, with its statements as pages whose rows
 * the reader of figures understands. A report's figures are public from the day it was filed, so that later
 * restatements change nothing in what was known before. Throws UnreadableError where no report is told.
 */
export function readCompanyFacts({ entityName, facts }: CompanyFacts): ReadItem[] {
  const reports = reportsOf(factsOf(facts["us-gaap"]));
  if (reports.length === 0) {
    throw new UnreadableError("empty", "It tells no figures of annual or quarterly reports by US GAAP.");
  }
  return reports.map((report) => ({ ok: true, document: documentOf(entityName, report) }));
}
