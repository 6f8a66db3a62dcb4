import { figuresNamed, readPeriods, wordsBesideFigures } from "@tapedeck/text/filings/index";
import type { Figure } from "@tapedeck/text/filings/index";
import type { EvidenceItem } from "../../evidence/contract.ts";
import { Declined } from "../answer.ts";
import type { Draft } from "../answer.ts";
import { formatPercent } from "../format.ts";
import type { Question } from "../question.ts";
import type { Tools } from "../tools.ts";
import { companiesIn, figureDraft, shelfOf, valueText } from "./filings.ts";
import { defineFamily } from "./family.ts";

/** The one item or measure that a question names; undefined where it names none or several. */
function namedIn(q: Question): string | undefined {
  const names = [...new Set(figuresNamed(q.original))];
  return names.length === 1 ? names[0] : undefined;
}

/** Words that ask for a change or an order and leave the figure what it is. */
const comparing = new Set(
  (
    "why has had been fall fell fallen falling decline declined declining drop dropped decrease decreased shrink shrank lower " +
    "worse rise rose risen rising grow grew grown growing increased climb climbed jump jumped higher improve improved better trend " +
    "develop developed development evolve evolved changed time each history since until through during compare compared rank " +
    "ranked companies which who them these than or both highest lowest most least largest smallest biggest best worst greater " +
    "greatest faster fastest slower slowest smaller larger bigger less more order show me tell please all with against versus vs their"
  ).split(" "),
);

/** Throws Declined where the question has words that may make another figure of the one it names. */
export function checkWords(q: Pick<Question, "original">, companies: readonly string[], item: string): void {
  const left = wordsBesideFigures(q.original, companies).filter((word) => !comparing.has(word));
  if (left.length === 0) return;
  const [company, ...more] = companies;
  throw new Declined(
    `${left.map((word) => `"${word}"`).join(", ")} is not understood in a question that compares ${item}: figures are those of the statements, of the whole company.`,
    {
      suggestions: more.length > 0 ? [] : [`What does ${company} say about ${[...left, item].join(" ")}?`],
    },
  );
}

type Told = Figure & { company: string; year: number };

/** One figure of a company's statements in each year; the years whose statements do not show it, with why. */
export async function figuresOver(
  item: string,
  company: string,
  years: readonly number[],
  tools: Tools,
): Promise<{ told: Told[]; missing: string[] }> {
  const figures = (await shelfOf(company, tools, { form: "10-K", years })).figures();
  const told: Told[] = [];
  const missing: string[] = [];
  for (const year of years) {
    const figure = figures.answer(`What was the ${item} of ${company} in FY${year}?`);
    if ("declined" in figure) missing.push(figure.declined);
    else told.push({ ...figure, company, year });
  }
  return { told, missing };
}

/** Values, each with the row that tells it; the rows of a computed one stand with its arithmetic. */
function cites(figures: readonly Told[]): EvidenceItem[] {
  return figures.flatMap((figure) =>
    figureDraft(figure).cite.filter(({ kind }) => kind === "request" || !isComputed(figure)),
  );
}

const isComputed = ({ operands }: Told) => operands.length > 1;

/** The arithmetic and rows of those figures that are computed. */
export function computedDrafts(figures: readonly Told[]): Draft[] {
  return figures.filter(isComputed).map((figure) => figureDraft(figure));
}

function namesOf(figures: readonly Told[]): string[] {
  return figures.flatMap((figure) => [...figureDraft(figure).names, String(figure.year)]);
}

/** Growth as a fraction; undefined where it grows from nothing or from a loss. */
function growthOf(first: Told, last: Told): number | undefined {
  return first.value > 0 ? last.value / first.value - 1 : undefined;
}

/** What a figure changed by: growth, or the difference where there is none or the figure is a share itself. */
function changeItem(first: Told, last: Told): Extract<EvidenceItem, { kind: "request" }> {
  const { name, unit } = first.request;
  const growth = unit === "percent" ? undefined : growthOf(first, last);
  return {
    kind: "request",
    formula: `${name} of fiscal ${last.year} ${growth === undefined ? "-" : "/"} that of fiscal ${first.year}${growth === undefined ? "" : " - 1"}`,
    value: growth ?? last.value - first.value,
    unit: growth === undefined ? "difference" : "return",
  };
}

