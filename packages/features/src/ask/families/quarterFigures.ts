import { figuresNamed, readQuarterRequest } from "@tapedeck/text/filings/index";
import type { QuarterFigure, QuarterRequest } from "@tapedeck/text/filings/index";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import { formatPercent } from "../format.ts";
import { checkWords } from "./comparedFigures.ts";
import { defineFamily } from "./family.ts";
import {
  amount,
  companiesIn,
  currencyOf,
  filingPassageItem,
  kinds,
  negativeItems,
  shelfOf,
  units,
  valueIn,
} from "./filings.ts";
import type { Page } from "./filings.ts";
import type { Tools } from "../tools.ts";

/** Companies and times of one answer. */
const mostCompared = 12;

function pagesOf({ operands }: QuarterFigure): Page[] {
  return operands.map(({ page }) => page as Page);
}

const valueText = (figure: QuarterFigure) => valueIn(figure.value, figure.unit, pagesOf(figure));

/** What a figure of a quarter is, how it was computed, and each row that it rests on. */
function quarterDraft(figure: QuarterFigure): Draft {
  const { company, name, kind, unit, period, value, operands } = figure;
  const pages = pagesOf(figure);
  const isTold = operands.length === 1 && kind === "value";
  const arithmetic = figure.arithmetic(amount);
  const rows = operands.map((one) => `${one.item} of ${one.period}`);
  return {
    text: `${company}: ${kinds[kind]}${name} in ${period} was ${valueText(figure)}${isTold ? "" : `: ${arithmetic}, of ${rows.join(", ")}`}.`,
    cite: [
      {
        kind: "request",
        formula: operands
          .map((one, at) => `${rows[at]} = ${one.value.toLocaleString("en-US")}`)
          .concat(isTold ? [] : [arithmetic])
          .join("; "),
        value,
        unit: unit === "money" ? (currencyOf(pages) ?? "number") : units[unit],
      },
      ...operands.map(({ start, end }, at) => filingPassageItem(pages[at]!, start, end)),
      ...(isTold ? [] : negativeItems(operands, currencyOf(pages) ?? "number")),
    ],
    names: [company, period, ...operands.map((one) => one.period), ...rows],
  };
}

/** How the figure of a later quarter stands to that of an earlier one of the same company. */
function changeDraft(first: QuarterFigure, last: QuarterFigure): Draft {
  const growth = first.unit !== "percent" && first.value > 0 ? last.value / first.value - 1 : undefined;
  const change = growth ?? last.value - first.value;
  const [from, to] = [quarterDraft(first), quarterDraft(last)];
  const size = growth === undefined || change === 0 ? "" : ` ${formatPercent(Math.abs(growth))}`;
  const moved = change === 0 ? "did not change" : `${change < 0 ? "fell" : "rose"}${size}`;
  return {
    text: `${first.company}: ${first.name} ${moved} from ${first.period} to ${last.period}, from ${valueText(first)} to ${valueText(last)}.`,
    cite: [
      {
        kind: "request",
        formula: `${first.name} of ${last.period} ${growth === undefined ? "-" : "/"} that of ${first.period}${growth === undefined ? "" : " - 1"}`,
        value: change,
        unit: growth === undefined ? "difference" : "return",
      },
      ...from.cite,
      ...to.cite,
    ],
    names: [...from.names, ...to.names],
  };
}

interface Args extends Record<string, unknown> {
  request: QuarterRequest;
  companies: string[];
  /** Undefined: one figure, read from the whole question. */
  item: string | undefined;
}

async function read(
  { request, companies, item }: Args,
  tools: Tools,
): Promise<{ told: QuarterFigure[]; missing: string[] }> {
  const told: QuarterFigure[] = [];
  const missing: string[] = [];
  const years = request.times.flatMap(({ year }) => (year === null ? [] : [year - 1, year, year + 1]));
  for (const company of companies.slice(0, mostCompared)) {
    const quarters = (await shelfOf(company, tools, { form: "10-Q", years })).quarters();
    for (const time of request.times) {
      const question = item === undefined ? request.question : `What was the ${item} of ${company}?`;
      const figure = quarters.answer({ ...request, question, times: [time] });
      if ("declined" in figure) missing.push(figure.declined);
      else told.push(figure);
    }
  }
  return { told, missing };
}

/** Figures of quarters, of twelve months and of the year so far, from quarterly and annual reports. */
export const quarterFigure = defineFamily<Args>({
  name: "quarterFigure",
  takes: ["anything"],
  about:
    "A figure of a company's statements in a quarter, in the twelve months up to one, or in the year so far, also compared over companies and years",
  examples: [
    "What was the revenue of Acme Widgets in Q2 2022?",
    "What was the operating income of Acme Widgets in the fourth quarter of 2022?",
    "What was the revenue of Acme Widgets in the twelve months to Q2 2022?",
    "What was the operating margin of Acme Widgets in the latest quarter?",
    "Compare the revenue of Acme Widgets in Q2 2021 and Q2 2022",
  ],
  understand(q, hint) {
    const companies = companiesIn(q, hint);
    const request = readQuarterRequest(q.original);
    const items = [...new Set(figuresNamed(q.original))];
    if (request === undefined || companies.length === 0 || items.length === 0) return undefined;
    if (companies.length === 1 && request.times.length === 1) return { request, companies, item: undefined };
    if (items.length !== 1) return undefined;
    checkWords({ ...q, original: request.question }, companies, items[0]!);
    return { request, companies, item: items[0]! };
  },
  async run(args, tools) {
    const { told, missing } = await read(args, tools);
    const [first, ...others] = told;
    if (first === undefined) throw new Declined(missing[0]!);
    const last = others.at(-1);
    const isOverTime = last !== undefined && args.companies.length === 1;
    const drafts = [...told.map(quarterDraft), ...(isOverTime ? [changeDraft(first, last)] : [])];
    return missing.length === 0 ? { drafts } : { drafts, message: missing.slice(0, 3).join(" ") };
  },
});
