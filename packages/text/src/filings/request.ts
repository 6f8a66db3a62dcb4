import { withoutCompany } from "./companies.ts";
import { lastYear, namedAt, parseDefinition } from "./expression.ts";
import type { Expression, Named } from "./expression.ts";
import type { FigureUnit } from "./metrics.ts";
import type { Periods } from "./periods.ts";

/** A figure that a question asks for. */
export interface FigureRequest {
  company: string;
  /** What it is called, in the words of accounting. */
  name: string;
  expression: Expression;
  /** `average` of the years, growth from the first to the last, the same per year (cagr), or the value at `year`. */
  kind: "value" | "average" | "growth" | "cagr";
  years: readonly number[];
  year: number;
  unit: FigureUnit;
}

/** Why a question is not one for a figure of statements, in words for its asker. */
export interface NoFigure {
  declined: string;
}

/** Words of a question that change nothing in which figure is meant. */
const idle = new Set(
  (
    "what is was were are the a an of for in at end year years fy fiscal s did does do how much have has amount total value " +
    "usd dollars dollar million millions billion billions thousands percent percents percentage units unit and rate ratio " +
    "from to between company it its over yoy average margin growth change changes increase annual generate generated report " +
    "reported spend spent pay paid out by on net as figure level result results book booked earn earned owe owed record " +
    "recorded post posted make made tell me give state divided plus minus share portion part fraction proportion went go than"
  ).split(" "),
);

/** Those of them that make another figure of two, or of one over years. */
const making = new Set("average share portion part fraction proportion plus minus divided".split(" "));
/** "As per the annual report", "per year": no figure for each share or employee. */
const idlePer = /\b(?:as per|per (?:cent|year|annum))\b/g;

const defining =
  /(?:^|[.?]\s)((?:define )?[^.?]{3,80}?\s(?:(?:is|are) defined as|as|=)):?\s((?:[^.]|\.(?=\d))+?)\.(?=\s|$)/i;