export function changeDraft(first: Told, last: Told): Draft {
  const change = changeItem(first, last);
  const { name } = first.request;
  const span = `from fiscal ${first.year} to fiscal ${last.year}`;
  const word = change.value! < 0 ? "fell" : "rose";
  const points = pointsOf(first, last);
  const size =
    points !== undefined
      ? `${Math.abs(points.value!).toFixed(1)} points, `
      : change.unit === "return"
        ? `${formatPercent(Math.abs(change.value!))}, `
        : "";
  return {
    text:
      change.value === 0
        ? `${first.company}: ${name} did not change ${span}.`
        : `${first.company}: ${name} ${word} ${size}from ${valueText(first)} to ${valueText(last)}, ${span}.`,
    cite: [change, ...(points === undefined ? [] : [points]), ...cites([first, last])],
    names: namesOf([first, last]),
  };
}

/** The change of a rate in percentage points; undefined for what is no rate. */
function pointsOf(first: Told, last: Told): Extract<EvidenceItem, { kind: "request" }> | undefined {
  if (first.request.unit !== "percent") return undefined;
  const { formula, value } = changeItem(first, last);
  return { kind: "request", formula: `100 * (${formula})`, value: 100 * value!, unit: "points" };
}

/** What a figure did, where that is not what a question takes for granted; undefined where it is. */
export function correctionDraft(first: Told, last: Told, presumed: "rise" | "fall"): Draft | undefined {
  const sign = Math.sign(last.value - first.value);
  if (sign === (presumed === "rise" ? 1 : -1)) return undefined;
  return {
    text: `${first.company}'s ${first.request.name} did not ${presumed} from fiscal ${first.year} to fiscal ${last.year}: it ${sign < 0 ? "fell" : sign > 0 ? "rose" : "stayed the same"}, from ${valueText(first)} to ${valueText(last)}.`,
    cite: [changeItem(first, last), ...cites([first, last])],
    names: namesOf([first, last]),
  };
}

interface TrendArgs extends Record<string, unknown> {
  item: string;
  company: string;
  years: number[];
  /** What the question takes for granted. */
  presumed: "rise" | "fall" | undefined;
  why: boolean;
}

const fell =
  / (?:fall|fell|fallen|falling|decline|declined|declining|drop|dropped|decrease|decreased|shrink|shrank|lower|worse) /;
const rose =
  / (?:rise|rose|risen|rising|grow|grew|grown|growing|increase|increased|climb|climbed|jump|jumped|higher|improve|improved|better) /;

/** One figure of one company, year by year. */
export const filingTrend = defineFamily<TrendArgs>({
  name: "filingTrend",
  takes: ["anything"],
  about:
    "How a figure of a company's statements developed over years, and whether it rose or fell as the question says",
  examples: [
    "How did the revenue of Acme Widgets develop from 2020 to 2022?",
    "Why did Acme's revenue fall in 2022?",
    "Did the net income of Acme Widgets rise in 2021?",
  ],
  understand(q, hint) {
    const [company, ...more] = companiesIn(q, hint);
    const item = namedIn(q);
    if (company === undefined || more.length > 0 || item === undefined) return undefined;
    const { years, quarters, days } = readPeriods(q.original);
    if (quarters.length + days.length > 0 || years.length === 0) return undefined;
    const [down, up] = [fell.test(q.text), rose.test(q.text)];
    const why = q.any("why");
    const asksChange =
      why ||
      /^ (?:did|has|have|does|is|was) /.test(q.text) ||
      / how (?:much )?(?:did|has|have|was) /.test(q.text) ||
      q.matches(
        / (?:trend|develop|developed|development|evolve|evolved|change|changed|over time|each year|by year|history) /,
      );
    if (!asksChange) return undefined;
    checkWords(q, [company], item);
    return {
      item,
      company,
      years: years.length === 1 ? [years[0]! - 1, years[0]!] : years,
      presumed: down === up ? undefined : down ? "fall" : "rise",
      why,
    };
  },
  async run({ item, company, years, presumed, why }, tools) {
    const { told, missing } = await figuresOver(item, company, years, tools);
    if (told.length < 2) throw new Declined(missing[0] ?? `There are too few statements of ${company}.`);
    const [first, last] = [told[0]!, told.at(-1)!];
    const correction = presumed === undefined ? undefined : correctionDraft(first, last, presumed);
    const drafts = [...(correction === undefined ? [] : [correction]), changeDraft(first, last)];
    drafts.push(...(told.length > 2 ? told.map((figure) => figureDraft(figure)) : computedDrafts(told)));
    return why && correction === undefined
      ? {
          drafts,
          message:
            "The statements tell by how much it changed, not why; ask what the filing says about it in its own words.",
          suggestions: [`What does ${company} say about the change in ${item} in ${last.year}?`],
        }
      : { drafts };
  },
});

