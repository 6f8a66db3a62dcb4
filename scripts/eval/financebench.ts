import { createFigures, createFilingSearch } from "@tapedeck/text/filings/index";
import type { Figure } from "@tapedeck/text/filings/index";
import { readLines } from "./files.ts";
import type { EvalSet } from "./measure.ts";
import { measureRetrieval, readPages } from "./retrieval.ts";
import type { Question } from "./retrieval.ts";

/** The gold answer as one number, once signs and words of its unit are removed; else undefined. */
function goldNumber(answer: string): number | undefined {
  const bare = answer.replaceAll(
    /\b(usd|us|dollars?|thousand|millions?|billions?|percent|times|days?)\b|[$%x,\s]/gi,
    "",
  );
  return bare !== "" && Number.isFinite(Number(bare)) ? Number(bare) : undefined;
}

/** The figure in the unit that the question asks for, rounded as it asks. */
function asAsked(question: string, gold: string, { value, request }: Figure): number {
  const inPercent = request.unit === "percent" || /%|percent/i.test(gold);
  const scale = /billion/i.test(question) ? 1e9 : /thousand/i.test(question) ? 1e3 : 1e6;
  const shown = inPercent ? value * 100 : request.unit === "money" ? value / scale : value;
  const places = /two decimal|2 decimal/i.test(question)
    ? 2
    : /one decimal|1 decimal/i.test(question)
      ? 1
      : undefined;
  return places === undefined ? shown : Number(shown.toFixed(places));
}

/** The search and the reader of figures that questions about filings use, in memory. */
export const financebench: EvalSet = {
  name: "financebench",
  files: [
    ["financebench", /^documents\.jsonl/],
    ["financebench", /^pages\.jsonl/],
    ["financebench", /^questions.*\.jsonl/],
  ],
  async run([documentFile, pageFile, questionFile]) {
    const pages = readPages(documentFile!, pageFile!);
    const questions = readLines<Question>(questionFile!);
    const started = performance.now();
    const { search } = createFilingSearch(pages);
    const indexSeconds = (performance.now() - started) / 1000;
    const set = "financebench";
    const retrieval = await measureRetrieval(set, questions, async (question, limit) =>
      search(question, limit).map(({ page }) => ({ page: page.id, filing: page.filing.id })),
    );

    const figures = createFigures(pages);
    let numeric = 0;
    let right = 0;
    let wrong = 0;
    for (const { question, answer } of questions) {
      const gold = goldNumber(answer);
      if (gold === undefined) continue;
      numeric++;
      const said = figures.answer(question);
      if ("declined" in said) continue;
      const shown = asAsked(question, answer, said);
      if (Math.abs(shown - gold) <= 0.01 * Math.abs(gold)) right++;
      else wrong++;
    }
    return [
      ...retrieval,
      { set, metric: "numeric_right", value: right / numeric, n: numeric, count: right, aim: "≥ 0.50" },
      { set, metric: "numeric_wrong", value: wrong / numeric, n: numeric, count: wrong, aim: "≤ 0.05" },
      { set, metric: "index_pages_per_s", value: pages.length / indexSeconds, n: pages.length },
    ];
  },
};