/** What stands before it in its sentence, or in sentences before, says how to answer. */
const asking =
  /.*((?:what(?:'s| is| was| were| are| did)|how (?:much|fast|quickly)|(?:by )?what (?:percent(?:age)?|%|share|portion|part|fraction|proportion))\b[^?]*)\?/s;
const commanding = /\b(?:calculate|compute|tell me|give me|state)\b[^.?]*/;
const growing =
  /\b(growth|year-over-year|yoy|percent(age)? change|% change|change in|changed?|increase in|decrease in|grow|grew|by what (percent(age)?|%)|how much (higher|lower|larger|smaller))\b/;
/** A figure that is named and nothing else: "Operating cash flow of Acme in FY2021?" */
const naming =
  /^(?!(?:did|does|do|has|have|had|is|are|was|were|why|how|which|who|when|where|can|should|compare|rank|explain)\b)[^?.]{3,120}[?.]?\s*$/;
/** Growth told as a difference: of money where its unit is named, of a rate in points. */
const inMoney =
  /\b(usd|dollars?|millions?|billions?|thousands?|how much (?:higher|lower|larger|smaller))\b|\$/;
const inPercent = /%|\bpercent|\bgrowth\b|\bgrow\b|\bgrew\b|\brate\b/;
/** Words that ask for a change and would make another figure of one that is asked for as it stands. */
const comparing =
  /\b(?:higher|lower|larger|smaller|fast|quickly|(?<=\b(?:fast|quickly|percent|percentage)\b.*)(?:grow|grew))\b/g;
/** "What share of revenue was cost of sales": the second of the first. */
const shareOf =
  /^(?:what|which)? ?(?:percent(?:age)?|%|share|portion|part|fraction|proportion) of (?:the |all )?# *(?:was|were|is|are|went (?:in)?to|did|came from) (?:the |its )?#/;
const bracketed = /\([^)]*\)/g;
const sourceWords = /\bfrom (?:the )?[a-z ]*\b(?:statements?|sheets?)\b/g;
const currencyWords = /\bus(?:\$| dollars?\b)/g;
const yearWords = /\bfy ?'?\d{2,4}\b|\b(?:19|20)\d\d\b|\bcagr\b|\b(?:\d+|two|three|four|five)[ -]years?\b/g;

interface Place {
  at: number;
  named: Named;
}

/** Items and measures that a text names, from left to right. */
function allNamed(text: string): Place[] {
  const found: Place[] = [];
  for (let at = 0; at < text.length; at++) {
    if (at > 0 && /[\p{L}\p{N}]/u.test(text[at - 1]!)) continue;
    const named = namedAt(text.slice(at));
    if (named === null) continue;
    found.push({ at, named });
    at += named.length - 1;
  }
  return found;
}

/** A text with `#` in place of each item and measure. */
function withoutPlaces(text: string, places: readonly Place[]): string {
  let rest = text;
  for (const { at, named } of places.toReversed()) {
    rest = `${rest.slice(0, at)} # ${rest.slice(at + named.length)}`;
  }
  return rest;
}

function notIdle(rest: string): string[] {
  return rest
    .replaceAll(/[^\p{L}\p{N}\s]/gu, " ")
    .replaceAll(/\s+/g, " ")
    .replaceAll(idlePer, " ")
    .split(" ")
    .filter((word) => word !== "" && !idle.has(word));
}

/**
 * The words of a question besides its figures, years and these companies that may make another figure of the one it
 * names: a segment, an adjustment, a region. In small letters.
 */
export function wordsBesideFigures(question: string, companies: readonly string[]): string[] {
  const text = question.replaceAll("’", "'").replaceAll(/\s+/g, " ").toLowerCase();
  const body = companies
    .reduce(withoutCompany, text)
    .replaceAll(currencyWords, " ")
    .replaceAll(yearWords, " ");
  const rest = withoutPlaces(body, allNamed(body));
  return [...notIdle(rest), ...rest.split(/[^\p{L}]+/u).filter((word) => making.has(word))];
}

/** The items and measures that a question names, as it writes them in small letters, from left to right. */
export function figuresNamed(question: string): string[] {
  const text = question.replaceAll("’", "'").replaceAll(/\s+/g, " ").toLowerCase();
  return allNamed(text).map(({ at, named }) => text.slice(at, at + named.length));
}

/**
 * Reads the figure that a question asks for: which item or measure, over which years, of which company. Every word of
 * it must be understood; a segment, an adjustment or a region that is not makes it another figure, so it is declined.
 * The company's names are known to the caller; `periods` is what `readPeriods` made of the question.
 */
export function readFigureRequest(
  question: string,
  companies: readonly string[],
  periods: Periods,
): FigureRequest | NoFigure {
  const [company] = companies;
  if (company === undefined) return { declined: "It names no company whose filings are here." };
  if (companies.length > 1) return { declined: `It names several companies: ${companies.join(", ")}.` };
  if (periods.quarters.length > 0 || periods.days.length > 0) {
    return { declined: "Figures are read from annual statements, not for a quarter or a day." };
  }
  if (periods.years.length === 0) return { declined: "It names no fiscal year." };

  let text = question.replaceAll("’", "'").replaceAll(/\s+/g, " ");
  let definition: Expression | null = null;
  const defined = defining.exec(text);
  if (defined !== null && /defined? /i.test(defined[1]!)) {
    definition = parseDefinition(defined[2]!);
    if (definition === null) return { declined: `Its definition is not understood: ${defined[2]}` };
    text = text.replace(defined[0], "? ");
  }
  const lower = text.toLowerCase();
  const asked =
    asking.exec(lower)?.[1] ??
    commanding.exec(lower)?.[0].replace(/^\w+/, "") ??
    naming.exec(lower.trim())?.[0];
  if (asked === undefined) return { declined: "It does not ask for a figure." };
  const body = withoutCompany(asked, company)
    .replaceAll(bracketed, " ")
    .replaceAll(sourceWords, " ")
    .replaceAll(currencyWords, " ")
    .replaceAll(yearWords, " ");
  const places = allNamed(body);
  const [first, second] = places;
  if (first === undefined) return { declined: "It names no item of the statements and no measure of them." };

  const rest = withoutPlaces(body, places);
  const unknown = notIdle(growing.test(body) ? rest.replaceAll(comparing, " ") : rest);
  if (unknown.length > 0) return { declined: `These words are not understood here: ${unknown.join(", ")}.` };
  const isShareOf = second !== undefined && shareOf.test(rest.replaceAll(/\s+/g, " ").trim());
  const isShare =
    isShareOf || (second !== undefined && /#\s*as an? (%|percent(age)?) of\s*(the )?#/.test(rest));
  const last = places.at(-1)!;
  // "operating income + depreciation": a definition inside the question.
  const written = body.slice(first.at, last.at + last.named.length);
  const summed = definition === null && places.length > 1 && !isShare ? parseDefinition(written) : null;
  if (places.length > (isShare ? 2 : 1) && definition === null && summed === null) {
    return { declined: `It names several: ${places.map(({ named }) => named.name).join(", ")}.` };
  }

  const kind = kindOf(body, asked, periods.years.length);
  const years =
    kind === "growth" && periods.years.length === 1
      ? [periods.years[0]! - 1, periods.years[0]!]
      : periods.years;
  if (kind === "value" && definition === null && years.length > 1) {
    return { declined: "It names several years and does not say what to make of them." };
  }
  const { named } = first;
  const base = definition ?? summed ?? named.expression;
  const year = Math.max(years.at(-1)!, lastYear(base) ?? 0);
  const common = { company, kind, years, year };
  const revenue = parseDefinition("revenue")!;
  if (isShare) {
    const [part, whole] = isShareOf ? [second!.named, named] : [named, second!.named];
    return {
      ...common,
      name: `${part.name} / ${whole.name}`,
      expression: { kind: "binary", op: "/", left: part.expression, right: whole.expression },
      unit: "percent",
    };
  }
  if (definition === null && named.unit === "money" && /#\s*(%|percent(age)?)?\s*margin/.test(rest)) {
    return {
      ...common,
      name: `${named.name} / revenue`,
      expression: { kind: "binary", op: "/", left: named.expression, right: revenue },
      unit: "percent",
    };
  }
  if (kind === "growth" && (named.unit === "percent" || (inMoney.test(asked) && !inPercent.test(asked)))) {
    return {
      ...common,
      name: `change in ${named.name}`,
      expression: { kind: "change", of: base, years: [years[0]!, years.at(-1)!] },
      kind: "value",
      unit: named.unit,
    };
  }
  if (kind === "value" && definition === null && summed === null && /\baverage\b/.test(rest)) {
    const averaged = averageOf(named);
    return averaged === null
      ? { declined: `It asks for an average of ${named.name} and names no years to take it over.` }
      : { ...common, ...averaged };
  }
  const unit = kind === "growth" || kind === "cagr" ? "percent" : named.unit;
  return { ...common, name: summed === null ? named.name : written, expression: base, unit };
}

/** What stands on a balance sheet is averaged over the beginning and end of a year; null for all else. */
function averageOf({
  name,
  expression,
  unit,
}: Named): Pick<FigureRequest, "name" | "expression" | "unit"> | null {
  if (expression.kind !== "item" || expression.item.statement !== "balance") return null;
  return { name: `average ${name}`, expression: { kind: "average", of: expression, years: null }, unit };
}

function kindOf(body: string, asked: string, years: number): FigureRequest["kind"] {
  if (/\bcagr\b|compound annual/.test(asked)) return "cagr";
  if (growing.test(body)) return "growth";
  return years >= 2 && /\baverage\b/.test(body) ? "average" : "value";
}