/** What companies are compared by is how much a figure changed. */
const changing =
  / (?:growth|grow|grew|grown|growing|faster|fastest|slower|slowest|rise|rose|risen|rising|climb|climbed|jump|jumped|increase|increased|change|changed|fall|fell|fallen|falling|decline|declined|declining|drop|dropped|decrease|decreased|shrink|shrank) /;
const falling =
  / (?:fall|fell|fallen|falling|decline|declined|declining|drop|dropped|decrease|decreased|shrink|shrank) /;

interface CompareArgs extends Record<string, unknown> {
  item: string;
  companies: string[];
  /** The last of them is what is ranked. */
  years: number[];
  order: "highest" | "lowest";
}

/** One figure of several companies, put in order. */
export const filingCompare = defineFamily<CompareArgs>({
  name: "filingCompare",
  takes: ["anything"],
  about: "One figure of several companies, or of all whose filings are here, compared and put in order",
  examples: [
    "Compare the revenue of Acme Widgets and Northern Brick in 2022",
    "Which company had the highest net income in fiscal 2022?",
    "Did Acme Widgets or Northern Brick grow its revenue faster from 2020 to 2022?",
    "Rank the companies by revenue in 2021",
  ],
  understand(q, hint) {
    const named = companiesIn(q, hint);
    const item = namedIn(q);
    const { years, quarters } = readPeriods(q.original);
    if (item === undefined || years.length === 0 || quarters.length > 0) return undefined;
    const all = [...new Set(hint.filings.map(({ company }) => company))];
    const ofAll =
      named.length === 0 &&
      q.matches(/ (?:which compan(?:y|ies)|rank|companies|which of (?:them|these)|who) /);
    const companies = ofAll ? all : named;
    if (companies.length < 2) return undefined;
    checkWords(q, companies, item);
    const low = q.matches(/ (?:lowest|least|smallest|worst|slowest|lower|smaller|slower|less) /);
    return {
      item,
      companies,
      years: years.length === 1 && changing.test(q.text) ? [years[0]! - 1, years[0]!] : years,
      // What fell most grew least.
      order: low === falling.test(q.text) ? "highest" : "lowest",
    };
  },
  async run({ item, companies, years, order }, tools) {
    const missing: string[] = [];
    const rows = new Map<string, Told[]>();
    for (const company of companies.slice(0, mostCompanies)) {
      const found = await figuresOver(item, company, years, tools);
      missing.push(...found.missing);
      if (found.told.length === years.length) rows.set(company, found.told);
    }
    if (rows.size < 2) throw new Declined(missing[0] ?? `There is no ${item} of two companies to compare.`);
    const growth = years.length > 1;
    const ranked = [...rows.values()]
      .map((own) => ({
        own,
        value: growth ? (growthOf(own[0]!, own.at(-1)!) ?? Number.NaN) : own[0]!.value,
      }))
      .filter(({ value }) => Number.isFinite(value))
      .toSorted((a, b) => (order === "highest" ? b.value - a.value : a.value - b.value));
    const [best] = ranked;
    if (best === undefined || ranked.length < 2)
      throw new Declined(
        `The ${item} of these companies grew from nothing or from a loss, which has no growth rate.`,
      );
    const { name } = best.own[0]!.request;
    const span = growth ? `from fiscal ${years[0]} to fiscal ${years.at(-1)}` : `in fiscal ${years[0]}`;
    const all = ranked.flatMap(({ own }) => (growth ? [own[0]!, own.at(-1)!] : own));
    const shown = ranked.map(({ own, value }) =>
      growth ? `${own[0]!.company} ${formatPercent(value)}` : `${own[0]!.company} ${valueText(own[0]!)}`,
    );
    const changes = growth ? ranked.map(({ own }) => changeItem(own[0]!, own.at(-1)!)) : [];
    const drafts: Draft[] = [
      {
        text: `${best.own[0]!.company} had the ${order} ${growth ? "growth of " : ""}${name} of the ${ranked.length} companies ${span}: ${shown.join(", ")}.`,
        cite: [
          {
            kind: "request",
            formula: `count of companies compared by ${name}`,
            value: ranked.length,
            unit: "count",
          },
          ...(growth ? changes : cites(all)),
        ],
        names: namesOf(all),
      },
      ...ranked.flatMap(({ own }) =>
        growth
          ? [changeDraft(own[0]!, own.at(-1)!), ...computedDrafts([own[0]!, own.at(-1)!])]
          : own.map((figure) => figureDraft(figure)),
      ),
    ];
    return missing.length === 0 ? { drafts } : { drafts, message: missing.slice(0, 3).join(" ") };
  },
});

/** Companies that one answer reads. */
const mostCompanies = 12;
