import { createFigures, createFilingSearch } from "@tapedeck/text/filings/index";
import type { Figure, Filing, FilingForm, FilingPage } from "@tapedeck/text/filings/index";
import { readLines } from "./files.ts";
import { mean } from "./measure.ts";
import type { EvalSet, Measure } from "./measure.ts";

interface Document {
  doc_name: string;
  company: string;
  doc_type: string;
  doc_period: number | null;
}
interface PageLine {
  _id: string;
  doc: string;
  page: number;
  text: string;
}
interface Question {
  question: string;
  answer: string;
  doc_name: string;
  evidence: { doc_name: string; evidence_page_num: number }[];
}

const forms: Record<string, FilingForm> = { "10k": "10-K", "10q": "10-Q", "8k": "8-K", earnings: "earnings" };

/** Quarter and day stand in the file's name. */
function filingOf({ doc_name, company, doc_type, doc_period }: Document): Filing {
  return {
    id: doc_name,
    company,
    form: forms[doc_type.toLowerCase()] ?? "other",
    year: doc_period,
    quarter: Number(/Q([1-4])_/.exec(doc_name)?.[1]) || null,
    day: /\d{4}-\d\d-\d\d/.exec(doc_name)?.[0] ?? null,
  };
}

function readPages(documents: string, pages: string): FilingPage[] {
  const filings = new Map(readLines<Document>(documents).map((one) => [one.doc_name, filingOf(one)]));
  return readLines<PageLine>(pages).map(({ _id, doc, page, text }) => ({
    id: _id,
    filing: filings.get(doc)!,
    page,
    text,
  }));
}

/** The gold answer as one number, once signs and words of its unit are removed; else undefined. */
function goldNumber(answer: string): number | undefined {
  const bare = answer.replaceAll(
    /\b(usd|us|dollars?|thousand|millions?|billions?|percent|times|days?)\b|[$%x,\s]/gi,
    "",
  );
  return bare !== "" && Number.isFinite(Number(bare)) ? Number(bare) : undefined;
}

/** Searches of each question that are timed, so that a hundredth of them are some. */
const rounds = 5;

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

function discounted(found: readonly boolean[]): number {
  return found.reduce((sum, hit, place) => sum + (hit ? 1 / Math.log2(place + 2) : 0), 0);
}

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
    const n = questions.length;
    const started = performance.now();
    const { search } = createFilingSearch(pages);
    const indexSeconds = (performance.now() - started) / 1000;

    const recalls: number[] = [];
    const gains: number[] = [];
    const times: number[] = [];
    let firstDocuments = 0;
    for (const { question, evidence, doc_name } of questions) {
      const gold = new Set(evidence.map((one) => `${one.doc_name}#p${one.evidence_page_num}`));
      const hits = search(question, 10);
      const found = hits.map(({ page }) => gold.has(page.id));
      recalls.push(found.slice(0, 5).filter(Boolean).length / gold.size);
      const ideal = Array.from({ length: Math.min(10, gold.size) }, () => true);
      gains.push(discounted(found) / discounted(ideal));
      if (hits[0]?.page.filing.id === doc_name) firstDocuments++;
    }
    for (let round = 0; round < rounds; round++) {
      for (const { question } of questions) {
        const before = performance.now();
        search(question, 10);
        times.push(performance.now() - before);
      }
    }
    times.sort((one, other) => one - other);

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
    const set = "financebench";
    const shares: Measure[] = [
      { set, metric: "recall@5", value: mean(recalls), n, aim: "≥ 0.75" },
      { set, metric: "ndcg@10", value: mean(gains), n, aim: "≥ 0.65" },
      { set, metric: "document@1", value: firstDocuments / n, n, count: firstDocuments, aim: "≥ 0.92" },
      { set, metric: "numeric_right", value: right / numeric, n: numeric, count: right, aim: "≥ 0.50" },
      { set, metric: "numeric_wrong", value: wrong / numeric, n: numeric, count: wrong, aim: "≤ 0.05" },
    ];
    return [
      ...shares,
      {
        set,
        metric: "latency_p50_ms",
        value: times[Math.floor(times.length / 2)] ?? 0,
        n: times.length,
        aim: "≤ 15",
      },
      {
        set,
        metric: "latency_p99_ms",
        value: times[Math.ceil(times.length * 0.99) - 1] ?? 0,
        n: times.length,
        aim: "≤ 50",
      },
      { set, metric: "index_pages_per_s", value: pages.length / indexSeconds, n: pages.length },
    ];
  },
};
